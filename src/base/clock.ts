/**
 * Time as the classes below `node/` see it. The real clock is `node/real-clock.ts`, the simulated one lives in `sim/`.
 * Correctness rests on `monotonic_ms` only; `wall_ms` is for what users see (expiry times, TIME, logs).
 */
export interface Clock {
  /** Milliseconds, with fractions, since an arbitrary start; never goes back. */
  monotonic_ms(): number;
  /** Milliseconds since 1970-01-01 UTC. May jump both ways. */
  wall_ms(): number;
  /** Calls `callback` once, at least `delay_ms` from now. */
  after(delay_ms: number, callback: () => void): Timer;
  /** Calls `callback` every `interval_ms`; a late call is not made up for. */
  every(interval_ms: number, callback: () => void): Timer;
  /** Calls `callback` when all input that has already arrived in this turn of the event loop has been taken. */
  endOfTurn(callback: () => void): void;
}

export interface Timer {
  cancel(): void;
}
