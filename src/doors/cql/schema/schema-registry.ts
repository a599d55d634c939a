/** The schema as this node has applied it. Made anew after each change of the catalog, only as far as something has changed. */
import type { Catalog } from '../../../cluster/catalog/catalog.ts';
import { type SchemaChange, serveSchema } from './ddl.ts';
import { findTable, type Keyspace, type Schema, type Table, type UserTypeDefinition } from './model.ts';
import {
  CQL_SECTION,
  type KeyspaceRecord,
  keyspaceOf,
  type SweepRecord,
  type TableRecord,
  type TypeRecord,
  tableOf,
  typeOf,
} from './records.ts';
import type { FindsType } from './type-syntax.ts';

export class SchemaRegistry {
  readonly #catalog: Catalog;
  /** Not stored: the system's. */
  readonly #virtual: readonly Keyspace[];
  readonly #listeners = new Set<(change: SchemaChange) => void>();
  readonly #tables = new Map<unknown, Table>();
  #schema: Schema;
  #sweeps: readonly number[] = [];
  #records: ReadonlyMap<string, unknown> = new Map();

  constructor(catalog: Catalog, virtual: readonly Keyspace[]) {
    this.#catalog = catalog;
    this.#virtual = virtual;
    this.#schema = { version: -1, keyspaces: new Map() };
    catalog.serve(CQL_SECTION, serveSchema);
  }

  get schema(): Schema {
    const section = this.#catalog.section(CQL_SECTION);
    if (section.version !== this.#schema.version) this.#load(section.version, section.records);
    return this.#schema;
  }

  /** Spaces whose rows are to be removed. */
  get sweeps(): readonly number[] {
    return this.schema.version >= 0 ? this.#sweeps : [];
  }

  /** Calls `listener` for everything that changes. Returns what ends that. */
  watch(listener: (change: SchemaChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Begins to follow the catalog. Returns what ends that. */
  follow(): () => void {
    return this.#catalog.watch(CQL_SECTION, () => void this.schema);
  }

  #load(version: number, records: ReadonlyMap<string, unknown>): void {
    const before = this.#schema;
    const changedTypes = this.#changedTypes(records);
    const typesOf = new Map<string, Map<string, UserTypeDefinition>>();
    const find: FindsType = (keyspace, name) => {
      const record = records.get(`type/${keyspace}/${name}`) as TypeRecord | undefined;
      return record === undefined ? undefined : typeOf(record, find);
    };
    const tablesOf = new Map<string, Map<string, Table>>();
    const keyspaces = new Map<string, Keyspace>(this.#virtual.map((keyspace) => [keyspace.name, keyspace]));
    const sweeps: number[] = [];
    const known = new Map<unknown, Table>();
    for (const [key, record] of records) {
      if (key.startsWith('type/')) {
        const definition = typeOf(record as TypeRecord, find);
        into(typesOf, definition.keyspace, definition.name, definition);
      } else if (key.startsWith('table/')) {
        const table = (changedTypes ? undefined : this.#tables.get(record)) ?? tableOf(record as TableRecord, find);
        known.set(record, table);
        into(tablesOf, table.keyspace, table.name, table);
      } else if (key.startsWith('sweep/')) sweeps.push((record as SweepRecord).space);
    }
    for (const [key, record] of records) {
      if (!key.startsWith('keyspace/')) continue;
      const { name } = record as KeyspaceRecord;
      keyspaces.set(
        name,
        keyspaceOf(record as KeyspaceRecord, tablesOf.get(name) ?? new Map(), typesOf.get(name) ?? new Map()),
      );
    }
    this.#tables.clear();
    for (const [record, table] of known) this.#tables.set(record, table);
    this.#sweeps = sweeps;
    const recordsBefore = this.#records;
    this.#records = records;
    this.#schema = { version, keyspaces };
    if (before.version >= 0) this.#tell(before, recordsBefore, records);
  }

  #changedTypes(records: ReadonlyMap<string, unknown>): boolean {
    for (const [key, record] of records) {
      if (key.startsWith('type/') && this.#records.get(key) !== record) return true;
    }
    return false;
  }

  #tell(before: Schema, old: ReadonlyMap<string, unknown>, records: ReadonlyMap<string, unknown>): void {
    if (this.#listeners.size === 0) return;
    for (const [key, record] of records) {
      if (!old.has(key)) this.#announce('CREATED', key);
      else if (old.get(key) !== record && !this.#isOnlyIndexState(before, key)) this.#announce('UPDATED', key);
    }
    for (const key of old.keys()) if (!records.has(key)) this.#announce('DROPPED', key);
  }

  /** An index that is ready changes nothing that clients know. */
  #isOnlyIndexState(before: Schema, key: string): boolean {
    const [kind, keyspace = '', name = ''] = key.split('/');
    if (kind !== 'table') return false;
    const older = findTable(before, keyspace, name);
    const newer = findTable(this.#schema, keyspace, name);
    if (older === undefined || newer === undefined) return false;
    const withoutState = ({ indexes, version: _version, ...table }: Table): string =>
      JSON.stringify([table.columns, table.options, table.dropped, indexes.map(({ name: index }) => index)]);
    return withoutState(older) === withoutState(newer);
  }

  #announce(change: SchemaChange['change'], key: string): void {
    const [kind, keyspace = '', name = ''] = key.split('/');
    const target = kind === 'keyspace' ? 'KEYSPACE' : kind === 'table' ? 'TABLE' : kind === 'type' ? 'TYPE' : undefined;
    if (target === undefined) return;
    for (const listener of this.#listeners) listener({ change, target, keyspace, name });
  }
}

function into<T>(maps: Map<string, Map<string, T>>, outer: string, inner: string, value: T): void {
  const map = maps.get(outer) ?? new Map<string, T>();
  maps.set(outer, map);
  map.set(inner, value);
}
