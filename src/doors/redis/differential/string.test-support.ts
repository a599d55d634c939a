import fc from 'fast-check';
import {
  Compare,
  command,
  type Family,
  integer,
  key,
  maybe,
  mix,
  some,
  someOf,
  step,
  value,
  word,
} from './family.test-support.ts';

const amount = fc.oneof(integer, fc.integer({ min: -100, max: 100 }).map(String));
const float = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -50, max: 50 }).map((number) => String(number / 4)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'inf',
      'nan',
      'x',
      '',
      '0.1',
      '0.2',
      '1e-5',
      '-1e-17',
      '123456789.123456789',
      ' 1',
      '3.0',
    ),
  },
);
/** Apart from the others: OBJECT ENCODING of a whole number that INCRBYFLOAT made is int here and embstr in Redis. */
const floatKey = fc.constantFrom('{t}float1', '{t}float2');
const offset = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: -8, max: 40 }).map(String) },
  { weight: 1, arbitrary: fc.constantFrom('x', '', '9223372036854775807', '-9223372036854775808') },
);
/** Where zero bytes are filled in, a large number would be a large string. */
const writeOffset = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: -2, max: 100 }).map(String) },
  { weight: 1, arbitrary: fc.constantFrom('x', '536870912', '9223372036854775807') },
);
const expiry = fc.oneof(
  {
    weight: 4,
    arbitrary: command(
      word('EX', 'EXAT'),
      fc.constantFrom('33177117420', '100', '0', '-1', 'x', '9223372036854775807'),
    ),
  },
  {
    weight: 2,
    arbitrary: command(word('PX', 'PXAT'), fc.constantFrom('33177117420000', '0', '-1', 'x')),
  },
  { weight: 2, arbitrary: command(word('KEEPTTL', 'PERSIST')) },
);

export const stringFamily: Family = {
  name: 'string',
  steps: mix(
    [8, step(command('SET', key, value))],
    [6, step(command('SET', key, value, maybe(word('NX', 'XX')), maybe('GET'), maybe(expiry)))],
    [
      3,
      step(
        command(word('SETEX', 'PSETEX'), key, fc.constantFrom('100000', '0', '-1', 'x', '9223372036854775807'), value),
      ),
    ],
    [2, step(command('SETNX', key, value))],
    [4, step(command(word('GET', 'STRLEN', 'GETDEL'), key))],
    [3, step(command('GETEX', key, maybe(expiry)))],
    [2, step(command('GETSET', key, value))],
    [3, step(command('APPEND', key, value))],
    [3, step(command(word('GETRANGE', 'SUBSTR'), key, offset, offset))],
    [3, step(command('SETRANGE', key, writeOffset, value))],
    [3, step(command(word('INCR', 'DECR'), key))],
    [4, step(command(word('INCRBY', 'DECRBY'), key, amount))],
    [3, step(command('INCRBYFLOAT', floatKey, fc.oneof(float, amount)))],
    [2, step(command('SET', floatKey, float))],
    [3, step(command('MGET', some(key, 1, 4)))],
    [3, step(command(word('MSET', 'MSETNX'), someOf(1, 3, key, value)))],
    [4, step(command('LCS', key, key, maybe(word('LEN', 'IDX')), maybe('MINMATCHLEN', amount), maybe('WITHMATCHLEN')))],
    [2, step(command(word('TTL', 'EXPIRETIME'), key), Compare.near)],
    [2, step(command('OBJECT', 'ENCODING', key))],
    [1, step(command('DEL', some(key, 1, 2)))],
  ),
};
