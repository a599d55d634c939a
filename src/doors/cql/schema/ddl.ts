/**
 * Statements on the schema, evaluated on the leader of the metadata group over the catalog's records. A request is the text with the
 * keyspace in use, so that every node parses by its own version what it carries out; the checks and their texts are Cassandra's.
 */
import { type CatalogRecords, CatalogRefusal } from '../../../cluster/catalog/catalog.ts';
import { CqlError, ErrorCode, type ErrorDetail, invalidRequest } from '../errors.ts';
import type { Statement } from '../language/ast.ts';
import { parse } from '../language/parse.ts';
import { CqlSyntaxError } from '../language/syntax-error.ts';
import { dropAbsent } from './ddl-absent.ts';
import { alterTable } from './ddl-alter-table.ts';
import { createIndex, dropIndex, markIndexBuilt } from './ddl-indexes.ts';
import { alterKeyspace, createKeyspace, dropKeyspace } from './ddl-keyspaces.ts';
import { createTable, dropTable, truncateTable } from './ddl-tables.ts';
import { alterType, createType, dropType } from './ddl-types.ts';
import type { SlotRange } from './model.ts';
import { type SweepRecord, sweepKey } from './records.ts';
import type { DdlContext, DdlReply } from './schema-change.ts';
import { withoutSlots } from './slot-ranges.ts';

export type DdlRequest =
  | { readonly type: 'statement'; readonly text: string; readonly keyspace: string | null; readonly uuid: string }
  /** Rows in these slots that were there before the indexes (named by their spaces) are in them now. */
  | { readonly type: 'indexesBuilt'; readonly spaces: readonly number[]; readonly slots: readonly SlotRange[] }
  /** In these slots nothing is left in the spaces, which are nobody's. */
  | { readonly type: 'swept'; readonly spaces: readonly number[]; readonly slots: readonly SlotRange[] };

interface RefusalDetail {
  readonly code: ErrorCode;
  readonly detail: ErrorDetail;
}

/** The handler of the section. */
export function serveSchema(request: unknown, records: CatalogRecords): DdlReply {
  const asked = request as DdlRequest;
  switch (asked.type) {
    case 'statement':
      return carryOut(asked.text, {
        records,
        keyspace: asked.keyspace ?? undefined,
        uuid: asked.uuid.replaceAll('-', '').toLowerCase(),
      });
    case 'indexesBuilt':
      for (const space of asked.spaces) markIndexBuilt(records, space, asked.slots);
      return null;
    case 'swept':
      for (const space of asked.spaces) markSwept(records, space, asked.slots);
      return null;
    default:
      throw new CatalogRefusal('the leader of the metadata group knows no such change of the schema');
  }
}

function carryOut(text: string, context: DdlContext): DdlReply {
  try {
    return evaluate(parse(text).statement, context);
  } catch (error) {
    if (error instanceof CqlSyntaxError) {
      throw new CatalogRefusal(error.message, { code: ErrorCode.syntaxError, detail: {} } satisfies RefusalDetail);
    }
    if (!(error instanceof CqlError)) throw error;
    throw new CatalogRefusal(error.message, { code: error.code, detail: error.detail } satisfies RefusalDetail);
  }
}

function markSwept(records: CatalogRecords, space: number, done: readonly SlotRange[]): void {
  const record = records.get(sweepKey(space)) as SweepRecord | undefined;
  if (record === undefined) return;
  const slots = withoutSlots(record.slots, done);
  if (slots.length === 0) records.delete(sweepKey(space));
  else records.put(sweepKey(space), { space, slots } satisfies SweepRecord);
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
      throw invalidRequest(
        'Materialized views are not supported, because rows of a view would live in other tablets than those of their table; write a second table in the same batch, or use an index',
      );
    case 'createFunction':
    case 'createAggregate':
      throw invalidRequest(
        'User-defined functions and aggregates are not supported, because they are written in Java, which no node runs',
      );
    case 'createTrigger':
      throw invalidRequest('Triggers are not supported, because they are written in Java, which no node runs');
    case 'dropView':
    case 'dropFunction':
    case 'dropAggregate':
    case 'dropTrigger':
      return dropAbsent(statement, context);
    default:
      throw invalidRequest(`${statement.kind} is no statement on the schema`);
  }
}
