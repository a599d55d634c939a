/** The user that PostgreSQL runs as: it refuses root. */
import { execFile } from 'node:child_process';
import { chown } from 'node:fs/promises';
import { FolkmootError } from '../../base/errors.ts';

export interface SystemUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Null when this process is not root: then PostgreSQL runs as its user. `name`: of an account of this system. */
export async function findSystemUser(name = 'nobody'): Promise<SystemUser | null> {
  if (process.getuid?.() !== 0) return null;
  // Not /etc/passwd: accounts may come from elsewhere.
  const [uid, gid] = await Promise.all([idOf('-u', name), idOf('-g', name)]);
  if (uid === null || gid === null) {
    throw new FolkmootError(
      'OPTION_INVALID',
      `there is no user "${name}" on this system`,
      'Set --postgres-user to one.',
    );
  }
  if (uid === 0) {
    throw new FolkmootError(
      'OPTION_INVALID',
      `PostgreSQL does not run as "${name}"`,
      'Set --postgres-user to an unprivileged user.',
    );
  }
  return { name, uid, gid };
}

/** For the options of `spawn`. */
export function asUser(user: SystemUser | null): { uid?: number; gid?: number } {
  return user === null ? {} : { uid: user.uid, gid: user.gid };
}

/** Gives a file that we made to the user. */
export async function giveTo(user: SystemUser | null, path: string): Promise<void> {
  if (user !== null) await chown(path, user.uid, user.gid);
}

function idOf(flag: string, name: string): Promise<number | null> {
  return new Promise((resolve) => {
    execFile('id', [flag, name], (error, text) => {
      resolve(error === null && /^\d+\s*$/.test(text) ? Number(text) : null);
    });
  });
}
