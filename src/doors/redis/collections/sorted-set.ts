/**
 * Sorted sets. Packed: (text member, score f64)*, in order. Large: two orders,
 *
 *   'd' | hash | member   ->  score f64 [long member]
 *   's' | score | member  ->  empty, or: u8 1 when the score is -0 | [long member]
 *
 * of which the counted index counts the second. The order is by score, then by the member's bytes. -0 and 0 are one number
 * in the order and two when they are printed.
 *
 * Every range of ranks, scores or members becomes a range of ranks [from, to), and `visitRanks` walks over it.
 */
import { afterPrefix } from '../key-layout.ts';
import { ValueType } from '../value.ts';
import { Collection, type CollectionHost, type LargePart } from './collection.ts';
import { memberPart, memberSuffix, Order, OrderEnd, SCORE_BYTES, scoreBytes, scoreOfBytes } from './element-keys.ts';
import { byBytes, memberOf, memberTail, partOf, scanMembers, visitMembers } from './member-entries.ts';
import { Encoding, PackedReader, packedTextBytes, putText } from './payload.ts';

export interface ScoredMember {
  readonly member: string;
  readonly score: number;
}

/** Returns false to end. */
export type ScoredVisitor = (member: string, score: number) => boolean;

const DOUBLE_BYTES = 8;
const NEGATIVE_ZERO = 1;

export class RedisSortedSet extends Collection {
  #entries: ScoredMember[] | undefined;
  #bytes = 0;

  constructor(host: CollectionHost, slot: number, key: string, raw: Buffer | undefined) {
    super(host, slot, key, raw, { type: ValueType.sortedSet, order: Order.score, encoding: Encoding.listpack });
    if (raw === undefined) this.#entries = [];
  }

  // ---- reading

  get count(): number {
    return this.large === undefined ? this.#unpacked().length : this.large.count;
  }

