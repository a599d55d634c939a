import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ArrivalChecksums } from '../base/arrival-checksums.ts';
import { LmdbStore } from './lmdb-store.ts';
import { write } from './write-changes.test-support.ts';

const MIB = 1_024 * 1_024;

let folder = '';
let store: LmdbStore;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'folkmoot-large-'));
  store = LmdbStore.open({ path: folder });
});

afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

// lmdb-js answers with a buffer of its own below 16 MiB and with a view of the mapped file above.
test('values on both sides of 16 MiB are read back by get and by scan', async () => {
  for (const size of [MIB, 16 * MIB - 5, 16 * MIB - 4, 16 * MIB, 20 * MIB]) {
    const value = Buffer.alloc(size, size % 251);
    await write(store, [], [['key', value]], []);
    expect(store.get('key')?.equals(value)).toBe(true);
    const scanned: Buffer[] = [];
    store.scan('key', 'kez', false, (_, found) => {
      scanned.push(Buffer.from(found));
      return true;
    });
    expect(scanned.map((found) => found.equals(value))).toEqual([true]);
  }
});

test('values whose checksums were taken when they arrived are read back, among others', async () => {
  const memory = Buffer.alloc(10 * MIB, 'arrived');
  const checksums = new ArrivalChecksums();
  for (let at = 0; at < memory.length; at += 65_536) checksums.add(memory.subarray(at, at + 65_536));
  checksums.note(memory, 0);
  const value = memory.subarray(20);
  const other = Buffer.alloc(5 * MIB, 'other');
  const small = Buffer.from('small');
  const changes = [
    ['a', small],
    ['b', value],
    ['c', other],
    ['d', small],
  ] as const;
  await write(store, [], changes, []);
  for (const [key, written] of changes) expect(store.get(key)?.equals(written)).toBe(true);
});
