/**
 * Hashes. Packed: (text field, text value[, expire_ms u64])*, in the order in which fields were added; the moments only
 * with ValueFlag.fieldsExpire. Large: 'd' entries (hash-fields.ts).
 *
 * A field whose time has come is not there for any reader. In a small hash the next write drops it; in a large one the
 * background does (trash.ts), and counts and picks leave it out until then.
 */
import { hasFlag, ValueFlag, ValueType } from '../value.ts';
import { Collection, type CollectionHost, type LargePart } from './collection.ts';
import { memberSuffix, Order } from './element-keys.ts';
import {
  endMoment,
  expiryElement,
  type FieldData,
  fieldOf,
  packField,
  unpackField,
  visitExpired,
} from './hash-fields.ts';
import { byBytes, scanMembers, visitMembers } from './member-entries.ts';
import { Encoding, PackedReader, packedTextBytes, putText, writeMoment } from './payload.ts';

/** Bytes of a buffer that is not to be changed. */
export interface Slice {
  readonly buffer: Buffer;
  readonly start: number;
  readonly end: number;
}

export interface Field {
  value: string;
  expire_ms: number;
}

/** Returns false to end. */
export type FieldVisitor = (field: string, value: Slice, expire_ms: number) => boolean;

const MOMENT_BYTES = 8;
const PICK_ATTEMPTS = 20;

export class RedisHash extends Collection {
  #fields: Map<string, Field> | undefined;
  #bytes = 0;
  /** Known while no field's moment has changed. */
  #next_ms: number | undefined;

  constructor(host: CollectionHost, slot: number, key: string, raw: Buffer | undefined) {
    super(host, slot, key, raw, { type: ValueType.hash, order: Order.member, encoding: Encoding.listpack });
    if (raw === undefined) this.#fields = new Map();
  }

