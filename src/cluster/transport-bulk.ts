/**
 * Snapshots and other large transfers travel on a connection of their own, so that they do not stand before the frames of
 * consensus, at a rate that all such streams of a node share.
 *
 * After the hello (kind bulk, the header is its extra part) the sender's frames are chunk, end or abort, and the receiver's
 * last frame is confirm. Either side says alive now and then while its owner takes its time. Memory is bounded on both sides: the sender has one chunk at a time, the receiver one chunk and what
 * the socket had read when it was paused.
 */
import { assert } from '../base/assert.ts';
import type { Clock, Timer } from '../base/clock.ts';
import type { Connection } from '../base/network.ts';
import { FRAME_HEADER_BYTES } from './frame-buffer.ts';
import { FrameParser, FrameProblem } from './frame-parser.ts';
import { HandshakeReader, Verdict } from './transport-handshake.ts';
import type { BulkHandler, BulkStream, Pacer, StreamOwner } from './transport-types.ts';
import type { NodeId } from './view.ts';

const BulkFrame = { chunk: 1, end: 2, confirm: 3, abort: 4, alive: 5 } as const;
/** What may be sent at once after a pause. */
const BURST_MS = 100;
/** Signs of life after the end of a stream before its confirmation is given up: five minutes by default. */
const CONFIRM_WAITS_MAX = 40;

/** Token bucket over all bulk streams of a node. */
export class BulkPacer implements Pacer {
  readonly #clock: Clock;
  readonly #bytes_per_ms: number;
  /** When everything counted so far will have been sent at the given rate. */
  #paidUntil_ms = 0;

  constructor(clock: Clock, bytes_per_second: number) {
    assert(bytes_per_second > 0, 'the bulk rate is positive');
    this.#clock = clock;
    this.#bytes_per_ms = bytes_per_second / 1000;
  }

  spend_ms(byteCount: number): number {
    const now_ms = this.#clock.monotonic_ms();
    this.#paidUntil_ms = Math.max(this.#paidUntil_ms, now_ms - BURST_MS) + byteCount / this.#bytes_per_ms;
    return Math.max(0, this.#paidUntil_ms - now_ms);
  }
}

/**
 * Ends a stream whose other side is gone: each side says that it is alive four times per `stall_ms`, whatever its owner
 * does, and hears the other one do so.
 */
class StallWatch {
  readonly #timer: Timer;
  #moved = true;

  constructor(clock: Clock, stall_ms: number, sayAlive: () => void, onStall: () => void) {
    let still = 0;
    this.#timer = clock.every(stall_ms / 4, () => {
      still = this.#moved ? 0 : still + 1;
      this.#moved = false;
      if (still >= 4) onStall();
      else sayAlive();
    });
  }

  progressed(): void {
    this.#moved = true;
  }

  stop(): void {
    this.#timer.cancel();
  }
}

export class BulkSender implements BulkStream {
  readonly node: NodeId;
  readonly #owner: StreamOwner;
  readonly #connection: Connection;
  readonly #onClose: (error: Error | null) => void;
  readonly #watch: StallWatch;
  readonly #parser: FrameParser;
  #isOpen = false;
  #closed = false;
  #ended = false;
  /** The chunk that was written before the receiver had accepted. */
  #early: Uint8Array | null = null;
  #onWritable: (() => void) | null = null;
  #sending = false;
  #pause_ms = 0;
  #pauseTimer: Timer | null = null;

