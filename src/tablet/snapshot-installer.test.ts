import { expect, test } from 'vitest';
import { silentLogger } from '../base/log.ts';
import { MemoryStore } from '../storage/memory-store.test-support.ts';
import { type KeyRange, storeChange } from '../storage/ordered-store.ts';
import { Overlay } from '../storage/overlay.ts';
import { SnapshotReader } from '../storage/snapshot.ts';
import { encodeWriteBatch } from '../storage/write-batch.ts';
import { SnapshotInstaller } from './snapshot-installer.ts';
import { StoreQueue } from './store-queue.ts';

/** What it held when ranges were to be removed: a store may lose power after any part of a write. */
class CrashingStore extends MemoryStore {
  beforeWipe: (string | undefined)[] = [];

  override async write(
    ranges: readonly KeyRange[],
    entries: Parameters<MemoryStore['write']>[1],
    trailer: Parameters<MemoryStore['write']>[2],
  ): Promise<void> {
    if (ranges.length > 0) this.beforeWipe.push(this.get('meta')?.toString());
    return await super.write(ranges, entries, trailer);
  }
}

function installer(store: MemoryStore, queue: StoreQueue): SnapshotInstaller {
  return new SnapshotInstaller({
    store,
    queue,
    ranges: () => [{ lo: 'a', hi: 'b' }],
    clearState: () => undefined,
    metaKey: 'meta',
    metaWhileInstalling: Buffer.from('installing'),
    metaWhenInstalled: () => Buffer.from('applied 16'),
    done: () => undefined,
    logger: silentLogger,
  });
}

function chunkOf(key: string, value: string): Buffer {
  const overlay = new Overlay(new MemoryStore());
  overlay.applyEncoded(encodeWriteBatch([], [{ key }], [Buffer.from(value)]), 1);
  return new SnapshotReader(overlay, [{ lo: 'a', hi: 'b' }]).next();
}

test('a chunk that waited for its turn is not written into the state of the next snapshot', async () => {
  const store = new MemoryStore();
  const queue = new StoreQueue();
  let free: () => void = () => undefined;
  const busy = new Promise<void>((resolve) => {
    free = resolve;
  });
  void queue.run(() => busy);
  const first = installer(store, queue);
  first.chunk(chunkOf('abandoned', 'old'), () => undefined);
  first.abort();
  const second = installer(store, queue);
  free();
  await new Promise<void>((resolve) => second.chunk(chunkOf('arrived', 'new'), () => resolve()));
  await queue.idle();
  expect(store.get('arrived')?.toString()).toBe('new');
  expect(store.get('abandoned')).toBeUndefined();
});

test('a replica is known not to be whole before the first of its keys is gone', async () => {
  const store = new CrashingStore();
  await store.write([], [storeChange('a', Buffer.from('old'))], [['meta', Buffer.from('applied 14')]]);
  const queue = new StoreQueue();
  installer(store, queue);
  await queue.idle();
  expect(store.beforeWipe).toEqual(['installing']);
  expect(store.get('a')).toBeUndefined();
});
