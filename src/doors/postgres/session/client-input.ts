/**
 * The way from a client to PostgreSQL: its messages are taken one by one as far as the session can send them, become what they have to
 * be on a shared connection (`Translator`), and what was taken within a turn leaves as one burst.
 *
 * Invariants:
 * 1. A message that has to wait for a connection is given back to the reader and is the first to be taken later.
 * 2. Bytes in memory are bounded: the client's socket is not read while more than `PENDING_BYTES_MAX` wait, and nothing is taken while
 *    PostgreSQL does not take what was sent.
 */
import type { Socket } from 'node:net';
import { protocolViolation } from '../errors.ts';
import type { ServerConnection } from '../pool/server-connection.ts';
import { Burst } from '../protocol/burst.ts';
import { Client } from '../protocol/codes.ts';
import { CONTINUATION, FrameError, FrameReader, frameSizes } from '../protocol/frame-reader.ts';
import { READY_IDLE } from '../protocol/messages.ts';
import type { Prepared } from './prepared-statements.ts';
import type { SessionHost } from './session-host.ts';
import { type TranslatedSession, Translator } from './translator.ts';

/** Statements up to here are looked at; longer ones are passed on in pieces, unseen. */
const TEXT_MAX = 1_024 * 1_024;
/** Of a Bind, only its names are looked at. */
const BIND_MAX = 64 * 1_024;
const SMALL_MAX = 16 * 1_024;
const SIZES = frameSizes(-1, {
  [Client.query]: TEXT_MAX,
  [Client.parse]: TEXT_MAX,
  [Client.bind]: BIND_MAX,
  [Client.close]: SMALL_MAX,
  [Client.describe]: SMALL_MAX,
  [Client.execute]: SMALL_MAX,
  [Client.flush]: SMALL_MAX,
  [Client.sync]: SMALL_MAX,
  [Client.terminate]: SMALL_MAX,
  [Client.functionCall]: 0,
  [Client.copyData]: 0,
  [Client.copyDone]: SMALL_MAX,
  [Client.copyFail]: SMALL_MAX,
  [Client.password]: SMALL_MAX,
});
/** Chunks of a client that waits; past it its socket is not read. */
const PENDING_BYTES_MAX = 64 * 1_024;

/** The session whose messages these are. */
export interface SendingSession extends TranslatedSession {
  readonly connection: ServerConnection | null;
  /** Messages can be taken now. */
  readonly takesMessages: boolean;
  /** The connection for the message that has come; null when it has to wait. */
  connectionToSend(): ServerConnection | null;
  /** Tells the client at once. */
  say(bytes: Buffer): void;
  /** The client has said that it leaves. */
  destroy(): void;
}

export class ClientInput {
  /** When the client has sent something last. */
  lastActive_ms: number;
  readonly #session: SendingSession;
  readonly #host: SessionHost;
  readonly #socket: Socket;
  readonly #reader = new FrameReader(SIZES);
  readonly #toServer = new Burst();
  readonly #translator: Translator;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #isServerFull = false;
  /** After an error of the gateway's own: nothing is taken until Sync. */
  #isSkipping = false;
  /** The rest of a message that is not sent. */
  #dropRest = false;
  #isPumping = false;
  #isEnded = false;

  constructor(session: SendingSession, host: SessionHost, socket: Socket) {
    this.#session = session;
    this.#host = host;
    this.#socket = socket;
    this.#translator = new Translator(session, host, this.#toServer);
    this.lastActive_ms = host.now_ms;
  }

