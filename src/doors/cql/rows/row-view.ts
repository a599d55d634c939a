/**
 * One row while it is looked at: its key, its value and elements, and the static row of its partition. Reads, conditions and indexes see
 * rows through it. Used again and again: what it gives are views, good until it moves on.
 */
import type { ByteKey } from '../../../storage/ordered-store.ts';
import type { Column, Table } from '../schema/model.ts';
import type { Cell } from '../types/composite.ts';
import { isMultiCell, type UserDataType } from '../types/data-type.ts';
import type { Stamp } from './commands.ts';
import { clusteringValues, partitionValues } from './layout.ts';
import { PageWriter } from './page-writer.ts';
import { type Item, ItemKind, type Projection } from './projection.ts';
import { ELEMENT_HEADER_BYTES, elementEnd_ms, elementStamp, isElementLive, StoredRow } from './row-value.ts';

/** The elements of a row's collections, in the order of keys. */
export class ElementList {
  count = 0;
  readonly columns: number[] = [];
  /** Behind the column's number. */
  readonly keys: string[] = [];
  readonly values: Buffer[] = [];

  clear(): void {
    this.count = 0;
  }

  /** `key`: of the store; `at`: where the row's part of it ends. */
  add(key: ByteKey, at: number, value: Buffer): void {
    const { count } = this;
    this.columns[count] = (key.charCodeAt(at + 1) << 8) | key.charCodeAt(at + 2);
    this.keys[count] = key.slice(at + 3);
    this.values[count] = value;
    this.count = count + 1;
  }

  /** For a scan from the end. */
  reverse(): void {
    for (let low = 0, high = this.count - 1; low < high; low += 1, high -= 1) {
      swap(this.columns, low, high);
      swap(this.keys, low, high);
      swap(this.values, low, high);
    }
  }

  first(column: number): number {
    for (let i = 0; i < this.count; i += 1) if (this.columns[i] === column) return i;
    return this.count;
  }
}

function swap<T>(list: T[], a: number, b: number): void {
  const held = list[a] as T;
  list[a] = list[b] as T;
  list[b] = held;
}

export class RowView {
  readonly row = new StoredRow();
  readonly elements = new ElementList();
  readonly statics = new StoredRow();
  readonly staticElements = new ElementList();
  /** Only what is static: the columns of rows are null. */
  isStaticOnly = false;
  #table: Table | undefined;
  #now_ms = 0;
  #partition = '';
  #partitionValues: readonly Buffer[] | undefined;
  #key = '';
  #clusteringValues: readonly Buffer[] | undefined;
  readonly #assembled = new PageWriter();

  begin(table: Table, now_ms: number): void {
    this.#table = table;
    this.#now_ms = now_ms;
    this.#partition = '';
  }

  get table(): Table {
    return this.#table as Table;
  }

  get partition(): ByteKey {
    return this.#partition;
  }

  get now_ms(): number {
    return this.#now_ms;
  }

  /** What the row's keys begin with. */
  get key(): ByteKey {
    return this.#key;
  }

  enterPartition(partition: ByteKey): void {
    this.#partition = partition;
    this.#partitionValues = undefined;
    this.statics.clear();
    this.staticElements.clear();
  }

  /** `row` and `elements` are filled by the caller. */
  enterRow(key: ByteKey): void {
    this.#key = key;
    this.#clusteringValues = undefined;
    this.isStaticOnly = false;
    this.elements.clear();
  }

  enterStaticOnly(key: ByteKey): void {
    this.enterRow(key);
    this.row.clear();
    this.isStaticOnly = true;
  }

