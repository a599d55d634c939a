/** One execution of writes: mutations of one tablet in one operation, conditions with their result, batches over several tablets. */
import type { CqlError } from '../errors.ts';
import { invalidRequest } from '../errors.ts';
import { RowOperation, type RowOwner } from '../routing/row-operation.ts';
import type { RowServices } from '../routing/row-services.ts';
import type { Conditions, RowMutation, RowWrite } from '../rows/commands.ts';
import { Projection } from '../rows/projection.ts';
import type { Table } from '../schema/model.ts';
import type { ColumnSpec, ResultSink } from '../session/engine.ts';
import { Native } from '../types/data-type.ts';
import type { PlannedMutation } from './modification.ts';
import { ResultWriter } from './result-writer.ts';
import { eachRow } from './row-cells.ts';

const TRUE = Buffer.from([1]);
const FALSE = Buffer.from([0]);

/** Writes without conditions, or with conditions on one partition. */
export class WriteExecution implements RowOwner {
  readonly #sink: ResultSink;
  readonly #conditions: Conditions | null;
  #left = 0;
  #error: CqlError | null = null;

  constructor(sink: ResultSink, conditions: Conditions | null) {
    this.#sink = sink;
    this.#conditions = conditions;
  }

  start(services: RowServices, writes: readonly { readonly write: RowWrite; readonly slot: number }[]): void {
    this.#left = writes.length;
    for (const { write, slot } of writes) new RowOperation(services, write, slot, this).submit();
  }

  /** All of them or none, eventually, also where they are of several tablets. */
  startLogged(services: RowServices, writes: readonly { readonly write: RowWrite; readonly slot: number }[]): void {
    const [first] = writes;
    if (first === undefined || writes.length === 1) {
      this.start(services, writes);
      return;
    }
    this.#left = 1;
    new RowOperation(services, { kind: 'batch', parts: writes }, first.slot, this).submit();
  }

  rowsDone(operation: RowOperation): void {
    this.#error ??= operation.error;
    this.#left -= 1;
    if (this.#left > 0) return;
    if (this.#error !== null) this.#sink.error(this.#error);
    else if (this.#conditions === null || operation.result === null) this.#sink.done();
    else this.#tell(operation.result.applied, operation, this.#conditions);
  }

  #tell(applied: boolean, { result }: RowOperation, conditions: Conditions): void {
    const { table, projection } = conditions;
    const page = applied ? null : (result?.current ?? null);
    const shown = page === null || page.rowCount === 0 ? [] : projection.wanted.map(({ column }) => column);
    const columns: ColumnSpec[] = [
      appliedColumn(table),
      ...shown.map(({ name, type }) => ({ keyspace: table.keyspace, table: table.name, name, type })),
    ];
    const writer = new ResultWriter();
    if (page === null || shown.length === 0) writer.row([applied ? TRUE : FALSE]);
    else eachRow(page.bytes, page.rowCount, projection.wanted.length, (cells) => writer.row([FALSE, ...cells]));
    this.#sink.rows(columns, writer.rowCount, writer.take(), null);
  }
}

function appliedColumn(table: Table): ColumnSpec {
  return { keyspace: table.keyspace, table: table.name, name: '[applied]', type: Native.boolean };
}

/** One statement's mutations as writes: each partition by itself, unless there are conditions. */
export function writesOf(planned: readonly PlannedMutation[]): { write: RowWrite; slot: number }[] {
  return planned.map(({ mutation, place, conditions }) => ({
    write: { kind: 'write', mutations: [mutation], conditions },
    slot: place.slot,
  }));
}

/** The mutations of a batch, those of one tablet together, in the order in which they came. */
export function batchWrites(
  planned: readonly PlannedMutation[],
  tabletOf: (slot: number) => number,
): { write: RowWrite; slot: number }[] {
  const conditions = batchConditions(planned);
  const byTablet = new Map<number, { slot: number; mutations: RowMutation[] }>();
  for (const { mutation, place } of planned) {
    const tablet = tabletOf(place.slot);
    const known = byTablet.get(tablet);
    if (known === undefined) byTablet.set(tablet, { slot: place.slot, mutations: [mutation] });
    else known.mutations.push(mutation);
  }
  return [...byTablet.values()].map(({ slot, mutations }) => ({
    write: { kind: 'write', mutations, conditions },
    slot,
  }));
}

/** Of all statements of a batch together: they are on one partition. */
export function batchConditions(planned: readonly PlannedMutation[]): Conditions | null {
  const conditions = conditionsOf(planned);
  if (conditions === null) return null;
  const { table, rows } = conditions;
  // Rows are told apart by their keys.
  const keys = [...table.partitionKey, ...table.clustering];
  const looked = planned.flatMap((one) => one.conditions?.projection.wanted.map(({ column }) => column) ?? []);
  const isExistence = rows.some(({ existence }) => existence !== null);
  const shown = isExistence ? table.columns : [...new Set([...keys, ...looked])];
  return { ...conditions, projection: Projection.ofColumns(shown) };
}

/** Of one statement, or the first one's projection for all. */
export function conditionsOf(planned: readonly PlannedMutation[]): Conditions | null {
  // Nearly every statement: nothing is made for it.
  if (planned.length === 1) return planned[0]?.conditions ?? null;
  const conditions = planned.flatMap((one) => one.conditions ?? []);
  const [first] = conditions;
  if (first === undefined) return null;
  const partition = first.partition;
  if (planned.some(({ mutation }) => mutation.partition !== partition)) {
    throw invalidRequest('Batch with conditions cannot span multiple partitions');
  }
  if (planned.some(({ mutation }) => mutation.table !== first.table)) {
    throw invalidRequest('Batch with conditions cannot span multiple tables');
  }
  return { ...first, rows: conditions.flatMap(({ rows }) => rows) };
}
