/**
 * What waits to be sent to one peer. Two buffers: one is filled while the other one is with the network, so bytes are copied
 * once and a slow peer makes one buffer grow, up to the limit, instead of queueing many small ones.
 */
import type { Connection } from '../base/network.ts';
import { FrameBuffer } from './frame-buffer.ts';

/** A buffer that a burst made larger than this is given back when the peer has been quiet for a while. */
const KEEP_BYTES = 64 * 1024;
const KEEP_WHILE_BUSY_BYTES = 64 * 1024 * 1024;

export class LinkOutput {
  /** Where frames are written to. Another object after every `flush`. */
  filling = new FrameBuffer();
  #spare = new FrameBuffer();
  #inFlight: FrameBuffer | null = null;
  writes = 0;
  sent_bytes = 0;

  /** Hands what was filled to the network, unless it still has the buffer before. Returns whether it did. */
  flush(connection: Connection): boolean {
    const filling = this.filling;
    // A half-written frame waits; its `end` asks for a flush again.
    if (this.#inFlight !== null || filling.length === 0 || filling.isOpen) return false;
    this.writes++;
    this.sent_bytes += filling.size;
    let taken = true;
    for (const piece of filling.pieces()) taken = connection.write(piece);
    if (taken) {
      filling.reset(KEEP_WHILE_BUSY_BYTES);
      return true;
    }
    this.#inFlight = filling;
    this.filling = this.#spare;
    return true;
  }

  /** The network has sent the buffer that it had. */
  drained(): void {
    const written = this.#inFlight;
    if (written === null) return;
    written.reset(KEEP_WHILE_BUSY_BYTES);
    this.#spare = written;
    this.#inFlight = null;
  }

  /** Forgets everything: the connection is gone. */
  clear(): void {
    // The network may still read the buffer that it has: it is given up, not used again.
    this.#inFlight = null;
    this.#spare = new FrameBuffer();
    this.filling.cancel();
    this.filling.reset(KEEP_BYTES);
  }

  /** Nothing was sent for a while: large buffers are given back. */
  rest(): void {
    if (this.#inFlight !== null || this.filling.length > 0) return;
    this.filling.reset(KEEP_BYTES);
    this.#spare.reset(KEEP_BYTES);
  }

  /** Takes out what was not handed to the network yet, for a last write. */
  takeRest(): Uint8Array[] {
    const rest = this.filling;
    rest.cancel();
    this.filling = new FrameBuffer();
    this.#inFlight = null;
    return rest.length === 0 ? [] : rest.pieces();
  }
}
