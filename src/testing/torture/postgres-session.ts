/** One client of a torture run at the PostgreSQL door. Like `Session` it tells the three outcomes apart, and never sends again what may be done. */
import type { Prng } from '../../base/prng.ts';
import { ConnectionLost } from '../connection-lost.ts';
import {
  PostgresConnection,
  type PostgresReply,
  type PostgresRow,
  PostgresServerError,
} from '../postgres/postgres-connection.ts';
import type { Endpoint } from '../redis/cluster-client.ts';
import type { Line } from './line.ts';
import { NotDone, OutcomeOpen, WrongReply } from './outcome.ts';

export type PostgresLine = Line<readonly [string], PostgresReply>;

export interface PostgresSessionOptions {
  /** Read again for every attempt, since nodes are added. */
  readonly endpoints: () => readonly Endpoint[];
  readonly prng: Pick<Prng, 'pick'>;
  readonly timeout_ms: number;
  /** How a node is reached; by a connection of its own when left out. */
  readonly connect?: (host: string, port: number, timeout_ms: number) => PostgresLine;
  /** Puts something between the session and its connections; for runs that must be found out. */
  readonly through?: (line: PostgresLine) => PostgresLine;
}

/** docs/doors/postgres.md: the transaction was not committed and will not be. */
const REFUSED: ReadonlySet<string> = new Set([
  '40001', // serialization_failure
  '40P01', // deadlock_detected
  '25006', // read_only_sql_transaction
  '53100', // disk_full: the statement has failed, and its transaction with it
  '53300', // too_many_connections
  '57P01', // admin_shutdown
  '57P03', // cannot_connect_now
]);
/** transaction_resolution_unknown */
const UNKNOWN = '08007';
const ATTEMPTS_MAX = 5;

export class PostgresSession {
  readonly #options: PostgresSessionOptions;
  #line: PostgresLine | undefined;

  constructor(options: PostgresSessionOptions) {
    this.#options = options;
  }

  /** The rows of the last statement that gives rows. Rejects with `NotDone`, `OutcomeOpen` or `WrongReply`. */
  async execute(sql: string): Promise<readonly PostgresRow[]> {
    return (await this.#send(sql)).at(-1) ?? [];
  }

  /** The rows of each statement that gives rows; all statements happen at one moment, or none does. Rejects likewise. */
  serializable(statements: readonly string[]): Promise<readonly (readonly PostgresRow[])[]> {
    return this.#send(['BEGIN ISOLATION LEVEL SERIALIZABLE', ...statements, 'COMMIT'].join('; '));
  }

  close(): void {
    this.#line?.close();
  }

  /** To the node that it is connected to, as programs with a pool do, until that is lost. */
  async #send(sql: string): Promise<readonly (readonly PostgresRow[])[]> {
    for (let attempts = 1; ; attempts++) {
      const line = this.#open();
      let reply: PostgresReply;
      try {
        reply = await line.send(sql);
      } catch (error) {
        this.#drop(line);
        if (!(error instanceof ConnectionLost)) throw error;
        if (error.sent) throw new OutcomeOpen(error.message);
        // A node that does not run: any other one takes the statement.
        if (attempts < ATTEMPTS_MAX) continue;
        throw new NotDone(error.message);
      }
      if (!(reply instanceof PostgresServerError)) return reply;
      const text = `${reply.sqlstate} ${reply.text}`;
      if (reply.severity !== 'ERROR') this.#drop(line);
      if (REFUSED.has(reply.sqlstate)) throw new NotDone(text);
      if (reply.sqlstate === UNKNOWN) throw new OutcomeOpen(text);
      throw new WrongReply(text);
    }
  }

  #open(): PostgresLine {
    if (this.#line !== undefined && !this.#line.lost) return this.#line;
    const { endpoints, prng, timeout_ms, through, connect = connectPostgres } = this.#options;
    const { host, port } = prng.pick(endpoints());
    const connection = connect(host, port, timeout_ms);
    this.#line = through === undefined ? connection : through(connection);
    return this.#line;
  }

  #drop(line: PostgresLine): void {
    line.close();
    if (this.#line === line) this.#line = undefined;
  }
}

/** As the superuser that local clusters begin with. */
export function connectPostgres(host: string, port: number, timeout_ms: number): PostgresLine {
  return new PostgresConnection(host, port, {
    timeout_ms,
    user: 'postgres',
    password: 'postgres',
    database: 'postgres',
  });
}
