/**
 * One session of a client, from the end of its log-in. It has a connection to PostgreSQL while a transaction is open, or for good
 * where it has to.
 *
 *   resting -> waiting (for a connection) -> attached -> settling (its settings are read) -> resting
 *                                                    \-> attached, for good: session pooling, or pinned
 *
 * Here are its states and its ends. `ConnectionWait` gets it a connection, `ClientInput` takes what the client sends, `ClientOutput` tells
 * it, and `Settling` does what the end of a transaction takes.
 *
 * Invariants:
 * 1. A message is sent to PostgreSQL at most once. Whether one that was sent has had an effect is never guessed: what is lost with its
 *    connection is told as 57P01 when it cannot have committed, and as 08007 when it may have.
 * 2. What a client is told comes in the order of its requests.
 * 3. Bytes in memory are bounded: reading stops on either side while the other one does not take them.
 */
import type { Socket } from 'node:net';
import {
  cancelled,
  connectionEnded,
  type Failure,
  idleInTransaction,
  noServer,
  outcomeUnknown,
  shuttingDown,
  tooManyNotifications,
} from '../errors.ts';
import type { PoolMode } from '../pool/kinds.ts';
import type { Pool } from '../pool/pool.ts';
import type { Served, ServerConnection } from '../pool/server-connection.ts';
import { Status } from '../protocol/codes.ts';
import { errorResponse, READY_IDLE } from '../protocol/messages.ts';
import type { Effects, PinReason } from '../sql/statement-effects.ts';
import { Cancellation } from './cancellation.ts';
import { ClientInput, type SendingSession } from './client-input.ts';
import { ClientOutput } from './client-output.ts';
import { ConnectionWait, type WaitingSession } from './connection-wait.ts';
import type { Prepared } from './prepared-statements.ts';
import type { SessionHost } from './session-host.ts';
import type { SessionSettings } from './settings.ts';
import { Settling, type SettlingSession } from './settling.ts';
import type { Welcomed } from './welcome.ts';

/** Notifications that wait for the end of a transaction. */
const NOTIFICATIONS_MAX = 10_000;

export interface SessionStart extends Welcomed {
  readonly socket: Socket;
  readonly pool: Pool;
  readonly processId: number;
  readonly key: Buffer;
  readonly settings: SessionSettings;
  /** What the client has asked for; null for what the role or database says. */
  readonly causalReads: boolean | null;
}

export class ClientSession implements Served, SendingSession, WaitingSession, SettlingSession {
  readonly pool: Pool;
  readonly processId: number;
  readonly key: Buffer;
  readonly mode: PoolMode;
  /** What it waits to hear of (LISTEN). */
  readonly channels = new Set<string>();
  readonly #host: SessionHost;
  readonly #socket: Socket;
  readonly #wait: ConnectionWait;
  readonly #input: ClientInput;
  readonly #output: ClientOutput;
  readonly #cancellation: Cancellation;
  readonly #settling: Settling;
  #connection: ServerConnection | null = null;
  #state: 'resting' | 'waiting' | 'attached' | 'settling' | 'closed' = 'resting';
  #pinned: PinReason | null = null;
  /** What has come behind a DISCARD ALL that has failed is taken when the client has been told of that. */
  #resumesAfterBurst = false;

  constructor(host: SessionHost, start: SessionStart) {
    this.#host = host;
    this.#socket = start.socket;
    this.pool = start.pool;
    this.processId = start.processId;
    this.key = start.key;
    this.mode = start.mode;
    this.#wait = new ConnectionWait(this, host, start.causalReads);
    this.#input = new ClientInput(this, host, start.socket);
    this.#output = new ClientOutput(start.socket, host.statistics, start.pool.kind === 'read');
    this.#cancellation = new Cancellation(host);
    this.#settling = new Settling(this, host, this.#output, this.#cancellation, start.settings);
    this.#output.reported = start.reported;
    if (start.connection !== null) this.#attach(start.connection);
    this.pool.sessions += 1;
  }

  get database(): string {
    return this.pool.database;
  }

  /** What it has set. */
  get settings(): SessionSettings {
    return this.#settling.settings;
  }

  get connection(): ServerConnection | null {
    return this.#connection;
  }

  /** It has a connection, or will have it in a moment. */
  get isActive(): boolean {
    return this.#connection !== null || this.#wait.isPreparing;
  }

  get isClosed(): boolean {
    return this.#state === 'closed';
  }

