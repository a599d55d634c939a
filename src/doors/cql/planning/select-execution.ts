/** One execution of a SELECT: pages of rows, made into the rows of the result. */
import type { Clock } from '../../../base/clock.ts';
import { CqlError } from '../errors.ts';
import type { PagePosition } from '../routing/paged-read.ts';
import type { RowPage, RowRead } from '../rows/commands.ts';
import type { ResultSink } from '../session/engine.ts';
import { compareValues } from '../types/compare.ts';
import type { Cell } from '../types/composite.ts';
import type { Evaluation } from '../types/value.ts';
import { decodePagingState, encodePagingState } from './paging-state.ts';
import { ResultWriter } from './result-writer.ts';
import { eachRow } from './row-cells.ts';
import { NO_LIMIT, type SelectPlan } from './select-plan.ts';
import type { Group, RowEvaluation } from './selection.ts';

/** Rows that are read at once where all of them have to be looked at. */
const GATHERED_ROWS = 10_000;

export interface SelectOptions {
  /** 0: all rows at once. */
  readonly pageSize: number;
  readonly pagingState: Buffer | null;
  /** Seals paging states. */
  readonly key: string;
  readonly clock: Pick<Clock, 'endOfTurn'>;
}

/** What one page of the reads has given. */
export interface PageOfRows {
  readonly error: CqlError | null;
  readonly rowCount: number;
  readonly pages: readonly Pick<RowPage, 'rowCount' | 'bytes'>[];
  /** Null after the last page. */
  readonly next: PagePosition | null;
}

/** Gives the next page of at most `limit` rows to `owner.pageDone`, now or later. */
export type PageSource = (
  reads: readonly RowRead[],
  from: PagePosition | null,
  limit: number,
  owner: { pageDone(page: PageOfRows): void },
) => void;

export class SelectExecution {
  readonly #source: PageSource;
  readonly #plan: SelectPlan;
  readonly #at: RowEvaluation;
  readonly #options: SelectOptions;
  readonly #sink: ResultSink;
  readonly #reads: readonly RowRead[];
  #left: number;
  readonly #writer = new ResultWriter();
  // Of groups.
  #group: Group | null = null;
  #groupKey: readonly Cell[] | null = null;
  /** Of the partition at hand that are given out. */
  #partitionGroups = 0;
  // Of rows that are put in order.
  readonly #sorted: { readonly keys: readonly Cell[]; readonly values: readonly Cell[] }[] = [];
  #plain: Buffer[] = [];
  #plainRows = 0;

  /** Throws what is wrong with the values. */
  constructor(source: PageSource, plan: SelectPlan, at: Evaluation, options: SelectOptions, sink: ResultSink) {
    this.#source = source;
    this.#plan = plan;
    this.#at = { ...at, cells: [], aggregates: [] };
    this.#options = options;
    this.#sink = sink;
    this.#left = plan.limit(at);
    this.#reads = plan.reads(at);
  }

  start(): void {
    const { pagingState, key } = this.#options;
    let from: PagePosition | null = null;
    if (pagingState !== null && !this.#isWhole) {
      const state = decodePagingState(pagingState, key);
      from = state.position;
      this.#left = state.left;
    }
    this.#read(from);
  }

