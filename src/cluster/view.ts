/**
 * What the doors see of the cluster: who is there, who leads which slots, and how to reach a leader. Kept up to date by
 * every node in its own memory, so that answering costs nothing on the network.
 */
import type { TabletOperation, Transaction } from '../tablet/operation.ts';

/** Positive integer, given out once by the metadata group, never used again. */
export type NodeId = number;
export type TabletId = number;
/** 0 .. 16383 */
export type Slot = number;
export const SLOT_COUNT = 16_384;

export interface NodePorts {
  /** Redis Cluster port; 0 where the door is closed. */
  readonly redis: number;
  /** Redis single-endpoint port. */
  readonly redisSingle: number;
  /** Cassandra's native protocol. */
  readonly cql: number;
  readonly admin: number;
  readonly peer: number;
}

export interface NodeView {
  readonly id: NodeId;
  /** 40 hexadecimal digits, as Redis Cluster names nodes. */
  readonly redisId: string;
  readonly name: string;
  /** The address that clients and peers connect to. */
  readonly host: string;
  readonly zone: string;
  readonly ports: NodePorts;
  readonly alive: boolean;
  /** True while there is an open connection to it (always true for this node). */
  readonly connected: boolean;
  /** It is being removed from the cluster. */
  readonly leaving: boolean;
}

export interface TabletView {
  readonly id: TabletId;
  /** Inclusive. */
  readonly slotFirst: Slot;
  /** Inclusive. */
  readonly slotLast: Slot;
  /** 0 while unknown. */
  readonly leader: NodeId;
  readonly term: number;
  readonly replicas: readonly NodeId[];
  /** Nodes whose replica is not whole yet: it was lost and is rebuilt, or it is new. */
  readonly rebuilding: readonly NodeId[];
}

export interface ClusterView {
  /** Goes up with every change of nodes, tablets, leaders or liveness; caches are keyed by it. */
  readonly version: number;
  readonly clusterId: string;
  readonly self: NodeId;
  /** In order of id. */
  readonly nodes: readonly NodeView[];
  /** In order of slots; together they cover every slot once the cluster is formed. */
  readonly tablets: readonly TabletView[];
}

/** An operation on one slot that waits for a leader, and may find that the leader is on another node. */
export interface RoutedOperation extends TabletOperation {
  readonly slot: Slot;
  /** True: a replica on this node may serve it from what it has applied, without asking the leader (READONLY). */
  readonly staleRead: boolean;
  /** The leader is on `node`: reply with MOVED, or forward. Called instead of `complete`. */
  elsewhere(node: NodeId): void;
}

export interface Router {
  /** The current view; a new object whenever something changed. */
  view(): ClusterView;
  /**
   * Runs the operation here when this node leads the slot's tablet, tells it `elsewhere` when another node does, and keeps
   * it waiting while nobody does, until its deadline (`Outcome.unavailable`).
   */
  submit(operation: RoutedOperation): void;
  /** As `submit`, for one tablet that this node leads now; `Outcome.notLeader` when it does not. For background work. */
  submitToTablet(tablet: TabletId, operation: TabletOperation): void;
  /** Ids of the tablets that this node leads now. */
  ledTablets(): readonly TabletId[];
  /**
   * Sends a request to a service on another node. `onReply` is called once: with the reply, or with null and `sent`,
   * which is false when the request certainly did not leave this node.
   */
  call(
    node: NodeId,
    service: number,
    request: Uint8Array,
    onReply: (reply: Buffer | null, sent: boolean) => void,
  ): void;
  /** Registers the one handler of a service. It calls `respond` once, at any time. */
  serve(service: number, handler: (from: NodeId, request: Buffer, respond: (reply: Uint8Array) => void) => void): void;
  /** Runs `read` on what this node's replica of the slot's tablet has applied; false when it has none to read. */
  readLocal(slot: Slot, read: (transaction: Transaction) => void): boolean;
}

/** Service numbers of `Router.call`. */
export const Service = {
  redisCommand: 1,
  cluster: 2,
  cqlRows: 3,
  catalog: 4,
} as const;
