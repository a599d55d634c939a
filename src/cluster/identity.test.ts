import { expect, it } from 'vitest';
import { MemoryDisk } from '../storage/memory-disk.test-support.ts';
import { beginLife, saveIdentity } from './identity.ts';

const PATH = '/data/node.json';

it('a life begins with the next epoch, and with what was saved', async () => {
  const disk = new MemoryDisk();
  const first = await beginLife(disk, '/data', 'token');
  expect(first).toMatchObject({ node: 0, epoch: 1, begun: false });
  const seeds = [{ node: 1, host: 'h', port: 7 }];
  await saveIdentity(disk, '/data', { ...first, clusterId: 'c', node: 2, seeds, voters: [1, 2], begun: true });
  expect(await beginLife(disk, '/data', 'token')).toEqual({
    clusterId: 'c',
    node: 2,
    epoch: 2,
    token: 'token',
    seeds,
    voters: [1, 2],
    begun: true,
  });
});

it('a file in which any byte has changed is refused', async () => {
  const disk = new MemoryDisk();
  const first = await beginLife(disk, '/data', 'token');
  await saveIdentity(disk, '/data', { ...first, clusterId: 'abc', node: 2, begun: true });
  const text = (await disk.readFile(PATH)).toString();
  for (const [from, to] of [
    ['"epoch": 1', '"epoch": 0'],
    ['"node": 2', '"node": 3'],
    ['"begun": true', '"begun": false'],
    ['"abc"', '"abd"'],
    ['{', '['],
  ] as const) {
    expect(text).toContain(from);
    await disk.replaceFile(PATH, Buffer.from(text.replace(from, to)));
    await expect(beginLife(disk, '/data', 'token')).rejects.toMatchObject({ code: 'DATA_DAMAGED' });
  }
  await disk.replaceFile(PATH, Buffer.from(text));
  expect((await beginLife(disk, '/data', 'token')).epoch).toBe(2);
});

it('a folder keeps the token of its first life', async () => {
  const disk = new MemoryDisk();
  expect((await beginLife(disk, '/data', 'first')).token).toBe('first');
  // What the first life asked for may have been granted without its hearing of it.
  expect(await beginLife(disk, '/data', 'second')).toMatchObject({ token: 'first', epoch: 2 });
});
