/**
 * The calls and returns of the required operations in order of time, as a doubly linked list from which an operation is
 * taken out when the search has placed it, and put back when the search goes back (Wing and Gong 1993, section 4). What
 * stands before the first return are the operations that may come next.
 *
 * Entries are numbers: 2 * operation for its call, 2 * operation + 1 for its return. Operations are numbered in order of
 * their calls. Entries are put back in the reverse order of their removal, which is what makes that a matter of two links.
 */
import { type Candidate, isRequired } from '../model.ts';

/** Operations in order of call, and where their calls and returns stand among all events. */
export interface Timeline<C extends Candidate> {
  readonly required: readonly C[];
  readonly optional: readonly C[];
  /** Entries of the required operations, in order of time. */
  readonly entries: Int32Array;
  /** For each optional operation, how many entries come before its call. */
  readonly optionalRanks: Int32Array;
}

/** Calls come before returns of the same time, since equal times count as concurrent. */
const CALL = 0;
const RETURN = 1;
/** A time of return that was taken over from an observer: the observer's own return is the telling one, so it comes first. */
const INFERRED_RETURN = 2;

export function timelineOf<C extends Candidate>(candidates: readonly C[]): Timeline<C> {
  const events: { readonly time: number; readonly kind: number; readonly candidate: C }[] = [];
  for (const candidate of candidates) {
    events.push({ time: candidate.call, kind: CALL, candidate });
    if (!isRequired(candidate)) continue;
    const kind = candidate.operation.outcome === 'ok' ? RETURN : INFERRED_RETURN;
    events.push({ time: candidate.return, kind, candidate });
  }
  events.sort((a, b) => a.time - b.time || a.kind - b.kind);

  const required: C[] = [];
  const optional: C[] = [];
  const entries: number[] = [];
  const optionalRanks: number[] = [];
  const numbers = new Map<C, number>();
  for (const { kind, candidate } of events) {
    if (!isRequired(candidate)) {
      optional.push(candidate);
      optionalRanks.push(entries.length);
    } else if (kind === CALL) {
      numbers.set(candidate, required.length);
      entries.push(2 * required.length);
      required.push(candidate);
    } else {
      entries.push(2 * (numbers.get(candidate) ?? 0) + 1);
    }
  }
  return { required, optional, entries: Int32Array.from(entries), optionalRanks: Int32Array.from(optionalRanks) };
}

export class EventList {
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #ranks: Int32Array;
  /** Before the first entry and after the last one; not a call, so that walks over calls end at it. */
  readonly end: number;

  constructor(entries: Int32Array) {
    this.end = entries.length + 1;
    const size = this.end + 1;
    this.#next = new Int32Array(size);
    this.#previous = new Int32Array(size);
    this.#ranks = new Int32Array(size).fill(entries.length);
    let last = this.end;
    for (const [rank, entry] of entries.entries()) {
      this.#ranks[entry] = rank;
      this.#link(last, entry);
      last = entry;
    }
    this.#link(last, this.end);
  }

  get first(): number {
    return this.#next[this.end] as number;
  }

  next(entry: number): number {
    return this.#next[entry] as number;
  }

  /** Where the entry stood at first; of the end, how many entries there were. */
  rank(entry: number): number {
    return this.#ranks[entry] as number;
  }

  /** Takes the call and the return of an operation out. `next` of its call stays what it was without the return. */
  remove(operation: number): void {
    this.#unlink(2 * operation + 1);
    this.#unlink(2 * operation);
  }

  /** Undoes the last removal that is not undone. */
  restore(operation: number): void {
    this.#relink(2 * operation);
    this.#relink(2 * operation + 1);
  }

  #link(before: number, after: number): void {
    this.#next[before] = after;
    this.#previous[after] = before;
  }

  #unlink(entry: number): void {
    this.#link(this.#previous[entry] as number, this.#next[entry] as number);
  }

  #relink(entry: number): void {
    this.#next[this.#previous[entry] as number] = entry;
    this.#previous[this.#next[entry] as number] = entry;
  }
}

/** Entries of calls are even; the end is one more than an even count, so it is odd. */
export function isCall(entry: number): boolean {
  return entry % 2 === 0;
}
