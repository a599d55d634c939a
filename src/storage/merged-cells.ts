/** The cells of a range, of both generations, in order. A young cell stands before the frozen one of its key. */
import { appliedOf, type Cell, type CellCursor, type OrderedCells } from './ordered-cells.ts';
import type { ByteKey } from './ordered-store.ts';

export interface CellRange {
  readonly lo: ByteKey;
  readonly hi: ByteKey;
  readonly reverse: boolean;
  /** Writes in flight count. */
  readonly newest: boolean;
}

export class MergedCells {
  /** Told of each write in flight that was met. */
  readonly #rests: { dependsOn: number };
  readonly #range: CellRange;
  readonly #young: CellCursor;
  readonly #frozen: CellCursor | null;
  #youngHead: Cell | null;
  #frozenHead: Cell | null;

  constructor(rests: { dependsOn: number }, young: OrderedCells, frozen: OrderedCells | null, range: CellRange) {
    const from = range.reverse ? range.hi : range.lo;
    this.#rests = rests;
    this.#range = range;
    this.#young = young.seek(from);
    this.#frozen = frozen === null ? null : frozen.seek(from);
    this.#youngHead = this.#pull(this.#young);
    this.#frozenHead = this.#pull(this.#frozen);
  }

  /** Null at the end. */
  nextKey(): ByteKey | null {
    const young = this.#youngHead;
    const frozen = this.#frozenHead;
    if (frozen === null) return young === null ? null : young.key;
    if (young === null) return frozen.key;
    const youngFirst = this.#range.reverse ? young.key >= frozen.key : young.key <= frozen.key;
    return youngFirst ? young.key : frozen.key;
  }

  /** What the cells say about `key`, the next one, and moves on: null when it is deleted, undefined when they say nothing. */
  take(key: ByteKey): Buffer | null | undefined {
    const young = this.#youngHead;
    const frozen = this.#frozenHead;
    let seen: Buffer | null | undefined;
    if (young !== null && young.key === key) {
      seen = this.#seenValue(young);
      this.#youngHead = this.#pull(this.#young);
    }
    if (frozen !== null && frozen.key === key) {
      if (seen === undefined) seen = appliedOf(frozen);
      this.#frozenHead = this.#pull(this.#frozen);
    }
    return seen;
  }

  #pull(cursor: CellCursor | null): Cell | null {
    if (cursor === null) return null;
    const { reverse, lo, hi } = this.#range;
    const cell = reverse ? cursor.previous() : cursor.next();
    if (cell === null) return null;
    return (reverse ? cell.key >= lo : cell.key < hi) ? cell : null;
  }

  #seenValue(cell: Cell): Buffer | null | undefined {
    if (!this.#range.newest || cell.pendingSequence === 0) return appliedOf(cell);
    if (cell.pendingSequence > this.#rests.dependsOn) this.#rests.dependsOn = cell.pendingSequence;
    return cell.pending;
  }
}
