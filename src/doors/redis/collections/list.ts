/**
 * Lists. Packed: (text element)*. Large: 'l' entries, position -> element (positions.ts); the counted index turns a place
 * in the list into a position.
 */
import { afterPrefix } from '../key-layout.ts';
import { ValueType } from '../value.ts';
import { Collection, type CollectionHost, type LargePart } from './collection.ts';
import { Order, OrderEnd } from './element-keys.ts';
import { Encoding, PackedReader, packedTextBytes, putText } from './payload.ts';
import {
  FIRST_POSITION,
  POSITION_BYTES_MAX,
  positionAfter,
  positionBefore,
  positionBetween,
  spreadPositions,
  subtreeOf,
} from './positions.ts';

/** The element is buffer[start, end). `reference` names it for `removeAll`. Returns false to end. */
export type ListVisitor = (buffer: Buffer, start: number, end: number, reference: string | number) => boolean;

/** Bytes of a Redis listpack node by class -1 to -5. */
const LISTPACK_BYTES = [4_096, 8_192, 16_384, 32_768, 65_536] as const;
const LISTPACK_HEADER_BYTES = 7;
const LISTPACK_ENTRY_BYTES = 2;

export class RedisList extends Collection {
  #elements: string[] | undefined;
  #bytes = 0;

  constructor(host: CollectionHost, slot: number, key: string, raw: Buffer | undefined) {
    super(host, slot, key, raw, { type: ValueType.list, order: Order.position, encoding: Encoding.listpack });
    if (raw === undefined) this.#elements = [];
  }

  // ---- reading

  get count(): number {
    return this.large === undefined ? this.#unpacked().length : this.large.count;
  }

  /** The element at 0 to count - 1. */
  at(index: number): Buffer {
    let found: Buffer | undefined;
    this.visit(index, false, (buffer, start, end) => {
      found = buffer.subarray(start, end);
      return false;
    });
    return found as unknown as Buffer;
  }

  /** Visits the elements from `index` on to the end, or with `reverse` to the start. */
  visit(index: number, reverse: boolean, visit: ListVisitor): void {
    const { large } = this;
    if (large === undefined) {
      this.#visitPacked(index, reverse, visit);
      return;
    }
    if (index < 0 || index >= large.count) return;
    const step = (key: string, data: Buffer): boolean => visit(data, 0, data.length, key.slice(1));
    // The ends need no look into the index.
    if (reverse) {
      const last = index === large.count - 1 ? undefined : (large.index.at(index) as string);
      large.space.scan(
        Order.position,
        last === undefined ? OrderEnd.position : `${Order.position}${last}\0`,
        true,
        step,
      );
    } else {
      const first = index === 0 ? '' : (large.index.at(index) as string);
      large.space.scan(Order.position + first, OrderEnd.position, false, step);
    }
  }

