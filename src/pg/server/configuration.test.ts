import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Configuration, conninfoOf } from './configuration.ts';
import { prepareFolders, type ServerFolders } from './folders.ts';
import { isManaged, SETTINGS, settingLine } from './settings.ts';

let folder = '';
let folders: ServerFolders;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fm-conf-'));
  folders = await prepareFolders(join(folder, 'postgres'), null);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const open = (): Promise<Configuration> => Configuration.open(folders, null, 'test');

test('what moves is kept over restarts', async () => {
  const first = await open();
  await first.setFollow({ applicationName: "n'1\\.e7", socketFolder: '/tmp/it is' });
  await first.setSynchronous(['n"2.e7', "n'3.e7"], 2);
  const second = await open();
  expect(second.conninfo).toBe(first.conninfo);
  expect(second.synchronous).toBe(`ANY 2 ("n""2.e7", "n'3.e7")`);
});

test('names are quoted for libpq', () => {
  expect(conninfoOf({ applicationName: "it's", socketFolder: '/a b' })).toContain(
    "host='/a b' port=5432 user=postgres application_name='it\\'s'",
  );
});

test('what ALTER SYSTEM says of managed settings is taken out, and the rest stays', async () => {
  const configuration = await open();
  await mkdir(folders.data);
  const path = join(folders.data, 'postgresql.auto.conf');
  await writeFile(path, "# Do not edit\nwork_mem = '8MB'\nprimary_conninfo = 'host=x'\n  Fsync = off\n");
  await configuration.cleanAutomatic();
  expect(await readFile(path, 'utf8')).toBe("# Do not edit\nwork_mem = '8MB'\n");
});

test('every setting is there once, with a reason, and only defaults may be set by users', () => {
  const names = SETTINGS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(SETTINGS.filter(({ why }) => why === '')).toEqual([]);
  for (const { name, kind } of SETTINGS) expect(isManaged(name.toUpperCase()), name).toBe(kind !== 'default');
  expect(isManaged('include_dir')).toBe(true);
  expect(isManaged('work_mem')).toBe(false);
});

test('a value is quoted as PostgreSQL reads it', () => {
  expect(settingLine('my.own', "it's \\n")).toBe("my.own = 'it''s \\\\n'\n");
});
