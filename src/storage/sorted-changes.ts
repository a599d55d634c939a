/**
 * Puts the changes of a flush into key order without holding up the event loop: short runs are sorted with turns of the loop
 * between them, and merged as they are taken. 30,000 keys sorted in one go take 40 ms of the main thread.
 */
import type { ByteKey } from './ordered-store.ts';

export type Change = readonly [ByteKey, Uint8Array | null];

/** About 3 ms to sort. */
const RUN_CHANGES = 4_096;

export class SortedChanges {
  readonly #runs: Change[][];
  readonly #at: number[];
  #left: number;

  /** `nextTurn` resolves when the event loop has come round. */
  static async of(entries: Iterable<Change>, nextTurn: () => Promise<void>): Promise<SortedChanges> {
    const runs: Change[][] = [];
    let run: Change[] = [];
    for (const entry of entries) {
      run.push(entry);
      if (run.length < RUN_CHANGES) continue;
      runs.push(run.sort(byKey));
      run = [];
      await nextTurn();
    }
    if (run.length > 0) runs.push(run.sort(byKey));
    return new SortedChanges(runs);
  }

  private constructor(runs: Change[][]) {
    this.#runs = runs;
    this.#at = runs.map(() => 0);
    this.#left = runs.reduce((sum, run) => sum + run.length, 0);
  }

  /** Changes that have not been taken yet. */
  get left(): number {
    return this.#left;
  }

  /** The next changes: at most `count`, and no more behind one with which their values reach `bytes`. */
  take(count: number, bytes: number): Change[] {
    const taken: Change[] = [];
    let size = 0;
    while (taken.length < count && size < bytes && this.#left > 0) {
      const change = this.#next();
      taken.push(change);
      size += change[1] === null ? 0 : change[1].length;
      this.#left -= 1;
    }
    return taken;
  }

  #next(): Change {
    let least = -1;
    let change: Change | undefined;
    // Runs are few: looking at the head of each costs less than a heap.
    for (let i = 0; i < this.#runs.length; i++) {
      const head = (this.#runs[i] as Change[])[this.#at[i] as number];
      if (head !== undefined && (change === undefined || head[0] < change[0])) {
        least = i;
        change = head;
      }
    }
    this.#at[least] = (this.#at[least] as number) + 1;
    return change as Change;
  }
}

function byKey(a: Change, b: Change): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;
}
