import { describe, expect, it } from 'vitest';
import { ArrivalChecksums } from '../base/arrival-checksums.ts';
import { Prng } from '../base/prng.ts';
import { MemoryDisk } from './memory-disk.test-support.ts';
import { entry, FOLDER, indexes, openWal, SMALL_SEGMENT, turns } from './wal.test-support.ts';

describe('a write-ahead log', () => {
  it('gives back what was durable, per group', async () => {
    const disk = new MemoryDisk();
    const first = await openWal(disk);
    expect(first.recovery.groups.size).toBe(0);
    expect(first.wal.segmentCount).toBe(0);
    first.wal.appendHardState(1, { term: 3, vote: 2 ** 40, commit: 0 });
    first.wal.appendEntry(1, entry(1, 3));
    first.wal.appendEntry(1, { term: 3, index: 2, type: 1, data: Buffer.alloc(0) });
    first.wal.appendEntry(2 ** 32 - 1, entry(1, 2 ** 50));
    first.wal.appendSnapshotBase(9, 500, 7, Buffer.from('members'));
    first.wal.appendEntry(9, entry(501, 7));
    await first.durable();
    await first.wal.close();

    const { recovery, wal } = await openWal(disk);
    expect(recovery.damage).toEqual([]);
    expect(recovery.tornTail).toBe(false);
    expect(indexes(recovery, 1)).toBe('1.3 2.3');
    expect(recovery.groups.get(1)?.entries[0]).toEqual(entry(1, 3));
    expect(recovery.groups.get(1)?.entries[1]?.type).toBe(1);
    expect(recovery.groups.get(1)?.hardState).toEqual({ term: 3, vote: 2 ** 40, commit: 0 });
    expect(recovery.groups.get(2 ** 32 - 1)?.entries[0]?.term).toBe(2 ** 50);
    expect(recovery.groups.get(2 ** 32 - 1)?.hardState).toEqual({ term: 0, vote: 0, commit: 0 });
    expect(recovery.groups.get(9)?.base).toEqual({ index: 500, term: 7, data: Buffer.from('members') });
    expect(recovery.groups.get(9)?.releasedThrough).toBe(500);
    expect(indexes(recovery, 9)).toBe('501.7');
    await wal.close();
  });

  it('gives back large entries among small ones, also from a segment that they begin', async () => {
    const disk = new MemoryDisk();
    const first = await openWal(disk);
    const entries = [40, 70_000, 65_536, 10, 65_535, 3 * SMALL_SEGMENT, 5, 1_000_000, 600].map((length, i) => ({
      term: 1,
      index: i + 1,
      type: 0 as const,
      data: Buffer.alloc(length, `${i}`),
    }));
    const arrived = entries.find(({ data }) => data.length === 1_000_000)?.data as Buffer;
    const checksums = new ArrivalChecksums();
    for (let at = 0; at < arrived.length; at += 65_536) checksums.add(arrived.subarray(at, at + 65_536));
    checksums.note(arrived, 0);
    for (const each of entries) {
      first.wal.appendEntry(1, each);
      if (each.index % 3 === 0) await first.durable();
    }
    await first.durable();
    await first.wal.close();
    const { recovery, wal } = await openWal(disk);
    expect(recovery.damage).toEqual([]);
    const found = recovery.groups.get(1)?.entries ?? [];
    expect(found.map(({ index, data }) => [index, data.length])).toEqual(
      entries.map(({ index, data }) => [index, data.length]),
    );
    expect(found.every(({ data }, i) => Buffer.compare(data, entries[i]?.data as Buffer) === 0)).toBe(true);
    await wal.close();
  });

  it('keeps one write in flight and gathers what comes meanwhile in the next batch', async () => {
    const disk = new MemoryDisk();
    disk.holdWrites = true;
    const { wal } = await openWal(disk);
    const durable: number[] = [];
    wal.onDurable = (number) => durable.push(number);
    expect(wal.flush()).toBe(0);
    wal.appendEntry(1, entry(1));
    expect(wal.flush()).toBe(1);
    expect(wal.openBytes).toBe(0);
    expect(wal.newestBatch).toBe(1);
    wal.appendEntry(1, entry(2));
    expect(wal.newestBatch).toBe(2);
    expect(wal.openBytes).toBeGreaterThan(0);
    expect(wal.flush()).toBe(2);
    wal.appendEntry(1, entry(3));
    expect(wal.flush()).toBe(2);
    expect(disk.heldWrites).toBe(1);
    disk.completeWrite();
    expect(durable).toEqual([1]);
    wal.appendEntry(1, entry(4));
    expect(disk.heldWrites).toBe(1);
    disk.completeWrite();
    expect(durable).toEqual([1, 2]);
    // Entry 4 was not flushed, so nothing is written for it.
    expect(disk.heldWrites).toBe(0);
    expect(wal.flush()).toBe(3);
    disk.completeWrite();
    expect(durable).toEqual([1, 2, 3]);
    expect(wal.flush()).toBe(3);
    expect(wal.durableBatch).toBe(3);
  });

  it('starts the next write before it tells about the last', async () => {
    const disk = new MemoryDisk();
    disk.holdWrites = true;
    const { wal } = await openWal(disk);
    const held: number[] = [];
    wal.onDurable = () => held.push(disk.heldWrites);
    wal.appendEntry(1, entry(1));
    wal.flush();
    wal.appendEntry(1, entry(2));
    wal.flush();
    disk.completeWrite();
    expect(held).toEqual([1]);
  });

  it('drops the entries that an overwritten index makes invalid, also across restarts', async () => {
    const disk = new MemoryDisk();
    const first = await openWal(disk);
    for (let i = 1; i <= 5; i += 1) first.wal.appendEntry(1, entry(i));
    await first.durable();
    first.wal.appendEntry(1, entry(3, 2));
    await first.durable();
    const second = await openWal(disk.clone());
    expect(indexes(second.recovery, 1)).toBe('1.1 2.1 3.2');
    second.wal.appendEntry(1, entry(1, 3));
    second.wal.appendEntry(1, entry(2, 3));
    await second.durable();
    expect(() => second.wal.appendEntry(1, entry(4, 3))).toThrow('entries follow each other');
  });

  it('starts a log afresh after a snapshot, and a group after its removal', async () => {
    const disk = new MemoryDisk();
    const { wal, durable } = await openWal(disk);
    for (let i = 1; i <= 5; i += 1) wal.appendEntry(1, entry(i));
    wal.appendSnapshotBase(1, 100, 4, Buffer.from('c'));
    wal.appendEntry(1, entry(101, 4));
    wal.appendHardState(2, { term: 9, vote: 1, commit: 0 });
    wal.appendEntry(2, entry(1, 9));
    wal.removeGroup(2);
    wal.appendHardState(2, { term: 1, vote: 0, commit: 0 });
    wal.removeGroup(3);
    await durable();
    const { recovery } = await openWal(disk.clone());
    expect(indexes(recovery, 1)).toBe('101.4');
    expect(recovery.groups.get(2)?.hardState.term).toBe(1);
    expect(indexes(recovery, 2)).toBe('');
    expect(recovery.groups.has(3)).toBe(false);
  });

  it('copies what is appended', async () => {
    const disk = new MemoryDisk();
    const { wal, durable } = await openWal(disk);
    const data = Buffer.from('before');
    wal.appendEntry(1, { term: 1, index: 1, type: 0, data });
    data.fill('x');
    await durable();
    const { recovery } = await openWal(disk.clone());
    expect(Buffer.from(recovery.groups.get(1)?.entries[0]?.data ?? []).toString()).toBe('before');
  });

  it('ends with the first write that fails and reports nothing durable any more', async () => {
    const disk = new MemoryDisk();
    const { wal, errors, durable } = await openWal(disk);
    wal.appendEntry(1, entry(1));
    await durable();
    disk.failNextWrite = 'EIO';
    wal.appendEntry(1, entry(2));
    wal.flush();
    wal.appendEntry(1, entry(3));
    wal.flush();
    await turns(5);
    expect(errors.map((error) => error.name)).toEqual(['WalWriteError']);
    expect(errors[0]?.message).toContain('EIO');
    expect(wal.durableBatch).toBe(1);
    wal.flush();
    await turns(5);
    expect(wal.durableBatch).toBe(1);
    expect(errors.length).toBe(1);
    await wal.close();
  });

  it('writes what waits when it is closed, and takes nothing afterwards', async () => {
    const disk = new MemoryDisk();
    const { wal } = await openWal(disk);
    wal.appendEntry(1, entry(1));
    await wal.close();
    await wal.close();
    expect(() => wal.appendEntry(1, entry(2))).toThrow('closed log');
    const second = await openWal(disk);
    expect(indexes(second.recovery, 1)).toBe('1.1');
    // A host that answers each batch with the next one does not keep the log open.
    let index = 1;
    second.wal.onDurable = () => {
      index += 1;
      second.wal.appendEntry(1, entry(index));
      second.wal.flush();
    };
    second.wal.onDurable(0);
    await turns(10);
    await second.wal.close();
    const empty = new MemoryDisk();
    const third = await openWal(empty);
    await third.wal.close();
  });
});

