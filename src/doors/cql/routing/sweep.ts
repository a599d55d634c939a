/** What the background does on a tablet, piece by piece (background.ts). */
import type { Transaction } from '../../../tablet/operation.ts';

export interface Sweep {
  /** Does a bounded piece of work in a transaction. May run again before `settle` if the first run had no effect. */
  run(transaction: Transaction): void;
  /** The piece is durable, or with `done` false may not be. True when there is more to do at once. */
  settle(done: boolean): boolean;
}

/** A tablet's range of slots. */
export interface TabletRange {
  readonly slotFirst: number;
  readonly slotLast: number;
}
