/**
 * Statements on the schema, evaluated on the leader of the metadata group over the catalog's records. A request is the text with the
 * keyspace in use, so that every node parses by its own version what it carries out; the checks and their texts are Cassandra's.
 */
import { type CatalogRecords, CatalogRefusal } from '../../../cluster/catalog/catalog.ts';
import { CqlError, ErrorCode, type ErrorDetail, invalidRequest } from '../errors.ts';
import type { Statement } from '../language/ast.ts';
import { parse } from '../language/parse.ts';
import { createIndex, dropIndex, markIndexReady } from './ddl-indexes.ts';
import { alterKeyspace, createKeyspace, dropKeyspace } from './ddl-keyspaces.ts';
import { alterTable, createTable, dropTable, truncateTable } from './ddl-tables.ts';
import { alterType, createType, dropType } from './ddl-types.ts';
import { sweepKey } from './records.ts';

export interface SchemaChange {
  readonly change: 'CREATED' | 'UPDATED' | 'DROPPED';
  readonly target: 'KEYSPACE' | 'TABLE' | 'TYPE';
  readonly keyspace: string;
  /** Empty for a keyspace. */
  readonly name: string;
}

export type DdlRequest =
  | { readonly type: 'statement'; readonly text: string; readonly keyspace: string | null; readonly uuid: string }
  | { readonly type: 'indexReady'; readonly keyspace: string; readonly table: string; readonly index: string }
  | { readonly type: 'swept'; readonly space: number };

/** Null: there was nothing to do, as IF EXISTS and IF NOT EXISTS allow. */
export type DdlReply = SchemaChange | null;

export interface DdlContext {
  readonly records: CatalogRecords;
  readonly keyspace: string | undefined;
  /** A fresh one for what is made. */
  readonly uuid: string;
}

interface RefusalDetail {
  readonly code: ErrorCode;
  readonly detail: ErrorDetail;
}

/** The handler of the section. */
export function serveSchema(request: unknown, records: CatalogRecords): DdlReply {
  const asked = request as DdlRequest;
  try {
    if (asked.type === 'swept') {
      records.delete(sweepKey(asked.space));
      return null;
    }
    if (asked.type === 'indexReady') return markIndexReady(records, asked.keyspace, asked.table, asked.index);
    const context = { records, keyspace: asked.keyspace ?? undefined, uuid: asked.uuid };
    return evaluate(parse(asked.text).statement, context);
  } catch (error) {
    if (!(error instanceof CqlError)) throw error;
    throw new CatalogRefusal(error.message, { code: error.code, detail: error.detail } satisfies RefusalDetail);
  }
}

/** The error that a refusal was made from. */
export function errorOfRefusal(refusal: CatalogRefusal): CqlError {
  const { code = ErrorCode.serverError, detail = {} } = (refusal.detail ?? {}) as Partial<RefusalDetail>;
  return new CqlError(code, refusal.message, detail);
}

export function isDdl(statement: Statement): boolean {
  return DDL.has(statement.kind);
}

const DDL: ReadonlySet<Statement['kind']> = new Set([
  'createKeyspace',
  'alterKeyspace',
  'dropKeyspace',
  'createTable',
  'alterTable',
  'dropTable',
  'truncate',
  'createType',
  'alterType',
  'dropType',
  'createIndex',
  'dropIndex',
  'createView',
  'alterView',
  'dropView',
  'createFunction',
  'createAggregate',
  'dropFunction',
  'dropAggregate',
  'createTrigger',
  'dropTrigger',
]);

function evaluate(statement: Statement, context: DdlContext): DdlReply {
  switch (statement.kind) {
    case 'createKeyspace':
      return createKeyspace(statement, context);
    case 'alterKeyspace':
      return alterKeyspace(statement, context);
    case 'dropKeyspace':
      return dropKeyspace(statement, context);
    case 'createTable':
      return createTable(statement, context);
    case 'alterTable':
      return alterTable(statement, context);
    case 'dropTable':
      return dropTable(statement, context);
    case 'truncate':
      return truncateTable(statement, context);
    case 'createType':
      return createType(statement, context);
    case 'alterType':
      return alterType(statement, context);
    case 'dropType':
      return dropType(statement, context);
    case 'createIndex':
      return createIndex(statement, context);
    case 'dropIndex':
      return dropIndex(statement, context);
    case 'createView':
    case 'alterView':
    case 'dropView':
      throw invalidRequest(
        'Materialized views are not supported, because rows of a view would live in other tablets than those of their table; use a table of your own, or an index',
      );
    case 'createFunction':
    case 'createAggregate':
    case 'dropFunction':
    case 'dropAggregate':
      throw invalidRequest('User-defined functions and aggregates are not supported, because they are written in Java');
    case 'createTrigger':
    case 'dropTrigger':
      throw invalidRequest('Triggers are not supported, because they are written in Java');
    default:
      throw invalidRequest(`${statement.kind} is no statement on the schema`);
  }
}
