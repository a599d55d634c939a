/**
 * A connection to the PostgreSQL door, for tests that have to know what became of each statement: simple queries, answered in order.
 * Nothing is ever sent again. After a statement that failed inside a transaction block the connection rolls back by itself.
 *
 * PostgreSQL's documentation, "Frontend/Backend Protocol": "Start-up", "SASL Authentication", "Simple Query".
 */
import { connect, type Socket } from 'node:net';
import { type Message, MessageReader, rowOf, textFields, zeroEnded } from '../../pg/server/wire-messages.ts';
import { ConnectionLost } from '../connection-lost.ts';
import { ScramClient } from './scram-client.ts';

export type PostgresRow = readonly (string | null)[];
/** The rows of each statement of a query that gives rows, in order; or what was refused. */
export type PostgresReply = readonly (readonly PostgresRow[])[] | PostgresServerError;

/** What the server answered instead of a result. */
export class PostgresServerError {
  readonly severity: string;
  readonly sqlstate: string;
  readonly text: string;

  constructor(severity: string, sqlstate: string, text: string) {
    this.severity = severity;
    this.sqlstate = sqlstate;
    this.text = text;
  }
}

export interface PostgresConnectionOptions {
  /** No answer for so long ends the connection; for ever when left out. */
  readonly timeout_ms?: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

interface Waiter {
  readonly since_ms: number;
  readonly results: PostgresRow[][];
  error: PostgresServerError | undefined;
  resolve(reply: PostgresReply): void;
  reject(error: ConnectionLost): void;
}

const PROTOCOL_3_0 = 196_608;
const AUTHENTICATION = { ok: 0, sasl: 10, saslContinue: 11, saslFinal: 12 } as const;
const WATCH_INTERVAL_MS = 50;
const FAILED_TRANSACTION = 'E';

export class PostgresConnection {
  readonly #socket: Socket;
  readonly #reader = new MessageReader();
  readonly #scram: ScramClient;
  readonly #waiting: Waiter[] = [];
  /** Of what is sent before the server is ready. */
  #early: Buffer[] | null = [];
  readonly #watch: NodeJS.Timeout | undefined;
  #lost: ConnectionLost | undefined;
  /** What the connection was refused with, for those who wait. */
  #refusal: PostgresServerError | undefined;

  constructor(host: string, port: number, { timeout_ms, user, password, database }: PostgresConnectionOptions) {
    this.#scram = new ScramClient(password);
    this.#socket = connect({ host, port, noDelay: true }, () => this.#socket.write(startup({ user, database })));
    this.#socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    this.#socket.on('error', (error) => this.#lose(error.message, error));
    this.#socket.on('close', () => this.#lose('the connection was closed'));
    if (timeout_ms === undefined) return;
    this.#watch = setInterval(() => this.#watchTime(timeout_ms), Math.min(WATCH_INTERVAL_MS, timeout_ms / 2));
  }

  get lost(): boolean {
    return this.#lost !== undefined;
  }

  /** One message, whatever statements are in it. Rejects with `ConnectionLost`. */
  send(sql: string): Promise<PostgresReply> {
    if (this.#refusal !== undefined) return Promise.resolve(this.#refusal);
    if (this.#lost !== undefined) return Promise.reject(new ConnectionLost(false, this.#lost.message));
    const query = messageOf('Q', zeroEnded(sql));
    if (this.#early === null) this.#socket.write(query);
    else this.#early.push(query);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ since_ms: performance.now(), results: [], error: undefined, resolve, reject });
    });
  }

  close(): void {
    this.#lose('the connection was closed by the client');
  }

  #receive(chunk: Buffer): void {
    try {
      for (const message of this.#reader.read(chunk)) {
        if (this.#early === null) this.#answer(message);
        else this.#begin(message, this.#early);
      }
    } catch (error) {
      this.#lose(error instanceof Error ? error.message : String(error), error);
    }
  }

  #begin({ type, body }: Message, early: readonly Buffer[]): void {
    if (type === 'E') {
      this.#refuse(errorOf(body));
    } else if (type === 'R') {
      this.#authenticate(body);
    } else if (type === 'Z') {
      this.#early = null;
      for (const query of early) this.#socket.write(query);
    }
  }

