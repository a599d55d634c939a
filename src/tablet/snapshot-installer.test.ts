import { expect, test } from 'vitest';
import { silentLogger } from '../base/log.ts';
import { MemoryStore } from '../storage/memory-store.test-support.ts';
import type { KeyRange } from '../storage/ordered-store.ts';
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

test('a replica is known not to be whole before the first of its keys is gone', async () => {
  const store = new CrashingStore();
  await store.write([], [['a', Buffer.from('old')]], [['meta', Buffer.from('applied 14')]]);
  const queue = new StoreQueue();
  new SnapshotInstaller({
    store,
    queue,
    ranges: [{ lo: 'a', hi: 'b' }],
    clearState: () => undefined,
    metaKey: 'meta',
    metaWhileInstalling: Buffer.from('installing'),
    metaWhenInstalled: () => Buffer.from('applied 16'),
    done: () => undefined,
    logger: silentLogger,
  });
  await queue.idle();
  expect(store.beforeWipe).toEqual(['installing']);
  expect(store.get('a')).toBeUndefined();
});