describe('segments of a write-ahead log', () => {
  it('are begun one after the other, with the state of every group repeated', async () => {
    const disk = new MemoryDisk();
    const { wal, durable } = await openWal(disk);
    wal.appendHardState(7, { term: 5, vote: 3, commit: 2 });
    wal.appendSnapshotBase(8, 40, 2, Buffer.from('conf'));
    for (let i = 1; i <= 40; i += 1) {
      wal.appendEntry(1, entry(i, 1, 10_000));
      await durable();
    }
    expect(wal.segmentCount).toBeGreaterThan(5);
    const before = await openWal(disk.clone(), 2);
    expect(before.recovery.groups.get(1)?.entries.length).toBe(40);

    wal.releaseThrough(1, 39);
    // The release itself has to be durable before files go.
    expect(wal.segmentCount).toBeGreaterThan(5);
    wal.appendEntry(1, entry(41));
    await durable();
    expect(wal.segmentCount).toBe(1);
    await turns(30);
    const { recovery } = await openWal(disk.clone(), 3);
    expect(recovery.damage).toEqual([]);
    expect(recovery.groups.get(7)?.hardState).toEqual({ term: 5, vote: 3, commit: 2 });
    expect(recovery.groups.get(8)?.base).toEqual({ index: 40, term: 2, data: Buffer.from('conf') });
    expect(recovery.groups.get(1)?.releasedThrough).toBe(39);
    expect(recovery.groups.get(1)?.entries[0]?.index).toBeLessThanOrEqual(40);
    expect(recovery.groups.get(1)?.entries.at(-1)?.index).toBe(41);
  });

  it('are kept while any group needs one of their entries', async () => {
    const disk = new MemoryDisk();
    const { wal, durable } = await openWal(disk);
    wal.appendEntry(2, entry(1));
    for (let i = 1; i <= 20; i += 1) {
      wal.appendEntry(1, entry(i, 1, 10_000));
      await durable();
    }
    const count = wal.segmentCount;
    wal.releaseThrough(1, 20);
    wal.appendHardState(1, { term: 1, vote: 0, commit: 20 });
    await durable();
    expect(wal.segmentCount).toBe(count);
    wal.releaseThrough(1, 5);
    wal.releaseThrough(55, 5);
    wal.releaseThrough(2, 1);
    wal.appendHardState(1, { term: 1, vote: 0, commit: 20 });
    await durable();
    expect(wal.segmentCount).toBe(1);
  });

  it.each([
    ['a removal', (wal: import('./wal.ts').Wal) => wal.removeGroup(2)],
    ['a snapshot', (wal: import('./wal.ts').Wal) => wal.appendSnapshotBase(2, 10, 1, Buffer.alloc(0))],
    ['an overwritten entry', (wal: import('./wal.ts').Wal) => wal.appendEntry(2, entry(1, 2))],
  ])('are free after %s, but only when that is durable', async (_name, act) => {
    const disk = new MemoryDisk();
    const { wal, durable } = await openWal(disk);
    wal.appendEntry(2, entry(1));
    for (let i = 1; i <= 10; i += 1) {
      wal.appendEntry(1, entry(i, 1, 10_000));
      await durable();
    }
    const count = wal.segmentCount;
    disk.holdWrites = true;
    act(wal);
    wal.releaseThrough(1, 10);
    expect(wal.segmentCount).toBe(count);
    wal.flush();
    expect(wal.segmentCount).toBe(count);
    disk.completeWrite();
    expect(wal.segmentCount).toBeLessThan(count);
  });

  it('are used again, and old batches in them are never mistaken for new ones', async () => {
    const disk = new MemoryDisk();
    const opened = await openWal(disk);
    const { wal, durable } = opened;
    for (let i = 1; i <= 300; i += 1) {
      wal.appendEntry(1, entry(i, 1, 3_000));
      if (i % 5 === 0) wal.releaseThrough(1, i - 1);
      await durable();
      if (i % 7 === 0) {
        await turns(12);
        const { recovery } = await openWal(disk.clone(), i);
        expect(recovery.damage).toEqual([]);
        expect(recovery.groups.get(1)?.entries.at(-1)?.index).toBe(i);
        expect(recovery.groups.get(1)?.damaged).toBe(false);
      }
    }
    await turns(20);
    const created = disk.calls.filter((call) => call.startsWith('create')).length;
    expect(created).toBeLessThan(8);
    expect(disk.files.size).toBeLessThan(8);
    expect(disk.calls.filter((call) => call.startsWith('rename')).length).toBeGreaterThan(15);
  });

  it('have room for an entry of any size', async () => {
    const disk = new MemoryDisk();
    const { wal, durable } = await openWal(disk);
    wal.appendEntry(1, entry(1));
    await durable();
    wal.appendEntry(1, entry(2, 1, 6_000_000));
    await durable();
    wal.appendEntry(1, entry(3));
    await durable();
    const { recovery } = await openWal(disk.clone());
    expect(indexes(recovery, 1)).toBe('1.1 2.1 3.1');
    expect(recovery.groups.get(1)?.entries[1]?.data.length).toBe(6_000_000);
    wal.releaseThrough(1, 3);
    for (let i = 4; i < 30; i += 1) {
      wal.appendEntry(1, entry(i, 1, 10_000));
      wal.releaseThrough(1, i);
      await durable();
    }
    await turns(20);
    // The large file is not kept as a spare.
    expect(Math.max(...[...disk.files.values()].map((file) => file.visible.length))).toBe(SMALL_SEGMENT);
  });

  it('that cannot be prepared for want of room are reported, and end the log only when they are needed', async () => {
    const disk = new MemoryDisk();
    disk.capacity = SMALL_SEGMENT * 1.5;
    const { wal, durable, errors } = await openWal(disk);
    expect(wal.spaceError).toBeNull();
    wal.appendEntry(1, entry(1, 1, 20_000));
    await durable();
    await turns(5);
    expect(wal.spaceError?.name).toBe('WalFullError');
    expect(wal.spaceError?.message).toContain('disk is full');
    wal.appendEntry(1, entry(2, 1, 20_000));
    await durable();
    expect(errors).toEqual([]);
    wal.appendEntry(1, entry(3, 1, 20_000));
    wal.flush();
    await turns(10);
    expect(errors.map((error) => error.name)).toEqual(['WalFullError']);
    expect((errors[0] as { code?: string } | undefined)?.code).toBe('WAL_DISK_FULL');
    disk.capacity = Number.POSITIVE_INFINITY;
    const { recovery } = await openWal(disk.clone());
    expect(indexes(recovery, 1)).toBe('1.1 2.1');
  });

  it('are prepared again when there is room again', async () => {
    const disk = new MemoryDisk();
    const { wal, durable, errors } = await openWal(disk);
    disk.capacity = SMALL_SEGMENT;
    wal.appendEntry(1, entry(1, 1, 20_000));
    await durable();
    await turns(5);
    expect(wal.spaceError).not.toBeNull();
    disk.capacity = SMALL_SEGMENT * 10;
    for (let i = 2; i < 9; i += 1) {
      wal.appendEntry(1, entry(i, 1, 20_000));
      await durable();
    }
    await turns(5);
    expect(wal.spaceError).toBeNull();
    expect(errors).toEqual([]);
  });

  it('survive a create or a rename that fails', async () => {
    const disk = new MemoryDisk();
    const { wal, durable, errors } = await openWal(disk);
    disk.failNextCreate = 'EIO';
    for (let i = 1; i <= 60; i += 1) {
      wal.appendEntry(1, entry(i, 1, 10_000));
      wal.releaseThrough(1, i - 1);
      if (i === 30) disk.failNextRename = 'EIO';
      await durable();
      await turns(3);
    }
    expect(errors).toEqual([]);
    const { recovery } = await openWal(disk.clone());
    expect(recovery.groups.get(1)?.entries.at(-1)?.index).toBe(60);
    expect(recovery.damage).toEqual([]);
  });

  it('of another size than configured before are replaced', async () => {
    const disk = new MemoryDisk();
    let index = 0;
    for (const size of [SMALL_SEGMENT, SMALL_SEGMENT * 2, SMALL_SEGMENT]) {
      const { wal, durable, recovery } = await openWal(disk, 1, size);
      expect(recovery.damage).toEqual([]);
      expect(recovery.groups.get(1)?.entries.at(-1)?.index ?? 0).toBe(index);
      for (let i = 0; i < 40; i += 1) {
        index += 1;
        wal.appendEntry(1, entry(index, 1, 10_000));
        wal.releaseThrough(1, index - 1);
        await durable();
      }
      await turns(20);
      await wal.close();
    }
  });
});

