/** INCR and GET: an increment that is applied twice, or not at all, can be seen in every number after it. */
import type { CounterInput, CounterOutput } from '../../linearizability/models/counter.ts';
import { defineWorkload } from '../workload.ts';
import { integer } from './replies.ts';

export const counterWorkload = defineWorkload<CounterInput, CounterOutput>({
  name: 'counter',
  what: 'INCR, GET',
  commands: ['INCR', 'GET'],
  model: 'counter',
  keys: 'hot',
  draw: ({ prng }) => (prng.chance(0.75) ? ['increment', 1] : ['read']),

  async perform(session, key, input) {
    if (input[0] === 'increment') return integer(await session.command(key, 'INCR', key));
    return integer((await session.command(key, 'GET', key)) ?? 0);
  },

  read: ['read'],
  isWrite: (input) => input[0] === 'increment',
});
