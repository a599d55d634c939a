/** Aggregates: COUNT, MIN, MAX, SUM and AVG over the rows of a group. */
import { invalidRequest } from '../errors.ts';
import { compareValues } from '../types/compare.ts';
import type { Cell } from '../types/composite.ts';
import { type DataType, Native, type NativeName, typeText } from '../types/data-type.ts';
import { decodeDecimal, decodeVarint, encodeDecimal, encodeVarint } from '../types/numbers.ts';

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
  const number = numberOf(argument, name);
  return { type: argument, begin: () => new Sum(number, name === 'avg') };
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

/** How values of a type are added up, and what becomes of the sum. */
interface NumberKind {
  readonly kind: 'integer' | 'float' | 'decimal';
  decode(value: Buffer): number | bigint;
  encode(value: number | bigint): Buffer;
}

class Sum implements Accumulator {
  readonly #number: NumberKind;
  readonly #average: boolean;
  #count = 0n;
  #integer = 0n;
  #float = 0;
  #scale = 0;

  constructor(number: NumberKind, average: boolean) {
    this.#number = number;
    this.#average = average;
  }

  add(value: Cell): void {
    if (value === null || value.length === 0) return;
    this.#count += 1n;
    if (this.#number.kind === 'decimal') {
      const { unscaled, scale } = decodeDecimal(value);
      const common = Math.max(scale, this.#scale);
      this.#integer = this.#integer * 10n ** BigInt(common - this.#scale) + unscaled * 10n ** BigInt(common - scale);
      this.#scale = common;
      return;
    }
    const number = this.#number.decode(value);
    if (typeof number === 'bigint') this.#integer += number;
    else this.#float += number;
  }

  result(): Buffer {
    const { kind } = this.#number;
    if (kind === 'float') {
      if (!this.#average) return this.#number.encode(this.#float);
      return this.#number.encode(this.#count === 0n ? 0 : this.#float / Number(this.#count));
    }
    const value = this.#average && this.#count > 0n ? this.#divided() : this.#integer;
    if (kind === 'decimal') return encodeDecimal({ unscaled: value, scale: this.#scale });
    return this.#number.encode(value);
  }

  /** Integers as Java divides them; decimals to the scale of the sum, half to even. */
  #divided(): bigint {
    if (this.#number.kind !== 'decimal') return this.#integer / this.#count;
    const quotient = this.#integer / this.#count;
    const twice = 2n * (this.#integer % this.#count);
    const absolute = twice < 0n ? -twice : twice;
    const isUp = absolute > this.#count || (absolute === this.#count && quotient % 2n !== 0n);
    return isUp ? quotient + (this.#integer < 0n ? -1n : 1n) : quotient;
  }
}

const SIZES: Readonly<Partial<Record<NativeName, number>>> = { tinyint: 1, smallint: 2, int: 4, bigint: 8, counter: 8 };

function numberOf(type: DataType, name: string): NumberKind {
  if (type.kind === 'native') {
    const size = SIZES[type.name];
    if (size !== undefined) {
      return {
        kind: 'integer',
        decode: (value) => (size === 8 ? value.readBigInt64BE(0) : BigInt(value.readIntBE(0, size))),
        encode: (value) => {
          const bytes = Buffer.allocUnsafe(8);
          bytes.writeBigInt64BE(BigInt.asIntN(64, BigInt(value)), 0);
          return bytes.subarray(8 - size);
        },
      };
    }
    if (type.name === 'float' || type.name === 'double') return floatKind(type.name);
    if (type.name === 'varint')
      return { kind: 'integer', decode: decodeVarint, encode: (value) => encodeVarint(BigInt(value)) };
    if (type.name === 'decimal') return { kind: 'decimal', decode: () => 0n, encode: () => Buffer.alloc(0) };
  }
  throw invalidRequest(
    `Invalid call to function ${name}, none of its type signatures match: ${typeText(type)} is no number`,
  );
}

function floatKind(name: 'float' | 'double'): NumberKind {
  return {
    kind: 'float',
    decode: (value) => (name === 'float' ? value.readFloatBE(0) : value.readDoubleBE(0)),
    encode: (value) => {
      const bytes = Buffer.allocUnsafe(name === 'float' ? 4 : 8);
      if (name === 'float') bytes.writeFloatBE(Number(value), 0);
      else bytes.writeDoubleBE(Number(value), 0);
      return bytes;
    },
  };
}
