/**
 * The clock of a running process. All threads of a process see the same `monotonic_ms`: it is `process.hrtime` (on Linux
 * CLOCK_MONOTONIC), which liveness relies on when the worker's and the main thread's readings are compared. It stands
 * still while the machine is suspended; see docs/internals/liveness.md.
 *
 * Timers keep the process alive until they are cancelled: a node that has work planned must not end by itself.
 */
import type { Clock, Timer } from '../base/clock.ts';

export class RealClock implements Clock {
  readonly #offset_ms = hrtimeOffset_ms();
  /** Wall clock of this process minus that of the machine. */
  #wallShift_ms = 0;
  #callbacks: (() => void)[] = [];
  #running: (() => void)[] = [];

  monotonic_ms(): number {
    // `performance.now` reads the same clock as `process.hrtime`, from a zero of its own per thread, and does not
    // allocate.
    return performance.now() + this.#offset_ms;
  }

  wall_ms(): number {
    return Date.now() + this.#wallShift_ms;
  }

  /** Fault injection: the wall clock jumps, as when somebody sets it. */
  shiftWall(by_ms: number): void {
    this.#wallShift_ms += by_ms;
  }

  after(delay_ms: number, callback: () => void): Timer {
    const due_ms = performance.now() + delay_ms;
    // Node counts whole milliseconds from when the loop last looked at the clock, so it may fire early; "at least" is the
    // contract.
    const fire = (): void => {
      const left_ms = due_ms - performance.now();
      if (left_ms > 0) handle = setTimeout(fire, Math.ceil(left_ms));
      else callback();
    };
    let handle = setTimeout(fire, Math.ceil(delay_ms));
    return { cancel: () => clearTimeout(handle) };
  }

  every(interval_ms: number, callback: () => void): Timer {
    const handle = setInterval(callback, interval_ms);
    return { cancel: () => clearInterval(handle) };
  }

  endOfTurn(callback: () => void): void {
    // One immediate carries all callbacks of a turn; those added while they run belong to the next one.
    if (this.#callbacks.length === 0) setImmediate(this.#runCallbacks);
    this.#callbacks.push(callback);
  }

  readonly #runCallbacks = (): void => {
    const callbacks = this.#callbacks;
    this.#callbacks = this.#running;
    this.#running = callbacks;
    let done = 0;
    try {
      while (done < callbacks.length) {
        const callback = callbacks[done] as () => void;
        done++;
        callback();
      }
    } finally {
      // A callback that throws ends the process unless a test catches it; the others must not be lost then.
      if (done < callbacks.length) {
        if (this.#callbacks.length === 0) setImmediate(this.#runCallbacks);
        this.#callbacks.push(...callbacks.slice(done));
      }
      callbacks.length = 0;
    }
  };
}

/** What to add to this thread's `performance.now` to get `process.hrtime`; exact to about a microsecond. */
function hrtimeOffset_ms(): number {
  let offset_ms = 0;
  let narrowest_ms = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 8; i++) {
    const before_ms = hrtime_ms();
    const now_ms = performance.now();
    const width_ms = hrtime_ms() - before_ms;
    if (width_ms >= narrowest_ms) continue;
    narrowest_ms = width_ms;
    offset_ms = before_ms + width_ms / 2 - now_ms;
  }
  return offset_ms;
}

function hrtime_ms(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}
