/** Gives the store's writers (flushes, snapshot installs, removals) their turn one after the other. */
export class StoreQueue {
  #tail: Promise<void> = Promise.resolve();

  /** Runs `job` when all earlier ones have ended, however they ended. */
  run<T>(job: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(job);
    this.#tail = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }

  /** Resolves when everything queued so far has ended. */
  idle(): Promise<void> {
    return this.#tail;
  }
}
