/**
 * The JSON that `/api/status` and `folkmoot status --json` answer with. Scripts rely on these fields: new ones may be
 * added, none is renamed or removed.
 */
import type { NodeId, NodePorts, Slot, TabletId } from '../cluster/view.ts';

export interface ClusterStatus {
  /** Empty while the cluster is not formed. */
  readonly clusterId: string;
  /** The node that answered; 0 before it has been given an id. */
  readonly self: NodeId;
  /** In order of id. */
  readonly nodes: readonly NodeStatus[];
  /** In order of slots. */
  readonly tablets: readonly TabletStatus[];
  /** Tablets that have fewer living and whole replicas than the replication factor asks for. */
  readonly underReplicated: number;
  /** The group of PostgreSQL servers, where there is one. */
  readonly postgres?: PostgresStatus;
  /** Version of the software of the node that answered. */
  readonly version: string;
  /** Goes up with every change of nodes, tablets, leaders or liveness. */
  readonly viewVersion: number;
}

export interface PostgresStatus {
  readonly availability: 'off' | 'starting' | 'serving' | 'switching' | 'failing-over' | 'unavailable';
  /** Why it does not serve; empty when it does. */
  readonly reason: string;
  /** Goes up with every new primary; 0 before the first. */
  readonly epoch: number;
  /** 0 while there is none. */
  readonly primary: NodeId;
  readonly servers: readonly PostgresServerStatus[];
  /** What users have set, on all servers. */
  readonly settings: Readonly<Record<string, string>>;
  /** When operators have given up servers that did not answer, and what may have been lost with them. */
  readonly overrides: readonly {
    readonly at_ms: number;
    readonly epoch: number;
    readonly pledged: readonly NodeId[];
  }[];
}

export interface PostgresServerStatus {
  readonly node: NodeId;
  readonly name: string;
  readonly role: 'primary' | 'standby' | 'learner' | 'down';
  readonly alive: boolean;
  /** How far it has replayed the log, as PostgreSQL writes it: 0/3000148. */
  readonly replayed: string;
  /** Bytes of the log that it still has to replay. */
  readonly lag_bytes: number;
  /** What it does or waits for. */
  readonly note: string;
}

export interface NodeStatus {
  readonly id: NodeId;
  readonly name: string;
  readonly host: string;
  readonly alive: boolean;
  readonly ports: NodePorts;
  readonly zone?: string;
  /** The node is being removed from the cluster. */
  readonly leaving?: boolean;
  /** Goes up with every start of the node. */
  readonly epoch?: number;
  /** Of the node that answered only. */
  readonly uptime_s?: number;
}

export interface TabletStatus {
  readonly id: TabletId;
  /** First and last slot, both inclusive. */
  readonly slots: readonly [Slot, Slot];
  /** 0 while nobody leads, as far as the answering node knows. */
  readonly leader: NodeId;
  readonly replicas: readonly NodeId[];
  /** Nodes whose replica is not whole yet: it was lost to damage and is rebuilt, or it is new. */
  readonly rebuilding?: readonly NodeId[];
  /** Log entries that the slowest living replica still has to apply; null where the answering node does not know. */
  readonly lag: number | null;
  readonly term?: number;
}

export interface HealthReport {
  readonly ok: boolean;
  /** Why not, in words for an operator. Empty when `ok`. */
  readonly reasons: readonly string[];
}
