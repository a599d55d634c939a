/**
 * Whether what clients saw of a slot is linearizable. Each write names its predecessor, so the writes of a slot form one chain, and
 * every operation has its place in it:
 *
 *   1. the chain has one write for each version, and what failed for certain is not in it;
 *   2. every write that was acknowledged is in it;
 *   3. run in the order of the chain on a plain map, every operation gives the result that its client got;
 *   4. no operation stands before one that had ended when it began.
 *
 * For a history of this kind that is linearizability, and costs no search.
 */
import type { ByteKey } from '../../src/storage/ordered-store.ts';
import { Outcome } from '../../src/tablet/operation.ts';
import {
  isRead,
  runOperation,
  type SlotOperation,
  type SlotTransaction,
  type SlotVersion,
} from '../load/slot-operation.ts';
import { SortedKeys } from '../world/sorted-keys.ts';
import { Violation } from './violation.ts';

/** One submission of one operation. What a client tries again is another attempt. */
export interface Attempt {
  readonly id: number;
  readonly slot: number;
  readonly operation: SlotOperation;
  readonly node: number;
  readonly called: number;
  readonly calledAt_ms: number;
  /** Infinity while the client knows nothing. */
  returned: number;
  outcome: Outcome | null;
  /** Of the last execution: what it found, and its result. */
  executed: boolean;
  before: SlotVersion;
  result: string;
}

/** Where an attempt is recorded. */
export interface AttemptHistory {
  add(attempt: Attempt): void;
  returned(attempt: Attempt, outcome: Outcome, stamp: number): void;
  /** The node ends an attempt of which its client had heard nothing. */
  late(attempt: Attempt, outcome: Outcome, stamp: number): void;
}

export class SlotHistory implements AttemptHistory {
  readonly attempts: Attempt[] = [];
  readonly #byId = new Map<number, Attempt>();
  /** The newest write that is durable on a quorum. */
  tip: SlotVersion = { number: 0, attempt: 0 };
  readonly #slot: number;

  constructor(slot: number) {
    this.#slot = slot;
  }

  add(attempt: Attempt): void {
    this.attempts.push(attempt);
    this.#byId.set(attempt.id, attempt);
  }

  /** A version of the slot was committed. */
  committed(version: SlotVersion): void {
    if (version.number <= this.tip.number) {
      throw new Violation(
        'version-back',
        `slot ${this.#slot} goes from version ${this.tip.number} to ${version.number}`,
      );
    }
    this.tip = version;
  }

  late(attempt: Attempt, outcome: Outcome, stamp: number): void {
    this.returned(attempt, outcome, stamp);
  }

  /** The client hears the outcome of an attempt. */
  returned(attempt: Attempt, outcome: Outcome, stamp: number): void {
    attempt.outcome = outcome;
    attempt.returned = stamp;
    if (outcome !== Outcome.done || isRead(attempt.operation)) return;
    if (attempt.before.number + 1 > this.tip.number) {
      throw new Violation(
        'acknowledged-durable',
        `slot ${this.#slot}: version ${attempt.before.number + 1} is acknowledged, and no quorum has more than ${this.tip.number} on disk`,
      );
    }
  }

  /** The whole history, at the end. */
  check(): void {
    const chain = this.#chain();
    const position = (attempt: Attempt): number => attempt.before.number + (isRead(attempt.operation) ? 0 : 1);
    const inChain = new Set(chain);
    const reads = new Map<number, Attempt[]>();
    const placed: Attempt[] = [];
    for (const attempt of this.attempts) {
      if (inChain.has(attempt)) {
        if (attempt.outcome !== null && attempt.outcome !== Outcome.done && attempt.outcome !== Outcome.unknown) {
          throw this.#violation('failed-visible', attempt, `failed for certain (${attempt.outcome}) and is there`);
        }
        placed.push(attempt);
        continue;
      }
      if (attempt.outcome !== Outcome.done) continue;
      if (!isRead(attempt.operation)) throw this.#violation('lost-write', attempt, 'was acknowledged and is lost');
      const { number, attempt: writer } = attempt.before;
      if (number > chain.length || (number > 0 && chain[number - 1]?.id !== writer)) {
        throw this.#violation(
          'read-uncommitted',
          attempt,
          `read version ${number} of attempt ${writer}, which never was`,
        );
      }
      const list = reads.get(number);
      if (list === undefined) reads.set(number, [attempt]);
      else list.push(attempt);
      placed.push(attempt);
    }
    const state = new MapTransaction();
    for (const read of reads.get(0) ?? []) this.#replay(state, read);
    for (const [i, write] of chain.entries()) {
      const result = runOperation(state, this.#slot, write.operation);
      if (write.outcome === Outcome.done && result !== write.result) {
        throw this.#violation('wrong-result', write, `gave "${write.result}" instead of "${result}"`);
      }
      for (const read of reads.get(i + 1) ?? []) this.#replay(state, read);
    }
    this.#checkRealTime(placed, position);
  }

