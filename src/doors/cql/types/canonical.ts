/** One form for equal values: elements of sets and keys of maps in their order and once each. */
import { compareValues } from './compare.ts';
import {
  fieldTypes,
  packCollection,
  packFields,
  packVector,
  splitCollection,
  splitFields,
  splitVector,
} from './composite.ts';
import { type DataType, fixedLength } from './data-type.ts';

/** The value itself where it is in that form already. `bytes` are valid for the type. */
export function canonicalValue(type: DataType, bytes: Buffer): Buffer {
  return type.kind === 'native' || !hasSets(type) ? bytes : canonical(type, bytes);
}

function canonical(type: DataType, bytes: Buffer): Buffer {
  switch (type.kind) {
    case 'native':
      return bytes;
    case 'list': {
      const parts = splitCollection(bytes);
      return packCollection(
        parts.length,
        parts.map((part) => canonicalValue(type.element, part)),
      );
    }
    case 'set':
      return packSet(
        type.element,
        splitCollection(bytes).map((part) => canonicalValue(type.element, part)),
      );
    case 'map': {
      const parts = splitCollection(bytes, 2);
      const entries: [Buffer, Buffer][] = [];
      for (let i = 0; i < parts.length; i += 2) {
        entries.push([
          canonicalValue(type.key, parts[i] as Buffer),
          canonicalValue(type.value, parts[i + 1] as Buffer),
        ]);
      }
      return packMap(type.key, entries);
    }
    case 'tuple':
    case 'udt': {
      const types = fieldTypes(type);
      return packFields(
        splitFields(bytes, types.length).map((field, i) =>
          field === null ? null : canonicalValue(types[i] as DataType, field),
        ),
      );
    }
    case 'vector':
      return packVector(
        splitVector(bytes, type).map((part) => canonicalValue(type.element, part)),
        type,
      );
  }
}

/** A set of these elements. */
export function packSet(element: DataType, parts: readonly Buffer[]): Buffer {
  if (isAscending(element, parts)) return packCollection(parts.length, parts);
  const sorted = [...parts].sort((a, b) => compareValues(element, a, b));
  const distinct = sorted.filter((part, i) => i === 0 || compareValues(element, sorted[i - 1] as Buffer, part) !== 0);
  return packCollection(distinct.length, distinct);
}

/** A map of these entries; of entries with one key the last. */
export function packMap(key: DataType, entries: readonly (readonly [Buffer, Buffer])[]): Buffer {
  const keys = entries.map(([entryKey]) => entryKey);
  let kept = entries;
  if (!isAscending(key, keys)) {
    // The sort is stable, so the last of equal keys is the last that was given.
    const sorted = [...entries].sort(([a], [b]) => compareValues(key, a, b));
    kept = sorted.filter(([part], i) => {
      const next = sorted[i + 1];
      return next === undefined || compareValues(key, part, next[0]) !== 0;
    });
  }
  return packCollection(kept.length, kept.flat());
}

function isAscending(type: DataType, parts: readonly Buffer[]): boolean {
  for (let i = 1; i < parts.length; i += 1) {
    if (compareValues(type, parts[i - 1] as Buffer, parts[i] as Buffer) >= 0) return false;
  }
  return true;
}

const setsByType = new WeakMap<DataType, boolean>();

/** Whether there are sets or maps anywhere in it. */
function hasSets(type: DataType): boolean {
  const known = setsByType.get(type);
  if (known !== undefined) return known;
  const found = findSets(type);
  setsByType.set(type, found);
  return found;
}

function findSets(type: DataType): boolean {
  switch (type.kind) {
    case 'native':
      return false;
    case 'set':
    case 'map':
      return true;
    case 'list':
      return findSets(type.element);
    case 'vector':
      return fixedLength(type.element) === undefined && findSets(type.element);
    default:
      return fieldTypes(type).some(findSets);
  }
}
