import { expect, test } from 'vitest';
import type { CqlError } from '../errors.ts';
import type { Select } from '../language/ast.ts';
import { parse } from '../language/parse.ts';
import { SchemaRig } from '../schema/schema.test-support.ts';
import type { ResultSink } from '../session/engine.ts';
import type { Evaluation } from '../types/value.ts';
import { PrepareContext } from './prepare-context.ts';
import { type PageSource, SelectExecution } from './select-execution.ts';
import { SelectPlan } from './select-plan.ts';

function never(): never {
  throw new Error('is not asked for');
}

/** The answer to a query over one row whose only column is 0, which comes in a later turn as from another node. */
async function answerOf(query: string): Promise<CqlError | number> {
  const rig = await SchemaRig.withKeyspace();
  await rig.run('CREATE TABLE t (k int PRIMARY KEY, v int)');
  const { statement, markers } = parse(query);
  const plan = new SelectPlan(statement as Select, new PrepareContext(rig.schema, 'ks', markers));
  const at: Evaluation = { bound: [], environment: { now_ms: 0, timeUuid: never, randomUuid: never } };
  const zero = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0]);
  const bytes = Buffer.concat(plan.selection.projection.wanted.map(() => zero));
  return new Promise((resolve, reject) => {
    const sink: ResultSink = {
      done: never,
      rows: (_columns, rowCount) => resolve(rowCount),
      keyspace: never,
      schemaChange: never,
      error: resolve,
      warn: never,
    };
    const source: PageSource = (_reads, _from, _limit, owner) => {
      setImmediate(() => {
        try {
          owner.pageDone({ error: null, rowCount: 1, pages: [{ rowCount: 1, bytes }], next: null });
        } catch (error) {
          reject(error);
        }
      });
    };
    new SelectExecution(source, plan, at, { pageSize: 100, pagingState: null, key: '' }, sink).start();
  });
}

test.each(['SELECT 1 / v FROM t WHERE k = 0', 'SELECT max(1 / v) FROM t', 'SELECT k, sum(1 / v) FROM t GROUP BY k'])(
  '%s: what fails on a row of another node is an error of the statement',
  async (query) => {
    expect(await answerOf(query)).toMatchObject({ message: expect.stringContaining('/ by zero') });
  },
);

test('rows of another node are the result', async () => {
  expect(await answerOf('SELECT v + 1 FROM t')).toBe(1);
});
