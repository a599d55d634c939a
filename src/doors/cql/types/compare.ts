/** The order of values of a type, over wire format: that of clustering, of conditions, of min and max, of sets and maps. */
import { unreachable } from '../../../base/assert.ts';
import { fieldTypes, splitCollection, splitFields, splitVector } from './composite.ts';
import type { DataType, NativeName } from './data-type.ts';
import { compareDecimals, decodeDecimal, decodeVarint } from './numbers.ts';

export function compareValues(type: DataType, a: Buffer, b: Buffer): number {
  if (type.kind === 'native') return compareNative(type.name, a, b);
  switch (type.kind) {
    case 'list':
    case 'set':
      return compareParts(splitCollection(a), splitCollection(b), () => type.element);
    case 'map':
      return compareParts(splitCollection(a, 2), splitCollection(b, 2), (i) => (i % 2 === 0 ? type.key : type.value));
    case 'tuple':
    case 'udt': {
      const types = fieldTypes(type);
      const left = splitFields(a, types.length);
      const right = splitFields(b, types.length);
      for (const [i, field] of types.entries()) {
        const x = left[i] ?? null;
        const y = right[i] ?? null;
        const order = x === null || y === null ? Number(x !== null) - Number(y !== null) : compareValues(field, x, y);
        if (order !== 0) return order;
      }
      return 0;
    }
    case 'vector':
      return compareParts(splitVector(a, type), splitVector(b, type), () => type.element);
    default:
      return unreachable('a type has a kind');
  }
}

function compareParts(a: readonly Buffer[], b: readonly Buffer[], typeOf: (i: number) => DataType): number {
  for (let i = 0; i < a.length && i < b.length; i += 1) {
    const order = compareValues(typeOf(i), a[i] as Buffer, b[i] as Buffer);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function compareNative(name: NativeName, a: Buffer, b: Buffer): number {
  if (a.length === 0 || b.length === 0) return a.length - b.length;
  switch (name) {
    case 'text':
    case 'ascii':
    case 'blob':
    case 'inet':
    case 'date':
    case 'time':
    case 'boolean':
      return a.compare(b);
    case 'tinyint':
      return a.readInt8(0) - b.readInt8(0);
    case 'smallint':
      return a.readInt16BE(0) - b.readInt16BE(0);
    case 'int':
      return a.readInt32BE(0) - b.readInt32BE(0);
    case 'bigint':
    case 'counter':
    case 'timestamp': {
      const high = a.readInt32BE(0) - b.readInt32BE(0);
      return high === 0 ? a.readUInt32BE(4) - b.readUInt32BE(4) : high;
    }
    case 'varint': {
      const x = decodeVarint(a);
      const y = decodeVarint(b);
      return x < y ? -1 : x > y ? 1 : 0;
    }
    case 'decimal':
      return compareDecimals(decodeDecimal(a), decodeDecimal(b));
    case 'duration':
      // Durations have no order; equal ones are the same bytes.
      return a.compare(b);
    case 'float':
      return compareNumbers(a.readFloatBE(0), b.readFloatBE(0));
    case 'double':
      return compareNumbers(a.readDoubleBE(0), b.readDoubleBE(0));
    case 'timeuuid':
      return compareTimeUuids(a, b);
    case 'uuid': {
      const version = (a[6] as number) >>> 4;
      const versions = version - ((b[6] as number) >>> 4);
      if (versions !== 0) return versions;
      return version === 1 ? compareTimeUuids(a, b) : a.compare(b);
    }
  }
}

/** -0 before 0, and NaN behind all others. */
function compareNumbers(a: number, b: number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  if (a === b) return a === 0 ? Number(Object.is(b, -0)) - Number(Object.is(a, -0)) : 0;
  return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
}

/** By the time, and then by the rest as signed bytes. */
function compareTimeUuids(a: Buffer, b: Buffer): number {
  const time =
    a.readUInt16BE(6) - b.readUInt16BE(6) ||
    a.readUInt16BE(4) - b.readUInt16BE(4) ||
    a.readUInt32BE(0) - b.readUInt32BE(0);
  if (time !== 0) return time;
  for (let i = 8; i < 16; i += 1) {
    const order = ((a[i] as number) ^ 0x80) - ((b[i] as number) ^ 0x80);
    if (order !== 0) return order;
  }
  return 0;
}
