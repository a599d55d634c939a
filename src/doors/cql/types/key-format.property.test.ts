import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareValues } from './compare.ts';
import { packCollection, packFields, packVector } from './composite.ts';
import { type DataType, listOf, mapOf, Native, setOf, tupleOf, type VectorDataType } from './data-type.ts';
import { encodeKeyPart, invert, KeyReader } from './key-format.ts';
import { encodeDecimal, encodeVarint } from './numbers.ts';
import { validate } from './validate.ts';

const bytesOf = (length: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => Buffer.from(bytes));
const texts = fc
  .oneof(fc.string({ unit: 'binary', maxLength: 6 }), fc.constantFrom('', 'a', 'a\0', 'a\0b', 'ab'))
  .map((text) => Buffer.from(text));
const blobs = fc.array(fc.constantFrom(0, 1, 2, 254, 255), { maxLength: 6 }).map((bytes) => Buffer.from(bytes));
const ints = fc.oneof(fc.integer(), fc.constantFrom(0, 1, -1)).map((value) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value, 0);
  return bytes;
});
const varints = fc
  .oneof(fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }), fc.bigInt({ min: -300n, max: 300n }))
  .map(encodeVarint);
const decimals = fc
  .record({
    unscaled: fc.oneof(fc.bigInt({ min: -20_000n, max: 20_000n }), fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n })),
    scale: fc.integer({ min: -6, max: 9 }),
  })
  .map(encodeDecimal);
const doubles = fc.oneof(fc.double(), fc.constantFrom(0, -0, Number.NaN, Infinity, -Infinity, 1, -1)).map((value) => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value, 0);
  return bytes;
});
const timeUuids = bytesOf(16).map((bytes) => {
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x10;
  return bytes;
});
const uuids = fc.oneof(timeUuids, bytesOf(16));
const floats = fc.oneof(fc.float(), fc.constantFrom(0, -0, Number.NaN, Infinity, -Infinity, 1, -1)).map((value) => {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatBE(value, 0);
  return bytes;
});
const booleans = fc.constantFrom(Buffer.of(0), Buffer.of(1));
const orEmpty = (values: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> =>
  fc.oneof({ weight: 5, arbitrary: values }, { weight: 1, arbitrary: fc.constant(Buffer.alloc(0)) });
const address: DataType = {
  kind: 'udt',
  keyspace: 'ks',
  name: 'address',
  fields: [
    { name: 'street', type: Native.text },
    { name: 'codes', type: listOf(Native.varint, true) },
  ],
  frozen: true,
};
const listsOfVarints = fc.array(varints, { maxLength: 3 }).map((items) => packCollection(items.length, items));
const floatVector: VectorDataType = { kind: 'vector', element: Native.float, dimensions: 2 };
const textVector: VectorDataType = { kind: 'vector', element: Native.text, dimensions: 2 };

const CASES: readonly (readonly [string, DataType, fc.Arbitrary<Buffer>])[] = [
  ['text', Native.text, texts],
  ['blob', Native.blob, blobs],
  ['int', Native.int, ints],
  ['bigint', Native.bigint, bytesOf(8)],
  ['smallint', Native.smallint, bytesOf(2)],
  ['date', Native.date, bytesOf(4)],
  ['double', Native.double, doubles],
  ['varint', Native.varint, varints],
  ['decimal', Native.decimal, decimals],
  ['uuid', Native.uuid, uuids],
  ['timeuuid', Native.timeuuid, timeUuids],
  ['inet', Native.inet, fc.oneof(bytesOf(4), bytesOf(16))],
  [
    'list of texts',
    listOf(Native.text, true),
    fc.array(texts, { maxLength: 3 }).map((items) => packCollection(items.length, items)),
  ],
  [
    'set of ints',
    setOf(Native.int, true),
    fc.array(ints, { maxLength: 3 }).map((items) => packCollection(items.length, items)),
  ],
  [
    'map',
    mapOf(Native.text, Native.int, true),
    fc.array(fc.tuple(texts, ints), { maxLength: 2 }).map((entries) => packCollection(entries.length, entries.flat())),
  ],
  ['empty or int', Native.int, orEmpty(ints)],
  ['empty or decimal', Native.decimal, orEmpty(decimals)],
  ['empty or timeuuid', Native.timeuuid, orEmpty(timeUuids)],
  ['ascii', Native.ascii, fc.string({ maxLength: 40 }).map((text) => Buffer.from(text, 'latin1'))],
  ['boolean', Native.boolean, orEmpty(booleans)],
  ['float', Native.float, floats],
  ['time', Native.time, bytesOf(8)],
  ['timestamp', Native.timestamp, orEmpty(bytesOf(8))],
  ['tinyint', Native.tinyint, bytesOf(1)],
  ['user type', address, fc.tuple(fc.option(texts), fc.option(listsOfVarints)).map(packFields)],
  ['vector of floats', floatVector, fc.tuple(floats, floats).map((parts) => packVector(parts, floatVector))],
  ['vector of texts', textVector, fc.tuple(texts, texts).map((parts) => packVector(parts, textVector))],
  ['tuple', tupleOf(Native.text, Native.int), fc.tuple(fc.option(texts), fc.option(ints)).map(packFields)],
];

describe.each(CASES)('keys of %s', (_name, type, values) => {
  test('are in the order of the values, both ways', () => {
    fc.assert(
      fc.property(values, values, (a, b) => {
        validate(type, a);
        const x = encodeKeyPart(type, a);
        const y = encodeKeyPart(type, b);
        const order = Math.sign(compareValues(type, a, b));
        const keyOrder = x < y ? -1 : x > y ? 1 : 0;
        // Equal decimals of different scales, and NaNs, are the only values that compare as equal and are two keys.
        if (order !== 0) expect(keyOrder).toBe(order);
        const inverted = invert(x) < invert(y) ? 1 : invert(x) > invert(y) ? -1 : 0;
        expect(inverted).toBe(keyOrder);
      }),
    );
  });

  test('are no beginnings of each other, and give the value back', () => {
    fc.assert(
      fc.property(values, values, fc.boolean(), (a, b, descending) => {
        const [x, y] = [a, b].map((value) =>
          descending ? invert(encodeKeyPart(type, value)) : encodeKeyPart(type, value),
        ) as [string, string];
        if (x !== y) expect(x.startsWith(y)).toBe(false);
        const reader = new KeyReader(`head${x}${y}`, 4);
        for (const [value, key] of [
          [a, x],
          [b, y],
        ] as const) {
          const back = reader.value(type, descending);
          expect(back).toEqual(value);
          expect(key.length).toBeGreaterThan(0);
        }
        expect(reader.isAtEnd).toBe(true);
      }),
    );
  });
});
