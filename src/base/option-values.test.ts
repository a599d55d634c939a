import { describe, expect, test } from 'vitest';
import { FolkmootError } from './errors.ts';
import { flagsFor, nearest, parseBytes, plain, resolveOptions } from './option-values.ts';

function failure(work: () => unknown): FolkmootError {
  try {
    work();
  } catch (error) {
    if (error instanceof FolkmootError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

describe('where values come from', () => {
  const file = { path: 'folkmoot.json', values: { 'redis-port': 3, 'admin-port': 13, 'peer-port': 23 } };

  test('a flag wins over the environment, that over the file, and that over the default', () => {
    const { values, given } = resolveOptions('start', {
      flags: { 'redis-port': '1' },
      environment: { FOLKMOOT_REDIS_PORT: '2', FOLKMOOT_ADMIN_PORT: '12' },
      file,
    });
    expect(values['redis-port']).toBe(1);
    expect(values['admin-port']).toBe(12);
    expect(values['peer-port']).toBe(23);
    expect(values['redis-single-port']).toBe(6_380);
    expect([...given].toSorted()).toEqual(['admin-port', 'peer-port', 'redis-port']);
  });

  test('an empty variable counts as not set', () => {
    expect(resolveOptions('start', { flags: {}, environment: { FOLKMOOT_REDIS_PORT: '' } }).given.size).toBe(0);
  });

  test('options of other commands are left alone', () => {
    const { values } = resolveOptions('status', { flags: {}, environment: { FOLKMOOT_REDIS_PORT: 'bad' } });
    expect(values['redis-port']).toBe(6_379);
  });

  test('a misspelt variable is warned about, with the name that was meant', () => {
    const { warnings } = resolveOptions('start', { flags: {}, environment: { FOLKMOOT_REDIS_PROT: '1' } });
    expect(warnings).toEqual([
      'environment variable FOLKMOOT_REDIS_PROT is not an option; did you mean FOLKMOOT_REDIS_PORT?',
    ]);
  });

  test('lists come comma-separated, as several flags, or as an array', () => {
    const join = (raw: unknown) => resolveOptions('start', { flags: { join: raw }, environment: {} }).values.join;
    expect(join('a, b,')).toEqual(['a', 'b']);
    expect(join(['a,b', 'c'])).toEqual(['a', 'b', 'c']);
    const fromFile = { path: 'f', values: { join: ['a', 'b:7000'] } };
    expect(resolveOptions('start', { flags: {}, environment: {}, file: fromFile }).values.join).toEqual([
      'a',
      'b:7000',
    ]);
  });

  test('sizes have units', () => {
    const { values } = resolveOptions('start', { flags: { 'wal-segment-bytes': '16MB' }, environment: {} });
    expect(values['wal-segment-bytes']).toBe(16 * 1_024 * 1_024);
  });
});

describe('what is refused', () => {
  test.each(['abc', '0', '65536', '6379.5', '-1', '', true, '99999999999999999999'])('redis-port=%s', (raw) => {
    const error = failure(() => resolveOptions('start', { flags: { 'redis-port': raw }, environment: {} }));
    expect(error.code).toBe('OPTION_INVALID');
    expect(error.message).toContain('--redis-port is ');
    expect(error.message).toContain('a whole number from 1 to 65535');
    expect(error.cure).toContain('6379');
  });

  test('the error names the variable, or the file, that the value came from', () => {
    const variable = failure(() => resolveOptions('up', { flags: {}, environment: { FOLKMOOT_TICK_MS: 'x' } }));
    expect(variable.message).toContain('FOLKMOOT_TICK_MS is "x"');
    const file = { path: '/etc/folkmoot.json', values: { 'tick-ms': 'x' } };
    const fromFile = failure(() => resolveOptions('up', { flags: {}, environment: {}, file }));
    expect(fromFile.message).toContain('"tick-ms" in /etc/folkmoot.json is "x"');
  });

  test('an unknown name in the file, with the name that was meant', () => {
    const file = { path: 'f.json', values: { 'redis-prot': 1 } };
    const error = failure(() => resolveOptions('start', { flags: {}, environment: {}, file }));
    expect(error.code).toBe('OPTION_UNKNOWN');
    expect(error.cure).toBe('Did you mean "redis-port"?');
  });

  test('a file that holds no object, or an option that is for the command line only', () => {
    for (const values of [[], 1, null, 'x', { json: true }, { config: 'other.json' }]) {
      const error = failure(() => resolveOptions('start', { flags: {}, environment: {}, file: { path: 'f', values } }));
      expect(error.code).toBe('CONFIG_FILE');
    }
  });

  test('a choice that does not exist', () => {
    const error = failure(() => resolveOptions('up', { flags: { 'log-format': 'xml' }, environment: {} }));
    expect(error.message).toBe('--log-format is "xml", but it must be one of text, json');
  });

  test('support that lasts less than three heartbeats', () => {
    const flags = { 'support-duration-ms': '250', 'heartbeat-interval-ms': '100' };
    expect(failure(() => resolveOptions('start', { flags, environment: {} })).message).toContain('three times');
  });

  test('two doors on one port', () => {
    const error = failure(() => resolveOptions('up', { flags: { 'redis-port': '7070' }, environment: {} }));
    expect(error.message).toBe('redis-port and admin-port are both 7070');
  });
});

test('flags for another process give it the same values', () => {
  const flags = {
    'redis-port': '7000',
    join: 'a,b',
    faults: true,
    'wal-segment-bytes': '1mb',
    zone: 'x',
    'admin-port': '7070',
  };
  const { values } = resolveOptions('start', { flags, environment: {} });
  const passed = flagsFor(values, 'start');
  expect(passed).toEqual(['--zone=x', '--join=a,b', '--redis-port=7000', '--wal-segment-bytes=1048576', '--faults']);
});

test('sizes are read and printed', () => {
  expect(parseBytes('512mb')).toBe(536_870_912);
  expect(parseBytes('1GiB')).toBe(1_073_741_824);
  expect(parseBytes('10')).toBe(10);
  for (const bad of ['', 'mb', '1.5mb', '1tb', '-1', {}]) expect(parseBytes(bad)).toBeUndefined();
  expect(plain(536_870_912)).toBe('512mb');
  expect(plain(65_535)).toBe('65535');
});

test('the nearest name is offered when it is near', () => {
  expect(nearest('redis-prot', ['redis-port', 'admin-port'])).toBe('redis-port');
  expect(nearest('colour', ['redis-port', 'admin-port'])).toBeUndefined();
});
