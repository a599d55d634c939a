/**
 * BITFIELD key [GET type offset | [OVERFLOW WRAP|SAT|FAIL] (SET type offset value | INCRBY type offset amount)] ...
 *
 * All operations are read before the first is done, so that an error in the last leaves nothing changed.
 */
import { bitOffset, editable } from '../bitmap/bit-arguments.ts';
import {
  type FieldType,
  fittedSum,
  fittedValue,
  type Overflow,
  parseFieldType,
  readField,
  writeField,
} from '../bitmap/bit-field.ts';
import { type CommandSpec, oneKey } from '../command-spec.ts';
import type { CommandContext } from '../context.ts';
import { replyError } from '../errors.ts';
import { payloadStart } from '../value.ts';

interface FieldOperation {
  readonly kind: 'GET' | 'SET' | 'INCRBY';
  readonly type: FieldType;
  /** In bits. */
  readonly offset: number;
  readonly amount: bigint;
  readonly overflow: Overflow;
}

function parseOperations(context: CommandContext): FieldOperation[] {
  const { request } = context;
  const operations: FieldOperation[] = [];
  let overflow: Overflow = 'WRAP';
  for (let index = 2; index < request.count; ) {
    const kind = request.word(index);
    const left = request.count - index - 1;
    if (kind === 'OVERFLOW' && left >= 1) {
      overflow = parseOverflow(request.word(index + 1));
      index += 2;
    } else if ((kind === 'GET' && left >= 2) || ((kind === 'SET' || kind === 'INCRBY') && left >= 3)) {
      const type = parseFieldType(request.string(index + 1));
      if (type === undefined) {
        throw replyError(
          'ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.',
        );
      }
      const offset = bitOffset(context, index + 2, type.width);
      const amount = kind === 'GET' ? 0n : context.integer(index + 3);
      operations.push({ kind, type, offset, amount, overflow });
      index += kind === 'GET' ? 3 : 4;
    } else context.syntaxError();
  }
  return operations;
}

function parseOverflow(word: string): Overflow {
  if (word !== 'WRAP' && word !== 'SAT' && word !== 'FAIL') throw replyError('ERR Invalid OVERFLOW type specified');
  return word;
}

function writeNumber(context: CommandContext, value: number | bigint): void {
  if (typeof value === 'bigint') context.reply.bigInteger(value);
  else context.reply.integer(value);
}

const EMPTY = Buffer.alloc(0);

function runReads(context: CommandContext, operations: readonly FieldOperation[]): void {
  const value = context.keyspace.findString(context.slot, context.key(1));
  const payload = value === undefined ? EMPTY : value.subarray(payloadStart(value));
  context.reply.array(operations.length);
  for (const { offset, type } of operations) writeNumber(context, readField(payload, offset, type));
}

function runWrites(context: CommandContext, operations: readonly FieldOperation[]): void {
  const { keyspace, reply, slot } = context;
  const key = context.key(1);
  const value = keyspace.findString(slot, key);
  let bits = 0;
  for (const { kind, offset, type } of operations) if (kind !== 'GET') bits = Math.max(bits, offset + type.width);
  // The string is made as long as the farthest write needs, even if that write then fails.
  const changed = editable(context, value, Math.ceil(bits / 8));
  let wrote = value === undefined || changed.value.length > value.length;
  reply.array(operations.length);
  for (const { kind, type, offset, amount, overflow } of operations) {
    const before = readField(changed.payload, offset, type);
    if (kind === 'GET') {
      writeNumber(context, before);
      continue;
    }
    const after = kind === 'SET' ? fittedValue(type, amount, overflow) : fittedSum(type, before, amount, overflow);
    if (after === undefined) {
      reply.null();
      continue;
    }
    writeField(changed.payload, offset, type, after);
    wrote = true;
    writeNumber(context, kind === 'SET' ? before : after);
  }
  if (wrote) keyspace.put(slot, key, changed.value, changed.expire_ms);
}

export const bitfield = {
  name: 'BITFIELD',
  group: 'bitmap',
  since: '3.2.0',
  summary: 'Reads, sets and increments integers of any width inside the string at a key.',
  complexity: 'O(N), N bytes of the string',
  arity: -2,
  flags: ['write', 'denyoom'],
  categories: ['bitmap'],
  keys: [oneKey(1, 'RW', 'access', 'update', 'variable_flags')],
  note: 'OVERFLOW SAT stores the least number for every SET below it; Redis stores the largest for one below -2^62.',
  run(context: CommandContext): void {
    const operations = parseOperations(context);
    if (operations.every((operation) => operation.kind === 'GET')) runReads(context, operations);
    else runWrites(context, operations);
  },
} as const satisfies CommandSpec;

export const bitfieldRo = {
  name: 'BITFIELD_RO',
  group: 'bitmap',
  since: '6.0.0',
  summary: 'Reads integers of any width inside the string at a key.',
  complexity: 'O(1) for each',
  arity: -2,
  flags: ['readonly', 'fast'],
  categories: ['bitmap'],
  keys: [oneKey(1, 'RO', 'access')],
  run(context: CommandContext): void {
    const operations = parseOperations(context);
    if (operations.some((operation) => operation.kind !== 'GET')) {
      throw replyError('ERR BITFIELD_RO only supports the GET subcommand');
    }
    runReads(context, operations);
  },
} as const satisfies CommandSpec;
