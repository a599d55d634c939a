/** What all row operations of a node share. */
import type { Clock } from '../../../base/clock.ts';
import type { NodeId, Router } from '../../../cluster/view.ts';
import type { Transaction } from '../../../tablet/operation.ts';
import { invalidRequest } from '../errors.ts';
import type { BatchName, BatchWritePart, RowMutation, RowWrite } from '../rows/commands.ts';
import { schemaVersionKey } from '../rows/tablet-keys.ts';
import type { Table } from '../schema/model.ts';
import { BatchDriver } from './batch-driver.ts';
import { Forwarder } from './forward.ts';
import type { BatchDone, ForwardableOperation, RowHost } from './row-host.ts';
import { type SchemaSource, TablesBySpace } from './tables.ts';
import { TabletSlots } from './tablet-slots.ts';

export interface RowServicesOptions {
  readonly router: Router;
  readonly clock: Clock;
  /** How long an operation that has had no effect is tried again. */
  readonly deadline_ms: number;
  readonly schema: SchemaSource;
}

/** The schema version that a tablet asks for, as it was read in a term of its leader here. */
interface Required {
  term: number;
  version: number;
}

export class RowServices implements RowHost {
  readonly router: Router;
  readonly clock: Clock;
  readonly deadline_ms: number;
  readonly slots: TabletSlots;
  readonly tables: TablesBySpace;
  readonly batches: BatchDriver;
  readonly #forwarder: Forwarder;
  readonly #required = new Map<number, Required>();

  constructor({ router, clock, deadline_ms, schema }: RowServicesOptions) {
    this.router = router;
    this.clock = clock;
    this.deadline_ms = deadline_ms;
    this.slots = new TabletSlots(router);
    this.tables = new TablesBySpace(schema);
    this.batches = new BatchDriver(this);
    this.#forwarder = new Forwarder(this);
  }

  /** Begins to answer commands of other nodes. */
  serve(): void {
    this.#forwarder.serve();
  }

  forward(operation: ForwardableOperation, node: NodeId): void {
    this.#forwarder.forward(operation, node);
  }

  startBatch(batch: BatchName, parts: readonly BatchWritePart[], done: BatchDone): void {
    this.batches.start(batch, parts, done);
  }

  /**
   * Whether this node has applied the schema that the tablet's rows are kept by. A leader that lags behind would write rows without
   * entries in an index that is being built, or to a table whose rows have been removed already.
   */
  isSchemaCurrent(transaction: Transaction, slotFirst: number): boolean {
    const known = this.#required.get(slotFirst);
    if (known !== undefined && known.term === transaction.term) return known.version <= this.tables.version;
    const stored = transaction.get(schemaVersionKey(slotFirst));
    const version = stored === undefined ? 0 : stored.readUIntBE(0, 6);
    this.#required.set(slotFirst, { term: transaction.term, version });
    return version <= this.tables.version;
  }

  /** From here on leaders of the tablet must have applied what this node has. */
  requireSchema(transaction: Transaction, slotFirst: number): void {
    const { version } = this.tables;
    if (this.isSchemaCurrent(transaction, slotFirst) && this.#required.get(slotFirst)?.version === version) return;
    const bytes = Buffer.allocUnsafe(6);
    bytes.writeUIntBE(version, 0, 6);
    transaction.put(schemaVersionKey(slotFirst), bytes);
    this.#required.set(slotFirst, { term: transaction.term, version });
  }

  /** Throws when the table has been dropped or emptied since the command was planned. */
  checkTable(table: Table): void {
    if (this.tables.tableOfSpace(table.space) === undefined) throw tableIsGone(table.name);
  }

  checkTables({ mutations }: RowWrite): void {
    for (let i = 0; i < mutations.length; i += 1) this.checkTable((mutations[i] as RowMutation).table);
  }
}

function tableIsGone(name: string): Error {
  return invalidRequest(`unconfigured table ${name}`);
}
