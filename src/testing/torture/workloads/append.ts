/** APPEND and GET: the string is a list of tokens, whose order is the order of all writes. */
import type { ListInput, ListOutput } from '../../linearizability/models/list.ts';
import { defineWorkload, TOKEN_LENGTH } from '../workload.ts';
import { integer, tokens } from './replies.ts';

export const appendWorkload = defineWorkload<ListInput, ListOutput>({
  name: 'append',
  what: 'APPEND, GET',
  commands: ['APPEND', 'GET'],
  model: 'list',
  keys: 'hot',
  draw: ({ prng, token }) => (prng.chance(0.7) ? ['append', token] : ['read']),

  async perform(session, key, input) {
    if (input[0] === 'read') return tokens(await session.command(key, 'GET', key));
    return integer(await session.command(key, 'APPEND', key, String(input[1]))) / TOKEN_LENGTH;
  },

  read: ['read'],
  isWrite: (input) => input[0] !== 'read',
  trace: {
    written: (input) => (input[0] === 'read' ? [] : [String(input[1])]),
    shown: (output) => (Array.isArray(output) ? output : []),
  },
});
