/**
 * Puts the changes of a flush into key order without holding up the event loop. Keys are dealt out by their first six bytes (space and
 * slot), which costs a look into a table each; what has the same six is sorted when it is its turn, which is a short list
 * unless it is a large collection. Those are sorted in runs with turns of the loop between them, and merged as they are taken.
 * 30,000 keys sorted in one go take 40 ms of the main thread.
 */
import type { ByteKey, StoreChange } from './ordered-store.ts';

/** About 3 ms to sort. */
const RUN_CHANGES = 4_096;

/** Changes whose keys begin alike. */
interface Slot {
  readonly prefix: number;
  /** Of at most RUN_CHANGES; all but the last are in order. */
  readonly runs: StoreChange[][];
}

export class SortedChanges {
  /** Ascending. */
  readonly #slots: readonly Slot[];
  #slotAt = 0;
  /** Where the next change stands in each run of the slot at hand; empty: it has not been begun. */
  #at: number[] = [];
  #left: number;

  /** `nextTurn` resolves when the event loop has come round. */
  static async of(entries: Iterable<StoreChange>, nextTurn: () => Promise<void>): Promise<SortedChanges> {
    const spaces = new Map<number, Map<number, Slot>>();
    let count = 0;
    for (const change of entries) {
      const run = lastRun(slotOf(spaces, change.key));
      run.push(change);
      count += 1;
      if (run.length === RUN_CHANGES) run.sort(byKey);
      if (count % RUN_CHANGES === 0) await nextTurn();
    }
    const slots = [...spaces.values()].flatMap((space) => [...space.values()]);
    slots.sort((a, b) => a.prefix - b.prefix);
    return new SortedChanges(slots, count);
  }

  private constructor(slots: readonly Slot[], count: number) {
    this.#slots = slots;
    this.#left = count;
  }

  /** Changes that have not been taken yet. */
  get left(): number {
    return this.#left;
  }

  /** The next changes: at most `count`, and no more behind one with which their values reach `bytes`. */
  take(count: number, bytes: number): StoreChange[] {
    const taken: StoreChange[] = [];
    let size = 0;
    while (taken.length < count && size < bytes && this.#left > 0) {
      const change = this.#next();
      taken.push(change);
      size += change.to - change.from;
      this.#left -= 1;
    }
    return taken;
  }

  #next(): StoreChange {
    for (;;) {
      const { runs } = this.#slots[this.#slotAt] as Slot;
      if (this.#at.length === 0) {
        runs[runs.length - 1]?.sort(byKey);
        this.#at = runs.map(() => 0);
      }
      const least = this.#leastRun(runs);
      if (least >= 0) {
        const at = this.#at[least] as number;
        this.#at[least] = at + 1;
        return (runs[least] as StoreChange[])[at] as StoreChange;
      }
      this.#slotAt += 1;
      this.#at = [];
    }
  }

  /** The run with the least change that is left, -1 when none is. */
  #leastRun(runs: readonly StoreChange[][]): number {
    let least = -1;
    let key: ByteKey = '';
    // Runs are few: looking at the head of each costs less than a heap.
    for (let i = 0; i < runs.length; i++) {
      const head = (runs[i] as StoreChange[])[this.#at[i] as number];
      if (head !== undefined && (least < 0 || head.key < key)) {
        least = i;
        key = head.key;
      }
    }
    return least;
  }
}

function slotOf(spaces: Map<number, Map<number, Slot>>, key: ByteKey): Slot {
  const space = pair(key, 0) * 0x1_0000 + pair(key, 2);
  let slots = spaces.get(space);
  if (slots === undefined) {
    slots = new Map();
    spaces.set(space, slots);
  }
  const number = pair(key, 4);
  let slot = slots.get(number);
  if (slot === undefined) {
    slot = { prefix: space * 0x1_0000 + number, runs: [[]] };
    slots.set(number, slot);
  }
  return slot;
}

/** Two bytes as a number; what is not there counts as zero. */
function pair(key: ByteKey, at: number): number {
  return (key.charCodeAt(at) << 8) | key.charCodeAt(at + 1);
}

function lastRun({ runs }: Slot): StoreChange[] {
  const last = runs[runs.length - 1] as StoreChange[];
  if (last.length < RUN_CHANGES) return last;
  const next: StoreChange[] = [];
  runs.push(next);
  return next;
}

function byKey(a: StoreChange, b: StoreChange): number {
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}
