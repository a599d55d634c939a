/**
 * Secondary indexes. An entry stands in the space of its index and in the first slot of the tablet that has the row:
 *
 *   space u32 | slot u16 | indexed value | the row's key from its slot on   ->   u16: where the row's key begins
 *
 * so that all entries of one tablet for one value stand together, in the order of their rows, and change in the transaction of their
 * rows. There is an entry for everything that is stored, expired or not; who reads an index looks at the rows themselves.
 */
import type { ByteKey } from '../../../storage/ordered-store.ts';
import type { Column, Index, Table } from '../schema/model.ts';
import { packFields, splitCollection } from '../types/composite.ts';
import { type DataType, tupleOf } from '../types/data-type.ts';
import { encodeKeyPart } from '../types/key-format.ts';
import type { Predicate } from './commands.ts';
import { boundedPart, SPACE_BYTES, STATIC_AREA, spaceBytes } from './layout.ts';
import type { RowView } from './row-view.ts';
import { tabletHead } from './tablet-keys.ts';

/** Entries by key. */
export type Entries = Map<ByteKey, Buffer>;

/** Adds the entries of the row that the view is at. `isStatic`: it is at a static row, which is in `view.statics`. */
export function addEntries(view: RowView, isStatic: boolean, key: ByteKey, slotFirst: number, into: Entries): void {
  const { table } = view;
  for (const index of table.indexes) {
    const column = table.byName.get(index.column);
    if (column === undefined || (column.kind === 'static') !== isStatic) continue;
    for (const part of indexedParts(view, index, column)) {
      const head = tabletHead(index.space, slotFirst) + part;
      into.set(head + key.slice(SPACE_BYTES), placeBytes(head.length));
    }
  }
}

/** What is before the rows' keys in the entries that `predicate` asks for. */
export function entriesHead(index: Index, predicate: Predicate, slotFirst: number): ByteKey {
  const { column, element } = predicate;
  const value = predicate.values[0] as Buffer;
  const indexed = element === null ? value : packFields([element, value]);
  return tabletHead(index.space, slotFirst) + boundedPart(encodeKeyPart(indexedType(column.type, index), indexed));
}

/** What the keys of the entry's row begin with. */
export function rowOfEntry(table: Table, entry: ByteKey, value: Buffer): ByteKey {
  return spaceBytes(table.space) + entry.slice(value.readUInt16BE(0));
}

export function isStaticRow(key: ByteKey, partition: ByteKey): boolean {
  return key[partition.length] === STATIC_AREA;
}

function placeBytes(place: number): Buffer {
  const bytes = Buffer.allocUnsafe(2);
  bytes.writeUInt16BE(place, 0);
  return bytes;
}

function indexedParts(view: RowView, index: Index, column: Column): string[] {
  const whole = view.value(column);
  if (whole === null) return [];
  const type = indexedType(column.type, index);
  return indexedValues(index, column.type, whole).map((value) => boundedPart(encodeKeyPart(type, value)));
}

function indexedType(type: DataType, index: Index): DataType {
  switch (index.kind) {
    case 'values':
      if (type.kind === 'map') return type.value;
      return type.kind === 'list' || type.kind === 'set' ? type.element : type;
    case 'keys':
      return type.kind === 'map' ? type.key : type;
    case 'entries':
      return type.kind === 'map' ? tupleOf(type.key, type.value) : type;
    default:
      return type;
  }
}

function indexedValues(index: Index, type: DataType, whole: Buffer): Buffer[] {
  if (index.kind === 'simple' || index.kind === 'full') return [whole];
  if (type.kind !== 'map') return splitCollection(whole);
  const parts = splitCollection(whole, 2);
  const values: Buffer[] = [];
  for (let i = 0; i < parts.length; i += 2) {
    const key = parts[i] as Buffer;
    const value = parts[i + 1] as Buffer;
    if (index.kind === 'keys') values.push(key);
    else values.push(index.kind === 'entries' ? packFields([key, value]) : value);
  }
  return values;
}
