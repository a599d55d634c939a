import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { TarReader } from './tar-reader.ts';

const folder = mkdtempSync(join(tmpdir(), 'fm-tar-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Made by the tar of this system. */
function archive(): Buffer {
  mkdirSync(join(folder, 'base/1'), { recursive: true });
  writeFileSync(join(folder, 'base/1/empty'), '');
  writeFileSync(join(folder, 'base/1/block'), 'b'.repeat(512));
  writeFileSync(join(folder, 'base/more'), 'm'.repeat(1_300));
  symlinkSync('/elsewhere', join(folder, 'base/16384'));
  const list = ['--format=ustar', '--sort=name', '-C', folder, '-cf', '-', 'base'];
  return spawnSync('tar', list).stdout;
}

async function read(pieces: readonly Buffer[]): Promise<string[]> {
  const seen: string[] = [];
  let bytes = 0;
  const reader = new TarReader({
    begin: async ({ kind, path, target }) => {
      seen.push(`${kind} ${path}${target === '' ? '' : ` -> ${target}`}`);
      bytes = 0;
    },
    data: async (piece) => {
      bytes += piece.length;
    },
    end: async () => {
      seen.push(`${bytes} bytes`);
    },
  });
  for (const piece of pieces) await reader.write(piece);
  reader.close();
  return seen;
}

const isThere = spawnSync('tar', ['--version']).stdout?.toString().includes('GNU') === true;

describe.skipIf(!isThere)(`archives made by tar${isThere ? '' : ' (skipped: needs GNU tar)'}`, () => {
  const bytes = isThere ? archive() : Buffer.alloc(0);

  test('entries come out wherever the bytes were cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 10 }), async (cuts) => {
        const places = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        expect(await read(places.slice(1).map((end, index) => bytes.subarray(places[index], end)))).toEqual([
          'folder base',
          'folder base/1',
          'file base/1/block',
          '512 bytes',
          'file base/1/empty',
          '0 bytes',
          'link base/16384 -> /elsewhere',
          'file base/more',
          '1300 bytes',
        ]);
      }),
      { numRuns: 50 },
    );
  });

  test('an archive that was cut off is told from a whole one', async () => {
    const end = bytes.indexOf('m'.repeat(100)) + 50;
    await expect(read([bytes.subarray(0, end)])).rejects.toThrow(/ends within/);
  });

  test('a flipped bit of a header is seen', async () => {
    for (let at = 0; at < 345; at += 7) {
      // What fills up the checksum itself.
      if (at > 152 && at < 156) continue;
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] as number) ^ 0x01;
      await expect(read([damaged]), String(at)).rejects.toThrow();
    }
  });
});

test('an entry that would leave the folder, and one of another kind, are refused', async () => {
  for (const [name, kind] of [
    ['/etc/passwd', '0'],
    ['base/../../x', '0'],
    ['device', '3'],
  ] as const) {
    await expect(read([header(name, kind)]), name).rejects.toThrow(/outside|unknown kind/);
  }
});

test('a file of more than 8 GiB has a size in binary', async () => {
  const bytes = header('large', '0');
  bytes.fill(0, 124, 136);
  bytes[124] = 0x80;
  bytes.writeBigUInt64BE(9n * 1024n ** 3n, 128);
  sign(bytes);
  const sizes: number[] = [];
  const reader = new TarReader({
    begin: async (entry) => void sizes.push(entry.bytes),
    data: async () => undefined,
    end: async () => undefined,
  });
  await reader.write(bytes);
  expect(sizes).toEqual([9 * 1024 ** 3]);
});

function header(name: string, kind: string): Buffer {
  const bytes = Buffer.alloc(512);
  bytes.write(name, 0);
  bytes.write('00000000000\0', 124);
  bytes.write(kind, 156);
  bytes.write('ustar', 257);
  sign(bytes);
  return bytes;
}

function sign(bytes: Buffer): void {
  bytes.fill(0x20, 148, 156);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0`, 148);
}
