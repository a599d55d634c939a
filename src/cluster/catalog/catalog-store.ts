/**
 * How the catalog lies in the metadata group: JSON records by section and key, and for each section a version that goes up with
 * every change of it.
 *
 * Keys in space fffffff0, after the group's own: 'z' section 00 'v' the version | 'z' section 00 'i' counter: the id that it
 * gave out last | 'z' section 00 'r' key: a record.
 */
import { assert } from '../../base/assert.ts';
import type { ByteKey } from '../../storage/ordered-store.ts';
import type { Transaction } from '../../tablet/operation.ts';
import { METADATA_SPACE } from '../metadata.ts';

/** What a handler of the catalog's owner may do, inside one transaction. Records are JSON values and are not changed in place. */
export interface CatalogRecords {
  /** The leader's wall clock, milliseconds since 1970. */
  readonly now_ms: number;
  /** The version that the section has once this transaction, if it changes anything, is committed. */
  readonly nextVersion: number;
  /** Undefined when there is no such record. */
  get(key: string): unknown;
  put(key: string, record: unknown): void;
  delete(key: string): void;
  /** In order of the keys' UTF-8 bytes. */
  entries(prefix?: string): [key: string, record: unknown][];
  /** 1, then 2, ...: each id once, whatever becomes of the record that it was given to. */
  nextId(counter: string): number;
}

const SECTION_NAME = /^[a-z][a-z-]{0,31}$/;
/** A catalog key that fits a key of the store with everything before it. */
const CATALOG_KEY_BYTES_MAX = 1_024;

/** Changes are kept back until `commit`, since a transaction of a tablet knows no way back and a handler may refuse at its end. */
export class TransactionRecords implements CatalogRecords {
  readonly #transaction: Transaction;
  readonly #section: string;
  readonly #version: number;
  /** By key; undefined deletes. */
  readonly #changes = new Map<string, unknown>();
  readonly #counters = new Map<string, number>();

  constructor(transaction: Transaction, section: string) {
    this.#transaction = transaction;
    this.#section = section;
    this.#version = readVersion(transaction, section);
  }

  get now_ms(): number {
    return this.#transaction.now_ms;
  }

  get nextVersion(): number {
    return this.#version + 1;
  }

  get(key: string): unknown {
    if (this.#changes.has(key)) return this.#changes.get(key);
    const value = this.#transaction.get(recordKey(this.#section, key));
    return value === undefined ? undefined : parse(value);
  }

  put(key: string, record: unknown): void {
    assert(record !== undefined, 'a record is a JSON value');
    this.#changes.set(key, record);
  }

  delete(key: string): void {
    this.#changes.set(key, undefined);
  }

  entries(prefix = ''): [string, unknown][] {
    const merged = new Map<string, unknown>();
    scanRecords(this.#transaction, this.#section, prefix, (key, value) => merged.set(key, parse(value)));
    for (const [key, record] of this.#changes) {
      if (!key.startsWith(prefix)) continue;
      if (record === undefined) merged.delete(key);
      else merged.set(key, record);
    }
    return [...merged].sort(([a], [b]) => (toByteKey(a) < toByteKey(b) ? -1 : 1));
  }

  nextId(counter: string): number {
    const id = (this.#counters.get(counter) ?? this.#lastId(counter)) + 1;
    this.#counters.set(counter, id);
    return id;
  }

  /** Writes what has changed. Returns the version of what a reader of this transaction sees from now on. */
  commit(): number {
    for (const [counter, id] of this.#counters) this.#transaction.put(this.#counterKey(counter), toBytes(id));
    if (this.#changes.size === 0) return this.#version;
    for (const [key, record] of this.#changes) {
      const place = recordKey(this.#section, key);
      if (record === undefined) this.#transaction.delete(place);
      else this.#transaction.put(place, toBytes(record));
    }
    this.#transaction.put(`${sectionPrefix(this.#section)}v`, toBytes(this.nextVersion));
    return this.nextVersion;
  }

  #lastId(counter: string): number {
    const last = this.#transaction.get(this.#counterKey(counter));
    return last === undefined ? 0 : (parse(last) as number);
  }

  #counterKey(counter: string): ByteKey {
    return `${sectionPrefix(this.#section)}i${toByteKey(counter)}`;
  }
}

/** 0 for a section that nobody has written to. */
export function readVersion(transaction: Transaction, section: string): number {
  const value = transaction.get(`${sectionPrefix(section)}v`);
  return value === undefined ? 0 : (parse(value) as number);
}

/** Visits the records whose keys begin with `prefix`, undecoded: the bytes belong to the visitor. */
export function scanRecords(
  transaction: Transaction,
  section: string,
  prefix: string,
  visit: (key: string, value: Buffer) => void,
): void {
  const start = `${sectionPrefix(section)}r`;
  const lo = start + toByteKey(prefix);
  // No byte of UTF-8 is ff.
  transaction.scan(lo, `${lo}\xff`, false, (key, value) => {
    visit(Buffer.from(key.slice(start.length), 'latin1').toString('utf8'), value);
    return true;
  });
}

function recordKey(section: string, key: string): ByteKey {
  const bytes = toByteKey(key);
  assert(bytes.length > 0 && bytes.length <= CATALOG_KEY_BYTES_MAX, 'a catalog key is empty or too long');
  return `${sectionPrefix(section)}r${bytes}`;
}

function sectionPrefix(section: string): ByteKey {
  assert(SECTION_NAME.test(section), 'a section of the catalog has a short name in lower case');
  return `${METADATA_SPACE}z${section}\x00`;
}

function toByteKey(text: string): ByteKey {
  return Buffer.from(text, 'utf8').toString('latin1');
}

function parse(value: Buffer): unknown {
  return JSON.parse(value.toString('utf8'));
}

function toBytes(record: unknown): Buffer {
  return Buffer.from(JSON.stringify(record), 'utf8');
}
