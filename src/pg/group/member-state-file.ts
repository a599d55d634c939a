/** The file that holds what a server of the group must not forget. */
import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf, FolkmootError } from '../../base/errors.ts';
import { type MemberState, NEW_MEMBER } from './member-state.ts';

/** Goes up when older software cannot read the file any more. Version log: 1, first. */
const VERSION = 1;

export class MemberStateFile {
  readonly #path: string;
  #state: MemberState;

  static async open(path: string): Promise<MemberStateFile> {
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return null;
      throw error;
    });
    if (text === null) return new MemberStateFile(path, NEW_MEMBER);
    const { version, ...state } = JSON.parse(text) as MemberState & { version: number };
    if (version !== VERSION) {
      throw new FolkmootError('FOLDER_UNUSABLE', `${path} is of another version (${version})`, 'Use that version.');
    }
    return new MemberStateFile(path, state);
  }

  private constructor(path: string, state: MemberState) {
    this.#path = path;
    this.#state = state;
  }

  get state(): MemberState {
    return this.#state;
  }

  /** Resolves when it is durable; only then is it the state. */
  async write(state: MemberState): Promise<void> {
    const path = `${this.#path}.new`;
    const file = await open(path, 'w', 0o600);
    try {
      await file.writeFile(`${JSON.stringify({ version: VERSION, ...state })}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(path, this.#path);
    const folder = await open(dirname(this.#path), 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
    this.#state = state;
  }
}
