/**
 * A disk in memory for tests. Every file has what a reader sees and what would survive a loss of power; `crash` throws the
 * difference away, or keeps some sectors of it, or garbles them.
 */
import type { Disk, DiskFile } from '../base/disk.ts';
import type { Prng } from '../base/prng.ts';

const SECTOR = 512;

interface Contents {
  visible: Buffer;
  /** Where a write in flight goes; only this part may differ from `visible` after a crash. */
  inFlight: { position: number; data: Buffer } | null;
  handles: number;
}

export class MemoryDisk implements Disk {
  readonly files = new Map<string, Contents>();
  readonly folders = new Set<string>();
  /** Names of calls, oldest first, for tests that look at the order. */
  readonly calls: string[] = [];
  /** Bytes that may be created in all. */
  capacity = Number.POSITIVE_INFINITY;
  failReads: string | null = null;
  failNextWrite: string | null = null;
  failNextRename: string | null = null;
  failNextCreate: string | null = null;
  /** True: writes wait until `completeWrite` is called. */
  holdWrites = false;
  readonly #held: (() => void)[] = [];
  #life = 0;

  async list(folder: string): Promise<string[]> {
    if (!this.folders.has(folder)) throw failure('ENOENT');
    const prefix = `${folder}/`;
    return [...this.files.keys()]
      .filter((path) => path.startsWith(prefix))
      .map((path) => path.slice(prefix.length))
      .sort();
  }

  async makeFolder(folder: string): Promise<void> {
    this.folders.add(folder);
  }

  async open(path: string): Promise<DiskFile> {
    const contents = this.files.get(path);
    if (contents === undefined) throw failure('ENOENT');
    contents.handles += 1;
    return new MemoryFile(this, path, contents, this.#life);
  }

  async create(path: string, size: number): Promise<DiskFile> {
    this.calls.push(`create ${path} ${size}`);
    if (this.files.has(path)) throw failure('EEXIST');
    if (this.failNextCreate !== null) {
      const code = this.failNextCreate;
      this.failNextCreate = null;
      throw failure(code);
    }
    let used = 0;
    for (const contents of this.files.values()) used += contents.visible.length;
    if (used + size > this.capacity) throw failure('ENOSPC');
    this.files.set(path, { visible: Buffer.alloc(size), inFlight: null, handles: 0 });
    return await this.open(path);
  }

  async readFile(path: string): Promise<Buffer> {
    const contents = this.files.get(path);
    if (contents === undefined) throw failure('ENOENT');
    return Buffer.from(contents.visible);
  }

  async replaceFile(path: string, contents: Uint8Array): Promise<void> {
    this.files.set(path, { visible: Buffer.from(contents), inFlight: null, handles: 0 });
  }

  async rename(from: string, to: string): Promise<void> {
    this.calls.push(`rename ${from} ${to}`);
    if (this.failNextRename !== null) {
      const code = this.failNextRename;
      this.failNextRename = null;
      throw failure(code);
    }
    const contents = this.files.get(from);
    if (contents === undefined) throw failure('ENOENT');
    this.files.delete(from);
    this.files.set(to, contents);
  }

  async remove(path: string): Promise<void> {
    this.calls.push(`remove ${path}`);
    this.files.delete(path);
  }

  /** Ends the write that has waited longest. */
  completeWrite(): void {
    this.#held.shift()?.();
  }

  get heldWrites(): number {
    return this.#held.length;
  }

  /** The process and the power are gone: of a write in flight, `keep` says per sector what became of it. */
  crash(keep: (sector: number) => 'old' | 'new' | 'garbage', prng?: Prng): void {
    this.#life += 1;
    this.#held.length = 0;
    for (const contents of this.files.values()) {
      contents.handles = 0;
      const write = contents.inFlight;
      contents.inFlight = null;
      if (write === null) continue;
      for (let at = 0, sector = 0; at < write.data.length; at += SECTOR, sector += 1) {
        const part = write.data.subarray(at, at + SECTOR);
        const fate = keep(sector);
        if (fate === 'new') part.copy(contents.visible, write.position + at);
        if (fate === 'garbage') {
          for (let i = 0; i < part.length; i += 1) contents.visible[write.position + at + i] = prng?.below(256) ?? 0xa5;
        }
      }
    }
  }

  /** Keeps the first `bytes` of the write in flight. */
  crashAfterBytes(bytes: number): void {
    for (const contents of this.files.values()) {
      const write = contents.inFlight;
      if (write !== null) write.data.subarray(0, bytes).copy(contents.visible, write.position);
    }
    this.crash(() => 'old');
  }

  /** The same bytes on a disk of its own. */
  clone(): MemoryDisk {
    const copy = new MemoryDisk();
    for (const folder of this.folders) copy.folders.add(folder);
    for (const [path, { visible, inFlight }] of this.files) {
      copy.files.set(path, { visible: Buffer.from(visible), inFlight, handles: 0 });
    }
    return copy;
  }

  flipBit(path: string, offset: number, bit = 0): void {
    const visible = (this.files.get(path) as Contents).visible;
    visible[offset] = (visible[offset] as number) ^ (1 << bit);
  }

  get life(): number {
    return this.#life;
  }

  hold(complete: () => void): void {
    this.#held.push(complete);
  }
}

class MemoryFile implements DiskFile {
  readonly size: number;
  readonly #disk: MemoryDisk;
  readonly #path: string;
  readonly #contents: Contents;
  readonly #life: number;

  constructor(disk: MemoryDisk, path: string, contents: Contents, life: number) {
    this.size = contents.visible.length;
    this.#disk = disk;
    this.#path = path;
    this.#contents = contents;
    this.#life = life;
  }

  async read(position: number, length: number): Promise<Buffer> {
    if (this.#disk.failReads !== null && this.#path.includes(this.#disk.failReads)) throw failure('EIO');
    return Buffer.from(this.#contents.visible.subarray(position, position + length));
  }

  writeDurably(position: number, pieces: readonly Uint8Array[], done: (error: Error | null) => void): void {
    const data = Buffer.concat(pieces);
    if (this.#contents.inFlight !== null) throw new Error('two writes at once');
    if (position + data.length > this.size) throw new Error('a write beyond the end');
    this.#contents.inFlight = { position, data };
    const complete = (): void => {
      if (this.#life !== this.#disk.life) return;
      const write = this.#contents.inFlight;
      this.#contents.inFlight = null;
      if (this.#disk.failNextWrite !== null) {
        const code = this.#disk.failNextWrite;
        this.#disk.failNextWrite = null;
        done(failure(code));
        return;
      }
      if (write !== null && !write.data.equals(Buffer.concat(pieces)))
        throw new Error('the data was changed while it was written');
      write?.data.copy(this.#contents.visible, position);
      done(null);
    };
    if (this.#disk.holdWrites) this.#disk.hold(complete);
    else setImmediate(complete);
  }

  async close(): Promise<void> {
    if (this.#life === this.#disk.life) this.#contents.handles -= 1;
  }
}

function failure(code: string): Error {
  return Object.assign(new Error(`${code}: simulated`), { code });
}
