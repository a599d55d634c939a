/** Lists, sets, sorted sets and hashes. */
import type { HashInput, HashOutput } from '../../linearizability/models/hash-state.ts';
import type { ListInput, ListOutput } from '../../linearizability/models/list.ts';
import type { SetInput, SetOutput } from '../../linearizability/models/set.ts';
import { defineWorkload } from '../workload.ts';
import { integer, textOrNull, texts, yesOrNo } from './replies.ts';

export const listWorkload = defineWorkload<ListInput, ListOutput>({
  name: 'list',
  what: 'RPUSH, LPUSH, LRANGE',
  commands: ['RPUSH', 'LPUSH', 'LRANGE'],
  model: 'list',
  keys: 'hot',

  draw({ prng, token }) {
    if (prng.chance(0.3)) return ['read'];
    return [prng.chance(0.7) ? 'append' : 'prepend', token];
  },

  async perform(session, key, input) {
    if (input[0] === 'read') return texts(await session.command(key, 'LRANGE', key, '0', '-1'));
    return integer(await session.command(key, input[0] === 'append' ? 'RPUSH' : 'LPUSH', key, String(input[1])));
  },

  read: ['read'],
  isWrite: (input) => input[0] !== 'read',
  trace: {
    written: (input) => (input[0] === 'read' ? [] : [String(input[1])]),
    shown: (output) => (Array.isArray(output) ? output : []),
  },
});

export const setWorkload = defineWorkload<SetInput, SetOutput>({
  name: 'set',
  what: 'SADD, SMEMBERS',
  commands: ['SADD', 'SMEMBERS'],
  model: 'set',
  keys: 'hot',
  draw: ({ prng, token }) => (prng.chance(0.7) ? ['add', token] : ['members']),

  async perform(session, key, input) {
    if (input[0] === 'members') return texts(await session.command(key, 'SMEMBERS', key)).sort();
    return yesOrNo(await session.command(key, 'SADD', key, String(input[1])));
  },

  read: ['members'],
  isWrite: (input) => input[0] === 'add',
  trace: {
    written: (input) => (input[0] === 'add' ? [String(input[1])] : []),
    shown: (output) => (Array.isArray(output) ? output : []),
  },
});

/** So few that adding and removing meet. */
const MEMBERS = ['m0', 'm1', 'm2', 'm3', 'm4', 'm5'];

export const sortedSetWorkload = defineWorkload<SetInput, SetOutput>({
  name: 'zset',
  what: 'ZADD, ZREM, ZSCORE, ZRANGE',
  commands: ['ZADD', 'ZREM', 'ZSCORE', 'ZRANGE'],
  model: 'set',
  keys: 'hot',

  draw({ prng }) {
    if (prng.chance(0.2)) return ['members'];
    const member = prng.pick(MEMBERS);
    if (prng.chance(0.2)) return ['contains', member];
    return [prng.chance(0.5) ? 'add' : 'remove', member];
  },

  async perform(session, key, input) {
    const member = String(input[1]);
    switch (input[0]) {
      case 'add':
        return yesOrNo(await session.command(key, 'ZADD', key, member.slice(1), member));
      case 'remove':
        return yesOrNo(await session.command(key, 'ZREM', key, member));
      case 'contains':
        return textOrNull(await session.command(key, 'ZSCORE', key, member)) !== null;
      case 'members':
        return texts(await session.command(key, 'ZRANGE', key, '0', '-1'));
    }
  },

  read: ['members'],
  isWrite: (input) => input[0] === 'add' || input[0] === 'remove',
});

const FIELDS = ['f0', 'f1', 'f2'];
/** Texts and numbers do not mix: this field holds what HINCRBY makes. */
const NUMBER = 'n';

export const hashWorkload = defineWorkload<HashInput, HashOutput>({
  name: 'hash',
  what: 'HSET, HGET, HDEL, HINCRBY, HGETALL',
  commands: ['HSET', 'HGET', 'HDEL', 'HINCRBY', 'HGETALL'],
  model: 'hash',
  keys: 'hot',

  draw({ prng, token }) {
    const field = prng.pick(FIELDS);
    const choice = prng.below(10);
    if (choice < 3) return ['set', field, token];
    if (choice < 5) return ['increment', NUMBER, 1];
    if (choice < 6) return ['delete', field];
    return choice < 8 ? ['get', field] : ['all'];
  },

  async perform(session, key, input) {
    switch (input[0]) {
      case 'set':
        return yesOrNo(await session.command(key, 'HSET', key, input[1], String(input[2])));
      case 'increment':
        return integer(await session.command(key, 'HINCRBY', key, input[1], String(input[2])));
      case 'delete':
        return yesOrNo(await session.command(key, 'HDEL', key, input[1]));
      case 'get':
        return textOrNull(await session.command(key, 'HGET', key, input[1]));
      case 'all':
        return fieldsOf(texts(await session.command(key, 'HGETALL', key)));
    }
  },

  read: ['all'],
  isWrite: (input) => input[0] !== 'get' && input[0] !== 'all',
});

/** In order of field, so that equal hashes look equal. */
function fieldsOf(items: readonly string[]): Record<string, string | number> {
  const pairs: [string, string | number][] = [];
  for (let at = 0; at < items.length; at += 2) {
    const field = items[at] as string;
    const value = items[at + 1] as string;
    pairs.push([field, field === NUMBER ? integer(value) : value]);
  }
  return Object.fromEntries(pairs.sort(([a], [b]) => (a < b ? -1 : 1)));
}
