/** What the commands on bits share: reading an offset, and a string to change that is long enough for it. */
import type { CommandContext } from '../context.ts';
import { replyError } from '../errors.ts';
import { parseInteger } from '../request.ts';
import { expireOf, headerBytes, payloadStart, ValueFlag, ValueType } from '../value.ts';

const OFFSET_TEXT = 'ERR bit offset is not an integer or out of range';
const HASH_SIGN = 0x23;

/**
 * A bit offset. With `fieldWidth` above 0 it may be written `#3`: the fourth field of that width.
 */
export function bitOffset(context: CommandContext, index: number, fieldWidth = 0): number {
  const { request, limits } = context;
  const start = request.start(index);
  const counted = fieldWidth > 0 && request.length(index) > 0 && request.buffer[start] === HASH_SIGN;
  const number = parseInteger(request.buffer, counted ? start + 1 : start, request.end(index));
  if (number === undefined) throw replyError(OFFSET_TEXT);
  const offset = counted ? number * BigInt(fieldWidth) : number;
  if (offset < 0n || offset >= BigInt(limits.bulkBytes_max) * 8n) throw replyError(OFFSET_TEXT);
  return Number(offset);
}

/** A copy of the string at a key, ready to be changed in place and stored. */
export interface EditableString {
  /** The whole metadata value; `payload` is a view of its last part. */
  readonly value: Buffer;
  readonly payload: Buffer;
  readonly expire_ms: number;
}

/** Copies the string `before`, undefined for none, with zeros behind it until it has `bytes_min` bytes. */
export function editable(context: CommandContext, before: Buffer | undefined, bytes_min: number): EditableString {
  const from = before === undefined ? headerBytes(0) : payloadStart(before);
  const length = before === undefined ? 0 : before.length - from;
  const expire_ms = before === undefined ? 0 : expireOf(before);
  const value = context.keyspace.newValue(
    ValueType.string,
    ValueFlag.changedInPlace,
    expire_ms,
    Math.max(length, bytes_min),
  );
  before?.copy(value, from, from);
  value.fill(0, from + length);
  return { value, payload: value.subarray(from), expire_ms };
}

/** The payload of the string at the key that argument `index` is; empty when there is none. */
export function payloadAt(context: CommandContext, index: number): Buffer {
  const value = context.keyspace.findString(context.slot, context.key(index));
  return value === undefined ? EMPTY : value.subarray(payloadStart(value));
}

const EMPTY = Buffer.alloc(0);
