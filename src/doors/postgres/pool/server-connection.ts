/**
 * One connection to a PostgreSQL server, as one role in one database.
 *
 *   opening -> idle <-> serving (a session has it) -> closed
 *                 \<-> working (a query of the gateway's own) /
 *
 * Invariants:
 * 1. While it serves, whatever comes is passed on to the session in order, except answers to what the session does not know of.
 * 2. It leaves its session only when nothing is owed and no transaction is open.
 * 3. A query of the gateway's own runs only while nothing is owed.
 */
import type { Duplex } from 'node:stream';
import { assert } from '../../../base/assert.ts';
import type { NodeId } from '../../../cluster/view.ts';
import { Server, Status } from '../protocol/codes.ts';
import { CONTINUATION, FrameReader, frameSizes } from '../protocol/frame-reader.ts';
import { cancelRequest, fieldOf, query, rowOf, startup, textAt } from '../protocol/messages.ts';
import type { Prepared } from '../session/prepared-statements.ts';
import { SessionSettings } from '../session/settings.ts';
import { Expect, type Expected } from './expected.ts';

/** Whole in any case: what is read here. Everything else is passed on in pieces as it comes. */
const WHOLE_MAX = 1_024 * 1_024;
const SMALL_MAX = 16 * 1_024;
const SIZES = frameSizes(0, {
  [Server.error]: WHOLE_MAX,
  [Server.notice]: WHOLE_MAX,
  [Server.notification]: SMALL_MAX,
  [Server.parameterStatus]: SMALL_MAX,
  [Server.readyForQuery]: SMALL_MAX,
  [Server.authentication]: SMALL_MAX,
  [Server.backendKeyData]: SMALL_MAX,
  [Server.parseComplete]: SMALL_MAX,
  [Server.closeComplete]: SMALL_MAX,
});
/** For answers to the gateway itself, rows are whole, too. */
const WORK_SIZES = SIZES.slice();
WORK_SIZES[Server.dataRow] = WHOLE_MAX;
/** Statements that one connection keeps prepared; past it the oldest is closed. */
export const PREPARED_MAX = 500;

/** The session that a connection serves. */
export interface Served {
  /** A piece of what the server says. It is flushed by `endOfBurst`. */
  pass(chunk: Buffer, from: number, to: number): void;
  endOfBurst(): void;
  /** A setting that PostgreSQL reports is another one now; the message has been passed on already where it may be. */
  reported(chunk: Buffer, from: number, to: number, name: string): void;
  /** Whether messages of LISTEN that come here are the session's. */
  readonly takesNotifications: boolean;
  /** Nothing is owed and no transaction is open. */
  transactionEnded(connection: ServerConnection): void;
  /** A request has ended without an error after a cancel that PostgreSQL would not have told of. */
  wasCancelledUnseen(connection: ServerConnection): boolean;
  /** PostgreSQL has committed, but not where it must be. */
  committedAlone(connection: ServerConnection): void;
  /** An error has been passed on. */
  errorPassed(): void;
  /** A named statement could not be prepared. */
  parseFailed(name: string, prepared: Prepared): void;
  /** The connection has ended. `lastWords`: whether the server had said why. */
  connectionLost(connection: ServerConnection, lastWords: boolean): void;
  /** There is room to write to it again. */
  writable(): void;
}

/** Who owns it. */
export interface ConnectionOwner {
  /** It can serve now. */
  opened(connection: ServerConnection): void;
  /** `error`: the ErrorResponse that the server has sent, or why there was no connection. */
  failed(connection: ServerConnection, error: Buffer | Error): void;
  closed(connection: ServerConnection): void;
  /** Plans of prepared statements have become wrong. */
  plansChanged(connection: ServerConnection): void;
  /** A NotificationResponse has come while nobody was served. */
  notified?(bytes: Buffer): void;
}

export type Rows = readonly (readonly (string | null)[])[];
type WorkDone = (error: Buffer | null, rows: Rows) => void;

