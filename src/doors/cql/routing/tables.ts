/** The tables of the schema by the space of their rows, as this node has applied it. */

import type { TableSource } from '../rows/command-codec.ts';
import type { Schema, Table } from '../schema/model.ts';
import type { SweepRecord } from '../schema/records.ts';

/** What `SchemaRegistry` is to the rows. */
export interface SchemaSource {
  readonly schema: Schema;
  /** Spaces whose rows are to be removed. */
  readonly sweeps: readonly SweepRecord[];
}

export class TablesBySpace implements TableSource {
  readonly #source: SchemaSource;
  #schema: Schema | undefined;
  readonly #tables = new Map<number, Table>();

  constructor(source: SchemaSource) {
    this.#source = source;
  }

  get version(): number {
    return this.#source.schema.version;
  }

  get sweeps(): readonly SweepRecord[] {
    return this.#source.sweeps;
  }

  get all(): Iterable<Table> {
    this.#refresh();
    return this.#tables.values();
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
    for (const keyspace of schema.keyspaces.values()) {
      if (keyspace.kind !== 'user') continue;
      for (const table of keyspace.tables.values()) this.#tables.set(table.space, table);
    }
  }
}
