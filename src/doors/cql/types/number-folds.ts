/** Sums and averages of numbers, in the type of the numbers: of the elements of a collection, of a column of rows. */
import type { Cell } from './composite.ts';
import { addDecimals, divideAt, subtractDecimals } from './decimal.ts';
import {
  type CqlNumber,
  encodeNumber,
  type NumericName,
  numberOf,
  toDecimal,
  toFloating,
  toInteger,
} from './number-arithmetic.ts';
import type { Decimal } from './numbers.ts';

/** One value after the other; nulls and empty values do not count. */
export interface Fold {
  add(value: Cell): void;
  /** Of none it is zero. */
  result(): Buffer;
}

export function sumFold(type: NumericName): Fold {
  return foldOf(type, type === 'decimal' ? new DecimalSum() : isInteger(type) ? new IntegerSum() : new FloatingSum());
}

export function averageFold(type: NumericName): Fold {
  if (type === 'decimal') return foldOf(type, new DecimalAverage());
  return foldOf(type, isInteger(type) ? new IntegerAverage() : new FloatingAverage());
}

export function sumOf(type: NumericName, values: readonly Buffer[]): Buffer {
  return foldAll(sumFold(type), values);
}

export function averageOf(type: NumericName, values: readonly Buffer[]): Buffer {
  return foldAll(averageFold(type), values);
}

function foldAll(fold: Fold, values: readonly Buffer[]): Buffer {
  for (const value of values) fold.add(value);
  return fold.result();
}

function isInteger(type: NumericName): boolean {
  return type !== 'float' && type !== 'double' && type !== 'decimal';
}

interface NumberFold {
  add(value: CqlNumber): void;
  readonly result: CqlNumber;
}

function foldOf(type: NumericName, numbers: NumberFold): Fold {
  return {
    add(value) {
      if (value !== null && value.length > 0) numbers.add(numberOf(type, value));
    },
    result: () => encodeNumber(type, numbers.result),
  };
}

/** Overflows where it is encoded, as Cassandra's sums do. */
class IntegerSum implements NumberFold {
  result = 0n;

  add(value: CqlNumber): void {
    this.result += toInteger(value);
  }
}

class IntegerAverage implements NumberFold {
  #sum = 0n;
  #count = 0n;

  add(value: CqlNumber): void {
    this.#sum += toInteger(value);
    this.#count += 1n;
  }

  get result(): bigint {
    return this.#count === 0n ? 0n : this.#sum / this.#count;
  }
}

/** With the error of each addition carried on (Kahan), as long as the sum is finite. */
class FloatingSum implements NumberFold {
  #sum = 0;
  #error = 0;
  #simple = 0;

  add(value: CqlNumber): void {
    const number = toFloating(value);
    this.#simple += number;
    const corrected = number - this.#error;
    const sum = this.#sum + corrected;
    this.#error = sum - this.#sum - corrected;
    this.#sum = sum;
  }

  get result(): number {
    // Infinities make the correction NaN, where the plain sum is right.
    return Number.isNaN(this.#sum) ? this.#simple : this.#sum;
  }
}

class FloatingAverage implements NumberFold {
  readonly #sum = new FloatingSum();
  #count = 0;

  add(value: CqlNumber): void {
    this.#sum.add(value);
    this.#count += 1;
  }

  get result(): number {
    return this.#count === 0 ? 0 : this.#sum.result / this.#count;
  }
}

class DecimalSum implements NumberFold {
  result: Decimal = { unscaled: 0n, scale: 0 };

  add(value: CqlNumber): void {
    this.result = addDecimals(this.result, toDecimal(value));
  }
}

/** Moved by each value towards it, to the digits that the values have: what Cassandra gives depends on their order. */
class DecimalAverage implements NumberFold {
  result: Decimal = { unscaled: 0n, scale: 0 };
  #count = 0n;

  add(value: CqlNumber): void {
    this.#count += 1n;
    const distance = subtractDecimals(toDecimal(value), this.result);
    const step = divideAt(distance, { unscaled: this.#count, scale: 0 }, distance.scale, true);
    this.result = addDecimals(this.result, step);
  }
}
