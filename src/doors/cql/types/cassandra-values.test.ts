import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseStoredType } from '../schema/type-syntax.ts';
import { compareValues } from './compare.ts';
import { encodeText } from './constant.ts';
import { type DataType, listOf, Native, type NativeName } from './data-type.ts';
import { encodeJson } from './from-json.ts';
import { mathFunctions } from './functions/math.ts';
import { parseJson } from './json.ts';
import { encodeKeyPart } from './key-format.ts';
import { encodeNumber, isNumeric, type NumericName, operandOf, operate } from './number-arithmetic.ts';
import { jsonText, literalText } from './text.ts';
import { validate } from './validate.ts';

/** What the types of Apache Cassandra 5.0.2 answer to random values; errors with `!` before them. */
const VECTORS = JSON.parse(readFileSync(new URL('testdata/values.json', import.meta.url), 'utf8')) as string[][];

const fields = [
  { name: 'street', type: Native.text },
  { name: 'Zip', type: Native.int },
  { name: 'tags', type: listOf(Native.text, true) },
];

function typeOf(text: string): DataType {
  return parseStoredType(text, 'ks', (keyspace, name) => ({ keyspace, name, fields }));
}

function answer([question, typeName = '', ...rest]: readonly string[]): string {
  if (question === 'num') return arithmetic(typeName, rest);
  const type = typeOf(typeName);
  const [first = '', second = ''] = rest;
  const bytes = Buffer.from(first, 'hex');
  switch (question) {
    case 'validate':
      validate(type, bytes);
      return 'ok';
    case 'compare': {
      const other = Buffer.from(second, 'hex');
      const order = Math.sign(compareValues(type, bytes, other));
      if (order !== 0) expect(encodeKeyPart(type, bytes) < encodeKeyPart(type, other)).toBe(order < 0);
      return String(order);
    }
    case 'literal':
      return literalText(type, bytes).replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
    case 'tojson':
      return jsonText(type, bytes).replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
    case 'parse':
      return encodeText(typeName as NativeName, first).toString('hex');
    case 'fromjson':
      return encodeJson(type, parseJson(first))?.toString('hex') ?? 'null';
    default:
      return expect.unreachable(`no question ${question}`);
  }
}

function arithmetic(result: string, [name = '', left = '', a = '', right = '', b = '']: readonly string[]): string {
  if (right === '') {
    const math = mathFunctions().find((each) => each.name === name && each.argumentTypes[0] === typeOf(left));
    return math?.run([Buffer.from(a, 'hex')], { now_ms: 0, timeUuid: never, randomUuid: never })?.toString('hex') ?? '';
  }
  const number = (type: string, hex: string) =>
    operandOf(result as NumericName, type as NumericName, Buffer.from(hex, 'hex'));
  if (!isNumeric(result)) expect.unreachable('arithmetic has numbers for results');
  const operator = name as '+';
  return encodeNumber(
    result as NumericName,
    operate(result as NumericName, operator, number(left, a), number(right, b)),
  ).toString('hex');
}

function never(): never {
  return expect.unreachable('mathematics needs no uuid');
}

test.each(VECTORS.map((vector) => [vector.slice(0, -1), vector.at(-1)] as const))('%j is %s', (question, expected) => {
  let given: string;
  try {
    given = answer(question);
  } catch (error) {
    given = `!${(error as Error).message}`;
  }
  expect(given).toBe(expected);
});