export class ServerConnection {
  readonly node: NodeId;
  readonly epoch: number;
  readonly user: string;
  readonly database: string;
  readonly stream: Duplex;
  /** What the session of this connection has set. */
  settings = SessionSettings.none;
  /** By name; what PostgreSQL has reported of itself. */
  readonly reportedValues = new Map<string, string>();
  /** Named statements that are prepared here. */
  readonly prepared = new Set<Prepared>();
  /** Whose statement without a name it has; an object that the session made for it. */
  unnamed: object | null = null;
  /** As the last ReadyForQuery said. */
  status: number = Status.idle;
  /** The session has sent messages of the extended protocol and no Sync yet. */
  isUnsynced = false;
  /** What has been sent may have committed something. */
  mayHaveCommitted = false;
  /** COPY FROM STDIN goes on: PostgreSQL passes over each Sync until its end. */
  isCopyingIn = false;
  /** Statements are being deallocated by the client. */
  isForgetting = false;
  /** Not used for another session. */
  isSpoiled = false;
  /** When it was given back last. */
  idleSince_ms: number;
  readonly openedAt_ms: number;
  /** Goes with `plansChanged`. */
  plans = 0;
  processId = 0;
  key: Buffer = Buffer.alloc(0);
  readonly #owner: ConnectionOwner;
  readonly #reader = new FrameReader(SIZES);
  readonly #expected: Expected[] = [];
  #served: Served | null = null;
  #state: 'opening' | 'open' | 'closed' = 'opening';
  #work: WorkDone | null = null;
  #workError: Buffer | null = null;
  #workRows: (string | null)[][] = [];
  #reported: SessionSettings | null = null;
  /** The rest of a message that the session does not get. */
  #dropRest = false;
  #lastWords = false;
  #isPaused = false;