  #replay(state: MapTransaction, read: Attempt): void {
    const result = runOperation(state, this.#slot, read.operation);
    if (result !== read.result)
      throw this.#violation('wrong-result', read, `gave "${read.result}" instead of "${result}"`);
  }

  /** From the newest committed write back to the first. */
  #chain(): Attempt[] {
    const chain: Attempt[] = [];
    let { number, attempt: id } = this.tip;
    while (number > 0) {
      const attempt = this.#byId.get(id);
      if (attempt === undefined || !attempt.executed)
        throw new Violation('chain', `slot ${this.#slot}: nobody wrote ${id}`);
      if (attempt.before.number !== number - 1) {
        throw this.#violation(
          'chain',
          attempt,
          `was evaluated after version ${attempt.before.number} and committed as ${number}`,
        );
      }
      chain.push(attempt);
      number = attempt.before.number;
      id = attempt.before.attempt;
    }
    return chain.reverse();
  }

  #checkRealTime(placed: readonly Attempt[], position: (attempt: Attempt) => number): void {
    const byCall = [...placed].sort((a, b) => a.called - b.called);
    const byReturn = placed
      .filter((attempt) => attempt.outcome === Outcome.done)
      .sort((a, b) => a.returned - b.returned);
    let newest = 0;
    let newestAttempt: Attempt | null = null;
    let at = 0;
    for (const attempt of byCall) {
      for (; at < byReturn.length && (byReturn[at] as Attempt).returned < attempt.called; at += 1) {
        const ended = byReturn[at] as Attempt;
        if (position(ended) > newest) {
          newest = position(ended);
          newestAttempt = ended;
        }
      }
      const least = isRead(attempt.operation) ? newest : newest + 1;
      if (position(attempt) < least) {
        throw this.#violation(
          isRead(attempt.operation) ? 'stale-read' : 'write-order',
          attempt,
          `is at version ${position(attempt)}, although attempt ${newestAttempt?.id} had seen ${newest} before it began`,
        );
      }
    }
  }

  #violation(rule: string, attempt: Attempt, text: string): Violation {
    const { id, node, operation, calledAt_ms } = attempt;
    return new Violation(
      rule,
      `slot ${this.#slot}: attempt ${id} (${operation.kind} on node ${node} at ${calledAt_ms.toFixed(1)} ms) ${text}`,
    );
  }
}

/** The same operations on a plain map. */
class MapTransaction implements SlotTransaction {
  readonly #keys = new SortedKeys();

  get(key: ByteKey): Buffer | undefined {
    return this.#keys.get(key);
  }

  put(key: ByteKey, value: Buffer): void {
    this.#keys.set(key, value);
  }

  delete(key: ByteKey): void {
    this.#keys.delete(key);
  }

  deleteRange(lo: ByteKey, hi: ByteKey): void {
    for (const key of this.#keys.range(lo, hi, Number.POSITIVE_INFINITY)) this.#keys.delete(key);
  }

  scan(lo: ByteKey, hi: ByteKey, reverse: boolean, visit: (key: ByteKey, value: Buffer) => boolean): void {
    const keys = this.#keys.range(lo, hi, Number.POSITIVE_INFINITY);
    if (reverse) keys.reverse();
    for (const key of keys) if (!visit(key, this.#keys.get(key) as Buffer)) return;
  }

  count(lo: ByteKey, hi: ByteKey): number {
    return this.#keys.range(lo, hi, Number.POSITIVE_INFINITY).length;
  }

  keyAt(lo: ByteKey, hi: ByteKey, index: number): ByteKey | undefined {
    return this.#keys.range(lo, hi, index + 1)[index];
  }
}