  get exists(): boolean {
    return this.row.hasLiveMarker(this.#now_ms) || hasLive(this.table, this.row, this.elements, this.#now_ms);
  }

  get hasStatics(): boolean {
    return hasLive(this.table, this.statics, this.staticElements, this.#now_ms);
  }

  /** The value in wire format; null also when it has expired. */
  value(column: Column): Cell {
    switch (column.kind) {
      case 'partition_key':
        return this.partitionValues[column.position] as Buffer;
      case 'clustering':
        return this.isStaticOnly ? null : (this.clusteringValues[column.position] as Buffer);
      case 'static':
        return this.#valueIn(this.statics, this.staticElements, column);
      default:
        return this.#valueIn(this.row, this.elements, column);
    }
  }

  get partitionValues(): readonly Buffer[] {
    this.#partitionValues ??= partitionValues(this.table, this.#partition);
    return this.#partitionValues;
  }

  get clusteringValues(): readonly Buffer[] {
    this.#clusteringValues ??= clusteringValues(this.table, this.#key, this.#partition.length + 1);
    return this.#clusteringValues;
  }

  #valueIn(row: StoredRow, elements: ElementList, column: Column): Cell {
    if (!isMultiCell(column.type)) {
      const cell = row.findLive(column.id, this.#now_ms);
      return cell < 0 ? null : row.value(cell);
    }
    if (elements.count === 0) return null;
    this.#assembled.begin();
    writeCollection(this.#assembled, elements, column, 'value', this.#now_ms);
    // A copy, since several collections may be looked at together.
    return this.#assembled.size === 4 ? null : Buffer.from(this.#assembled.since(4));
  }

  write(projection: Projection, page: PageWriter): void {
    const { items } = projection;
    for (let i = 0; i < items.length; i += 1) this.#writeItem(items[i] as Item, page);
    page.rowCount += 1;
  }

  #writeItem(item: Item, page: PageWriter): void {
    switch (item.kind) {
      case ItemKind.regular:
        this.#writeCell(this.row, item, page);
        return;
      case ItemKind.partitionKey:
        page.cell(this.partitionValues[item.position] as Buffer);
        return;
      case ItemKind.clustering:
        if (this.isStaticOnly) page.null();
        else page.cell(this.clusteringValues[item.position] as Buffer);
        return;
      case ItemKind.static:
        this.#writeCell(this.statics, item, page);
        return;
      case ItemKind.regularCollection:
        writeCollection(page, this.elements, item.column, item.what, this.#now_ms);
        return;
      default:
        writeCollection(page, this.staticElements, item.column, item.what, this.#now_ms);
    }
  }

  #writeCell(row: StoredRow, { id, what }: Item, page: PageWriter): void {
    const cell = row.findLive(id, this.#now_ms);
    if (cell < 0) {
      page.null();
      return;
    }
    if (what === 'value') {
      const place = row.places[cell] as number;
      page.raw(row.bytes, place, place + 4 + row.bytes.readInt32BE(place));
      return;
    }
    const time = row.times[cell] as number;
    if (what === 'writetime') {
      page.int(8);
      page.stamp(row.stamps[time] as Stamp);
    } else writeTtl(page, row.ends_ms[time] as number, this.#now_ms);
  }
}

/** Anything but a marker. Cells of columns that were dropped do not count. */
function hasLive(table: Table, row: StoredRow, elements: ElementList, now_ms: number): boolean {
  if (table.dropped.length === 0) {
    if (row.hasLiveCell(now_ms)) return true;
  } else {
    for (let i = 0; i < row.cellCount; i += 1) {
      if (row.isTimeLive(row.times[i] as number, now_ms) && table.byId.has(row.columns[i] as number)) return true;
    }
  }
  for (let i = 0; i < elements.count; i += 1) {
    if (isElementLive(elements.values[i] as Buffer, now_ms) && table.byId.has(elements.columns[i] as number))
      return true;
  }
  return false;
}

function writeTtl(page: PageWriter, end_ms: number, now_ms: number): void {
  if (end_ms === 0) page.null();
  else {
    page.int(4);
    page.int(Math.ceil((end_ms - now_ms) / 1_000));
  }
}

function writeCollection(
  page: PageWriter,
  elements: ElementList,
  column: Column,
  what: Item['what'],
  now_ms: number,
): void {
  const start = page.reserveInt();
  if (column.type.kind === 'udt') writeFields(page, elements, column.id, column.type, what, now_ms);
  else writeElements(page, elements, column.id, what, now_ms);
  const size = page.size - start - 4;
  if (size > 0) page.setInt(start, size);
  else page.setInt(start, -1);
}

/** Nothing at all when no element is live. */
function writeElements(page: PageWriter, elements: ElementList, id: number, what: Item['what'], now_ms: number): void {
  const start = page.size;
  const countPlace = page.reserveInt();
  let count = 0;
  for (let i = elements.first(id); i < elements.count && elements.columns[i] === id; i += 1) {
    const value = elements.values[i] as Buffer;
    if (!isElementLive(value, now_ms)) continue;
    count += 1;
    writeElement(page, value, what, now_ms);
  }
  if (count === 0) page.size = start;
  else page.setInt(countPlace, count);
}

function writeFields(
  page: PageWriter,
  elements: ElementList,
  id: number,
  type: UserDataType,
  what: Item['what'],
  now_ms: number,
): void {
  const start = page.size;
  if (what !== 'value') page.int(type.fields.length);
  let at = elements.first(id);
  let isEmpty = true;
  for (let field = 0; field < type.fields.length; field += 1) {
    const isThere =
      at < elements.count && elements.columns[at] === id && fieldOf(elements.keys[at] as string) === field;
    if (isThere && isElementLive(elements.values[at] as Buffer, now_ms)) {
      writeElement(page, elements.values[at] as Buffer, what, now_ms);
      isEmpty = false;
    } else page.null();
    if (isThere) at += 1;
  }
  if (isEmpty) page.size = start;
}

export function fieldOf(key: string): number {
  return (key.charCodeAt(0) << 8) | key.charCodeAt(1);
}

function writeElement(page: PageWriter, value: Buffer, what: Item['what'], now_ms: number): void {
  if (what === 'value') page.raw(value, ELEMENT_HEADER_BYTES, value.length);
  else if (what === 'writetime') {
    page.int(8);
    page.stamp(elementStamp(value));
  } else writeTtl(page, elementEnd_ms(value), now_ms);
}
