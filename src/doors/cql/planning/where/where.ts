/**
 * WHERE: which partitions, which rows of them, and what is left to be looked at row by row. Planned once; `evaluate` gives the bound
 * values their places. The rules of what may be asked without an index or ALLOW FILTERING, and their texts, are Cassandra's.
 */
import { invalidRequest } from '../../errors.ts';
import type { Relation } from '../../language/ast.ts';
import type { Predicate, Slice } from '../../rows/commands.ts';
import type { Column, Index, Table } from '../../schema/model.ts';
import type { Evaluable, Evaluation } from '../../types/value.ts';
import type { PrepareContext } from '../prepare-context.ts';
import { ClusteringRestrictions, takeClustering } from './clustering-restrictions.ts';
import { checkBounds } from './conflicts.ts';
import { findIndex } from './index-choice.ts';
import { type PartitionRestrictions, type TokenRange, takePartition, tokenRange } from './partition-restrictions.ts';
import { restrictionsOf } from './relations.ts';
import type { Restriction, WhereUse } from './restriction.ts';
import { predicateOf } from './restriction-values.ts';

const FILTERING_NEEDED =
  'Cannot execute this query as it might involve data filtering and thus may have unpredictable performance. If you want to execute this query despite the performance unpredictability, use ALLOW FILTERING';

/** What WHERE says at one execution. */
export interface WhereValues {
  /** Values of the partition key, one list for each partition; null: all, or those of `tokens`. */
  readonly partitions: readonly (readonly Buffer[])[] | null;
  readonly tokens: TokenRange | null;
  /** Null: whole partitions. */
  readonly slices: readonly Slice[] | null;
  readonly filter: readonly Predicate[];
}

export class Where {
  readonly table: Table;
  /** Null: rows are found by their keys, or by looking at all. */
  readonly index: Index | null;
  /** Every clustering column is given by `=` or IN. */
  readonly isSingleRows: boolean;
  readonly #partition: PartitionRestrictions;
  readonly #tokens: readonly Restriction[];
  readonly #clustering: ClusteringRestrictions;
  /** That the index answers; it is not filtered by again. */
  readonly #indexed: Restriction | null;
  readonly #filters: readonly Restriction[];

  constructor(table: Table, relations: readonly Relation[], context: PrepareContext, use: WhereUse) {
    this.table = table;
    const restrictions = restrictionsOf(relations, table, context, use);
    this.#tokens = restrictions.filter(({ operator }) => operator === 'token');
    checkBounds(this.#tokens, ({ comparison }) => comparison);
    const others = restrictions.filter(({ operator }) => operator !== 'token');
    const { partition, left: behindPartition } = takePartition(table, others, use);
    this.#partition = partition;
    const { taken, left: behindClustering } = takeClustering(table, behindPartition, use);
    // Without a partition, an index on a clustering column finds more than slices of all partitions.
    const isIndexed = !partition.areGiven && use.kind === 'select' && findIndex(table, taken) !== null;
    const left = isIndexed ? [...taken, ...behindClustering] : behindClustering;
    this.#clustering = new ClusteringRestrictions(table, isIndexed ? [] : taken);
    this.isSingleRows = table.clustering.every((column) => this.isNamed(column));
    const found = use.kind === 'select' ? findIndex(table, left) : null;
    this.index = found?.index ?? null;
    this.#indexed = found?.restriction ?? null;
    this.#filters = left.filter((restriction) => restriction !== this.#indexed);
    this.#check(use);
  }

  get hasPartition(): boolean {
    return this.#partition.areGiven;
  }

  /** There is more than one partition. */
  get hasPartitionIn(): boolean {
    return this.#partition.hasIn;
  }

  get hasTokens(): boolean {
    return this.#tokens.length > 0;
  }

  get isWholePartition(): boolean {
    return this.#clustering.isEmpty;
  }

  /** There may be several rows of a partition. */
  get hasClusteringIn(): boolean {
    return this.#clustering.hasIn;
  }

  /** By `=`, not by IN. */
  isGiven(column: Column): boolean {
    return this.#clustering.isGiven(column);
  }

  /** By `=` or IN. */
  isNamed(column: Column): boolean {
    return this.#clustering.isNamed(column);
  }

  /** Only columns that every row of a partition has the same values of are looked at. */
  get isOfPartitions(): boolean {
    return (
      this.#clustering.isEmpty &&
      this.#filters.every(({ columns }) => columns.every(({ kind }) => kind === 'partition_key' || kind === 'static'))
    );
  }

  /** For a column of the partition key the value that it is compared to, where `=` does. */
  partitionValue(column: Column): Evaluable | undefined {
    return this.#partition.valueOf(column);
  }

  evaluate(at: Evaluation): WhereValues {
    return {
      partitions: this.hasPartition ? this.#partition.keys(at) : null,
      tokens: this.hasTokens ? tokenRange(this.#tokens, at) : null,
      slices: this.#clustering.isEmpty ? null : this.#clustering.slices(at),
      filter: this.#filters.map((restriction) => predicateOf(restriction, at)),
    };
  }

  /** Of an index lookup. */
  indexPredicate(at: Evaluation): Predicate | null {
    return this.#indexed === null ? null : predicateOf(this.#indexed, at);
  }

  /** The values of the clustering columns of each row, once; for those who name rows. */
  rowValues(at: Evaluation): Buffer[][] {
    return this.#clustering.rowValues(at);
  }

  #check(use: WhereUse): void {
    const { table } = this;
    if (use.kind !== 'select') {
      const [other] = this.#filters;
      if (other !== undefined) {
        throw invalidRequest(
          `Non PRIMARY KEY columns found in where clause: ${other.columns.map(({ name }) => name).join(', ')} `,
        );
      }
      return;
    }
    const like = this.#filters.find(({ operator }) => operator === 'like');
    if (like !== undefined && !use.allowFiltering) {
      throw invalidRequest(
        `LIKE restriction is only supported on properly indexed columns. ${like.columns[0]?.name} LIKE ? is not valid.`,
      );
    }
    if (use.allowFiltering || table.isSystem) return;
    const isScan = !this.hasPartition && this.index === null;
    if (this.#filters.length > 0 || (isScan && !this.#clustering.isEmpty)) throw invalidRequest(FILTERING_NEEDED);
  }
}
