/** What tablets need of the connections between nodes; implemented by cluster/transport and by the simulator. */
import type { Insertion } from '../base/insertions.ts';

export interface PeerLink {
  /** Queues a frame of Raft messages; false when it certainly will not be sent. The bytes are copied, insertions are not. */
  sendRaft(node: number, frame: Uint8Array, insertions: readonly Insertion[]): boolean;
  /** Opens a stream of its own for a snapshot; null when there is no way to the node now. */
  openSnapshot(node: number, header: Uint8Array): SnapshotStream | null;
}

export interface SnapshotStream {
  /** Sends a chunk; `written` is called once when the next one may follow. */
  write(chunk: Uint8Array, written: () => void): void;
  /** No more chunks. The stream reports through `onClosed`. */
  end(): void;
  abort(): void;
  /** Called once: true when the other side has everything and has said so. */
  onClosed: (complete: boolean) => void;
}

/** The receiving side of a snapshot. */
export interface SnapshotSink {
  /**
   * The next chunk, which belongs to the sink; no other comes before `taken` is called. With an error nothing more is wanted:
   * the stream is to be broken off, so that the sender hears of it.
   */
  chunk(chunk: Buffer, taken: (error?: Error) => void): void;
  /** All chunks have come; `finished(true)` acknowledges the whole. */
  end(finished: (complete: boolean) => void): void;
  /** The stream broke. */
  abort(): void;
}

/** Node-pair support, see docs/internals/liveness.md. */
export interface SupportSource {
  supportFor(node: number): number;
  supportFrom(node: number): number;
}
