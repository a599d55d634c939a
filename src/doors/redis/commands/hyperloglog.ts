/** PFADD, PFCOUNT, PFMERGE: how many different elements there were, to about 0.8 %, in at most 12 KB. */
import { allKeys, type CommandSpec, oneKey } from '../command-spec.ts';
import type { CommandContext } from '../context.ts';
import { replyError } from '../errors.ts';
import { cachedEstimate, emptySparse, isHyperLogLog, isSparse } from '../hyperloglog/format.ts';
import {
  CORRUPT,
  type Corrupt,
  countOf,
  countOfRegisters,
  HyperLogLogEditor,
  mergeInto,
} from '../hyperloglog/hyperloglog.ts';
import { markOf, REGISTER_COUNT } from '../hyperloglog/registers.ts';
import { Constant } from '../reply-writer.ts';
import { expireOf, headerBytes, payloadStart, ValueFlag, ValueType } from '../value.ts';

/** The HyperLogLog at the key that argument `index` is, and when it expires; undefined when there is none. */
export function hyperLogLogAt(
  context: CommandContext,
  index: number,
): { payload: Buffer; expire_ms: number } | undefined {
  const value = context.keyspace.findString(context.slot, context.key(index));
  if (value === undefined) return undefined;
  const payload = value.subarray(payloadStart(value));
  if (!isHyperLogLog(payload)) throw replyError('WRONGTYPE Key is not a valid HyperLogLog string value.');
  return { payload, expire_ms: expireOf(value) };
}

/** Ends the command with an error when what an operation gave is `CORRUPT`. */
export function sound<Result>(result: Result | Corrupt): Result {
  if (result === CORRUPT) throw replyError('INVALIDOBJ Corrupted HLL object detected');
  return result;
}

export function putHyperLogLog(context: CommandContext, key: string, payload: Buffer, expire_ms: number): void {
  const { keyspace, slot } = context;
  const value = keyspace.newValue(ValueType.string, ValueFlag.changedInPlace, expire_ms, payload.length);
  payload.copy(value, headerBytes(expire_ms));
  keyspace.put(slot, key, value, expire_ms);
}

function editorFor(context: CommandContext, payload: Buffer | undefined): HyperLogLogEditor {
  return new HyperLogLogEditor(payload ?? emptySparse(), context.limits.sparseHyperLogLogBytes_max);
}

export const pfadd = {
  name: 'PFADD',
  group: 'hyperloglog',
  since: '2.8.9',
  summary: 'Adds elements to a HyperLogLog, which is made when it is not there.',
  complexity: 'O(1) for each element',
  arity: -2,
  flags: ['write', 'denyoom', 'fast'],
  categories: ['hyperloglog'],
  keys: [oneKey(1, 'RW', 'insert')],
  note: 'Adds nothing to a corrupt value; Redis keeps what it had added before it noticed.',
  run(context: CommandContext): void {
    const { request } = context;
    const found = hyperLogLogAt(context, 1);
    const editor = editorFor(context, found?.payload);
    for (let index = 2; index < request.count; index += 1) {
      sound(editor.raise(markOf(request.buffer, request.start(index), request.end(index))));
    }
    const updated = editor.changed || found === undefined;
    if (updated) {
      editor.markStale();
      putHyperLogLog(context, context.key(1), editor.payload, found?.expire_ms ?? 0);
    }
    context.reply.constant(updated ? Constant.one : Constant.zero);
  },
} as const satisfies CommandSpec;

export const pfcount = {
  name: 'PFCOUNT',
  group: 'hyperloglog',
  since: '2.8.9',
  summary: 'Estimates how many different elements were added to a HyperLogLog, or to several together.',
  complexity: 'O(N), N keys; each looks at up to 12 KB',
  arity: -2,
  flags: ['readonly'],
  categories: ['hyperloglog'],
  keys: [allKeys(1, 1, 'RO', 'access')],
  note: 'Redis stores the estimate in the value; here a read is no write, but an estimate that came with a value is used.',
  run(context: CommandContext): void {
    const { reply, request } = context;
    if (request.count === 2) {
      const found = hyperLogLogAt(context, 1);
      const cached = found === undefined ? 0n : cachedEstimate(found.payload);
      if (cached !== undefined) reply.bigInteger(BigInt.asIntN(64, cached));
      else if (found !== undefined) reply.integer(sound(countOf(found.payload)));
      return;
    }
    const registers = new Uint8Array(REGISTER_COUNT);
    for (let index = 1; index < request.count; index += 1) {
      const found = hyperLogLogAt(context, index);
      if (found !== undefined) sound(mergeInto(registers, found.payload));
    }
    reply.integer(countOfRegisters(registers));
  },
} as const satisfies CommandSpec;

export const pfmerge = {
  name: 'PFMERGE',
  group: 'hyperloglog',
  since: '2.8.9',
  summary: 'Merges HyperLogLogs into one, which counts the elements of all.',
  complexity: 'O(N), N keys; each looks at up to 12 KB',
  arity: -2,
  flags: ['write', 'denyoom'],
  categories: ['hyperloglog'],
  keys: [oneKey(1, 'RW', 'access', 'insert'), allKeys(2, 1, 'RO', 'access')],
  run(context: CommandContext): void {
    const { request } = context;
    const registers = new Uint8Array(REGISTER_COUNT);
    let dense = false;
    for (let index = 1; index < request.count; index += 1) {
      const found = hyperLogLogAt(context, index);
      if (found === undefined) continue;
      if (!isSparse(found.payload)) dense = true;
      sound(mergeInto(registers, found.payload));
    }
    const target = hyperLogLogAt(context, 1);
    const editor = editorFor(context, target?.payload);
    if (dense) sound(editor.makeDense());
    for (const [index, value] of registers.entries()) if (value !== 0) sound(editor.raise({ index, value }));
    editor.markStale();
    putHyperLogLog(context, context.key(1), editor.payload, target?.expire_ms ?? 0);
    context.reply.ok();
  },
} as const satisfies CommandSpec;