  /** `hello` is sent when `connection` is established. `onClose` is called once, after the constructor has returned. */
  constructor(
    node: NodeId,
    connection: Connection,
    hello: Buffer,
    owner: StreamOwner,
    onClose: (error: Error | null) => void,
  ) {
    this.node = node;
    this.#owner = owner;
    this.#connection = connection;
    this.#onClose = onClose;
    const { clock } = owner.world;
    const { connect_timeout_ms, bulk_stall_ms } = owner.options;
    this.#parser = new FrameParser(0, (kind) => this.#answerFrame(kind));
    this.#watch = new StallWatch(
      clock,
      bulk_stall_ms,
      () => this.#sayAlive(),
      () => this.#close(new Error('the receiver stalled')),
    );
    this.#pauseTimer = clock.after(connect_timeout_ms, () =>
      this.#close(new Error(`no answer within ${connect_timeout_ms} ms`)),
    );
    const reader = HandshakeReader.forAnswer();
    connection.onConnect = () => connection.write(hello);
    connection.onClose = (error) => this.#close(error ?? new Error('the receiver closed the stream'));
    connection.onDrain = () => this.#drained();
    connection.onData = (chunk) => {
      if (this.#isOpen) this.#received(chunk);
      else this.#answered(reader, chunk);
    };
  }

  write(chunk: Uint8Array, onWritable: () => void): void {
    assert(this.#onWritable === null && !this.#ended, 'a bulk stream takes one chunk at a time');
    assert(chunk.length <= this.#owner.options.bulk_chunk_bytes_max, 'a bulk chunk is longer than the limit');
    if (this.#closed) return;
    this.#onWritable = onWritable;
    if (this.#isOpen) this.#send(chunk);
    else this.#early = chunk;
  }

  end(): void {
    if (this.#ended || this.#closed) return;
    this.#ended = true;
    if (this.#isOpen && !this.#sending) this.#connection.write(headerOf(BulkFrame.end, 0));
  }

  abort(reason: string): void {
    if (this.#closed) return;
    const text = Buffer.from(reason).subarray(0, 1024);
    if (this.#isOpen) {
      this.#connection.write(headerOf(BulkFrame.abort, text.length));
      this.#connection.write(text);
      this.#connection.end();
    }
    this.#close(new Error(`aborted: ${reason}`));
  }

  #answered(reader: HandshakeReader, chunk: Buffer): void {
    const state = reader.push(chunk);
    if (state === 'partial') return;
    const answer = state === 'whole' ? reader.answer() : null;
    if (answer === null || reader.rest.length > 0) {
      this.#close(new Error('the other side does not speak the peer protocol'));
      return;
    }
    if (answer.verdict !== Verdict.accepted) {
      this.#close(new Error(`refused: ${answer.reason}`));
      return;
    }
    this.#pauseTimer?.cancel();
    this.#pauseTimer = null;
    this.#isOpen = true;
    this.#watch.progressed();
    const early = this.#early;
    this.#early = null;
    if (early !== null) this.#send(early);
    else if (this.#ended) this.#connection.write(headerOf(BulkFrame.end, 0));
  }

  #send(chunk: Uint8Array): void {
    this.#pause_ms = this.#owner.pacer.spend_ms(chunk.length + FRAME_HEADER_BYTES);
    this.#sending = true;
    this.#connection.write(headerOf(BulkFrame.chunk, chunk.length));
    if (chunk.length === 0 || this.#connection.write(chunk)) this.#drained();
  }

  /** The network has taken the chunk; the rest of the time it may take at our rate is waited here. */
  #drained(): void {
    if (!this.#sending || this.#closed) return;
    this.#sending = false;
    this.#watch.progressed();
    this.#pauseTimer = this.#owner.world.clock.after(this.#pause_ms, () => this.#writable());
  }

  #writable(): void {
    const onWritable = this.#onWritable;
    this.#onWritable = null;
    this.#pauseTimer = null;
    if (this.#closed) return;
    if (this.#ended) this.#connection.write(headerOf(BulkFrame.end, 0));
    onWritable?.();
  }

  #received(chunk: Buffer): void {
    this.#watch.progressed();
    if (this.#parser.push(chunk) !== FrameProblem.none) this.#answerFrame(0);
  }

  #answerFrame(kind: number): boolean {
    if (kind === BulkFrame.confirm && this.#ended) this.#close(null);
    else if (kind !== BulkFrame.alive) this.#close(new Error('the receiver does not speak the bulk protocol'));
    return true;
  }

  #sayAlive(): void {
    if (this.#isOpen && this.#connection.bytesQueued === 0) this.#connection.write(headerOf(BulkFrame.alive, 0));
  }

  #close(error: Error | null): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#watch.stop();
    this.#parser.close();
    this.#pauseTimer?.cancel();
    this.#early = null;
    this.#onWritable = null;
    // An abort that was written above still has to leave.
    if (this.#connection.bytesQueued === 0 || this.#sending) this.#connection.destroy();
    else this.#connection.end();
    this.#onClose(error);
  }

  /** Cuts the stream without a word, as a broken network would. */
  cut(reason: string): void {
    this.#connection.destroy();
    this.#close(new Error(reason));
  }
}

export class BulkReceiver {
  readonly node: NodeId;
  readonly #connection: Connection;
  readonly #handler: BulkHandler;
  readonly #onClose: () => void;
  readonly #parser: FrameParser;
  readonly #watch: StallWatch;
  #closed = false;
  #ended = false;
  /** The handler has a chunk, or the end, and has not answered yet. */
  #handlerIsBusy = false;
  #isInside = false;
  #confirmWaits = 0;

  constructor(node: NodeId, connection: Connection, handler: BulkHandler, owner: StreamOwner, onClose: () => void) {
    this.node = node;
    this.#connection = connection;
    this.#handler = handler;
    this.#onClose = onClose;
    const { bulk_stall_ms, bulk_chunk_bytes_max } = owner.options;
    this.#watch = new StallWatch(
      owner.world.clock,
      bulk_stall_ms,
      () => this.#sayAlive(),
      () => this.#abort(new Error('the sender stalled')),
    );
    this.#parser = new FrameParser(bulk_chunk_bytes_max, (kind, payload) => this.#frame(kind, payload));
    connection.onDrain = () => undefined;
    connection.onClose = (error) => this.#abort(error ?? new Error('the sender closed the stream before its end'));
    connection.onData = (chunk) => {
      this.#watch.progressed();
      this.#check(this.#parser.push(chunk));
    };
  }

  cut(reason: string): void {
    this.#abort(new Error(reason));
  }

  #check(problem: FrameProblem): void {
    if (problem !== FrameProblem.none) this.#abort(new Error('a chunk longer than the limit'));
  }

  #frame(kind: number, payload: Buffer): boolean {
    if (kind === BulkFrame.chunk && !this.#ended) return this.#take((answer) => this.#handler.onChunk(payload, answer));
    if (kind === BulkFrame.end && !this.#ended) {
      this.#ended = true;
      return this.#take((answer) => this.#handler.onEnd(answer));
    }
    if (kind === BulkFrame.alive) return true;
    const isAbort = kind === BulkFrame.abort;
    this.#abort(new Error(isAbort ? `aborted by the sender: ${payload.toString('utf8')}` : 'not the bulk protocol'));
    return false;
  }

  /** Hands something to the handler; true when it has answered at once. A closure per chunk is fine: chunks are large. */
  #take(hand: (answer: (error?: Error) => void) => void): boolean {
    this.#handlerIsBusy = true;
    this.#isInside = true;
    let answered = false;
    hand((error) => {
      if (answered || this.#closed) return;
      answered = true;
      this.#answered(error);
    });
    this.#isInside = false;
    if (!answered && !this.#closed) this.#connection.pause();
    return answered;
  }

  #answered(error: Error | undefined): void {
    this.#handlerIsBusy = false;
    this.#watch.progressed();
    if (error !== undefined) this.#abort(error);
    else if (this.#ended) this.#confirm();
    else if (!this.#isInside) {
      this.#connection.resume();
      this.#check(this.#parser.resume());
    }
  }

  #sayAlive(): void {
    // This side is paused while its handler is busy, so it cannot hear the sender.
    if (this.#handlerIsBusy) this.#watch.progressed();
    // A handler that never confirms must not keep the sender for ever.
    if (this.#ended) this.#confirmWaits++;
    if (this.#confirmWaits > CONFIRM_WAITS_MAX) this.#abort(new Error('not confirmed'));
    else this.#connection.write(headerOf(BulkFrame.alive, 0));
  }

  #confirm(): void {
    this.#close();
    this.#connection.write(headerOf(BulkFrame.confirm, 0));
    this.#connection.end();
    this.#connection.resume();
  }

  #abort(error: Error): void {
    if (this.#closed) return;
    const told = this.#ended;
    this.#close();
    this.#connection.destroy();
    // After onEnd the handler has the last word itself.
    if (!told) this.#handler.onAbort(error);
  }

  #close(): void {
    this.#closed = true;
    this.#watch.stop();
    this.#parser.close();
    this.#onClose();
  }
}

function headerOf(kind: number, length: number): Buffer {
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  header.writeUInt32LE(length, 0);
  header[4] = kind;
  return header;
}
