/**
 * How doors use a tablet: they submit operations, objects with two methods, so that the hot path makes no promise and no
 * closure. A tablet knows nothing of the doors' meaning of keys and values.
 */
import type { ByteKey, Visitor } from '../storage/ordered-store.ts';

/**
 * One serializable transaction on one tablet. `execute` runs on the leader, in the turn in which it was submitted, over the
 * committed state plus the writes in flight; `complete` is told when what it wrote is durable on a quorum and applied, or
 * when what it read is known to be committed.
 *
 * `execute` validates before its first write: there is no rollback. It may run again, on this or another node, only after
 * an attempt that is known to have had no effect (`Outcome.notLeader`), so it starts from the operation's inputs each time.
 */
export interface TabletOperation {
  execute(transaction: Transaction): void;
  complete(outcome: Outcome): void;
}

export const Outcome = {
  /** Committed, durable and applied; or, for a read, linearizable. */
  done: 0,
  /** Certainly had no effect, because this replica does not lead (any more). Submit it again elsewhere. */
  notLeader: 1,
  /** May or may not have had its effect, now or later. Never retried by the cluster. */
  unknown: 2,
  /** Certainly had no effect: the tablet's queue of writes in flight is full. */
  overloaded: 3,
  /** Certainly had no effect: no leader could be reached before the deadline. */
  unavailable: 4,
} as const;
export type Outcome = (typeof Outcome)[keyof typeof Outcome];

/** Valid only during `execute`. */
export interface Transaction {
  /** The leader's wall clock, milliseconds since 1970; never goes back within a term. */
  readonly now_ms: number;
  /** The term and a counter within it: the pair is different for every call of `execute` on this tablet, for ever. */
  readonly term: number;
  readonly sequence: number;
  /** The value or undefined. Shared with others: read it, never change it, copy it to keep a part of it for long. */
  get(key: ByteKey): Buffer | undefined;
  /** `value` belongs to the tablet from here on and must not be changed. Keys are at most KEY_BYTES_MAX bytes. */
  put(key: ByteKey, value: Buffer): void;
  delete(key: ByteKey): void;
  /** Deletes lo <= key < hi. */
  deleteRange(lo: ByteKey, hi: ByteKey): void;
  /** Visits lo <= key < hi in order (descending when `reverse`), writes of this transaction included. The visitor must not write. */
  scan(lo: ByteKey, hi: ByteKey, reverse: boolean, visit: Visitor): void;
  /** The number of entries that such a scan would visit, at a small part of its cost. */
  count(lo: ByteKey, hi: ByteKey): number;
  /** The key that the ascending scan would visit after `index` others; undefined when there are not so many. */
  keyAt(lo: ByteKey, hi: ByteKey, index: number): ByteKey | undefined;
}
