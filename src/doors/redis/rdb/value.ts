/**
 * Values as DUMP gives and RESTORE takes them: one value in the RDB format, then u16 version and CRC-64.
 *
 * Written are the plainest forms, which every Redis since 4.0 reads: 0 string, 1 list, 2 set, 4 hash, 5 sorted set. Only a
 * hash with fields that expire needs more, and gets Valkey 9's form 22. Read are these and all that Redis 7.0 and 7.2 write,
 * and ziplists of older ones.
 */
import { crc64 } from './crc64.ts';
import { readIntset, readListpack, readZiplist } from './packed-formats.ts';
import { RdbError } from './rdb-error.ts';
import { RdbReader } from './rdb-reader.ts';

const RDB_VERSION = 9;
/** Valkey 9's, for hashes with fields that expire. */
const RDB_VERSION_FIELDS = 80;
/** Redis 7.4's numbers end here; Valkey's begin at 80. */
const READABLE_VERSIONS_MAX = 12;
const TRAILER_BYTES = 10;
const NEVER = -1n;

export type RdbValue =
  | { readonly type: 'string'; readonly value: Buffer }
  | { readonly type: 'list'; readonly elements: readonly string[] }
  | { readonly type: 'set'; readonly members: ReadonlySet<string> }
  | { readonly type: 'hash'; readonly fields: Map<string, { value: string; expire_ms: number }> }
  | { readonly type: 'sortedSet'; readonly entries: readonly { readonly member: string; readonly score: number }[] };

const Form = {
  string: 0,
  list: 1,
  set: 2,
  sortedSetText: 3,
  hash: 4,
  sortedSet: 5,
  listZiplist: 10,
  setIntset: 11,
  sortedSetZiplist: 12,
  hashZiplist: 13,
  listQuicklist: 14,
  hashListpack: 16,
  sortedSetListpack: 17,
  listQuicklist2: 18,
  setListpack: 20,
  hashWithExpiry: 22,
} as const;

// ---- reading

/** True when version and checksum are right. */
export function isDump(bytes: Buffer): boolean {
  if (bytes.length < TRAILER_BYTES) return false;
  const end = bytes.length - 8;
  const version = bytes.readUInt16LE(end - 2);
  if (version > READABLE_VERSIONS_MAX && version !== RDB_VERSION_FIELDS) return false;
  return bytes.readBigUInt64LE(end) === crc64(bytes.subarray(0, end));
}

/** Reads a dump that `isDump`. Throws `RdbError`. */
export function readDump(bytes: Buffer): RdbValue {
  const end = bytes.length - TRAILER_BYTES;
  const reader = new RdbReader(bytes, end);
  const value = readValue(reader, bytes.readUInt16LE(end));
  if (!reader.done) throw new RdbError('bytes are left over');
  return value;
}

function readValue(reader: RdbReader, version: number): RdbValue {
  const form = reader.byte();
  if (form === Form.string) return { type: 'string', value: reader.blob() };
  if (form === Form.list) return list(strings(reader, reader.count()));
  if (form === Form.listZiplist) return list(readZiplist(reader.blob()));
  if (form === Form.listQuicklist) return list(repeat(reader.count(), () => readZiplist(reader.blob())).flat());
  if (form === Form.listQuicklist2) return list(repeat(reader.count(), () => quicklistNode(reader)).flat());
  if (form === Form.set) return set(strings(reader, reader.count()));
  if (form === Form.setIntset) return set(readIntset(reader.blob()));
  if (form === Form.setListpack) return set(readListpack(reader.blob()));
  if (form === Form.hash) return hash(strings(reader, reader.count() * 2));
  if (form === Form.hashZiplist) return hash(readZiplist(reader.blob()));
  if (form === Form.hashListpack) return hash(readListpack(reader.blob()));
  if (form === Form.hashWithExpiry && version >= RDB_VERSION_FIELDS) return hashWithExpiry(reader);
  if (form === Form.sortedSet) return sortedSet(scored(reader, () => reader.double()));
  if (form === Form.sortedSetText) return sortedSet(scored(reader, () => reader.doubleText()));
  if (form === Form.sortedSetZiplist) return sortedSet(paired(readZiplist(reader.blob())));
  if (form === Form.sortedSetListpack) return sortedSet(paired(readListpack(reader.blob())));
  throw new RdbError('a type that is not supported');
}

function repeat<T>(count: number, read: () => T): T[] {
  const parts: T[] = [];
  for (let index = 0; index < count; index += 1) parts.push(read());
  return parts;
}

function strings(reader: RdbReader, count: number): string[] {
  return repeat(count, () => reader.string());
}

/** A node of one plain element, or of a listpack. */
function quicklistNode(reader: RdbReader): string[] {
  const container = reader.length();
  if (container === 1) return [reader.string()];
  if (container !== 2) throw new RdbError('a list has an unknown kind of node');
  return readListpack(reader.blob());
}

function list(elements: readonly string[]): RdbValue {
  return { type: 'list', elements: notEmpty(elements) };
}

function set(list: readonly string[]): RdbValue {
  const members = new Set(notEmpty(list));
  if (members.size < list.length) throw new RdbError('a member is there twice');
  return { type: 'set', members };
}