  #visitPacked(index: number, reverse: boolean, visit: ListVisitor): void {
    if (this.#elements === undefined && !reverse) {
      const reader = new PackedReader(this.raw as Buffer, this.body);
      for (let at = 0; !reader.done; at += 1) {
        reader.next();
        if (at >= index && !visit(reader.buffer, reader.start, reader.end, at)) return;
      }
      return;
    }
    const elements = this.#unpacked();
    for (let at = index; at >= 0 && at < elements.length; at += reverse ? -1 : 1) {
      const bytes = Buffer.from(elements[at] as string, 'latin1');
      if (!visit(bytes, 0, bytes.length, at)) return;
    }
  }

  // ---- changing

  push(value: string, left: boolean): void {
    const { large } = this;
    if (large === undefined) {
      const elements = this.#unpacked();
      if (left) elements.unshift(value);
      else elements.push(value);
      this.#bytes += packedTextBytes(value);
      this.#afterGrowth(elements);
      return;
    }
    const end = large.index.end(!left);
    if (end === undefined) this.#insertAt(large, FIRST_POSITION, value);
    else this.#insertAt(large, left ? positionBefore(end) : positionAfter(end), value);
    this.#noteGrowth();
  }

  /** Removes the element at an end of a list that has one. */
  pop(left: boolean): string {
    const { large } = this;
    let value: string;
    if (large === undefined) {
      const elements = this.#unpacked();
      value = (left ? elements.shift() : elements.pop()) as string;
      this.#bytes -= packedTextBytes(value);
    } else {
      const position = large.index.end(!left) as string;
      value = (large.space.get(Order.position + position) as Buffer).latin1Slice();
      this.#deleteAt(large, position, value.length);
    }
    this.#noteShrinkage();
    return value;
  }

  /** Replaces the element at 0 to count - 1. */
  set(index: number, value: string): void {
    const { large } = this;
    if (large === undefined) {
      const elements = this.#unpacked();
      this.#bytes += packedTextBytes(value) - packedTextBytes(elements[index] as string);
      elements[index] = value;
      this.#afterGrowth(elements);
      return;
    }
    const key = Order.position + (large.index.at(index) as string);
    large.bytes += value.length - (large.space.get(key) as Buffer).length;
    large.space.put(key, Buffer.from(value, 'latin1'));
    this.#noteGrowth();
  }

  /** Inserts beside the first element that is `pivot`. False when there is none. */
  insert(pivot: string, value: string, before: boolean): boolean {
    const { large } = this;
    if (large === undefined) {
      const elements = this.#unpacked();
      const at = elements.indexOf(pivot);
      if (at < 0) return false;
      elements.splice(before ? at : at + 1, 0, value);
      this.#bytes += packedTextBytes(value);
      this.#afterGrowth(elements);
      return true;
    }
    const sought = Buffer.from(pivot, 'latin1');
    let previous = '';
    let found: string | undefined;
    large.space.scan(Order.position, OrderEnd.position, false, (key, data) => {
      if (data.equals(sought)) found = key.slice(1);
      else previous = key.slice(1);
      return found === undefined;
    });
    if (found === undefined) return false;
    if (before) this.#insertBetween(large, previous, found, value);
    else {
      const next = large.space.first(`${Order.position}${found}\0`, OrderEnd.position, false)?.key.slice(1);
      this.#insertBetween(large, found, next, value);
    }
    this.#noteGrowth();
    return true;
  }

  /** Removes the elements that `visit` named. */
  removeAll(references: readonly (string | number)[]): void {
    const { large } = this;
    if (large === undefined) {
      const gone = new Set(references);
      this.#elements = this.#unpacked().filter((element, index) => {
        if (gone.has(index)) this.#bytes -= packedTextBytes(element);
        return !gone.has(index);
      });
    } else {
      for (const position of references as readonly string[]) {
        const data = large.space.get(Order.position + position) as Buffer;
        this.#deleteAt(large, position, data.length);
      }
    }
    this.#noteShrinkage();
  }

  /** Keeps the elements from <= index < to. */
  trim(from: number, to: number): void {
    const { large } = this;
    if (large === undefined) {
      this.#elements = this.#unpacked().slice(from, to);
      this.#bytes = this.#elements.reduce((sum, element) => sum + packedTextBytes(element), 0);
    } else if (this.isCheaperAnew(to - from)) {
      // Less is left than goes: the rest is written anew, and the background removes the old.
      const kept: string[] = [];
      if (to > from) {
        this.visit(from, false, (buffer) => {
          kept.push(buffer.latin1Slice());
          return kept.length < to - from;
        });
      }
      this.#grow(kept);
    } else {
      const gone: string[] = [];
      const collect = (limit: number) => (_buffer: Buffer, _start: number, _end: number, reference: string | number) =>
        gone.push(reference as string) < limit;
      if (from > 0) this.visit(0, false, collect(from));
      if (to < large.count) this.visit(to, false, collect(large.count));
      this.removeAll(gone);
    }
    this.#noteShrinkage();
  }

  /** Makes these the only elements. */
  replace(elements: readonly string[]): void {
    let bytes = 0;
    for (const element of elements) bytes += packedTextBytes(element);
    if (this.large !== undefined || this.isPast(elements.length, bytes)) this.#grow(elements);
    else {
      this.#elements = [...elements];
      this.#bytes = bytes;
    }
    this.#noteGrowth();
  }

  #insertBetween(large: LargePart, low: string, high: string | undefined, value: string): void {
    const position = positionBetween(low, high);
    this.#insertAt(large, position, value);
    if (position.length > POSITION_BYTES_MAX) this.#spread(large, subtreeOf(position));
  }

  /** Writes the positions below a prefix anew, evenly and short: insertions have zigzagged there. */
  #spread(large: LargePart, prefix: string): void {
    const entries: { position: string; data: Buffer }[] = [];
    const lo = `${Order.position}${prefix}\0`;
    large.space.scan(lo, afterPrefix(Order.position + prefix), false, (key, data) => {
      return entries.push({ position: key.slice(1), data }) > 0;
    });
    for (const { position, data } of entries) this.#deleteAt(large, position, data.length);
    for (const [index, position] of spreadPositions(prefix, entries.length).entries()) {
      this.#insertAt(large, position, (entries[index] as { data: Buffer }).data.latin1Slice());
    }
  }

  #insertAt(large: LargePart, position: string, value: string): void {
    large.space.put(Order.position + position, Buffer.from(value, 'latin1'));
    large.bytes += position.length + value.length;
    large.index.inserted(position);
  }

  #deleteAt(large: LargePart, position: string, length: number): void {
    large.space.delete(Order.position + position);
    large.bytes -= position.length + length;
    large.index.removed(position);
  }

  #afterGrowth(elements: readonly string[]): void {
    this.#noteGrowth();
    if (this.isPast(elements.length, this.#bytes)) this.#grow(elements);
  }

  #grow(elements: readonly string[]): void {
    const large = this.restartLarge();
    const positions: string[] = [];
    let position = FIRST_POSITION;
    for (const element of elements) {
      large.space.put(Order.position + position, Buffer.from(element, 'latin1'));
      large.bytes += position.length + element.length;
      positions.push(position);
      position = positionAfter(position);
    }
    large.index.build(positions);
    this.#elements = undefined;
  }

  // ---- what Redis would call it

  /** Bytes of the listpack that Redis would keep, nearly. */
  #listpackBytes(): number {
    const { large } = this;
    const bytes = large === undefined ? this.#bytes : large.bytes - large.count * FIRST_POSITION.length;
    const overhead = large === undefined ? LISTPACK_ENTRY_BYTES - 1 : LISTPACK_ENTRY_BYTES;
    return LISTPACK_HEADER_BYTES + bytes + this.count * overhead;
  }

  #exceedsListpack(share: number): boolean {
    const size = this.limits.listListpackSize;
    if (size >= 0) return this.count > size * share;
    return this.#listpackBytes() > (LISTPACK_BYTES[Math.min(5, -size) - 1] as number) * share;
  }

  #noteGrowth(): void {
    if (this.encoding === Encoding.listpack && this.#exceedsListpack(1)) this.encoding = Encoding.quicklist;
  }

  #noteShrinkage(): void {
    if (this.encoding === Encoding.quicklist && !this.#exceedsListpack(0.5)) this.encoding = Encoding.listpack;
  }

  #unpacked(): string[] {
    if (this.#elements !== undefined) return this.#elements;
    const elements: string[] = [];
    const reader = new PackedReader(this.raw as Buffer, this.body);
    this.#bytes = reader.buffer.length - reader.at;
    while (!reader.done) {
      reader.next();
      elements.push(reader.text());
    }
    this.#elements = elements;
    return elements;
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
    for (const element of this.#unpacked()) at = putText(target, at, element);
  }
}
