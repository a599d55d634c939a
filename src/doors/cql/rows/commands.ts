/**
 * Row commands: what a plan asks of the leader of a tablet. They know bound values, columns and keys, and nothing of texts. Values are in
 * wire format; keys are parts of keys of the store, made by `layout.ts` and `slices.ts`.
 *
 * A plan makes what is the same for every execution once (tables, columns, projections) and only the rest anew.
 * On their way to another node commands are bytes (`command-codec.ts`): a table is its space there and a column its id.
 */
import type { ByteKey } from '../../../storage/ordered-store.ts';
import type { Column, Index, Table } from '../schema/model.ts';
import type { Cell } from '../types/composite.ts';
import type { Projection } from './projection.ts';

/** A write time in microseconds; a bigint only where a number would not be exact. JavaScript compares the two exactly. */
export type Stamp = number | bigint;

// Reads

export type RowCommand = RowRead | RowWrite | BatchWrite | BatchPart | BatchEnd;

/** Rows of one partition, of a range of tokens, or with an entry in an index; always of one tablet. */
export interface RowRead {
  readonly kind: 'read';
  readonly table: Table;
  readonly source: PartitionSource | TokenSource | IndexSource;
  /** Which rows of each partition, in the order of keys and apart from each other; null for all. */
  readonly slices: readonly Slice[] | null;
  /** Rows that do not hold are left out. All must hold. */
  readonly filter: readonly Predicate[];
  readonly projection: Projection;
  /** Within partitions, from the last row to the first. Only for a `PartitionSource`. */
  readonly reversed: boolean;
  /**
   * A partition without live rows that has static columns gives one row of them. Only where `slices` is null. SELECT DISTINCT is this, a
   * limit of one row per partition, and a projection of keys and static columns.
   */
  readonly staticOnly: boolean;
  readonly limit: number;
  readonly perPartitionLimit: number;
  /** Goes on after this row; null from the beginning. */
  readonly after: Position | null;
}

export interface PartitionSource {
  readonly kind: 'partition';
  /** `partitionPlace().prefix` (layout.ts). */
  readonly partition: ByteKey;
}
/** Partitions with firstToken <= token <= lastToken; `routing/` cuts it at tablets' edges. */
export interface TokenSource {
  readonly kind: 'tokens';
  readonly first: bigint;
  readonly last: bigint;
}
/**
 * Rows with an entry in an index, which are those that `predicate` holds for: `=` on the column, on a key of a map (entries), `contains`
 * or `containsKey`. In order of tokens; an index on a static column gives all rows of its partitions.
 */
export interface IndexSource {
  readonly kind: 'index';
  readonly index: Index;
  readonly predicate: Predicate;
  /** Only of this partition, or null. */
  readonly partition: ByteKey | null;
  readonly first: bigint;
  readonly last: bigint;
}

/** Rows of a partition by their clustering as part of a key (`slices.ts`). */
export interface Slice {
  readonly lo: ByteKey;
  /** Exclusive; null: to the end of the partition. */
  readonly hi: ByteKey | null;
  /** The one row `lo`, whatever `hi` says. */
  readonly isRow: boolean;
}

/** A row that a page ended with. */
export interface Position {
  /** Its key from the slot on, without what follows the clustering (`layout.ts`). */
  readonly row: ByteKey;
  /** Rows of its partition that pages have shown, for the limit per partition; -1: none of those that were looked at was alive. */
  readonly partitionRows: number;
}

export type Operator =
  | '='
  | '!='
  | '<'
  | '<='
  | '>'
  | '>='
  | 'in'
  | 'contains'
  | 'containsKey'
  | 'like'
  | 'between'
  | 'notNull';

/** On a column, of any kind; a list's element by index (int), a map's by key, a user type's field by position (smallint). */
export interface Predicate {
  readonly column: Column;
  /** Index (int), key, or position of a field (smallint); null for the column as a whole. */
  readonly element: Buffer | null;
  readonly operator: Operator;
  /** One; for `in` any number; for `between` two. Null only in conditions: `= null`, `!= null`, `in`. */
  readonly values: readonly Cell[];
}

/** What a read gives: rows as the protocol has them, [int length | bytes] for each item of the projection, one row after the other. */
export interface RowPage {
  readonly rowCount: number;
  readonly bytes: Buffer;
  /** The last row that was looked at; null when none was. */
  readonly last: Position | null;
  /** There may be more after it, although `rowCount` may be less than the limit, even 0: a read is cut into pieces of bounded work. */
  readonly more: boolean;
}

// Writes

/** Changes to partitions of one tablet: all of them, or none when a condition does not hold. */
export interface RowWrite {
  readonly kind: 'write';
  readonly mutations: readonly RowMutation[];
  readonly conditions: Conditions | null;
}

