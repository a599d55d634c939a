/** What operations on rows need of the node that they are on. `RowServices` is it; said here so that operations know no more of it. */
import type { Clock } from '../../../base/clock.ts';
import type { NodeId, Router } from '../../../cluster/view.ts';
import type { Transaction } from '../../../tablet/operation.ts';
import type { CqlError } from '../errors.ts';
import type { BatchName, BatchWritePart, RowCommand, RowPage, RowWrite, WriteResult } from '../rows/commands.ts';
import type { Table } from '../schema/model.ts';
import type { TablesBySpace } from './tables.ts';
import type { TabletSlots } from './tablet-slots.ts';

/** How an operation ended; for operations that another node has sent. */
export const Ending = { done: 0, notExecuted: 1, unknown: 2, overloaded: 3, unavailable: 4, refused: 5 } as const;
export type Ending = (typeof Ending)[keyof typeof Ending];

/** An operation as it is sent to another node and finished with what comes back. */
export interface ForwardableOperation {
  readonly slot: number;
  readonly command: RowCommand;
  page: RowPage | null;
  result: WriteResult | null;
  error: CqlError | null;
  /** Certainly without effect. */
  again(): void;
  endUnknown(): void;
  end(ending: Ending): void;
  finish(ending: Ending): void;
}

export interface BatchDone {
  /** All parts are done. `error`: of one that could not be. */
  batchDone(error: CqlError | null): void;
  /** Not within the deadline: it will be. */
  batchLate(): void;
}

export interface RowHost {
  readonly router: Router;
  readonly clock: Clock;
  readonly deadline_ms: number;
  readonly slots: TabletSlots;
  readonly tables: TablesBySpace;
  isSchemaCurrent(transaction: Transaction, slotFirst: number): boolean;
  checkTable(table: Table): void;
  checkTables(write: RowWrite): void;
  forward(operation: ForwardableOperation, node: NodeId): void;
  /** A batch that was logged just now. `parts`: without the one that was done with its record. */
  startBatch(batch: BatchName, parts: readonly BatchWritePart[], done: BatchDone): void;
}
