/**
 * Cuts a stream into the frames of frame-buffer.ts.
 *
 * A frame that lies within one chunk is handed on as a slice of it. A frame over several chunks is gathered in a buffer that
 * grows with what has arrived, not with what its header claims: copying stays linear and a lying header costs its sender,
 * not us. The checksums of a large one are taken meanwhile (base/arrival-checksums.ts). No buffer is ever used again, so a payload may be
 * kept; it then keeps its chunk (up to 64 KB) alive.
 */
import { ARRIVAL_BYTES_MIN, ArrivalChecksums } from '../base/arrival-checksums.ts';
import { FRAME_HEADER_BYTES } from './frame-buffer.ts';

const EMPTY = Buffer.alloc(0);
/** What a header is believed without seeing more. */
const GATHER_START_BYTES = 1024 * 1024;
/** And then, times what has arrived. */
const BELIEVED_FACTOR = 16;
export const FrameProblem = { none: 0, tooLong: 1 } as const;
export type FrameProblem = (typeof FrameProblem)[keyof typeof FrameProblem];

export class FrameParser {
  readonly #frame_bytes_max: number;
  /** Takes a frame; false stops the parser until `resume`. */
  readonly #onFrame: (channel: number, payload: Buffer) => boolean;
  readonly #header = Buffer.alloc(FRAME_HEADER_BYTES);
  /** Bytes of the header gathered so far; when it is whole, the payload is being gathered. */
  #headerLength = 0;
  #gathered: Buffer = EMPTY;
  #gatheredLength = 0;
  #payloadLength = 0;
  #checksums: ArrivalChecksums | null = null;
  #stopped = false;
  #closed = false;
  /** What was left of the chunk when the parser was stopped. */
  #left: Buffer | null = null;

  constructor(frame_bytes_max: number, onFrame: (channel: number, payload: Buffer) => boolean) {
    this.#frame_bytes_max = frame_bytes_max;
    this.#onFrame = onFrame;
  }

  /** True in the middle of a frame: an end of the stream now is a cut. */
  get isMidFrame(): boolean {
    return this.#headerLength > 0 || this.#left !== null;
  }

  /** Takes the next bytes. A problem is final: the stream cannot be understood from here on. */
  push(chunk: Buffer): FrameProblem {
    if (this.#closed) return FrameProblem.none;
    if (this.#stopped) {
      // The source goes on for a moment after it was told to pause.
      this.#left = this.#left === null ? chunk : Buffer.concat([this.#left, chunk]);
      return FrameProblem.none;
    }
    return this.#parse(chunk);
  }

  /** Goes on after a frame that was answered with false. */
  resume(): FrameProblem {
    this.#stopped = false;
    const left = this.#left;
    this.#left = null;
    return left === null || this.#closed ? FrameProblem.none : this.#parse(left);
  }

  /** No frame is handed on after this; may be called from the frame callback. */
  close(): void {
    this.#closed = true;
    this.#left = null;
    this.#gathered = EMPTY;
  }

  #parse(chunk: Buffer): FrameProblem {
    const end = chunk.length;
    let at = 0;
    while (at < end) {
      let goOn: boolean;
      if (this.#headerLength === 0 && end - at >= FRAME_HEADER_BYTES) {
        // The usual case: the header lies whole in this chunk.
        const length = chunk.readUInt32LE(at);
        if (length > this.#frame_bytes_max) return FrameProblem.tooLong;
        const channel = chunk[at + 4] as number;
        if (end - at - FRAME_HEADER_BYTES >= length) {
          at += FRAME_HEADER_BYTES;
          goOn = this.#onFrame(channel, chunk.subarray(at, at + length));
          at += length;
        } else {
          chunk.copy(this.#header, 0, at, at + FRAME_HEADER_BYTES);
          this.#headerLength = FRAME_HEADER_BYTES;
          at += FRAME_HEADER_BYTES;
          this.#startGathering(length);
          continue;
        }
      } else if (this.#headerLength < FRAME_HEADER_BYTES) {
        const taken = chunk.copy(this.#header, this.#headerLength, at, end);
        this.#headerLength += taken;
        at += taken;
        if (this.#headerLength < FRAME_HEADER_BYTES) break;
        const length = this.#header.readUInt32LE(0);
        if (length > this.#frame_bytes_max) return FrameProblem.tooLong;
        this.#startGathering(length);
        if (length > 0) continue;
        goOn = this.#handGathered();
      } else {
        at += this.#gather(chunk, at);
        if (this.#gatheredLength < this.#payloadLength) break;
        goOn = this.#handGathered();
      }
      if (this.#closed) break;
      if (!goOn) {
        this.#stopped = true;
        if (at < end) this.#left = chunk.subarray(at);
        break;
      }
    }
    return FrameProblem.none;
  }

  #startGathering(length: number): void {
    this.#payloadLength = length;
    this.#gatheredLength = 0;
    this.#gathered = length === 0 ? EMPTY : Buffer.allocUnsafeSlow(Math.min(length, GATHER_START_BYTES));
    this.#checksums = length < ARRIVAL_BYTES_MIN ? null : new ArrivalChecksums();
  }

  /** Returns how many bytes of the chunk were taken. */
  #gather(chunk: Buffer, at: number): number {
    const taken = Math.min(chunk.length - at, this.#payloadLength - this.#gatheredLength);
    const needed = this.#gatheredLength + taken;
    if (needed > this.#gathered.length) {
      const grown = Math.min(this.#payloadLength, needed * BELIEVED_FACTOR);
      const larger = Buffer.allocUnsafeSlow(grown);
      this.#gathered.copy(larger, 0, 0, this.#gatheredLength);
      this.#gathered = larger;
    }
    chunk.copy(this.#gathered, this.#gatheredLength, at, at + taken);
    this.#checksums?.add(this.#gathered.subarray(this.#gatheredLength, needed));
    this.#gatheredLength = needed;
    return taken;
  }

  #handGathered(): boolean {
    const payload = this.#gathered;
    this.#checksums?.note(payload, 0);
    this.#checksums = null;
    this.#gathered = EMPTY;
    this.#headerLength = 0;
    return this.#onFrame(this.#header[4] as number, payload);
  }
}
