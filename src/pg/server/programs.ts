/** PostgreSQL's programs that run to their end: initdb and pg_rewind. */
import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { join } from 'node:path';
import { FolkmootError } from '../../base/errors.ts';
import type { Binaries } from './binaries.ts';
import { environment } from './postmaster.ts';
import { asUser, type SystemUser } from './system-user.ts';
import { WireClient } from './wire-client.ts';

const OUTPUT_MAX = 16 * 1024;
/**
 * A promotion copies the segment that it ends, and whoever follows it gets that from its beginning: with PostgreSQL's usual 16 MB a failover
 * takes 60 ms longer (docs/performance/postgres-failover.md).
 */
const WAL_SEGMENT_MB = 4;

/** An empty database in an empty folder, with checksums of pages, UTF-8, and texts in the order of their code points. Not synced. */
export async function makeDatabase(
  binaries: Binaries,
  folder: string,
  user: SystemUser | null,
  signal: AbortSignal,
): Promise<void> {
  const list = ['-D', folder, '--no-sync', '-U', 'postgres', '--auth=trust', '--data-checksums', '--encoding=UTF8'];
  list.push(`--wal-segsize=${WAL_SEGMENT_MB}`);
  const run = (more: readonly string[]): Promise<string> =>
    runProgram(binaries, 'initdb', [...list, ...more], user, signal);
  if (binaries.majorVersion >= 17) {
    // Its own C.UTF-8, the same on every system.
    await run(['--locale-provider=builtin', '--locale=C', '--builtin-locale=C.UTF-8']);
    return;
  }
  try {
    await run(['--locale=C.UTF-8']);
  } catch (error) {
    if (!/invalid locale/.test(String(error))) throw error;
    await run(['--locale=C']);
  }
}

/** Gives the last line of what it says. The folder is not synced. */
export async function runRewind(
  binaries: Binaries,
  list: readonly string[],
  sourceSocketFolder: string,
  user: SystemUser | null,
  signal: AbortSignal,
): Promise<string> {
  const source = `host='${sourceSocketFolder.replace(/['\\]/g, '\\$&')}' port=5432 user=postgres dbname=postgres`;
  const text = await runProgram(
    binaries,
    'pg_rewind',
    [...list, '--no-sync', `--source-server=${source}`],
    user,
    signal,
  );
  return text.trim().split('\n').at(-1) ?? '';
}

/**
 * Has the source of a rewind make a checkpoint: until then its control file tells the timeline before its promotion, and pg_rewind
 * sees no divergence.
 */
export async function checkpointAt(socketPath: string, signal: AbortSignal): Promise<void> {
  const socket = connect(socketPath);
  const abort = (): void => {
    socket.destroy();
  };
  signal.addEventListener('abort', abort);
  try {
    const client = await WireClient.open(socket, { user: 'postgres', database: 'postgres' });
    await client.query('CHECKPOINT');
    client.close();
  } finally {
    signal.removeEventListener('abort', abort);
    socket.destroy();
  }
}

/** Runs one of PostgreSQL's programs to its end. Gives what it printed; throws with its last line when it failed. */
function runProgram(
  binaries: Binaries,
  program: string,
  list: readonly string[],
  user: SystemUser | null,
  signal: AbortSignal,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(join(binaries.folder, program), list, {
      cwd: '/',
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: environment(),
      signal,
      ...asUser(user),
    });
    let text = '';
    const listen = (piece: string): void => {
      text = (text + piece).slice(-OUTPUT_MAX);
    };
    child.stdout.setEncoding('utf8').on('data', listen);
    child.stderr.setEncoding('utf8').on('data', listen);
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) return resolve(text);
      const lines = text.split('\n').filter((line) => line.trim() !== '');
      const why = lines.find((line) => /\b(error|fatal|panic):/i.test(line)) ?? lines.at(-1) ?? `exit code ${code}`;
      reject(new FolkmootError('NOT_READY', why, `Look at what ${program} needs, and try again.`));
    });
  });
}
