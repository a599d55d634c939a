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
  score,
  some,
  someOf,
  step,
  type Word,
  word,
} from './family.test-support.ts';

const bound: fc.Arbitrary<Word> = fc
  .tuple(fc.constantFrom('', '', '('), score)
  .map(([open, number]) => `${open}${number as string}`);

const memberBound: fc.Arbitrary<Word> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom('[', '('), fc.constantFrom('a', 'b', 'c', 'd', 'e', 'g', '', '1', 'zz'))
      .map((parts) => parts.join('')),
  },
  { weight: 2, arbitrary: fc.constantFrom('-', '+') },
  { weight: 1, arbitrary: fc.constantFrom('a', '', '--', '+1') },
);

/** Keys whose members all have the score 0: ranges of members mean something only there. */
const evenKey = fc.constantFrom('{t}even1', '{t}even2');
const evenMember = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', '', 'aa', 'zz', '1');

const withScores = maybe('WITHSCORES');
const limit = maybe('LIMIT', integer, integer);
const weights = maybe('WEIGHTS', some(score, 1, 3));
const aggregate = maybe('AGGREGATE', word('SUM', 'MIN', 'MAX'));

export const sortedSetFamily: Family = {
  name: 'sorted set',
  steps: mix(
    [16, step(command('ZADD', key, someOf(1, 5, score, member)))],
    [
      6,
      step(
        command(
          'ZADD',
          key,
          maybe(word('NX', 'XX')),
          maybe(word('GT', 'LT')),
          maybe('CH'),
          maybe('INCR'),
          someOf(1, 2, score, member),
        ),
        Compare.numeric,
      ),
    ],
    [8, step(command('ZADD', evenKey, someOf(1, 4, fc.constant('0'), evenMember)))],
    [4, step(command('ZREM', key, some(member, 1, 3)))],
    [3, step(command('ZINCRBY', key, score, member), Compare.numeric)],
    [3, step(command('ZSCORE', key, member), Compare.numeric)],
    [2, step(command('ZMSCORE', key, some(member, 1, 4)), Compare.numeric)],
    [2, step(command('ZCARD', key))],
    [4, step(command(word('ZRANK', 'ZREVRANK'), key, member))],
    [3, step(command('ZCOUNT', key, bound, bound))],
    [3, step(command('ZLEXCOUNT', evenKey, memberBound, memberBound))],
    [4, step(command('ZRANGE', key, '0', '-1', withScores), Compare.numeric)],
    [4, step(command(word('ZRANGE', 'ZREVRANGE'), key, integer, integer, withScores), Compare.numeric)],
    [
      4,
      step(command(word('ZRANGEBYSCORE', 'ZREVRANGEBYSCORE'), key, bound, bound, withScores, limit), Compare.numeric),
    ],
    [4, step(command(word('ZRANGEBYLEX', 'ZREVRANGEBYLEX'), evenKey, memberBound, memberBound, limit))],
    [4, step(command('ZRANGE', key, bound, bound, 'BYSCORE', maybe('REV'), limit, withScores), Compare.numeric)],
    [4, step(command('ZRANGE', evenKey, memberBound, memberBound, 'BYLEX', maybe('REV'), limit, maybe('WITHSCORES')))],
    [
      2,
      step(
        command('ZRANGE', key, integer, integer, maybe('REV'), limit, maybe(word('BYSCORE', 'BYLEX'))),
        Compare.numeric,
      ),
    ],
    [2, step(command('ZRANGESTORE', key, key, integer, integer, maybe('REV')))],
    [2, step(command('ZRANGESTORE', key, key, bound, bound, 'BYSCORE', maybe('REV'), limit, maybe('WITHSCORES')))],
    [2, step(command('ZRANGESTORE', evenKey, evenKey, memberBound, memberBound, 'BYLEX', maybe('REV'), limit))],
    [2, step(command('ZREMRANGEBYRANK', key, integer, integer))],
    [2, step(command('ZREMRANGEBYSCORE', key, bound, bound))],
    [2, step(command('ZREMRANGEBYLEX', evenKey, memberBound, memberBound))],
    [3, step(command(word('ZPOPMIN', 'ZPOPMAX'), key, maybe(count)), Compare.numeric)],
    [3, step(command('ZMPOP', countedKeys, word('MIN', 'MAX'), maybe('COUNT', count)), Compare.numeric)],
    [4, step(command(word('ZUNION', 'ZINTER'), countedKeys, weights, aggregate, withScores), Compare.numeric)],
    [2, step(command('ZDIFF', countedKeys, withScores), Compare.numeric)],
    [4, step(command(word('ZUNIONSTORE', 'ZINTERSTORE'), key, countedKeys, weights, aggregate))],
    [2, step(command('ZDIFFSTORE', key, countedKeys, maybe('WITHSCORES')))],
    [2, step(command('ZINTERCARD', countedKeys, maybe('LIMIT', count)))],
    [1, step(command('ZRANDMEMBER', key), Compare.shape)],
    [2, step(command('ZRANDMEMBER', key, integer, withScores).filter(isSmall), Compare.shape)],
    [
      2,
      step(
        command('ZSCAN', key, '0', 'COUNT', '1000', maybe('MATCH', fc.constantFrom('*', 'a*', '[a-c]'))),
        Compare.scanPairs,
      ),
    ],
    [1, step(command('OBJECT', 'ENCODING', key))],
    [1, step(command('SADD', key, some(member, 1, 3)))],
  ),
  normalize: (each, reply) => {
    // WITHSCORE came with Redis 7.2.
    if (String(each.words[0]).toUpperCase().endsWith('RANK') && each.words.length > 3) return '';
    return reply;
  },
};
