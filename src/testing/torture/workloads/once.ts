/** SET of a key that is written once, in any tablet: what was acknowledged is there at the end, what was refused is not. */
import type { RegisterInput, RegisterOutput } from '../../linearizability/models/register.ts';
import { defineWorkload } from '../workload.ts';
import { textOrNull } from './replies.ts';

export const onceWorkload = defineWorkload<RegisterInput, RegisterOutput | undefined>({
  name: 'once',
  what: 'SET of a new key, GET at the end',
  commands: ['SET', 'GET'],
  model: 'register',
  keys: 'fresh',
  draw: ({ token }) => ['set', token],

  async perform(session, key, input) {
    if (input[0] === 'get') return textOrNull(await session.command(key, 'GET', key));
    await session.command(key, 'SET', key, String(input[1]));
    return undefined;
  },

  read: ['get'],
  isWrite: (input) => input[0] !== 'get',
  trace: {
    written: (input) => (input[0] === 'set' ? [String(input[1])] : []),
    shown: (output) => (typeof output === 'string' ? [output] : []),
  },
});
