import { expect, test } from 'vitest';
import type { PostgresStatus } from '../admin/cluster-status.ts';
import { groupLines } from './pg.ts';
import { runCommandLine } from './program.ts';

const GROUP: PostgresStatus = {
  availability: 'unavailable',
  reason: '1 of 3 servers are alive and 2 are needed',
  epoch: 8,
  primary: 0,
  servers: [
    { node: 1, name: 'node-1', role: 'down', alive: false, replayed: '0/0', lag_bytes: 1_048_576, note: '' },
    { node: 2, name: 'node-2', role: 'standby', alive: true, replayed: '0/100000', lag_bytes: 0, note: 'following' },
  ],
  settings: { work_mem: '64MB' },
  overrides: [{ at_ms: 0, epoch: 5, pledged: [2, 3] }],
};

test('the status says why it does not serve, who is how far, and what was overridden', () => {
  expect(groupLines(GROUP)).toEqual([
    'PostgreSQL: unavailable: 1 of 3 servers are alive and 2 are needed; epoch 8',
    '',
    'id  name    role     replayed     behind  doing',
    '1   node-1  DEAD          0/0  1,048,576',
    '2   node-2  standby  0/100000          0  following',
    'set work_mem = 64MB',
    'overridden 1970-01-01T00:00:00.000Z in epoch 5, with nodes 2, 3 alone',
  ]);
});

test('an action that does not exist, or lacks a word, is refused before anybody is asked', async () => {
  const errors: string[] = [];
  const output = { out: () => undefined, err: (text: string) => errors.push(text) };
  expect(await runCommandLine(['pg', 'switch'], {}, output)).toBe(2);
  expect(await runCommandLine(['pg', 'set', 'work_mem'], {}, output)).toBe(2);
  expect(errors).toEqual([
    'folkmoot pg: folkmoot pg does not understand "switch"\n  It knows status, switchover, reinit, set, reset, override.\n',
    'folkmoot pg: folkmoot pg does not understand "set work_mem"\n  Write folkmoot pg set NAME VALUE.\n',
  ]);
});
