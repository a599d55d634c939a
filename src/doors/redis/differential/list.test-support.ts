import {
  command,
  count,
  countedKeys,
  type Family,
  integer,
  key,
  maybe,
  mix,
  some,
  step,
  value,
  word,
} from './family.test-support.ts';

export const listFamily: Family = {
  name: 'list',
  steps: mix(
    [14, step(command(word('LPUSH', 'RPUSH'), key, some(value, 1, 6)))],
    [2, step(command(word('LPUSHX', 'RPUSHX'), key, some(value, 1, 2)))],
    [4, step(command(word('LPOP', 'RPOP'), key, maybe(count)))],
    [2, step(command('LLEN', key))],
    [3, step(command('LINDEX', key, integer))],
    [5, step(command('LRANGE', key, integer, integer))],
    [4, step(command('LRANGE', key, '0', '-1'))],
    [3, step(command('LSET', key, integer, value))],
    [4, step(command('LINSERT', key, word('BEFORE', 'AFTER'), value, value))],
    [3, step(command('LREM', key, integer, value))],
    [2, step(command('LTRIM', key, integer, integer))],
    [4, step(command('LPOS', key, value, maybe('RANK', integer), maybe('COUNT', count), maybe('MAXLEN', count)))],
    [3, step(command('LMPOP', countedKeys, word('LEFT', 'RIGHT'), maybe('COUNT', count)))],
    [4, step(command('LMOVE', key, key, word('LEFT', 'RIGHT'), word('LEFT', 'RIGHT')))],
    [2, step(command('RPOPLPUSH', key, key))],
    [1, step(command('OBJECT', 'ENCODING', key))],
  ),
  normalize: (each, reply) => {
    // Refused since Redis 7.2.
    if (String(each.words[0]).toUpperCase() === 'LPOS' && each.words.includes('-9223372036854775808')) return '';
    return reply;
  },
};
