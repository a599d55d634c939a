/** Commands on the whole keyspace: on the single-endpoint port all tablets, on the cluster port those led by this node. */
import { SLOT_COUNT } from '../../../cluster/view.ts';
import type { CommandSpec } from '../command-spec.ts';
import { ErrorText, replyError } from '../errors.ts';
import { rangesInScope, runOnRanges, runStep, type SlotRange } from '../fan-out.ts';
import { literalOf } from '../glob.ts';
import type { PendingReply } from '../pending-reply.ts';
import { Constant, ReplyForm, ReplyWriter } from '../reply-writer.ts';
import type { Request } from '../request.ts';
import { arrayElements, bulkPayload, errorText, integerValue } from '../resp-reader.ts';
import { formatCursor, parseCursor, type ScanPlace } from '../scan.ts';
import type { ClientSession } from '../session-view.ts';
import { slotOfString } from '../slot.ts';
import { TYPE_NAMES } from '../value.ts';

const merging = new ReplyWriter();
const COUNT_DEFAULT = 10;
/** Tablets that one SCAN visits when they have few keys: an empty answer with a cursor costs a client a round trip. */
const SCAN_TABLETS_MAX = 16;

interface ScanOptions {
  count: number;
  pattern: string;
  type: string;
}

function parseScanOptions(request: Request): ScanOptions {
  const options: ScanOptions = { count: COUNT_DEFAULT, pattern: '', type: '' };
  for (let index = 2; index < request.count; index += 2) {
    const word = request.word(index);
    if (index + 1 >= request.count) throw replyError(ErrorText.syntax);
    if (word === 'COUNT') {
      const count = request.integer(index + 1);
      if (count === undefined) throw replyError(ErrorText.notInteger);
      if (count < 1n) throw replyError(ErrorText.syntax);
      options.count = Number(count > 1_000_000n ? 1_000_000n : count);
    } else if (word === 'MATCH') {
      const pattern = request.string(index + 1);
      options.pattern = pattern === '*' ? '' : pattern;
    } else if (word === 'TYPE') {
      options.type = request.string(index + 1).toLowerCase();
    } else throw replyError(ErrorText.syntax);
  }
  return options;
}

/** One SCAN under way: tablet after tablet until there are enough keys. */
class Scan {
  readonly #session: ClientSession;
  readonly #ranges: readonly SlotRange[];
  readonly #options: ScanOptions;
  readonly #reply: PendingReply;
  readonly #keys: Buffer[] = [];
  #place: ScanPlace;
  #tablets = 0;

  constructor(session: ClientSession, place: ScanPlace, options: ScanOptions, reply: PendingReply) {
    this.#session = session;
    this.#ranges = rangesInScope(session);
    this.#place = place;
    this.#options = options;
    this.#reply = reply;
  }

  step(): void {
    const range = this.#ranges.find((candidate) => candidate.last >= this.#place.slot);
    if (range === undefined) {
      this.#finish({ slot: SLOT_COUNT, position: 0 });
      return;
    }
    if (this.#tablets >= SCAN_TABLETS_MAX || this.#keys.length >= this.#options.count) {
      this.#finish(this.#place);
      return;
    }
    this.#tablets += 1;
    const place = this.#place.slot < range.first ? { slot: range.first, position: 0 } : this.#place;
    const { count, pattern, type } = this.#options;
    runStep(
      this.#session.door,
      range.first,
      (reply) => this.#take(reply, range.last),
      '@SCAN',
      String(range.last),
      formatCursor(place),
      String(count - this.#keys.length),
      pattern,
      type,
    );
  }

  #take(reply: Buffer, last: number): void {
    const elements = arrayElements(reply);
    if (elements === undefined) {
      this.#reply.finishWith(reply);
      return;
    }
    const slot = integerValue(elements[0] as Buffer) as number;
    const position = integerValue(elements[1] as Buffer) as number;
    for (const element of elements.slice(2)) this.#keys.push(element);
    this.#place = { slot, position };
    if (slot > last) this.step();
    else this.#finish(this.#place);
  }

