/**
 * Counts of latencies in buckets whose width grows with the value: 64 buckets for each power of two, so a percentile is
 * off by at most 1.6 %. Recording is an index and an increment; a sorted array of samples would cost memory and a sort.
 */
const SUB_BITS = 6;
const SUB_COUNT = 1 << SUB_BITS;
/** 2^31 microseconds are 35 minutes; longer ones are counted in the last bucket. */
const BUCKET_COUNT = (31 - SUB_BITS + 1) * SUB_COUNT;

export class Histogram {
  readonly #counts = new Float64Array(BUCKET_COUNT);
  #total = 0;
  #max_us = 0;

  record(latency_us: number, count: number): void {
    const value = Math.min(Math.max(Math.round(latency_us), 0), 0x7fff_ffff);
    const index = bucketOf(value);
    this.#counts[index] = (this.#counts[index] ?? 0) + count;
    this.#total += count;
    if (value > this.#max_us) this.#max_us = value;
  }

  get total(): number {
    return this.#total;
  }

  get max_us(): number {
    return this.#max_us;
  }

  /** The value below which `fraction` of the samples lie; NaN without samples. */
  percentile_us(fraction: number): number {
    if (this.#total === 0) return Number.NaN;
    const rank = Math.ceil(this.#total * fraction);
    let seen = 0;
    for (const [index, count] of this.#counts.entries()) {
      seen += count;
      if (seen >= rank) return Math.min(middleOf(index), this.#max_us);
    }
    return this.#max_us;
  }

  /** As pairs of bucket and count, for the way between processes. */
  toJSON(): HistogramJson {
    const pairs: [number, number][] = [];
    for (const [index, count] of this.#counts.entries()) if (count > 0) pairs.push([index, count]);
    return { pairs, max_us: this.#max_us };
  }

  add(other: HistogramJson): void {
    for (const [index, count] of other.pairs) {
      this.#counts[index] = (this.#counts[index] ?? 0) + count;
      this.#total += count;
    }
    this.#max_us = Math.max(this.#max_us, other.max_us);
  }
}

export interface HistogramJson {
  readonly pairs: readonly (readonly [number, number])[];
  readonly max_us: number;
}

/** Values below 2^SUB_BITS have a bucket each; above, the exponent and the next SUB_BITS bits choose. */
function bucketOf(value: number): number {
  if (value < SUB_COUNT) return value;
  const exponent = 31 - Math.clz32(value) - SUB_BITS;
  return (exponent + 1) * SUB_COUNT + ((value >>> exponent) - SUB_COUNT);
}

function middleOf(index: number): number {
  if (index < SUB_COUNT) return index;
  const exponent = Math.floor(index / SUB_COUNT) - 1;
  const low = (SUB_COUNT + (index % SUB_COUNT)) * 2 ** exponent;
  return low + 2 ** exponent / 2;
}
