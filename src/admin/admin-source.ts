/** The node as the admin port sees it; `node/` implements it. */
import type { NodeId, TabletId } from '../cluster/view.ts';
import type { ClusterStatus, HealthReport } from './cluster-status.ts';

/** Whom a cluster begins with. */
export interface FirstAccess {
  /** `auto`: users are asked who they are if there is a superuser; else not, where nobody but this machine can connect. */
  readonly auth: 'auto' | 'on' | 'off';
  /** The first user, and what is kept of the password: `SCRAM-SHA-256$iterations:salt$storedKey:serverKey`. */
  readonly superuser?: { readonly name: string; readonly verifier: string } | undefined;
  /** The superusers of local clusters instead. */
  readonly local: boolean;
}

export interface AdminSource {
  status(): ClusterStatus;
  /** True when every door serves. */
  ready(): boolean;
  /** Whether the process works at all: not wedged, disk writable. */
  healthy(): HealthReport;
  metricsText(): Promise<string>;
  /** Forms the cluster, once in its life. */
  init(access?: FirstAccess): Promise<void>;
  /** Hands leadership over and refuses new work; the process goes on running. */
  drain(): Promise<void>;
  /** Makes `node` the leader of the tablet; resolves when it is, rejects when it cannot be. */
  transfer(tablet: TabletId, node: NodeId): Promise<void>;
  addReplica(tablet: TabletId, node: NodeId): Promise<void>;
  removeReplica(tablet: TabletId, node: NodeId): Promise<void>;
  /** Begins to take a node out of the cluster; rejects when that would cost a majority. */
  removeNode(node: NodeId): Promise<void>;
  /**
   * From now on exchanges nothing with `nodes`, which notice it at once, and hears nothing of `deafTo`, which do not: what they
   * send gets lost on the way. Empty lists heal.
   */
  block(nodes: readonly NodeId[], deafTo: readonly NodeId[]): void;
  /** A row for each role, database and port of this node's gateway to PostgreSQL. */
  postgresPools(): readonly object[];
  /** Makes another node of the group the primary of PostgreSQL, the best one for 0; resolves with the new one. */
  postgresSwitchover(target: NodeId): Promise<NodeId>;
  /** Replaces the data of a standby by a copy of the primary's; resolves when that has begun. */
  postgresReinit(node: NodeId): Promise<void>;
  /** A setting of PostgreSQL, on all servers; null for PostgreSQL's own value. Resolves with what takes effect after a restart. */
  postgresSet(name: string, value: string | null): Promise<readonly string[]>;
  /** Goes on without the servers that have not answered, in that epoch: what only they have is lost. */
  postgresOverride(epoch: number): Promise<void>;
  /** The node's wall clock jumps, forward or back. */
  shiftClock(by_ms: number): void;
}
