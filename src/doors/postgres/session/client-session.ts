/**
 * One session of a client, from the end of its log-in. It has a connection to PostgreSQL while a transaction is open, or for good
 * where it has to.
 *
 *   resting -> waiting (for a connection) -> attached -> settling (its settings are read) -> resting
 *                                                    \-> attached, for good: session pooling, or pinned
 *
 * Invariants:
 * 1. A message is sent to PostgreSQL at most once. Whether one that was sent has had an effect is never guessed: what is lost with its
 *    connection is told as 57P01 when it cannot have committed, and as 08007 when it may have.
 * 2. What a client is told comes in the order of its requests.
 * 3. Bytes in memory are bounded: reading stops on either side while the other one does not take them.
 */
import type { Socket } from 'node:net';
import { assert } from '../../../base/assert.ts';
import type { NodeId } from '../../../cluster/view.ts';
import {
  cancelled,
  connectionEnded,
  type Failure,
  idleInTransaction,
  noServer,
  outcomeUnknown,
  protocolViolation,
  queueTimeout,
  shuttingDown,
  tooManyNotifications,
} from '../errors.ts';
import type { PoolMode } from '../pool/kinds.ts';
import type { Pool, Waiter } from '../pool/pool.ts';
import type { Served, ServerConnection } from '../pool/server-connection.ts';
import { Burst } from '../protocol/burst.ts';
import { Client, Status } from '../protocol/codes.ts';
import { CONTINUATION, FrameError, FrameReader, frameSizes } from '../protocol/frame-reader.ts';
import { errorResponse, parameterStatus, READY_IDLE } from '../protocol/messages.ts';
import type { Effects, PinReason } from '../sql/statement-effects.ts';
import type { Prepared } from './prepared-statements.ts';
import type { SessionHost } from './session-host.ts';
import { SessionSettings, settingsQuery } from './settings.ts';
import { Translator } from './translator.ts';

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
/** Values of client_min_messages that keep warnings back. */
const SILENT_LEVELS = new Set(['error', 'fatal', 'panic']);
/** Notifications that wait for the end of a transaction. */
const NOTIFIED_MAX = 10_000;
/** Read-only sessions are told once what they are; the server of each transaction may be another one. */
const FIXED_FOR_READS = new Set(['in_hot_standby', 'default_transaction_read_only']);

export interface SessionStart {
  readonly socket: Socket;
  readonly pool: Pool;
  readonly user: string;
  readonly database: string;
  readonly processId: number;
  readonly key: Buffer;
  readonly settings: SessionSettings;
  /** What the client has asked for; null for what the role or database says. */
  readonly mode: PoolMode | null;
  readonly causalReads: boolean | null;
}

export class ClientSession implements Served, Waiter {
  readonly socket: Socket;
  readonly pool: Pool;
  readonly user: string;
  readonly database: string;
  readonly processId: number;
  readonly key: Buffer;
  readonly remote: string;
  settings: SessionSettings;
  waitingSince_ms = 0;
  /** Where it wants to read; 0 for the primary. */
  node: NodeId = 0;
  lastActive_ms: number;
  pinned: PinReason | null = null;
  /** Names of settings of its own making that it has set. */
  readonly custom = new Set<string>();
  /** Its settings may have changed since they were known. */
  settingsChanged = false;
  /** It has sent DISCARD ALL. */
  discards = false;
  /** What it waits to hear of (LISTEN). */
  readonly channels = new Set<string>();
  readonly #host: SessionHost;
  readonly #start: SessionStart;
  readonly #reader = new FrameReader(SIZES);
  readonly #toClient = new Burst();
  readonly #toServer = new Burst();
  readonly #translator: Translator;
  #connection: ServerConnection | null = null;
  #state: 'starting' | 'resting' | 'waiting' | 'attached' | 'settling' | 'closed' = 'starting';
  /** What PostgreSQL has reported to the client so far. */
  #reported = SessionSettings.none;
  #onReady: ((error: Buffer | null) => void) | null = null;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #isServerFull = false;
  /** After an error of the gateway's own: nothing is taken until Sync. */
  #isSkipping = false;
  #dropRest = false;
  #isPumping = false;
  /** It was cancelled, and PostgreSQL would not say what that has done to a commit. */
  #isCancelUnseen = false;
  /** A cancel request is on its way to its connection. */
  #cancelling = false;
  #detachAfterCancel = false;
  #mode: PoolMode | null = null;
  /** The transaction has a LISTEN in it. */
  #listens = false;
  readonly #unlistens: string[] = [];
  #isHeldByDiscard = false;
  /** What has come for the client is kept back for a moment. */
  #holdsBurst = false;
  /** Notifications that came within a transaction. */
  #notified: Buffer[] = [];

