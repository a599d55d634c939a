import { expect, test } from 'vitest';
import { type DataType, listOf, mapOf, Native, setOf, tupleOf } from './data-type.ts';
import { optionBytes } from './option.ts';

const address: DataType = {
  kind: 'udt',
  keyspace: 'ks',
  name: 'ad',
  fields: [{ name: 'zip', type: Native.int }],
  frozen: true,
};

const string = (text: string): string =>
  `${text.length.toString(16).padStart(4, '0')}${Buffer.from(text).toString('hex')}`;

const OPTIONS: readonly (readonly [DataType, number, string])[] = [
  [Native.int, 3, '0009'],
  [Native.text, 5, '000d'],
  [Native.date, 4, '0011'],
  [Native.date, 3, `0000${string('org.apache.cassandra.db.marshal.SimpleDateType')}`],
  [Native.duration, 5, '0015'],
  [Native.duration, 4, `0000${string('org.apache.cassandra.db.marshal.DurationType')}`],
  [listOf(Native.int, true), 4, '00200009'],
  [setOf(Native.int), 4, '00220009'],
  [mapOf(Native.int, listOf(Native.text, true)), 4, '00210009' + '0020000d'],
  [tupleOf(Native.int, Native.text), 4, '003100020009000d'],
  [address, 4, `0030${string('ks')}${string('ad')}0001${string('zip')}0009`],
  [
    { kind: 'vector', element: Native.float, dimensions: 2 },
    5,
    `0000${string('org.apache.cassandra.db.marshal.VectorType(org.apache.cassandra.db.marshal.FloatType , 2)')}`,
  ],
];

test.each(OPTIONS)('the option of a type: %#', (type, version, hex) => {
  expect(optionBytes(type, version).toString('hex')).toBe(hex);
});
