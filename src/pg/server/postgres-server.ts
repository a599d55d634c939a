/**
 * One PostgreSQL server of this node: its files, its processes, its place in the replication. What it promises is said in
 * local-server.ts; docs/internals/postgres.md tells how it works.
 *
 *   absent --initialize, clone--> stopped --start--> starting --> standby --promote--> primary
 *                                    ^                  |            |                    |
 *                                    +---- stopping <---+------------+--------------------+   stop, fence
 *                                             |
 *                                           failed                                            it ended by itself
 *
 * The state is 'stopped', 'absent' or 'failed' only when no process of the server is left.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { errnoOf, FolkmootError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { receiveBackup } from './base-backup.ts';
import type { Binaries } from './binaries.ts';
import { Configuration, replaceFile } from './configuration.ts';
import { readShutdown, readSystemIdentifier } from './control-file.ts';
import {
  deleteData,
  isComplete,
  makePrivate,
  prepareFolders,
  removeData,
  removeOthers,
  replaceData,
  type ServerFolders,
  SOCKET_NAME,
  syncFolder,
  syncTree,
} from './folders.ts';
import { Guardian } from './guardian.ts';
import type { Ancestor, Follow, LocalServer, Position, Replica, Row, ServerState } from './local-server.ts';
import { Operations, untilSome } from './operations.ts';
import { Postmaster, pidFileOf } from './postmaster.ts';
import { endProcesses, type ServerMark, titlesOf } from './processes.ts';
import { checkpointAt, makeDatabase, runRewind } from './programs.ts';
import {
  isNotReady,
  oldRuleIsGone,
  primaryPosition,
  promotionIsComplete,
  replayIsComplete,
  replicasOf,
  settingIsRead,
  standbyPosition,
} from './replay.ts';
import { Sessions } from './sessions.ts';
import { giveTo, type SystemUser } from './system-user.ts';
import { historyFileName, parseHistory } from './timeline-history.ts';

/** How often a server that is being shut down is looked at. */
const SHUTDOWN_LOOK_MS = 2;

export interface PostgresServerOptions {
  /** Of this server alone; made when it is not there. */
  readonly folder: string;
  readonly binaries: Binaries;
  /** As whom it runs; null when this process is not root. */
  readonly user: SystemUser | null;
  readonly logger: Logger;
}

/** What there is while the server runs. */
interface Running {
  readonly postmaster: Postmaster;
  readonly sessions: Sessions;
}

export class PostgresServer implements LocalServer {
  readonly #folders: ServerFolders;
  readonly #binaries: Binaries;
  readonly #user: SystemUser | null;
  readonly #logger: Logger;
  readonly #mark: ServerMark;
  readonly #configuration: Configuration;
  readonly #operations = new Operations();
  readonly #listeners = new Set<() => void>();
  #state: ServerState;
  #failure = '';
  #running: Running | null = null;
  #guardian: Guardian | null = null;
  /** The end that is going on. */
  #ending: Promise<void> | null = null;
  /** The guardian of the server before, which could mistake the next one for it. */
  #releasing: Promise<void> = Promise.resolve();

  /** Prepares the folders and ends what an earlier life has left running. */
  static async open(options: PostgresServerOptions): Promise<PostgresServer> {
    const folders = await prepareFolders(options.folder, options.user);
    const id = createHash('sha256').update(folders.data).digest('hex').slice(0, 8);
    const mark = { dataFolder: folders.data, clusterName: `folkmoot-${id}` };
    await endProcesses(mark);
    const configuration = await Configuration.open(folders, options.user, mark.clusterName);
    const state = (await isComplete(folders)) ? 'stopped' : 'absent';
    return new PostgresServer(options, folders, mark, configuration, state);
  }

  private constructor(
    options: PostgresServerOptions,
    folders: ServerFolders,
    mark: ServerMark,
    configuration: Configuration,
    state: ServerState,
  ) {
    this.#binaries = options.binaries;
    this.#user = options.user;
    this.#logger = options.logger;
    this.#folders = folders;
    this.#mark = mark;
    this.#configuration = configuration;
    this.#state = state;
  }

