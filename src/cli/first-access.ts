/** The first user of a cluster, from the options of `init` and `start`. What leaves this process is not the password. */
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import type { FirstAccess } from '../admin/admin-source.ts';
import { FolkmootError } from '../base/errors.ts';
import type { OptionValues } from '../base/options.ts';
import { makeVerifier, verifierText } from '../cluster/access/scram.ts';

/** `mayAsk`: somebody sits in front of this terminal. */
export async function accessRequest(options: OptionValues, mayAsk: boolean): Promise<FirstAccess> {
  const auth = options.auth as FirstAccess['auth'];
  const local = options['local-users'];
  const name = options.superuser;
  if (name === undefined) return { auth, local };
  const password = await passwordOf(options, mayAsk);
  return { auth, local, superuser: { name, verifier: verifierText(await makeVerifier(password)) } };
}

async function passwordOf(options: OptionValues, mayAsk: boolean): Promise<string> {
  const given = options['superuser-password'];
  const file = options['superuser-password-file'];
  const password = given ?? (file === undefined ? undefined : await firstLine(file)) ?? (mayAsk ? await ask() : '');
  if (password !== '') return password;
  throw new FolkmootError(
    'OPTION_INVALID',
    '--superuser without a password',
    'Set FOLKMOOT_SUPERUSER_PASSWORD or --superuser-password-file=FILE.',
  );
}

async function firstLine(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).split(/\r?\n/, 1)[0] ?? '';
  } catch (error) {
    throw new FolkmootError('OPTION_INVALID', `cannot read ${path}`, 'Correct --superuser-password-file.', {
      cause: error,
    });
  }
}

/** What is typed does not show. */
async function ask(): Promise<string> {
  process.stderr.write('Password of the first user: ');
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true });
  try {
    return await new Promise<string>((resolve) => {
      lines.once('line', resolve);
      lines.once('close', () => resolve(''));
    });
  } finally {
    lines.close();
    process.stderr.write('\n');
  }
}
