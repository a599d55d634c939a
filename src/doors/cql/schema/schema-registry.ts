/**
 * The schema as this node has applied it. After a change of the catalog only what has changed is made anew: everything else stays the
 * same object, so that with hundreds of tables a change costs what it changes.
 */
import type { Catalog } from '../../../cluster/catalog/catalog.ts';
import { serveSchema } from './ddl.ts';
import type { Keyspace, Schema, Table, UserTypeDefinition } from './model.ts';
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
import type { SchemaChange } from './schema-change.ts';
import type { FindsType } from './type-syntax.ts';

/** The records of one keyspace. */
interface KeyspaceRecords {
  keyspace: KeyspaceRecord | undefined;
  readonly tables: Map<string, TableRecord>;
  readonly types: Map<string, TypeRecord>;
}

interface Held {
  readonly records: KeyspaceRecords;
  readonly keyspace: Keyspace;
}

export class SchemaRegistry {
  readonly #catalog: Catalog;
  /** Not stored: the system's. */
  readonly #system: readonly Keyspace[];
  readonly #listeners = new Set<(change: SchemaChange) => void>();
  #held = new Map<string, Held>();
  #sectionVersion = -1;
  #schema: Schema;
  #sweeps: readonly SweepRecord[] = [];

  constructor(catalog: Catalog, system: readonly Keyspace[]) {
    this.#catalog = catalog;
    this.#system = system;
    this.#schema = { version: 0, keyspaces: new Map(system.map((keyspace) => [keyspace.name, keyspace])) };
    catalog.serve(CQL_SECTION, serveSchema);
  }

  /** Another object after every change that statements can see. */
  get schema(): Schema {
    this.#refresh();
    return this.#schema;
  }

  /** Spaces whose keys are to be removed, and where. */
  get sweeps(): readonly SweepRecord[] {
    this.#refresh();
    return this.#sweeps;
  }

