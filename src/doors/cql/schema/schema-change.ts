/** What a statement on the schema is given, and what comes of it. */
import type { CatalogRecords } from '../../../cluster/catalog/catalog.ts';

export interface SchemaChange {
  readonly change: 'CREATED' | 'UPDATED' | 'DROPPED';
  readonly target: 'KEYSPACE' | 'TABLE' | 'TYPE';
  readonly keyspace: string;
  /** Empty for a keyspace. */
  readonly name: string;
}

/** Null: there was nothing to do, as IF EXISTS and IF NOT EXISTS allow. */
export type DdlReply = SchemaChange | null;

export interface DdlContext {
  readonly records: CatalogRecords;
  readonly keyspace: string | undefined;
  /** A fresh one for what is made. */
  readonly uuid: string;
}
