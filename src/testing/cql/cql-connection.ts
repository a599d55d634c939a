/**
 * A small client of Cassandra's native protocol, version 4: one connection, many requests at a time, every statement prepared.
 * Nothing is tried again: what was answered, what was not, and whether it left, is all that whoever looks for lost writes wants to know.
 */
import { connect, type Socket } from 'node:net';
import { ByteReader } from '../../doors/cql/protocol/byte-reader.ts';
import { ByteWriter } from '../../doors/cql/protocol/byte-writer.ts';
import { type Frame, FrameFlag, FrameParser, HEADER_BYTES } from '../../doors/cql/protocol/frames.ts';
import { Consistency, Opcode } from '../../doors/cql/protocol/messages.ts';
import { ConnectionLost } from '../connection-lost.ts';
import { type CqlColumn, type CqlValue, decodeValue, readType, writeValue } from './values.ts';

export interface CqlStatement {
  readonly text: string;
  readonly values: readonly CqlValue[];
}

/** One statement, or several as a batch. */
export type CqlRequest =
  | { readonly statement: CqlStatement }
  | { readonly batch: 'logged' | 'unlogged' | 'counter'; readonly statements: readonly CqlStatement[] };

export type CqlRow = Readonly<Record<string, CqlValue>>;

/** Rows, none where a statement has none, or the server's error. */
export type CqlReply = readonly CqlRow[] | CqlServerError;

export class CqlServerError {
  readonly code: number;
  readonly text: string;
  constructor(code: number, text: string) {
    this.code = code;
    this.text = text;
  }
}

export interface CqlConnectionOptions {
  /** A request that is not answered within this time closes the connection. */
  readonly timeout_ms?: number;
  readonly user: string;
  readonly password: string;
}

interface Prepared {
  readonly id: Buffer;
  readonly variables: readonly CqlColumn[];
}

interface Answer {
  readonly opcode: number;
  readonly body: ByteReader;
}

interface Waiter {
  readonly since_ms: number;
  /** Whether the request may change something: not a preparation. */
  readonly acts: boolean;
  resolve(answer: Answer): void;
  reject(error: ConnectionLost): void;
}

const VERSION = 4;
const STREAMS = 32_768;
const BATCH_TYPES = { logged: 0, unlogged: 1, counter: 2 } as const;
const WATCH_INTERVAL_MS = 50;

export class CqlConnection {
  readonly #socket: Socket;
  readonly #parser = new FrameParser();
  readonly #out = new ByteWriter();
  readonly #waiting = new Map<number, Waiter>();
  readonly #prepared = new Map<string, Promise<Prepared | CqlServerError>>();
  readonly #ready: Promise<CqlServerError | undefined>;
  readonly #watch: NodeJS.Timeout | undefined;
  #flushing = false;
  #stream = 0;
  #lost: ConnectionLost | undefined;

  constructor(host: string, port: number, options: CqlConnectionOptions) {
    this.#socket = connect({ host, port, noDelay: true });
    this.#socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    this.#socket.on('error', (error) => this.#lose(error.message, error));
    this.#socket.on('close', () => this.#lose('the connection was closed'));
    this.#ready = this.#start(options);
    // Whoever sends hears of it.
    this.#ready.catch(() => undefined);
    const { timeout_ms } = options;
    if (timeout_ms === undefined) return;
    this.#watch = setInterval(() => this.#watchTime(timeout_ms), Math.min(WATCH_INTERVAL_MS, timeout_ms / 2));
  }

  get lost(): boolean {
    return this.#lost !== undefined;
  }

  /** Rejects with `ConnectionLost`. Requests of one turn of the event loop leave in one write. */
  async send(request: CqlRequest): Promise<CqlReply> {
    const refused = await this.#ready;
    if (refused !== undefined) return refused;
    const statements = 'batch' in request ? request.statements : [request.statement];
    const prepared: Prepared[] = [];
    for (const { text } of statements) {
      const one = await this.#prepare(text);
      if (one instanceof CqlServerError) return one;
      prepared.push(one);
    }
    const answer =
      'batch' in request
        ? await this.#ask(Opcode.batch, true, (writer) => writeBatch(writer, request, prepared))
        : await this.#ask(Opcode.execute, true, (writer) => writeExecute(writer, request.statement, prepared));
    return this.#reply(answer, statements);
  }

  close(): void {
    this.#lose('the connection was closed by the client');
  }