  /** Calls `listener` for everything that changes, as events of the protocol say it. Returns what ends that. */
  watch(listener: (change: SchemaChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Begins to follow the catalog. Returns what ends that. */
  follow(): () => void {
    this.#refresh();
    return this.#catalog.watch(CQL_SECTION, () => this.#refresh());
  }

  #refresh(): void {
    const { version, records } = this.#catalog.section(CQL_SECTION);
    if (version === this.#sectionVersion) return;
    const isFirst = this.#sectionVersion < 0;
    this.#sectionVersion = version;
    const { byKeyspace, sweeps } = sorted(records);
    this.#sweeps = sweeps;
    const before = this.#held;
    const held = new Map<string, Held>();
    for (const [name, own] of byKeyspace) {
      const made = keyspaceFrom(own, before.get(name));
      if (made !== undefined) held.set(name, made);
    }
    const isSame = held.size === before.size && [...held].every(([name, made]) => before.get(name) === made);
    this.#held = held;
    if (isSame) return;
    const keyspaces = new Map<string, Keyspace>(this.#system.map((keyspace) => [keyspace.name, keyspace]));
    for (const [name, { keyspace }] of held) keyspaces.set(name, keyspace);
    this.#schema = { version, keyspaces };
    if (isFirst || this.#listeners.size === 0) return;
    for (const change of changesBetween(before, held)) for (const listener of this.#listeners) listener(change);
  }
}

function sorted(records: ReadonlyMap<string, unknown>): {
  byKeyspace: ReadonlyMap<string, KeyspaceRecords>;
  sweeps: readonly SweepRecord[];
} {
  const byKeyspace = new Map<string, KeyspaceRecords>();
  const sweeps: SweepRecord[] = [];
  const of = (name: string): KeyspaceRecords => {
    let own = byKeyspace.get(name);
    if (own === undefined) {
      own = { keyspace: undefined, tables: new Map(), types: new Map() };
      byKeyspace.set(name, own);
    }
    return own;
  };
  for (const [key, record] of records) {
    switch (key.slice(0, key.indexOf('/'))) {
      case 'keyspace':
        of((record as KeyspaceRecord).name).keyspace = record as KeyspaceRecord;
        break;
      case 'type': {
        const type = record as TypeRecord;
        of(type.keyspace).types.set(type.name, type);
        break;
      }
      case 'table': {
        const table = record as TableRecord;
        of(table.keyspace).tables.set(table.name, table);
        break;
      }
      case 'sweep':
        sweeps.push(record as SweepRecord);
        break;
      default:
      // Of a later version, which knows more than keyspaces, types and tables.
    }
  }
  return { byKeyspace, sweeps };
}

/** What was held before, if nothing has changed. */
function keyspaceFrom(records: KeyspaceRecords, before: Held | undefined): Held | undefined {
  const { keyspace: record } = records;
  if (record === undefined) return undefined;
  const sameTypes = before !== undefined && areSame(records.types, before.records.types);
  const sameTables = before !== undefined && areSame(records.tables, before.records.tables);
  if (sameTypes && sameTables && before.records.keyspace === record) return before;
  const types = sameTypes ? before.keyspace.types : typesFrom(records.types);
  const find: FindsType = (_keyspace, name) => types.get(name);
  const tables = new Map<string, Table>();
  for (const [name, table] of records.tables) {
    // The statement that changes a type gives a new version to the tables that use it.
    const isSame = before?.records.tables.get(name) === table;
    tables.set(name, (isSame ? before.keyspace.tables.get(name) : undefined) ?? tableOf(table, find));
  }
  return { records, keyspace: keyspaceOf(record, tables, types) };
}

function typesFrom(records: ReadonlyMap<string, TypeRecord>): ReadonlyMap<string, UserTypeDefinition> {
  const types = new Map<string, UserTypeDefinition>();
  // Types are made from each other, in whatever order their names have.
  const find: FindsType = (_keyspace, name) => {
    const record = records.get(name);
    const made = types.get(name) ?? (record === undefined ? undefined : typeOf(record, find));
    if (made !== undefined) types.set(name, made);
    return made;
  };
  const named = [...records.keys()].map((name): [string, UserTypeDefinition | undefined] => [name, find('', name)]);
  return new Map(named.filter((entry): entry is [string, UserTypeDefinition] => entry[1] !== undefined));
}

function areSame(a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>): boolean {
  if (a.size !== b.size) return false;
  for (const [name, record] of a) if (b.get(name) !== record) return false;
  return true;
}

function* changesBetween(before: ReadonlyMap<string, Held>, after: ReadonlyMap<string, Held>): Generator<SchemaChange> {
  for (const keyspace of before.keys()) {
    if (!after.has(keyspace)) yield { change: 'DROPPED', target: 'KEYSPACE', keyspace, name: '' };
  }
  for (const [keyspace, { records }] of after) {
    const older = before.get(keyspace)?.records;
    if (older === undefined) yield { change: 'CREATED', target: 'KEYSPACE', keyspace, name: '' };
    else if (older.keyspace !== records.keyspace) yield { change: 'UPDATED', target: 'KEYSPACE', keyspace, name: '' };
    yield* changesOf('TYPE', keyspace, older?.types ?? NONE, records.types, () => true);
    yield* changesOf('TABLE', keyspace, older?.tables ?? NONE, records.tables, areSeenToDiffer);
  }
}

const NONE: ReadonlyMap<string, never> = new Map<string, never>();

function* changesOf<Record>(
  target: 'TYPE' | 'TABLE',
  keyspace: string,
  before: ReadonlyMap<string, Record>,
  after: ReadonlyMap<string, Record>,
  differ: (a: Record, b: Record) => boolean,
): Generator<SchemaChange> {
  for (const name of before.keys()) if (!after.has(name)) yield { change: 'DROPPED', target, keyspace, name };
  for (const [name, record] of after) {
    const older = before.get(name);
    if (older === undefined) yield { change: 'CREATED', target, keyspace, name };
    else if (older !== record && differ(older, record)) yield { change: 'UPDATED', target, keyspace, name };
  }
}

/** Spaces and the building of indexes are nothing that clients know of. */
function areSeenToDiffer(a: TableRecord, b: TableRecord): boolean {
  const seen = ({ id, columns, dropped, options, indexes }: TableRecord): string =>
    JSON.stringify([id, columns, dropped, options, indexes.map(({ name, options: own }) => [name, own])]);
  return seen(a) !== seen(b);
}
