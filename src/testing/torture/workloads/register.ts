/** GET, SET, and compare-and-set as WATCH, MULTI, EXEC, on a few keys that everybody uses. */
import type { RegisterInput, RegisterOutput } from '../../linearizability/models/register.ts';
import { defineWorkload } from '../workload.ts';
import { textOrNull } from './replies.ts';

export const registerWorkload = defineWorkload<RegisterInput, RegisterOutput | undefined>({
  name: 'register',
  what: 'GET, SET, compare-and-set by WATCH',
  commands: ['GET', 'SET', 'WATCH', 'UNWATCH', 'MULTI', 'EXEC'],
  model: 'register',
  keys: 'hot',

  draw({ prng, token, seen }) {
    // A compare-and-set wants to know what is there; what was just read mostly still is.
    if (seen !== undefined && prng.chance(0.7)) return ['cas', seen as string | null, token];
    return prng.chance(0.6) ? ['get'] : ['set', token];
  },

  async perform(session, key, input) {
    switch (input[0]) {
      case 'get':
        return textOrNull(await session.command(key, 'GET', key));
      case 'cas':
        return session.compareAndExecute(key, input[1] as string | null, [['SET', key, String(input[2])]]);
      default:
        await session.command(key, 'SET', key, String(input[1]));
        return undefined;
    }
  },

  read: ['get'],
  isWrite: (input) => input[0] !== 'get',
  seen: (input, output) => (input[0] === 'get' ? output : undefined),
});
