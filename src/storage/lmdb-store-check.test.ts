import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Prng } from '../base/prng.ts';
import { LmdbStore } from './lmdb-store.ts';
import { checkStoreFile } from './lmdb-store-check.ts';
import type { ByteKey } from './ordered-store.ts';
import { write } from './write-changes.test-support.ts';

const key = (i: number): ByteKey => `key-${String(i).padStart(6, '0')}`;
const ENTRIES = 6_000;

let folder = '';
let image: Buffer = Buffer.alloc(0);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'folkmoot-check-'));
  const store = LmdbStore.open({ path: join(folder, 'store') });
  const entries: [ByteKey, Buffer | null][] = [];
  for (let i = 0; i < ENTRIES; i++)
    entries.push([key(i), Buffer.alloc(i % 500 === 0 ? 9_000 : 40 + (i % 50), `v${i}`)]);
  await write(store, [], entries, []);
  // Pages that are free again, so that the list of free pages is there.
  for (let from = 0; from < ENTRIES; from += 30) {
    const changes: [ByteKey, Buffer | null][] = [];
    for (let i = from; i < from + 30; i += 3) changes.push([key(i), i % 2 === 0 ? null : Buffer.from(`w${i}`)]);
    await write(store, [], changes, []);
  }
  await store.close();
  image = readFileSync(join(folder, 'store', 'data.mdb'));
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Everything that a store with these bytes gives back, or null when it refuses to open or to read. */
async function contentsOf(name: string, bytes: Buffer): Promise<string | null> {
  const path = join(folder, name);
  mkdirSync(path);
  writeFileSync(join(path, 'data.mdb'), bytes);
  let store: LmdbStore | null = null;
  try {
    store = LmdbStore.open({ path });
    if (store.damagedKeys.length > 0) return null;
    const seen: string[] = [];
    store.scan('', '\xff\xff', false, (found, value) => seen.push(`${found}=${value.toString('latin1')}`) > 0);
    // What a scan sees, single reads must see too: they find their way by the separators.
    for (let i = 0; i < ENTRIES; i++) seen.push(store.get(key(i))?.toString('latin1') ?? '-');
    return seen.join('\n');
  } catch {
    return null;
  } finally {
    await store?.close();
    rmSync(path, { recursive: true });
  }
}

it('finds nothing wrong with a file that LMDB has written', () => {
  const check = checkStoreFile(join(folder, 'store', 'data.mdb'));
  expect(check.damagedKeys).toEqual([]);
  expect(check.entries).toBe(ENTRIES - ENTRIES / 6);
  expect(check.pages).toBeGreaterThan(100);
});

it('finds every flipped bit that would change what is read', async () => {
  const whole = await contentsOf('whole', image);
  expect(whole).not.toBe(null);
  const prng = new Prng(7);
  let found = 0;
  const pages = image.length / 4_096;
  for (let round = 0; round < 120; round++) {
    const copy = Buffer.from(image);
    // Half of them into the first bytes of a page, where the structure is.
    const at = prng.below(pages) * 4_096 + prng.below(round % 2 === 0 ? 120 : 4_096);
    copy[at] = (copy[at] as number) ^ (1 << prng.below(8));
    const seen = await contentsOf(`flip-${round}`, copy);
    if (seen === null) found += 1;
    else expect(seen === whole, `byte ${at}`).toBe(true);
  }
  expect(found).toBeGreaterThan(25);
}, 120_000);

it('finds bytes that were cut off or zeroed', async () => {
  const whole = await contentsOf('uncut', image);
  const prng = new Prng(9);
  for (let round = 0; round < 40; round++) {
    const at = 8_192 + prng.below(image.length - 8_192);
    const zeroed = Buffer.from(image).fill(0, at, at + 512);
    const seen = await contentsOf(`zero-${round}`, zeroed);
    if (seen !== null) expect(seen === whole, `zeros at ${at}`).toBe(true);
  }
  expect(await contentsOf('short', image.subarray(0, image.length >> 1))).toBe(null);
}, 120_000);
