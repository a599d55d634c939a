/** Values at execution: what a statement does with null, with unset, and with what cannot be. */
import { invalidRequest } from '../errors.ts';
import type { Column } from '../schema/model.ts';
import type { Cell } from '../types/composite.ts';
import { type Evaluable, type Evaluation, UNSET } from '../types/value.ts';

/** Of a column of the primary key, which always has one. */
export function keyValue(column: Column, value: Evaluable, at: Evaluation): Buffer {
  const cell = value.evaluate(at);
  if (cell === UNSET) throw invalidRequest(`Invalid unset value for column ${column.name}`);
  if (cell === null) throw invalidRequest(`Invalid null value in condition for column ${column.name}`);
  return cell;
}

/** In WHERE: null compares with nothing, and is refused as Cassandra does. */
export function comparedValue(name: string, value: Evaluable, at: Evaluation): Buffer {
  const cell = value.evaluate(at);
  if (cell === UNSET) throw invalidRequest(`Invalid unset value for column ${name}`);
  if (cell === null) throw invalidRequest(`Unsupported null value for column ${name}`);
  return cell;
}

/** In WHERE of what no key finds. */
export function filteredValue(name: string, value: Evaluable, at: Evaluation): Buffer {
  const cell = value.evaluate(at);
  if (cell === UNSET) throw invalidRequest(`Unsupported unset value for column ${name}`);
  if (cell === null) throw invalidRequest(`Unsupported null value for column ${name}`);
  return cell;
}

/** The list of IN. */
export function listValue(name: string, value: Evaluable, at: Evaluation): Buffer {
  const cell = value.evaluate(at);
  if (cell === UNSET) throw invalidRequest(`Invalid unset value for column ${name}`);
  if (cell === null) throw invalidRequest(`Invalid null value for column ${name}`);
  return cell;
}

/** The values that IN names: of a list of terms, or of one marker for all. */
export function cellsOf(values: readonly Evaluable[], at: Evaluation): Cell[] {
  return values.map((value) => {
    const cell = value.evaluate(at);
    if (cell === UNSET) throw invalidRequest('Invalid unset value in an IN restriction');
    return cell;
  });
}

const TTL_MAX_S = 630_720_000;

/** USING TTL, or the table's default. */
export function ttlOf(ttl: Evaluable | null, default_s: number, at: Evaluation): number {
  if (ttl === null) return default_s;
  const cell = ttl.evaluate(at);
  if (cell === UNSET) return default_s;
  if (cell === null || cell.length === 0) return 0;
  const seconds = cell.readInt32BE(0);
  if (seconds < 0) throw invalidRequest(`A TTL must be greater or equal to 0, but was ${seconds}`);
  if (seconds > TTL_MAX_S) throw invalidRequest(`ttl is too large. requested (${seconds}) maximum (${TTL_MAX_S})`);
  return seconds;
}

/** USING TIMESTAMP; null without. */
export function stampOf(stamp: Evaluable | null, at: Evaluation): number | bigint | null {
  if (stamp === null) return null;
  const cell = stamp.evaluate(at);
  if (cell === UNSET) return null;
  if (cell === null || cell.length === 0) throw invalidRequest('Invalid null value of timestamp');
  const value = cell.readBigInt64BE(0);
  if (value === -(2n ** 63n))
    throw invalidRequest(`Out of bound timestamp, must be in [${-(2n ** 63n) + 1n}, ${2n ** 63n - 1n}]`);
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** LIMIT and the like; null without. */
export function limitOf(limit: Evaluable | null, at: Evaluation, what = 'LIMIT'): number | null {
  if (limit === null) return null;
  const cell = limit.evaluate(at);
  if (cell === UNSET) return null;
  if (cell === null || cell.length === 0) throw invalidRequest(`Invalid null value of limit`);
  const value = cell.readInt32BE(0);
  if (value <= 0) throw invalidRequest(`${what} must be strictly positive`);
  return value;
}
