/** What a command that runs inside a transaction may use. One object serves a whole door: commands run one at a time. */
import type { Prng } from '../../base/prng.ts';
import type { CollectionLimits } from './collections/limits.ts';
import { ErrorText, invalidExpireText, keyTooLongText, replyError } from './errors.ts';
import { USER_KEY_BYTES_MAX } from './key-layout.ts';
import { Keyspace } from './keyspace.ts';
import { ReplyWriter } from './reply-writer.ts';
import { Request } from './request.ts';
import { slotOf } from './slot.ts';

/** Limits that commands obey; changed by CONFIG SET. */
export interface CommandLimits extends CollectionLimits {
  bulkBytes_max: number;
  /** A HyperLogLog that is larger turns dense. */
  sparseHyperLogLogBytes_max: number;
}

/** Longest text that JavaScript can hold, and so the longest element of a collection: just below 512 MB. */
export const ELEMENT_BYTES_MAX = 2 ** 29 - 32;

/** A command as EXEC runs it. */
export interface RunnableCommand {
  readonly fullName: string;
  run(context: CommandContext): void;
}

export class CommandContext {
  readonly keyspace = new Keyspace();
  readonly reply = new ReplyWriter();
  readonly limits: CommandLimits;
  request: Request = new Request(Buffer.alloc(0), []);
  /** Name of the command, as error texts show it: sub-commands as `object|encoding`. */
  commandName = '';
  /** The slot by which the command was routed. All keys are in it, except for commands whose spec says `split`. */
  slot = 0;
  /** Finds the command that a request of a transaction names; undefined for one that cannot be part of it. */
  readonly findRunnable: (request: Request) => RunnableCommand | undefined;
  /** Draws of SPOP and its kind. */
  readonly prng: Prng;

  constructor(limits: CommandLimits, prng: Prng, findRunnable: (request: Request) => RunnableCommand | undefined) {
    this.limits = limits;
    this.prng = prng;
    this.findRunnable = findRunnable;
  }

  get now_ms(): number {
    return this.keyspace.now_ms;
  }

  /** The user key that argument `index` is. */
  key(index: number): string {
    const start = this.request.start(index);
    const end = this.request.end(index);
    if (end - start > USER_KEY_BYTES_MAX) throw replyError(keyTooLongText(USER_KEY_BYTES_MAX));
    return this.request.buffer.latin1Slice(start, end);
  }

  /** An element of a collection, a field, a member or a value, as latin1 text. */
  element(index: number): string {
    if (this.request.length(index) > ELEMENT_BYTES_MAX) throw replyError(ErrorText.stringTooLong);
    return this.request.string(index);
  }

  /** The elements that the arguments from `first` on are. */
  elements(first: number, end: number = this.request.count): string[] {
    const list: string[] = [];
    for (let index = first; index < end; index += 1) list.push(this.element(index));
    return list;
  }

  /** The slot of the key that argument `index` is: for commands that may be split over slots. */
  slotAt(index: number): number {
    return slotOf(this.request.buffer, this.request.start(index), this.request.end(index));
  }

  /** A 64-bit integer argument; throws Redis's error for anything else. */
  integer(index: number, text: string = ErrorText.notInteger): bigint {
    const value = this.request.integer(index);
    if (value === undefined) throw replyError(text);
    return value;
  }

  /** As `integer`, clamped to what a double holds exactly: for offsets and counts. */
  number(index: number, text: string = ErrorText.notInteger): number {
    const value = this.integer(index, text);
    if (value > 9_007_199_254_740_991n) return Number.MAX_SAFE_INTEGER;
    return value < -9_007_199_254_740_991n ? Number.MIN_SAFE_INTEGER : Number(value);
  }

  syntaxError(): never {
    throw replyError(ErrorText.syntax);
  }

  /**
   * The moment that an expiry argument means, milliseconds since 1970. `unit_ms` is 1 or 1000, `relative` adds now.
   * Moments after the year 287396 are cut to it.
   */
  expireMoment(index: number, unit_ms: number, relative: boolean, positive: boolean): number {
    const value = this.integer(index);
    if (positive && value <= 0n) throw replyError(invalidExpireText(this.commandName));
    const limit = 0x7fff_ffff_ffff_ffffn;
    const scaled = value * BigInt(unit_ms);
    const moment = relative ? scaled + BigInt(Math.floor(this.now_ms)) : scaled;
    if (scaled > limit || scaled < -limit || moment > limit) throw replyError(invalidExpireText(this.commandName));
    return moment > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(moment);
  }
}
