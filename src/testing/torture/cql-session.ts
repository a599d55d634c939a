/** One client of a torture run at the Cassandra door. Like `Session` it tells the three outcomes apart, and never sends again what may be done. */
import type { Prng } from '../../base/prng.ts';
import { ErrorCode } from '../../doors/cql/errors.ts';
import { ConnectionLost } from '../connection-lost.ts';
import {
  CqlConnection,
  type CqlReply,
  type CqlRequest,
  type CqlRow,
  CqlServerError,
  type CqlStatement,
} from '../cql/cql-connection.ts';
import type { CqlValue } from '../cql/values.ts';
import type { Endpoint } from '../redis/cluster-client.ts';
import type { Line } from './line.ts';
import { NotDone, OutcomeOpen, WrongReply } from './outcome.ts';

export type CqlLine = Line<readonly [CqlRequest], CqlReply>;

export interface CqlSessionOptions {
  /** Read again for every attempt, since nodes are added. */
  readonly endpoints: () => readonly Endpoint[];
  readonly prng: Pick<Prng, 'pick'>;
  readonly timeout_ms: number;
  /** How a node is reached; by a connection of its own when left out. */
  readonly connect?: (host: string, port: number, timeout_ms: number) => CqlLine;
  /** Puts something between the session and its connections; for runs that must be found out. */
  readonly through?: (line: CqlLine) => CqlLine;
}

/** Nothing was executed (docs/doors/cql.md); an id that the server does not know was not executed either. */
const REFUSED: ReadonlySet<number> = new Set([
  ErrorCode.unavailable,
  ErrorCode.isBootstrapping,
  ErrorCode.overloaded,
  ErrorCode.unprepared,
]);
const UNKNOWN: ReadonlySet<number> = new Set([
  ErrorCode.writeTimeout,
  ErrorCode.casWriteUnknown,
  ErrorCode.readTimeout,
]);
const ATTEMPTS_MAX = 5;

export class CqlSession {
  readonly #options: CqlSessionOptions;
  readonly #lines = new Map<string, CqlLine>();

  constructor(options: CqlSessionOptions) {
    this.#options = options;
  }

  /** Rejects with `NotDone`, `OutcomeOpen` or `WrongReply`. */
  execute(text: string, ...values: readonly CqlValue[]): Promise<readonly CqlRow[]> {
    return this.#send({ statement: { text, values } });
  }

  async batch(batch: 'logged' | 'unlogged', statements: readonly CqlStatement[]): Promise<void> {
    await this.#send({ batch, statements });
  }

  close(): void {
    for (const line of this.#lines.values()) line.close();
  }

  /** To any node, since any node takes any statement. */
  async #send(request: CqlRequest): Promise<readonly CqlRow[]> {
    for (let attempts = 1; ; attempts++) {
      const { host, port } = this.#options.prng.pick(this.#options.endpoints());
      const target = `${host}:${port}`;
      let reply: CqlReply;
      try {
        reply = await this.#line(target, host, port).send(request);
      } catch (error) {
        this.#lines.get(target)?.close();
        this.#lines.delete(target);
        if (!(error instanceof ConnectionLost)) throw error;
        if (error.sent) throw new OutcomeOpen(error.message);
        // A node that does not run: any other one takes the request.
        if (attempts < ATTEMPTS_MAX) continue;
        throw new NotDone(error.message);
      }
      if (!(reply instanceof CqlServerError)) return reply;
      // It refuses connections until it can serve.
      if (reply.code === ErrorCode.isBootstrapping && attempts < ATTEMPTS_MAX) continue;
      const text = `${reply.code.toString(16).padStart(4, '0')} ${reply.text}`;
      if (REFUSED.has(reply.code)) throw new NotDone(text);
      if (UNKNOWN.has(reply.code)) throw new OutcomeOpen(text);
      throw new WrongReply(text);
    }
  }

  #line(target: string, host: string, port: number): CqlLine {
    const open = this.#lines.get(target);
    if (open !== undefined && !open.lost) return open;
    const { timeout_ms, through, connect = connectCql } = this.#options;
    const connection = connect(host, port, timeout_ms);
    const line = through === undefined ? connection : through(connection);
    this.#lines.set(target, line);
    return line;
  }
}

/** As the superuser that local clusters begin with. */
export function connectCql(host: string, port: number, timeout_ms: number): CqlLine {
  return new CqlConnection(host, port, { timeout_ms, user: 'cassandra', password: 'cassandra' });
}
