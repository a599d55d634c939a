import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { Prng } from '../base/prng.ts';
import { MemoryDisk } from './memory-disk.test-support.ts';
import { entry, FOLDER, indexes, openWal, turns } from './wal.test-support.ts';
import {
  CHECKPOINT_AT,
  SECOND_HEADER_AT,
  SEGMENT_HEADER_BYTES,
  SEGMENT_VERSION,
  segmentName,
  segmentNumber,
} from './wal-format.ts';

const FIRST = `${FOLDER}/${segmentName(1)}`;

/** Entries 1..count of group 1, one batch each, and a hard state of group 2 in the first. Not closed: a crash. */
async function logOf(count: number, size = 100): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  const { wal, durable } = await openWal(disk);
  wal.appendHardState(2, { term: 4, vote: 2, commit: 0 });
  for (let i = 1; i <= count; i += 1) {
    wal.appendEntry(1, entry(i, 1, size));
    await durable();
  }
  await turns(10);
  return disk;
}

/**
 * Where batch n of `logOf` begins in the first segment: after one sector of checkpoint, and all batches take one sector
 * when entries are small.
 */
function batchAt(number: number): number {
  return CHECKPOINT_AT + number * 512;
}

function usedSegments(disk: MemoryDisk): number[] {
  return [...disk.files.keys()]
    .map((path) => segmentNumber(path.slice(FOLDER.length + 1)) ?? 0)
    .filter((n) => n > 0)
    .sort();
}

