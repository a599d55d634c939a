/**
 * Reads the tar archives of a base backup (POSIX ustar as PostgreSQL writes it): files, folders and symbolic links, names of at most
 * 99 bytes. Whatever else is in one is an error: it would be a backup that we do not understand.
 */
export interface TarEntry {
  readonly kind: 'file' | 'folder' | 'link';
  /** Relative, without `.` and `..`. */
  readonly path: string;
  readonly bytes: number;
  /** Of a link. */
  readonly target: string;
}

/** Gets the entries in order; the next call comes when the promise of the one before has resolved. */
export interface TarSink {
  begin(entry: TarEntry): Promise<void>;
  /** A piece of the file that was begun last. A view: not to be kept. */
  data(piece: Buffer): Promise<void>;
  /** The file that was begun last is whole. */
  end(): Promise<void>;
}

export class TarError extends Error {
  override readonly name = 'TarError';
}

const BLOCK_BYTES = 512;

export class TarReader {
  readonly #sink: TarSink;
  readonly #header = Buffer.alloc(BLOCK_BYTES);
  #headerBytes = 0;
  /** Of the file that is being read. */
  #left = 0;
  #padding = 0;
  #isInFile = false;
  #hasEnded = false;

  constructor(sink: TarSink) {
    this.#sink = sink;
  }

  async write(piece: Buffer): Promise<void> {
    for (let at = 0; at < piece.length; ) {
      const length = await this.#some(piece.subarray(at));
      at += length;
    }
  }

  /** Throws when the archive was cut off. */
  close(): void {
    if (this.#isInFile || this.#headerBytes > 0) throw new TarError('the archive ends within an entry');
  }

  /** How many bytes of `piece` it took. */
  async #some(piece: Buffer): Promise<number> {
    if (this.#isInFile && this.#left > 0) {
      const part = piece.subarray(0, this.#left);
      this.#left -= part.length;
      await this.#sink.data(part);
      if (this.#left === 0) await this.#endFile();
      return part.length;
    }
    if (this.#padding > 0) {
      const length = Math.min(this.#padding, piece.length);
      this.#padding -= length;
      return length;
    }
    const length = piece.copy(this.#header, this.#headerBytes, 0, BLOCK_BYTES - this.#headerBytes);
    this.#headerBytes += length;
    if (this.#headerBytes === BLOCK_BYTES) {
      this.#headerBytes = 0;
      await this.#begin();
    }
    return length;
  }

  async #begin(): Promise<void> {
    // Blocks of zeros end an archive.
    if (this.#header.every((byte) => byte === 0)) {
      this.#hasEnded = true;
      return;
    }
    if (this.#hasEnded) throw new TarError('an entry after the end of the archive');
    const entry = entryOf(this.#header);
    await this.#sink.begin(entry);
    if (entry.kind !== 'file') return;
    this.#isInFile = true;
    this.#left = entry.bytes;
    this.#padding = (BLOCK_BYTES - (entry.bytes % BLOCK_BYTES)) % BLOCK_BYTES;
    if (entry.bytes === 0) await this.#endFile();
  }

  async #endFile(): Promise<void> {
    this.#isInFile = false;
    await this.#sink.end();
  }
}

/** Header: name 0-99, size 124-135, checksum 148-155, type 156, link target 157-256, "ustar" 257. */
function entryOf(header: Buffer): TarEntry {
  if (header.toString('latin1', 257, 262) !== 'ustar') throw new TarError('no header of a tar archive');
  let sum = 0;
  for (let at = 0; at < BLOCK_BYTES; at += 1) sum += at >= 148 && at < 156 ? 0x20 : (header[at] as number);
  if (sum !== Number.parseInt(header.toString('latin1', 148, 156), 8)) throw new TarError('a header is damaged');
  const path = checkedPath(zeroEndedText(header, 0, 100));
  const bytes = sizeOf(header.subarray(124, 136));
  switch (header.toString('latin1', 156, 157)) {
    case '0':
    case '\0':
      return { kind: 'file', path, bytes, target: '' };
    case '5':
      return { kind: 'folder', path, bytes: 0, target: '' };
    case '2':
      return { kind: 'link', path, bytes: 0, target: zeroEndedText(header, 157, 257) };
    default:
      throw new TarError(`an entry of an unknown kind: ${path}`);
  }
}

/** Octal digits; or, from 8 GiB on, binary with the first bit set. */
function sizeOf(field: Buffer): number {
  if (((field[0] as number) & 0x80) !== 0) return Number(field.readBigUInt64BE(4));
  const size = Number.parseInt(field.toString('latin1'), 8);
  if (!Number.isSafeInteger(size) || size < 0) throw new TarError('a size that is no number');
  return size;
}

function zeroEndedText(header: Buffer, from: number, to: number): string {
  const end = header.indexOf(0, from);
  return header.toString('utf8', from, end === -1 || end > to ? to : end);
}

/** No entry may leave the folder that the archive is unpacked in. */
function checkedPath(name: string): string {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (name.startsWith('/') || parts.includes('..')) throw new TarError(`an entry outside the archive: ${name}`);
  return parts.join('/');
}