  get state(): ServerState {
    return this.#state;
  }

  get failure(): string {
    return this.#failure;
  }

  get socketPath(): string {
    return join(this.#folders.socket, SOCKET_NAME);
  }

  /** Where a standby on this machine finds it (`Follow`). */
  get socketFolder(): string {
    return this.#folders.socket;
  }

  /** Of the main process; 0 while there is none. */
  get pid(): number {
    return this.#running?.postmaster.pid ?? 0;
  }

  watch(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  exists(): Promise<boolean> {
    return isComplete(this.#folders);
  }

  async systemIdentifier(): Promise<string | null> {
    return (await this.exists()) ? readSystemIdentifier(this.#folders.data) : null;
  }

  initialize(): Promise<void> {
    return this.#operations.run(async (signal) => {
      await this.#mustNotRun();
      if (await this.exists()) throw conflict('there is a database already', 'Remove it first.');
      await this.#makePart();
      await makeDatabase(this.#binaries, this.#folders.part, this.#user, signal);
      await syncTree(this.#folders.part);
      await replaceData(this.#folders);
      this.#become('stopped');
    });
  }

  clone(
    connectTo: () => Duplex,
    label: string,
    onProgress: (bytes: number, total: number) => void = () => undefined,
  ): Promise<void> {
    return this.#operations.run(async (signal) => {
      await this.#mustNotRun();
      await this.#makePart();
      const tablespaces = join(this.#folders.tablespaces, String(Date.now()));
      await receiveBackup({
        stream: connectTo(),
        label,
        folder: this.#folders.part,
        tablespaces,
        user: this.#user,
        majorVersion: this.#binaries.majorVersion,
        signal,
        onProgress,
        onSize: async (bytes, free) => {
          // What is being replaced makes room only when there is too little: it may be somebody's last copy.
          if (bytes * 1.1 <= free) return;
          await deleteData(this.#folders);
          this.#become('absent');
        },
      });
      await replaceData(this.#folders);
      await removeOthers(this.#folders.tablespaces, tablespaces);
      this.#become('stopped');
    });
  }

  rewind(sourceSocketFolder: string): Promise<boolean> {
    return this.#operations.run(async (signal) => {
      await this.#mustNotRun();
      if (!this.#binaries.hasRewind || !(await this.exists())) return false;
      await checkpointAt(join(sourceSocketFolder, SOCKET_NAME), signal);
      await writeFile(this.#folders.rewinding, '');
      await syncFolder(this.#folders.root);
      // What did not stop in order is recovered first, in a mode that knows no standbys.
      await rm(this.#dataFile('standby.signal'), { force: true });
      try {
        const list = ['-D', this.#folders.data, this.#configuration.rewindArgument()];
        const text = await runRewind(this.#binaries, list, sourceSocketFolder, this.#user, signal);
        this.#logger.info({ text }, 'PostgreSQL was rewound');
      } catch (error) {
        signal.throwIfAborted();
        this.#logger.warn({ reason: String(error) }, 'PostgreSQL cannot be rewound');
        this.#become('absent');
        return false;
      }
      await syncTree(this.#folders.data);
      await rm(this.#folders.rewinding);
      await syncFolder(this.#folders.root);
      this.#become('stopped');
      return true;
    });
  }

  startStandby(follow: Follow | null): Promise<void> {
    return this.#operations.run(async (signal) => {
      await this.#mustBeStartable();
      await this.#configuration.setFollow(follow);
      await this.#configuration.setSomeRule();
      await replaceFile(this.#dataFile('standby.signal'), '', this.#user);
      await syncFolder(this.#folders.data);
      await this.#start('standby', signal);
    });
  }

  startPrimary(): Promise<void> {
    return this.#operations.run(async (signal) => {
      await this.#mustBeStartable();
      await this.#configuration.setFollow(null);
      await rm(this.#dataFile('standby.signal'), { force: true });
      await syncFolder(this.#folders.data);
      await this.#start('primary', signal);
    });
  }

  follow(follow: Follow | null): Promise<void> {
    return this.#operations.run(async (signal) => {
      const { sessions } = this.#mustRunAs('standby');
      await this.#configuration.setFollow(follow);
      try {
        await this.#signalReload();
        // That it has heard matters only for a cut; a later one waits for whatever it reads now.
        if (follow !== null) return;
        await settingIsRead(sessions, 'primary_conninfo', '', signal);
        await replayIsComplete(sessions, signal);
      } catch (error) {
        throw asNotReady(error);
      }
    });
  }

  async position(): Promise<Position> {
    const running = this.#running;
    if (running === null) throw notReady();
    try {
      return await (this.#state === 'primary' ? primaryPosition : standbyPosition)(running.sessions);
    } catch (error) {
      throw asNotReady(error);
    }
  }

  promote(): Promise<Position> {
    return this.#operations.run(async (signal) => {
      const { postmaster, sessions } = this.#mustRunAs('standby');
      await writeFile(this.#dataFile('promote'), '');
      // Needed as soon as it writes, and a new session costs a process.
      sessions.work('').catch(() => undefined);
      // pg_promote() would look every 100 ms whether it is done.
      postmaster.signal('SIGUSR1');
      await promotionIsComplete(sessions, signal);
      sessions.endReplication();
      this.#become('primary');
      return primaryPosition(sessions);
    });
  }

  async forkOf(timeline: number): Promise<bigint> {
    const ancestors = await this.ancestorsOf(timeline);
    return ancestors.at(-1)?.end ?? 0n;
  }

  async ancestorsOf(timeline: number): Promise<readonly Ancestor[]> {
    if (timeline === 1) return [];
    const path = join(this.#folders.data, 'pg_wal', historyFileName(timeline));
    const text = await readFile(path, 'utf8').catch((error) => {
      if (errnoOf(error) === 'ENOENT') return '';
      throw error;
    });
    const ancestors = parseHistory(text);
    if (ancestors !== null && ancestors.length > 0) return ancestors;
    throw new FolkmootError('NOT_FOUND', `this server does not know timeline ${timeline}`, 'Ask the primary.');
  }

  setSynchronous(names: readonly string[], k: number): Promise<void> {
    return this.#operations.run(async (signal) => {
      const hadRule = this.#configuration.synchronous !== '';
      await this.#configuration.setSynchronous(names, k);
      if (this.#running === null) return;
      const { sessions } = this.#running;
      await this.#reload('synchronous_standby_names', this.#configuration.synchronous, signal);
      // Whether commits wait at all is told by the checkpointer, which reads the configuration before each checkpoint.
      if (!hadRule && k > 0) await sessions.once('CHECKPOINT');
      if (this.#state === 'primary') await oldRuleIsGone(sessions, signal);
    });
  }

  setSettings(settings: Readonly<Record<string, string>>): Promise<readonly string[]> {
    return this.#operations.run(async (signal) => {
      const before = await this.#configuration.users();
      await this.#configuration.setUsers(settings);
      if (this.#running === null) return [];
      const { sessions } = this.#running;
      const problem = await this.#problemOfSettings(sessions);
      if (problem !== null) {
        await this.#configuration.restoreUsers(before);
        throw new FolkmootError('BAD_REQUEST', problem, 'Check the name and the value.');
      }
      await this.#reload('primary_conninfo', this.#configuration.conninfo, signal);
      const rows = await sessions.once('SELECT name FROM pg_settings WHERE pending_restart ORDER BY name');
      return rows.map(([name]) => name ?? '');
    });
  }

  query(sql: string, database?: string): Promise<readonly Row[]> {
    const running = this.#running;
    if (running === null) return Promise.reject(notReady());
    return running.sessions.work(sql, database);
  }

  async replication(): Promise<readonly Replica[]> {
    const running = this.#running;
    if (running === null) throw notReady();
    return replicasOf(running.sessions);
  }

  async handOver(): Promise<bigint | null> {
    this.#mustRunAs('primary');
    let hasEnded = false;
    const end = this.stop('fast').finally(() => {
      hasEnded = true;
    });
    // Whoever stops it hears of a failure.
    end.catch(() => undefined);
    const found = await untilSome(
      async () => {
        const isLast = hasEnded;
        const place = await readShutdown(this.#folders.data);
        return place !== null || isLast ? { place } : null;
      },
      // It ends, in one way or another.
      new AbortController().signal,
      SHUTDOWN_LOOK_MS,
    );
    return found.place;
  }

  stop(mode: 'fast' | 'immediate'): Promise<void> {
    if (this.#state === 'failed') this.#failure = '';
    return this.#end(mode);
  }

  fence(): Promise<void> {
    return this.stop('immediate');
  }

  async remove(): Promise<void> {
    await this.fence();
    await this.#operations.run(async () => {
      await removeData(this.#folders);
      this.#become('absent');
    });
  }

  /** One that comes while another one goes on makes it faster when it is stricter, and then shares its end. */
  async #end(mode: 'fast' | 'immediate', reason: Error = stopped()): Promise<void> {
    const idle = this.#operations.interrupt(reason);
    if (this.#running !== null) this.#become('stopping');
    this.#running?.sessions.close();
    if (mode === 'fast') {
      this.#running?.postmaster.signal('SIGINT');
      await this.#running?.postmaster.ended;
    }
    this.#ending ??= this.#endAll().finally(() => {
      this.#ending = null;
    });
    await this.#ending;
    await idle;
  }

  async #endAll(): Promise<void> {
    const running = this.#running;
    await endProcesses(this.#mark);
    await running?.postmaster.ended;
    const guardian = this.#guardian;
    this.#guardian = null;
    // The server is gone without it, and who waits for that need not wait for a shell.
    if (guardian !== null) this.#releasing = guardian.release();
    this.#running = null;
    const state = (await this.exists()) ? 'stopped' : 'absent';
    this.#become(this.#failure === '' ? state : 'failed');
  }

  async #start(as: 'standby' | 'primary', signal: AbortSignal): Promise<void> {
    await endProcesses(this.#mark);
    // Its number may belong to another process by now, and PostgreSQL would not start.
    await rm(pidFileOf(this.#folders), { force: true });
    // Temporary folders are cleaned by systems, and `remove` does it too.
    await makePrivate(this.#folders.socket, this.#user);
    signal.throwIfAborted();
    await this.#guard();
    const list = this.#configuration.arguments();
    const postmaster = await Postmaster.start(this.#binaries, this.#folders, this.#user, list, signal);
    this.#failure = '';
    this.#running = { postmaster, sessions: new Sessions(this.socketPath) };
    this.#become('starting');
    void postmaster.ended.then(() => this.#postmasterEnded(postmaster));
    try {
      await this.#untilUp(postmaster, as, signal);
    } catch (error) {
      // Whoever hears of it finds the server ended.
      await this.#ending;
      throw error;
    }
    this.#become(as);
  }

  /** Until it takes connections; or, as a standby that is not consistent yet, streams. */
  async #untilUp(postmaster: Postmaster, as: 'standby' | 'primary', signal: AbortSignal): Promise<void> {
    let looks = 0;
    await untilSome(
      async () => {
        if (await postmaster.isReady()) return true;
        looks += 1;
        // Titles are looked at seldom: for that all processes of the machine are listed.
        if (as === 'primary' || looks % 32 !== 0) return null;
        return titlesOf(this.#mark).some((title) => title.includes('walreceiver streaming')) ? true : null;
      },
      signal,
      4,
    );
  }

  /** By itself, unless it was told to. */
  async #postmasterEnded(postmaster: Postmaster): Promise<void> {
    if (this.#running?.postmaster !== postmaster || this.#state === 'stopping') return;
    this.#become('stopping');
    // What is left of it may still acknowledge something.
    const [words] = await Promise.all([postmaster.lastWords(), endProcesses(this.#mark)]);
    this.#failure = words;
    this.#logger.error({ reason: this.#failure }, 'PostgreSQL ended by itself');
    await this.#end('immediate', new FolkmootError('NOT_READY', this.#failure, `Look into ${this.#folders.log}.`));
  }

  /** There is no server without a guardian: one that cannot be started is why the server is not. */
  async #guard(): Promise<void> {
    const guardian = await Guardian.start(this.#mark, this.#user);
    this.#guardian = guardian;
    void guardian.ended.then(() => {
      if (this.#guardian !== guardian) return;
      this.#logger.warn({}, 'the guardian of PostgreSQL ended; another one is started');
      this.#guard().catch((error: unknown) => {
        this.#logger.error({ reason: String(error) }, 'PostgreSQL is stopped: it has no guardian');
        return this.fence();
      });
    });
  }

  async #reload(name: string, value: string, signal: AbortSignal): Promise<void> {
    const { sessions } = await this.#signalReload();
    await settingIsRead(sessions, name, value, signal);
  }

  async #signalReload(): Promise<Running> {
    const running = this.#running;
    if (running === null) throw notReady();
    await this.#configuration.cleanAutomatic();
    running.postmaster.signal('SIGHUP');
    return running;
  }

  /** What PostgreSQL says about the file of the users' settings, which it has not taken yet. */
  async #problemOfSettings(sessions: Sessions): Promise<string | null> {
    const file = this.#configuration.usersFile.replaceAll("'", "''");
    const rows = await sessions.once(
      `SELECT f.name, f.error FROM pg_file_settings f LEFT JOIN pg_settings s ON s.name = f.name
        WHERE f.error IS NOT NULL AND f.sourcefile = '${file}' AND s.context IS DISTINCT FROM 'postmaster'`,
    );
    const [row] = rows;
    return row === undefined ? null : `PostgreSQL does not take the setting ${row[0]}: ${row[1]}`;
  }

  async #makePart(): Promise<void> {
    await rm(this.#folders.part, { recursive: true, force: true });
    await mkdir(this.#folders.part, { mode: 0o700 });
    await giveTo(this.#user, this.#folders.part);
  }

  #dataFile(name: string): string {
    return join(this.#folders.data, name);
  }

  #become(state: ServerState): void {
    if (this.#state === state) return;
    this.#state = state;
    for (const listener of [...this.#listeners]) listener();
  }

  async #mustNotRun(): Promise<void> {
    await this.#ending;
    await this.#releasing;
    if (this.#running !== null) throw conflict('the PostgreSQL server of this node runs', 'Stop it first.');
  }

  async #mustBeStartable(): Promise<void> {
    await this.#mustNotRun();
    if (!(await this.exists())) throw conflict('this node has no complete database', 'Clone it from another node.');
  }

  #mustRunAs(state: ServerState): Running {
    if (this.#running !== null && this.#state === state) return this.#running;
    throw conflict(`the PostgreSQL server of this node is ${this.#state}, not ${state}`, 'Try again.');
  }
}

function stopped(): FolkmootError {
  return conflict('the PostgreSQL server of this node was stopped meanwhile', 'Start it again.');
}

function conflict(text: string, cure: string): FolkmootError {
  return new FolkmootError('CONFLICT', text, cure);
}

function asNotReady(error: unknown): unknown {
  return isNotReady(error) ? notReady(error) : error;
}

function notReady(cause?: unknown): FolkmootError {
  return new FolkmootError('NOT_READY', 'the PostgreSQL server of this node takes no connections yet', 'Try again.', {
    cause,
  });
}
