import { expect, test } from 'vitest';
import { MemoryDisk } from '../storage/memory-disk.test-support.ts';
import { beginLife, saveIdentity } from './identity.ts';

const FOLDER = '/data';

test('a folder keeps the token of its first life, so that a node that died while it joined is known again', async () => {
  const disk = new MemoryDisk();
  const first = await beginLife(disk, FOLDER, 'first');
  const second = await beginLife(disk, FOLDER, 'second');
  expect(first).toMatchObject({ epoch: 1, token: 'first', node: 0 });
  expect(second).toMatchObject({ epoch: 2, token: 'first', node: 0 });
});

test('a folder of the first version, which kept no token, gets one', async () => {
  const disk = new MemoryDisk();
  const { token: _, ...old } = await beginLife(disk, FOLDER, 'first');
  await saveIdentity(disk, FOLDER, old as Parameters<typeof saveIdentity>[2]);
  expect((await beginLife(disk, FOLDER, 'later')).token).toBe('later');
});