  #finish(next: ScanPlace): void {
    merging.begin(this.#session.resp3);
    merging.array(2);
    merging.text(this.#ranges.some((range) => range.last >= next.slot) ? formatCursor(next) : '0');
    merging.array(this.#keys.length);
    for (const key of this.#keys) merging.append(key);
    this.#reply.finishFrom(merging);
  }
}

export const scan = {
  name: 'SCAN',
  group: 'generic',
  since: '2.8.0',
  summary: 'Lists keys step by step. A key that is there throughout is returned.',
  complexity: 'O(1) for a call, O(N) for all, N keys',
  arity: -2,
  flags: ['readonly'],
  categories: ['keyspace'],
  tips: ['nondeterministic_output', 'request_policy:special'],
  note: 'Returns whole slots, so a call may return more keys than COUNT says.',
  start(session: ClientSession, request: Request, reply: PendingReply): void {
    const place = parseCursor(request.string(1));
    if (place === undefined) throw replyError(ErrorText.invalidCursor);
    const options = parseScanOptions(request);
    const known = options.type === '' || (TYPE_NAMES as readonly string[]).includes(options.type);
    const scanning = new Scan(session, known ? place : { slot: SLOT_COUNT, position: 0 }, options, reply);
    scanning.step();
  },
} as const satisfies CommandSpec;

const KEYS_MAX = 10_000_000;

export const keys = {
  name: 'KEYS',
  group: 'generic',
  since: '1.0.0',
  summary: 'Lists all keys that match a pattern.',
  complexity: 'O(N), N keys',
  arity: 2,
  flags: ['readonly'],
  categories: ['keyspace', 'dangerous'],
  tips: ['request_policy:all_shards', 'nondeterministic_output_order'],
  start(session: ClientSession, request: Request, reply: PendingReply): void {
    const pattern = request.string(1);
    // A pattern with nothing special in it is one key, and one with a fixed hash tag one slot's keys.
    const slot = fixedSlot(pattern);
    const ranges = rangesInScope(session)
      .filter((range) => slot === undefined || (range.first <= slot && slot <= range.last))
      .map((range) => (slot === undefined ? range : { first: slot, last: slot }));
    runOnRanges(
      session.door,
      ranges,
      (replies, error) => {
        if (error !== undefined) {
          reply.finishError(error);
          return;
        }
        const found = replies.flatMap((part) => arrayElements(part) ?? []);
        merging.begin(session.resp3);
        merging.array(found.length);
        for (const key of found) merging.append(key);
        reply.finishFrom(merging);
      },
      '@KEYS',
      pattern,
      String(KEYS_MAX),
    );
  },
} as const satisfies CommandSpec;

/** The slot of every key that can match; undefined when they may be in several. */
function fixedSlot(pattern: string): number | undefined {
  if (literalOf(pattern) !== undefined) return slotOfString(pattern);
  const tag = /^[^{*?[\\]*\{([^{}*?[\\]+)\}/.exec(pattern);
  return tag === null ? undefined : slotOfString(`{${tag[1] as string}}`);
}

export const dbsize = {
  name: 'DBSIZE',
  group: 'server',
  since: '1.0.0',
  summary: 'Counts the keys.',
  complexity: 'O(S), S slots with keys',
  arity: 1,
  flags: ['readonly', 'fast'],
  categories: ['keyspace'],
  tips: ['request_policy:all_shards', 'response_policy:agg_sum'],
  start(session: ClientSession, _request: Request, reply: PendingReply): void {
    countKeys(session, (count, error) => {
      if (error !== undefined) {
        reply.finishError(error);
        return;
      }
      reply.replyForm = ReplyForm.integer;
      reply.replyStart = count;
      reply.finish();
    });
  },
} as const satisfies CommandSpec;

/** Keys in the scope of a connection. */
export function countKeys(session: ClientSession, done: (count: number, error: string | undefined) => void): void {
  runOnRanges(
    session.door,
    rangesInScope(session),
    (replies, error) =>
      done(
        replies.reduce((sum, part) => sum + (integerValue(part) ?? 0), 0),
        error,
      ),
    '@COUNT',
  );
}

export const randomkey = {
  name: 'RANDOMKEY',
  group: 'generic',
  since: '1.0.0',
  summary: 'Returns some key.',
  complexity: 'O(S), S slots with keys',
  arity: 1,
  flags: ['readonly'],
  categories: ['keyspace'],
  tips: ['request_policy:all_shards', 'nondeterministic_output'],
  start(session: ClientSession, _request: Request, reply: PendingReply): void {
    const { prng } = session.door;
    const draw = String(prng.uint32());
    runOnRanges(
      session.door,
      rangesInScope(session),
      (replies, error) => {
        if (error !== undefined) {
          reply.finishError(error);
          return;
        }
        const drawn = drawKey(replies, (total) => prng.below(total));
        if (drawn === undefined) reply.finishWith(session.resp3 ? Constant.null3 : Constant.nullBulk2);
        else reply.finishWith(drawn);
      },
      '@RANDOM',
      draw,
    );
  },
} as const satisfies CommandSpec;

/** One of the tablets' keys, each weighted with the number of keys it stands for. */
function drawKey(replies: readonly Buffer[], below: (total: number) => number): Buffer | undefined {
  const candidates: { count: number; key: Buffer }[] = [];
  let total = 0;
  for (const reply of replies) {
    const [count, key] = arrayElements(reply) ?? [];
    if (count === undefined || key === undefined || bulkPayload(key) === undefined) continue;
    candidates.push({ count: integerValue(count) as number, key });
    total += integerValue(count) as number;
  }
  if (total === 0) return undefined;
  let drawn = below(total);
  for (const candidate of candidates) {
    if (drawn < candidate.count) return candidate.key;
    drawn -= candidate.count;
  }
  return candidates[0]?.key;
}

function startFlush(session: ClientSession, request: Request, reply: PendingReply): void {
  if (request.count > 2 || (request.count === 2 && !['SYNC', 'ASYNC'].includes(request.word(1)))) {
    throw replyError(ErrorText.syntax);
  }
  runOnRanges(
    session.door,
    rangesInScope(session),
    (replies, error) => {
      const failed = error ?? replies.map(errorText).find((text) => text !== undefined);
      if (failed === undefined) reply.finishWith(Constant.ok);
      else reply.finishError(failed);
    },
    '@FLUSH',
  );
}

const flushShared = {
  group: 'server',
  since: '1.0.0',
  complexity: 'O(T), T tablets',
  arity: -1,
  flags: ['write'],
  categories: ['keyspace', 'dangerous'],
  tips: ['request_policy:all_shards', 'response_policy:all_succeeded'],
  note: 'Atomic within each tablet, not over all of them.',
  start: startFlush,
} as const;

export const flushall = {
  ...flushShared,
  name: 'FLUSHALL',
  summary: 'Removes all keys.',
} as const satisfies CommandSpec;

export const flushdb = {
  ...flushShared,
  name: 'FLUSHDB',
  summary: 'Removes all keys of the database: there is only one.',
} as const satisfies CommandSpec;
