/** A catalog of one node, in memory: the same records and rules as the cluster's, without the cluster. */
import { MemoryStore } from '../../storage/memory-store.test-support.ts';
import type { Transaction } from '../../tablet/operation.ts';
import { type Catalog, type CatalogHandler, CatalogRefusal, type CatalogSection } from './catalog.ts';
import { readVersion, scanRecords, TransactionRecords } from './catalog-store.ts';

export class MemoryCatalog implements Catalog {
  now_ms = 1_700_000_000_000;
  readonly #store = new MemoryStore();
  readonly #handlers = new Map<string, CatalogHandler>();
  readonly #sections = new Map<string, CatalogSection>();
  readonly #listeners = new Map<string, Set<() => void>>();

  section(name: string): CatalogSection {
    const transaction = this.#transaction();
    const version = readVersion(transaction, name);
    const held = this.#sections.get(name);
    if (held?.version === version) return held;
    const records = new Map<string, unknown>();
    scanRecords(transaction, name, '', (key, value) => {
      const text = value.toString('utf8');
      const before = held?.records.get(key);
      // As in the cluster's: a record that has not changed stays the same object.
      records.set(key, before !== undefined && JSON.stringify(before) === text ? before : JSON.parse(text));
    });
    const section = { version, records };
    this.#sections.set(name, section);
    return section;
  }

  watch(name: string, listener: () => void): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  serve(name: string, handler: CatalogHandler): void {
    this.#handlers.set(name, handler);
  }

  async change(name: string, request: unknown): Promise<unknown> {
    const handler = this.#handlers.get(name);
    if (handler === undefined) throw new CatalogRefusal(`nobody serves ${name}`);
    const records = new TransactionRecords(this.#transaction(), name);
    // As over the network: what arrives is a copy.
    const reply = handler(JSON.parse(JSON.stringify(request)), records);
    const before = this.section(name).version;
    if (records.commit() !== before) for (const listener of this.#listeners.get(name) ?? []) listener();
    return reply ?? null;
  }

  async catchUp(): Promise<boolean> {
    return true;
  }

  #transaction(): Transaction {
    const store = this.#store;
    return {
      now_ms: this.now_ms,
      term: 1,
      sequence: 1,
      get: (key) => store.get(key),
      put: (key, value) => store.apply([], [[key, value]]),
      delete: (key) => store.apply([], [[key, null]]),
      deleteRange: (lo, hi) => store.apply([{ lo, hi }], []),
      scan: (lo, hi, reverse, visit) => store.scan(lo, hi, reverse, visit),
      count: (lo, hi) => store.count(lo, hi),
      keyAt: (lo, hi, index) => store.keyAt(lo, hi, index),
    };
  }
}
