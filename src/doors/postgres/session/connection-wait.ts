/**
 * A session's wait for a connection. On the port for reading it first learns which server has seen enough; and what its pool gives it is
 * made to have the session's settings before the session has it.
 */
import { assert } from '../../../base/assert.ts';
import type { NodeId } from '../../../cluster/view.ts';
import { type Failure, noServer, queueTimeout } from '../errors.ts';
import type { Pool, Waiter } from '../pool/pool.ts';
import type { ServerConnection } from '../pool/server-connection.ts';
import type { SessionHost } from './session-host.ts';
import type { SessionSettings } from './settings.ts';

export interface WaitingSession {
  readonly pool: Pool;
  readonly settings: SessionSettings;
  readonly isClosed: boolean;
  /** It has it from now on, with its settings. */
  attached(connection: ServerConnection): void;
  /** It waits no more. An ErrorResponse is PostgreSQL's own; it is empty when a connection was lost, of which nothing had been used. */
  refused(why: Failure | Buffer): void;
}

export class ConnectionWait implements Waiter {
  waitingSince_ms = 0;
  /** Where it wants to read; 0 for the primary. */
  node: NodeId = 0;
  readonly #session: WaitingSession;
  readonly #host: SessionHost;
  /** What the client has asked for; null for what the role or database says. */
  readonly #causalReads: boolean | null;
  #isWaiting = false;
  /** Goes up each time: a server that was looked for before is none that has seen enough now. */
  #turn = 0;
  #isPreparing = false;

  constructor(session: WaitingSession, host: SessionHost, causalReads: boolean | null) {
    this.#session = session;
    this.#host = host;
    this.#causalReads = causalReads;
  }

  get settings(): SessionSettings {
    return this.#session.settings;
  }

  /** A connection is being given the session's settings. */
  get isPreparing(): boolean {
    return this.#isPreparing;
  }

  /** Calls `attached` now or later, or `refused` later. */
  begin(): void {
    const { pool } = this.#session;
    this.#isWaiting = true;
    if (pool.kind === 'primary') {
      pool.take(this);
      return;
    }
    const isCausal = this.#causalReads ?? pool.causalReads ?? true;
    if (!isCausal) {
      this.node = this.#host.routes.choose(0n);
      pool.take(this);
      return;
    }
    this.#turn += 1;
    const turn = this.#turn;
    this.#host.causalReads.choose((node) => {
      if (!this.#isWaiting || this.#turn !== turn) return;
      this.node = node;
      if (node < 0) this.refused(null);
      else pool.take(this);
    });
  }

  /** The session wants none any more. False when it does not wait. */
  end(): boolean {
    const wasWaiting = this.#isWaiting;
    this.#isWaiting = false;
    this.#session.pool.forget(this);
    return wasWaiting;
  }

  given(connection: ServerConnection): void {
    assert(this.#isWaiting, 'only who waits is given a connection');
    this.#isWaiting = false;
    if (connection.settings === this.settings) this.#session.attached(connection);
    else this.#prepare(connection);
  }

  refused(error: Buffer | null): void {
    const { routes, limits, isDraining } = this.#host;
    this.#isWaiting = false;
    if (error !== null) this.#session.refused(error);
    else if (isDraining || routes.isHeld(this.#session.pool.kind)) this.#session.refused(noServer(routes.view.reason));
    else this.#session.refused(queueTimeout(limits.wait_ms));
  }

  #prepare(connection: ServerConnection): void {
    const session = this.#session;
    const wanted = this.settings;
    this.#isPreparing = true;
    this.#host.statistics.settingsApplied += 1;
    connection.work(wanted.changeFrom(connection.settings), (error) => {
      this.#isPreparing = false;
      if (error === null) connection.settings = wanted;
      else connection.isSpoiled = true;
      if (session.isClosed) session.pool.giveBack(connection);
      else if (error === null) session.attached(connection);
      else {
        connection.destroy();
        session.refused(error);
      }
    });
  }
}
