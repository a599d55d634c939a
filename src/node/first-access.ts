/** Whom a cluster begins with, as its operator asks for it; decided on the node that forms it. */
import { isIPv4 } from 'node:net';
import type { FirstAccess } from '../admin/admin-source.ts';
import { FolkmootError } from '../base/errors.ts';
import type { InitialAccess } from '../cluster/access/access-records.ts';
import { localAccess, OPEN_ACCESS, superuserAccess } from '../cluster/access/first-users.ts';
import { parseVerifier } from '../cluster/access/scram.ts';

export const NO_USERS: FirstAccess = { auth: 'auto', local: false };

/** Rejects with OPTION_INVALID. `hosts`: all addresses that the first nodes listen on. */
export async function decideAccess(request: FirstAccess, hosts: readonly string[]): Promise<InitialAccess> {
  const { auth, superuser, local } = request;
  if (superuser !== undefined) {
    const verifier = parseVerifier(superuser.verifier);
    if (auth === 'off' || verifier === null || superuser.name === '') {
      throw new FolkmootError(
        'OPTION_INVALID',
        'a first user makes no sense like this',
        'Give a name and a password, and leave --auth=off out.',
      );
    }
    return superuserAccess(superuser.name, verifier);
  }
  if (local && auth !== 'off') return await localAccess();
  if (auth === 'on') {
    throw new FolkmootError('OPTION_INVALID', '--auth=on without a user', 'Name the first one with --superuser=NAME.');
  }
  const open = hosts.find((host) => !isLoopback(host));
  if (open !== undefined && auth !== 'off') {
    throw new FolkmootError(
      'OPTION_INVALID',
      `without users, whoever can reach ${open} could do everything`,
      'Name the first user with --superuser=NAME, or say that this is meant with --auth=off.',
    );
  }
  return OPEN_ACCESS;
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}
