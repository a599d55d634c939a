/** Time and chance of one run: events by millisecond, in the order in which they were planned. One seed makes one run. */
import { Prng } from '../../../base/prng.ts';

export class ModelClock {
  now_ms = 0;
  /** Events that were planned so far; tells two runs apart. */
  planned = 0;
  readonly #prng: Prng;
  /** By millisecond. */
  readonly #events = new Map<number, (() => void)[]>();

  constructor(seed: number) {
    this.#prng = new Prng(seed);
  }

  after(delay_ms: number, run: () => void): void {
    const at_ms = this.now_ms + Math.max(1, delay_ms);
    const events = this.#events.get(at_ms);
    if (events === undefined) this.#events.set(at_ms, [run]);
    else events.push(run);
    this.planned++;
  }

  /** A millisecond goes by. Whether something has happened in it. */
  tick(): boolean {
    this.now_ms++;
    const events = this.#events.get(this.now_ms);
    if (events === undefined) return false;
    this.#events.delete(this.now_ms);
    for (const run of events) run();
    return true;
  }

  /** Both ends may come out. */
  between(min: number, max: number): number {
    return min + this.#prng.below(max - min + 1);
  }

  chance(probability: number): boolean {
    return this.#prng.chance(probability);
  }
}