  /** Groups, and rows that are put in order, are one page. */
  get #isWhole(): boolean {
    return this.#plan.isGathered || this.#plan.order.length > 0;
  }

  #read(from: PagePosition | null): void {
    const page = this.#isWhole ? GATHERED_ROWS : this.#options.pageSize > 0 ? this.#options.pageSize : NO_LIMIT;
    const limit = this.#isWhole ? page : Math.min(page, this.#left);
    this.#source(this.#reads, from, limit, this);
  }

  /** Pages under a lease are answered within `#read`: others get their turn between two of them. */
  #readOn(next: PagePosition): void {
    this.#options.clock.endOfTurn(() => this.#read(next));
  }

  pageDone(read: PageOfRows): void {
    if (read.error !== null) {
      this.#sink.error(read.error);
      return;
    }
    // Functions may fail on what a row has. Pages of other nodes come when nobody is left above who would catch that.
    try {
      if (this.#isWhole) this.#gather(read);
      else this.#givePage(read);
    } catch (error) {
      if (!(error instanceof CqlError)) throw error;
      this.#sink.error(error);
    }
  }

  #givePage(read: PageOfRows): void {
    const { selection } = this.#plan;
    this.#left -= read.rowCount;
    if (selection.isPlain) {
      this.#plain.push(...read.pages.map((page) => page.bytes));
      this.#plainRows += read.rowCount;
    } else this.#each(read, () => this.#writer.row(selection.values(this.#at)));
    const next = this.#left > 0 ? read.next : null;
    // A client that wants everything at once gets it, however many pieces it comes in.
    if (next !== null && this.#options.pageSize === 0) {
      this.#readOn(next);
      return;
    }
    const state = next === null ? null : encodePagingState({ position: next, left: this.#left }, this.#options.key);
    if (selection.isPlain) {
      const rows = this.#plain.length === 1 ? (this.#plain[0] as Buffer) : Buffer.concat(this.#plain);
      this.#sink.rows(selection.columns, this.#plainRows, rows, state);
    } else this.#sink.rows(selection.columns, this.#writer.rowCount, this.#writer.take(), state);
  }

  #each(read: PageOfRows, visit: () => void): void {
    const items = this.#plan.selection.projection.wanted.length;
    for (const page of read.pages) {
      eachRow(page.bytes, page.rowCount, items, (cells) => {
        this.#at.cells = cells;
        visit();
      });
    }
  }

  #gather(read: PageOfRows): void {
    if (this.#plan.isGathered) this.#each(read, () => this.#addToGroup());
    else this.#each(read, () => this.#addToSorted());
    if (read.next !== null) this.#readOn(read.next);
    else this.#finish();
  }

  #addToGroup(): void {
    const { groupBy, selection } = this.#plan;
    const key = groupBy.map((column) => this.#at.cells[selection.placeOf(column)] ?? null);
    if (this.#group === null || this.#groupKey === null || !isSameKey(key, this.#groupKey)) {
      this.#endGroup();
      if (!this.#isSamePartition(key)) this.#partitionGroups = 0;
      this.#group = selection.group(this.#at);
      this.#groupKey = key.map((cell) => (cell === null ? null : Buffer.from(cell)));
    }
    this.#group.add(this.#at);
  }

  #endGroup(): void {
    if (this.#group === null || this.#writer.rowCount >= this.#left) return;
    if (this.#partitionGroups >= this.#plan.partitionLimit(this.#at)) return;
    this.#partitionGroups += 1;
    this.#writer.row(this.#group.result());
  }

  /** Whether the last group was of the same partition. Columns that are not grouped by have one value anyway. */
  #isSamePartition(key: readonly Cell[]): boolean {
    const parts = this.#plan.groupBy.filter(({ kind }) => kind === 'partition_key').length;
    return this.#groupKey !== null && isSameKey(key.slice(0, parts), this.#groupKey);
  }

  #addToSorted(): void {
    const { order, selection } = this.#plan;
    const keys = order.map(({ column }) => copy(this.#at.cells[selection.placeOf(column)] ?? null));
    this.#sorted.push({ keys, values: selection.values(this.#at).map(copy) });
  }

  #finish(): void {
    const { selection, order, groupBy, isGathered } = this.#plan;
    if (isGathered) {
      this.#endGroup();
      // Without groups there is a row about all rows, also where there is none.
      if (this.#group === null && groupBy.length === 0) this.#writer.row(selection.group(this.#at).result());
    } else {
      this.#sorted.sort((a, b) => {
        for (const [i, { column, isDescending }] of order.entries()) {
          const [x, y] = [a.keys[i] ?? null, b.keys[i] ?? null];
          const by =
            x === null || y === null ? Number(x !== null) - Number(y !== null) : compareValues(column.type, x, y);
          if (by !== 0) return isDescending ? -by : by;
        }
        return 0;
      });
      for (const { values } of this.#sorted.slice(0, this.#left)) this.#writer.row(values);
    }
    this.#sink.rows(selection.columns, this.#writer.rowCount, this.#writer.take(), null);
  }
}

function copy(cell: Cell): Cell {
  return cell === null ? null : Buffer.from(cell);
}

function isSameKey(a: readonly Cell[], b: readonly Cell[]): boolean {
  return a.every((cell, i) => {
    const other = b[i] ?? null;
    return cell === null || other === null ? cell === other : cell.equals(other);
  });
}
