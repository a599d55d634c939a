/**
 * A client of PostgreSQL's protocol 3.0, for the node's own few connections: simple queries, and commands of the replication
 * protocol that answer with a stream. It knows no authentication, because the server trusts whoever reaches its socket. Everything is
 * text. Sections of PostgreSQL's documentation: "Message Flow", "Message Formats", "Streaming Replication Protocol".
 */
import type { Duplex } from 'node:stream';
import { FolkmootError } from '../../base/errors.ts';
import type { Row } from './local-server.ts';
import { type Message, MessageReader, rowOf, textFields, zeroEnded } from './wire-messages.ts';

const PROTOCOL_3_0 = 196_608;
/** What may wait unread before the stream is asked to pause. */
const UNREAD_BYTES_MAX = 1024 * 1024;

/** What PostgreSQL refused, or ended with. */
export class PostgresError extends Error {
  override readonly name = 'PostgresError';
  readonly sqlstate: string;
  readonly severity: string;

  constructor(severity: string, sqlstate: string, message: string) {
    super(message);
    this.severity = severity;
    this.sqlstate = sqlstate;
  }
}

/** Startup parameters: `user`, `database`, `replication`, `application_name`, and any setting by its name. */
export type StartupParameters = Readonly<Record<string, string>>;

export class WireClient {
  readonly #stream: Duplex;
  readonly #reader = new MessageReader();
  /** Of the server, as it told at startup: server_version and others. */
  readonly #parameters = new Map<string, string>();
  readonly #unread: Message[] = [];
  #unreadBytes = 0;
  #waiting: { resolve: (message: Message) => void; reject: (error: Error) => void } | null = null;
  #failure: Error | null = null;
  /** The exchange before the next one; exchanges take turns. */
  #last: Promise<unknown> = Promise.resolve();

  /** Takes over `stream`, which may still be connecting. */
  static async open(stream: Duplex, parameters: StartupParameters): Promise<WireClient> {
    const client = new WireClient(stream);
    try {
      await client.#start(parameters);
      return client;
    } catch (error) {
      client.close();
      throw error;
    }
  }

  private constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on('data', (chunk: Buffer) => this.#receive(chunk));
    stream.on('error', (error) => this.#fail(error));
    stream.on('close', () => this.#fail(null));
  }

  get isOpen(): boolean {
    return this.#failure === null;
  }

  /** The number before the point of the server's version. */
  get majorVersion(): number {
    return Number.parseInt(this.#parameters.get('server_version') ?? '0', 10);
  }

  /** The rows of the last statement of `sql` that gives rows. */
  query(sql: string): Promise<readonly Row[]> {
    return this.#inTurn(async () => {
      this.#send('Q', sql);
      return this.#rowsUntilReady();
    });
  }

  /**
   * Runs a command that answers with rows and then a stream (BASE_BACKUP). `onRow` gets the rows that come before, `onData` each piece of
   * the stream; the next piece comes when its promise has resolved.
   */
  copyOut(command: string, onRow: (row: Row) => void, onData: (piece: Buffer) => Promise<void>): Promise<void> {
    return this.#inTurn(async () => {
      this.#send('Q', command);
      for (;;) {
        const message = await this.#next();
        if (message.type === 'D') onRow(rowOf(message.body));
        else if (message.type === 'd') await onData(message.body);
        else if (message.type === 'E') throw await this.#refused(message);
        else if (message.type === 'c') break;
      }
      await this.#rowsUntilReady();
    });
  }

  /** At once; what is going on is rejected. */
  close(): void {
    this.#fail(null);
  }

  async #start(parameters: StartupParameters): Promise<void> {
    const text = Object.entries(parameters).flatMap(([name, value]) => [zeroEnded(name), zeroEnded(value)]);
    const head = Buffer.alloc(8);
    const packet = Buffer.concat([head, ...text, Buffer.alloc(1)]);
    packet.writeInt32BE(packet.length, 0);
    packet.writeInt32BE(PROTOCOL_3_0, 4);
    this.#stream.write(packet);
    for (;;) {
      const message = await this.#next();
      if (message.type === 'E') throw errorOf(message);
      if (message.type === 'R' && message.body.readInt32BE(0) !== 0) {
        throw new FolkmootError(
          'NODE_UNREACHABLE',
          'PostgreSQL asks for a password on its private socket',
          'Remove what was added to pg_hba.conf beside the data folder.',
        );
      }
      if (message.type === 'Z') return;
    }
  }

  async #rowsUntilReady(): Promise<readonly Row[]> {
    let rows: Row[] = [];
    for (;;) {
      const message = await this.#next();
      if (message.type === 'T') rows = [];
      else if (message.type === 'D') rows.push(rowOf(message.body));
      else if (message.type === 'E') throw await this.#refused(message);
      else if (message.type === 'Z') return rows;
    }
  }

  /** The error, when the connection is ready for the next command; at once when it ended with the error. */
  async #refused(message: Message): Promise<Error> {
    const error = errorOf(message);
    if (error.severity !== 'ERROR') {
      this.#fail(error);
      return error;
    }
    while ((await this.#next()).type !== 'Z');
    return error;
  }

  #inTurn<T>(exchange: () => Promise<T>): Promise<T> {
    const result = this.#last.then(exchange);
    this.#last = result.catch(() => undefined);
    return result;
  }

  #send(type: string, text: string): void {
    const body = zeroEnded(text);
    const message = Buffer.alloc(5 + body.length);
    message.write(type, 0, 'latin1');
    message.writeInt32BE(4 + body.length, 1);
    body.copy(message, 5);
    if (this.#failure === null) this.#stream.write(message);
  }

  #receive(chunk: Buffer): void {
    try {
      for (const message of this.#reader.read(chunk)) this.#take(message);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #take(message: Message): void {
    switch (message.type) {
      case 'S': {
        const [name = '', value = ''] = textFields(message.body);
        this.#parameters.set(name, value);
        return;
      }
      case 'N':
      case 'A':
      case 'K':
        return;
    }
    const waiting = this.#waiting;
    if (waiting !== null) {
      this.#waiting = null;
      waiting.resolve(message);
      return;
    }
    this.#unread.push(message);
    this.#unreadBytes += message.body.length;
    if (this.#unreadBytes > UNREAD_BYTES_MAX) this.#stream.pause();
  }

  #next(): Promise<Message> {
    const message = this.#unread.shift();
    if (message !== undefined) {
      this.#unreadBytes -= message.body.length;
      if (this.#unread.length === 0 && this.#failure === null) this.#stream.resume();
      return Promise.resolve(message);
    }
    if (this.#failure !== null) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  #fail(error: Error | null): void {
    if (this.#failure !== null) return;
    this.#failure =
      error instanceof PostgresError
        ? error
        : new FolkmootError(
            'NODE_UNREACHABLE',
            `the connection to PostgreSQL was lost${error === null ? '' : `: ${error.message}`}`,
            'It is connected again when PostgreSQL runs.',
            { cause: error },
          );
    this.#stream.destroy();
    this.#waiting?.reject(this.#failure);
    this.#waiting = null;
  }
}

/** Fields of an ErrorResponse: a letter each, V for the severity that is not translated. */
function errorOf(message: Message): PostgresError {
  const fields = new Map(textFields(message.body).map((field) => [field.charAt(0), field.slice(1)]));
  const detail = fields.get('D');
  const text = fields.get('M') ?? 'unknown error';
  return new PostgresError(
    fields.get('V') ?? 'ERROR',
    fields.get('C') ?? 'XX000',
    detail === undefined ? text : `${text} (${detail})`,
  );
}
