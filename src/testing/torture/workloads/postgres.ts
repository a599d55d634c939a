/**
 * The PostgreSQL door: transactions over three lists at the level SERIALIZABLE, which must all happen at one moment; a row that is read,
 * written, and compared and set; a counter; and rows that are inserted once. All of them go to the primary, whoever that is.
 */
import type { Model } from '../../linearizability/model.ts';
import type { CounterInput, CounterOutput } from '../../linearizability/models/counter.ts';
import type { RegisterInput, RegisterOutput } from '../../linearizability/models/register.ts';
import type { PostgresRow } from '../../postgres/postgres-connection.ts';
import { type ListsInput, type ListsOutput, type ListsStep, lists } from '../models/lists.ts';
import { WrongReply } from '../outcome.ts';
import type { PostgresSession } from '../postgres-session.ts';
import { definePostgresWorkload, TOKEN_LENGTH } from '../workload.ts';
import { COUNTERS, LISTS, literal, REGISTERS } from './postgres-tables.ts';
import { tokens } from './replies.ts';

const NAMES = ['a', 'b', 'c'] as const;
const READ_ALL: ListsInput = NAMES.map((name) => ['read', name]);

export const postgresTransactionsWorkload = definePostgresWorkload<ListsInput, ListsOutput>({
  name: 'pgtransactions',
  what: 'BEGIN SERIALIZABLE, INSERT ... ON CONFLICT and SELECT on three rows, COMMIT',
  model: lists.name,
  modelOf: lists as Model,
  keys: 'hot',

  draw({ prng, token }) {
    const steps = NAMES.filter(() => prng.chance(0.7)).map(
      (name): ListsStep => (prng.chance(0.6) ? ['append', name, token] : ['read', name]),
    );
    return steps.length === 0 ? READ_ALL : steps;
  },

  async perform(session, key, input) {
    const results = await session.serializable(
      input.map((step) => (step[0] === 'read' ? readList(key + step[1]) : append(key + step[1], step[2]))),
    );
    if (results.length !== input.length) throw new WrongReply(`${input.length} results were expected`);
    return input.map(([kind], index) => {
      const value = cell(results[index] as readonly PostgresRow[]);
      return kind === 'read' ? tokens(value) : Number(value) / TOKEN_LENGTH;
    });
  },

  read: READ_ALL,
  isWrite: (input) => input.some(([kind]) => kind === 'append'),
  trace: {
    written: (input) => input.flatMap((step) => (step[0] === 'append' ? [`${step[1]} ${step[2]}`] : [])),
    shown: (output) =>
      output.flatMap((told, index) =>
        typeof told === 'number' ? [] : told.map((value) => `${NAMES[index]} ${value}`),
      ),
  },
});

export const postgresRegisterWorkload = definePostgresWorkload<RegisterInput, RegisterOutput | undefined>({
  name: 'pgregister',
  what: 'SELECT, INSERT ... ON CONFLICT, UPDATE ... WHERE v = ?',
  model: 'register',
  keys: 'hot',

  draw({ prng, token, seen }) {
    // A compare-and-set wants to know what is there; what was just read mostly still is.
    if (typeof seen === 'string' && prng.chance(0.7)) return ['cas', seen, token];
    return prng.chance(0.6) ? ['get'] : ['set', token];
  },

  async perform(session, key, input) {
    switch (input[0]) {
      case 'get':
        return readRegister(session, key);
      case 'cas': {
        const [from, to] = [literal(input[1] as string), literal(String(input[2]))];
        const update = `UPDATE ${REGISTERS} SET v = ${to} WHERE k = ${literal(key)} AND v = ${from} RETURNING v`;
        return (await session.execute(update)).length > 0;
      }
      default:
        await session.execute(
          `INSERT INTO ${REGISTERS} VALUES (${literal(key)}, ${literal(String(input[1]))}) ON CONFLICT (k) DO UPDATE SET v = EXCLUDED.v`,
        );
        return undefined;
    }
  },

  read: ['get'],
  isWrite: (input) => input[0] !== 'get',
  seen: (input, output) => (input[0] === 'get' ? output : undefined),
});

export const postgresCounterWorkload = definePostgresWorkload<CounterInput, CounterOutput>({
  name: 'pgcounter',
  what: 'INSERT ... ON CONFLICT SET n = n + 1 RETURNING n, SELECT',
  model: 'counter',
  keys: 'hot',
  draw: ({ prng }) => (prng.chance(0.8) ? ['increment', 1] : ['read']),

  async perform(session, key, input) {
    const sql =
      input[0] === 'read'
        ? `SELECT n FROM ${COUNTERS} WHERE k = ${literal(key)}`
        : `INSERT INTO ${COUNTERS} AS c VALUES (${literal(key)}, 1) ON CONFLICT (k) DO UPDATE SET n = c.n + 1 RETURNING n`;
    return Number(cell(await session.execute(sql)) ?? '0');
  },

  read: ['read'],
  isWrite: (input) => input[0] === 'increment',
});

export const postgresOnceWorkload = definePostgresWorkload<RegisterInput, RegisterOutput | undefined>({
  name: 'pgonce',
  what: 'INSERT of a new row, SELECT at the end',
  model: 'register',
  keys: 'fresh',
  draw: ({ token }) => ['set', token],

  async perform(session, key, input) {
    if (input[0] === 'get') return readRegister(session, key);
    await session.execute(`INSERT INTO ${REGISTERS} VALUES (${literal(key)}, ${literal(String(input[1]))})`);
    return undefined;
  },

  read: ['get'],
  isWrite: (input) => input[0] !== 'get',
  trace: {
    written: (input) => (input[0] === 'set' ? [String(input[1])] : []),
    shown: (output) => (typeof output === 'string' ? [output] : []),
  },
});

function append(key: string, token: string): string {
  return `INSERT INTO ${LISTS} AS l VALUES (${literal(key)}, ${literal(token)}) ON CONFLICT (k) DO UPDATE SET v = l.v || EXCLUDED.v RETURNING length(v)`;
}

function readList(key: string): string {
  return `SELECT v FROM ${LISTS} WHERE k = ${literal(key)}`;
}

async function readRegister(session: PostgresSession, key: string): Promise<string | null> {
  return cell(await session.execute(`SELECT v FROM ${REGISTERS} WHERE k = ${literal(key)}`));
}

/** Of a result with at most one row of one column. */
function cell(rows: readonly PostgresRow[]): string | null {
  if (rows.length > 1) throw new WrongReply(`at most one row was expected, not ${rows.length}`);
  return rows[0]?.[0] ?? null;
}
