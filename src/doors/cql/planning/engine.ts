/** Statements from text to result: the part of the door that connections talk to. */
import { randomBytes, randomUUID } from 'node:crypto';
import { AssertionError } from '../../../base/assert.ts';
import type { Clock } from '../../../base/clock.ts';
import type { Logger } from '../../../base/log.ts';
import type { AccessControl } from '../../../cluster/access/access-control.ts';
import type { Catalog } from '../../../cluster/catalog/catalog.ts';
import type { Router } from '../../../cluster/view.ts';
import { CqlError, ErrorCode, invalidRequest } from '../errors.ts';
import type { Batch, Describe, Statement as Syntax } from '../language/ast.ts';
import { parse } from '../language/parse.ts';
import { CqlSyntaxError } from '../language/syntax-error.ts';
import { type BatchRequest, Consistency, type QueryOptions } from '../protocol/messages.ts';
import { PagedRead } from '../routing/paged-read.ts';
import type { RowServices } from '../routing/row-services.ts';
import { DESCRIPTION_TABLE, describe } from '../schema/describe.ts';
import type { SchemaRegistry } from '../schema/schema-registry.ts';
import type { SystemContext } from '../schema/system/context.ts';
import type { ColumnSpec, Requester, ResultSink, Statement, StatementEngine } from '../session/engine.ts';
import { statementId } from '../session/statements.ts';
import type { FunctionEnvironment } from '../types/function.ts';
import { timeUuidOf } from '../types/time-uuid.ts';
import type { Evaluation, Value } from '../types/value.ts';
import { checkAccess } from './authorization.ts';
import { changeSchema } from './change-schema.ts';
import { type ModificationPlan, planModification } from './modification.ts';
import { PrepareContext } from './prepare-context.ts';
import { ResultWriter } from './result-writer.ts';
import { executeRoleStatement, isRoleStatement } from './roles.ts';
import { type PageSource, SelectExecution } from './select-execution.ts';
import { SelectPlan } from './select-plan.ts';
import { readSystem } from './system-select.ts';
import { batchConditions, batchWrites, conditionsOf, WriteExecution, writesOf } from './write-execution.ts';

export interface EngineOptions {
  readonly router: Router;
  readonly access: AccessControl;
  readonly catalog: Catalog;
  readonly schema: SchemaRegistry;
  readonly rows: RowServices;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What system tables are computed from, as seen by who asks. */
  readonly system: (requester: Requester) => SystemContext;
}

type Plan =
  | { readonly kind: 'select'; readonly select: SelectPlan }
  | { readonly kind: 'modification'; readonly modification: ModificationPlan }
  | { readonly kind: 'batch'; readonly type: Batch['type']; readonly modifications: readonly ModificationPlan[] }
  | { readonly kind: 'other' };

/** A statement with its plan. */
interface Planned extends Statement {
  readonly syntax: Syntax;
  readonly plan: Plan;
  readonly keyspace: string | null;
  readonly markers: readonly (string | undefined)[];
}

