/** MULTI, several APPEND and GET on three keys of one slot, EXEC: all of it happens at one moment, or none. */
import type { Model } from '../../linearizability/model.ts';
import { type ListsInput, type ListsOutput, type ListsStep, lists } from '../models/lists.ts';
import { WrongReply } from '../outcome.ts';
import { defineWorkload, TOKEN_LENGTH } from '../workload.ts';
import { integer, tokens } from './replies.ts';

const LISTS = ['a', 'b', 'c'] as const;
/** The read with which it ends: all lists at one moment. */
const READ_ALL: ListsInput = LISTS.map((list) => ['read', list]);

export const transactionsWorkload = defineWorkload<ListsInput, ListsOutput>({
  name: 'transactions',
  what: 'MULTI, APPEND and GET on three keys, EXEC',
  commands: ['MULTI', 'EXEC', 'APPEND', 'GET'],
  model: lists.name,
  modelOf: lists as Model,
  keys: 'hot',

  draw({ prng, token }) {
    const steps = LISTS.filter(() => prng.chance(0.7)).map(
      (list): ListsStep => (prng.chance(0.6) ? ['append', list, token] : ['read', list]),
    );
    return steps.length === 0 ? READ_ALL : steps;
  },

  async perform(session, key, input) {
    const replies = await session.transaction(
      key,
      input.map((step) => (step[0] === 'read' ? ['GET', key + step[1]] : ['APPEND', key + step[1], step[2]])),
    );
    if (replies.length !== input.length) throw new WrongReply(`${input.length} replies were expected of EXEC`);
    return input.map(([kind], index) =>
      kind === 'read' ? tokens(replies[index]) : integer(replies[index]) / TOKEN_LENGTH,
    );
  },

  read: READ_ALL,
  isWrite: (input) => input.some(([kind]) => kind === 'append'),
  trace: {
    written: (input) => input.flatMap((step) => (step[0] === 'append' ? [`${step[1]} ${step[2]}`] : [])),
    shown: (output) =>
      output.flatMap((told, index) =>
        typeof told === 'number' ? [] : told.map((value) => `${LISTS[index]} ${value}`),
      ),
  },
});
