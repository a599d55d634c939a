import { describe, expect, test } from 'vitest';
import { createLogger, humanLine, type LogOptions } from './logger.ts';

function recorder(options: Pick<LogOptions, 'level' | 'format'>) {
  const lines: string[] = [];
  return { lines, logger: createLogger({ ...options, write: (line) => lines.push(line) }) };
}

describe('lines for people', () => {
  test('have time, level, node, text and fields', () => {
    const { lines, logger } = recorder({ level: 'info', format: 'text' });
    logger.child({ name: 'node-2' }).warn({ peer: 'node-1', bytes: 12, text: 'two words' }, 'lost a peer');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} warn {2}node-2 lost a peer peer=node-1 bytes=12 text="two words"\n$/,
    );
  });

  test('show the message of an error, and its stack when it is logged as one', () => {
    const { lines, logger } = recorder({ level: 'info', format: 'text' });
    logger.warn({ error: new Error('it broke', { cause: new Error('because') }) }, 'trouble');
    expect(lines[0]).toMatch(/warn {2}trouble error="it broke"\n$/);
    logger.error({ error: new Error('it broke') }, 'trouble');
    expect(lines[1]).toMatch(/trouble error="it broke"\n {2}at /);
  });

  test('have colours on demand only', () => {
    const line = JSON.stringify({ time: 0, level: 'error', msg: 'x' });
    expect(humanLine(line, false)).toBe('00:00:00.000 error x\n');
    expect(humanLine(line, true)).toBe('\x1b[90m00:00:00.000\x1b[0m \x1b[31merror\x1b[0m x\n');
  });
});

test('lines for programs are one JSON object each', () => {
  const { lines, logger } = recorder({ level: 'info', format: 'json' });
  logger.child({ name: 'node-2' }).info({ error: new TypeError('bad') }, 'said');
  const line = JSON.parse(lines[0] ?? '');
  expect(line).toMatchObject({ level: 'info', name: 'node-2', msg: 'said', error: { message: 'bad' } });
  expect(line.error.stack).toContain('TypeError: bad');
});

test('lines below the level are left out, and the level can change under children', () => {
  const { lines, logger } = recorder({ level: 'warn', format: 'text' });
  const child = logger.child({ name: 'n' });
  child.info({}, 'one');
  child.debug({}, 'two');
  logger.setLevel('debug');
  child.debug({}, 'three');
  logger.setLevel('silent');
  child.error({}, 'four');
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('three');
});
