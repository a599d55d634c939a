/**
 * What a session's messages become on a connection that others use, too: names of statements are those of the connection, a statement
 * that is not there is prepared first, and what a statement does beside its transaction is noted. All else is passed on as it is.
 *
 * A statement that is there already is not prepared again. So that the client hears of it in the right place, a Close of nothing is sent
 * instead, and its answer, which has the same length, is passed on as that of a Parse.
 */

import type { Failure } from '../errors.ts';
import { tooManyStatements } from '../errors.ts';
import { Expect } from '../pool/expected.ts';
import type { PoolMode } from '../pool/kinds.ts';
import { PREPARED_MAX, type ServerConnection } from '../pool/server-connection.ts';
import type { Burst } from '../protocol/burst.ts';
import { Client, Status } from '../protocol/codes.ts';
import { CLOSE_NOTHING, message, query, SYNC } from '../protocol/messages.ts';
import { effectsOf } from '../sql/effects.ts';
import type { Effects, PinReason } from '../sql/statement-effects.ts';
import type { Prepared } from './prepared-statements.ts';
import type { SessionHost } from './session-host.ts';

const HEADER_BYTES = 5;
const STATEMENT = 0x53; // S
const CLOSE_UNNAMED = message(Client.close, Buffer.from('S\0'));

export interface TranslatedSession {
  readonly mode: PoolMode;
  /** What a statement does beside its transaction. */
  note(effects: Effects, connection: ServerConnection): void;
  /** It keeps the connection that it has. */
  pin(reason: PinReason): void;
  fail(failure: Failure): void;
}

/** The statement without a name that a session has made last. */
interface Unnamed {
  message: Buffer;
  isCopied: boolean;
}

export class Translator {
  readonly #session: TranslatedSession;
  readonly #host: SessionHost;
  readonly #out: Burst;
  /** By the client's name, a character for each of its bytes. */
  readonly #prepared = new Map<string, Prepared>();
  #unnamed: Unnamed | null = null;

  constructor(session: TranslatedSession, host: SessionHost, out: Burst) {
    this.#session = session;
    this.#host = host;
    this.#out = out;
  }

  /** `rest`: bytes of the message that come later and are passed on as they are. */
  take(to: ServerConnection, type: number, chunk: Buffer, start: number, end: number, rest: number): void {
    if (to.status === Status.idle) to.mayHaveCommitted = true;
    switch (type) {
      case Client.query:
        this.#query(to, chunk, start, end, rest);
        return;
      case Client.parse:
        to.isUnsynced = true;
        this.#parse(to, chunk, start, end, rest);
        return;
      case Client.bind:
        to.isUnsynced = true;
        this.#bind(to, chunk, start, end, rest);
        return;
      case Client.describe:
      case Client.close:
        to.isUnsynced = true;
        this.#describeOrClose(to, type, chunk, start, end);
        return;
      case Client.execute:
        to.isUnsynced = true;
        break;
      case Client.sync:
        if (to.isCopyingIn) break;
        to.isUnsynced = false;
        to.expect(Expect.sync);
        break;
      case Client.copyDone:
      case Client.copyFail:
        to.isCopyingIn = false;
        break;
      case Client.functionCall:
        this.#syncUnseen(to);
        to.expect(Expect.query);
        break;
      default:
    }
    this.#out.add(chunk, start, end);
  }

  /** The session leaves its connection. */
  detached(): void {
    const unnamed = this.#unnamed;
    if (unnamed === null || unnamed.isCopied) return;
    // The chunk that it lies in may be much larger.
    unnamed.message = Buffer.from(unnamed.message);
    unnamed.isCopied = true;
  }

  forget(name: string, prepared: Prepared): void {
    if (this.#prepared.get(name) !== prepared) return;
    this.#prepared.delete(name);
    this.#host.prepared.drop(prepared);
  }

  forgetAll(): void {
    for (const prepared of this.#prepared.values()) this.#host.prepared.drop(prepared);
    this.#prepared.clear();
    this.#unnamed = null;
  }

  get #renames(): boolean {
    return this.#session.mode === 'transaction';
  }

  #query(to: ServerConnection, chunk: Buffer, start: number, end: number, rest: number): void {
    // PostgreSQL drops the statement without a name at a simple query.
    this.#unnamed = null;
    to.unnamed = null;
    this.#syncUnseen(to);
    if (rest > 0) this.#session.pin('unseen');
    const effects = effectsOf(chunk, start + HEADER_BYTES, end - 1, this.#host.managed);
    if (effects !== null && rest === 0) {
      const other = this.#besides(effects, to, true);
      if (other !== null) {
        to.expect(Expect.query);
        this.#out.addWhole(query(other));
        return;
      }
    }
    to.expect(Expect.query);
    this.#out.add(chunk, start, end);
  }

  /**
   * A simple query behind messages of the extended protocol without a Sync between, which no known client sends: after an error in those
   * PostgreSQL would pass over the query, too, and whose end came then could not be told.
   */
  #syncUnseen(to: ServerConnection): void {
    if (!to.isUnsynced || to.isCopyingIn) return;
    to.isUnsynced = false;
    to.expect(Expect.syncUnseen);
    this.#out.addWhole(SYNC);
  }

