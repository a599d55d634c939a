import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLogger } from '../base/log.ts';
import { completeNodeOptions, loadOptions, nodeOptionsFrom } from './options.ts';

let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'folkmoot-options-'));
});

afterAll(() => rm(folder, { recursive: true }));

async function fileWith(text: string): Promise<string> {
  const path = join(folder, `${Math.random()}.json`);
  await writeFile(path, text);
  return path;
}

test('the config file may be named by flag or environment, and loses against both', async () => {
  const config = await fileWith('{ "redis-port": 1, "admin-port": 2, "join": ["a", "b"] }');
  const byFlag = await loadOptions('start', { config, 'redis-port': '11' }, {});
  expect(byFlag.values).toMatchObject({ 'redis-port': 11, 'admin-port': 2, join: ['a', 'b'] });
  const byVariable = await loadOptions('start', {}, { FOLKMOOT_CONFIG: config, FOLKMOOT_ADMIN_PORT: '12' });
  expect(byVariable.values).toMatchObject({ 'redis-port': 1, 'admin-port': 12 });
});

test('a config file that is missing or no JSON is an error with the path', async () => {
  await expect(loadOptions('start', { config: '/nowhere/x.json' }, {})).rejects.toMatchObject({
    code: 'CONFIG_FILE',
    message: 'cannot read the config file /nowhere/x.json',
  });
  const config = await fileWith('redis-port: 1');
  await expect(loadOptions('start', { config }, {})).rejects.toMatchObject({
    code: 'CONFIG_FILE',
    message: expect.stringContaining(`${config} is not JSON`),
  });
});

test('every option of a node gets its value', async () => {
  const flags = { 'max-clients': '5', listen: '10.0.0.1', zone: 'east', 'tls-dir': '/certs' };
  const { values } = await loadOptions('start', flags, {});
  const options = nodeOptionsFrom(values, '/data', silentLogger);
  expect(options).toMatchObject({ dataFolder: '/data', host: '10.0.0.1', zone: 'east', clients_max: 5 });
  for (const [name, value] of Object.entries(options)) if (name !== 'name') expect(value, name).toBeDefined();
});

test('a program that embeds a node says what differs from the defaults', () => {
  const alone = completeNodeOptions({ dataFolder: '/data' });
  expect(alone).toMatchObject({ host: '127.0.0.1', autoInit: true, replicationFactor: 3, tick_ms: 50 });
  const member = completeNodeOptions({ dataFolder: '/data', join: ['a', 'b'], tick_ms: 10 });
  expect(member).toMatchObject({ autoInit: false, tick_ms: 10, ports: { redis: 6_379 } });
});
