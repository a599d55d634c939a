/**
 * How many bytes of large replies a door makes in one turn of the event loop: to read a value of 10 MB takes about 12 ms. When they are spent,
 * connections take no more requests until the next turn, in the order in which they came.
 */
import type { Clock } from '../../base/clock.ts';

/** A reply below this is not counted. */
const LARGE_BYTES = 64 * 1024;
const TURN_BYTES = 4 * 1024 * 1024;

export interface Waiter {
  nextTurn(): void;
}

export class TurnBudget {
  isSpent = false;
  readonly #clock: Pick<Clock, 'endOfTurn'>;
  #left = TURN_BYTES;
  #isRunning = false;
  #waiting: Waiter[] = [];

  constructor(clock: Pick<Clock, 'endOfTurn'>) {
    this.#clock = clock;
  }

  /** A reply was made. */
  spend(bytes: number): void {
    if (bytes < LARGE_BYTES) return;
    this.#left -= bytes;
    this.isSpent = this.#left <= 0;
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#clock.endOfTurn(this.#renew);
  }

  /** To be called once for each time that it was found spent. */
  wait(waiter: Waiter): void {
    this.#waiting.push(waiter);
  }

  readonly #renew = (): void => {
    this.#left = TURN_BYTES;
    this.isSpent = false;
    this.#isRunning = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    let next = 0;
    for (; next < waiting.length && !this.isSpent; next++) (waiting[next] as Waiter).nextTurn();
    // Before those who found it spent meanwhile.
    this.#waiting = [...waiting.slice(next), ...this.#waiting];
  };
}