  /** Notes what a statement does; the text that is run instead of it, or null. */
  #besides(effects: Effects, to: ServerConnection, isSimple: boolean): string | null {
    if (effects.refused !== '') {
      this.#host.statistics.refused += 1;
      return refusal(effects.refused);
    }
    this.#session.note(effects, to);
    const { deallocate } = effects;
    if (deallocate === null || !this.#renames) return null;
    if (deallocate === '') {
      to.prepared.clear();
      to.isForgetting = true;
      this.forgetAll();
      return null;
    }
    const prepared = this.#prepared.get(deallocate);
    if (prepared === undefined) return null;
    if (!to.prepared.has(prepared)) {
      this.#prepare(to, prepared, null);
      if (isSimple) {
        to.expect(Expect.syncUnseen);
        this.#out.addWhole(SYNC);
      }
    }
    to.prepared.delete(prepared);
    to.isForgetting = true;
    this.forget(deallocate, prepared);
    return `DEALLOCATE "${prepared.serverName}"`;
  }

  #parse(to: ServerConnection, chunk: Buffer, start: number, end: number, rest: number): void {
    const nameStart = start + HEADER_BYTES;
    const nameEnd = chunk.indexOf(0, nameStart);
    if (rest > 0) this.#session.pin('unseen');
    const isNamed = nameEnd !== nameStart;
    if (rest > 0 || nameEnd < 0 || nameEnd >= end) {
      to.expect(Expect.parse);
      this.#out.add(chunk, start, end);
      return;
    }
    if (isNamed && !this.#renames) {
      this.#parseAsIs(to, chunk, start, nameEnd, end);
      return;
    }
    if (isNamed) this.#parseNamed(to, chunk, nameEnd, nameStart, end);
    else this.#parseUnnamed(to, chunk, start, nameEnd + 1, end);
  }

  /** In a session that has its connection for good, names are its own. */
  #parseAsIs(to: ServerConnection, chunk: Buffer, start: number, nameEnd: number, end: number): void {
    const textEnd = chunk.indexOf(0, nameEnd + 1);
    const effects = textEnd < 0 ? null : effectsOf(chunk, nameEnd + 1, Math.min(textEnd, end), this.#host.managed);
    const other = effects === null ? null : this.#besides(effects, to, false);
    to.expect(Expect.parse);
    if (other === null) this.#out.add(chunk, start, end);
    else
      this.#out.addWhole(
        parseMessage(chunk.toString('utf8', start + HEADER_BYTES, nameEnd), Buffer.from(`${other}\0\0\0`)),
      );
  }

  #parseUnnamed(to: ServerConnection, chunk: Buffer, start: number, textStart: number, end: number): void {
    const textEnd = chunk.indexOf(0, textStart);
    const effects = textEnd < 0 ? null : effectsOf(chunk, textStart, Math.min(textEnd, end), this.#host.managed);
    const other = effects === null ? null : this.#besides(effects, to, false);
    if (other !== null) {
      this.#unnamed = { message: parseMessage('', Buffer.from(`${other}\0\0\0`)), isCopied: true };
      this.#out.addWhole(this.#unnamed.message);
    } else {
      this.#unnamed = { message: chunk.subarray(start, end), isCopied: false };
      this.#out.add(chunk, start, end);
    }
    to.unnamed = this.#unnamed;
    to.expect(Expect.parse);
  }

  #parseNamed(to: ServerConnection, chunk: Buffer, nameEnd: number, nameStart: number, end: number): void {
    const name = chunk.latin1Slice(nameStart, nameEnd);
    const prepared = this.#host.prepared.take(chunk, nameEnd + 1, end);
    const before = this.#prepared.get(name);
    if (before !== undefined) {
      // PostgreSQL refuses the second one of a name; it has to be there for that.
      this.#host.prepared.drop(prepared);
      if (!to.prepared.has(before)) this.#prepare(to, before, null);
      to.expect({ prepared: null, name });
      this.#out.addWhole(parseMessage(before.serverName, prepared.body));
      return;
    }
    if (this.#prepared.size >= this.#host.limits.statements_max) {
      this.#host.prepared.drop(prepared);
      this.#session.fail(tooManyStatements(this.#host.limits.statements_max));
      return;
    }
    this.#prepared.set(name, prepared);
    if (to.prepared.has(prepared)) {
      to.expect(Expect.closeAsParse);
      this.#out.addWhole(CLOSE_NOTHING);
    } else this.#prepare(to, prepared, name);
  }

  /** `name`: the client's, when the client waits for the answer. */
  #prepare(to: ServerConnection, prepared: Prepared, name: string | null): void {
    if (to.prepared.size >= PREPARED_MAX) {
      const [oldest] = to.prepared;
      if (oldest !== undefined) {
        to.prepared.delete(oldest);
        to.expect(Expect.closeUnseen);
        this.#out.addWhole(message(Client.close, Buffer.from(`S${oldest.serverName}\0`)));
      }
    }
    to.prepared.add(prepared);
    to.expect({ prepared, name });
    const { effects } = prepared;
    const body =
      effects === null || effects.refused === '' ? prepared.body : Buffer.from(`${refusal(effects.refused)}\0\0\0`);
    this.#out.addWhole(parseMessage(prepared.serverName, body));
  }

  #bind(to: ServerConnection, chunk: Buffer, start: number, end: number, rest: number): void {
    const portalEnd = chunk.indexOf(0, start + HEADER_BYTES);
    const nameEnd = portalEnd < 0 ? -1 : chunk.indexOf(0, portalEnd + 1);
    if (nameEnd < 0 || nameEnd >= end || !this.#renames) {
      this.#out.add(chunk, start, end);
      return;
    }
    if (nameEnd === portalEnd + 1) {
      this.#useUnnamed(to);
      this.#out.add(chunk, start, end);
      return;
    }
    const prepared = this.#use(to, chunk, portalEnd + 1, nameEnd);
    if (prepared === undefined) {
      this.#out.add(chunk, start, end);
      return;
    }
    if (prepared.effects !== null) this.#besides(prepared.effects, to, false);
    const { serverName } = prepared;
    const headLength = portalEnd + 1 - start + serverName.length;
    const head = Buffer.allocUnsafe(headLength);
    chunk.copy(head, 0, start, portalEnd + 1);
    head.latin1Write(serverName, portalEnd + 1 - start);
    head.writeUInt32BE(headLength + (end - nameEnd) + rest - 1, 1);
    this.#out.addWhole(head);
    this.#out.add(chunk, nameEnd, end);
  }

  #describeOrClose(to: ServerConnection, type: number, chunk: Buffer, start: number, end: number): void {
    const isStatement = chunk[start + HEADER_BYTES] === STATEMENT;
    const nameStart = start + HEADER_BYTES + 1;
    const isNamed = nameStart < end - 1;
    if (!isStatement || !this.#renames) {
      if (type === Client.close) to.expect(Expect.close);
      this.#out.add(chunk, start, end);
      return;
    }
    if (!isNamed) {
      this.#useUnnamed(to);
      if (type === Client.close) {
        to.expect(Expect.close);
        this.#unnamed = null;
        to.unnamed = null;
      }
      this.#out.add(chunk, start, end);
      return;
    }
    if (type === Client.close) {
      const name = chunk.latin1Slice(nameStart, end - 1);
      const prepared = this.#prepared.get(name);
      to.expect(Expect.close);
      if (prepared === undefined) this.#out.add(chunk, start, end);
      else {
        // It stays on the connection, for others.
        this.forget(name, prepared);
        this.#out.addWhole(CLOSE_NOTHING);
      }
      return;
    }
    const prepared = this.#use(to, chunk, nameStart, end - 1);
    if (prepared === undefined) this.#out.add(chunk, start, end);
    else this.#out.addWhole(message(Client.describe, Buffer.from(`S${prepared.serverName}\0`)));
  }

  /** The session's statement of that name, which is on the connection then; undefined when the session has none. */
  #use(to: ServerConnection, chunk: Buffer, nameStart: number, nameEnd: number): Prepared | undefined {
    const prepared = this.#prepared.get(chunk.latin1Slice(nameStart, nameEnd));
    if (prepared !== undefined && !to.prepared.has(prepared)) {
      this.#host.statistics.preparedAgain += 1;
      this.#prepare(to, prepared, null);
    }
    return prepared;
  }

  /** The session's statement without a name is that of the connection then; none when it has none. */
  #useUnnamed(to: ServerConnection): void {
    const unnamed = this.#unnamed;
    if (to.unnamed === unnamed) return;
    to.unnamed = unnamed;
    if (unnamed === null) {
      to.expect(Expect.closeUnseen);
      this.#out.addWhole(CLOSE_UNNAMED);
    } else {
      to.expect({ prepared: null, name: null });
      this.#out.addWhole(unnamed.message);
    }
  }
}

function parseMessage(name: string, body: Buffer): Buffer {
  return message(Client.parse, Buffer.from(`${name}\0`), body);
}

/** A statement that fails where it stands, in PostgreSQL itself: so the error has its place among the answers, and ends what it must end. */
function refusal(setting: string): string {
  return (
    "DO $folkmoot$BEGIN RAISE EXCEPTION USING ERRCODE = '55P02', " +
    `MESSAGE = 'parameter "${setting.replaceAll(/[^\w.]/g, '')}" cannot be changed', ` +
    "HINT = 'It is managed by the cluster, which keeps acknowledged transactions by it.'; END$folkmoot$"
  );
}
