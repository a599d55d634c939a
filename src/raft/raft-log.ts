/**
 * The log of one replica, in memory from the compaction point on, and what is known about each part of it:
 *
 *     base <= applied <= applying <= committed <= last        base <= stable <= written <= last
 *
 * `applying` has been handed to the state machine, `written` to the storage; `stable` is durable here. committed and
 * stable are independent: a leader may commit what a quorum of others has made durable before it has itself.
 */
import { assert } from '../base/assert.ts';
import { noEntries } from './messages.ts';
import type { AppendTicket } from './ready.ts';
import type { Entry, LogIndex, Term } from './types.ts';

/** What `termAt` says of an entry that is compacted away or not there yet. */
export const unknownTerm = -1;

/** Counted beside the payload, so that a flood of empty entries also reaches the limits. */
const entryOverheadBytes = 16;

export class RaftLog {
  baseIndex: LogIndex;
  baseTerm: Term;
  applied: LogIndex;
  applying: LogIndex;
  committed: LogIndex;
  stable: LogIndex;
  written: LogIndex;
  /** A snapshot has replaced the log and that is not durable yet. */
  snapshotUnstable = false;

  #entries: Entry[];
  /** What the storage has not answered yet, oldest first. Only tickets of Readys that had to be synced. */
  readonly #tickets: AppendTicket[] = [];

  // The last slice that was sent: two followers at the same point share one array (and the transport may encode it once).
  #slice: readonly Entry[] = noEntries;
  #sliceFrom: LogIndex = 0;
  #sliceMaxBytes = 0;
  #sliceLast: LogIndex = 0;

  constructor(baseIndex: LogIndex, baseTerm: Term, entries: readonly Entry[], applied: LogIndex, committed: LogIndex) {
    this.baseIndex = baseIndex;
    this.baseTerm = baseTerm;
    this.#entries = entries.slice();
    this.applied = applied;
    this.applying = applied;
    this.committed = Math.max(committed, applied);
    this.stable = baseIndex + entries.length;
    this.written = this.stable;
  }

  get firstIndex(): LogIndex {
    return this.baseIndex + 1;
  }

  get lastIndex(): LogIndex {
    return this.baseIndex + this.#entries.length;
  }

