import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type MemberState, NEW_MEMBER } from './member-state.ts';
import { MemberStateFile } from './member-state-file.ts';

let folder = '';
let path = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fm-ms-'));
  path = join(folder, 'member.json');
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const pledged = (epoch: number): MemberState => ({ ...NEW_MEMBER, pledged: epoch, branch: { epoch, fork: '12' } });

async function write(...epochs: readonly number[]): Promise<void> {
  const file = await MemberStateFile.open(path);
  for (const epoch of epochs) await file.write(pledged(epoch));
  await file.close();
}

async function stored(): Promise<MemberState> {
  const file = await MemberStateFile.open(path);
  await file.close();
  return file.state;
}

/** What a write that was cut off leaves of the slot of that epoch. */
async function damage(epoch: number): Promise<void> {
  const text = await readFile(path, 'latin1');
  const at = text.indexOf(`"pledged":${epoch}`);
  expect(at).toBeGreaterThan(0);
  await writeFile(path, `${text.slice(0, at)}"pledged":9${text.slice(at + 11)}`, 'latin1');
}

test('is what was written last, and new when there is nothing', async () => {
  expect(await stored()).toEqual(NEW_MEMBER);
  await write(1);
  expect(await stored()).toEqual(pledged(1));
  await write(2, 3, 4);
  expect(await stored()).toEqual(pledged(4));
  await write(5);
  expect(await stored()).toEqual(pledged(5));
});

test('is what was written before, when the last write was cut off', async () => {
  await write(1, 2, 3);
  await damage(3);
  expect(await stored()).toEqual(pledged(2));
  await write(4);
  expect(await stored()).toEqual(pledged(4));
  await damage(4);
  await damage(2);
  await expect(stored()).rejects.toMatchObject({ code: 'FOLDER_UNUSABLE' });
});

test('is taken over from the first version, and not from one that is newer', async () => {
  await writeFile(path, `${JSON.stringify({ version: 1, ...pledged(7) })}\n`);
  expect(await stored()).toEqual(pledged(7));
  await write(8);
  expect(await stored()).toEqual(pledged(8));
  const text = await readFile(path, 'latin1');
  expect(text.length).toBe(8192);
  // The newest slot says that it is of version 3.
  const body = text.slice(8, 4096).trimEnd().replace('"version":2', '"version":3');
  const checksum = crc32(Buffer.from(body, 'latin1')).toString(16).padStart(8, '0');
  expect(body).toContain('"version":3');
  await writeFile(
    path,
    `${checksum}${body}\n`.padEnd(4096) + text.slice(4096).replace(/"sequence":\d+/, '"sequence":0'),
    'latin1',
  );
  await expect(stored()).rejects.toMatchObject({ code: 'FOLDER_UNUSABLE' });
});