  score(member: string): number | undefined {
    const { large } = this;
    if (large !== undefined) return large.space.get(Order.member + memberSuffix(member))?.readDoubleBE(0);
    if (this.#entries !== undefined) return this.#entries.find((entry) => entry.member === member)?.score;
    const reader = new PackedReader(this.raw as Buffer, this.body);
    while (!reader.done) {
      reader.next();
      const found = reader.is(member);
      const score = reader.double();
      if (found) return score;
    }
    return undefined;
  }

  /** The place of a member that is there. */
  rankOf(member: string, score: number): number {
    const { large } = this;
    if (large !== undefined) return large.index.rankOf(scoreBytes(score) + memberPart(member));
    return lowerBound(this.#unpacked(), { member, score });
  }

  /** The number of elements whose score is below `score`, or with `orEqual` not above it. */
  rankOfScore(score: number, orEqual: boolean): number {
    const { large } = this;
    if (large !== undefined) {
      const bytes = scoreBytes(score);
      return large.index.rankOf(orEqual ? afterPrefix(bytes) : bytes);
    }
    const entries = this.#unpacked();
    const at = entries.findIndex((entry) => (orEqual ? entry.score > score : entry.score >= score));
    return at < 0 ? entries.length : at;
  }

  /** The number of elements whose member is below `member`, or with `orEqual` not above it. All scores are equal. */
  rankOfMember(member: string, orEqual: boolean): number {
    const { large } = this;
    if (large !== undefined) {
      const first = large.index.end(false);
      if (first === undefined) return 0;
      const bound = first.slice(0, SCORE_BYTES) + memberPart(member);
      return large.index.rankOf(orEqual ? `${bound}\0` : bound);
    }
    const entries = this.#unpacked();
    const at = entries.findIndex((entry) => (orEqual ? entry.member > member : entry.member >= member));
    return at < 0 ? entries.length : at;
  }

  /** Visits the elements of the ranks from <= rank < to, from the last when `reverse`. */
  visitRanks(from: number, to: number, reverse: boolean, visit: ScoredVisitor): void {
    if (from >= to) return;
    const { large } = this;
    if (large === undefined) {
      const entries = this.#unpacked();
      for (let step = 0; step < to - from; step += 1) {
        const { member, score } = entries[reverse ? to - 1 - step : from + step] as ScoredMember;
        if (!visit(member, score)) return;
      }
      return;
    }
    let rest = to - from;
    const step = (key: string, data: Buffer): boolean => {
      rest -= 1;
      const more = visit(memberOf(key.slice(1 + SCORE_BYTES), data, 1), scoreOfEntry(key, data));
      return more && rest > 0;
    };
    // The ends need no look into the index.
    if (reverse) {
      const last = to === large.count ? undefined : large.index.at(to);
      large.space.scan(Order.score, last === undefined ? OrderEnd.score : Order.score + last, true, step);
    } else {
      const first = from === 0 ? '' : (large.index.at(from) as string);
      large.space.scan(Order.score + first, OrderEnd.score, false, step);
    }
  }

  at(rank: number): ScoredMember {
    let found: ScoredMember | undefined;
    this.visitRanks(rank, rank + 1, false, (member, score) => {
      found = { member, score };
      return false;
    });
    return found as unknown as ScoredMember;
  }

  /** Visits all, in no order that means anything when large. */
  visit(visit: ScoredVisitor): void {
    if (this.large === undefined) this.visitRanks(0, this.count, false, visit);
    else {
      visitMembers(this.large.space, 0, (suffix, data) =>
        visit(memberOf(partOf(suffix), data, DOUBLE_BYTES), data.readDoubleBE(0)),
      );
    }
  }

  /** Large sorted sets: a step of ZSCAN from a hash on; returns the hash to go on at, 0 at the end. */
  scanFrom(hash: number, count: number, visit: (member: string, score: number) => void): number {
    const { space } = this.large as LargePart;
    return scanMembers(space, hash, count, (suffix, data) =>
      visit(memberOf(partOf(suffix), data, DOUBLE_BYTES), data.readDoubleBE(0)),
    );
  }

  // ---- changing

  /** Sets the score of a member; `before` is what `score` says now. */
  set(member: string, given: number, before: number | undefined): void {
    const { large } = this;
    this.#noteEncoding(member, this.count + (before === undefined ? 1 : 0));
    const score = this.#kept(given);
    if (large !== undefined) this.#setLarge(large, member, score, before);
    else {
      const entries = this.#unpacked();
      if (before !== undefined) entries.splice(lowerBound(entries, { member, score: before }), 1);
      else this.#bytes += packedTextBytes(member) + DOUBLE_BYTES;
      entries.splice(lowerBound(entries, { member, score }), 0, { member, score });
      if (this.isPast(entries.length, this.#bytes)) this.#grow(entries);
    }
  }

  /** A listpack keeps whole numbers as integers, which have no -0. */
  #kept(score: number): number {
    return score === 0 && this.encoding === Encoding.listpack ? 0 : score;
  }

  /** Removes a member that is there with this score. */
  delete(member: string, score: number): void {
    const { large } = this;
    if (large === undefined) {
      const entries = this.#unpacked();
      entries.splice(lowerBound(entries, { member, score }), 1);
      this.#bytes -= packedTextBytes(member) + DOUBLE_BYTES;
      return;
    }
    const suffix = memberSuffix(member);
    const scored = scoreBytes(score) + partOf(suffix);
    const data = large.space.get(Order.member + suffix) as Buffer;
    large.space.delete(Order.member + suffix);
    large.space.delete(Order.score + scored);
    large.bytes -= suffix.length + data.length + scored.length;
    large.index.removed(scored);
  }

  /** Removes the elements of the ranks from <= rank < to. */
  deleteRanks(from: number, to: number): void {
    const kept = this.count - (to - from);
    const gone: ScoredMember[] = [];
    const collect = (list: ScoredMember[]) => (member: string, score: number) => list.push({ member, score }) > 0;
    if (this.isCheaperAnew(kept)) {
      // Less is left than goes: the rest is written anew, and the background removes the old.
      const rest: ScoredMember[] = [];
      this.visitRanks(0, from, false, collect(rest));
      this.visitRanks(to, this.count, false, collect(rest));
      this.#grow(rest);
      return;
    }
    this.visitRanks(from, to, false, collect(gone));
    for (const { member, score } of gone) this.delete(member, score);
  }

  /** Makes these the only elements. Their members differ from each other. */
  replace(entries: readonly ScoredMember[]): void {
    let bytes = 0;
    for (const { member } of entries) {
      bytes += packedTextBytes(member) + DOUBLE_BYTES;
      this.#noteEncoding(member, entries.length);
    }
    const sorted = entries.map(({ member, score }) => ({ member, score: this.#kept(score) })).sort(compare);
    if (this.large !== undefined || this.isPast(sorted.length, bytes)) this.#grow(sorted);
    else {
      this.#entries = sorted;
      this.#bytes = bytes;
    }
  }

  #setLarge(large: LargePart, member: string, score: number, before: number | undefined): void {
    const suffix = memberSuffix(member);
    const part = partOf(suffix);
    if (before !== undefined && before === score) {
      // Equal numbers have one place in the order; -0 and 0 still differ in what they show.
      this.#putBoth(large, member, suffix, score);
      return;
    }
    const scored = scoreBytes(score) + part;
    if (before !== undefined) {
      const old = scoreBytes(before) + part;
      large.space.delete(Order.score + old);
      if (large.index.moved(old, scored)) {
        this.#putBoth(large, member, suffix, score);
        return;
      }
      large.index.removed(old);
    }
    const written = this.#putBoth(large, member, suffix, score);
    if (before === undefined) large.bytes += written;
    large.index.inserted(scored);
  }

  /** Returns the bytes that a new element takes. */
  #putBoth(large: LargePart, member: string, suffix: string, score: number): number {
    const part = partOf(suffix);
    const data = memberTail(member, part, DOUBLE_BYTES);
    data.writeDoubleBE(score, 0);
    large.space.put(Order.member + suffix, data);
    const negative = Object.is(score, -0);
    const tail = negative || part !== member ? memberTail(member, part, 1) : memberTail('', '', 0);
    if (tail.length > 0) tail[0] = negative ? NEGATIVE_ZERO : 0;
    large.space.put(Order.score + scoreBytes(score) + part, tail);
    return suffix.length + data.length + SCORE_BYTES + part.length;
  }

  #grow(entries: readonly ScoredMember[]): void {
    const large = this.restartLarge();
    const keys: string[] = [];
    for (const { member, score } of entries) {
      const suffix = memberSuffix(member);
      large.bytes += this.#putBoth(large, member, suffix, score);
      keys.push(scoreBytes(score) + partOf(suffix));
    }
    large.index.build(keys.sort(byBytes));
    this.#entries = undefined;
  }

  #noteEncoding(member: string, count: number): void {
    const { sortedSetListpackEntries_max, sortedSetListpackValueBytes_max } = this.limits;
    if (count > sortedSetListpackEntries_max || member.length > sortedSetListpackValueBytes_max) {
      this.encoding = Encoding.skiplist;
    }
  }

  #unpacked(): ScoredMember[] {
    if (this.#entries !== undefined) return this.#entries;
    const entries: ScoredMember[] = [];
    const reader = new PackedReader(this.raw as Buffer, this.body);
    this.#bytes = reader.buffer.length - reader.at;
    while (!reader.done) {
      reader.next();
      entries.push({ member: reader.text(), score: reader.double() });
    }
    this.#entries = entries;
    return entries;
  }

  // ---- saving

  protected override packedCount(): number {
    return this.#unpacked().length;
  }

  protected override packedBytes(): number {
    this.#unpacked();
    return this.#bytes;
  }

  protected override writePacked(target: Buffer, position: number): void {
    let at = position;
    for (const { member, score } of this.#unpacked()) at = target.writeDoubleBE(score, putText(target, at, member));
  }
}

function scoreOfEntry(key: string, data: Buffer): number {
  return data.length > 0 && data[0] === NEGATIVE_ZERO ? -0 : scoreOfBytes(key.slice(1, 1 + SCORE_BYTES));
}

export function compare(a: ScoredMember, b: ScoredMember): number {
  if (a.score !== b.score) return a.score < b.score ? -1 : 1;
  return byBytes(a.member, b.member);
}

/** The place of the first that is not below `entry`. */
function lowerBound(entries: readonly ScoredMember[], entry: ScoredMember): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(entries[middle] as ScoredMember, entry) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
