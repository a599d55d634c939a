/** Drives a Wal in tests: waiting for durability, and entries that can be recognised. */
import { silentLogger } from '../base/log.ts';
import { Prng } from '../base/prng.ts';
import type { Entry } from '../raft/types.ts';
import type { MemoryDisk } from './memory-disk.test-support.ts';
import { Wal, type WalRecovery } from './wal.ts';

export const FOLDER = '/data/wal';
export const SMALL_SEGMENT = 64 * 1024;

export interface OpenedWal {
  readonly wal: Wal;
  readonly recovery: WalRecovery;
  readonly errors: Error[];
  /** Appends wait until this resolves: what is open is durable. */
  durable(): Promise<void>;
}

export async function openWal(disk: MemoryDisk, seed = 1, segmentBytes = SMALL_SEGMENT): Promise<OpenedWal> {
  const { wal, recovery } = await Wal.open({
    disk,
    folder: FOLDER,
    logger: silentLogger,
    prng: new Prng(seed),
    segmentBytes,
  });
  const errors: Error[] = [];
  let waiting: { number: number; resolve: () => void }[] = [];
  wal.onError = (error) => errors.push(error);
  wal.onDurable = (number) => {
    for (const one of waiting) if (one.number <= number) one.resolve();
    waiting = waiting.filter((one) => one.number > number);
  };
  const durable = (): Promise<void> => {
    const number = wal.flush();
    if (wal.durableBatch >= number) return Promise.resolve();
    return new Promise((resolve) => waiting.push({ number, resolve }));
  };
  return { wal, recovery, errors, durable };
}

export function entry(index: number, term = 1, size = 20): Entry {
  return { term, index, type: 0, data: Buffer.alloc(size, `${term}:${index};`) };
}

/** "index.term" of each entry. */
export function indexes(recovery: WalRecovery, group: number): string {
  return (recovery.groups.get(group)?.entries ?? []).map((one) => `${one.index}.${one.term}`).join(' ');
}

export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await new Promise((resolve) => setImmediate(resolve));
}
