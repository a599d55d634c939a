/** What a read gives of each row, worked out once for each plan: where every item is found in a key or a row's value. */
import type { Column, Table } from '../schema/model.ts';
import { isMultiCell } from '../types/data-type.ts';

/**
 * `value`: in wire format. `writetime`: bigint, microseconds; `ttl`: int, seconds left. Of a column with cells of its own for its elements,
 * the latter two are lists.
 */
export interface Wanted {
  readonly column: Column;
  readonly what: 'value' | 'writetime' | 'ttl';
}

export const ItemKind = {
  partitionKey: 0,
  clustering: 1,
  /** A simple cell of the row. */
  regular: 2,
  /** A simple cell of the partition's static row. */
  static: 3,
  regularCollection: 4,
  staticCollection: 5,
} as const;
export type ItemKind = (typeof ItemKind)[keyof typeof ItemKind];

export interface Item {
  readonly kind: ItemKind;
  readonly what: Wanted['what'];
  readonly column: Column;
  /** Of a column that is not part of the key. */
  readonly id: number;
  readonly position: number;
}

export class Projection {
  readonly wanted: readonly Wanted[];
  readonly items: readonly Item[];
  readonly hasClustering: boolean;
  readonly hasStatics: boolean;
  /** Every item is the value of a part of the key or of a simple cell. */
  readonly isSimple: boolean;
  /** As `command-codec.ts` has it; made at its first use. */
  encoded: Buffer | undefined;

  constructor(wanted: readonly Wanted[]) {
    this.wanted = wanted;
    this.items = wanted.map(({ column, what }) => ({
      kind: kindOf(column),
      what,
      column,
      id: column.id,
      position: column.position,
    }));
    this.hasClustering = this.items.some(({ kind }) => kind === ItemKind.clustering);
    this.hasStatics = this.items.some(({ kind }) => kind === ItemKind.static || kind === ItemKind.staticCollection);
    this.isSimple = this.items.every(({ kind, what }) => what === 'value' && kind <= ItemKind.static);
  }

  static ofColumns(columns: readonly Column[]): Projection {
    return new Projection(columns.map((column) => ({ column, what: 'value' })));
  }

  /** `SELECT *` */
  static ofAll(table: Table): Projection {
    return Projection.ofColumns(table.columns);
  }
}

function kindOf(column: Column): ItemKind {
  switch (column.kind) {
    case 'partition_key':
      return ItemKind.partitionKey;
    case 'clustering':
      return ItemKind.clustering;
    case 'static':
      return isMultiCell(column.type) ? ItemKind.staticCollection : ItemKind.static;
    default:
      return isMultiCell(column.type) ? ItemKind.regularCollection : ItemKind.regular;
  }
}
