import { expect, test } from 'vitest';
import { className, typeOfClass } from './class-name.ts';
import { type DataType, listOf, mapOf, Native, sameType, setOf, tupleOf } from './data-type.ts';

const address: DataType = {
  kind: 'udt',
  keyspace: 'ks',
  name: 'address',
  fields: [
    { name: 'street', type: Native.text },
    { name: 'Zip', type: Native.int },
    { name: 'tags', type: listOf(Native.text, true) },
  ],
  frozen: false,
};

/** By Apache Cassandra 5.0. */
const NAMES: readonly (readonly [DataType, string])[] = [
  [Native.text, '{UTF8Type}'],
  [tupleOf(Native.int, Native.text), '{TupleType}({Int32Type},{UTF8Type})'],
  [listOf(Native.int, true), '{FrozenType}({ListType}({Int32Type}))'],
  [setOf(Native.uuid), '{SetType}({UUIDType})'],
  [mapOf(Native.text, listOf(Native.int, true), true), '{FrozenType}({MapType}({UTF8Type},{ListType}({Int32Type})))'],
  [{ kind: 'vector', element: Native.float, dimensions: 3 }, '{VectorType}({FloatType} , 3)'],
  [
    address,
    '{UserType}(ks,61646472657373,737472656574:{UTF8Type},5a6970:{Int32Type},74616773:{FrozenType}({ListType}({UTF8Type})))',
  ],
];

test.each(NAMES)('a type has the name of its class, and is found by it: %#', (type, short) => {
  const name = short.replaceAll(/\{(\w+)\}/g, 'org.apache.cassandra.db.marshal.$1');
  expect(className(type)).toBe(name);
  const back = typeOfClass(name);
  expect(back !== undefined && sameType(back, type)).toBe(true);
});

test('the package may be left out, and what is no type of CQL is none', () => {
  expect(typeOfClass('Int32Type')).toBe(Native.int);
  expect(typeOfClass('ReversedType(LongType)')).toBe(Native.bigint);
  for (const text of [
    '',
    'x',
    'EmptyType',
    'ListType',
    'ListType()',
    'ListType(Int32Type',
    'MapType(Int32Type)',
    'Int32Type)',
  ]) {
    expect(typeOfClass(text)).toBeUndefined();
  }
});