describe('recovery of the write-ahead log', () => {
  it('cuts a write that ended at any byte, and goes on from there', async () => {
    const base = await logOf(3);
    base.holdWrites = true;
    const opened = await openWal(base, 5);
    opened.wal.appendEntry(1, entry(4, 1, 700));
    opened.wal.appendEntry(1, entry(5, 1, 300));
    opened.wal.flush();
    expect(base.heldWrites).toBe(1);
    const total = 1_536;
    for (let bytes = 0; bytes <= total; bytes += 1) {
      const disk = base.clone();
      disk.crashAfterBytes(bytes);
      const { recovery, wal, durable } = await openWal(disk, 6);
      expect(recovery.damage).toEqual([]);
      const whole = indexes(recovery, 1) === '1.1 2.1 3.1 4.1 5.1';
      if (!whole) expect(indexes(recovery, 1)).toBe('1.1 2.1 3.1');
      // All of it but padding is needed; none of it is no torn tail.
      expect(whole).toBe(bytes >= 40 + 2 * 28 + 1_000);
      if (bytes === 0) expect(recovery.tornTail).toBe(false);
      if (bytes > 40 && !whole) expect(recovery.tornTail).toBe(true);
      if (bytes % 37 !== 0) continue;
      const next = whole ? 6 : 4;
      wal.appendEntry(1, entry(next, 2, 50));
      await durable();
      const again = await openWal(disk.clone(), 7);
      expect(again.recovery.damage).toEqual([]);
      expect(again.recovery.groups.get(1)?.entries.at(-1)).toEqual(entry(next, 2, 50));
    }
  });

  it('cuts a write whose sectors arrived in any order or as garbage', async () => {
    const prng = new Prng(77);
    const base = await logOf(3);
    base.holdWrites = true;
    const opened = await openWal(base, 5);
    opened.wal.appendEntry(1, entry(4, 1, 3_000));
    opened.wal.flush();
    for (let run = 0; run < 300; run += 1) {
      const disk = base.clone();
      let lost = false;
      disk.crash((sector) => {
        const fate = prng.pick(['old', 'new', 'garbage'] as const);
        if (fate !== 'new' && sector < 6) lost = true;
        return fate;
      }, prng);
      const { recovery } = await openWal(disk, 6);
      expect(recovery.damage).toEqual([]);
      expect(indexes(recovery, 1)).toBe(lost ? '1.1 2.1 3.1' : '1.1 2.1 3.1 4.1');
    }
  });

  it('treats the first write of a new segment that was cut off like any other', async () => {
    const base = await logOf(5, 10_000);
    base.holdWrites = true;
    const { wal } = await openWal(base, 5);
    // It does not fit any more.
    wal.appendEntry(1, entry(6, 1, 30_000));
    wal.flush();
    await turns(3);
    const write = [...base.files.values()].find((file) => file.inFlight !== null)?.inFlight;
    expect(write?.position).toBe(0);
    const prng = new Prng(5);
    const total = write?.data.length ?? 0;
    for (let run = 0; run < 200; run += 1) {
      const disk = base.clone();
      if (run < 100) disk.crashAfterBytes(prng.below(total));
      else disk.crash(() => prng.pick(['old', 'new', 'new', 'new', 'garbage'] as const), prng);
      const second = await openWal(disk, 6);
      expect(second.recovery.damage).toEqual([]);
      expect(second.recovery.groups.get(2)?.hardState.vote).toBe(2);
      const last = second.recovery.groups.get(1)?.entries.at(-1)?.index;
      expect(last === 5 || last === 6).toBe(true);
      second.wal.appendEntry(1, entry((last ?? 0) + 1, 2, 40_000));
      await second.durable();
      const third = await openWal(disk.clone(), 7);
      expect(third.recovery.damage).toEqual([]);
      expect(third.recovery.groups.get(1)?.entries.at(-1)?.term).toBe(2);
    }
  });

  it('finds a flipped bit in any durable batch, cuts nothing and names place and groups', async () => {
    const base = await logOf(6);
    const prng = new Prng(3);
    for (let run = 0; run < 200; run += 1) {
      const disk = base.clone();
      const victim = 1 + prng.below(5);
      // The header and the records; the rest of the sector is padding.
      const offset = prng.below(40 + 28 + 100);
      disk.flipBit(FIRST, batchAt(victim) + offset, prng.below(8));
      const before = Buffer.from(disk.files.get(FIRST)?.visible ?? []);
      const { recovery, wal, durable } = await openWal(disk, 9);
      expect(recovery.damage.length).toBeGreaterThan(0);
      expect(recovery.damage[0]).toMatchObject({ path: FIRST, sequence: victim, offset: batchAt(victim) });
      expect(recovery.groups.get(1)?.damaged).toBe(true);
      expect(recovery.tornTail).toBe(false);
      if (victim > 1) expect(recovery.groups.get(2)?.damaged).toBe(true);
      expect(disk.files.get(FIRST)?.visible.equals(before)).toBe(true);
      if (run % 10 !== 0) continue;

      // The damage stays known until the groups are removed; then it is history.
      wal.appendHardState(3, { term: 1, vote: 1, commit: 0 });
      await durable();
      expect((await openWal(disk.clone(), 10)).recovery.groups.get(1)?.damaged).toBe(true);
      for (const group of recovery.groups.keys()) wal.removeGroup(group);
      wal.removeGroup(3);
      wal.appendHardState(1, { term: 9, vote: 1, commit: 0 });
      wal.appendEntry(1, entry(1, 9));
      await durable();
      const rebuilt = await openWal(disk.clone(), 10);
      expect(rebuilt.recovery.damage.length).toBeGreaterThan(0);
      expect([...rebuilt.recovery.groups.values()].map((group) => group.damaged)).toEqual([false]);
      expect(indexes(rebuilt.recovery, 1)).toBe('1.9');
    }
  });

  it('takes a flipped bit in the very last batch for a torn write, unless the log was closed', async () => {
    const crashed = await logOf(4);
    crashed.flipBit(FIRST, batchAt(4) + 80);
    const first = await openWal(crashed);
    expect(first.recovery.damage).toEqual([]);
    expect(first.recovery.tornTail).toBe(true);
    expect(indexes(first.recovery, 1)).toBe('1.1 2.1 3.1');

    const closed = await logOf(3);
    const second = await openWal(closed);
    second.wal.appendEntry(1, entry(4));
    await second.durable();
    await second.wal.close();
    closed.flipBit(FIRST, batchAt(4) + 80);
    const third = await openWal(closed);
    expect(third.recovery.damage).toMatchObject([{ path: FIRST, sequence: 4 }]);
  });

  it('knows a torn write by any field of its header, also when the others are damaged', async () => {
    for (const offset of [0, 12, 16, 36]) {
      const disk = await logOf(4);
      disk.flipBit(FIRST, batchAt(4) + offset);
      const { recovery } = await openWal(disk);
      expect(recovery.tornTail).toBe(true);
      expect(recovery.damage).toEqual([]);
    }
    expect((await openWal(await logOf(4))).recovery.tornTail).toBe(false);
  });

  it('finds damage to the last batch that counts when the log was settled before the crash', async () => {
    const disk = new MemoryDisk();
    const { wal, durable } = await openWal(disk);
    for (let i = 1; i <= 4; i += 1) {
      wal.appendEntry(1, entry(i, 1, 100));
      await durable();
    }
    wal.settle();
    await turns(10);
    const batches = wal.durableBatch;
    wal.settle();
    await turns(10);
    expect(wal.durableBatch).toBe(batches);
    disk.flipBit(FIRST, CHECKPOINT_AT + 4 * 512 - 512 + 80);
    const { recovery } = await openWal(disk);
    expect(recovery.damage).toHaveLength(1);
    expect(recovery.groups.get(1)?.damaged).toBe(true);
    // And the batch that settles can be lost without harm.
    const other = new MemoryDisk();
    const again = await openWal(other);
    again.wal.appendEntry(1, entry(1));
    await again.durable();
    again.wal.settle();
    await turns(10);
    other.flipBit(FIRST, batchAt(1) + 20);
    const opened = await openWal(other);
    expect(opened.recovery.damage).toEqual([]);
    expect(indexes(opened.recovery, 1)).toBe('1.1');
  });

  it('finds that the newest segment was taken away, emptied or cut', async () => {
    const twoSegments = async (): Promise<MemoryDisk> => {
      const disk = await logOf(4, 30_000);
      expect(usedSegments(disk).length).toBeGreaterThan(2);
      return disk;
    };
    const newest = async (disk: MemoryDisk): Promise<string> => {
      // The last one is prepared and was never begun.
      const number = usedSegments(disk).at(-2) as number;
      return `${FOLDER}/${segmentName(number)}`;
    };
    const gone = await twoSegments();
    gone.files.delete(await newest(gone));
    const empty = await twoSegments();
    empty.files.set(await newest(empty), { visible: Buffer.alloc(0), inFlight: null, handles: 0 });
    const zeroed = await twoSegments();
    zeroed.files.get(await newest(zeroed))?.visible.fill(0);
    const cut = await twoSegments();
    const path = await newest(cut);
    const whole = cut.files.get(path)?.visible as Buffer;
    cut.files.set(path, { visible: whole.subarray(0, whole.length - 4_096), inFlight: null, handles: 0 });
    for (const disk of [gone, empty, zeroed, cut]) {
      const { recovery, wal } = await openWal(disk);
      expect(recovery.damage.length).toBeGreaterThan(0);
      expect(recovery.groups.get(1)?.damaged).toBe(true);
      // What is found once is found again, until the groups are removed.
      await wal.close();
      expect((await openWal(disk)).recovery.groups.get(1)?.damaged).toBe(true);
    }
  });

  it('does not recycle anything while a damaged group is not removed', async () => {
    const disk = await logOf(20, 10_000);
    disk.flipBit(FIRST, batchAt(1) + 100);
    const { wal, durable, recovery } = await openWal(disk, 3);
    expect(recovery.damage.length).toBeGreaterThan(0);
    const last = recovery.groups.get(1)?.entries.at(-1)?.index ?? 0;
    wal.releaseThrough(1, last);
    wal.appendEntry(1, entry(last + 1));
    await durable();
    expect(wal.segmentCount).toBeGreaterThan(2);
    for (const group of recovery.groups.keys()) wal.removeGroup(group);
    await durable();
    wal.appendHardState(5, { term: 1, vote: 1, commit: 0 });
    await durable();
    expect(wal.segmentCount).toBe(1);
    await turns(20);
    const again = await openWal(disk.clone());
    expect(again.recovery.damage).toEqual([]);
    expect([...again.recovery.groups.keys()]).toEqual([5]);
  });

  it('does without one copy of a header, and finds damage when both are lost', async () => {
    const base = await logOf(12, 10_000);
    const segments = usedSegments(base);
    expect(segments.length).toBeGreaterThan(2);
    const second = `${FOLDER}/${segmentName(segments[1] ?? 0)}`;
    for (const path of [FIRST, second]) {
      for (const at of [20, SECOND_HEADER_AT + 20]) {
        const disk = base.clone();
        disk.flipBit(path, at);
        const { recovery } = await openWal(disk);
        expect(recovery.damage).toEqual([]);
        expect(recovery.groups.get(1)?.entries.length).toBe(12);
      }
      const disk = base.clone();
      disk.flipBit(path, 20);
      disk.flipBit(path, SECOND_HEADER_AT + 20);
      const { recovery } = await openWal(disk);
      expect(recovery.damage[0]).toMatchObject({ path, offset: 0, reason: 'the header is damaged' });
      expect(recovery.groups.get(1)?.damaged).toBe(true);
    }
  });

  it('finds a damaged tail of a segment that others follow, a missing and an unreadable one', async () => {
    const base = await logOf(12, 10_000);
    const segments = usedSegments(base);
    const path = (at: number): string => `${FOLDER}/${segmentName(segments[at] ?? 0)}`;

    // The last batch of the first segment: only the next segment vouches for it.
    const tail = base.clone();
    tail.flipBit(FIRST, batchAt(1) + 10_240 * 4 + 1_000);
    expect((await openWal(tail)).recovery.damage[0]).toMatchObject({
      path: FIRST,
      reason: 'a durable batch is damaged',
    });

    const missing = base.clone();
    missing.files.delete(path(1));
    const without = await openWal(missing);
    expect(without.recovery.damage.map((one) => one.reason)).toContain('a segment is missing');
    expect(without.recovery.groups.get(1)?.damaged).toBe(true);

    for (const at of [0, 1, 2]) {
      const unreadable = base.clone();
      unreadable.failReads = segmentName(segments[at] ?? 0);
      const { recovery, wal, durable } = await openWal(unreadable);
      expect(recovery.damage[0]).toMatchObject({ path: path(at) });
      if (at > 0) expect(recovery.groups.get(1)?.damaged).toBe(true);
      unreadable.failReads = null;
      for (const group of [1, 2]) wal.removeGroup(group);
      wal.appendEntry(1, entry(1, 8));
      await durable();
      const again = await openWal(unreadable.clone());
      expect(indexes(again.recovery, 1)).toBe('1.8');
      expect(again.recovery.groups.get(1)?.damaged).toBe(false);
    }
  });

  it('finds that the oldest segment was taken away', async () => {
    const disk = await logOf(12, 10_000);
    disk.files.delete(FIRST);
    const { recovery } = await openWal(disk);
    expect(recovery.damage.map((one) => one.reason)).toEqual(['entries of group 1 are missing']);
    expect(recovery.groups.get(1)?.damaged).toBe(true);
    // The checkpoint of the segment that is the oldest now still knows the vote.
    expect(recovery.groups.get(2)).toMatchObject({ damaged: false, hardState: { term: 4, vote: 2, commit: 0 } });
  });

  it('finds a damaged checkpoint in the oldest segment only, where it is the only word', async () => {
    const disk = await logOf(30, 10_000);
    const opened = await openWal(disk);
    const before = opened.wal.segmentCount;
    disk.flipBit(`${FOLDER}/${segmentName(2)}`, CHECKPOINT_AT + 3);
    expect((await openWal(disk.clone())).recovery.damage).toEqual([]);
    opened.wal.releaseThrough(1, 8);
    opened.wal.appendEntry(1, entry(31));
    await opened.durable();
    opened.wal.appendEntry(1, entry(32));
    await opened.durable();
    expect(opened.wal.segmentCount).toBe(before - 1);
    await turns(20);
    const { recovery } = await openWal(disk.clone());
    expect(recovery.damage[0]?.reason).toBe('the checkpoint is damaged');
    expect(recovery.groups.get(1)?.damaged).toBe(true);
  });

  it('never takes bytes that a client chose for a batch', async () => {
    const donor = await logOf(6);
    const image = donor.files.get(FIRST)?.visible.subarray(batchAt(2), batchAt(7)) ?? Buffer.alloc(0);
    const disk = new MemoryDisk();
    const { wal, durable } = await openWal(disk, 99);
    wal.appendEntry(1, entry(1));
    await durable();
    disk.holdWrites = true;
    // Aligned as a batch would be: the value begins 428 bytes before a sector does.
    const data = Buffer.concat([Buffer.alloc(512 - 40 - 28), image]);
    wal.appendEntry(1, { term: 1, index: 2, type: 0, data });
    wal.flush();
    disk.crash((sector) => (sector === 0 ? 'garbage' : 'new'));
    const { recovery } = await openWal(disk.clone());
    expect(recovery.damage).toEqual([]);
    expect(indexes(recovery, 1)).toBe('1.1');
  });

  it('leaves a log of a later version alone', async () => {
    const disk = await logOf(2);
    const head = disk.files.get(FIRST)?.visible ?? Buffer.alloc(0);
    head.writeUInt32LE(SEGMENT_VERSION + 1, 8);
    head.writeUInt32LE(crc32(head.subarray(0, SEGMENT_HEADER_BYTES - 4)), SEGMENT_HEADER_BYTES - 4);
    const before = Buffer.from(head);
    await expect(openWal(disk)).rejects.toMatchObject({
      code: 'STORAGE_VERSION',
      message: expect.stringContaining('version 2'),
    });
    expect(disk.files.get(FIRST)?.visible.equals(before)).toBe(true);
  });

  it('ignores files that are not its own and fails when the folder cannot be read', async () => {
    const disk = await logOf(2);
    disk.files.set(`${FOLDER}/notes.txt`, { visible: Buffer.from('x'), inFlight: null, handles: 0 });
    const { recovery } = await openWal(disk);
    expect(indexes(recovery, 1)).toBe('1.1 2.1');
    disk.list = () => Promise.reject(Object.assign(new Error('EACCES'), { code: 'EACCES' }));
    await expect(openWal(disk)).rejects.toThrow('EACCES');
  });
});

describe('a loss of power in the first write of all', () => {
  it('is no damage when only the checkpoint was not written', async () => {
    const disk = new MemoryDisk();
    const { wal } = await openWal(disk);
    disk.holdWrites = true;
    wal.appendHardState(2, { term: 3, vote: 1, commit: 0 });
    wal.appendEntry(1, entry(1));
    wal.flush();
    disk.crash((sector) => (sector === CHECKPOINT_AT / 512 ? 'old' : 'new'));
    disk.holdWrites = false;
    const { recovery } = await openWal(disk, 2);
    expect(recovery.damage).toEqual([]);
    expect(indexes(recovery, 1)).toBe('');
  });
});
