/**
 * Statements on the schema. The leader of the metadata group carries them out; they are answered when every live node can use what they have
 * made. An index over rows that were there before is built in the background: that is waited for too, within reason.
 */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../../base/clock.ts';
import type { AccessControl } from '../../../cluster/access/access-control.ts';
import { type Catalog, CatalogRefusal, CatalogUnknown } from '../../../cluster/catalog/catalog.ts';
import type { Router } from '../../../cluster/view.ts';
import { CqlError, ErrorCode, invalidRequest } from '../errors.ts';
import type { Statement as Syntax } from '../language/ast.ts';
import { type DdlRequest, errorOfRefusal } from '../schema/ddl.ts';
import { findTable } from '../schema/model.ts';
import { CQL_SECTION } from '../schema/records.ts';
import { replicationWarning } from '../schema/replication.ts';
import type { DdlReply } from '../schema/schema-change.ts';
import type { SchemaRegistry } from '../schema/schema-registry.ts';
import type { ResultSink } from '../session/engine.ts';
import { followChange } from './resource-permissions.ts';

export interface SchemaChangeOptions {
  readonly access: AccessControl;
  readonly router: Pick<Router, 'view'>;
  readonly catalog: Catalog;
  readonly schema: SchemaRegistry;
  readonly clock: Clock;
}

/** Drivers give up after ten seconds or twelve. */
const INDEX_PATIENCE_MS = 5_000;
/** Changes nothing, and like every change is answered when all live nodes have applied those before it. */
const NOTHING: DdlRequest = { type: 'swept', spaces: [], slots: [] };

/** A statement on the schema is known to every node for as long as what it has made. */
const TEXT_LENGTH_MAX = 1_048_576;

export interface SchemaStatement {
  readonly syntax: Syntax;
  readonly text: string;
  /** The one in use. */
  readonly keyspace: string | null;
}

/** `user`: who asks; empty when nobody has to say. Never throws. */
export function changeSchema(
  options: SchemaChangeOptions,
  statement: SchemaStatement,
  user: string,
  sink: ResultSink,
): void {
  carryOut(options, statement, user, sink).then(
    (change) => {
      if (change === null) sink.done();
      else sink.schemaChange(change);
    },
    (error: unknown) => sink.error(schemaError(error)),
  );
}

async function carryOut(
  options: SchemaChangeOptions,
  { syntax, text, keyspace }: SchemaStatement,
  user: string,
  sink: ResultSink,
): Promise<DdlReply> {
  if (text.length > TEXT_LENGTH_MAX) {
    throw invalidRequest(`A statement on the schema has at most ${TEXT_LENGTH_MAX} characters`);
  }
  const request: DdlRequest = { type: 'statement', text, keyspace, uuid: randomUUID() };
  const change = (await options.catalog.change(CQL_SECTION, request)) as DdlReply;
  if (change === null) return null;
  // The schema is changed by now: what goes wrong here must not look as if it were not.
  await followChange(options.access, user, change).catch((error: unknown) =>
    sink.warn(`Permissions could not be changed with it: ${error instanceof Error ? error.message : String(error)}`),
  );
  if (syntax.kind === 'createKeyspace' || syntax.kind === 'alterKeyspace')
    warnOfReplication(options, change.keyspace, sink);
  if (syntax.kind === 'createIndex') {
    if (await isIndexBuilt(options, change.keyspace, change.name)) await options.catalog.change(CQL_SECTION, NOTHING);
    else sink.warn('The index is still being built; statements use it from the moment on when it is ready');
  }
  return change;
}

function warnOfReplication({ router, schema }: SchemaChangeOptions, name: string, sink: ResultSink): void {
  const keyspace = schema.schema.keyspaces.get(name);
  const factor = router.view().tablets[0]?.replicas.length;
  const warning =
    keyspace === undefined || factor === undefined ? undefined : replicationWarning(name, keyspace, factor);
  if (warning !== undefined) sink.warn(warning);
}

/** False when it takes longer than anybody would wait. */
function isIndexBuilt(
  { catalog, schema, clock }: SchemaChangeOptions,
  keyspace: string,
  name: string,
): Promise<boolean> {
  const isBuilt = (): boolean =>
    findTable(schema.schema, keyspace, name)?.indexes.every(({ isReady }) => isReady) ?? true;
  if (isBuilt()) return Promise.resolve(true);
  return new Promise((resolve) => {
    const finish = (built: boolean): void => {
      unwatch();
      timer.cancel();
      resolve(built);
    };
    const unwatch = catalog.watch(CQL_SECTION, () => {
      if (isBuilt()) finish(true);
    });
    const timer = clock.after(INDEX_PATIENCE_MS, () => finish(false));
  });
}

function schemaError(error: unknown): CqlError {
  if (error instanceof CqlError) return error;
  if (error instanceof CatalogRefusal) return errorOfRefusal(error);
  const text = error instanceof Error ? error.message : String(error);
  if (error instanceof CatalogUnknown) {
    return new CqlError(ErrorCode.writeTimeout, `The change of the schema may or may not have happened: ${text}`, {
      writeType: 'SIMPLE',
    });
  }
  return new CqlError(ErrorCode.unavailable, text);
}
