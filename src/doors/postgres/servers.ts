/** What the gateway needs to know of the PostgreSQL servers behind it: who is the primary, who may be read, how to reach them. */
import type { Duplex } from 'node:stream';
import type { NodeId } from '../../cluster/view.ts';

export type Availability = 'off' | 'starting' | 'serving' | 'switching' | 'failing-over' | 'unavailable';

export interface ServerView {
  readonly node: NodeId;
  /** The node's name. */
  readonly name: string;
  readonly role: 'primary' | 'standby' | 'learner' | 'down';
  readonly isAlive: boolean;
  /** What it had replayed when last heard, as a 64-bit LSN; 0n while unknown. Learned about every 100 ms. */
  readonly replayedLsn: bigint;
}

export interface PostgresView {
  readonly availability: Availability;
  /** Says in one line why it is not serving, and the cure; '' when it is. */
  readonly reason: string;
  /** Of the reign; goes up with every promotion. */
  readonly epoch: number;
  /** 0 while nobody may be written to: statements wait. */
  readonly primary: NodeId;
  /** It takes connections and is about to be the primary; 0 for nobody. What is sent there has to wait until it is. */
  readonly upcoming: NodeId;
  readonly servers: readonly ServerView[];
}

export interface PostgresServers {
  /** A new object after every change. */
  view(): PostgresView;
  /** Calls `listener` after every change of availability, epoch, primary, upcoming, membership. Returns what ends that. */
  watch(listener: () => void): () => void;
  /**
   * A byte stream to the PostgreSQL server of a node: its unix socket here, or through the tunnel. Errors come as 'error'; nothing
   * was sent yet then.
   */
  connect(node: NodeId): Duplex;
}

/** The gateway gives this to the group. */
export interface GatewayControl {
  /**
   * Resolves when no transaction of this node's clients runs on the primary, or after `patience_ms` with how many still do. While
   * the view says `switching` no new one begins.
   */
  quiesce(patience_ms: number): Promise<number>;
}
