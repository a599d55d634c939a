import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CqlError } from '../../errors.ts';
import { parseTerm } from '../../language/parse.ts';
import { type FindsType, parseStoredType, resolveType } from '../../schema/type-syntax.ts';
import { Native } from '../data-type.ts';
import type { FunctionEnvironment } from '../function.ts';
import { findFunctions } from '../functions/all.ts';
import { jsonText } from '../text.ts';
import { UNSET } from '../value.ts';
import { makeExpression } from './make-expression.ts';

/** Of a type, a term for a column `c` of it: the value as JSON, or the error, that Apache Cassandra 5.0.2 gives. */
const VECTORS = JSON.parse(readFileSync(new URL('../testdata/terms.json', import.meta.url), 'utf8')) as [
  type: string,
  term: string,
  expected: string | null | { readonly error: string; readonly code: number },
][];

const findType: FindsType = (keyspace, name) =>
  name === 'address'
    ? {
        keyspace,
        name,
        fields: [
          { name: 'street', type: Native.text },
          { name: 'zip', type: Native.int },
        ],
      }
    : undefined;

const environment: FunctionEnvironment = {
  now_ms: 0,
  timeUuid: () => Buffer.from('123e4567e89b12d3a456426614174000', 'hex'),
  randomUuid: () => Buffer.from('123e4567e89b42d3a456426614174000', 'hex'),
};

function evaluate(typeText: string, term: string): unknown {
  const type = parseStoredType(typeText, 'ks', findType);
  try {
    const expression = makeExpression(parseTerm(term), {
      isSelection: false,
      resolveType: (syntax) => resolveType(syntax, 'ks', findType),
      functions: (keyspace, name) => findFunctions(keyspace, name, [Native.int]),
      isAggregate: (_keyspace, name) => name === 'max',
      settleMarker: () => expect.unreachable('there are no markers'),
    });
    const value = expression
      .prepare({ keyspace: 'ks', table: 't', name: 'c', type })
      .evaluate({ bound: [], environment });
    if (value === UNSET) return 'unset';
    // An empty collection is none where elements are cells of their own.
    if (value === null || (/^(list|set|map)/.test(typeText) && value.readInt32BE(0) === 0)) return null;
    const text = jsonText(type, value);
    return text === 'null' ? null : text;
  } catch (error) {
    if (!(error instanceof CqlError)) throw error;
    return { error: error.message.replace(/ \((known type signatures|can be matched by).*/s, ''), code: error.code };
  }
}

test.each(VECTORS)('%s: %s', (type, term, expected) => {
  expect(evaluate(type, term)).toEqual(expected === 'null' ? null : expected);
});
