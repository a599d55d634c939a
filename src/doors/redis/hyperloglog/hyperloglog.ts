/** Working on HyperLogLogs: adding, merging, counting, turning dense. Callers have checked `isHyperLogLog`. */
import { estimate, newHistogram } from './estimate.ts';
import { denseRegister, emptyDense, isSparse, markStale, setDenseRegister, unpackDense } from './format.ts';
import { type Mark, REGISTER_COUNT } from './registers.ts';
import { SetResult, SparseEditor, visitRuns } from './sparse.ts';

/** Why an operation could not be done: the runs of a sparse HyperLogLog do not add up. */
export const CORRUPT = 'corrupt';
export type Corrupt = typeof CORRUPT;

/** The dense form of a sparse HyperLogLog. */
export function toDense(payload: Buffer): Buffer | Corrupt {
  const dense = emptyDense(payload);
  const isWhole = visitRuns(payload, (first, run) => {
    if (run.value === 0) return;
    for (let index = first; index < first + run.length; index += 1) setDenseRegister(dense, index, run.value);
  });
  return isWhole ? dense : CORRUPT;
}

/** A HyperLogLog while registers are raised, sparse as long as it can be. */
export class HyperLogLogEditor {
  #sparse: SparseEditor | undefined;
  #dense: Buffer | undefined;
  changed = false;

  /** Copies `payload`. A sparse one turns dense past `sparseBytes_max`. */
  constructor(payload: Buffer, sparseBytes_max: number) {
    if (isSparse(payload)) this.#sparse = new SparseEditor(payload, sparseBytes_max);
    else this.#dense = Buffer.from(payload);
  }

  get payload(): Buffer {
    return (this.#dense ?? this.#sparse?.payload) as Buffer;
  }

  /** Raises a register; CORRUPT leaves it as it is. */
  raise({ index, value }: Mark): Corrupt | undefined {
    if (this.#sparse !== undefined) {
      const result = this.#sparse.raise(index, value);
      if (result === SetResult.corrupt) return CORRUPT;
      if (result !== SetResult.noRoom) {
        if (result === SetResult.changed) this.changed = true;
        return undefined;
      }
      if (this.makeDense() === CORRUPT) return CORRUPT;
    }
    const dense = this.#dense as Buffer;
    if (denseRegister(dense, index) >= value) return undefined;
    setDenseRegister(dense, index, value);
    this.changed = true;
    return undefined;
  }

  makeDense(): Corrupt | undefined {
    if (this.#sparse === undefined) return undefined;
    const dense = toDense(this.#sparse.payload);
    if (dense === CORRUPT) return CORRUPT;
    this.#dense = dense;
    this.#sparse = undefined;
    return undefined;
  }

  markStale(): void {
    markStale(this.payload);
  }
}

/** Raises `registers`, one byte each, to those of a HyperLogLog. */
export function mergeInto(registers: Uint8Array, payload: Buffer): Corrupt | undefined {
  if (isSparse(payload)) {
    const isWhole = visitRuns(payload, (first, { length, value }) => {
      if (value === 0) return;
      for (let index = first; index < first + length; index += 1) {
        if ((registers[index] as number) < value) registers[index] = value;
      }
    });
    return isWhole ? undefined : CORRUPT;
  }
  const others = unpackDense(payload);
  for (let index = 0; index < REGISTER_COUNT; index += 1) {
    const value = others[index] as number;
    if ((registers[index] as number) < value) registers[index] = value;
  }
  return undefined;
}

/** The estimate for a HyperLogLog. */
export function countOf(payload: Buffer): number | Corrupt {
  if (!isSparse(payload)) return countOfRegisters(unpackDense(payload));
  const histogram = newHistogram();
  const isWhole = visitRuns(payload, (_, { length, value }) => {
    histogram[value] = (histogram[value] as number) + length;
  });
  return isWhole ? estimate(histogram) : CORRUPT;
}

/** The estimate for registers of one byte each. */
export function countOfRegisters(registers: Uint8Array): number {
  const histogram = newHistogram();
  for (const value of registers) histogram[value] = (histogram[value] as number) + 1;
  return estimate(histogram);
}