  #authenticate(body: Buffer): void {
    const step = body.subarray(4).toString();
    switch (body.readInt32BE(0)) {
      case AUTHENTICATION.ok:
        return;
      case AUTHENTICATION.sasl: {
        const first = Buffer.from(this.#scram.first());
        const length = Buffer.alloc(4);
        length.writeInt32BE(first.length);
        this.#socket.write(messageOf('p', zeroEnded('SCRAM-SHA-256'), length, first));
        return;
      }
      case AUTHENTICATION.saslContinue:
        this.#socket.write(messageOf('p', Buffer.from(this.#scram.last(step))));
        return;
      case AUTHENTICATION.saslFinal:
        if (!this.#scram.isServer(step)) throw new Error('the server does not know the password either');
        return;
      default:
        throw new Error(`the server asks for an authentication of the kind ${body.readInt32BE(0)}`);
    }
  }

  #answer({ type, body }: Message): void {
    const [waiter] = this.#waiting;
    if (type === 'E') {
      const error = errorOf(body);
      if (waiter !== undefined) waiter.error ??= error;
      if (error.severity !== 'ERROR') this.#refuse(error);
    } else if (type === 'T') waiter?.results.push([]);
    else if (type === 'D') waiter?.results.at(-1)?.push(rowOf(body));
    else if (type === 'Z') this.#ready(body);
  }

  #ready(body: Buffer): void {
    const waiter = this.#waiting.shift();
    if (body.toString('latin1') === FAILED_TRANSACTION) void this.send('ROLLBACK').catch(() => undefined);
    waiter?.resolve(waiter.error ?? waiter.results);
  }

  /** The server ends the connection and has said why: the oldest request hears it, the others were not looked at. */
  #refuse(error: PostgresServerError): void {
    const isNew = this.#early !== null;
    if (isNew) this.#refusal = error;
    const waiting = this.#waiting.splice(0);
    const [oldest, ...others] = waiting;
    oldest?.resolve(oldest.error ?? error);
    for (const { reject } of others) reject(new ConnectionLost(false, error.text));
    this.#lose(error.text);
  }

  #watchTime(timeout_ms: number): void {
    const oldest = this.#waiting[0];
    if (oldest === undefined || performance.now() - oldest.since_ms <= timeout_ms) return;
    this.#lose(`no answer within ${timeout_ms} ms`);
  }

  #lose(reason: string, cause?: unknown): void {
    if (this.#lost !== undefined) return;
    this.#lost = new ConnectionLost(false, reason, cause);
    clearInterval(this.#watch);
    this.#socket.destroy();
    const sent = this.#early === null;
    for (const { reject } of this.#waiting.splice(0)) reject(new ConnectionLost(sent, reason, cause));
  }
}

function startup(parameters: Readonly<Record<string, string>>): Buffer {
  const text = Object.entries(parameters).flatMap(([name, value]) => [zeroEnded(name), zeroEnded(value)]);
  const packet = Buffer.concat([Buffer.alloc(8), ...text, Buffer.alloc(1)]);
  packet.writeInt32BE(packet.length, 0);
  packet.writeInt32BE(PROTOCOL_3_0, 4);
  return packet;
}

function messageOf(type: string, ...parts: readonly Buffer[]): Buffer {
  const message = Buffer.concat([Buffer.from(`${type}\0\0\0\0`, 'latin1'), ...parts]);
  message.writeInt32BE(message.length - 1, 1);
  return message;
}

/** Fields of an ErrorResponse: a letter each, V for the severity that is not translated. */
function errorOf(body: Buffer): PostgresServerError {
  const fields = new Map(textFields(body).map((field) => [field.charAt(0), field.slice(1)]));
  const text = fields.get('M') ?? '';
  const detail = fields.get('D');
  return new PostgresServerError(
    fields.get('V') ?? 'ERROR',
    fields.get('C') ?? '',
    detail === undefined ? text : `${text} (${detail})`,
  );
}
