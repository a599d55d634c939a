/** MULTI and its kind: the session carries them out (transaction-state.ts). */
import { allKeys, type CommandSpec } from '../command-spec.ts';

const shared = { group: 'transactions', categories: ['transaction'], control: true } as const;

export const multi = {
  ...shared,
  name: 'MULTI',
  since: '1.2.0',
  summary: 'Begins a transaction: commands are queued until EXEC.',
  complexity: 'O(1)',
  arity: 1,
  flags: ['noscript', 'loading', 'stale', 'fast', 'allow_busy'],
} as const satisfies CommandSpec;

export const exec = {
  ...shared,
  name: 'EXEC',
  since: '1.2.0',
  summary: 'Runs the queued commands as one transaction.',
  complexity: 'Depends on commands in the transaction',
  arity: 1,
  flags: ['noscript', 'loading', 'stale', 'skip_slowlog'],
  note: 'All keys, watched ones included, must be in one slot, on both ports.',
} as const satisfies CommandSpec;

export const discard = {
  ...shared,
  name: 'DISCARD',
  since: '2.0.0',
  summary: 'Forgets the queued commands.',
  complexity: 'O(N), N queued commands',
  arity: 1,
  flags: ['noscript', 'loading', 'stale', 'fast', 'allow_busy'],
} as const satisfies CommandSpec;

export const watch = {
  ...shared,
  name: 'WATCH',
  since: '2.2.0',
  summary: 'Makes EXEC refuse when one of the keys has been written by then.',
  complexity: 'O(1) for every key',
  arity: -2,
  flags: ['noscript', 'loading', 'stale', 'fast', 'allow_busy'],
  keys: [allKeys(1, 1, 'RO')],
  note: 'A key that was not there, was made and removed again before EXEC counts as unchanged.',
} as const satisfies CommandSpec;

export const unwatch = {
  ...shared,
  name: 'UNWATCH',
  since: '2.2.0',
  summary: 'Forgets the watched keys.',
  complexity: 'O(1)',
  arity: 1,
  flags: ['noscript', 'loading', 'stale', 'fast', 'allow_busy'],
} as const satisfies CommandSpec;