export class Engine implements StatementEngine {
  readonly #options: EngineOptions;
  readonly #environment: ClockEnvironment;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#environment = new ClockEnvironment(options.clock);
  }

  get version(): number {
    return this.#options.schema.schema.version;
  }

  prepare(text: string, keyspace: string | null): Planned {
    try {
      return this.#prepare(text, keyspace);
    } catch (error) {
      throw error instanceof CqlSyntaxError ? error : this.#errorOf(error, text);
    }
  }

  #prepare(text: string, keyspace: string | null): Planned {
    const { statement, markers } = parse(text);
    const context = new PrepareContext(this.#options.schema.schema, keyspace, markers);
    const plan = planOf(statement, context);
    return {
      id: statementId(keyspace, text),
      text,
      variables: context.variables(),
      partitionKey: partitionMarkers(plan),
      result: plan.kind === 'select' ? plan.select.selection.columns : null,
      syntax: statement,
      plan,
      keyspace,
      markers,
    };
  }

  execute(statement: Statement, options: QueryOptions, requester: Requester, sink: ResultSink): void {
    try {
      this.#execute(statement as Planned, options, requester, sink);
    } catch (error) {
      sink.error(this.#errorOf(error, (statement as Planned).text));
    }
  }

  executeBatch(statements: readonly Statement[], batch: BatchRequest, requester: Requester, sink: ResultSink): void {
    try {
      checkTime(batch);
      const parts = (statements as readonly Planned[]).map((statement, i) => {
        if (statement.plan.kind !== 'modification')
          throw invalidRequest('Invalid statement in batch: only UPDATE, INSERT and DELETE statements are allowed.');
        const values = batch.entries[i]?.values ?? [];
        checkCount(statement, values.length);
        checkAccess(this.#options.access, requester, statement.syntax, statement.keyspace);
        return { modification: statement.plan.modification, at: this.#evaluation(values) };
      });
      checkWriteConsistency(batch, parts);
      this.#write(batch.type, parts, sink);
    } catch (error) {
      sink.error(this.#errorOf(error, 'BATCH'));
    }
  }

  /**
   * A plan belongs to one statement, so a defect that shows in it harms nobody else: the client is told, and the node goes on, for the
   * next node would meet the same statement next. Broken rules of what is shared are assertions, and end the node as everywhere.
   */
  #errorOf(error: unknown, text: string): CqlError {
    if (error instanceof CqlError) return error;
    if (error instanceof AssertionError) throw error;
    // Without its texts, which may be passwords.
    const statement = text.slice(0, 1_000).replaceAll(/'[^']*('|$)|\$\$.*/gs, '...');
    this.#options.logger.error({ err: error, statement }, 'a statement met a defect of Folkmoot');
    return new CqlError(
      ErrorCode.serverError,
      'The statement met a defect of Folkmoot, which is in the log of this node; whether it was executed is not known',
    );
  }

  #execute(statement: Planned, options: QueryOptions, requester: Requester, sink: ResultSink): void {
    const { plan, syntax } = statement;
    checkAccess(this.#options.access, requester, syntax, statement.keyspace);
    checkTime(options);
    const values = valuesOf(statement, options);
    const at = this.#evaluation(values);
    switch (plan.kind) {
      case 'select':
        checkReadConsistency(options.consistency);
        this.#select(plan.select, at, options, requester, sink);
        return;
      case 'modification':
        checkWriteConsistency(options, [plan]);
        this.#modify(plan.modification, at, sink);
        return;
      case 'batch': {
        const parts = plan.modifications.map((modification) => ({ modification, at }));
        checkWriteConsistency(options, parts);
        this.#write(plan.type, parts, sink);
        return;
      }
      case 'other':
        this.#other(statement, requester, sink);
    }
  }

  #select(
    plan: SelectPlan,
    at: Evaluation,
    { pageSize, pagingState }: QueryOptions,
    requester: Requester,
    sink: ResultSink,
  ): void {
    const { rows, router, system, clock } = this.#options;
    const warning = plan.warning;
    if (warning !== undefined) sink.warn(warning);
    const source: PageSource = plan.table.isSystem
      ? (reads, from, limit, owner) => owner.pageDone(readSystem(reads, from, limit, system(requester)))
      : (reads, from, limit, owner) => new PagedRead(rows, reads, from, limit, owner).start();
    const key = router.view().clusterId;
    new SelectExecution(source, plan, at, { pageSize, pagingState, key, clock }, sink).start();
  }

  #modify(plan: ModificationPlan, at: Evaluation, sink: ResultSink): void {
    const planned = plan.mutations(at);
    if (planned.length === 0) {
      sink.done();
      return;
    }
    new WriteExecution(sink, conditionsOf(planned)).start(this.#options.rows, writesOf(planned));
  }

  #write(
    type: Batch['type'],
    parts: readonly { modification: ModificationPlan; at: Evaluation }[],
    sink: ResultSink,
  ): void {
    for (const { modification } of parts) {
      const { isCounter } = modification.table;
      if (isCounter && type === 'logged') throw invalidRequest('Cannot include a counter statement in a logged batch');
      if (isCounter !== (type === 'counter') && type === 'counter')
        throw invalidRequest('Cannot include non-counter statement in a counter batch');
    }
    if (
      parts.some(({ modification }) => modification.table.isCounter) &&
      parts.some(({ modification }) => !modification.table.isCounter)
    ) {
      throw invalidRequest('Counter and non-counter mutations cannot exist in the same batch');
    }
    const planned = parts.flatMap(({ modification, at }) => modification.mutations(at));
    if (planned.length === 0) {
      sink.done();
      return;
    }
    const { slots } = this.#options.rows;
    const writes = batchWrites(planned, (slot) => slots.firstSlot(slot));
    const execution = new WriteExecution(sink, batchConditions(planned));
    if (type === 'logged') execution.startLogged(this.#options.rows, writes);
    else execution.start(this.#options.rows, writes);
  }

  #other(statement: Planned, requester: Requester, sink: ResultSink): void {
    const { syntax, text, keyspace } = statement;
    if (syntax.kind === 'use') {
      if (!this.#options.schema.schema.keyspaces.has(syntax.keyspace))
        throw invalidRequest(`Keyspace '${syntax.keyspace}' does not exist`);
      sink.keyspace(syntax.keyspace);
    } else if (syntax.kind === 'describe') this.#describe(syntax, requester, keyspace, sink);
    else if (isRoleStatement(syntax))
      executeRoleStatement(syntax, this.#options.access, this.#options.schema.schema, requester, keyspace, sink);
    else changeSchema(this.#options, { syntax, text, keyspace }, requester.user, sink);
  }

  #describe(syntax: Describe, requester: Requester, keyspace: string | null, sink: ResultSink): void {
    const { view, schema, clusterName } = this.#options.system(requester);
    const { columns, rows } = describe(syntax, { schema, keyspace: keyspace ?? undefined, clusterName, view });
    const writer = new ResultWriter();
    for (const row of rows) writer.row(row);
    const specs: ColumnSpec[] = columns.map(({ name, type }) => ({ ...DESCRIPTION_TABLE, name, type }));
    sink.rows(specs, writer.rowCount, writer.take(), null);
  }

  #evaluation(bound: readonly Value[]): Evaluation {
    return { bound, environment: this.#environment.begin() };
  }
}

function planOf(statement: Syntax, context: PrepareContext): Plan {
  switch (statement.kind) {
    case 'select':
      return { kind: 'select', select: new SelectPlan(statement, context) };
    case 'insert':
    case 'insertJson':
    case 'update':
    case 'delete':
      return { kind: 'modification', modification: planModification(statement, context) };
    case 'batch': {
      checkBatch(statement);
      const modifications = statement.statements.map((own) => {
        if (own.using.timestamp !== undefined && statement.using.timestamp !== undefined) {
          throw invalidRequest('Timestamp must be set either on BATCH or individual statements');
        }
        return planModification(
          { ...own, using: { ...own.using, timestamp: own.using.timestamp ?? statement.using.timestamp } },
          context,
        );
      });
      return { kind: 'batch', type: statement.type, modifications };
    }
    default:
      return { kind: 'other' };
  }
}

function checkBatch({ using, type, statements }: Batch): void {
  if (using.ttl !== undefined) throw invalidRequest('Global TTL on the BATCH statement is not supported.');
  if (using.timestamp === undefined) return;
  if (type === 'counter') throw invalidRequest('Cannot provide custom timestamp for counter BATCH');
  if (statements.some(({ conditions }) => conditions !== undefined))
    throw invalidRequest('Cannot provide custom timestamp for conditional BATCH');
}

/** The last of a batch whose statements are all of one table, as Cassandra has it; else nobody knows where it goes. */
function routedModification(modifications: readonly ModificationPlan[]): ModificationPlan | undefined {
  const last = modifications.at(-1);
  return modifications.every(({ table }) => table === last?.table) ? last : undefined;
}

/** Which markers are the columns of the partition key, for drivers that route by it. */
function partitionMarkers(plan: Plan): number[] {
  const source =
    plan.kind === 'select'
      ? plan.select.where
      : plan.kind === 'modification'
        ? plan.modification
        : plan.kind === 'batch'
          ? routedModification(plan.modifications)
          : undefined;
  if (source === undefined) return [];
  const markers: number[] = [];
  for (const column of source.table.partitionKey) {
    const value = source.partitionValue(column);
    if (value === undefined || !('index' in value)) return [];
    markers.push(value.index as number);
  }
  return markers;
}

function valuesOf(statement: Planned, { values, names }: QueryOptions): readonly Value[] {
  if (names === null) {
    checkCount(statement, values.length);
    return values;
  }
  return statement.variables.map(({ name }) => {
    const at = names.indexOf(name);
    if (at < 0) throw invalidRequest(`Missing value for bind variable ${name}`);
    return values[at] as Value;
  });
}

function checkCount({ variables }: Statement, count: number): void {
  if (count === variables.length) return;
  // No values at all are those of a statement that was not prepared.
  if (count === 0) throw invalidRequest('Invalid amount of bind variables');
  throw invalidRequest(`there were ${variables.length} markers(?) in CQL but ${count} bound variables`);
}

function checkReadConsistency(consistency: number): void {
  if (consistency === Consistency.ANY) throw invalidRequest('ANY ConsistencyLevel is only supported for writes');
  if (consistency === Consistency.EACH_QUORUM) return;
  checkKnown(consistency);
}

function checkWriteConsistency(
  { consistency, serialConsistency }: Pick<QueryOptions, 'consistency' | 'serialConsistency'>,
  parts: readonly { readonly modification: ModificationPlan }[],
): void {
  const isConditional = parts.some(({ modification }) => modification.conditions !== null);
  if (isSerial(consistency)) {
    throw invalidRequest(
      isConditional
        ? `${consistency === Consistency.SERIAL ? '' : 'LOCAL_'}SERIAL is not supported as conditional update commit consistency. Use ANY if you mean "make sure it is accepted but I don't care how many replicas commit it for non-SERIAL reads"`
        : 'You must use conditional updates for serializable writes',
    );
  }
  checkKnown(consistency);
  if (isConditional && !isSerial(serialConsistency)) {
    throw invalidRequest('Invalid consistency for conditional update. Must be one of SERIAL or LOCAL_SERIAL');
  }
}

function isSerial(consistency: number): boolean {
  return consistency === Consistency.SERIAL || consistency === Consistency.LOCAL_SERIAL;
}

/** What has expired is removed for good by the tablets' own clock, so that no statement can be carried out at another time. */
function checkTime({ nowInSeconds }: Pick<QueryOptions, 'nowInSeconds'>): void {
  if (nowInSeconds !== null) throw invalidRequest('now_in_seconds is not supported: the time is that of the server');
}

function checkKnown(consistency: number): void {
  if (consistency > Consistency.LOCAL_ONE)
    throw new CqlError(ErrorCode.protocolError, `Unknown code ${consistency} for a consistency level`);
}

/** Time and uuids of functions: one moment for each execution, and uuids in the order in which they are made. */
class ClockEnvironment implements FunctionEnvironment {
  readonly #clock: Clock;
  readonly #rest = randomBytes(8);
  #lastTicks = 0n;
  now_ms = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    // A uuid whose node is no address of a network card says so in its first bit (RFC 9562, section 6.10).
    this.#rest[0] = ((this.#rest[0] as number) & 0x3f) | 0x80;
    this.#rest[2] = (this.#rest[2] as number) | 1;
  }

  begin(): this {
    this.now_ms = Math.floor(this.#clock.wall_ms());
    return this;
  }

  timeUuid(): Buffer {
    const ticks = BigInt(this.now_ms) * 10_000n;
    this.#lastTicks = ticks > this.#lastTicks ? ticks : this.#lastTicks + 1n;
    return timeUuidOf(this.#lastTicks, this.#rest);
  }

  randomUuid(): Buffer {
    return Buffer.from(randomUUID().replaceAll('-', ''), 'hex');
  }
}
