/** Counters: an increment that is applied twice, or not at all, can be seen in every number after it. */
import type { CounterInput, CounterOutput } from '../../linearizability/models/counter.ts';
import { WrongReply } from '../outcome.ts';
import { defineCqlWorkload } from '../workload.ts';
import { COUNTERS } from './cql-tables.ts';

const INCREMENT = `UPDATE ${COUNTERS} SET n = n + 1 WHERE k = ?`;
const READ = `SELECT n FROM ${COUNTERS} WHERE k = ?`;

export const cqlCounterWorkload = defineCqlWorkload<CounterInput, CounterOutput | undefined>({
  name: 'cqlcounter',
  what: 'UPDATE n = n + 1, SELECT',
  model: 'counter',
  keys: 'hot',
  // An increment is answered with nothing, so that reads have to say more than at the Redis door.
  draw: ({ prng }) => (prng.chance(0.5) ? ['increment', 1] : ['read']),

  async perform(session, key, input) {
    if (input[0] === 'increment') {
      await session.execute(INCREMENT, key);
      return undefined;
    }
    const [row] = await session.execute(READ, key);
    const value = row?.['n'] ?? 0;
    if (typeof value !== 'number') throw new WrongReply(`a number was expected: ${JSON.stringify(row)}`);
    return value;
  },

  read: ['read'],
  isWrite: (input) => input[0] === 'increment',
});