  get lastTerm(): Term {
    const count = this.#entries.length;
    return count === 0 ? this.baseTerm : (this.#entries[count - 1] as Entry).term;
  }

  get hasOutstandingWrites(): boolean {
    return this.#tickets.length > 0;
  }

  termAt(index: LogIndex): Term {
    const position = index - this.baseIndex - 1;
    if (position === -1) return this.baseTerm;
    if (position < 0 || position >= this.#entries.length) return unknownTerm;
    return (this.#entries[position] as Entry).term;
  }

  entryAt(index: LogIndex): Entry {
    const entry = this.#entries[index - this.baseIndex - 1];
    assert(entry !== undefined, 'raft: the entry is in the log');
    return entry;
  }

  /** The log that ends with (`index`, `term`) is at least as up to date as this one (thesis 3.6.1). */
  isUpToDate(index: LogIndex, term: Term): boolean {
    const lastTerm = this.lastTerm;
    return term > lastTerm || (term === lastTerm && index >= this.lastIndex);
  }

  append(entry: Entry): void {
    assert(entry.index === this.lastIndex + 1, 'raft: entries are appended without gaps');
    assert(entry.term >= this.lastTerm, 'raft: terms never go back in a log');
    assert(entry.index < Number.MAX_SAFE_INTEGER, 'raft: indexes stay below 2^53');
    this.#entries.push(entry);
  }

  /** Takes a leader's entries: skips what is already here and replaces what conflicts (thesis 3.5). */
  merge(entries: readonly Entry[]): void {
    const count = entries.length;
    let from = 0;
    while (from < count) {
      const entry = entries[from] as Entry;
      if (this.termAt(entry.index) !== entry.term) break;
      from++;
    }
    if (from === count) return;
    const first = (entries[from] as Entry).index;
    if (first <= this.lastIndex) this.#truncateFrom(first);
    for (let i = from; i < count; i++) this.append(entries[i] as Entry);
  }

  /** Throws the log away for a snapshot that ends with (`index`, `term`). */
  restore(index: LogIndex, term: Term): void {
    assert(index > this.committed, 'raft: a snapshot never takes back what is committed');
    for (const ticket of this.#tickets) ticket.index = 0;
    this.#entries = [];
    this.#slice = noEntries;
    this.baseIndex = index;
    this.baseTerm = term;
    this.committed = index;
    this.applying = index;
    this.applied = index;
    this.stable = index;
    this.written = index;
    this.snapshotUnstable = true;
  }

  /** The state machine has been brought to `index` by a snapshot that agrees with this log. */
  fastForward(index: LogIndex): void {
    assert(index <= this.lastIndex, 'raft: a fast forward stays inside the log');
    this.committed = Math.max(this.committed, index);
    this.applying = Math.max(this.applying, index);
    this.applied = Math.max(this.applied, index);
  }

  commitTo(index: LogIndex): boolean {
    if (index <= this.committed) return false;
    assert(index <= this.lastIndex, 'raft: a committed entry was in this log; has the log been lost?');
    this.committed = index;
    return true;
  }

  appliedTo(index: LogIndex): void {
    assert(index >= this.applied, 'raft: what was applied is not taken back');
    assert(index <= this.applying, 'raft: only what was handed out can have been applied');
    this.applied = index;
  }

  /** Forgets entries up to `index`. Entries that are not durable stay. */
  compact(index: LogIndex): void {
    assert(index <= this.applied, 'raft: only applied entries are compacted');
    const target = Math.min(index, this.stable);
    if (target <= this.baseIndex) return;
    const term = this.termAt(target);
    this.#entries.splice(0, target - this.baseIndex);
    this.baseIndex = target;
    this.baseTerm = term;
    this.#slice = noEntries;
  }

  /** Entries from `from` on to send to a follower, at most `maxBytes` but at least one, if there is one. */
  slice(from: LogIndex, maxBytes: number): readonly Entry[] {
    const lastIndex = this.lastIndex;
    if (from > lastIndex) return noEntries;
    if (
      this.#slice.length > 0 &&
      this.#sliceFrom === from &&
      this.#sliceLast === lastIndex &&
      this.#sliceMaxBytes === maxBytes
    ) {
      return this.#slice;
    }
    this.#slice = this.#limited(from, lastIndex, maxBytes);
    this.#sliceFrom = from;
    this.#sliceLast = lastIndex;
    this.#sliceMaxBytes = maxBytes;
    return this.#slice;
  }

  /** Entries that the storage has not been given yet. */
  takeUnwritten(): readonly Entry[] {
    if (this.written === this.lastIndex) return noEntries;
    const entries = this.#entries.slice(this.written - this.baseIndex);
    this.written = this.lastIndex;
    return entries;
  }

  /** Committed entries that the state machine has not been given yet, at most `maxBytes` but at least one. */
  takeCommitted(maxBytes: number): readonly Entry[] {
    if (this.applying === this.committed) return noEntries;
    const entries = this.#limited(this.applying + 1, this.committed, maxBytes);
    this.applying += entries.length;
    return entries;
  }

  /** Notes that the storage has been given everything up to `ticket`. */
  expect(ticket: AppendTicket): void {
    this.#tickets.push(ticket);
  }

  /** The storage has made `ticket` durable, and with it all earlier ones. False when that was known. */
  acknowledge(ticket: AppendTicket): boolean {
    const tickets = this.#tickets;
    // A ticket of a Ready that had nothing to sync was never expected: it must not vouch for the writes before it.
    const done = tickets.indexOf(ticket) + 1;
    if (done === 0) return false;
    for (let i = 0; i < done; i++) {
      const { index, snapshotIndex } = tickets[i] as AppendTicket;
      if (index > this.stable) this.stable = index;
      if (snapshotIndex > 0 && snapshotIndex === this.baseIndex) this.snapshotUnstable = false;
    }
    tickets.splice(0, done);
    return true;
  }

  /**
   * The last entry at or before `index` whose term is at most `term`. Both sides use it on a rejection, so that a
   * probe skips a whole term instead of one entry (thesis 3.5, end). Stops where the log has been compacted.
   */
  findConflictByTerm(index: LogIndex, term: Term): LogIndex {
    let at = index;
    while (at > 0) {
      const ours = this.termAt(at);
      if (ours === unknownTerm || ours <= term) break;
      at--;
    }
    return at;
  }

  invariants(): void {
    const last = this.lastIndex;
    assert(this.baseIndex <= this.applied, 'raft log: base <= applied');
    assert(this.applied <= this.applying, 'raft log: applied <= applying');
    assert(this.applying <= this.committed, 'raft log: applying <= committed');
    assert(this.committed <= last, 'raft log: committed <= last');
    assert(this.baseIndex <= this.stable, 'raft log: base <= stable');
    assert(this.stable <= this.written, 'raft log: stable <= written');
    assert(this.written <= last, 'raft log: written <= last');
  }

  #truncateFrom(index: LogIndex): void {
    assert(index > this.committed, 'raft: a committed entry is never replaced');
    this.#entries.length = index - this.baseIndex - 1;
    const last = index - 1;
    if (this.written > last) this.written = last;
    if (this.stable > last) this.stable = last;
    for (const ticket of this.#tickets) {
      if (ticket.index > last) ticket.index = last;
    }
    this.#slice = noEntries;
  }

  #limited(from: LogIndex, to: LogIndex, maxBytes: number): readonly Entry[] {
    const start = from - this.baseIndex - 1;
    const limit = to - this.baseIndex;
    assert(start >= 0, 'raft: no compacted entry is read');
    let end = start;
    let bytes = 0;
    while (end < limit) {
      bytes += entryBytes(this.#entries[end] as Entry);
      if (bytes > maxBytes && end > start) break;
      end++;
    }
    return this.#entries.slice(start, end);
  }
}

/** What an entry counts towards the limits. */
export function entryBytes(entry: Entry): number {
  return entry.data.length + entryOverheadBytes;
}

export function entriesBytes(entries: readonly Entry[]): number {
  let bytes = 0;
  for (const entry of entries) bytes += entryBytes(entry);
  return bytes;
}