  async #start({ user, password }: CqlConnectionOptions): Promise<CqlServerError | undefined> {
    const hello = await this.#ask(Opcode.startup, false, (writer) => {
      writer.short(1);
      writer.string('CQL_VERSION');
      writer.string('3.0.0');
    });
    if (hello.opcode === Opcode.error) return readError(hello.body);
    if (hello.opcode === Opcode.ready) return undefined;
    const welcome = await this.#ask(Opcode.authResponse, false, (writer) =>
      writer.bytes(Buffer.from(`\0${user}\0${password}`)),
    );
    return welcome.opcode === Opcode.error ? readError(welcome.body) : undefined;
  }

  #prepare(text: string): Promise<Prepared | CqlServerError> {
    const known = this.#prepared.get(text);
    if (known !== undefined) return known;
    const made = this.#ask(Opcode.prepare, false, (writer) => writer.longString(text)).then(({ opcode, body }) => {
      if (opcode !== Opcode.error) return readPrepared(body);
      this.#prepared.delete(text);
      return readError(body);
    });
    this.#prepared.set(text, made);
    made.catch(() => undefined);
    return made;
  }

  #reply({ opcode, body }: Answer, statements: readonly CqlStatement[]): CqlReply {
    if (opcode !== Opcode.error) return readRows(body);
    // A server that has forgotten a statement is told of it before it is asked again.
    for (const { text } of statements) this.#prepared.delete(text);
    return readError(body);
  }

  #ask(opcode: number, acts: boolean, body: (writer: ByteWriter) => void): Promise<Answer> {
    if (this.#lost !== undefined) return Promise.reject(new ConnectionLost(false, this.#lost.message));
    do this.#stream = (this.#stream + 1) % STREAMS;
    while (this.#waiting.has(this.#stream));
    writeRequest(this.#out, this.#stream, opcode, body);
    if (!this.#flushing) {
      this.#flushing = true;
      queueMicrotask(() => this.#flush());
    }
    const since_ms = performance.now();
    return new Promise((resolve, reject) => this.#waiting.set(this.#stream, { since_ms, acts, resolve, reject }));
  }

  #flush(): void {
    this.#flushing = false;
    if (!this.lost) this.#socket.write(this.#out.take());
  }

  #receive(chunk: Buffer): void {
    this.#parser.push(chunk);
    for (let frame = this.#parser.next(); frame !== undefined; frame = this.#parser.next()) {
      const waiter = this.#waiting.get(frame.stream);
      this.#waiting.delete(frame.stream);
      waiter?.resolve(answerOf(frame));
    }
  }

  #watchTime(timeout_ms: number): void {
    const now_ms = performance.now();
    for (const { since_ms } of this.#waiting.values()) {
      if (now_ms - since_ms <= timeout_ms) continue;
      this.#lose(`no answer within ${timeout_ms} ms`);
      return;
    }
  }

  #lose(reason: string, cause?: unknown): void {
    if (this.#lost !== undefined) return;
    this.#lost = new ConnectionLost(false, reason, cause);
    clearInterval(this.#watch);
    this.#socket.destroy();
    for (const { acts, reject } of this.#waiting.values()) reject(new ConnectionLost(acts, reason, cause));
    this.#waiting.clear();
  }
}

function writeRequest(writer: ByteWriter, stream: number, opcode: number, body: (writer: ByteWriter) => void): void {
  const start = writer.length;
  writer.byte(VERSION);
  writer.byte(0);
  writer.short(stream);
  writer.byte(opcode);
  writer.int(0);
  body(writer);
  writer.intAt(start + HEADER_BYTES - 4, writer.length - start - HEADER_BYTES);
}

function answerOf({ opcode, flags, body }: Frame): Answer {
  const reader = new ByteReader(body);
  if ((flags & FrameFlag.warnings) !== 0) reader.stringList();
  return { opcode, body: reader };
}

function writeExecute(writer: ByteWriter, { values }: CqlStatement, [prepared]: readonly Prepared[]): void {
  const { id, variables } = prepared as Prepared;
  writer.shortBytes(id);
  writer.short(Consistency.QUORUM);
  // Values follow.
  writer.byte(1);
  writeValues(writer, variables, values);
}

function writeBatch(
  writer: ByteWriter,
  { batch, statements }: Extract<CqlRequest, { batch: unknown }>,
  prepared: readonly Prepared[],
): void {
  writer.byte(BATCH_TYPES[batch]);
  writer.short(statements.length);
  for (const [index, { values }] of statements.entries()) {
    const { id, variables } = prepared[index] as Prepared;
    // By its id, not by its text.
    writer.byte(1);
    writer.shortBytes(id);
    writeValues(writer, variables, values);
  }
  writer.short(Consistency.QUORUM);
  writer.byte(0);
}

function writeValues(writer: ByteWriter, variables: readonly CqlColumn[], values: readonly CqlValue[]): void {
  writer.short(variables.length);
  for (const [index, { type }] of variables.entries()) writeValue(writer, type, values[index] ?? null);
}

function readError(body: ByteReader): CqlServerError {
  const code = body.int();
  return new CqlServerError(code, body.string());
}

const PREPARED_RESULT = 4;
const ROWS_RESULT = 2;

function readPrepared(body: ByteReader): Prepared {
  const kind = body.int();
  if (kind !== PREPARED_RESULT) throw new RangeError(`PREPARE was answered with a result of the kind ${kind}`);
  const id = Buffer.from(body.shortBytes());
  const flags = body.int();
  const count = body.int();
  for (let left = body.int(); left > 0; left -= 1) body.short();
  return { id, variables: readColumns(body, count, flags) };
}

/** One page: nobody here asks for more. */
function readRows(body: ByteReader): readonly CqlRow[] {
  if (body.int() !== ROWS_RESULT) return [];
  const flags = body.int();
  const columns = readColumns(body, body.int(), flags);
  return Array.from({ length: body.int() }, () => {
    const row: Record<string, CqlValue> = {};
    for (const { name, type } of columns) row[name] = decodeValue(type, body.bytes());
    return row;
  });
}

function readColumns(body: ByteReader, count: number, flags: number): CqlColumn[] {
  const isOneTable = (flags & 1) !== 0;
  if (isOneTable) {
    body.string();
    body.string();
  }
  return Array.from({ length: count }, () => {
    if (!isOneTable) {
      body.string();
      body.string();
    }
    return { name: body.string(), type: readType(body) };
  });
}
