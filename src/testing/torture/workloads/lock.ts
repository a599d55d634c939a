/** SETNX and DEL, as locks are made of: one of those who try gets it, and gives it back. */
import type { RegisterInput, RegisterOutput } from '../../linearizability/models/register.ts';
import { defineWorkload } from '../workload.ts';
import { textOrNull, yesOrNo } from './replies.ts';

export const lockWorkload = defineWorkload<RegisterInput, RegisterOutput>({
  name: 'lock',
  what: 'SETNX, DEL, GET',
  commands: ['SETNX', 'DEL', 'GET'],
  model: 'register',
  keys: 'hot',

  draw({ prng, token }) {
    if (prng.chance(0.45)) return ['cas', null, token];
    return prng.chance(0.6) ? ['delete'] : ['get'];
  },

  async perform(session, key, input) {
    if (input[0] === 'cas') return yesOrNo(await session.command(key, 'SETNX', key, String(input[2])));
    if (input[0] === 'delete') return yesOrNo(await session.command(key, 'DEL', key));
    return textOrNull(await session.command(key, 'GET', key));
  },

  read: ['get'],
  isWrite: (input) => input[0] !== 'get',
});
