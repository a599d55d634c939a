/**
 * Sets. Packed: (text member)*, integers in their order while all members are integers, otherwise in the order in which
 * they were added. Large: 'd' entries, whose data is empty or a long member.
 */
import { parseInteger } from '../request.ts';
import { ValueType } from '../value.ts';
import { Collection, type CollectionHost, type LargePart } from './collection.ts';
import { memberSuffix, Order } from './element-keys.ts';
import { byBytes, memberOf, memberTail, partOf, scanMembers, visitMembers } from './member-entries.ts';
import { Encoding, PackedReader, packedTextBytes, putText } from './payload.ts';

export class RedisSet extends Collection {
  #members: Set<string> | undefined;
  #bytes = 0;

  constructor(host: CollectionHost, slot: number, key: string, raw: Buffer | undefined) {
    super(host, slot, key, raw, { type: ValueType.set, order: Order.member, encoding: Encoding.intset });
    if (raw === undefined) this.#members = new Set();
  }

  // ---- reading

  get count(): number {
    return this.large === undefined ? this.#unpacked().size : this.large.count;
  }

  has(member: string): boolean {
    if (this.large !== undefined) return this.large.space.get(Order.member + memberSuffix(member)) !== undefined;
    if (this.#members !== undefined) return this.#members.has(member);
    const reader = new PackedReader(this.raw as Buffer, this.body);
    while (!reader.done) {
      reader.next();
      if (reader.is(member)) return true;
    }
    return false;
  }

  visit(visit: (member: string) => boolean): void {
    if (this.large !== undefined) {
      visitMembers(this.large.space, 0, (suffix, data) => visit(memberOf(partOf(suffix), data, 0)));
      return;
    }
    for (const member of this.#unpacked()) if (!visit(member)) return;
  }

  members(): string[] {
    if (this.large === undefined) return [...this.#unpacked()];
    const list: string[] = [];
    this.visit((member) => list.push(member) > 0);
    return list;
  }

  /** Large sets: a step of SSCAN from a hash on; returns the hash to go on at, 0 at the end. */
  scanFrom(hash: number, count: number, visit: (member: string) => void): number {
    const { space } = this.large as LargePart;
    return scanMembers(space, hash, count, (suffix, data) => visit(memberOf(partOf(suffix), data, 0)));
  }

  /** The member at a place in the set's own order, 0 to count - 1. */
  at(rank: number): string {
    const { large } = this;
    if (large === undefined) return [...this.#unpacked()][rank] as string;
    const suffix = large.index.at(rank) as string;
    return memberOf(partOf(suffix), large.space.get(Order.member + suffix) as Buffer, 0);
  }

  // ---- changing

  /** True when it was not there. */
  add(member: string): boolean {
    if (this.large === undefined) {
      const members = this.#unpacked();
      if (members.has(member)) return false;
      members.add(member);
      this.#bytes += packedTextBytes(member);
      this.#noteEncoding(member, members.size);
      if (this.isPast(members.size, this.#bytes)) this.#grow(members);
      return true;
    }
    const { large } = this;
    const suffix = memberSuffix(member);
    const key = Order.member + suffix;
    if (large.space.get(key) !== undefined) return false;
    this.#put(large, member, suffix);
    large.index.inserted(suffix);
    this.#noteEncoding(member, large.count);
    return true;
  }

  /** True when it was there. */
  delete(member: string): boolean {
    const { large } = this;
    if (large === undefined) {
      const was = this.#unpacked().delete(member);
      if (was) this.#bytes -= packedTextBytes(member);
      return was;
    }
    const suffix = memberSuffix(member);
    const key = Order.member + suffix;
    const data = large.space.get(key);
    if (data === undefined) return false;
    large.space.delete(key);
    large.bytes -= suffix.length + data.length;
    large.index.removed(suffix);
    return true;
  }

  /** Makes these the only members. They differ from each other. For new sets, and for SPOP of most members. */
  replace(members: Iterable<string>): void {
    const all = new Set(members);
    let bytes = 0;
    let count = 0;
    if (this.raw === undefined) this.encoding = Encoding.intset;
    for (const member of all) {
      bytes += packedTextBytes(member);
      count += 1;
      this.#noteEncoding(member, count);
    }
    if (this.large !== undefined || this.isPast(all.size, bytes)) this.#grow(all);
    else {
      this.#members = all;
      this.#bytes = bytes;
    }
  }

  #put(large: LargePart, member: string, suffix: string): void {
    const data = memberTail(member, partOf(suffix), 0);
    large.space.put(Order.member + suffix, data);
    large.bytes += suffix.length + data.length;
  }

  #grow(members: Iterable<string>): void {
    const large = this.restartLarge();
    const suffixes: string[] = [];
    for (const member of members) {
      const suffix = memberSuffix(member);
      this.#put(large, member, suffix);
      suffixes.push(suffix);
    }
    large.index.build(suffixes.sort(byBytes));
    this.#members = undefined;
  }

  /** By the rules of Redis 7.2: intset, then listpack while small, then hashtable. */
  #noteEncoding(member: string, count: number): void {
    const { limits } = this;
    if (this.encoding === Encoding.intset) {
      if (isIntegerText(member)) {
        if (count > limits.setIntsetEntries_max) this.encoding = Encoding.hashtable;
        return;
      }
      this.encoding = Encoding.listpack;
    }
    if (count > limits.setListpackEntries_max || member.length > limits.setListpackValueBytes_max) {
      this.encoding = Encoding.hashtable;
    }
  }

  #unpacked(): Set<string> {
    if (this.#members !== undefined) return this.#members;
    const members = new Set<string>();
    const reader = new PackedReader(this.raw as Buffer, this.body);
    this.#bytes = reader.buffer.length - reader.at;
    while (!reader.done) {
      reader.next();
      members.add(reader.text());
    }
    this.#members = members;
    return members;
  }

  // ---- saving

  protected override packedCount(): number {
    return this.#unpacked().size;
  }

  protected override packedBytes(): number {
    this.#unpacked();
    return this.#bytes;
  }

  protected override writePacked(target: Buffer, position: number): void {
    const members = this.#unpacked();
    const ordered = this.encoding === Encoding.intset ? [...members].sort(byNumber) : members;
    let at = position;
    for (const member of ordered) at = putText(target, at, member);
  }
}

/** A 64-bit integer in the one way of writing it. */
export function isIntegerText(text: string): boolean {
  if (text.length === 0 || text.length > 20) return false;
  const bytes = Buffer.from(text, 'latin1');
  return parseInteger(bytes, 0, bytes.length) !== undefined;
}

function byNumber(a: string, b: string): number {
  const difference = Number(a) - Number(b);
  if (difference !== 0) return difference;
  return Number(BigInt(a) - BigInt(b));
}
