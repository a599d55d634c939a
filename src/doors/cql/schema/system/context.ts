/** What tables of the system are computed from: everything that they may say about the cluster, given by the session for each read. */
import type { Role } from '../../../../cluster/access/role.ts';
import type { ClusterView, NodeView } from '../../../../cluster/view.ts';
import type { Schema } from '../model.ts';

export interface SystemContext {
  readonly view: ClusterView;
  readonly schema: Schema;
  readonly clusterName: string;
  /** The address that clients reach a node at, as numbers; undefined for a name that is not known to have any. */
  readonly addressOf: (node: NodeView) => string | undefined;
  /**
   * Drivers that spread requests over all replicas of the ring are told that there is one, so that they ask the leader:
   * `single` instead of the replication as it was written.
   */
  readonly replication: 'asWritten' | 'single';
  readonly prepared: () => Iterable<PreparedView>;
  readonly clients: () => Iterable<ClientView>;
  readonly roles: () => Iterable<Role>;
  readonly settings: () => Iterable<readonly [name: string, value: string]>;
}

export interface PreparedView {
  readonly id: Buffer;
  readonly keyspace: string | undefined;
  readonly text: string;
}

export interface ClientView {
  readonly address: string;
  readonly port: number;
  readonly driverName: string | undefined;
  readonly driverVersion: string | undefined;
  readonly protocolVersion: number;
  readonly requestCount: number;
  readonly user: string | undefined;
  readonly tlsProtocol: string | undefined;
  readonly tlsCipher: string | undefined;
}
