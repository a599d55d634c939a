/**
 * Lies between clients and cluster. A verdict that cannot fail proves nothing, so everybody can have a run found out:
 * `folkmoot verify --sabotage=lost-write`.
 */
import type { RespValue } from '../redis/resp-connection.ts';
import type { Line } from './session.ts';

/**
 * `lost-write`: a SET is said to be done and never sent. `stale-read`: a GET is answered with what an earlier GET was.
 * `duplicate`: an INCR is sent twice.
 */
export const SABOTAGES = ['lost-write', 'stale-read', 'duplicate'] as const;
export type Sabotage = (typeof SABOTAGES)[number];

/** One in so many of the commands that it is about. */
const EVERY = 20;

/** What it returns is for all connections of a run: lies are counted together. */
export function sabotaged(sabotage: Sabotage): (line: Line) => Line {
  let count = 0;
  const earlier = new Map<string, RespValue>();
  const isDue = (): boolean => ++count % EVERY === 0;
  return (line) => ({
    get lost() {
      return line.lost;
    },
    close: () => line.close(),
    async send(...args) {
      const [name = '', key = ''] = args;
      if (sabotage === 'lost-write' && name === 'SET' && isDue()) return 'OK';
      if (sabotage === 'duplicate' && name === 'INCR' && isDue()) {
        // Both are sent before either is answered, as a client would that sends again what it has not heard of.
        const [first] = await Promise.all([line.send(...args), line.send(...args)]);
        return first as RespValue;
      }
      const reply = await line.send(...args);
      if (sabotage !== 'stale-read' || name !== 'GET') return reply;
      const old = earlier.get(key);
      if (old !== undefined && old !== reply && isDue()) return old;
      if (old === undefined) earlier.set(key, reply);
      return reply;
    },
  });
}