function hash(words: readonly string[]): RdbValue {
  if (words.length % 2 !== 0) throw new RdbError('a field has no value');
  const fields = new Map<string, { value: string; expire_ms: number }>();
  for (let at = 0; at < words.length; at += 2) {
    fields.set(words[at] as string, { value: words[at + 1] as string, expire_ms: 0 });
  }
  if (fields.size * 2 < words.length || words.length === 0) throw new RdbError('a field is there twice, or none is');
  return { type: 'hash', fields };
}

function hashWithExpiry(reader: RdbReader): RdbValue {
  const fields = new Map<string, { value: string; expire_ms: number }>();
  const count = reader.count();
  for (let index = 0; index < count; index += 1) {
    const field = reader.string();
    const value = reader.string();
    fields.set(field, { value, expire_ms: Math.max(0, reader.moment()) });
  }
  if (fields.size < count || count === 0) throw new RdbError('a field is there twice, or none is');
  return { type: 'hash', fields };
}

function scored(reader: RdbReader, score: () => number): { member: string; score: number }[] {
  return repeat(reader.count(), () => ({ member: reader.string(), score: score() }));
}

function paired(words: readonly string[]): { member: string; score: number }[] {
  if (words.length % 2 !== 0) throw new RdbError('a member has no score');
  const entries: { member: string; score: number }[] = [];
  for (let at = 0; at < words.length; at += 2) {
    entries.push({ member: words[at] as string, score: scoreOf(words[at + 1] as string) });
  }
  return entries;
}

function scoreOf(text: string): number {
  if (text === 'inf') return Number.POSITIVE_INFINITY;
  if (text === '-inf') return Number.NEGATIVE_INFINITY;
  return text === '' ? Number.NaN : Number(text);
}

function sortedSet(entries: readonly { member: string; score: number }[]): RdbValue {
  if (entries.some(({ score }) => Number.isNaN(score))) throw new RdbError('a score is not a number');
  if (new Set(notEmpty(entries).map(({ member }) => member)).size < entries.length) {
    throw new RdbError('a member is there twice');
  }
  return { type: 'sortedSet', entries };
}

function notEmpty<T>(elements: readonly T[]): readonly T[] {
  if (elements.length === 0) throw new RdbError('a collection is empty');
  return elements;
}

// ---- writing

/** Collects the parts of a dump. */
class DumpWriter {
  readonly #parts: Buffer[] = [];

  byte(value: number): void {
    this.#parts.push(Buffer.from([value]));
  }

  length(value: number): void {
    if (value < 0x40) this.byte(value);
    else if (value < 0x4000) this.#parts.push(Buffer.from([0x40 | (value >>> 8), value & 0xff]));
    else {
      const bytes = Buffer.from([0x80, 0, 0, 0, 0]);
      bytes.writeUInt32BE(value, 1);
      this.#parts.push(bytes);
    }
  }

  blob(bytes: Buffer): void {
    this.length(bytes.length);
    this.#parts.push(bytes);
  }

  text(text: string): void {
    this.blob(Buffer.from(text, 'latin1'));
  }

  double(value: number): void {
    const bytes = Buffer.allocUnsafe(8);
    bytes.writeDoubleLE(value);
    this.#parts.push(bytes);
  }

  moment(value: bigint): void {
    const bytes = Buffer.allocUnsafe(8);
    bytes.writeBigInt64LE(value);
    this.#parts.push(bytes);
  }

  finish(version: number): Buffer {
    const trailer = Buffer.allocUnsafe(TRAILER_BYTES);
    trailer.writeUInt16LE(version, 0);
    const bytes = Buffer.concat([...this.#parts, trailer]);
    bytes.writeBigUInt64LE(crc64(bytes.subarray(0, bytes.length - 8)), bytes.length - 8);
    return bytes;
  }
}

export function writeDump(value: RdbValue): Buffer {
  const writer = new DumpWriter();
  if (value.type === 'string') {
    writer.byte(Form.string);
    writer.blob(value.value);
  } else if (value.type === 'list') {
    writer.byte(Form.list);
    writer.length(value.elements.length);
    for (const element of value.elements) writer.text(element);
  } else if (value.type === 'set') {
    writer.byte(Form.set);
    writer.length(value.members.size);
    for (const member of value.members) writer.text(member);
  } else if (value.type === 'sortedSet') {
    writer.byte(Form.sortedSet);
    writer.length(value.entries.length);
    for (const { member, score } of value.entries) {
      writer.text(member);
      writer.double(score);
    }
  } else return writeHash(writer, value.fields);
  return writer.finish(RDB_VERSION);
}

function writeHash(writer: DumpWriter, fields: ReadonlyMap<string, { value: string; expire_ms: number }>): Buffer {
  const timed = [...fields.values()].some(({ expire_ms }) => expire_ms !== 0);
  writer.byte(timed ? Form.hashWithExpiry : Form.hash);
  writer.length(fields.size);
  for (const [field, { value, expire_ms }] of fields) {
    writer.text(field);
    writer.text(value);
    if (timed) writer.moment(expire_ms === 0 ? NEVER : BigInt(expire_ms));
  }
  return writer.finish(timed ? RDB_VERSION_FIELDS : RDB_VERSION);
}
