import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { isComplete, prepareFolders, removeData, replaceData } from './folders.ts';
import { findSystemUser } from './system-user.ts';

const systemUser = await findSystemUser();

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fm-folders-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

const open = () => prepareFolders(join(folder, 'node', 'postgres'), systemUser);

async function makeDatabase(path: string): Promise<void> {
  await mkdir(join(path, 'global'), { recursive: true });
  await writeFile(join(path, 'global', 'pg_control'), path);
}

test('a new database takes the place of an old one', async () => {
  const folders = await open();
  expect(await isComplete(folders)).toBe(false);
  for (let round = 0; round < 2; round += 1) {
    await makeDatabase(folders.part);
    await replaceData(folders);
    expect(await isComplete(folders)).toBe(true);
  }
});

test('a replacement that was cut off is finished, and one that had not begun is undone', async () => {
  const folders = await open();
  await makeDatabase(folders.data);
  await makeDatabase(folders.part);
  await open();
  await expect(stat(folders.part)).rejects.toMatchObject({ code: 'ENOENT' });

  // Between the two renames.
  await makeDatabase(`${folders.data}.new`);
  await makeDatabase(`${folders.data}.old`);
  await rm(folders.data, { recursive: true });
  await open();
  expect(await isComplete(folders)).toBe(true);
  await expect(stat(`${folders.data}.old`)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('a database that a rewind left half done is none, until a new one takes its place', async () => {
  const folders = await open();
  await makeDatabase(folders.data);
  await writeFile(folders.rewinding, '');
  expect(await isComplete(folders)).toBe(false);
  await makeDatabase(folders.part);
  await replaceData(folders);
  expect(await isComplete(folders)).toBe(true);
});

test('nothing is left of what is removed', async () => {
  const folders = await open();
  await makeDatabase(folders.data);
  await removeData(folders);
  expect(await isComplete(folders)).toBe(false);
  await expect(stat(folders.data)).rejects.toMatchObject({ code: 'ENOENT' });
});

describe.skipIf(systemUser === null)(`as root${systemUser === null ? ' (skipped: needs root)' : ''}`, () => {
  test('temporary folders of ours are opened for passing, not for reading', async () => {
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    await open();
    expect((await stat(folder)).mode & 0o777).toBe(0o701);
  });

  test('a folder of somebody else that the user cannot pass is named, and stays as it is', async () => {
    const closed = join(folder, 'closed');
    await mkdir(join(closed, 'data'), { recursive: true });
    await chmod(folder, 0o755);
    await chmod(closed, 0o700);
    vi.stubEnv('TMPDIR', join(folder, 'closed', 'data'));
    await expect(prepareFolders(join(closed, 'a', 'b', 'postgres'), systemUser)).rejects.toMatchObject({
      code: 'FOLDER_UNUSABLE',
      cure: expect.stringContaining(`chmod o+x ${closed}`),
    });
    expect((await stat(closed)).mode & 0o777).toBe(0o700);
  });
});
