import { expect, test } from 'vitest';
import type { CqlError } from '../errors.ts';
import type { Select } from '../language/ast.ts';
import { parse } from '../language/parse.ts';
import { StillClock } from '../rows/test-tablet.test-support.ts';
import { SchemaRig } from '../schema/schema.test-support.ts';
import type { ResultSink } from '../session/engine.ts';
import type { Evaluation } from '../types/value.ts';
import { PrepareContext } from './prepare-context.ts';
import { type PageSource, SelectExecution } from './select-execution.ts';
import { SelectPlan } from './select-plan.ts';

function never(): never {
  throw new Error('is not asked for');
}

const ZERO = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0]);

/** What the sink is told about a query whose pages come from `sourceOf`, given the bytes of a row whose columns are all 0. */
async function answerOf(
  query: string,
  sourceOf: (bytes: Buffer, reject: (error: unknown) => void) => PageSource = fromAnotherNode,
): Promise<CqlError | Buffer> {
  const rig = await SchemaRig.withKeyspace();
  await rig.run('CREATE TABLE t (k int PRIMARY KEY, v int)');
  const { statement, markers } = parse(query);
  const plan = new SelectPlan(statement as Select, new PrepareContext(rig.schema, 'ks', markers));
  const at: Evaluation = { bound: [], environment: { now_ms: 0, timeUuid: never, randomUuid: never } };
  const bytes = Buffer.concat(plan.selection.projection.wanted.map(() => ZERO));
  return new Promise((resolve, reject) => {
    const sink: ResultSink = {
      done: never,
      rows: (_columns, _rowCount, rows) => resolve(rows),
      keyspace: never,
      schemaChange: never,
      error: resolve,
      warn: never,
    };
    const options = { pageSize: 0, pagingState: null, key: '', clock: new StillClock() };
    new SelectExecution(sourceOf(bytes, reject), plan, at, options, sink).start();
  });
}

/** One row, in a later turn. */
function fromAnotherNode(bytes: Buffer, reject: (error: unknown) => void): PageSource {
  return (_reads, _from, _limit, owner) => {
    setImmediate(() => {
      try {
        owner.pageDone({ error: null, rowCount: 1, pages: [{ rowCount: 1, bytes }], next: null });
      } catch (error) {
        reject(error);
      }
    });
  };
}

test.each(['SELECT 1 / v FROM t WHERE k = 0', 'SELECT max(1 / v) FROM t', 'SELECT k, sum(1 / v) FROM t GROUP BY k'])(
  '%s: what fails on a row of another node is an error of the statement',
  async (query) => {
    expect(await answerOf(query)).toMatchObject({ message: expect.stringContaining('/ by zero') });
  },
);

test('rows of another node are the result', async () => {
  expect(await answerOf('SELECT v + 1 FROM t')).toEqual(Buffer.from([0, 0, 0, 4, 0, 0, 0, 1]));
});

test.each(['SELECT count(*) FROM t', 'SELECT v + 1 FROM t', 'SELECT v FROM t'])(
  '%s: pages that are here at once are read in turns of their own',
  async (query) => {
    let turn = 0;
    const turns: number[] = [];
    const count = (): void => {
      turn += 1;
      if (turn < 1_000) setImmediate(count);
    };
    setImmediate(count);
    await answerOf(query, (bytes) => (_reads, from, _limit, owner) => {
      turns.push(turn);
      const read = (from?.read ?? 0) + 1;
      const next = read === 5 ? null : { read, after: null };
      owner.pageDone({ error: null, rowCount: 1, pages: [{ rowCount: 1, bytes }], next });
    });
    expect(new Set(turns).size).toBe(5);
  },
);
