import { expect, test } from 'vitest';
import { parse } from '../../language/parse.ts';
import { resolveType } from '../../schema/type-syntax.ts';
import { type DataType, listOf, Native, setOf, tupleOf } from '../data-type.ts';
import { findFunctions } from '../functions/all.ts';
import { literalText } from '../text.ts';
import { timeUuidOf } from '../time-uuid.ts';
import { type Receiver, UNSET, type Value } from '../value.ts';
import { makeExpression } from './make-expression.ts';

const NOW_MS = 1_296_705_906_789;

/** The term is what is inserted into a column `c` of the type; markers are settled in `markers`. */
function evaluate(type: DataType, term: string, bound: readonly Value[] = [], markers: Receiver[] = []): string {
  const { statement } = parse(`INSERT INTO t (c) VALUES (${term})`);
  if (statement.kind !== 'insert') return expect.unreachable('it is an INSERT');
  const [node] = statement.values;
  if (node === undefined) return expect.unreachable('it has a value');
  const value = makeExpression(node, {
    isSelection: false,
    resolveType: (syntax) => resolveType(syntax, 'ks', () => undefined),
    functions: (keyspace, name) => findFunctions(keyspace, name),
    isAggregate: () => false,
    settleMarker: (index, receiver) => {
      markers[index] = receiver;
    },
  })
    .prepare({ keyspace: 'ks', table: 't', name: 'c', type })
    .evaluate({
      bound,
      environment: {
        now_ms: NOW_MS,
        timeUuid: () => timeUuidOf(BigInt(NOW_MS) * 10_000n, Buffer.alloc(8, 1)),
        randomUuid: () => Buffer.alloc(16, 0x44),
      },
    });
  return value === UNSET ? 'UNSET' : literalText(type, value);
}

function int(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value, 0);
  return bytes;
}

test('a marker gives its value, null, or nothing at all', () => {
  expect(evaluate(Native.int, '?', [int(5)])).toBe('5');
  expect(evaluate(Native.int, '?', [null])).toBe('null');
  expect(evaluate(Native.int, '?', [UNSET])).toBe('UNSET');
  expect(() => evaluate(Native.int, '?', [Buffer.alloc(3)])).toThrow('Expected 4 or 0 byte int (3)');
  expect(() => evaluate(Native.int, '?', [])).toThrow('Missing value for bind variable 0');
});

test('elements of a bound set are put in order, once each', () => {
  const bytes = Buffer.concat([int(3), ...[2, 1, 2].flatMap((value) => [int(4), int(value)])]);
  expect(evaluate(setOf(Native.int, true), '?', [bytes])).toBe('{1, 2}');
  const within = Buffer.concat([int(1), int(bytes.length), bytes]);
  expect(evaluate(listOf(setOf(Native.int, true)), '?', [within])).toBe('[{1, 2}]');
});

test('markers in tuples and calls know what they are for', () => {
  const markers: Receiver[] = [];
  const type = tupleOf(Native.int, Native.text);
  expect(evaluate(type, '(?, ?)', [int(5), Buffer.from('x')], markers)).toBe("(5, 'x')");
  expect(markers.map(({ name }) => name)).toEqual(['c[0]', 'c[1]']);
  expect(evaluate(Native.int, 'blob_as_int(?)', [int(7)], markers)).toBe('7');
  expect(markers[0]).toMatchObject({ name: 'arg0(system.blob_as_int)', type: Native.blob });
});

test('what is not set cannot be a part of a value or an argument', () => {
  expect(() => evaluate(tupleOf(Native.int, Native.text), '(?, ?)', [int(5), UNSET])).toThrow(
    'Invalid unset value for tuple field number 1',
  );
  expect(() => evaluate(Native.int, 'blob_as_int(?)', [UNSET])).toThrow(
    'Invalid unset value for argument in call to function blob_as_int',
  );
  expect(() => evaluate(listOf(Native.int), '[?]', [int(5)])).toThrow(
    'Invalid list literal for c: bind variables are not supported inside collection literals',
  );
});

test('an operation with a marker needs a type hint', () => {
  expect(() => evaluate(Native.int, '? + 1', [int(5)])).toThrow(
    "Ambiguous '+' operation with args ? and 1: use type hint to disambiguate, example '(int) ?'",
  );
  expect(evaluate(Native.int, '(int)? + 1', [int(5)])).toBe('6');
});

test.each([
  ['now()', Native.timeuuid, 'c9072950-2f4a-11e0-0101-010101010101'],
  ['current_timeuuid()', Native.timeuuid, 'c9072950-2f4a-11e0-0101-010101010101'],
  ['to_timestamp(now())', Native.timestamp, "'2011-02-03T04:05:06.789Z'"],
  ['currentTimestamp()', Native.timestamp, "'2011-02-03T04:05:06.789Z'"],
  ['current_date()', Native.date, "'2011-02-03'"],
  ['currentTime()', Native.time, "'04:05:06.789000000'"],
  ['uuid()', Native.uuid, '44444444-4444-4444-4444-444444444444'],
  ['current_timestamp() + 1d', Native.timestamp, "'2011-02-04T04:05:06.789Z'"],
  ['dateOf(now())', Native.timestamp, "'2011-02-03T04:05:06.789Z'"],
  ['unixTimestampOf(now())', Native.bigint, String(NOW_MS)],
] as const)('%s is of the time of the execution', (term, type, expected) => {
  expect(evaluate(type, term)).toBe(expected);
});