  received(chunk: Buffer): void {
    this.#host.statistics.bytesIn += chunk.length;
    this.lastActive_ms = this.#host.now_ms;
    if (this.#canTake && this.#pending.length === 0) {
      this.#reader.push(chunk);
      this.resume();
      return;
    }
    if (this.#isEnded) return;
    this.#pending.push(chunk);
    this.#pendingBytes += chunk.length;
    if (this.#pendingBytes > PENDING_BYTES_MAX) this.#socket.pause();
  }

  /** Takes what has come, as far as it goes. */
  resume(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    const reader = this.#reader;
    try {
      for (;;) {
        while (this.#isOpen && reader.next()) {
          this.#take(reader.type, reader.chunk, reader.start, reader.end);
        }
        this.#flush();
        if (!this.#canTake) break;
        reader.release();
        const next = this.#pending.shift();
        if (next === undefined) break;
        this.#pendingBytes -= next.length;
        reader.push(next);
      }
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#session.fail(protocolViolation(error.message));
    } finally {
      this.#isPumping = false;
    }
    if (!this.#isEnded && this.#pendingBytes <= PENDING_BYTES_MAX && this.#socket.isPaused()) this.#socket.resume();
  }

  /** PostgreSQL takes more again. */
  writable(): void {
    if (!this.#isServerFull) return;
    this.#isServerFull = false;
    this.resume();
  }

  /** Something has come that has not been taken. */
  get isWaiting(): boolean {
    return this.#pending.length > 0 || this.#reader.hasMore;
  }

  /** What was sent has not reached PostgreSQL to the end of a message. */
  get isCut(): boolean {
    return this.#isServerFull || this.#reader.rest > 0;
  }

  /**
   * The message that was given back has been answered with an error, and is not sent. True for one that ends with itself, as a simple
   * query; behind all others nothing is taken up to the next Sync.
   */
  passOver(): boolean {
    const reader = this.#reader;
    if (!reader.next()) return false;
    this.#dropRest = true;
    if (reader.type === Client.query || reader.type === Client.functionCall) return true;
    this.#isSkipping = true;
    return false;
  }

  /** The session leaves its connection. */
  detached(): void {
    this.#translator.detached();
    this.#isServerFull = false;
  }

  /** A named statement could not be prepared. */
  forget(name: string, prepared: Prepared): void {
    this.#translator.forget(name, prepared);
  }

  /** The session has no prepared statements any more. */
  forgetAll(): void {
    this.#translator.forgetAll();
  }

  /** Nothing more is taken. */
  end(): void {
    this.#isEnded = true;
    this.#pending = [];
    this.#translator.forgetAll();
  }

  get #isOpen(): boolean {
    return this.#session.takesMessages && !this.#isServerFull;
  }

  get #canTake(): boolean {
    return this.#isOpen && !this.#reader.hasMore;
  }

  #take(type: number, chunk: Buffer, start: number, end: number): void {
    const session = this.#session;
    switch (type) {
      case CONTINUATION:
        if (!this.#dropRest && session.connection !== null) this.#toServer.add(chunk, start, end);
        return;
      case Client.terminate:
        session.destroy();
        return;
      case Client.sync:
        if (session.connection === null || this.#isSkipping) {
          this.#isSkipping = false;
          session.say(READY_IDLE);
          return;
        }
        break;
      case Client.flush:
      case Client.copyData:
      case Client.copyDone:
      case Client.copyFail:
        // Without a transaction there is nothing that these could belong to; PostgreSQL ignores them then, too.
        if (session.connection === null) {
          this.#dropRest = true;
          return;
        }
        break;
      case Client.password:
        session.fail(protocolViolation('invalid frontend message type 112'));
        return;
      default:
    }
    this.#dropRest = this.#isSkipping;
    if (this.#isSkipping) return;
    const { rest } = this.#reader;
    const connection = session.connectionToSend();
    if (connection === null) this.#reader.unread();
    else this.#translator.take(connection, type, chunk, start, end, rest);
  }

  #flush(): void {
    const { connection } = this.#session;
    if (this.#toServer.isEmpty) return;
    if (connection === null) {
      this.#toServer.clear();
      return;
    }
    if (!this.#toServer.flush(connection.stream)) this.#isServerFull = true;
  }
}
