/** Rows with one value: written, read, and compared and set, which costs the Cassandra door one round like any write. */
import type { CqlRow } from '../../cql/cql-connection.ts';
import type { RegisterInput, RegisterOutput } from '../../linearizability/models/register.ts';
import type { CqlSession } from '../cql-session.ts';
import { WrongReply } from '../outcome.ts';
import { defineCqlWorkload } from '../workload.ts';
import { REGISTERS } from './cql-tables.ts';

const SET = `UPDATE ${REGISTERS} SET v = ? WHERE k = ?`;
const COMPARE_AND_SET = `${SET} IF v = ?`;
const GET = `SELECT v FROM ${REGISTERS} WHERE k = ?`;
const INSERT = `INSERT INTO ${REGISTERS} (k, v) VALUES (?, ?)`;

export const cqlRegisterWorkload = defineCqlWorkload<RegisterInput, RegisterOutput | undefined>({
  name: 'cqlregister',
  what: 'SELECT, UPDATE, UPDATE ... IF v = ?',
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
        return readValue(session, key);
      case 'cas':
        return isApplied(await session.execute(COMPARE_AND_SET, String(input[2]), key, input[1] as string | null));
      default:
        await session.execute(SET, String(input[1]), key);
        return undefined;
    }
  },

  read: ['get'],
  isWrite: (input) => input[0] !== 'get',
  seen: (input, output) => (input[0] === 'get' ? output : undefined),
});

export const cqlOnceWorkload = defineCqlWorkload<RegisterInput, RegisterOutput | undefined>({
  name: 'cqlonce',
  what: 'INSERT of a new row, SELECT at the end',
  model: 'register',
  keys: 'fresh',
  draw: ({ token }) => ['set', token],

  async perform(session, key, input) {
    if (input[0] === 'get') return readValue(session, key);
    await session.execute(INSERT, key, String(input[1]));
    return undefined;
  },

  read: ['get'],
  isWrite: (input) => input[0] !== 'get',
  trace: {
    written: (input) => (input[0] === 'set' ? [String(input[1])] : []),
    shown: (output) => (typeof output === 'string' ? [output] : []),
  },
});

async function readValue(session: CqlSession, key: string): Promise<string | null> {
  const [row] = await session.execute(GET, key);
  const value = row?.['v'] ?? null;
  if (value === null || typeof value === 'string') return value;
  throw new WrongReply(`a text or nothing was expected: ${JSON.stringify(value)}`);
}

function isApplied([row]: readonly CqlRow[]): boolean {
  const applied = row?.['[applied]'];
  if (typeof applied === 'boolean') return applied;
  throw new WrongReply(`[applied] was expected: ${JSON.stringify(row)}`);
}