  constructor(host: SessionHost, start: SessionStart) {
    this.#host = host;
    this.#start = start;
    this.socket = start.socket;
    this.pool = start.pool;
    this.user = start.user;
    this.database = start.database;
    this.processId = start.processId;
    this.key = start.key;
    this.settings = start.settings;
    this.remote = start.socket.remoteAddress ?? '';
    this.lastActive_ms = host.now_ms;
    this.#translator = new Translator(this, host, this.#toServer);
    this.pool.sessions += 1;
  }

  get mode(): PoolMode {
    return this.#mode ?? this.#start.mode ?? this.pool.mode ?? 'transaction';
  }

  get connection(): ServerConnection | null {
    return this.#connection;
  }

  get state(): string {
    return this.#state;
  }

  /** It keeps its connection between transactions. */
  get keepsConnection(): boolean {
    return this.pinned !== null || this.mode === 'session';
  }

  get takesNotifications(): boolean {
    return this.keepsConnection;
  }

  /** A transaction of it is open or running. */
  get isInTransaction(): boolean {
    const connection = this.#connection;
    return connection !== null && (connection.isBusy || connection.status !== Status.idle);
  }

  /**
   * Makes it known what PostgreSQL reports to such a session; asks PostgreSQL only when that is not known. `ready` gets an ErrorResponse
   * when the session cannot be.
   */
  begin(ready: (error: Buffer | null) => void): void {
    this.#onReady = ready;
    const welcome = this.pool.welcomes.get(this.settings);
    if (welcome !== undefined && this.mode === 'transaction') {
      this.#reported = welcome;
      this.#state = 'resting';
      this.#tellReady(null);
      return;
    }
    this.#state = 'waiting';
    this.#want();
  }

