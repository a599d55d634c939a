import fc from 'fast-check';
import {
  Compare,
  command,
  count,
  type Family,
  integer,
  isSmall,
  key,
  maybe,
  member,
  mix,
  some,
  someOf,
  step,
  value,
  word,
} from './family.test-support.ts';

const float = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -50, max: 50 }).map((number) => String(number / 4)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'inf',
      '-inf',
      'nan',
      'x',
      '',
      '1e3',
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

const floatField = fc.constantFrom('float1', 'float2');

export const hashFamily: Family = {
  name: 'hash',
  steps: mix(
    [12, step(command('HSET', key, someOf(1, 4, member, value)))],
    [2, step(command('HMSET', key, someOf(1, 3, member, value)))],
    [2, step(command('HSETNX', key, member, value))],
    [4, step(command('HDEL', key, some(member, 1, 4)))],
    [4, step(command('HGET', key, member))],
    [3, step(command('HMGET', key, some(member, 1, 4)))],
    [2, step(command(word('HEXISTS', 'HSTRLEN'), key, member))],
    [2, step(command('HLEN', key))],
    [3, step(command('HGETALL', key), Compare.pairs)],
    [2, step(command(word('HKEYS', 'HVALS'), key), Compare.unordered)],
    [3, step(command('HINCRBY', key, member, integer))],
    [3, step(command('HINCRBYFLOAT', key, fc.oneof(floatField, member), float))],
    [2, step(command('HSET', key, floatField, float))],
    [1, step(command('HRANDFIELD', key), Compare.shape)],
    [2, step(command('HRANDFIELD', key, integer, maybe('WITHVALUES')).filter(isSmall), Compare.shape)],
    [
      2,
      step(
        command('HSCAN', key, '0', 'COUNT', '1000', maybe('MATCH', fc.constantFrom('*', 'a*', '[a-c]', '?'))),
        Compare.scanPairs,
      ),
    ],
    [1, step(command('HSCAN', key, fc.constantFrom('x', '18446744073709551616'), maybe('COUNT', count)))],
    [
      1,
      step(
        command('HSCAN', key, '0', 'COUNT', fc.constantFrom('0', '-1', 'x', '100'), maybe('FOO')),
        Compare.scanPairs,
      ),
    ],
    [1, step(command('OBJECT', 'ENCODING', key))],
  ),
};