  get #now_ms(): number {
    return this.keyspace.now_ms;
  }

  #isAlive(expire_ms: number): boolean {
    return expire_ms === 0 || expire_ms > this.#now_ms;
  }

  // ---- reading

  /** Number of fields that are there. */
  get count(): number {
    const { large } = this;
    if (large === undefined) {
      let count = 0;
      this.visit(() => {
        count += 1;
        return true;
      });
      return count;
    }
    if (large.expiring === 0) return large.count;
    let expired = 0;
    visitExpired(large.space, this.#now_ms, () => {
      expired += 1;
      return true;
    });
    return large.count - expired;
  }

  /** The field's value and moment; undefined when it is not there. */
  find(field: string): { value: Slice; expire_ms: number } | undefined {
    if (this.large !== undefined) {
      const data = this.large.space.get(Order.member + memberSuffix(field));
      if (data === undefined) return undefined;
      const { expire_ms, valueAt } = unpackField(data);
      if (!this.#isAlive(expire_ms)) return undefined;
      return { value: { buffer: data, start: valueAt, end: data.length }, expire_ms };
    }
    let found: { value: Slice; expire_ms: number } | undefined;
    if (this.#fields !== undefined) {
      const entry = this.#fields.get(field);
      return entry === undefined ? undefined : { value: sliceOf(entry.value), expire_ms: entry.expire_ms };
    }
    this.#visitPacked(
      (reader) => reader.is(field),
      (_field, value, expire_ms) => {
        found = { value, expire_ms };
        return false;
      },
    );
    return found;
  }

  get(field: string): string | undefined {
    const found = this.find(field);
    return found === undefined ? undefined : found.value.buffer.latin1Slice(found.value.start, found.value.end);
  }

  has(field: string): boolean {
    return this.find(field) !== undefined;
  }

  /** Visits the fields that are there. */
  visit(visit: FieldVisitor): void {
    if (this.large !== undefined) {
      visitMembers(this.large.space, 0, (suffix, data) => {
        const { expire_ms, valueAt } = unpackField(data);
        if (!this.#isAlive(expire_ms)) return true;
        return visit(fieldOf(suffix, data), { buffer: data, start: valueAt, end: data.length }, expire_ms);
      });
    } else if (this.#fields === undefined) this.#visitPacked(() => true, visit);
    else {
      for (const [field, { value, expire_ms }] of this.#fields) {
        if (!visit(field, sliceOf(value), expire_ms)) return;
      }
    }
  }

  #visitPacked(wanted: (field: PackedReader) => boolean, visit: FieldVisitor): void {
    const raw = this.raw as Buffer;
    const timed = hasFlag(raw, ValueFlag.fieldsExpire);
    const reader = new PackedReader(raw, this.body);
    while (!reader.done) {
      reader.next();
      const field = wanted(reader) ? reader.text() : undefined;
      reader.next();
      const value = field === undefined ? undefined : { buffer: raw, start: reader.start, end: reader.end };
      const expire_ms = timed ? reader.moment() : 0;
      if (field === undefined || value === undefined || !this.#isAlive(expire_ms)) continue;
      if (!visit(field, value, expire_ms)) return;
    }
  }

  /** Large hashes: a step of HSCAN from a hash on; returns the hash to go on at, 0 at the end. */
  scanFrom(hash: number, count: number, visit: (field: string, value: Slice) => void): number {
    return scanMembers((this.large as LargePart).space, hash, count, (suffix, data) => {
      const { expire_ms, valueAt } = unpackField(data);
      if (this.#isAlive(expire_ms)) visit(fieldOf(suffix, data), { buffer: data, start: valueAt, end: data.length });
    });
  }

  /** Some field, each as likely as any other; `below(n)` draws from 0 to n - 1. undefined when all have expired. */
  pick(below: (bound: number) => number): { field: string; value: Slice } | undefined {
    const { large } = this;
    // Fields that have expired are drawn as well, and drawn again; when most have, the rest is counted out.
    for (let attempt = 0; large !== undefined && attempt < PICK_ATTEMPTS; attempt += 1) {
      const suffix = large.index.at(below(large.count)) as string;
      const data = large.space.get(Order.member + suffix) as Buffer;
      const { expire_ms, valueAt } = unpackField(data);
      if (!this.#isAlive(expire_ms)) continue;
      return { field: fieldOf(suffix, data), value: { buffer: data, start: valueAt, end: data.length } };
    }
    let rest = below(Math.max(1, this.count));
    let found: { field: string; value: Slice } | undefined;
    this.visit((field, value) => {
      if (rest === 0) found = { field, value };
      rest -= 1;
      return found === undefined;
    });
    return found;
  }

  // ---- changing

  /** Sets a field; `expire_ms` 0: for ever. True when it was not there. */
  set(field: string, value: string, expire_ms: number): boolean {
    this.#noteEncoding(field, value);
    if (this.large !== undefined) return this.#setLarge(this.large, field, value, expire_ms);
    const fields = this.#unpacked();
    const before = fields.get(field);
    if (before === undefined) this.#bytes += packedTextBytes(field);
    else this.#bytes -= packedTextBytes(before.value);
    this.#bytes += packedTextBytes(value);
    fields.set(field, { value, expire_ms });
    this.#next_ms = undefined;
    if (fields.size > this.limits.hashListpackEntries_max) this.encoding = Encoding.hashtable;
    if (this.isPast(fields.size, this.#bytes)) this.#grow(fields);
    return before === undefined;
  }

  /** Sets all fields of a new hash. */
  replace(fields: Map<string, Field>): void {
    let bytes = 0;
    for (const [field, { value }] of fields) {
      this.#noteEncoding(field, value);
      bytes += packedTextBytes(field) + packedTextBytes(value);
    }
    this.#next_ms = undefined;
    if (fields.size > this.limits.hashListpackEntries_max) this.encoding = Encoding.hashtable;
    if (this.isPast(fields.size, bytes)) this.#grow(fields);
    else {
      this.#fields = fields;
      this.#bytes = bytes;
    }
  }

  /** Removes a field. True when it was there. */
  delete(field: string): boolean {
    const { large } = this;
    if (large === undefined) {
      const fields = this.#unpacked();
      const before = fields.get(field);
      if (before === undefined) return false;
      this.#bytes -= packedTextBytes(field) + packedTextBytes(before.value);
      this.#next_ms = undefined;
      return fields.delete(field);
    }
    const suffix = memberSuffix(field);
    const data = large.space.get(Order.member + suffix);
    if (data === undefined) return false;
    const { expire_ms } = unpackField(data);
    this.#deleteLarge(suffix, data, expire_ms);
    return this.#isAlive(expire_ms);
  }

  /** Removes up to `limit` fields of a large hash whose time has come; of a small one all. The number removed. */
  removeExpired(limit: number): number {
    const { large } = this;
    if (large === undefined) {
      let before = 0;
      const reader = new PackedReader(this.raw as Buffer, this.body);
      const timed = hasFlag(this.raw as Buffer, ValueFlag.fieldsExpire);
      for (; !reader.done; before += 1) {
        reader.next();
        reader.next();
        if (timed) reader.moment();
      }
      return before - this.#unpacked().size;
    }
    const suffixes: string[] = [];
    visitExpired(large.space, this.#now_ms, (suffix) => suffixes.push(suffix) < limit);
    for (const suffix of suffixes) {
      const data = large.space.get(Order.member + suffix) as Buffer;
      this.#deleteLarge(suffix, data, unpackField(data).expire_ms);
    }
    return suffixes.length;
  }

  #setLarge(large: LargePart, field: string, value: string, expire_ms: number): boolean {
    const suffix = memberSuffix(field);
    const key = Order.member + suffix;
    const before = large.space.get(key);
    const data = packField(field, suffix, value, expire_ms);
    large.space.put(key, data);
    if (before === undefined) {
      large.bytes += suffix.length + data.length;
      this.#changeMoment(suffix, 0, expire_ms);
      large.index.inserted(suffix);
      if (large.count > this.limits.hashListpackEntries_max) this.encoding = Encoding.hashtable;
      return true;
    }
    const old: FieldData = unpackField(before);
    large.bytes += data.length - before.length;
    this.#changeMoment(suffix, old.expire_ms, expire_ms);
    return !this.#isAlive(old.expire_ms);
  }

  #deleteLarge(suffix: string, data: Buffer, expire_ms: number): void {
    const large = this.large as LargePart;
    large.space.delete(Order.member + suffix);
    large.bytes -= suffix.length + data.length;
    this.#changeMoment(suffix, expire_ms, 0);
    large.index.removed(suffix);
  }

  #changeMoment(suffix: string, before_ms: number, after_ms: number): void {
    const large = this.large as LargePart;
    if (before_ms === after_ms) return;
    this.#next_ms = undefined;
    if (before_ms !== 0) {
      large.space.delete(expiryElement(before_ms, suffix));
      large.expiring -= 1;
    }
    if (after_ms !== 0) {
      large.space.put(expiryElement(after_ms, suffix), Buffer.alloc(0));
      large.expiring += 1;
    }
  }

  #noteEncoding(field: string, value: string): void {
    const limit = this.limits.hashListpackValueBytes_max;
    if (field.length > limit || value.length > limit) this.encoding = Encoding.hashtable;
  }

  /** The fields of a small hash, ready to be changed: those that have expired are gone. */
  #unpacked(): Map<string, Field> {
    if (this.#fields !== undefined) return this.#fields;
    const fields = new Map<string, Field>();
    this.#visitPacked(
      () => true,
      (field, value, expire_ms) => {
        const text = value.buffer.latin1Slice(value.start, value.end);
        fields.set(field, { value: text, expire_ms });
        this.#bytes += packedTextBytes(field) + packedTextBytes(text);
        return true;
      },
    );
    this.#fields = fields;
    return fields;
  }

  #grow(fields: Map<string, Field>): void {
    const large = this.startLarge();
    const suffixes: string[] = [];
    for (const [field, { value, expire_ms }] of fields) {
      const suffix = memberSuffix(field);
      const data = packField(field, suffix, value, expire_ms);
      large.space.put(Order.member + suffix, data);
      large.bytes += suffix.length + data.length;
      this.#changeMoment(suffix, 0, expire_ms);
      suffixes.push(suffix);
    }
    large.index.build(suffixes.sort(byBytes));
    this.#fields = undefined;
  }

  // ---- saving

  protected override nextExpiry_ms(): number {
    if (this.#next_ms === undefined) this.#next_ms = this.#findNext();
    return this.#next_ms;
  }

  #findNext(): number {
    const { large } = this;
    if (large !== undefined) return large.expiring === 0 ? 0 : endMoment(large.space, false);
    let next_ms = 0;
    for (const { expire_ms } of this.#unpacked().values()) {
      if (expire_ms !== 0 && (next_ms === 0 || expire_ms < next_ms)) next_ms = expire_ms;
    }
    return next_ms;
  }

  protected override packedCount(): number {
    return this.#unpacked().size;
  }

  protected override packedBytes(): number {
    const fields = this.#unpacked();
    return this.#bytes + (this.nextExpiry_ms() === 0 ? 0 : fields.size * MOMENT_BYTES);
  }

  protected override writePacked(target: Buffer, position: number): void {
    const timed = this.nextExpiry_ms() !== 0;
    let at = position;
    for (const [field, { value, expire_ms }] of this.#unpacked()) {
      at = putText(target, putText(target, at, field), value);
      if (timed) at = writeMoment(target, at, expire_ms);
    }
  }
}

function sliceOf(text: string): Slice {
  const buffer = Buffer.from(text, 'latin1');
  return { buffer, start: 0, end: buffer.length };
}
