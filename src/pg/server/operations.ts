/** Operations on one thing, one after the other, that can all be interrupted. */

export class Operations {
  #abort = new AbortController();
  #last: Promise<unknown> = Promise.resolve();

  /** Starts `operation` when the ones before it have ended, with the signal that tells it to give up. */
  run<T>(operation: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { signal } = this.#abort;
    const result = this.#last.then(async () => {
      signal.throwIfAborted();
      const value = await operation(signal);
      signal.throwIfAborted();
      return value;
    });
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Those that run or wait are rejected with `reason`. Resolves when all have given up. */
  interrupt(reason: Error): Promise<unknown> {
    this.#abort.abort(reason);
    this.#abort = new AbortController();
    return this.#last;
  }
}

/** Looks again and again, every few milliseconds, until there is something. Rejects when the signal says so. */
export async function untilSome<T>(
  look: () => Promise<T | null>,
  signal: AbortSignal,
  interval_ms: number,
): Promise<T> {
  for (;;) {
    signal.throwIfAborted();
    const found = await look();
    if (found !== null) return found;
    await new Promise((resolve) => setTimeout(resolve, interval_ms));
  }
}
