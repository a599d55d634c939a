/** INSERT, UPDATE and DELETE, planned once: at each execution the mutations of the partitions that they name. */
import { invalidRequest } from '../errors.ts';
import type { Delete, Insert, InsertJson, Modification, Update, Using } from '../language/ast.ts';
import type { Conditions, RowChange, RowMutation, Slice, Upsert } from '../rows/commands.ts';
import { clusteringKey, type PartitionPlace, partitionPlace } from '../rows/layout.ts';
import { Projection } from '../rows/projection.ts';
import type { Column, Table } from '../schema/model.ts';
import { Native } from '../types/data-type.ts';
import type { Evaluable, Evaluation } from '../types/value.ts';
import {
  assignmentOperation,
  type ColumnOperation,
  deletionOperation,
  type RowValues,
  setOperation,
} from './assignments.ts';
import { columnOf } from './column-of.ts';
import { keyValue, stampOf, ttlOf } from './column-values.ts';
import { ConditionPlan } from './conditions.ts';
import { insertJsonPlan } from './insert-json.ts';
import type { PrepareContext } from './prepare-context.ts';
import { Where } from './where/where.ts';

/** One mutation with the conditions under which it is done. */
export interface PlannedMutation {
  readonly mutation: RowMutation;
  readonly place: PartitionPlace;
  readonly conditions: Conditions | null;
}

export abstract class ModificationPlan {
  readonly table: Table;
  readonly conditions: ConditionPlan | null;
  /** What is shown when conditions do not hold. */
  readonly shown: Projection | null;
  protected readonly stamp: Evaluable | null;
  protected readonly ttl: Evaluable | null;

  constructor(table: Table, conditions: ConditionPlan | null, using: Using, context: PrepareContext) {
    if (table.isSystem) throw invalidRequest(`${table.keyspace} keyspace is not user-modifiable.`);
    this.table = table;
    this.conditions = conditions;
    this.stamp =
      using.timestamp === undefined ? null : context.valueFor(using.timestamp, table, '[timestamp]', Native.bigint);
    this.ttl = using.ttl === undefined ? null : context.valueFor(using.ttl, table, '[ttl]', Native.int);
    if (conditions !== null && this.stamp !== null)
      throw invalidRequest('Cannot provide custom timestamp for conditional updates');
    if (table.isCounter && this.stamp !== null)
      throw invalidRequest('Cannot provide custom timestamp for counter updates');
    if (table.isCounter && this.ttl !== null) throw invalidRequest('Cannot provide custom TTL for counter updates');
    this.shown = conditions === null ? null : Projection.ofColumns(shownColumns(table, conditions));
  }

  /** Markers that are the whole partition key, by themselves. */
  abstract partitionValue(column: Column): Evaluable | undefined;

  abstract mutations(at: Evaluation): PlannedMutation[];

  /** What the row, with its clustering or null for the static one, has to be. */
  protected conditionsOn(place: PartitionPlace, clustering: string | null, at: Evaluation): Conditions | null {
    const { conditions, shown, table } = this;
    if (conditions === null || shown === null) return null;
    const row = {
      clustering: conditions.isStatic ? null : clustering,
      existence: conditions.existence,
      predicates: conditions.predicates(at),
    };
    return { table, partition: place.prefix, rows: [row], projection: shown };
  }

  protected planned(
    place: PartitionPlace,
    changes: readonly RowChange[],
    clustering: string | null,
    at: Evaluation,
  ): PlannedMutation {
    const mutation: RowMutation = { table: this.table, partition: place.prefix, changes };
    return { mutation, place, conditions: this.conditionsOn(place, clustering, at) };
  }
}

/** IF NOT EXISTS shows the row that is there, IF EXISTS nothing, conditions what they look at. */
function shownColumns(table: Table, { existence, columns }: ConditionPlan): readonly Column[] {
  if (existence === 'notExists') return table.columns;
  if (existence === 'exists') return [];
  return columns;
}