export interface RowMutation {
  readonly table: Table;
  /** `partitionPlace().prefix` (layout.ts). */
  readonly partition: ByteKey;
  /** One after the other, each over what those before it have done. */
  readonly changes: readonly RowChange[];
}

export type RowChange = Upsert | DeleteRow | DeleteSlice | DeletePartition;

/** Of an INSERT or UPDATE, and of a DELETE that names columns. */
export interface Upsert {
  readonly kind: 'upsert';
  /** Part of a key; null for the static row, whose columns are all static then. */
  readonly clustering: ByteKey | null;
  /** INSERT: the row is there even when it has no cells. */
  readonly marker: boolean;
  /** Simple columns in the order of ids; made once for each plan. */
  readonly columns: readonly Column[];
  /** For each of them: a value, null to delete, undefined for unset. For a counter what is to be added (bigint). */
  readonly values: readonly (Cell | undefined)[];
  readonly collections: readonly CollectionChange[];
  /** 0: for ever. */
  readonly ttl_s: number;
  /** USING TIMESTAMP. */
  readonly stamp: Stamp | null;
}

export interface DeleteRow {
  readonly kind: 'deleteRow';
  readonly clustering: ByteKey;
  readonly stamp: Stamp | null;
}

export interface DeleteSlice {
  readonly kind: 'deleteSlice';
  readonly slice: Slice;
  readonly stamp: Stamp | null;
}

/** With its static row. */
export interface DeletePartition {
  readonly kind: 'deletePartition';
  readonly stamp: Stamp | null;
}

/** On a column with cells of its own for its elements (`isMultiCell`). */
export type CollectionChange = PutElements | RemoveElements | AddToList | SetAtIndex | RemoveFromList;

/**
 * Elements of a set (keys alone), a map (keys and values) or fields of a user type (keys are positions, smallint); of a list (values alone)
 * only with `replace`. A null value removes its element.
 */
export interface PutElements {
  readonly kind: 'put';
  readonly column: Column;
  /** The elements that were there go first: `c = {...}`; with no elements `c = null`. */
  readonly replace: boolean;
  readonly keys: readonly Buffer[];
  readonly values: readonly Cell[];
}
/** From a set, or from a map by keys. */
export interface RemoveElements {
  readonly kind: 'remove';
  readonly column: Column;
  readonly keys: readonly Buffer[];
}
export interface AddToList {
  readonly kind: 'append' | 'prepend';
  readonly column: Column;
  readonly values: readonly Buffer[];
}
/** `l[index] = value`; null removes. Refused when the list has no such index. */
export interface SetAtIndex {
  readonly kind: 'setIndex';
  readonly column: Column;
  readonly index: number;
  readonly value: Cell;
}
/** `l = l - [...]`: all elements equal to one of them. */
export interface RemoveFromList {
  readonly kind: 'removeValues';
  readonly column: Column;
  readonly values: readonly Buffer[];
}

/** IF ...: on rows of one partition. */
export interface Conditions {
  readonly table: Table;
  readonly partition: ByteKey;
  readonly rows: readonly RowCondition[];
  /** What is shown of the rows when a condition does not hold. */
  readonly projection: Projection;
}

export interface RowCondition {
  /** Null for the static row. Predicates on static columns look at it in any case. */
  readonly clustering: ByteKey | null;
  /** IF EXISTS, IF NOT EXISTS, or neither. */
  readonly existence: 'exists' | 'notExists' | null;
  readonly predicates: readonly Predicate[];
}

export interface WriteResult {
  readonly applied: boolean;
  /** When not applied: those of the conditions' rows that exist; for none of them nothing, or the static columns alone. */
  readonly current: RowPage | null;
}

// Logged batches over several tablets (routing/batch-log.ts)

/** All parts, or none, eventually. Sent to the tablet of the first part, which logs the others and does its own in one transaction. */
export interface BatchWrite {
  readonly kind: 'batch';
  readonly parts: readonly BatchWritePart[];
}
export interface BatchWritePart {
  /** A slot of the tablet that the part is about. */
  readonly slot: number;
  readonly write: RowWrite;
}

/** A part of a batch that is logged: done once, however often it is sent. */
export interface BatchPart {
  readonly kind: 'part';
  readonly batch: BatchName;
  readonly index: number;
  readonly write: RowWrite;
}
export interface BatchName {
  /** First slot of the tablet that has the log. */
  readonly log: number;
  /** Sixteen bytes, greater than those of all batches logged there before. */
  readonly id: ByteKey;
  /** Of all batches of this log with lesser ids nothing is left to do. */
  readonly open: ByteKey;
}

/** Nothing is left to do for a batch: the log forgets it. */
export interface BatchEnd {
  readonly kind: 'batchEnd';
  readonly batch: BatchName;
}
