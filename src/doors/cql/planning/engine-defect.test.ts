/** What a client hears of a defect. There is none to run into on purpose, so the schema has one. */
import { expect, it } from 'vitest';
import { AssertionError } from '../../../base/assert.ts';
import type { Logger } from '../../../base/log.ts';
import { ErrorCode } from '../errors.ts';
import { Engine, type EngineOptions } from './engine.ts';

function engineWith(defect: Error, lines: unknown[]): Engine {
  const logger = { error: (fields: unknown) => lines.push(fields) } as unknown as Logger;
  const schema = {
    get schema(): never {
      throw defect;
    },
  };
  return new Engine({ logger, schema } as unknown as EngineOptions);
}

it('is answered and logged without secrets, and the node goes on', () => {
  const lines: { err: Error; statement: string }[] = [];
  const defect = new TypeError('x is not a function');
  const engine = engineWith(defect, lines);
  expect(() => engine.prepare("CREATE ROLE r WITH PASSWORD = 'secret'", null)).toThrow(
    expect.objectContaining({ name: 'CqlError', code: ErrorCode.serverError }),
  );
  expect(lines).toEqual([{ err: defect, statement: 'CREATE ROLE r WITH PASSWORD = ...' }]);
});

it('ends the node when it is a broken rule', () => {
  const defect = new AssertionError('keys are in order');
  expect(() => engineWith(defect, []).prepare('SELECT * FROM t', null)).toThrow(defect);
});
