/**
 * Before a session begins: its client has to hear what PostgreSQL reports to such a session (ParameterStatus), and whether PostgreSQL takes
 * it at all. PostgreSQL is asked only when nobody with the same settings has been welcomed before, or when the session is to have a
 * connection for good.
 */
import type { Failure } from '../errors.ts';
import type { PoolMode } from '../pool/kinds.ts';
import type { Pool } from '../pool/pool.ts';
import type { ServerConnection } from '../pool/server-connection.ts';
import { errorResponse } from '../protocol/messages.ts';
import { ConnectionWait, type WaitingSession } from './connection-wait.ts';
import type { SessionHost } from './session-host.ts';
import type { SessionSettings } from './settings.ts';

export interface Welcomed {
  readonly mode: PoolMode;
  /** What PostgreSQL reports. */
  readonly reported: SessionSettings;
  /** The session's own, when it is not to share any. */
  readonly connection: ServerConnection | null;
}

/** Gets an ErrorResponse when the session cannot be. */
export type WelcomeDone = (welcomed: Welcomed | Buffer) => void;

export class Welcome implements WaitingSession {
  readonly pool: Pool;
  readonly settings: SessionSettings;
  isClosed = false;
  readonly #wait: ConnectionWait;
  /** What the client has asked for; null for what the role or database says. */
  readonly #mode: PoolMode | null;
  readonly #done: WelcomeDone;

  constructor(host: SessionHost, pool: Pool, settings: SessionSettings, mode: PoolMode | null, done: WelcomeDone) {
    this.pool = pool;
    this.settings = settings;
    this.#mode = mode;
    this.#done = done;
    // It reads nothing yet, and is to hear that it is with a standby where there is one.
    this.#wait = new ConnectionWait(this, host, false);
  }

  /** Calls `done` now or later. */
  begin(): void {
    const reported = this.pool.welcomes.get(this.settings);
    if (reported === undefined || this.#modeNow === 'session') this.#wait.begin();
    else this.#done({ mode: 'transaction', reported, connection: null });
  }

  /** The client has gone; `done` is not called any more. */
  end(): void {
    this.isClosed = true;
    this.#wait.end();
  }

  attached(connection: ServerConnection): void {
    const { reported } = connection;
    const mode = this.#modeNow;
    this.pool.welcomes.set(this.settings, reported);
    // Before the client may send anything.
    if (mode === 'transaction') this.pool.giveBack(connection);
    this.#done({ mode, reported, connection: mode === 'session' ? connection : null });
  }

  refused(why: Failure | Buffer): void {
    this.#done(Buffer.isBuffer(why) ? why : errorResponse({ ...why, severity: 'FATAL' }));
  }

  /** The role's is known when the pool has had a connection. */
  get #modeNow(): PoolMode {
    return this.#mode ?? this.pool.mode ?? 'transaction';
  }
}