  constructor(
    owner: ConnectionOwner,
    place: { readonly node: NodeId; readonly epoch: number; readonly user: string; readonly database: string },
    stream: Duplex,
    now_ms: number,
  ) {
    this.#owner = owner;
    this.node = place.node;
    this.epoch = place.epoch;
    this.user = place.user;
    this.database = place.database;
    this.stream = stream;
    this.idleSince_ms = now_ms;
    this.openedAt_ms = now_ms;
    stream.on('data', (chunk: Buffer) => this.#onData(chunk));
    stream.on('error', (error: Error) => this.#end(error));
    stream.on('end', () => this.destroy());
    stream.on('close', () => this.#end(new Error('the connection to PostgreSQL was closed')));
    stream.on('drain', () => this.#served?.writable());
    stream.write(startup({ user: place.user, database: place.database }));
  }

  get isOpening(): boolean {
    return this.#state === 'opening';
  }

  get isClosed(): boolean {
    return this.#state === 'closed';
  }

  /** The session that has it. */
  get served(): Served | null {
    return this.#served;
  }

  /** Nothing is owed and no transaction is open. */
  get isQuiet(): boolean {
    return this.#expected.length === 0 && !this.isUnsynced && this.status === Status.idle && this.#work === null;
  }

  /** The rest of a message is still to come. */
  get isMidMessage(): boolean {
    return this.#reader.rest > 0;
  }

  /** A request has been sent whose end has not come. */
  get isBusy(): boolean {
    return this.#expected.length > 0 || this.isUnsynced;
  }

  get reported(): SessionSettings {
    this.#reported ??= SessionSettings.of(this.reportedValues);
    return this.#reported;
  }

  serve(session: Served): void {
    assert(this.#served === null && this.isQuiet, 'a connection serves one session at a time');
    this.#served = session;
    this.mayHaveCommitted = false;
  }

  /** The session has done with it. */
  leave(): void {
    this.#served = null;
    this.resume();
  }

  /** Its session cannot take more now. */
  pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.stream.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.stream.resume();
  }

  /** An answer that has to be looked at. Called in the order of the messages. */
  expect(answer: Expected): void {
    this.#expected.push(answer);
  }

  /** Runs a query of the gateway's own. `error`: the ErrorResponse; the connection may have ended then. */
  work(sql: string, done: WorkDone): void {
    assert(this.isQuiet, 'the gateway asks only while nothing is owed');
    this.#work = done;
    this.#workError = null;
    this.#workRows = [];
    this.#reader.sizes = WORK_SIZES;
    this.stream.write(query(sql));
  }

  /** What a cancel request for it looks like. */
  cancelMessage(): Buffer {
    return cancelRequest(this.processId, this.key);
  }

  /** Ends it in order. */
  close(): void {
    if (this.#state === 'closed') return;
    this.stream.end(Buffer.from([0x58, 0, 0, 0, 4]));
    this.destroy();
  }

  destroy(): void {
    this.stream.destroy();
    this.#end(new Error('the connection to PostgreSQL was closed'));
  }

  #onData(chunk: Buffer): void {
    const reader = this.#reader;
    reader.push(chunk);
    while (this.#state !== 'closed' && reader.next()) {
      if (this.#served !== null && this.#work === null)
        this.#relay(this.#served, reader.type, reader.chunk, reader.start, reader.end);
      else this.#read(reader.type, reader.chunk, reader.start, reader.end);
    }
    this.#served?.endOfBurst();
    reader.release();
  }

  // --- while it serves

  #relay(session: Served, type: number, chunk: Buffer, start: number, end: number): void {
    switch (type) {
      case CONTINUATION:
        if (!this.#dropRest) session.pass(chunk, start, end);
        return;
      case Server.readyForQuery:
        this.status = chunk[start + 5] as number;
        this.#requestEnded(session, chunk, start, end);
        return;
      case Server.parseComplete:
      case Server.closeComplete:
        this.#answered(session, chunk, start, end);
        return;
      case Server.error:
        this.#relayError(session, chunk, start, end);
        return;
      case Server.notice:
        if (this.#isCommittedAlone(chunk, start, end)) session.committedAlone(this);
        else session.pass(chunk, start, end);
        break;
      case Server.parameterStatus: {
        const name = this.#noteReported(chunk, start, end);
        session.reported(chunk, start, end, name);
        break;
      }
      case Server.copyInResponse:
        this.isCopyingIn = true;
        if (this.#expected[0] === Expect.sync) {
          // It was sent right behind the COPY, so it is passed over, too; another one has to come.
          this.#expected.shift();
          this.isUnsynced = true;
        }
        session.pass(chunk, start, end);
        return;
      case Server.notification:
        if (session.takesNotifications) session.pass(chunk, start, end);
        this.#dropRest = !session.takesNotifications;
        return;
      default:
        session.pass(chunk, start, end);
    }
    this.#dropRest = false;
  }

  #requestEnded(session: Served, chunk: Buffer, start: number, end: number): void {
    const answer = this.#expected.shift();
    if (answer === Expect.syncUnseen) return;
    if (session.wasCancelledUnseen(this)) {
      session.committedAlone(this);
      return;
    }
    session.pass(chunk, start, end);
    if (answer !== Expect.sync && answer !== Expect.query) {
      this.#end(new Error('PostgreSQL has ended a request that was not sent'));
      return;
    }
    if (this.#expected.length > 0 || this.isUnsynced) return;
    this.mayHaveCommitted = false;
    if (this.status === Status.idle) session.transactionEnded(this);
  }

  #answered(session: Served, chunk: Buffer, start: number, end: number): void {
    const answer = this.#expected[0];
    // Within a simple query there are none of these.
    if (answer === undefined || isEnd(answer)) {
      session.pass(chunk, start, end);
      return;
    }
    this.#expected.shift();
    if (answer === Expect.closeUnseen) return;
    if (typeof answer === 'object' && answer.name === null) return;
    if (answer === Expect.closeAsParse) chunk[start] = Server.parseComplete;
    session.pass(chunk, start, end);
  }

  #relayError(session: Served, chunk: Buffer, start: number, end: number): void {
    this.isCopyingIn = false;
    // Nothing up to the next Sync will be answered any more.
    for (;;) {
      const answer = this.#expected[0];
      if (answer === undefined || isEnd(answer)) break;
      this.#expected.shift();
      if (answer === Expect.parse) this.unnamed = null;
      if (typeof answer !== 'object' || answer.prepared === null) continue;
      this.prepared.delete(answer.prepared);
      if (answer.name !== null) session.parseFailed(answer.name, answer.prepared);
    }
    if (this.isForgetting) {
      // Whether its statements are still there depends on what has failed.
      this.isForgetting = false;
      this.isSpoiled = true;
    }
    session.errorPassed();
    if (fieldOf(chunk, start, end, 'V') !== 'ERROR') this.#lastWords = true;
    if (fieldOf(chunk, start, end, 'R') === 'RevalidateCachedQuery') this.#owner.plansChanged(this);
    this.#dropRest = false;
    session.pass(chunk, start, end);
  }

  /**
   * The warning that a commit waited for standbys in vain, by cancel or by the end of the process: it has been done here and is told as
   * done, but no standby need have it. The name of the function tells it in every language.
   */
  #isCommittedAlone(chunk: Buffer, start: number, end: number): boolean {
    return fieldOf(chunk, start, end, 'R') === 'SyncRepWaitForLSN';
  }

  // --- while it opens, or works for the gateway

  #read(type: number, chunk: Buffer, start: number, end: number): void {
    switch (type) {
      case Server.parameterStatus:
        this.#noteReported(chunk, start, end);
        return;
      case Server.backendKeyData:
        this.processId = chunk.readInt32BE(start + 5);
        this.key = Buffer.from(chunk.subarray(start + 9, end));
        return;
      case Server.authentication:
        if (chunk.readInt32BE(start + 5) !== 0)
          this.#end(new Error('PostgreSQL asks for a password; its pg_hba.conf must not'));
        return;
      case Server.dataRow:
        if (this.#work !== null && this.#reader.rest === 0) this.#workRows.push(rowOf(chunk, start));
        return;
      case Server.error: {
        const error = Buffer.from(chunk.subarray(start, end));
        if (this.#state === 'opening') this.#refuse(error);
        else this.#workError ??= error;
        return;
      }
      case Server.readyForQuery:
        this.status = chunk[start + 5] as number;
        if (this.#state === 'opening') {
          this.#state = 'open';
          this.#owner.opened(this);
        } else this.#workEnded();
        return;
      case Server.notification:
        this.#owner.notified?.(Buffer.from(chunk.subarray(start, end)));
        return;
      default:
    }
  }

  #workEnded(): void {
    const done = this.#work;
    if (done === null) return;
    this.#work = null;
    this.#reader.sizes = SIZES;
    done(this.#workError, this.#workRows);
  }

  #noteReported(chunk: Buffer, start: number, end: number): string {
    const name = textAt(chunk, start + 5, end) ?? '';
    const value = textAt(chunk, start + 6 + Buffer.byteLength(name), end) ?? '';
    this.reportedValues.set(name, value);
    this.#reported = null;
    return name;
  }

  #refuse(error: Buffer): void {
    this.#state = 'closed';
    this.stream.destroy();
    this.#owner.failed(this, error);
  }

  #end(error: Error): void {
    if (this.#state === 'closed') return;
    const wasOpening = this.#state === 'opening';
    this.#state = 'closed';
    this.stream.destroy();
    if (wasOpening) {
      this.#owner.failed(this, error);
      return;
    }
    const session = this.#served;
    this.#served = null;
    const done = this.#work;
    this.#work = null;
    this.#owner.closed(this);
    if (done !== null) done(this.#workError ?? Buffer.alloc(0), []);
    else session?.connectionLost(this, this.#lastWords);
  }
}

function isEnd(answer: Expected): boolean {
  return answer === Expect.sync || answer === Expect.query || answer === Expect.syncUnseen;
}
