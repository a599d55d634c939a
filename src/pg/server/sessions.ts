/**
 * The node's own connections to its server, made when they are needed:
 *
 * - watching: short looks at the server's state. Nothing that can wait for a standby or a lock is run on it.
 * - working: what the group wants to be run, which may wait.
 * - replication: for IDENTIFY_SYSTEM, the only way to learn the timeline of what a standby has replayed. It would be listed among the
 *   standbys of a primary, so it exists only on standbys.
 */
import { connect, type Socket } from 'node:net';
import type { Row } from './local-server.ts';
import { type StartupParameters, WireClient } from './wire-client.ts';

/** Users' settings for roles and databases do not reach these sessions. */
const PARAMETERS: StartupParameters = {
  user: 'postgres',
  application_name: 'folkmoot',
  client_encoding: 'UTF8',
  search_path: 'public',
  synchronous_commit: 'on',
  default_transaction_read_only: 'off',
  default_transaction_isolation: 'read committed',
  statement_timeout: '0',
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  idle_session_timeout: '0',
};

const DATABASE = 'postgres';

export class Sessions {
  readonly #socketPath: string;
  readonly #sockets = new Set<Socket>();
  readonly #watching = new LastingClient(() => this.#connect({ ...PARAMETERS, database: DATABASE }));
  readonly #working = new LastingClient(() => this.#connect({ ...PARAMETERS, database: DATABASE }));
  readonly #replication = new LastingClient(() => this.#connect({ user: 'postgres', replication: 'true' }));
  #isClosed = false;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  async look(sql: string): Promise<readonly Row[]> {
    return (await this.#watching.get()).query(sql);
  }

  async work(sql: string, database = DATABASE): Promise<readonly Row[]> {
    return database === DATABASE ? (await this.#working.get()).query(sql) : this.once(sql, database);
  }

  /** In a session that is new: its process has the configuration that the postmaster has now. */
  async once(sql: string, database = DATABASE): Promise<readonly Row[]> {
    const client = await this.#connect({ ...PARAMETERS, database });
    try {
      return await client.query(sql);
    } finally {
      client.close();
    }
  }

  /** Columns: system identifier, timeline, place, database. */
  async identify(): Promise<Row> {
    const rows = await (await this.#replication.get()).query('IDENTIFY_SYSTEM');
    return rows[0] ?? [];
  }

  endReplication(): void {
    this.#replication.close();
  }

  /** For good: everything that waits is rejected. */
  close(): void {
    this.#isClosed = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  #connect(parameters: StartupParameters): Promise<WireClient> {
    const socket = connect(this.#socketPath);
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    if (this.#isClosed) socket.destroy();
    return WireClient.open(socket, parameters);
  }
}

/** A connection that is made when it is needed, and again when it was lost. Those who ask at the same time share one. */
class LastingClient {
  readonly #open: () => Promise<WireClient>;
  #opening: Promise<WireClient> | null = null;
  #client: WireClient | null = null;

  constructor(open: () => Promise<WireClient>) {
    this.#open = open;
  }

  get(): Promise<WireClient> {
    if (this.#client !== null && !this.#client.isOpen) this.#forget();
    if (this.#opening !== null) return this.#opening;
    const opening = this.#open();
    this.#opening = opening;
    opening.then(
      (client) => {
        if (this.#opening === opening) this.#client = client;
        else client.close();
      },
      () => {
        if (this.#opening === opening) this.#forget();
      },
    );
    return opening;
  }

  close(): void {
    this.#client?.close();
    this.#forget();
  }

  #forget(): void {
    this.#opening = null;
    this.#client = null;
  }
}