  /** It keeps its connection between transactions. */
  get keepsConnection(): boolean {
    return this.#pinned !== null || this.mode === 'session';
  }

  /** A transaction of it is open or running. */
  get isInTransaction(): boolean {
    const connection = this.#connection;
    return connection !== null && (connection.isBusy || connection.status !== Status.idle);
  }

  /** From now on what the client sends is the session's. `first`: what has come already. */
  run(first: Buffer): void {
    const socket = this.#socket;
    const input = this.#input;
    socket.on('data', (chunk: Buffer) => input.received(chunk));
    socket.on('error', () => this.destroy());
    socket.on('end', () => this.destroy());
    socket.on('close', () => this.destroy());
    socket.on('drain', () => this.#connection?.resume());
    if (first.length > 0) input.received(first);
    socket.resume();
  }

  // --- as `SendingSession`

  /** Behind a DISCARD ALL messages are taken only when it has ended, since it ends what came before it, not after it. */
  get takesMessages(): boolean {
    if (this.#state !== 'resting' && this.#state !== 'attached') return false;
    return !this.#settling.discards || this.#connection?.isUnsynced === true;
  }

  connectionToSend(): ServerConnection | null {
    const connection = this.#connection;
    if (connection === null) {
      this.#state = 'waiting';
      this.#wait.begin();
      return this.connection;
    }
    if (!this.keepsConnection || !connection.isQuiet || !this.#host.routes.isHeld(this.pool.kind)) return connection;
    // It has a connection of its own, but no new transaction may begin now.
    this.#state = 'waiting';
    this.#host.transactionEnded();
    return null;
  }

  /** What a statement does beside its transaction. */
  note(effects: Effects, connection: ServerConnection): void {
    if (effects.mayCommit) connection.mayHaveCommitted = true;
    if (effects.leaves !== null) this.#host.leaveDatabase(effects.leaves);
    if (effects.pin !== null) this.pin(effects.pin);
    this.#settling.note(effects);
  }

  /** It keeps the connection that it has. */
  pin(reason: PinReason): void {
    if (this.keepsConnection) return;
    this.#pinned = reason;
    this.#host.statistics.pinned[reason] += 1;
  }

  say(bytes: Buffer): void {
    this.#output.add(bytes);
    this.#flush();
  }

  // --- as `WaitingSession`

  attached(connection: ServerConnection): void {
    this.#attach(connection);
    if (connection.reported !== this.#output.reported) this.#output.addReported(connection.reported);
    this.#input.resume();
  }

  #attach(connection: ServerConnection): void {
    connection.serve(this);
    this.#connection = connection;
    this.#state = 'attached';
    if (this.pool.kind === 'read') this.#host.routes.readBegins(connection.node);
  }

  refused(why: Failure | Buffer): void {
    this.#state = 'resting';
    if (!Buffer.isBuffer(why)) this.#refuse(why);
    else if (why.length > 0) {
      // PostgreSQL does not take this role or database any more.
      this.#end(why);
    } else {
      // Nothing of it has been sent, so it tries another connection.
      this.#state = 'waiting';
      this.#wait.begin();
    }
  }

  // --- as `Served`

  get takesNotifications(): boolean {
    return this.keepsConnection;
  }

  pass(chunk: Buffer, from: number, to: number): void {
    this.#output.pass(chunk, from, to);
  }

  endOfBurst(): void {
    this.#flush();
    if (!this.#resumesAfterBurst) return;
    this.#resumesAfterBurst = false;
    this.#input.resume();
  }

  reported(chunk: Buffer, from: number, to: number, name: string): void {
    this.#output.passReported(chunk, from, to, name);
    this.#settling.noteReported();
  }

  writable(): void {
    this.#input.writable();
  }

  errorPassed(): void {
    this.#cancellation.errorTold();
    if (this.#settling.discards) this.#resumesAfterBurst = true;
    this.#settling.noteError(this.#connection);
  }

  parseFailed(name: string, prepared: Prepared): void {
    this.#input.forget(name, prepared);
  }

  transactionEnded(connection: ServerConnection): void {
    const { statistics } = this.#host;
    statistics.transactions += 1;
    if (this.pool.kind === 'read') statistics.standbyTransactions += 1;
    this.#settling.transactionEnded(connection);
  }

  wasCancelledUnseen(connection: ServerConnection): boolean {
    const wasUnseen = this.#cancellation.takeUnseen(connection);
    // What the burst says of success has not left yet.
    if (wasUnseen) this.#output.drop();
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

  // --- as `SettlingSession`

  beginSettling(): void {
    this.#state = 'settling';
  }

  tellEnd(): void {
    this.#output.addNotifications();
    this.#flush();
    this.#host.transactionEnded();
  }

  discarded(): void {
    this.#input.forgetAll();
    this.#pinned = null;
  }

  settled(connection: ServerConnection): void {
    if (this.#state === 'closed') {
      this.#connection = null;
      this.#settling.release(connection, this.#input.isCut);
    } else if (this.keepsConnection) {
      this.#output.reported = connection.reported;
      this.#state = 'attached';
      this.#input.resume();
    } else this.#detach(connection);
  }

  #detach(connection: ServerConnection): void {
    this.#input.detached();
    this.#output.reported = connection.reported;
    this.#connection = null;
    this.#state = 'resting';
    connection.leave();
    if (this.pool.kind === 'read') this.#host.routes.readEnds(connection.node);
    this.pool.giveBack(connection);
    if (this.#input.isWaiting) this.#input.resume();
  }

  /** A NotificationResponse for a channel that it listens to; it gets it between its transactions, as from PostgreSQL. */
  notify(bytes: Buffer): void {
    if (this.#state === 'closed') return;
    const count = this.#output.keepNotification(bytes);
    if (!this.isInTransaction) {
      this.#output.addNotifications();
      this.#flush();
    } else if (count > NOTIFICATIONS_MAX) this.fail(tooManyNotifications());
  }

  #flush(): void {
    if (!this.#output.flush()) this.#connection?.pause();
  }

  // --- errors and ends

  /** The statement that has begun is answered with an error; nothing of it was sent. The session goes on. */
  #refuse(failure: Failure): void {
    this.#host.statistics.refused += 1;
    this.#output.add(errorResponse(failure));
    if (this.#input.passOver()) this.#output.add(READY_IDLE);
    this.#flush();
    this.#input.resume();
  }

  /** Says why and ends. */
  fail(failure: Failure): void {
    this.#end(errorResponse(failure));
  }

  /** A cancel request with its key has come. */
  cancel(): void {
    const connection = this.#connection;
    if (this.#wait.end()) {
      this.#state = 'resting';
      this.#refuse(cancelled());
      return;
    }
    if (connection === null || !connection.isBusy) return;
    this.#cancellation.send(connection, this.#settling.settingsChanged ? null : this.settings);
  }

  /** Ten times a second. */
  sweep(): void {
    const { limits, now_ms } = this.#host;
    const connection = this.#connection;
    if (connection === null || this.#state === 'closed') return;
    if (this.#state === 'waiting') this.#sweepHeld();
    const isIdle = connection.status !== Status.idle && !connection.isBusy;
    if (limits.idleInTransaction_ms === 0 || !isIdle) return;
    if (now_ms - this.#input.lastActive_ms > limits.idleInTransaction_ms) this.fail(idleInTransaction());
  }

  /** A session with a connection of its own that may not begin a transaction now. */
  #sweepHeld(): void {
    const { limits, now_ms, routes } = this.#host;
    if (!routes.isHeld(this.pool.kind)) {
      this.#state = 'attached';
      this.#input.resume();
    } else if (now_ms - this.#input.lastActive_ms > limits.wait_ms) {
      this.#state = 'attached';
      this.#refuse(noServer(routes.view.reason));
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
    this.#output.release();
    if (lastWords !== null) this.#output.add(lastWords);
    this.#flush();
    const socket = this.#socket;
    this.#close();
    // What was said has to arrive, but nobody is waited for who does not read.
    socket.end(() => socket.destroy());
    socket.resume();
  }

  destroy(): void {
    if (this.#state === 'closed') return;
    this.#close();
    this.#socket.destroy();
  }

  #close(): void {
    const before = this.#state;
    this.#state = 'closed';
    this.pool.sessions -= 1;
    this.#wait.end();
    this.#input.end();
    this.#host.listeners.unlisten(this, '*');
    this.#host.closed(this);
    const connection = this.#connection;
    if (connection === null) return;
    if (this.pool.kind === 'read') this.#host.routes.readEnds(connection.node);
    if (before === 'settling') {
      // The end of that releases the connection.
      connection.leave();
      return;
    }
    this.#connection = null;
    this.#settling.release(connection, this.#input.isCut);
  }
}