export function planModification(statement: Modification, context: PrepareContext): ModificationPlan {
  const table = context.table(statement.table);
  switch (statement.kind) {
    case 'insert':
      return new InsertPlan(table, statement, context);
    case 'insertJson':
      return planInsertJson(table, statement, context);
    case 'update':
      return new UpdatePlan(table, statement, context);
    case 'delete':
      return new DeletePlan(table, statement, context);
  }
}

function planInsertJson(table: Table, statement: InsertJson, context: PrepareContext): ModificationPlan {
  const values = insertJsonPlan(table, statement, context);
  return new InsertPlan(table, { ...statement, kind: 'insert', columns: [], values: [] }, context, values);
}

/** Changes of one row, by the operations of a statement. */
class RowChanges {
  readonly #operations: readonly ColumnOperation[];
  readonly #marker: boolean;

  constructor(operations: readonly ColumnOperation[], marker: boolean) {
    this.#operations = operations;
    this.#marker = marker;
  }

  upserts(clustering: string | null, at: Evaluation, ttl_s: number, stamp: number | bigint | null): Upsert[] {
    const statics: RowValues = { cells: new Map(), collections: [] };
    const regulars: RowValues = { cells: new Map(), collections: [] };
    for (const operation of this.#operations)
      operation.apply(at, operation.column.kind === 'static' ? statics : regulars);
    const upserts: Upsert[] = [];
    if (!isEmpty(statics)) upserts.push(upsert(null, false, statics, ttl_s, stamp));
    if (clustering !== null && (this.#marker || !isEmpty(regulars)))
      upserts.push(upsert(clustering, this.#marker, regulars, ttl_s, stamp));
    return upserts;
  }
}

function isEmpty({ cells, collections }: RowValues): boolean {
  return cells.size === 0 && collections.length === 0;
}

function upsert(
  clustering: string | null,
  marker: boolean,
  { cells, collections }: RowValues,
  ttl_s: number,
  stamp: number | bigint | null,
): Upsert {
  const columns = [...cells.keys()].sort((a, b) => a.id - b.id);
  return {
    kind: 'upsert',
    clustering,
    marker,
    columns,
    values: columns.map((column) => cells.get(column)),
    collections,
    ttl_s,
    stamp,
  };
}

class InsertPlan extends ModificationPlan {
  readonly #partition: readonly Evaluable[];
  readonly #clustering: readonly Evaluable[] | null;
  readonly #changes: RowChanges;

  constructor(
    table: Table,
    statement: Insert,
    context: PrepareContext,
    ready?: ReadonlyMap<Column, ColumnOperation | Evaluable>,
  ) {
    super(table, ConditionPlan.of(statement.conditions, table, context), statement.using, context);
    if (table.isCounter)
      throw invalidRequest('INSERT statements are not allowed on counter tables, use UPDATE instead');
    const keys = new Map<Column, Evaluable>();
    const operations: ColumnOperation[] = [];
    if (ready === undefined) takeColumns(table, statement, context, keys, operations);
    else for (const [column, value] of ready) 'apply' in value ? operations.push(value) : keys.set(column, value);
    this.#partition = table.partitionKey.map((column) => keys.get(column) ?? missing(table.partitionKey, keys));
    const given = table.clustering.filter((column) => keys.has(column));
    const isStaticOnly =
      given.length === 0 &&
      table.clustering.length > 0 &&
      operations.length > 0 &&
      operations.every(({ column }) => column.kind === 'static');
    this.#clustering = isStaticOnly
      ? null
      : table.clustering.map((column) => keys.get(column) ?? missing(table.clustering, keys));
    this.#changes = new RowChanges(operations, !isStaticOnly);
  }

  override partitionValue(column: Column): Evaluable | undefined {
    return this.#partition[column.position];
  }

  override mutations(at: Evaluation): PlannedMutation[] {
    const { table } = this;
    const place = partitionPlace(
      table,
      this.#partition.map((value, i) => keyValue(table.partitionKey[i] as Column, value, at)),
    );
    const clustering =
      this.#clustering === null
        ? null
        : clusteringKey(
            table,
            this.#clustering.map((value, i) => keyValue(table.clustering[i] as Column, value, at)),
          );
    const changes = this.#changes.upserts(
      clustering,
      at,
      ttlOf(this.ttl, table.defaultTtl_s, at),
      stampOf(this.stamp, at),
    );
    return [this.planned(place, changes, clustering, at)];
  }
}

function takeColumns(
  table: Table,
  statement: Insert,
  context: PrepareContext,
  keys: Map<Column, Evaluable>,
  operations: ColumnOperation[],
): void {
  if (statement.columns.length !== statement.values.length) throw invalidRequest('Unmatched column names/values');
  const seen = new Set<string>();
  for (const [i, name] of statement.columns.entries()) {
    const column = columnOf(table, name);
    if (seen.has(name)) throw invalidRequest(`The column names contains duplicates`);
    seen.add(name);
    const term = statement.values[i];
    if (term === undefined) continue;
    if (column.kind === 'partition_key' || column.kind === 'clustering')
      keys.set(column, context.valueFor(term, table, name, column.type));
    else operations.push(setOperation(column, term, table, context));
  }
}

function missing(columns: readonly Column[], keys: ReadonlyMap<Column, unknown>): never {
  const names = columns.filter((column) => !keys.has(column)).map(({ name }) => name);
  const what = columns[0]?.kind === 'partition_key' ? 'partition' : 'clustering';
  throw invalidRequest(`Some ${what} key${what === 'partition' ? ' parts' : 's'} are missing: ${names.join(', ')}`);
}

/** UPDATE and DELETE name rows by WHERE. */
abstract class WherePlan extends ModificationPlan {
  protected readonly where: Where;
  readonly #kind: 'update' | 'delete';

  constructor(table: Table, statement: Update | Delete, context: PrepareContext) {
    super(table, ConditionPlan.of(statement.conditions, table, context), statement.using, context);
    this.where = new Where(table, statement.where, context, { kind: statement.kind, allowFiltering: false });
    this.#kind = statement.kind;
    if (this.conditions !== null && this.where.hasPartitionIn) {
      throw invalidRequest(
        `IN on the partition key is not supported with conditional ${statement.kind === 'update' ? 'updates' : 'deletions'}`,
      );
    }
  }

  override partitionValue(column: Column): Evaluable | undefined {
    return this.where.partitionValue(column);
  }

  protected refuseConditionalIn(): void {
    if (this.conditions === null || !this.where.hasClusteringIn) return;
    throw invalidRequest(
      `IN on the clustering key columns is not supported with conditional ${this.#kind === 'update' ? 'updates' : 'deletions'}`,
    );
  }

  /** Operations and conditions are on static columns, which no row has to be named for. */
  protected isStaticOnly(operations: readonly ColumnOperation[]): boolean {
    const isStatic =
      operations.length > 0 &&
      operations.every(({ column }) => column.kind === 'static') &&
      (this.conditions === null || this.conditions.columns.every(({ kind }) => kind === 'static'));
    if (isStatic && !this.where.isWholePartition) {
      throw invalidRequest(
        `Invalid restrictions on clustering columns since the ${this.#kind.toUpperCase()} statement modifies only static columns`,
      );
    }
    return isStatic;
  }

  protected places(at: Evaluation): { places: PartitionPlace[]; slices: readonly Slice[] | null } {
    const { partitions, slices } = this.where.evaluate(at);
    return { places: (partitions ?? []).map((values) => partitionPlace(this.table, values)), slices };
  }
}

class UpdatePlan extends WherePlan {
  readonly #changes: RowChanges;
  readonly #isStatic: boolean;

  constructor(table: Table, statement: Update, context: PrepareContext) {
    super(table, statement, context);
    const operations = statement.assignments.map((assignment) => assignmentOperation(assignment, table, context));
    if (
      table.isCounter !==
      operations.some(({ column }) => column.type.kind === 'native' && column.type.name === 'counter')
    ) {
      throw invalidRequest('Cannot mix counter and non counter columns');
    }
    this.#changes = new RowChanges(operations, false);
    this.#isStatic = this.isStaticOnly(operations);
    if (!this.#isStatic && !this.where.isSingleRows) {
      const missing = table.clustering.filter((column) => !this.where.isNamed(column));
      throw invalidRequest(`Some clustering keys are missing: ${missing.map(({ name }) => name).join(', ')}`);
    }
    this.refuseConditionalIn();
  }

  override mutations(at: Evaluation): PlannedMutation[] {
    const { table } = this;
    const rows = this.#isStatic ? [null] : this.where.rowValues(at).map((values) => clusteringKey(table, values));
    const ttl_s = ttlOf(this.ttl, table.defaultTtl_s, at);
    const stamp = stampOf(this.stamp, at);
    return this.places(at).places.map((place) => {
      const changes = rows.flatMap((clustering) => this.#changes.upserts(clustering, at, ttl_s, stamp));
      return this.planned(place, changes, rows[0] ?? null, at);
    });
  }
}

class DeletePlan extends WherePlan {
  readonly #changes: RowChanges | null;
  readonly #onlyStatics: boolean;

  constructor(table: Table, statement: Delete, context: PrepareContext) {
    super(table, statement, context);
    const operations = statement.deletions.map((deletion) => deletionOperation(deletion, table, context));
    this.#changes = operations.length === 0 ? null : new RowChanges(operations, false);
    this.#onlyStatics = this.isStaticOnly(operations);
    const isOnStatics = operations.length > 0 && operations.every(({ column }) => column.kind === 'static');
    if (isOnStatics && !this.#onlyStatics && !this.where.isSingleRows) {
      throw invalidRequest(
        'DELETE statements must restrict all PRIMARY KEY columns with equality relations in order to use IF condition on non static columns',
      );
    }
    if (this.#changes !== null && !this.#onlyStatics && !this.where.isSingleRows) {
      throw invalidRequest(`Range deletions are not supported for specific columns`);
    }
    if (this.conditions !== null && !this.where.isSingleRows && !this.#onlyStatics) {
      throw invalidRequest(
        'DELETE statements must restrict all PRIMARY KEY columns with equality relations in order to delete non static columns',
      );
    }
    this.refuseConditionalIn();
  }

  override mutations(at: Evaluation): PlannedMutation[] {
    const { table } = this;
    const stamp = stampOf(this.stamp, at);
    const { places, slices } = this.places(at);
    const changes = this.#changes === null ? deletions(slices, stamp) : this.#upserts(at, stamp);
    const row = this.where.isSingleRows ? clusteringKey(table, this.where.rowValues(at)[0] ?? []) : null;
    return places.map((place) => this.planned(place, changes, row, at));
  }

  #upserts(at: Evaluation, stamp: number | bigint | null): RowChange[] {
    const changes = this.#changes as RowChanges;
    if (this.#onlyStatics) return changes.upserts(null, at, 0, stamp);
    return this.where
      .rowValues(at)
      .flatMap((values) => changes.upserts(clusteringKey(this.table, values), at, 0, stamp));
  }
}

function deletions(slices: readonly Slice[] | null, stamp: number | bigint | null): RowChange[] {
  if (slices === null) return [{ kind: 'deletePartition', stamp }];
  return slices.map((slice) =>
    slice.isRow ? { kind: 'deleteRow', clustering: slice.lo, stamp } : { kind: 'deleteSlice', slice, stamp },
  );
}