describe('a write-ahead log after many restarts', () => {
  it('agrees with what was acknowledged, whatever each crash did to the write in flight', async () => {
    const prng = new Prng(2_026);
    for (let run = 0; run < 40; run += 1) {
      const disk = new MemoryDisk();
      const acknowledged = new Map<number, number>();
      const termOf = new Map<number, number>();
      let term = 1;
      for (let life = 0; life < 8; life += 1) {
        disk.holdWrites = false;
        const { wal, recovery, errors } = await openWal(disk, prng.uint32());
        expect(recovery.damage).toEqual([]);
        for (const [group, index] of acknowledged) {
          const last = recovery.groups.get(group)?.entries.at(-1)?.index ?? 0;
          expect(last).toBeGreaterThanOrEqual(index);
          expect(recovery.groups.get(group)?.hardState.term ?? 0).toBeGreaterThanOrEqual(termOf.get(group) ?? 0);
        }
        const last = new Map(
          [...recovery.groups].map(([group, one]) => [group, one.entries.at(-1)?.index ?? one.releasedThrough]),
        );
        term += 1;
        const sent: { batch: number; group: number; index: number; term: number }[] = [];
        wal.onDurable = (batch) => {
          for (const one of sent) {
            if (one.batch > batch) continue;
            acknowledged.set(one.group, one.index);
            termOf.set(one.group, one.term);
          }
        };
        const steps = 10 + prng.below(30);
        for (let step = 0; step < steps; step += 1) {
          const group = 1 + prng.below(3);
          const index = (last.get(group) ?? 0) + 1;
          last.set(group, index);
          wal.appendHardState(group, { term, vote: 1, commit: 0 });
          wal.appendEntry(group, entry(index, term, prng.below(9_000)));
          const batch = wal.flush();
          sent.push({ batch, group, index, term });
          if (prng.chance(0.3)) wal.releaseThrough(group, acknowledged.get(group) ?? 0);
          await turns(prng.below(4));
        }
        disk.holdWrites = true;
        for (let i = 0; i < 4; i += 1) {
          const group = 1 + prng.below(3);
          const index = (last.get(group) ?? 0) + 1;
          last.set(group, index);
          wal.appendEntry(group, entry(index, term, prng.below(9_000)));
          wal.flush();
          await turns(3);
        }
        expect(errors).toEqual([]);
        disk.crash(() => prng.pick(['old', 'new', 'garbage'] as const), prng);
        expect(await disk.list(FOLDER)).not.toEqual([]);
      }
    }
  });
});
