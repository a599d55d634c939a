/** Disks that can be filled: a file system in memory for each node. Root only, since it is mounted. */
import { execFile } from 'node:child_process';
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** PostgreSQL alone takes a tenth of it, and its log grows. */
const SIZE_MB = 1_024;
const BALLAST = 'ballast';

export class Disks {
  readonly #folders: readonly string[];

  private constructor(folders: readonly string[]) {
    this.#folders = folders;
  }

  /** One for each of the folders `node-1`, `node-2`, ... below `folder`. */
  static async mount(folder: string, nodes: number): Promise<Disks> {
    const folders = Array.from({ length: nodes }, (_, index) => join(folder, `node-${index + 1}`));
    for (const path of folders) {
      await mkdir(path, { recursive: true });
      await run('mount', ['-t', 'tmpfs', '-o', `size=${SIZE_MB}m`, 'folkmoot-torture', path]);
    }
    return new Disks(folders);
  }

  has(dataFolder: string): boolean {
    return this.#folders.includes(dataFolder);
  }

  /** True of a node's last words when it ended because its disk was full. */
  excuses(crash: string): boolean {
    return /the disk is full|No space left on device|Input\/output error/.test(crash);
  }

  /** Takes all the space that is left below a node's folder. */
  async fill(dataFolder: string): Promise<void> {
    const { bavail, bsize } = await statfs(dataFolder);
    const block = Buffer.alloc(1_024 * 1_024, 1);
    const path = join(dataFolder, BALLAST);
    for (let left = bavail * bsize; left > 0; left -= block.length) {
      try {
        await writeFile(path, block.subarray(0, Math.min(left, block.length)), { flag: 'a' });
      } catch {
        // It is full: that is what was wanted.
        return;
      }
    }
  }

  async free(dataFolder: string): Promise<void> {
    await rm(join(dataFolder, BALLAST), { force: true });
  }

  async unmount(): Promise<void> {
    for (const path of this.#folders) await run('umount', ['-l', path]);
  }
}
