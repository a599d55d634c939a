/** Aggregates: COUNT, MIN, MAX, SUM and AVG over the rows of a group. */
import { invalidRequest } from '../errors.ts';
import { compareValues } from '../types/compare.ts';
import type { Cell } from '../types/composite.ts';
import { type DataType, Native, typeText } from '../types/data-type.ts';
import { isNumeric } from '../types/number-arithmetic.ts';
import { averageFold, sumFold } from '../types/number-folds.ts';

export interface Accumulator {
  add(value: Cell): void;
  result(): Cell;
}

export interface Aggregate {
  readonly type: DataType;
  begin(): Accumulator;
}

const NAMES: ReadonlySet<string> = new Set(['count', 'min', 'max', 'sum', 'avg']);

export function isAggregateName(name: string): boolean {
  return NAMES.has(name);
}

/** `argument`: undefined for COUNT(*) and COUNT(1). */
export function makeAggregate(name: string, argument: DataType | undefined): Aggregate {
  if (name === 'count') return { type: Native.bigint, begin: () => new Count(argument === undefined) };
  if (argument === undefined) throw invalidRequest(`Invalid number of arguments in call to function system.${name}`);
  if (name === 'min' || name === 'max') return { type: argument, begin: () => new Extreme(argument, name === 'max') };
  if (argument.kind !== 'native' || !isNumeric(argument.name)) {
    throw invalidRequest(
      `Invalid call to function ${name}, none of its type signatures match: ${typeText(argument)} is no number`,
    );
  }
  const number = argument.name;
  return { type: argument, begin: () => (name === 'avg' ? averageFold(number) : sumFold(number)) };
}

class Count implements Accumulator {
  readonly #all: boolean;
  #count = 0;

  constructor(all: boolean) {
    this.#all = all;
  }

  add(value: Cell): void {
    if (this.#all || value !== null) this.#count += 1;
  }

  result(): Buffer {
    const bytes = Buffer.allocUnsafe(8);
    bytes.writeBigInt64BE(BigInt(this.#count), 0);
    return bytes;
  }
}

class Extreme implements Accumulator {
  readonly #type: DataType;
  readonly #greatest: boolean;
  #value: Cell = null;

  constructor(type: DataType, greatest: boolean) {
    this.#type = type;
    this.#greatest = greatest;
  }

  add(value: Cell): void {
    if (value === null) return;
    const order = this.#value === null ? 0 : compareValues(this.#type, value, this.#value);
    // The page that the value is in is not kept for it.
    if (this.#value === null || (this.#greatest ? order > 0 : order < 0)) this.#value = Buffer.from(value);
  }

  result(): Cell {
    return this.#value;
  }
}
