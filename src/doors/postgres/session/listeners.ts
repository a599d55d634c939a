/**
 * LISTEN for all sessions: one connection for each database hears of everything that any of them listens to, and tells those who do. So
 * a session that listens needs no connection of its own.
 *
 * A LISTEN runs where the session's transaction runs, with PostgreSQL's own rules: what it has come to is asked at the end of the
 * transaction, taken over here, and only then is the client told that it has ended. What is notified from then on is heard here.
 */
import type { PoolHost } from '../pool/pool-host.ts';
import { ServerConnection } from '../pool/server-connection.ts';
import { textAt } from '../protocol/messages.ts';

/** The superuser that every PostgreSQL of the cluster has. */
const USER = 'postgres';
/** Between two attempts to connect. */
const RETRY_MS = 100;

export interface ListeningSession {
  readonly database: string;
  readonly channels: Set<string>;
  notify(bytes: Buffer): void;
}

export class Listeners {
  readonly #host: PoolHost;
  readonly #databases = new Map<string, DatabaseListener>();

  constructor(host: PoolHost) {
    this.#host = host;
  }

  /** The session listens to these, too. `done`: from now on nothing is missed. */
  listen(session: ListeningSession, channels: Iterable<string>, done: () => void): void {
    let listener = this.#databases.get(session.database);
    if (listener === undefined) {
      listener = new DatabaseListener(this.#host, session.database);
      this.#databases.set(session.database, listener);
    }
    for (const channel of channels) listener.add(session, channel);
    listener.whenHearing(done);
  }

  /** '*': nothing any more. */
  unlisten(session: ListeningSession, channel: string): void {
    const listener = this.#databases.get(session.database);
    for (const each of channel === '*' ? [...session.channels] : [channel]) listener?.remove(session, each);
    if (listener?.isUnused !== true) return;
    listener.end();
    this.#databases.delete(session.database);
  }

  /** Ten times a second, and when roles have moved. */
  sweep(): void {
    for (const listener of this.#databases.values()) listener.sweep();
  }

  end(): void {
    for (const listener of this.#databases.values()) listener.end();
    this.#databases.clear();
  }
}

class DatabaseListener {
  readonly #host: PoolHost;
  readonly #database: string;
  readonly #sessions = new Map<string, Set<ListeningSession>>();
  /** What the connection hears. */
  readonly #heard = new Set<string>();
  #waiting: (() => void)[] = [];
  #connection: ServerConnection | null = null;
  #isReady = false;
  #isEnded = false;
  #retryAt_ms = 0;

  constructor(host: PoolHost, database: string) {
    this.#host = host;
    this.#database = database;
  }

  get isUnused(): boolean {
    return this.#sessions.size === 0 && this.#waiting.length === 0;
  }

  add(session: ListeningSession, channel: string): void {
    let sessions = this.#sessions.get(channel);
    if (sessions === undefined) {
      sessions = new Set();
      this.#sessions.set(channel, sessions);
    }
    sessions.add(session);
    session.channels.add(channel);
  }

  remove(session: ListeningSession, channel: string): void {
    session.channels.delete(channel);
    const sessions = this.#sessions.get(channel);
    if (sessions === undefined) return;
    sessions.delete(session);
    // The connection goes on hearing of it: that does no harm, and it ends with the last session that listens to anything.
    if (sessions.size === 0) this.#sessions.delete(channel);
  }

  whenHearing(done: () => void): void {
    this.#waiting.push(done);
    this.#advance();
  }

  sweep(): void {
    const connection = this.#connection;
    if (connection !== null && !this.#host.routes.isRight('primary', connection)) connection.destroy();
    this.#advance();
  }

  end(): void {
    this.#isEnded = true;
    this.#connection?.destroy();
  }

  #advance(): void {
    if (this.#isEnded) return;
    const connection = this.#connection;
    if (connection === null) {
      this.#open();
      return;
    }
    if (!this.#isReady || !connection.isQuiet) return;
    const missing = [...this.#sessions.keys()].filter((channel) => !this.#heard.has(channel));
    if (missing.length === 0) {
      for (const done of this.#waiting.splice(0)) done();
      return;
    }
    const sql = missing.map((channel) => `LISTEN "${channel.replaceAll('"', '""')}"`).join('; ');
    connection.work(sql, (error) => {
      if (error !== null) {
        connection.destroy();
        return;
      }
      for (const channel of missing) this.#heard.add(channel);
      this.#advance();
    });
  }

  #open(): void {
    const { routes, now_ms, servers } = this.#host;
    if (routes.isHeld('primary') || now_ms < this.#retryAt_ms) return;
    const node = routes.primary;
    const place = { node, epoch: routes.epoch, user: USER, database: this.#database };
    const ended = (): void => {
      this.#connection = null;
      this.#isReady = false;
      this.#heard.clear();
      this.#retryAt_ms = this.#host.now_ms + RETRY_MS;
    };
    const owner = {
      opened: () => {
        this.#isReady = true;
        this.#advance();
      },
      failed: ended,
      closed: ended,
      plansChanged: () => undefined,
      notified: (bytes: Buffer) => this.#deliver(bytes),
    };
    this.#connection = new ServerConnection(owner, place, servers.connect(node), now_ms);
  }

  #deliver(bytes: Buffer): void {
    const channel = textAt(bytes, 9, bytes.length) ?? '';
    for (const session of this.#sessions.get(channel) ?? []) session.notify(bytes);
  }
}
