/** The tables of the schema by the space of their rows, as this node has applied it. */

import type { TableSource } from '../rows/command-codec.ts';
import type { Index, Schema, Table } from '../schema/model.ts';
import type { SweepRecord } from '../schema/records.ts';

/** What `SchemaRegistry` is to the rows. */
export interface SchemaSource {
  readonly schema: Schema;
  /** Spaces whose rows are to be removed. */
  readonly sweeps: readonly SweepRecord[];
}

export interface TableIndex {
  readonly table: Table;
  readonly index: Index;
}

export class TablesBySpace implements TableSource {
  readonly #source: SchemaSource;
  #schema: Schema | undefined;
  readonly #tables = new Map<number, Table>();
  readonly #indexes = new Map<number, TableIndex>();
  #unbuilt: TableIndex[] = [];

  constructor(source: SchemaSource) {
    this.#source = source;
  }

  get version(): number {
    return this.#source.schema.version;
  }

  get sweeps(): readonly SweepRecord[] {
    return this.#source.sweeps;
  }

  /** Whether rows may be stored anywhere. */
  get hasRows(): boolean {
    this.#refresh();
    return this.#tables.size > 0 || this.sweeps.length > 0;
  }

  /** Indexes that rows which were there before are still to be added to. */
  get unbuilt(): readonly TableIndex[] {
    this.#refresh();
    return this.#unbuilt;
  }

  indexOfSpace(space: number): TableIndex | undefined {
    this.#refresh();
    return this.#indexes.get(space);
  }

  tableOfSpace(space: number): Table | undefined {
    this.#refresh();
    return this.#tables.get(space);
  }

  #refresh(): void {
    const { schema } = this.#source;
    if (schema === this.#schema) return;
    this.#schema = schema;
    this.#tables.clear();
    this.#indexes.clear();
    this.#unbuilt = [];
    for (const keyspace of schema.keyspaces.values()) {
      if (keyspace.kind !== 'user') continue;
      for (const table of keyspace.tables.values()) this.#add(table);
    }
  }

  #add(table: Table): void {
    this.#tables.set(table.space, table);
    for (const index of table.indexes) {
      this.#indexes.set(index.space, { table, index });
      if (!index.isReady) this.#unbuilt.push({ table, index });
    }
  }
}
