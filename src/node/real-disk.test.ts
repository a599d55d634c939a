import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Disk, DiskFile } from '../base/disk.ts';
import { silentLogger } from '../base/log.ts';
import { Prng } from '../base/prng.ts';
import { Wal } from '../storage/wal.ts';
import { RealDisk } from './real-disk.ts';

let folder = '';

beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), 'folkmoot-disk-'));
});

afterEach(() => {
  vi.restoreAllMocks();
  fs.rmSync(folder, { recursive: true, force: true });
});

function write(file: DiskFile, position: number, data: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    file.writeDurably(position, [data], (error) => (error === null ? resolve() : reject(error)));
  });
}

describe.each([true, false])('the real disk (O_DSYNC: %s)', (useDsync) => {
  const disk: Disk = new RealDisk({ useDsync });

  it('makes folders and lists them', async () => {
    const deep = join(folder, 'a', 'b', 'c');
    await disk.makeFolder(deep);
    await disk.makeFolder(deep);
    await disk.replaceFile(join(deep, 'y'), Buffer.from('1'));
    await disk.replaceFile(join(deep, 'x'), Buffer.from('2'));
    await disk.replaceFile(join(deep, 'x'), Buffer.from('3'));
    expect(await disk.list(deep)).toEqual(['x', 'y']);
    expect((await disk.readFile(join(deep, 'x'))).toString()).toBe('3');
    await expect(disk.list(join(folder, 'none'))).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(disk.readFile(join(folder, 'none'))).rejects.toMatchObject({ code: 'ENOENT' });
    await disk.remove(join(folder, 'a'));
    await disk.remove(join(folder, 'a', 'b'));
    await disk.remove(join(folder, 'a'));
    expect(await disk.list(folder)).toEqual([]);
  });

  it('creates files of zeros, once, and reads and writes them', async () => {
    const path = join(folder, 'file');
    const size = 2_500_000;
    const file = await disk.create(path, size);
    expect(file.size).toBe(size);
    expect((await file.read(0, size)).equals(Buffer.alloc(size))).toBe(true);
    // All blocks are there: later writes need no new ones.
    expect(fs.statSync(path).blocks * 512).toBeGreaterThanOrEqual(size);
    await expect(disk.create(path, size)).rejects.toMatchObject({ code: 'EEXIST' });

    await write(file, 1_000, Buffer.from('hello'));
    await write(file, size - 3, Buffer.from('end'));
    expect((await file.read(998, 9)).toString('latin1')).toBe('\0\0hello\0\0');
    expect((await file.read(size - 3, 100)).toString()).toBe('end');
    expect((await file.read(size + 5, 10)).length).toBe(0);
    expect(() => file.writeDurably(size - 3, [Buffer.alloc(4)], () => undefined)).toThrow('inside the file');
    await file.close();

    const again = await disk.open(path);
    expect((await again.read(1_000, 5)).toString()).toBe('hello');
    await again.close();
    await disk.rename(path, join(folder, 'other'));
    await disk.makeFolder(join(folder, 'sub'));
    await disk.rename(join(folder, 'other'), join(folder, 'sub', 'other'));
    expect(await disk.list(join(folder, 'sub'))).toEqual(['other']);
    await expect(disk.open(path)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('takes one write at a time per file', async () => {
    const file = await disk.create(join(folder, 'file'), 4_096);
    const first = write(file, 0, Buffer.from('1'));
    expect(() => file.writeDurably(1, [Buffer.from('2')], () => undefined)).toThrow('one durable write at a time');
    await expect(file.close()).rejects.toThrow('when its writes have ended');
    await first;
    await file.close();
  });

  it('writes pieces one after the other, also when the system takes them bit by bit', async () => {
    const file = await disk.create(join(folder, 'file'), 4_096);
    const real = fs.writev.bind(fs) as unknown as (...parameters: unknown[]) => void;
    const spy = vi.spyOn(fs, 'writev') as unknown as {
      mockImplementation(fake: (...parameters: unknown[]) => void): void;
    };
    const pieces = ['one', '', 'three', 'x', 'the last'].map((text) => Buffer.from(text));
    for (const taken of [100, 8, 4, 3, 1]) {
      // The system takes whole pieces, and a part of the next.
      spy.mockImplementation((fd, list, position, done) => {
        real(fd, [Buffer.concat(list as Buffer[]).subarray(0, taken)], position, done);
      });
      await new Promise<void>((resolve, reject) => {
        file.writeDurably(taken, pieces, (error) => (error === null ? resolve() : reject(error)));
      });
      expect((await file.read(taken, 17)).toString()).toBe('onethreexthe last');
      await write(file, taken, Buffer.alloc(17));
    }
    await file.close();
  });

  it('goes on after a short write and reports one that fails', async () => {
    const file = await disk.create(join(folder, 'file'), 4_096);
    const real = fs.write.bind(fs) as unknown as (...parameters: unknown[]) => void;
    const spy = vi.spyOn(fs, 'write') as unknown as {
      mockImplementation(fake: (...parameters: unknown[]) => void): void;
    };
    let calls = 0;
    spy.mockImplementation((fd, data, offset, length, position, done) => {
      calls += 1;
      real(fd, data, offset, Math.min(length as number, 3), position, done);
    });
    await write(file, 10, Buffer.from('0123456789'));
    expect(calls).toBe(4);
    expect((await file.read(10, 10)).toString()).toBe('0123456789');
    spy.mockImplementation((_fd, _data, _offset, _length, _position, done) => {
      (done as (error: Error) => void)(Object.assign(new Error('EIO'), { code: 'EIO' }));
    });
    await expect(write(file, 0, Buffer.from('x'))).rejects.toMatchObject({ code: 'EIO' });
    vi.restoreAllMocks();
    await write(file, 0, Buffer.from('x'));
    await file.close();
  });

  it('leaves nothing behind when a file cannot be created', async () => {
    await expect(disk.create(join(folder, 'none', 'file'), 10)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(disk.create(join(folder, 'huge'), Number.NaN)).rejects.toThrow();
    expect(await disk.list(folder)).toEqual([]);
    fs.mkdirSync(join(folder, 'folder'));
    await expect(disk.open(join(folder, 'folder'))).rejects.toMatchObject({ code: 'EISDIR' });
  });

  it('carries a write-ahead log over many lives', async () => {
    let index = 0;
    for (let life = 0; life < 6; life += 1) {
      const { wal, recovery } = await Wal.open({
        disk,
        folder: join(folder, 'wal'),
        logger: silentLogger,
        prng: new Prng(life),
        segmentBytes: 128 * 1_024,
      });
      expect(recovery.damage).toEqual([]);
      expect(recovery.groups.get(4)?.entries.at(-1)?.index ?? 0).toBe(index);
      await new Promise<void>((resolve, reject) => {
        wal.onError = reject;
        let last = 0;
        const end = index + 60;
        wal.onDurable = (batch) => {
          if (batch >= last && index === end) resolve();
          else if (batch >= last) append();
        };
        const append = (): void => {
          index += 1;
          wal.appendEntry(4, { term: 1, index, type: 0, data: Buffer.alloc(5_000, index) });
          wal.releaseThrough(4, index - 5);
          last = wal.flush();
        };
        append();
      });
      // Every other life ends without saying so.
      if (life % 2 === 0) await wal.close();
    }
    expect((await disk.list(join(folder, 'wal'))).length).toBeLessThan(9);
  });
});
