/** `FIELDS numfields field [field ...]`, as the commands on fields that expire take them. */
import type { CommandContext } from '../context.ts';
import { replyError } from '../errors.ts';

const MISSING = 'ERR Mandatory argument FIELDS is missing or not at the right position';
const NOT_POSITIVE = 'ERR Parameter `numFields` should be greater than 0';
const MISMATCH = 'ERR The `numfields` parameter must match the number of arguments';

/** The arguments behind FIELDS, which stands at `index`; `width` 2 when values follow the fields. */
export function fieldArguments(context: CommandContext, index: number, width: 1 | 2): string[] {
  const { request } = context;
  if (index >= request.count || request.word(index) !== 'FIELDS' || index + 1 >= request.count) {
    throw replyError(MISSING);
  }
  const count = request.integer(index + 1);
  if (count === undefined || count <= 0n) throw replyError(NOT_POSITIVE);
  if (count * BigInt(width) !== BigInt(request.count - index - 2)) throw replyError(MISMATCH);
  return context.elements(index + 2);
}
