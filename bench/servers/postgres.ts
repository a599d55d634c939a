/** PostgreSQL servers and what stands before them: the gateway, PgBouncer, HAProxy before PgBouncer. All on loopback addresses. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pause } from '../load/run.ts';
import { ServerProcess } from './child.ts';

const VERSIONS = [18, 17, 16, 15];
const BIN = VERSIONS.map((version) => `/usr/lib/postgresql/${version}/bin`).find((folder) =>
  existsSync(join(folder, 'pgbench')),
);

export function postgresProgram(name: string): string {
  if (BIN === undefined) throw new Error('PostgreSQL is needed (Debian: postgresql)');
  return join(BIN, name);
}

/** Where clients connect, and the processes between them and PostgreSQL. */
export interface Way {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly pids: readonly number[];
}

const SETTINGS = `
listen_addresses = ''
max_connections = 100
shared_buffers = 256MB
log_min_messages = fatal
`;

export class PostgresServers {
  readonly #folder: string;
  readonly #processes: ServerProcess[] = [];
  readonly socketFolders: string[] = [];

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
    // PostgreSQL's user has to get through to its own folders.
    for (const each of [dirname(folder), folder]) chmodSync(each, 0o711);
  }

  async startPrimary(): Promise<void> {
    const folder = this.#makeFolder('primary');
    const data = join(folder, 'data');
    run('initdb', '-D', data, '-U', 'postgres', '-A', 'trust', '--locale=C.UTF-8', '-E', 'UTF8');
    writeFileSync(join(data, 'postgresql.auto.conf'), SETTINGS);
    await this.#start(folder);
  }

  async startStandby(name: string): Promise<void> {
    const folder = this.#makeFolder(name);
    const [primary = ''] = this.socketFolders;
    run(
      'pg_basebackup',
      '-D',
      join(folder, 'data'),
      '-h',
      primary,
      '-U',
      'postgres',
      '-R',
      '-X',
      'stream',
      '-c',
      'fast',
    );
    await this.#start(folder);
  }

  async direct(): Promise<Way> {
    return { name: 'direct', host: this.socketFolders[0] ?? '', port: 5_432, pids: [] };
  }

  async gateway(root: string): Promise<{ main: Way; read: Way }> {
    const [port, readPort] = [await freePort(), await freePort()];
    const program = fileURLToPath(new URL('postgres-gateway.js', import.meta.url));
    const process_ = new ServerProcess(process.execPath, [
      program,
      root,
      String(port),
      String(readPort),
      ...this.socketFolders,
    ]);
    this.#processes.push(process_);
    await process_.line('ready', 20_000);
    const way = { name: 'gateway', host: '127.0.0.1', port, pids: [process_.pid] };
    return { main: way, read: { ...way, name: 'gateway, read port', port: readPort } };
  }

  async pgbouncer(): Promise<Way> {
    const folder = this.#makeFolder('pgbouncer');
    const port = await freePort();
    const [primary = ''] = this.socketFolders;
    writeFileSync(
      join(folder, 'pgbouncer.ini'),
      `[databases]
postgres = host=${primary} port=5432 dbname=postgres user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 20
max_client_conn = 1000
logfile = ${join(folder, 'log')}
pidfile = ${join(folder, 'pid')}
`,
    );
    const process_ = new ServerProcess('pgbouncer', ['-q', join(folder, 'pgbouncer.ini')], identity());
    this.#processes.push(process_);
    const way = { name: 'PgBouncer', host: '127.0.0.1', port, pids: [process_.pid] };
    await answers(way.host, way.port);
    return way;
  }

  async haproxy(before: Way): Promise<Way> {
    const folder = this.#makeFolder('haproxy');
    const port = await freePort();
    writeFileSync(
      join(folder, 'haproxy.cfg'),
      `global
  maxconn 1000
  nbthread 1
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
listen postgres
  bind 127.0.0.1:${port}
  server one ${before.host}:${before.port}
`,
    );
    const process_ = new ServerProcess('haproxy', ['-db', '-f', join(folder, 'haproxy.cfg')]);
    this.#processes.push(process_);
    const way = { name: 'HAProxy + PgBouncer', host: '127.0.0.1', port, pids: [process_.pid, ...before.pids] };
    await answers(way.host, way.port);
    return way;
  }

  sql(text: string): string {
    const args = ['-X', '-A', '-t', '-h', this.socketFolders[0] ?? '', '-U', 'postgres', '-c', text];
    return execFileSync(postgresProgram('psql'), args, { encoding: 'utf8' }).trim();
  }

  async stop(): Promise<void> {
    for (const process_ of this.#processes.reverse()) await process_.stop();
  }

  #makeFolder(name: string): string {
    const folder = join(this.#folder, name);
    mkdirSync(folder, { recursive: true });
    const { uid, gid } = identity();
    if (uid !== undefined && gid !== undefined) chownSync(folder, uid, gid);
    chmodSync(folder, 0o700);
    return folder;
  }

  async #start(folder: string): Promise<void> {
    const process_ = new ServerProcess(
      postgresProgram('postgres'),
      ['-D', join(folder, 'data'), '-k', folder],
      identity(),
    );
    this.#processes.push(process_);
    await answers(folder, 5_432);
    this.socketFolders.push(folder);
  }
}

async function answers(host: string, port: number): Promise<void> {
  const args = ['-q', '-h', host, '-p', String(port), '-U', 'postgres'];
  for (let i = 0; i < 300; i += 1) {
    if (spawnSync(postgresProgram('pg_isready'), args).status === 0) return;
    await pause(100);
  }
  throw new Error(`${host}:${port} does not answer`);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/** PostgreSQL and PgBouncer refuse to be root. */
function identity(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'nobody']));
  return { uid: id('-u'), gid: id('-g') };
}

function run(program: string, ...args: readonly string[]): void {
  execFileSync(postgresProgram(program), args, { ...identity(), stdio: ['ignore', 'ignore', 'inherit'] });
}
