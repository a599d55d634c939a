/**
 * Lists that grow at their end: one by one, several of one partition in one batch, and several of as many partitions in one logged
 * batch. The order of a list is the order of all writes to it.
 */
import type { CqlRow, CqlStatement } from '../../cql/cql-connection.ts';
import type { Operation } from '../../linearizability/history.ts';
import type { Model } from '../../linearizability/model.ts';
import { type ListInput, type ListOutput, list } from '../../linearizability/models/list.ts';
import { type ListsInput, type ListsOutput, type ListsStep, lists } from '../models/lists.ts';
import { WrongReply } from '../outcome.ts';
import { defineCqlWorkload } from '../workload.ts';
import { GROUPS, LISTS } from './cql-tables.ts';

const APPEND = `UPDATE ${LISTS} SET l = l + ? WHERE k = ?`;
const READ = `SELECT l FROM ${LISTS} WHERE k = ?`;
const APPEND_PART = `UPDATE ${GROUPS} SET l = l + ? WHERE k = ? AND part = ?`;
const READ_PARTS = `SELECT part, l FROM ${GROUPS} WHERE k = ?`;

const PARTS = ['a', 'b', 'c'] as const;
const READ_ALL: ListsInput = PARTS.map((part) => ['read', part]);

export const cqlListWorkload = defineCqlWorkload<ListInput, ListOutput | undefined>({
  name: 'cqllist',
  what: 'UPDATE l = l + [x], SELECT',
  model: 'list',
  keys: 'hot',
  draw: ({ prng, token }) => (prng.chance(0.6) ? ['append', token] : ['read']),

  async perform(session, key, input) {
    if (input[0] === 'read') return elements(await session.execute(READ, key));
    await session.execute(APPEND, [String(input[1])], key);
    return undefined;
  },

  read: ['read'],
  isWrite: (input) => input[0] !== 'read',
  trace: {
    written: (input) => (input[0] === 'read' ? [] : [String(input[1])]),
    shown: (output) => (Array.isArray(output) ? output : []),
  },
});

const traceOfParts = {
  written: (input: ListsInput): string[] =>
    input.flatMap((step) => (step[0] === 'append' ? [`${step[1]} ${step[2]}`] : [])),
  shown: (output: ListsOutput | undefined): string[] =>
    (output ?? []).flatMap((told, index) =>
      typeof told === 'number' ? [] : told.map((value) => `${PARTS[index]} ${value}`),
    ),
};

/** A batch of one partition happens at one moment, and a SELECT of the partition sees one moment. */
export const cqlBatchWorkload = defineCqlWorkload<ListsInput, ListsOutput | undefined>({
  name: 'cqlbatch',
  what: 'batches of one partition, SELECT',
  model: lists.name,
  modelOf: lists as Model,
  keys: 'hot',

  draw({ prng, token }) {
    if (prng.chance(0.4)) return READ_ALL;
    const parts = PARTS.filter(() => prng.chance(0.7));
    return (parts.length === 0 ? PARTS : parts).map((part): ListsStep => ['append', part, token]);
  },

  async perform(session, key, input) {
    if (input[0]?.[0] !== 'read') {
      const appends = input.flatMap((step): CqlStatement[] =>
        step[0] === 'append' ? [{ text: APPEND_PART, values: [[step[2]], key, step[1]] }] : [],
      );
      await session.batch('unlogged', appends);
      return undefined;
    }
    const rows = await session.execute(READ_PARTS, key);
    return PARTS.map((part) => elements(rows.filter((row) => row['part'] === part)));
  },

  read: READ_ALL,
  isWrite: (input) => input[0]?.[0] === 'append',
  trace: traceOfParts,
});

/**
 * A logged batch of several partitions happens as a whole or not at all, in each partition at one moment, but not at the same one
 * in all of them: each partition is checked by itself, and in the end everything of a batch is there, or nothing.
 */
export const cqlLoggedBatchWorkload = defineCqlWorkload<ListsInput, ListsOutput | undefined>({
  name: 'cqllogged',
  what: 'logged batches of three partitions, SELECT',
  model: lists.name,
  keys: 'hot',

  draw: ({ prng, token }) => (prng.chance(0.4) ? READ_ALL : PARTS.map((part): ListsStep => ['append', part, token])),

  async perform(session, key, input) {
    if (input[0]?.[0] === 'read') {
      return Promise.all(PARTS.map(async (part) => elements(await session.execute(READ, key + part))));
    }
    const appends = input.flatMap((step): CqlStatement[] =>
      step[0] === 'append' ? [{ text: APPEND, values: [[step[2]], key + step[1]] }] : [],
    );
    await session.batch('logged', appends);
    return undefined;
  },

  read: READ_ALL,
  isWrite: (input) => input[0]?.[0] === 'append',
  trace: traceOfParts,
  parts: { model: list.name, of: partsOf },
  isSettled: (output) => {
    const [first, ...others] = (output ?? []).map((told) => [...(told as readonly string[])].sort().join());
    return others.every((other) => other === first);
  },
});

/** One operation on each list. */
function partsOf(operation: Operation<ListsInput, ListsOutput | undefined>): Operation[] {
  return operation.input.map((step, index) => ({
    ...operation,
    key: `${operation.key}${step[1]}`,
    input: step[0] === 'read' ? ['read'] : ['append', step[2]],
    output: operation.output?.[index],
  }));
}

function elements(rows: readonly CqlRow[]): readonly string[] {
  const value = rows[0]?.['l'] ?? [];
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value as string[];
  throw new WrongReply(`a list of texts was expected: ${JSON.stringify(value)}`);
}
