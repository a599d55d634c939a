import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { History, Operation } from '../src/testing/linearizability/history.ts';
import { decodeHistory } from '../src/testing/linearizability/history-codec.ts';
import { type Judgement, judge } from '../src/testing/torture/judge.ts';
import { workloadNamed } from '../src/testing/torture/workloads/all.ts';
import { folkmoot, killCommands, RunningCommand } from './support/command.ts';

let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'folkmoot-verify-test-'));
});

afterEach(async () => {
  await killCommands();
  await rm(folder, { recursive: true, force: true });
});

async function historyOf(out: string): Promise<History> {
  return decodeHistory(await readFile(join(out, 'history.jsonl'), 'utf8'));
}

/** The history with one operation more, or with another in its place. */
function changed(history: History, change: (operations: Operation[]) => void): Judgement {
  const operations = [...history.operations];
  change(operations);
  return judge({ ...history, operations }, workloadNamed);
}

/** Acknowledged operations of a workload that match, on the key that has most of them. */
function some(operations: readonly Operation[], workload: string, kind: string): Operation[] {
  const found = operations.filter(
    ({ key, outcome, input, process }) =>
      workloadNamed(key).name === workload &&
      outcome === 'ok' &&
      Array.isArray(input) &&
      input[0] === kind &&
      process < 1_000,
  );
  expect(found.length).toBeGreaterThan(0);
  return found;
}

describe('folkmoot verify', () => {
  test('finds a cluster valid, and its history can be made to tell of each kind of lie', async () => {
    const { code, stdout, stderr } = await folkmoot('verify', '--seconds=10', '--seed=4', `--out=${folder}`);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/verdict +valid +seed 4/);
    expect(code).toBe(0);
    for (const door of ['redis, cluster port', 'redis, single-endpoint port', 'cassandra'])
      expect(stdout).toContain(door);
    expect(stdout).toMatch(/lost +0; 0 twice, 0 refused/);
    expect(stdout).toMatch(/disruptions +\w/);
    expect(await readdir(folder)).toEqual(
      expect.arrayContaining(['history.jsonl', 'node-1.log', 'node-2.log', 'node-3.log']),
    );

    const history = await historyOf(folder);
    const untouched = changed(history, () => undefined);
    expect(untouched).toMatchObject({ lost: [], duplicated: [], undead: [], torn: [], findings: [], anomalies: [] });

    // A lost write: acknowledged, and in no read of the end.
    const lost = changed(history, (operations) => {
      const [write] = some(operations, 'append', 'append');
      const at = operations.indexOf(write as Operation);
      operations[at] = { ...(write as Operation), input: ['append', 'never000'] };
    });
    expect(lost.lost).toHaveLength(1);
    expect(lost.findings.map(({ verdict }) => verdict)).toEqual(['violation']);

    // A stale read: what an earlier read was told, when other reads have seen something newer for long.
    const stale = changed(history, (operations) => {
      const reads = some(operations, 'counter', 'read').filter(({ output }) => Number(output) > 0);
      const last = reads.at(-1) as Operation;
      const earlier = reads.find(({ key, output }) => key === last.key && output !== last.output) as Operation;
      operations[operations.indexOf(last)] = { ...last, output: earlier.output };
    });
    expect(stale.findings.map(({ verdict }) => verdict)).toEqual(['violation']);

    // An increment that was applied once more than anybody asked for: every number after it is higher.
    const twice = changed(history, (operations) => {
      const increments = some(operations, 'counter', 'increment');
      const first = increments[Math.floor(increments.length / 2)] as Operation;
      // As many as operations of unknown outcome could explain, and one.
      const open = operations.filter(({ key, outcome }) => key === first.key && outcome === 'unknown').length;
      for (const [at, operation] of operations.entries()) {
        if (
          operation.key !== first.key ||
          operation.outcome !== 'ok' ||
          Number(operation.output) < Number(first.output)
        )
          continue;
        operations[at] = { ...operation, output: Number(operation.output) + open + 1 };
      }
    });
    expect(twice.findings.map(({ verdict }) => verdict)).toEqual(['violation']);
  });

  // What lies do at each door is shown where the clients are (src/testing/torture/*session.test.ts), and that each kind is noticed above.
  test('finds out clients that lie', async () => {
    const { code, stdout } = await folkmoot(
      'verify',
      '--seconds=6',
      '--seed=9',
      '--sabotage=lost-write',
      `--out=${folder}`,
    );
    expect(stdout).toMatch(/verdict +violation +seed 9/);
    expect(stdout).toMatch(/problem +not linearizable: /);
    const { findings } = judge(await historyOf(folder), workloadNamed);
    expect(findings.length).toBeGreaterThan(0);
    expect(code).toBe(1);
    const pictures = (await readdir(folder)).filter((name) => name.endsWith('.html'));
    expect(pictures.length).toBeGreaterThan(0);
    expect(stdout).toContain(join(folder, pictures[0] as string));
    expect(await readFile(join(folder, pictures[0] as string), 'utf8')).toContain('<svg');
  });

  test('that is interrupted leaves nothing behind, and says by its exit code that nothing was shown', async () => {
    // PostgreSQL's user has to pass the folder that the nodes are in.
    await chmod(folder, 0o711);
    const running = new RunningCommand(['verify', '--seconds=60', `--out=${folder}`], { TMPDIR: folder });
    await running.printed(/operations/);
    expect((await readdir(folder)).some((name) => name.startsWith('folkmoot-test-'))).toBe(true);
    running.signal('SIGINT');
    expect((await running.ended).code).toBe(3);
    const left = await readdir(folder, { recursive: true });
    expect(left.filter((name) => name.startsWith('folkmoot-test-'))).toEqual([]);
  });

  test('that cannot run says why, with an exit code of its own', async () => {
    const { code, stderr } = await folkmoot('verify', '--seconds=4', '--out=/dev/null/nowhere');
    expect(code).toBe(3);
    expect(stderr).toMatch(/^folkmoot verify: /);
    expect((await folkmoot('verify', '--sabotage=everything')).code).toBe(2);
  });
});
