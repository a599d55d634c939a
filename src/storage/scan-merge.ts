/**
 * The ordered merge of the store's entries, which are pushed at it, with the cells of both generations, which it pulls.
 * A young cell stands before the frozen one of its key, and either before the store's entry.
 */
import { appliedOf, type Cell, type CellCursor, type OrderedCells } from './ordered-cells.ts';
import type { ByteKey, Visitor } from './ordered-store.ts';

export interface ScanRequest {
  readonly lo: ByteKey;
  readonly hi: ByteKey;
  readonly reverse: boolean;
  /** Writes in flight count. */
  readonly newest: boolean;
  readonly visit: Visitor;
}

export class ScanMerge {
  ended = false;
  /** Told of each write in flight that was met. */
  readonly #rests: { dependsOn: number };
  readonly #request: ScanRequest;
  readonly #young: CellCursor;
  readonly #frozen: CellCursor | null;
  #youngHead: Cell | null;
  #frozenHead: Cell | null;

  constructor(rests: { dependsOn: number }, young: OrderedCells, frozen: OrderedCells | null, request: ScanRequest) {
    const from = request.reverse ? request.hi : request.lo;
    this.#rests = rests;
    this.#request = request;
    this.#young = young.seek(from);
    this.#frozen = frozen === null ? null : frozen.seek(from);
    this.#youngHead = this.#pull(this.#young);
    this.#frozenHead = this.#pull(this.#frozen);
  }

  /** The store's visitor. */
  readonly onStoreEntry: Visitor = (key, value) => {
    const { reverse } = this.#request;
    for (let next = this.#nextKey(); next !== null; next = this.#nextKey()) {
      if (reverse ? next < key : next > key) break;
      const seen = this.#take(next);
      if (next === key) {
        // Undefined: the cells have nothing at this layer, the store's value stands.
        if (seen === undefined) break;
        return seen === null || this.#give(key, seen);
      }
      if (seen && !this.#give(next, seen)) return false;
    }
    return this.#give(key, value);
  };

  /** The store has no more: the rest are cells. */
  finish(): void {
    for (let next = this.#nextKey(); next !== null && !this.ended; next = this.#nextKey()) {
      const seen = this.#take(next);
      if (seen) this.#give(next, seen);
    }
  }

  #pull(cursor: CellCursor | null): Cell | null {
    if (cursor === null) return null;
    const { reverse, lo, hi } = this.#request;
    const cell = reverse ? cursor.previous() : cursor.next();
    if (cell === null) return null;
    return (reverse ? cell.key >= lo : cell.key < hi) ? cell : null;
  }

  #nextKey(): ByteKey | null {
    const young = this.#youngHead;
    const frozen = this.#frozenHead;
    if (frozen === null) return young === null ? null : young.key;
    if (young === null) return frozen.key;
    const youngFirst = this.#request.reverse ? young.key >= frozen.key : young.key <= frozen.key;
    return youngFirst ? young.key : frozen.key;
  }

  /** What the cells say about `key`, the next one, and moves on: undefined when they say nothing. */
  #take(key: ByteKey): Buffer | null | undefined {
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

  #seenValue(cell: Cell): Buffer | null | undefined {
    if (!this.#request.newest || cell.pendingSequence === 0) return appliedOf(cell);
    if (cell.pendingSequence > this.#rests.dependsOn) this.#rests.dependsOn = cell.pendingSequence;
    return cell.pending;
  }

  #give(key: ByteKey, value: Buffer): boolean {
    if (this.ended) return false;
    if (!this.#request.visit(key, value)) this.ended = true;
    return !this.ended;
  }
}
