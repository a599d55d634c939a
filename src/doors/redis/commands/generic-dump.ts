/** DUMP and RESTORE, in Redis's own format (rdb/value.ts). */
import { assertFitsOneCommand } from '../collections/copy.ts';
import {
  findHash,
  findList,
  findSet,
  findSortedSet,
  newHash,
  newList,
  newSet,
  newSortedSet,
} from '../collections/open.ts';
import { readLargeHead } from '../collections/payload.ts';
import { type CommandSpec, oneKey } from '../command-spec.ts';
import type { CommandContext } from '../context.ts';
import { replyError } from '../errors.ts';
import { RdbError } from '../rdb/rdb-error.ts';
import { isDump, type RdbValue, readDump, writeDump } from '../rdb/value.ts';
import { hasFlag, payloadStart, typeOf, ValueFlag, ValueType } from '../value.ts';

/** The whole value at a key that is there. */
function read(context: CommandContext, key: string, raw: Buffer): RdbValue {
  const { slot } = context;
  if (hasFlag(raw, ValueFlag.elementsOutside)) {
    const { count, bytes } = readLargeHead(raw);
    assertFitsOneCommand(count, bytes);
  }
  const type = typeOf(raw);
  if (type === ValueType.hash) {
    const fields = new Map<string, { value: string; expire_ms: number }>();
    findHash(context, slot, key)?.visit((field, { buffer, start, end }, expire_ms) => {
      return fields.set(field, { value: buffer.latin1Slice(start, end), expire_ms }).size > 0;
    });
    return { type: 'hash', fields };
  }
  if (type === ValueType.set) return { type: 'set', members: new Set(findSet(context, slot, key)?.members()) };
  if (type === ValueType.sortedSet) {
    const entries: { member: string; score: number }[] = [];
    const set = findSortedSet(context, slot, key);
    // The highest first, as Redis writes them.
    set?.visitRanks(0, set.count, true, (member, score) => entries.push({ member, score }) > 0);
    return { type: 'sortedSet', entries };
  }
  if (type === ValueType.list) {
    const elements: string[] = [];
    findList(context, slot, key)?.visit(0, false, (buffer, start, end) => {
      return elements.push(buffer.latin1Slice(start, end)) > 0;
    });
    return { type: 'list', elements };
  }
  if (type !== ValueType.string) throw replyError('ERR values of this type cannot be dumped yet');
  return { type: 'string', value: raw.subarray(payloadStart(raw)) };
}

export const dump = {
  name: 'DUMP',
  group: 'generic',
  since: '2.6.0',
  summary: 'Returns the value at a key as bytes that RESTORE takes, here and in Redis.',
  complexity: 'O(N), N bytes of the value',
  arity: 2,
  flags: ['readonly'],
  categories: ['keyspace'],
  tips: ['nondeterministic_output'],
  keys: [oneKey(1, 'RO', 'access')],
  note: 'The bytes differ from those of Redis, which packs small collections; both read either.',
  run(context: CommandContext): void {
    const key = context.key(1);
    const raw = context.keyspace.find(context.slot, key);
    if (raw === undefined) context.reply.null();
    else context.reply.bulk(writeDump(read(context, key, raw)));
  },
} as const satisfies CommandSpec;

interface RestoreOptions {
  replace: boolean;
  absolute: boolean;
}

function parseOptions(context: CommandContext): RestoreOptions {
  const { request } = context;
  const options: RestoreOptions = { replace: false, absolute: false };
  for (let index = 4; index < request.count; index += 1) {
    const word = request.word(index);
    const hasMore = index + 1 < request.count;
    if (word === 'REPLACE') options.replace = true;
    else if (word === 'ABSTTL') options.absolute = true;
    else if (word === 'IDLETIME' && hasMore) {
      index += 1;
      if (context.integer(index) < 0n) throw replyError('ERR Invalid IDLETIME value, must be >= 0');
    } else if (word === 'FREQ' && hasMore) {
      index += 1;
      const value = context.integer(index);
      if (value < 0n || value > 255n) throw replyError('ERR Invalid FREQ value, must be >= 0 and <= 255');
    } else context.syntaxError();
  }
  return options;
}

function parseDump(context: CommandContext): RdbValue {
  const bytes = context.request.bytes(3);
  if (!isDump(bytes)) throw replyError('ERR DUMP payload version or checksum are wrong');
  try {
    return readDump(bytes);
  } catch (error) {
    if (error instanceof RdbError) throw replyError('ERR Bad data format');
    throw error;
  }
}

function write(context: CommandContext, key: string, value: RdbValue, expire_ms: number): void {
  const { keyspace, slot } = context;
  if (value.type === 'string') {
    keyspace.putString(slot, key, value.value, 0, value.value.length, expire_ms);
    return;
  }
  const collection = build(context, key, value);
  collection.expire_ms = expire_ms;
  collection.save();
}

function build(context: CommandContext, key: string, value: Exclude<RdbValue, { type: 'string' }>) {
  const { slot } = context;
  if (value.type === 'list') {
    const list = newList(context, slot, key);
    list.replace(value.elements);
    return list;
  }
  if (value.type === 'set') {
    const set = newSet(context, slot, key);
    set.replace(value.members);
    return set;
  }
  if (value.type === 'hash') {
    const hash = newHash(context, slot, key);
    hash.replace(value.fields);
    return hash;
  }
  const set = newSortedSet(context, slot, key);
  set.replace(value.entries);
  return set;
}

export const restore = {
  name: 'RESTORE',
  group: 'generic',
  since: '2.6.0',
  summary: 'Makes a key of the bytes that DUMP returned, here or in Redis.',
  complexity: 'O(N log N), N elements of the value',
  arity: -4,
  flags: ['write', 'denyoom'],
  categories: ['keyspace', 'dangerous'],
  keys: [oneKey(1, 'OW', 'update')],
  note: 'Takes strings, lists, sets, sorted sets and hashes of Redis up to 7.2.',
  run(context: CommandContext): void {
    const { keyspace, slot } = context;
    const options = parseOptions(context);
    const key = context.key(1);
    if (!options.replace && keyspace.find(slot, key) !== undefined) {
      throw replyError('BUSYKEY Target key name already exists.');
    }
    if (context.integer(2) < 0n) throw replyError('ERR Invalid TTL value, must be >= 0');
    const ttl_ms = context.number(2);
    const value = parseDump(context);
    const expire_ms = ttl_ms === 0 || options.absolute ? ttl_ms : ttl_ms + Math.floor(context.now_ms);
    if (expire_ms !== 0 && expire_ms <= context.now_ms) keyspace.remove(slot, key);
    else write(context, key, value, Math.min(expire_ms, Number.MAX_SAFE_INTEGER));
    context.reply.ok();
  },
} as const satisfies CommandSpec;
