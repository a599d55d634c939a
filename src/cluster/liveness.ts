/**
 * Liveness between nodes: who hears whom, and the support promises on which leader leases rest. The rules, their numbers and
 * the datagrams are in docs/internals/liveness.md; liveness-memory.ts proves the protocol between the threads.
 *
 *   main thread                          worker thread
 *   Liveness (LivenessMain: reads) <──── LivenessMemory ────> LivenessCore (all rules) <── LivenessEngine ──> UDP
 *
 * `WorkerLiveness` (src/node) runs the engine in a worker thread, `LocalLiveness` in the caller's thread on a simulated
 * clock and network.
 */
import type { NodeId } from './view.ts';

export interface LivenessOptions {
  /** Time between heartbeats to one peer. */
  readonly heartbeat_interval_ms: number;
  /** How long one heartbeat is answered for: the promise. The same, or at least never longer before, on all nodes. */
  readonly promise_ms: number;
  /** Part of the promise that its holder counts on, from when it sent the heartbeat: the rest is for clock drift. */
  readonly promise_used: number;
  /** A node whose main loop did not turn for so long is not supported. */
  readonly loop_age_ms_max: number;
  /** A node whose fdatasync takes so long is not supported. */
  readonly sync_age_ms_max: number;
  /** Hexadecimal; seals every datagram, so that nobody else can promise anything in a node's name. Empty: no seal. */
  readonly sealKey: string;
}

export const defaultLivenessOptions: LivenessOptions = {
  heartbeat_interval_ms: 100,
  promise_ms: 600,
  promise_used: 0.9,
  loop_age_ms_max: 1000,
  sync_age_ms_max: 5000,
  sealKey: '',
};

export interface LivenessIdentity {
  readonly node: NodeId;
  /** Incarnation: goes up at each start of the node, kept on disk by the host. 1 .. `LIVENESS_EPOCH_MAX`. */
  readonly epoch: number;
  /** 32 hexadecimal digits. */
  readonly clusterId: string;
}

/** Generations carry the epoch of the node that promises; see `LivenessCore`. */
export const LIVENESS_EPOCH_MAX = 2 ** 29 - 1;

export interface LivenessStart extends LivenessIdentity {
  /** Where the datagrams go in and out: the host and the number of the peer port. */
  readonly host: string;
  readonly port: number;
}

export interface LivenessPeer {
  readonly node: NodeId;
  readonly host: string;
  readonly port: number;
}

export interface LivenessChange {
  /** This node supports `node` now. */
  readonly supported: boolean;
  /** Of that support, 0 for none. */
  readonly generation: number;
  /** Newest incarnation of `node` seen, 0 for none. */
  readonly epoch: number;
}

export interface LivenessPeerStats {
  readonly node: NodeId;
  readonly epoch: number;
  /** Of the support that this node gives, 0 for none; and how often it began anew. */
  readonly generationFor: number;
  readonly breaks: number;
  /** Of the last support received; it may have expired. */
  readonly generationFrom: number;
  /** Last round trip, and the longest in the last second or so. 0 before the first. */
  readonly rtt_ms: number;
  readonly rtt_ms_max: number;
  /** Longest time between two heartbeats from the node in the last second or so, and since the start. */
  readonly gap_ms_max: number;
  readonly gap_ms_worst: number;
  readonly heartbeatsSent: number;
  readonly heartbeatsReceived: number;
  readonly answersReceived: number;
  /** Heartbeats without an answer because the node said that it is stuck. */
  readonly refused: number;
}

export interface LivenessStats {
  readonly peers: readonly LivenessPeerStats[];
  /** Datagrams that were not understood, not for this node, of another cluster, or of a node that is no peer. */
  readonly malformed: number;
  readonly strange: number;
  /** Late or repeated ones. */
  readonly stale: number;
  /** Times that the engine's own loop was late by more than two intervals, and the longest delay. */
  readonly stalls: number;
  readonly stall_ms_worst: number;
}

export interface Liveness {
  /** Rejects with `AddressError` when the UDP port cannot be used. */
  start(start: LivenessStart): Promise<{ port: number }>;
  setPeers(peers: readonly LivenessPeer[]): void;
  /**
   * The generation of the support that this node gives to `node` now, 0 for none. After 0 the answer stays 0 until a higher
   * generation has begun, so the caller may act against a leader on `node` at once, in the same turn.
   */
  supportFor(node: NodeId): number;
  /** The generation of the support that `node` gives to this node now, 0 for none or expired. */
  supportFrom(node: NodeId): number;
  /** Newest incarnation of `node` seen, 0 for none. */
  epochOf(node: NodeId): number;
  /**
   * False for one promise after the start: an earlier incarnation may have promised support that has not run out, so until
   * then this node must neither vote nor campaign.
   */
  mayVote(): boolean;
  /** Support that this node gives to `node` began or ended, or `node` has a new epoch. */
  onChange: (node: NodeId, change: LivenessChange) => void;
  /** The engine is gone; the node must end, since its peers' heartbeats are not answered any more. */
  onFailed: (error: Error) => void;
  /** The main loop turns. Cheap; called by itself 20 times a second, and by whoever knows of turns in between. */
  mainLoopTurn(): void;
  /** An fdatasync on which acknowledgements wait begins, ends. One at a time. */
  syncStarted(): void;
  syncFinished(): void;
  /** Fault injection: datagrams to and from `nodes`, and those from `deafTo`, are dropped, until called with others. */
  block(nodes: Iterable<NodeId>, deafTo?: Iterable<NodeId>): void;
  /** As of about a second ago at most. */
  stats(): LivenessStats;
  stop(): Promise<void>;
}

/** Datagrams as the engine sees them; the real ones are in liveness-worker.ts. */
export interface DatagramNetwork {
  /** Rejects with `AddressError`. `onDatagram` gets bytes that are valid during the call. */
  bind(host: string, port: number, onDatagram: (bytes: Buffer) => void): Promise<DatagramSocket>;
}

export interface DatagramSocket {
  readonly port: number;
  /** `bytes` is copied or sent before this returns, or is never written again by the caller. */
  send(host: string, port: number, bytes: Uint8Array): void;
  close(): void;
}

export const emptyLivenessStats: LivenessStats = {
  peers: [],
  malformed: 0,
  strange: 0,
  stale: 0,
  stalls: 0,
  stall_ms_worst: 0,
};
