/**
 * Real PostgreSQL servers for tests of the gateway: a primary and, where it is asked for, standbys that stream from it. They run as an
 * unprivileged user, listen on unix sockets only, and end with `stop`.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { Availability, PostgresServers, PostgresView, ServerView } from './servers.ts';

const BIN = [
  '/usr/lib/postgresql/18/bin',
  '/usr/lib/postgresql/17/bin',
  '/usr/lib/postgresql/16/bin',
  '/usr/lib/postgresql/15/bin',
].find((folder) => existsSync(join(folder, 'postgres')) && existsSync(join(folder, 'pg_basebackup')));

export const hasPostgres = BIN !== undefined;
/** For the name of a test, so that a skipped one says why. */
export const needsPostgres = hasPostgres ? '' : ' (skipped: needs PostgreSQL 15 or newer, Debian: postgresql)';

export function postgresProgram(name: string): string {
  return join(BIN ?? '', name);
}

const SETTINGS = `
listen_addresses = ''
fsync = off
max_connections = 60
shared_buffers = 16MB
wal_level = replica
hot_standby = on
max_wal_senders = 5
log_min_messages = fatal
client_min_messages = notice
restart_after_crash = off
`;

export class RealServer {
  readonly node: number;
  readonly folder: string;
  #process: ChildProcess | null = null;

  private constructor(node: number, folder: string) {
    this.node = node;
    this.folder = folder;
  }

  static async primary(node: number): Promise<RealServer> {
    const server = new RealServer(node, makeFolder());
    run('initdb', '-D', server.data, '-U', 'postgres', '-A', 'trust', '--locale=C.UTF-8', '-E', 'UTF8', '--no-sync');
    writeFileSync(join(server.data, 'postgresql.auto.conf'), SETTINGS);
    await server.start();
    return server;
  }

  static async standby(node: number, of: RealServer): Promise<RealServer> {
    const server = new RealServer(node, makeFolder());
    run(
      'pg_basebackup',
      '-D',
      server.data,
      '-h',
      of.folder,
      '-U',
      'postgres',
      '-R',
      '-X',
      'stream',
      '-c',
      'fast',
      '--no-sync',
    );
    const name = `standby${node}`;
    const follow = `primary_conninfo = 'host=${of.folder} user=postgres application_name=${name}'\n`;
    writeFileSync(join(server.data, 'postgresql.auto.conf'), SETTINGS + follow);
    await server.start();
    return server;
  }

  get data(): string {
    return join(this.folder, 'data');
  }

  get socketPath(): string {
    return join(this.folder, '.s.PGSQL.5432');
  }

  async start(): Promise<void> {
    const process_ = spawn(postgresProgram('postgres'), ['-D', this.data, '-k', this.folder], {
      ...identity(),
      stdio: 'ignore',
    });
    this.#process = process_;
    while (!this.#answers()) {
      if (process_.exitCode !== null) throw new Error(`postgres ended with ${process_.exitCode}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Runs SQL as the superuser; rows as psql prints them without ornaments. */
  sql(text: string, database = 'postgres'): string {
    const args = ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-h', this.folder, '-U', 'postgres', '-d', database];
    return execFileSync(postgresProgram('psql'), args, {
      encoding: 'utf8',
      input: text,
      stdio: ['pipe', 'pipe', 'pipe'],
    }).trim();
  }

  signal(name: NodeJS.Signals): void {
    this.#process?.kill(name);
  }

  /** Its processes, without the first one. */
  backends(): number[] {
    const parent = String(this.#process?.pid ?? 0);
    const found = spawnSync('pgrep', ['-P', parent], { encoding: 'utf8' });
    return found.stdout
      .split('\n')
      .filter((line) => line !== '')
      .map(Number);
  }

  async ended(): Promise<void> {
    const child = this.#process;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    await new Promise<void>((resolve) => child.once('exit', () => resolve()));
  }

  async stop(): Promise<void> {
    this.signal('SIGCONT');
    this.signal('SIGQUIT');
    await this.ended();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #answers(): boolean {
    try {
      execFileSync(postgresProgram('pg_isready'), ['-q', '-h', this.folder, '-U', 'postgres']);
      return true;
    } catch {
      return false;
    }
  }
}

/** The servers as the gateway sees them; a test moves the roles. */
export class TestServers implements PostgresServers {
  readonly servers: RealServer[];
  readonly #listeners = new Set<() => void>();
  #availability: Availability = 'serving';
  #epoch = 1;
  #primary: number;
  #upcoming = 0;
  #down = new Set<number>();
  #reason = '';
  /** Nodes of which the view knows how far they have replayed. */
  replayed = new Map<number, bigint>();

  constructor(servers: RealServer[]) {
    this.servers = servers;
    this.#primary = servers[0]?.node ?? 0;
  }

  view(): PostgresView {
    const servers = this.servers.map(
      ({ node }): ServerView => ({
        node,
        name: `n${node}`,
        role: this.#down.has(node) ? 'down' : node === this.#primary ? 'primary' : 'standby',
        isAlive: !this.#down.has(node),
        replayedLsn: this.replayed.get(node) ?? 0n,
      }),
    );
    return {
      availability: this.#availability,
      reason: this.#reason,
      epoch: this.#epoch,
      primary: this.#primary,
      upcoming: this.#upcoming,
      servers,
    };
  }

  watch(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  connect(node: number): Duplex {
    const server = this.servers.find((each) => each.node === node);
    return connect({ path: server?.socketPath ?? '/nowhere' });
  }

  set(
    availability: Availability,
    change: { primary?: number; upcoming?: number; epoch?: number; down?: number[]; reason?: string } = {},
  ): void {
    this.#availability = availability;
    this.#primary = change.primary ?? this.#primary;
    this.#upcoming = change.upcoming ?? 0;
    this.#epoch = change.epoch ?? this.#epoch;
    this.#reason = change.reason ?? '';
    if (change.down !== undefined) this.#down = new Set(change.down);
    for (const listener of this.#listeners) listener();
  }

  async stop(): Promise<void> {
    for (const server of this.servers) await server.stop();
  }
}

function makeFolder(): string {
  // Short: the path of a unix socket is.
  const folder = mkdtempSync(join(tmpdir(), 'fm-pg-'));
  const { uid, gid } = identity();
  if (uid !== undefined && gid !== undefined) chownSync(folder, uid, gid);
  chmodSync(folder, 0o700);
  return folder;
}

/** PostgreSQL refuses to be root. */
function identity(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  return { uid: Number(execFileSync('id', ['-u', 'nobody'])), gid: Number(execFileSync('id', ['-g', 'nobody'])) };
}

function run(program: string, ...args: string[]): void {
  execFileSync(postgresProgram(program), args, { ...identity(), stdio: ['ignore', 'ignore', 'pipe'] });
}
