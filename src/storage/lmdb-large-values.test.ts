import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
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
