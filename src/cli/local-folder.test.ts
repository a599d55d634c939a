import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LocalFolder } from './local-folder.ts';

let base = '';
const nothing = async (): Promise<void> => undefined;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'folkmoot-up-'));
});

afterEach(() => rm(base, { recursive: true }));

test('a temporary folder is gone after the release', async () => {
  const folder = await LocalFolder.open(undefined, 3, nothing);
  expect(await readdir(folder.path)).toEqual([]);
  await folder.release();
  await expect(readdir(folder.path)).rejects.toThrow('ENOENT');
});

test('a folder keeps its number of nodes', async () => {
  const path = join(base, 'data');
  await (await LocalFolder.open(path, 3, nothing)).release();
  await expect(LocalFolder.open(path, 5, nothing)).rejects.toMatchObject({
    code: 'FOLDER_NODE_COUNT',
    message: `${path} holds a cluster of 3 nodes, not 5`,
    cure: 'Use --nodes=3, or another folder with --data.',
  });
  await (await LocalFolder.open(path, 3, nothing)).release();
});

test('nothing is left behind when the check before the creation fails', async () => {
  const path = join(base, 'data');
  const failing = async (): Promise<void> => {
    throw new Error('a port is taken');
  };
  await expect(LocalFolder.open(path, 3, failing)).rejects.toThrow('a port is taken');
  expect(await readdir(base)).toEqual([]);
  await mkdir(path);
  await expect(LocalFolder.open(path, 3, failing)).rejects.toThrow('a port is taken');
  expect(await readdir(path)).toEqual([]);
});

test('a second user is refused before ports are looked at', async () => {
  const path = join(base, 'data');
  const folder = await LocalFolder.open(path, 3, nothing);
  const unexpected = (): Promise<void> => Promise.reject(new Error('looked'));
  await expect(LocalFolder.open(path, 3, unexpected)).rejects.toMatchObject({ code: 'FOLDER_IN_USE' });
  await folder.release();
});

test('a folder with other things in it is refused', async () => {
  await writeFile(join(base, 'thesis.txt'), '');
  await expect(LocalFolder.open(base, 3, nothing)).rejects.toMatchObject({ code: 'FOLDER_UNUSABLE' });
  expect(await readdir(base)).toEqual(['thesis.txt']);
});

test('a marker that is damaged or too new is refused', async () => {
  await writeFile(join(base, 'cluster.json'), '{"format":');
  await expect(LocalFolder.open(base, 3, nothing)).rejects.toMatchObject({ code: 'DATA_DAMAGED' });
  await writeFile(join(base, 'cluster.json'), '{"format":2,"nodes":3}');
  await expect(LocalFolder.open(base, 3, nothing)).rejects.toMatchObject({ code: 'FOLDER_TOO_NEW' });
});
