import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockFolder } from './folder-lock.ts';

let folder = '';
let lockFile = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'folkmoot-lock-'));
  lockFile = join(folder, 'process.lock');
});

afterEach(() => rm(folder, { recursive: true }));

test('a folder is locked once, and free again after the release', async () => {
  const lock = await lockFolder(folder);
  await expect(lockFolder(folder)).rejects.toMatchObject({
    code: 'FOLDER_IN_USE',
    message: `${folder} is in use by process ${process.pid}`,
  });
  await lock.release();
  await (await lockFolder(folder)).release();
});

test('a folder that is missing is made', async () => {
  const lock = await lockFolder(join(folder, 'a', 'b'));
  await lock.release();
});

test('a holder that is gone does not count', async () => {
  await writeFile(lockFile, JSON.stringify({ pid: 2 ** 22 + 1, host: hostname(), started: '1' }));
  await (await lockFolder(folder)).release();
});

test('a holder whose process id belongs to another process now does not count', async () => {
  if (process.platform !== 'linux') return;
  await writeFile(lockFile, JSON.stringify({ pid: process.pid, host: hostname(), started: '1' }));
  await (await lockFolder(folder)).release();
});

test('a lock that was torn by a crash does not count', async () => {
  await writeFile(lockFile, '{"pid":');
  const lock = await lockFolder(folder);
  expect(JSON.parse(await readFile(lockFile, 'utf8'))).toMatchObject({ pid: process.pid });
  await lock.release();
});

test('a holder on another machine counts, and the cure says what to remove', async () => {
  await writeFile(lockFile, JSON.stringify({ pid: 1, host: 'elsewhere', started: '' }));
  await expect(lockFolder(folder)).rejects.toMatchObject({ cure: expect.stringContaining(lockFile) });
});

test('a path that is no folder is an error with the path', async () => {
  const path = join(folder, 'file');
  await writeFile(path, '');
  await expect(lockFolder(path)).rejects.toMatchObject({ code: 'FOLDER_UNUSABLE', message: `${path} is not a folder` });
  await mkdir(join(folder, 'x'));
});
