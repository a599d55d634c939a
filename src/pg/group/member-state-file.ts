/**
 * The file that holds what a server of the group must not forget. It is written in the middle of a failover, when every other process of
 * the machine is busy: so one write is one trip to the disk. Two slots are written in turn, and the newer one that is whole counts.
 *
 *   slot: 8 hex digits, the CRC-32 of what follows | JSON with version and sequence | newline, then spaces up to SLOT_BYTES
 *
 * Version log: 1, JSON alone. 2, slots.
 */
import { constants } from 'node:fs';
import { type FileHandle, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { assert } from '../../base/assert.ts';
import { errnoOf, FolkmootError } from '../../base/errors.ts';
import { type MemberState, NEW_MEMBER } from './member-state.ts';

const VERSION = 2;
const SLOT_BYTES = 4096;
const CHECKSUM_CHARS = 8;
/** Elsewhere only fsync reaches the medium. */
const USES_DSYNC = process.platform === 'linux';

interface Stored extends MemberState {
  readonly version: number;
  readonly sequence: number;
}

export class MemberStateFile {
  readonly #file: FileHandle;
  #sequence: number;
  #state: MemberState;

  static async open(path: string): Promise<MemberStateFile> {
    const text = await readFile(path, 'latin1').catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return '';
      throw error;
    });
    const isNew = text === '' || text.startsWith('{');
    const stored = isNew ? readFirstVersion(text) : readSlots(text, path);
    if (isNew) await create(path, stored);
    const file = await open(path, constants.O_RDWR | (USES_DSYNC ? constants.O_DSYNC : 0));
    return new MemberStateFile(file, stored);
  }

  private constructor(file: FileHandle, { version: _version, sequence, ...state }: Stored) {
    this.#file = file;
    this.#sequence = sequence;
    this.#state = state;
  }

  get state(): MemberState {
    return this.#state;
  }

  /** Resolves when it is durable; only then is it the state. */
  async write(state: MemberState): Promise<void> {
    const sequence = this.#sequence + 1;
    const slot = slotOf({ version: VERSION, sequence, ...state });
    await this.#file.write(slot, 0, SLOT_BYTES, (sequence % 2) * SLOT_BYTES);
    if (!USES_DSYNC) await this.#file.sync();
    this.#sequence = sequence;
    this.#state = state;
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

function readFirstVersion(text: string): Stored {
  const state = text === '' ? NEW_MEMBER : (JSON.parse(text) as MemberState);
  return { ...state, version: VERSION, sequence: 0 };
}

function readSlots(text: string, path: string): Stored {
  const slots = [0, 1].map((index) => readSlot(text.slice(index * SLOT_BYTES, (index + 1) * SLOT_BYTES)));
  const newest = slots.reduce((a, b) => (a === null || (b !== null && b.sequence > a.sequence) ? b : a));
  if (newest === null) {
    throw new FolkmootError(
      'FOLDER_UNUSABLE',
      `${path} is damaged: what this PostgreSQL server has promised is not known`,
      'Remove the folder that it is in: the server is then cloned from the primary.',
    );
  }
  if (newest.version === VERSION) return newest;
  throw new FolkmootError('FOLDER_UNUSABLE', `${path} is of version ${newest.version}`, 'Use newer software.');
}

/** Null when it is not whole: a write of it was cut off, or it was never written. */
function readSlot(text: string): Stored | null {
  const body = text.slice(CHECKSUM_CHARS).trimEnd();
  return body !== '' && text.startsWith(checksumOf(body)) ? (JSON.parse(body) as Stored) : null;
}

function slotOf(stored: Stored): Buffer {
  const body = JSON.stringify(stored);
  const slot = Buffer.alloc(SLOT_BYTES, ' ');
  assert(body.length + CHECKSUM_CHARS < SLOT_BYTES, 'the state of a member has a few hundred bytes');
  slot.latin1Write(`${checksumOf(body)}${body}\n`, 0);
  return slot;
}

function checksumOf(body: string): string {
  return crc32(Buffer.from(body, 'latin1')).toString(16).padStart(CHECKSUM_CHARS, '0');
}

async function create(path: string, stored: Stored): Promise<void> {
  const file = await open(`${path}.new`, 'w', 0o600);
  try {
    await file.writeFile(Buffer.concat([slotOf(stored), Buffer.alloc(SLOT_BYTES, ' ')]));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