  /** From now on what the client sends is the session's. `first`: what has come already. */
  run(first: Buffer): void {
    const { socket } = this;
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('error', () => this.destroy());
    socket.on('end', () => this.destroy());
    socket.on('close', () => this.destroy());
    socket.on('drain', () => this.#connection?.resume());
    if (first.length > 0) this.#onData(first);
    socket.resume();
  }

  get reportedToClient(): SessionSettings {
    return this.#reported;
  }

  // --- from the client

  #onData(chunk: Buffer): void {
    this.#host.statistics.bytesIn += chunk.length;
    this.lastActive_ms = this.#host.now_ms;
    if (this.#canTake && this.#pending.length === 0) {
      this.#reader.push(chunk);
      this.#pump();
      return;
    }
    if (this.#state === 'closed') return;
    this.#pending.push(chunk);
    this.#pendingBytes += chunk.length;
    if (this.#pendingBytes > PENDING_BYTES_MAX) this.socket.pause();
  }

  get #canTake(): boolean {
    return this.#isOpen && !this.#reader.hasMore;
  }

  /** Messages can be taken. Behind a DISCARD ALL they are only when it has ended, since it ends what came before it, not after it. */
  get #isOpen(): boolean {
    if ((this.#state !== 'resting' && this.#state !== 'attached') || this.#isServerFull) return false;
    return !this.discards || this.#connection?.isUnsynced === true;
  }

  /** Takes what has come, as far as it goes. */
  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    const reader = this.#reader;
    try {
      for (;;) {
        while (this.#isOpen && reader.next()) {
          this.#take(reader.type, reader.chunk, reader.start, reader.end);
        }
        this.#flushToServer();
        if (!this.#canTake) break;
        reader.release();
        const next = this.#pending.shift();
        if (next === undefined) break;
        this.#pendingBytes -= next.length;
        reader.push(next);
      }
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.fail(protocolViolation(error.message));
    } finally {
      this.#isPumping = false;
    }
    if (this.#state !== 'closed' && this.#pendingBytes <= PENDING_BYTES_MAX && this.socket.isPaused())
      this.socket.resume();
  }

  #take(type: number, chunk: Buffer, start: number, end: number): void {
    const { rest } = this.#reader;
    switch (type) {
      case CONTINUATION:
        if (!this.#dropRest && this.#connection !== null) this.#toServer.add(chunk, start, end);
        return;
      case Client.terminate:
        this.destroy();
        return;
      case Client.sync:
        if (this.#connection === null || this.#isSkipping) {
          this.#isSkipping = false;
          this.#say(READY_IDLE);
          return;
        }
        break;
      case Client.flush:
      case Client.copyData:
      case Client.copyDone:
      case Client.copyFail:
        // Without a transaction there is nothing that these could belong to; PostgreSQL ignores them then, too.
        if (this.#connection === null) {
          this.#dropRest = true;
          return;
        }
        break;
      case Client.password:
        this.fail(protocolViolation('invalid frontend message type 112'));
        return;
      default:
    }
    this.#dropRest = this.#isSkipping;
    if (this.#isSkipping) return;
    const connection = this.#connection;
    if (
      connection === null ||
      (this.keepsConnection && connection.isQuiet && this.#host.routes.isHeld(this.pool.kind))
    ) {
      if (!this.#acquire()) return;
    }
    assert(this.#connection !== null, 'what is sent is sent on a connection');
    this.#translator.take(this.#connection, type, chunk, start, end, rest);
  }

  /** True when the session has a connection and the message can be sent; else the message is given back, to be taken later. */
  #acquire(): boolean {
    if (this.#connection === null) {
      this.#state = 'waiting';
      this.#want();
      if (this.#hasBegun()) return true;
    }
    this.#reader.unread();
    if (this.#connection !== null && this.#state === 'attached') {
      // It has a connection of its own, but no new transaction may begin now.
      this.#state = 'waiting';
      this.#host.transactionEnded();
    }
    return false;
  }

  #hasBegun(): boolean {
    return this.#connection !== null && this.#state === 'attached';
  }

  #want(): void {
    if (this.pool.kind === 'primary') {
      this.pool.take(this);
      return;
    }
    // A new session reads nothing yet, and is to hear that it is with a standby where there is one.
    const isCausal = this.#onReady === null && (this.#start.causalReads ?? this.pool.causalReads ?? true);
    if (!isCausal) {
      this.node = this.#host.routes.choose(0n);
      this.pool.take(this);
      return;
    }
    this.#host.causalReads.choose((node) => {
      if (this.#state !== 'waiting') return;
      this.node = node;
      if (node < 0) this.refused(null);
      else this.pool.take(this);
    });
  }

  #flushToServer(): void {
    const connection = this.#connection;
    if (this.#toServer.isEmpty) return;
    if (connection === null) {
      this.#toServer.clear();
      return;
    }
    if (!this.#toServer.flush(connection.stream)) this.#isServerFull = true;
  }

  // --- as `Waiter`

  given(connection: ServerConnection): void {
    assert(this.#state === 'waiting', 'only who waits is given a connection');
    this.#connection = connection;
    if (connection.settings === this.settings) {
      this.#attach(connection);
      this.#resume();
      return;
    }
    this.#host.statistics.settingsApplied += 1;
    const wanted = this.settings;
    connection.work(wanted.changeFrom(connection.settings), (error) => {
      if (error !== null) connection.isSpoiled = true;
      else connection.settings = wanted;
      if (this.#state === 'closed') {
        this.#connection = null;
        this.pool.giveBack(connection);
        return;
      }
      if (error === null) {
        this.#attach(connection);
        this.#resume();
        return;
      }
      this.#connection = null;
      connection.destroy();
      // Who is new hears it; of a session that had these settings before, nothing has been sent, and it tries another connection.
      if (this.#onReady !== null) this.#tellReady(error);
      else if (error.length === 0) this.#want();
      else this.#end(error);
    });
  }

  refused(error: Buffer | null): void {
    this.#state = 'resting';
    const { routes, limits } = this.#host;
    const isHeld = routes.isHeld(this.pool.kind);
    const failure = isHeld || this.#host.isDraining ? noServer(routes.view.reason) : queueTimeout(limits.wait_ms);
    if (this.#onReady !== null) {
      this.#tellReady(error ?? errorResponse({ ...failure, severity: 'FATAL' }));
      return;
    }
    if (error !== null) {
      // PostgreSQL does not take this role or database any more.
      this.#end(error);
      return;
    }
    this.refuse(failure);
  }

  #attach(connection: ServerConnection): void {
    connection.serve(this);
    this.#state = 'attached';
    if (this.pool.kind === 'read') this.#host.routes.readBegins(connection.node);
    if (this.#onReady !== null) {
      this.#reported = connection.reported;
      this.pool.welcomes.set(this.settings, connection.reported);
      // Before the client may send anything.
      if (!this.keepsConnection) this.#detach(connection);
      this.#tellReady(null);
      return;
    }
    if (connection.reported !== this.#reported) this.#tellReported(connection);
  }

  /** The client is told what this server reports otherwise than the last one. */
  #tellReported({ reported }: ServerConnection): void {
    for (const [name, value] of reported.values) {
      if (this.#reported.get(name) === value || this.#isFixed(name)) continue;
      this.#toClient.addWhole(parameterStatus(name, value));
    }
    this.#reported = reported;
  }

  #isFixed(name: string): boolean {
    return this.pool.kind === 'read' && FIXED_FOR_READS.has(name);
  }

  #tellReady(error: Buffer | null): void {
    const ready = this.#onReady;
    // The role's may change, the session's not.
    this.#mode = this.mode;
    this.#onReady = null;
    ready?.(error);
  }

  /** Takes what has waited for the connection. */
  #resume(): void {
    if (!this.#isPumping) this.#pump();
  }

  // --- as `Served`

  pass(chunk: Buffer, from: number, to: number): void {
    this.#host.statistics.bytesOut += to - from;
    this.#toClient.add(chunk, from, to);
  }

  endOfBurst(): void {
    if (this.#toClient.isEmpty || this.#holdsBurst) return;
    if (!this.#toClient.flush(this.socket)) this.#connection?.pause();
    if (this.#isHeldByDiscard) this.#resumeAfterDiscard();
  }

  /** It has failed within a transaction, which goes on. */
  #resumeAfterDiscard(): void {
    if (this.discards) return;
    this.#isHeldByDiscard = false;
    this.#resume();
  }

  reported(chunk: Buffer, from: number, to: number, name: string): void {
    if (!this.#isFixed(name)) this.#toClient.add(chunk, from, to);
    this.settingsChanged = true;
  }

  writable(): void {
    if (!this.#isServerFull) return;
    this.#isServerFull = false;
    this.#resume();
  }

  errorPassed(): void {
    this.#isCancelUnseen = false;
    if (!this.discards) return;
    // Whether it was done before the error is not known: what the session has then is asked.
    this.discards = false;
    this.settingsChanged = true;
    if (this.#connection !== null) this.#connection.isSpoiled = true;
  }

  parseFailed(name: string, prepared: Prepared): void {
    this.#translator.forget(name, prepared);
  }

  transactionEnded(connection: ServerConnection): void {
    const { statistics } = this.#host;
    statistics.transactions += 1;
    if (this.pool.kind === 'read') statistics.standbyTransactions += 1;
    for (const channel of this.#unlistens.splice(0)) this.#host.listeners.unlisten(this, channel);
    if (this.#listens && !this.keepsConnection) this.#takeOverChannels(connection);
    else this.#ended(connection);
  }

  /** What the session listens to now is heard for it; until then the client is not told that the transaction has ended. */
  #takeOverChannels(connection: ServerConnection): void {
    this.#listens = false;
    this.#holdsBurst = true;
    this.#state = 'settling';
    const ended = (error: Buffer | null): void => {
      this.#holdsBurst = false;
      if (error !== null) {
        connection.destroy();
        this.connectionLost(connection, false);
      } else if (this.#state === 'closed') {
        this.#connection = null;
        this.#endConnection(connection);
      } else this.#ended(connection);
    };
    connection.work('SELECT pg_catalog.pg_listening_channels()', (error, rows) => {
      const channels = rows.map(([channel]) => channel ?? '');
      if (error !== null || channels.length === 0) ended(error);
      else {
        connection.work('UNLISTEN *', (failed) => {
          if (failed !== null || this.#state === 'closed') ended(failed);
          else this.#host.listeners.listen(this, channels, () => ended(null));
        });
      }
    });
  }

  #ended(connection: ServerConnection): void {
    // What has come behind a DISCARD ALL is taken when the session is settled: the gateway itself may have something to ask first.
    this.#isHeldByDiscard = false;
    this.endOfBurst();
    this.#tellNotified();
    this.#host.transactionEnded();
    if (this.discards) this.#discarded(connection);
    if (this.#cancelling) {
      // The request may arrive after the end of what it was to cancel; nobody else's statement must be there then.
      this.#state = 'settling';
      this.#detachAfterCancel = true;
      return;
    }
    this.#settle(connection);
  }

  #settle(connection: ServerConnection): void {
    if (this.settingsChanged) this.#readSettings(connection);
    else if (this.keepsConnection) {
      this.#state = 'attached';
      this.#resume();
    } else this.#detach(connection);
  }

  /** DISCARD ALL: the session is as a new one of this client. */
  #discarded(connection: ServerConnection): void {
    this.discards = false;
    this.#translator.forgetAll();
    connection.prepared.clear();
    connection.unnamed = null;
    connection.settings = SessionSettings.none;
    this.settings = this.#start.settings;
    this.settingsChanged = false;
    this.custom.clear();
    this.#host.listeners.unlisten(this, '*');
    this.pinned = null;
  }

  #readSettings(connection: ServerConnection): void {
    this.settingsChanged = false;
    this.#state = 'settling';
    connection.work(settingsQuery(this.custom), (error, rows) => {
      if (error !== null) {
        this.connectionLost(connection, false);
        connection.destroy();
        return;
      }
      const values = rows.filter(([, value]) => value !== null) as [string, string][];
      this.settings = SessionSettings.of(values);
      connection.settings = this.settings;
      this.#reported = connection.reported;
      if (this.#state === 'closed') {
        this.#connection = null;
        this.#endConnection(connection);
      } else if (this.keepsConnection) {
        this.#state = 'attached';
        this.#resume();
      } else this.#detach(connection);
    });
  }

  #detach(connection: ServerConnection): void {
    this.#translator.detached();
    if (this.#reported !== connection.reported) this.#reported = connection.reported;
    this.#connection = null;
    this.#isServerFull = false;
    this.#state = 'resting';
    connection.leave();
    if (this.pool.kind === 'read') this.#host.routes.readEnds(connection.node);
    this.pool.giveBack(connection);
    if (this.#pending.length > 0 || this.#reader.hasMore) this.#resume();
  }

  /**
   * PostgreSQL tells with a warning that a cancel has ended the wait of a commit for its standbys, and this session has turned warnings
   * off. So a cancelled commit that reports success is taken for one that did not wait.
   */
  wasCancelledUnseen(connection: ServerConnection): boolean {
    const wasUnseen = this.#isCancelUnseen && connection.mayHaveCommitted;
    this.#isCancelUnseen = false;
    // What the burst says of success has not left yet.
    if (wasUnseen) this.#toClient.clear();
    return wasUnseen;
  }

  committedAlone(connection: ServerConnection): void {
    const why =
      'The commit was cancelled while it waited for standbys: it is in the primary, but perhaps nowhere else.';
    this.#connection = null;
    connection.leave();
    connection.destroy();
    this.fail(outcomeUnknown(why));
  }

  connectionLost(connection: ServerConnection, lastWords: boolean): void {
    if (this.#state === 'closed') return;
    this.#connection = null;
    if (this.pool.kind === 'read') this.#host.routes.readEnds(connection.node);
    // PostgreSQL has said itself what has become of it.
    if (lastWords) this.#end(null);
    else if (connection.mayHaveCommitted && connection.isBusy && this.pool.kind === 'primary') {
      this.#host.statistics.unknownOutcomes += 1;
      this.fail(outcomeUnknown('The connection to the primary was lost.'));
    } else {
      this.#host.statistics.interrupted += 1;
      this.fail(connectionEnded('The connection to PostgreSQL was lost.'));
    }
  }

  // --- errors and ends

  /** The statement that has begun is answered with an error; nothing of it was sent. The session goes on. */
  refuse(failure: Failure): void {
    this.#host.statistics.refused += 1;
    this.#toClient.addWhole(errorResponse(failure));
    // It is the message that was given back; a simple query ends with itself, all else with a Sync.
    if (this.#reader.next()) {
      this.#dropRest = true;
      if (this.#reader.type === Client.query || this.#reader.type === Client.functionCall)
        this.#toClient.addWhole(READY_IDLE);
      else this.#isSkipping = true;
    }
    this.endOfBurst();
    this.#resume();
  }

  /** Says why and ends. */
  fail(failure: Failure): void {
    this.#end(errorResponse(failure));
  }

  /** A cancel request with its key has come. */
  cancel(): void {
    const connection = this.#connection;
    if (this.#state === 'waiting' && connection === null) {
      if (this.#onReady !== null) return;
      this.pool.forget(this);
      this.#state = 'resting';
      this.refuse(cancelled());
      return;
    }
    if (connection === null || this.#cancelling || !connection.isBusy) return;
    this.#host.statistics.cancels += 1;
    this.#cancelling = true;
    const level = this.settings.get('client_min_messages') ?? '';
    this.#isCancelUnseen = this.settingsChanged || SILENT_LEVELS.has(level.toLowerCase());
    this.#host.cancelOn(connection, () => {
      this.#cancelling = false;
      if (!this.#detachAfterCancel) return;
      this.#detachAfterCancel = false;
      if (this.#connection !== connection) return;
      if (this.#state === 'closed') {
        this.#connection = null;
        this.#endConnection(connection);
      } else this.#settle(connection);
    });
  }

  /** Ten times a second. */
  sweep(): void {
    const { limits, now_ms } = this.#host;
    const connection = this.#connection;
    if (connection === null || this.#state === 'closed') return;
    if (this.#state === 'waiting' && this.#onReady === null) this.#sweepHeld(connection);
    const isIdle = connection.status !== Status.idle && !connection.isBusy;
    if (limits.idleInTransaction_ms === 0 || !isIdle) return;
    if (now_ms - this.lastActive_ms > limits.idleInTransaction_ms) this.fail(idleInTransaction());
  }

  /** A session with a connection of its own that may not begin a transaction now. */
  #sweepHeld(connection: ServerConnection): void {
    const { limits, now_ms, routes } = this.#host;
    if (!connection.isQuiet || connection.served !== this) return;
    if (!routes.isHeld(this.pool.kind)) {
      this.#state = 'attached';
      this.#resume();
    } else if (now_ms - this.lastActive_ms > limits.wait_ms) {
      this.#state = 'attached';
      this.refuse(noServer(routes.view.reason));
    }
  }

  /** The node stops: ends when nothing is open. True when it has ended. */
  endWhenIdle(): boolean {
    if (this.#state === 'closed') return true;
    if (this.isInTransaction || this.#state === 'waiting' || this.#state === 'settling') return false;
    this.fail(shuttingDown());
    return true;
  }

  #end(lastWords: Buffer | null): void {
    if (this.#state === 'closed') return;
    this.#holdsBurst = false;
    if (lastWords !== null) this.#toClient.addWhole(lastWords);
    this.endOfBurst();
    const { socket } = this;
    this.#close();
    // What was said has to arrive, but nobody is waited for who does not read.
    socket.end(() => socket.destroy());
    socket.resume();
  }

  /** Its log-in has failed; what becomes of the socket is not its business. */
  abandon(): void {
    if (this.#state !== 'closed') this.#close();
  }

  destroy(): void {
    if (this.#state === 'closed') return;
    this.#close();
    this.socket.destroy();
  }

  #close(): void {
    const before = this.#state;
    this.#state = 'closed';
    this.pool.sessions -= 1;
    this.#pending = [];
    this.#onReady = null;
    this.pool.forget(this);
    this.#translator.forgetAll();
    this.#host.listeners.unlisten(this, '*');
    this.#host.closed(this);
    const connection = this.#connection;
    if (connection === null) return;
    if (connection.served === this && this.pool.kind === 'read') this.#host.routes.readEnds(connection.node);
    // Settings are being put or read: the end of that gives the connection back.
    if (before === 'settling' || connection.served !== this) {
      if (connection.served === this) connection.leave();
      return;
    }
    this.#connection = null;
    this.#endConnection(connection);
  }

  /** Its client has gone: the connection is made as new, or closed. */
  #endConnection(connection: ServerConnection): void {
    if (connection.served === this) connection.leave();
    if (connection.isClosed) return;
    if (!connection.isQuiet || this.#isServerFull || this.#reader.rest > 0) {
      if (connection.isBusy) this.#host.cancelOn(connection, () => undefined);
      connection.destroy();
      return;
    }
    if (this.pinned === null && this.mode === 'transaction' && !this.settingsChanged) {
      this.pool.giveBack(connection);
      return;
    }
    connection.work('DISCARD ALL', (error) => {
      if (error !== null) {
        connection.destroy();
        return;
      }
      connection.prepared.clear();
      connection.unnamed = null;
      connection.settings = SessionSettings.none;
      this.pool.giveBack(connection);
    });
  }

  // --- for the translator

  /** What a statement does beside its transaction. */
  note(effects: Effects, connection: ServerConnection): void {
    if (effects.mayCommit) connection.mayHaveCommitted = true;
    if (effects.settings) this.settingsChanged = true;
    for (const name of effects.custom) this.custom.add(name);
    if (effects.discardAll) {
      this.discards = true;
      this.#isHeldByDiscard = true;
    }
    if (effects.leaves !== null) this.#host.leaveDatabase(effects.leaves);
    if (effects.pin !== null) this.pin(effects.pin);
    if (this.keepsConnection) return;
    if (effects.listen.length > 0) this.#listens = true;
    this.#unlistens.push(...effects.unlisten);
  }

  /** It keeps the connection that it has. */
  pin(reason: PinReason): void {
    if (this.keepsConnection) return;
    this.pinned = reason;
    this.#host.statistics.pinned[reason] += 1;
  }

  #say(bytes: Buffer): void {
    this.#toClient.addWhole(bytes);
    this.endOfBurst();
  }

  /** A NotificationResponse for a channel that it listens to; it gets it between its transactions, as from PostgreSQL. */
  notify(bytes: Buffer): void {
    if (this.#state === 'closed' || this.#state === 'starting') return;
    this.#notified.push(bytes);
    if (!this.isInTransaction) this.#tellNotified();
    else if (this.#notified.length > NOTIFIED_MAX) this.fail(tooManyNotifications());
  }

  #tellNotified(): void {
    if (this.#notified.length === 0) return;
    for (const bytes of this.#notified.splice(0)) this.#toClient.addWhole(bytes);
    this.endOfBurst();
  }
}
