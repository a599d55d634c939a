/** What the parts of the transport share: options, identity, and the callbacks of its owner. */
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { Connection, Network } from '../base/network.ts';
import type { Prng } from '../base/prng.ts';
import type { NodeId } from './view.ts';

/** Channels of frames between members. 0 and those from 240 on belong to the transport. */
export const Channel = {
  raft: 1,
  calls: 2,
} as const;

/** A sign of life on a connection with nothing else to say; never handed on. */
export const PING_CHANNEL = 255;
export const CHANNEL_MAX = 239;

export interface TransportOptions {
  /** Longest payload of one frame. A Redis value may have 512 MB. */
  readonly frame_bytes_max: number;
  /** Bytes that may wait for one peer. One frame that is longer by itself is taken when nothing else waits. */
  readonly queue_bytes_max: number;
  /** From the first packet to the answer to the hello. */
  readonly connect_timeout_ms: number;
  readonly reconnect_ms_min: number;
  readonly reconnect_ms_max: number;
  readonly ping_interval_ms: number;
  /** A peer from which nothing came for so many intervals of this node's loop is disconnected and dialled again. */
  readonly silent_intervals_max: number;
  /** Bulk traffic of this node to all peers together. */
  readonly bulk_bytes_per_second: number;
  /** Longest chunk of a bulk stream. */
  readonly bulk_chunk_bytes_max: number;
  /** A bulk stream that makes no progress for so long is aborted. */
  readonly bulk_stall_ms: number;
  readonly guest_bytes_max: number;
  /** Connections that have not said who they are, and guests. */
  readonly strangers_max: number;
}

export const defaultTransportOptions: TransportOptions = {
  frame_bytes_max: 1024 * 1024 * 1024,
  queue_bytes_max: 256 * 1024 * 1024,
  connect_timeout_ms: 1000,
  reconnect_ms_min: 50,
  reconnect_ms_max: 1000,
  ping_interval_ms: 1000,
  silent_intervals_max: 5,
  bulk_bytes_per_second: 64 * 1024 * 1024,
  // A chunk of a snapshot ends with the value that fills it, which may be as long as a value can be.
  bulk_chunk_bytes_max: 512 * 1024 * 1024 + 1024 * 1024,
  bulk_stall_ms: 30_000,
  guest_bytes_max: 16 * 1024 * 1024,
  strangers_max: 1024,
};

export interface NodeIdentity {
  /** 32 hexadecimal digits. */
  readonly clusterId: string;
  readonly nodeId: NodeId;
  /** Incarnation: goes up at each start of the node. Positive. */
  readonly epoch: number;
}

export interface PeerAddress {
  readonly node: NodeId;
  readonly host: string;
  readonly port: number;
}

/**
 * Called by the transport. `onFrame` of a node comes only between its `onPeerUp` and its `onPeerDown`, in the order in
 * which the frames were sent. The callbacks may call the transport.
 */
export interface TransportCallbacks {
  /** `payload` is a slice of what was received: it may be kept, but holds its chunk (64 KB) in memory. */
  onFrame(from: NodeId, channel: number, payload: Buffer): void;
  /** Both directions are open: `send` works and frames may come. */
  onPeerUp?(node: NodeId, epoch: number): void;
  /** What was sent and not answered may or may not have arrived. */
  onPeerDown?(node: NodeId): void;
  /** A process that says that it is a member was refused, because this node does not know of it: what it knows may be old. */
  onUnknownMember?(): void;
  /** The peer turned this node's connection down; tried again later. */
  onRefused?(node: NodeId, reason: string, verdict: number): void;
  /** A process that is no member asks. `respond` is called once, at any time; later calls are ignored. */
  onGuest?(request: Buffer, respond: (reply: Uint8Array) => void): void;
  /** A member opens a bulk stream. Null, or a text that says why, declines it. */
  onBulk?(from: NodeId, header: Buffer): BulkHandler | string | null;
  /** A member opens a tunnel. What is given back gets its end of it, at once; null, or a text that says why, declines it. */
  onTunnel?(from: NodeId, header: Buffer): ((connection: Connection) => void) | string | null;
}

/** Receives a bulk stream. Exactly one of `onEnd` and `onAbort` is called last; after `onEnd` neither comes again. */
export interface BulkHandler {
  /**
   * `chunk` as it was written by the sender, and this receiver's to keep. The next one comes after `goOn()`, called at once
   * or later; `goOn(error)` aborts the stream.
   */
  onChunk(chunk: Buffer, goOn: (error?: Error) => void): void;
  /** Everything arrived. `confirm()` tells the sender, `confirm(error)` fails its stream. */
  onEnd(confirm: (error?: Error) => void): void;
  onAbort(error: Error): void;
}

/** Sends a bulk stream. */
export interface BulkStream {
  /**
   * Sends one chunk, which belongs to the stream until `onWritable` is called: then the next one may be written. Never
   * called when the stream has closed. The first one may be written at once.
   */
  write(chunk: Uint8Array, onWritable: () => void): void;
  /** Nothing more follows. The stream closes with null when the receiver has confirmed. */
  end(): void;
  abort(reason: string): void;
}

export interface TransportWorld {
  readonly network: Network;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly prng: Prng;
}

/** Spreads the bulk traffic of this node over time. */
export interface Pacer {
  /** Counts bytes as sent; returns how long to wait before more is sent. */
  spend_ms(byteCount: number): number;
}

/** What a bulk stream or a guest needs of the transport. */
export interface StreamOwner {
  readonly world: TransportWorld;
  readonly options: TransportOptions;
  readonly pacer: Pacer;
  guestHandler(): ((request: Buffer, respond: (reply: Uint8Array) => void) => void) | null;
}
