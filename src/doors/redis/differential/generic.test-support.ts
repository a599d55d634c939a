import fc from 'fast-check';
import {
  Compare,
  command,
  type Family,
  integer,
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

const number = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: -20, max: 20 }).map(String) },
  { weight: 1, arbitrary: fc.constantFrom('1.5', '-2e3', 'x', '', 'inf') },
);
const SET_ONLY = fc.constantFrom('{t}set');
const sortable = fc.constantFrom('{t}a', '{t}b', '{t}list', '{t}list', '{t}set', '{t}sorted');
// Without ALPHA members of a set with equal weights would come in no order.
const sortOptions = command(
  maybe('LIMIT', integer, integer),
  maybe(word('ASC', 'DESC')),
  maybe('ALPHA'),
  maybe('GET', fc.constantFrom('#', '{t}w*', '{t}h*->f', '{t}none*')),
  maybe('BY', fc.constantFrom('{t}w*', '{t}h*->f')),
);

/**
 * Elements whose texts are equal come in no order, and Redis compares texts that it does not store as C strings: those that
 * differ after a zero byte, which only the keys of all values can have, are equal to it.
 */
function hasOrder(words: readonly (string | Buffer)[]): boolean {
  if (!words.includes('ALPHA')) return true;
  const asCStrings = !words.includes('STORE') && (words[1] === '{t}a' || words[1] === '{t}b');
  return !words.includes('BY') && !asCStrings;
}

/** All types by the commands that do not care for the type, and SORT. */
export const genericFamily: Family = {
  name: 'generic',
  steps: mix(
    [4, step(command('RPUSH', '{t}list', some(number, 1, 5)))],
    [3, step(command('SADD', SET_ONLY, some(number, 1, 5)))],
    [3, step(command('ZADD', '{t}sorted', someOf(1, 4, fc.integer({ min: 0, max: 9 }).map(String), number)))],
    [
      3,
      step(
        command(
          'SET',
          fc.integer({ min: -20, max: 20 }).map((each) => `{t}w${each}`),
          number,
        ),
      ),
    ],
    [
      2,
      step(
        command(
          'HSET',
          fc.integer({ min: -20, max: 20 }).map((each) => `{t}h${each}`),
          'f',
          number,
        ),
      ),
    ],
    [1, step(command('DEL', sortable))],
    [10, step(command('SORT', sortable, sortOptions).filter(hasOrder))],
    [3, step(command('SORT_RO', sortable, sortOptions).filter(hasOrder))],
    [
      2,
      step(
        command(
          'SORT',
          fc.constantFrom('{t}list', '{t}sorted'),
          'BY',
          'nosort',
          maybe('DESC'),
          maybe('LIMIT', integer, integer),
          maybe('GET', '#'),
        ),
      ),
    ],
    [3, step(command('SORT', sortable, sortOptions, 'STORE', fc.constantFrom('{t}a', '{t}b')).filter(hasOrder))],
    [2, step(command('LRANGE', key, '0', '-1'))],
    [2, step(command('SADD', key, some(member, 1, 5)))],
    [2, step(command('RPUSH', key, some(value, 1, 5)))],
    [2, step(command('HSET', key, someOf(1, 3, member, value)))],
    [2, step(command('ZADD', key, someOf(1, 3, fc.constantFrom('1', '2', '2.5'), member)))],
    [5, step(command(word('RENAME', 'RENAMENX'), key, key))],
    [5, step(command('COPY', key, key, maybe('REPLACE')))],
    [2, step(command('TYPE', key))],
    [2, step(command(word('DEL', 'UNLINK', 'EXISTS', 'TOUCH'), some(key, 1, 3)))],
    [2, step(command('EXPIRE', key, fc.constantFrom('1000', '2000', '-1')))],
    // Of many times: equal ones would depend on the millisecond.
    [2, step(command('EXPIRE', key, fc.integer({ min: 9, max: 99_999 }).map(String), word('NX', 'XX', 'GT', 'LT')))],
    [2, step(command('TTL', key), Compare.near)],
    [1, step(command('PERSIST', key))],
    [2, step(command('OBJECT', word('ENCODING', 'FREQ'), key))],
    [1, step(command('DUMP', key), Compare.shape)],
    [2, step(command('HGETALL', key), Compare.pairs)],
    [2, step(command('SMEMBERS', key), Compare.unordered)],
    [2, step(command('ZRANGE', key, '0', '-1', 'WITHSCORES'), Compare.numeric)],
  ),
  normalize: (each, reply) => {
    const words = each.words.map((text) => String(text).toUpperCase());
    // A pattern without a star sorts nothing, and a set has no order.
    const by = words[words.indexOf('BY') + 1] ?? '';
    if (words[0]?.startsWith('SORT') === true && words.includes('BY') && !by.includes('*')) return 'in no order';
    return reply;
  },
};
