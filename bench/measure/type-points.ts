/**
 * Points of load on collections, many keys, many connections and large values: `npm run bench:redis -- --suite=types`.
 *
 * 1,000 collections of 200 members each (too many for one packed value), filled before the first point, and a sorted set of 1,000,000 members.
 */
import { KEY, MEMBER, type RequestShape, SCORE, valueText } from '../load/requests.ts';
import type { Point } from './points.ts';

const COLLECTIONS = 1_000;
const MEMBERS = 200;
const LARGE_MEMBERS = 1_000_000;
const LARGE = 'large:zset';
const VALUE = valueText(64);
/** Keys of the rows about large values: enough to differ, few enough for the disk. */
const LARGE_VALUES = 20;

function point(
  name: string,
  title: string,
  isWrite: boolean,
  command: readonly string[],
  expects: RequestShape['expects'],
  more: Partial<Point> & { readonly members?: number; readonly hotKey?: string } = {},
): Point {
  const { members = MEMBERS, hotKey, ...rest } = more;
  const shape = hotKey === undefined ? { command, expects, members } : { command, expects, members, hotKey };
  return { name, title, isWrite, shape, clients: 50, pipeline: 1, keyCount: COLLECTIONS, ...rest };
}

const hash = `h:{${KEY}}`;
const list = `l:{${KEY}}`;
const set = `s:{${KEY}}`;
const sorted = `z:{${KEY}}`;
const many = Array.from({ length: 10 }, (_, i) => `${i}:{${KEY}}`);
const onLarge = { members: LARGE_MEMBERS, hotKey: LARGE };

/** What the points need: sent once for every member of every key. */
export const TYPE_FILLS: readonly Point[] = [
  point('fill', '', true, ['HSET', hash, MEMBER, VALUE], ':', { pipeline: 16 }),
  point('fill', '', true, ['RPUSH', list, VALUE], ':', { pipeline: 16 }),
  point('fill', '', true, ['SADD', set, MEMBER], ':', { pipeline: 16 }),
  point('fill', '', true, ['ZADD', sorted, SCORE, MEMBER], ':', { pipeline: 16 }),
  point('fill', '', true, ['MSET', ...many.flatMap((key) => [key, VALUE])], '+', { members: 1 }),
  point('fill', '', true, ['ZADD', LARGE, SCORE, MEMBER], ':', { ...onLarge, pipeline: 16 }),
];

function value(bytes: number, text: string, clients: number): Point[] {
  const key = `${text}:{${KEY}}`;
  const more = { clients, members: 1, keyCount: LARGE_VALUES };
  return [
    point(`value-${text}-set`, `SET of ${text}, ${clients}`, true, ['SET', key, valueText(bytes)], '+', more),
    point(`value-${text}-get`, `GET of ${text}, ${clients}`, false, ['GET', key], '$', more),
  ];
}

/** Reads come first: behind writes they would pay for what is still to be flushed of those. */
export const TYPE_POINTS: readonly Point[] = [
  point('hget', 'HGET, 50', false, ['HGET', hash, MEMBER], '$'),
  point('lrange', 'LRANGE of 10, 50', false, ['LRANGE', list, '0', '9'], '*'),
  point('sismember', 'SISMEMBER, 50', false, ['SISMEMBER', set, MEMBER], ':'),
  point('zrange', 'ZRANGE of 10, 50', false, ['ZRANGE', sorted, '0', '9', 'WITHSCORES'], '*'),
  point('mget-10', 'MGET of 10, 50', false, ['MGET', ...many], '*', { members: 1 }),
  point('large-zrank', 'ZRANK among 1,000,000, 50', false, ['ZRANK', LARGE, MEMBER], ':', onLarge),
  point(
    'large-zrange',
    'ZRANGE of 10 by rank among 1,000,000, 50',
    false,
    ['ZRANGE', LARGE, '500000', '500009'],
    '*',
    onLarge,
  ),
  point('hset', 'HSET, 50', true, ['HSET', hash, MEMBER, VALUE], ':'),
  point('lpush', 'LPUSH, 50', true, ['LPUSH', list, VALUE], ':'),
  // Out of so many that nearly all are new: adding a member that is there writes nothing.
  point('sadd', 'SADD, 50', true, ['SADD', set, MEMBER], ':', { members: 1_000_000_000 }),
  point('zadd', 'ZADD, 50', true, ['ZADD', sorted, SCORE, MEMBER], ':'),
  point('zadd-p16', 'ZADD, 50, pipeline 16', true, ['ZADD', sorted, SCORE, MEMBER], ':', { pipeline: 16 }),
  point('large-zadd', 'ZADD to 1,000,000 members, 50', true, ['ZADD', LARGE, SCORE, MEMBER], ':', onLarge),
  point('large-zincrby', 'ZINCRBY among 1,000,000, 50', true, ['ZINCRBY', LARGE, '1', MEMBER], '$', onLarge),
  point('connections-set', 'SET, 1,000 connections', true, ['SET', KEY, VALUE], '+', { clients: 1_000, members: 1 }),
  point('connections-get', 'GET, 1,000 connections', false, ['GET', KEY], '$', { clients: 1_000, members: 1 }),
  ...value(1_024, '1KB', 50),
  ...value(100 * 1_024, '100KB', 16),
  ...value(10 * 1_024 * 1_024, '10MB', 4),
];
