import { describe, expect, test } from 'vitest';
import { CLUSTER_OPTIONS } from './options/cluster-options.ts';
import { COMMAND_OPTIONS } from './options/command-options.ts';
import { LIMIT_OPTIONS } from './options/limit-options.ts';
import { LOGGING_OPTIONS } from './options/logging-options.ts';
import { NODE_OPTIONS } from './options/node-options.ts';
import { PORT_OPTIONS } from './options/port-options.ts';
import { SECURITY_OPTIONS } from './options/security-options.ts';
import { TIMING_OPTIONS } from './options/timing-options.ts';
import { environmentName, optionList, optionsOf } from './options.ts';

const GROUPS = [
  NODE_OPTIONS,
  CLUSTER_OPTIONS,
  SECURITY_OPTIONS,
  PORT_OPTIONS,
  TIMING_OPTIONS,
  LIMIT_OPTIONS,
  LOGGING_OPTIONS,
  COMMAND_OPTIONS,
];

describe('the option table', () => {
  test.each(optionList)('%s has a default within its bounds', (_name, spec) => {
    if (spec.type === 'integer' || spec.type === 'bytes') {
      expect(spec.default).toBeGreaterThanOrEqual(spec.min);
      expect(spec.default).toBeLessThanOrEqual(spec.max);
    }
    if (spec.type === 'choice') expect(spec.choices).toContain(spec.default);
  });

  test.each(optionList)('%s is named in lower case and described in sentences', (name, spec) => {
    expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(spec.description).toMatch(/[.]$/);
    expect(spec.commands.length).toBeGreaterThan(0);
  });

  test('up takes every option of a node except who and where it is', () => {
    const up = new Set(optionsOf('up').map(([name]) => name));
    const missing = optionsOf('start').filter(([name]) => !up.has(name));
    expect(missing.map(([name]) => name)).toEqual([
      'name',
      'zone',
      'listen',
      'join',
      'auto-init',
      'superuser',
      'superuser-password',
      'superuser-password-file',
      'tls-dir',
      'local-users',
      'supervised',
    ]);
  });

  test('an option is in one group', () => {
    expect(optionList.map(([name]) => name)).toEqual(GROUPS.flatMap((group) => Object.keys(group)));
  });

  test('names of environment variables follow from the names of options', () => {
    expect(environmentName('redis-single-port')).toBe('FOLKMOOT_REDIS_SINGLE_PORT');
  });
});
