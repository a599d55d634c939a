import fc from 'fast-check';
import {
  Compare,
  command,
  count,
  countedKeys,
  type Family,
  integer,
  isSmall,
  key,
  maybe,
  member,
  mix,
  some,
  step,
  word,
} from './family.test-support.ts';

export const setFamily: Family = {
  name: 'set',
  steps: mix(
    [14, step(command('SADD', key, some(member, 1, 6)))],
    [4, step(command('SREM', key, some(member, 1, 4)))],
    [3, step(command('SISMEMBER', key, member))],
    [2, step(command('SMISMEMBER', key, some(member, 1, 4)))],
    [2, step(command('SCARD', key))],
    [3, step(command('SMEMBERS', key), Compare.unordered)],
    [3, step(command('SMOVE', key, key, member))],
    [4, step(command(word('SINTER', 'SUNION', 'SDIFF'), some(key, 1, 3)), Compare.unordered)],
    [4, step(command(word('SINTERSTORE', 'SUNIONSTORE', 'SDIFFSTORE'), some(key, 2, 4)))],
    [3, step(command('SINTERCARD', countedKeys, maybe('LIMIT', count)))],
    [1, step(command('SRANDMEMBER', key), Compare.shape)],
    [2, step(command('SRANDMEMBER', key, integer).filter(isSmall), Compare.shape)],
    // What is popped is random, so the rest is removed.
    [1, popAndRemove(command('SPOP', key))],
    [2, popAndRemove(command('SPOP', key, count))],
    [1, popAndRemove(command('SPOP', key, fc.constantFrom('1000', '9223372036854775807')))],
    [
      2,
      step(
        command('SSCAN', key, '0', 'COUNT', '1000', maybe('MATCH', fc.constantFrom('*', 'a*', '[^a-c]', '1?'))),
        Compare.scan,
      ),
    ],
    [1, step(command('SSCAN', key, '0', 'COUNT', fc.constantFrom('0', 'x', '100'), maybe('NOVALUES')), Compare.scan)],
    [1, step(command('OBJECT', 'ENCODING', key))],
  ),
};

function popAndRemove(words: ReturnType<typeof command>): Family['steps'] {
  return words.map((drawn) => [
    { words: drawn, compare: Compare.shape },
    { words: ['SCARD', drawn[1] as string], compare: Compare.exact },
    { words: ['DEL', drawn[1] as string], compare: Compare.nothing },
  ]);
}
