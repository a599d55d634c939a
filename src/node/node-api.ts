/**
 * What a node takes and offers. `node.ts` implements it; the command line, `folkmoot/testing` and programs that embed a
 * node are written against it.
 */
import type { FirstAccess } from '../admin/admin-source.ts';
import type { ClusterStatus, HealthReport } from '../admin/cluster-status.ts';
import type { Logger } from '../base/log.ts';
import type { NodePorts } from '../cluster/view.ts';

/** Everything a node can be told. `completeNodeOptions` fills in the defaults of the option table. */
export interface NodeOptions {
  /** Holds everything this node keeps; made when missing. One node, one folder. */
  readonly dataFolder: string;
  /** What people call the node; unique in the cluster. Default: taken from `host`. */
  readonly name?: string | undefined;
  /** The address to listen on, which is also the one that clients and peers are told. */
  readonly host: string;
  /** Replicas of a tablet are spread over zones. */
  readonly zone: string;
  /** `host` or `host:peerPort` of the initial members, this one included; empty for a node that is a cluster alone. */
  readonly join: readonly string[];
  /** Port 0 asks the system for a free one. */
  readonly ports: NodePorts;
  readonly logger: Logger;
  /** Form the cluster without waiting for `folkmoot init`, as soon as all of `join` can be reached. */
  readonly autoInit: boolean;
  /** Whom the cluster begins with, when this node forms it without being told to by `init`. */
  readonly access: FirstAccess;
  /** A folder of `folkmoot cert`; without it nothing is encrypted. */
  readonly tlsFolder?: string | undefined;
  /** Clients may connect without TLS, too. */
  readonly plainClients: boolean;
  /** Serve `POST /api/faults/*`. For tests only. */
  readonly faultInjection: boolean;
  /** Number of tablets to form the cluster with; 0 chooses. */
  readonly tablets: number;
  /** Replicas of each tablet (capped by the number of nodes). */
  readonly replicationFactor: number;

  readonly heartbeatInterval_ms: number;
  /** How long one node's promise to support another lasts without a heartbeat; the floor of the outage after a crash. */
  readonly supportDuration_ms: number;
  readonly tick_ms: number;
  readonly electionTicks: number;
  readonly flushInterval_ms: number;
  readonly walSegment_bytes: number;
  /** How long a request waits for a leader before it is refused. */
  readonly requestTimeout_ms: number;
  /** How long `drain` tries to hand leadership over before it gives up. */
  readonly drainTimeout_ms: number;
  /** Connections to the Redis ports; more are refused as Redis does. */
  readonly clients_max: number;
  /** Redis's proto-max-bulk-len. */
  readonly bulkLength_bytes_max: number;
  /** Bytes of writes in flight in one node; past it the answer is "busy". */
  readonly inflight_bytes_max: number;
  /** Memory for values that were read from the store lately. */
  readonly readCache_bytes: number;
}

/** The life of a node: `start`, later `drain`, at the end `stop`. A stopped node is not started again; make a new one. */
export interface NodeApi {
  /** Resolves when every door serves: the cluster is formed and its tablets have leaders. */
  start(): Promise<void>;
  /** Resolves when all ports are bound; the cluster is perhaps not formed yet. */
  whenListening(): Promise<void>;
  /** Hands leadership over and refuses new work. Called before `stop` by whoever wants no gap. */
  drain(): Promise<void>;
  stop(): Promise<void>;
  /** Forms the cluster from the members in `join`, once in its life. `access`: whom it begins with. */
  init(access?: FirstAccess): Promise<void>;
  /** Resolves when the cluster has taken this node off its list: it is to be stopped, and cannot come back. */
  whenRemoved(): Promise<void>;
  status(): ClusterStatus;
  ready(): boolean;
  healthy(): HealthReport;
}
