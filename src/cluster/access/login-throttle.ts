/**
 * Slows down who guesses passwords: each address may fail a few times in a row, then once a second. A log-in that succeeds costs
 * nothing, so many clients behind one address are not held up by each other unless one of them guesses.
 */
import type { Clock } from '../../base/clock.ts';

const FAILURES_IN_A_ROW = 10;
const FAILURES_PER_SECOND = 1;
/** Addresses remembered; past it the oldest is forgotten. An attacker with more addresses than this is beyond such means. */
const ADDRESSES_MAX = 10_000;

interface Bucket {
  failures: number;
  at_ms: number;
}

export class LoginThrottle {
  readonly #clock: Clock;
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether a log-in from there is looked at now. */
  isOpen(address: string): boolean {
    const bucket = this.#buckets.get(address);
    if (bucket === undefined) return true;
    this.#drain(bucket);
    if (bucket.failures <= 0) this.#buckets.delete(address);
    return bucket.failures <= FAILURES_IN_A_ROW - 1;
  }

  noteFailure(address: string): void {
    const bucket = this.#buckets.get(address) ?? { failures: 0, at_ms: this.#clock.monotonic_ms() };
    this.#drain(bucket);
    bucket.failures += 1;
    // Behind all others in the order of the map: what failed last is forgotten last.
    this.#buckets.delete(address);
    this.#buckets.set(address, bucket);
    if (this.#buckets.size <= ADDRESSES_MAX) return;
    for (const oldest of this.#buckets.keys()) {
      this.#buckets.delete(oldest);
      return;
    }
  }

  #drain(bucket: Bucket): void {
    const now_ms = this.#clock.monotonic_ms();
    bucket.failures = Math.max(0, bucket.failures - ((now_ms - bucket.at_ms) / 1_000) * FAILURES_PER_SECOND);
    bucket.at_ms = now_ms;
  }
}
