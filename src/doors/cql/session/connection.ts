/**
 * One connection of a driver: takes frames off its bytes, does what they ask, and answers each on its stream, in whatever order the
 * answers come.
 *
 *   new -> (OPTIONS) -> STARTUP -> authenticating -> ready -> closed
 *                               \-> ready, where nobody has to say who they are
 *
 * Invariants:
 * 1. Every request gets one answer on its stream, or the connection is closed.
 * 2. At most REQUESTS_MAX requests are unanswered; past that the socket is paused.
 * 3. What is written within one turn of the event loop leaves with one write.
 */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { CqlError, ErrorCode } from '../errors.ts';
import { CqlSyntaxError } from '../language/syntax-error.ts';
import { ByteReader, ProtocolError } from '../protocol/byte-reader.ts';
import { ByteWriter } from '../protocol/byte-writer.ts';
import { type Frame, FrameFlag, FrameParser, UnsupportedVersion, VERSION_MAX, writeFrame } from '../protocol/frames.ts';
import { Opcode, readBatch, readExecute, readPrepare, readQuery } from '../protocol/messages.ts';
import { encodeSegments } from '../protocol/segments.ts';
import type { SchemaChange } from '../schema/schema-change.ts';
import type { ClientView } from '../schema/system/context.ts';
import type { ConnectionHost } from './connection-host.ts';
import type { ColumnSpec, Requester, ResultSink, Statement } from './engine.ts';
import { metadataId } from './metadata-id.ts';
import {
  writeError,
  writePrepared,
  writeRows,
  writeSchemaChange,
  writeSchemaResult,
  writeSetKeyspace,
  writeVoid,
} from './responses.ts';

const REQUESTS_MAX = 8_192;
/** Bytes that wait to be sent; past it no more requests are taken. */
const OUTPUT_BYTES_MAX = 64 * 1_024 * 1_024;
const PASSWORD_AUTHENTICATOR = 'org.apache.cassandra.auth.PasswordAuthenticator';
export type EventType = 'TOPOLOGY_CHANGE' | 'STATUS_CHANGE' | 'SCHEMA_CHANGE';

export class Connection implements Requester {
  keyspace: string | null = null;
  user = '';
  version = VERSION_MAX;
  driver = '';
  driverVersion = '';
  readonly remote: string;
  readonly remotePort: number;
  /** Address that the client has connected to. */
  readonly local: string;
  /** Set while it is in the door's list of connections to flush. */
  flushPending = false;
  readonly #opened_ms: number;
  /** Requests since it was opened. */
  requestCount = 0;
  readonly #host: ConnectionHost<Connection>;
  readonly #socket: Socket;
  readonly #parser = new FrameParser();
  readonly #out = new ByteWriter();
  readonly #events = new Set<EventType>();
  #state: 'new' | 'authenticating' | 'ready' = 'new';
  #requests = 0;
  #paused = false;
  #closing = false;
  #closed = false;

  constructor(host: ConnectionHost<Connection>, socket: Socket) {
    this.#host = host;
    this.#socket = socket;
    this.remote = socket.remoteAddress ?? '';
    this.remotePort = socket.remotePort ?? 0;
    this.local = socket.localAddress ?? '';
    this.#opened_ms = host.clock.monotonic_ms();
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('error', () => this.destroy());
    socket.on('close', () => this.#onClose());
    socket.on('drain', () => this.#take());
  }

  /** For `system_views.clients`. */
  get view(): ClientView {
    const socket = this.#socket;
    const cipher = socket instanceof TLSSocket ? socket.getCipher() : undefined;
    return {
      address: this.remote,
      port: this.remotePort,
      driverName: this.driver === '' ? undefined : this.driver,
      driverVersion: this.driverVersion === '' ? undefined : this.driverVersion,
      protocolVersion: this.version,
      requestCount: this.requestCount,
      user: this.user === '' ? undefined : this.user,
      tlsProtocol: socket instanceof TLSSocket ? (socket.getProtocol() ?? undefined) : undefined,
      tlsCipher: cipher?.name,
    };
  }

  get requests(): number {
    return this.#requests;
  }

  /** Closes it when it has had so much time to start up, log-in included, and has not. */
  closeUnlessStarted(patience_ms: number): void {
    if (this.#state === 'ready' || this.#host.clock.monotonic_ms() - this.#opened_ms < patience_ms) return;
    this.destroy();
  }

  isRegistered(event: EventType): boolean {
    return this.#state === 'ready' && this.#events.has(event);
  }

  // --- input

  #onData(chunk: Buffer): void {
    if (this.#closing) return;
    this.#host.statistics.bytesIn += chunk.length;
    this.#parser.push(chunk);
    this.#take();
  }

  #isFull(): boolean {
    return this.#requests >= REQUESTS_MAX || this.#socket.writableLength + this.#out.length > OUTPUT_BYTES_MAX;
  }

  #take(): void {
    try {
      while (!this.#closing && !this.#isFull()) {
        const frame = this.#parser.next();
        if (frame === undefined) break;
        this.#dispatch(frame);
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      // Where the next frame would begin is not known any more.
      const stream = error instanceof UnsupportedVersion ? error.stream : 0;
      if (error instanceof UnsupportedVersion && this.#state === 'new') this.version = VERSION_MAX;
      this.#respondError(stream, new CqlError(ErrorCode.protocolError, error.message));
      this.closeAfterReplies();
    }
    const stop = this.#isFull();
    if (stop !== this.#paused) {
      this.#paused = stop;
      if (stop) this.#socket.pause();
      else this.#socket.resume();
    }
  }

  #dispatch(frame: Frame): void {
    const { stream, opcode } = frame;
    this.#host.statistics.requests += 1;
    this.requestCount += 1;
    if (this.#state === 'new') this.version = frame.version;
    try {
      if (frame.version !== this.version) {
        throw new ProtocolError(
          `Invalid message version. Got ${frame.version}/v${frame.version} but previous messages on this connection had version ${this.version}/v${this.version}`,
        );
      }
      if (!this.#host.isCurrent()) throw new CqlError(ErrorCode.isBootstrapping, 'The node is starting');
      this.#handle(frame, stream, opcode);
    } catch (error) {
      this.#respondError(stream, errorFor(error));
      // Where nothing can be asked yet, the client connects anew.
      if (error instanceof ProtocolError || !this.#host.isCurrent()) this.closeAfterReplies();
    }
  }

  #handle({ body }: Frame, stream: number, opcode: number): void {
    switch (opcode) {
      case Opcode.options:
        this.#respond(stream, Opcode.supported, (writer) => writer.stringMultimap(this.#host.supported));
        return;
      case Opcode.startup:
        this.#startup(stream, body);
        return;
      case Opcode.authResponse:
        this.#authResponse(stream, body);
        return;
      default:
    }
    if (this.#state !== 'ready') {
      throw new ProtocolError(
        `Unexpected message ${opcode}, expecting ${this.#state === 'new' ? 'STARTUP or OPTIONS' : 'AUTH_RESPONSE'}`,
      );
    }
    switch (opcode) {
      case Opcode.query:
        this.#query(stream, body);
        return;
      case Opcode.prepare:
        this.#prepare(stream, body);
        return;
      case Opcode.execute:
        this.#execute(stream, body);
        return;
      case Opcode.batch:
        this.#batch(stream, body);
        return;
      case Opcode.register:
        this.#register(stream, body);
        return;
      default:
        throw new ProtocolError(`Unknown opcode ${opcode}`);
    }
  }

  // --- start-up

  #startup(stream: number, body: Buffer): void {
    if (this.#state !== 'new')
      throw new ProtocolError('Unexpected message STARTUP, the connection is initialized already');
    const options = new ByteReader(body).stringMap();
    const compression = options.get('COMPRESSION')?.toLowerCase();
    if (compression !== undefined && compression !== 'lz4' && compression !== 'snappy') {
      throw new ProtocolError(`Unknown compression algorithm: ${compression}`);
    }
    if (compression === 'snappy' && this.version >= 5)
      throw new ProtocolError('Snappy compression is not supported with version 5 of the protocol');
    this.driver = options.get('DRIVER_NAME') ?? '';
    this.driverVersion = options.get('DRIVER_VERSION') ?? '';
    const isRequired = this.#host.access.isRequired;
    if (isRequired) this.#respond(stream, Opcode.authenticate, (writer) => writer.string(PASSWORD_AUTHENTICATOR));
    else this.#respond(stream, Opcode.ready, () => undefined);
    this.#state = isRequired ? 'authenticating' : 'ready';
    // The answer to STARTUP is the last that is neither compressed nor in segments.
    this.#write();
    this.#parser.compression = compression ?? null;
    this.#parser.segmented = this.version >= 5;
  }

  #authResponse(stream: number, body: Buffer): void {
    if (this.#state !== 'authenticating') throw new ProtocolError('Unexpected message AUTH_RESPONSE');
    const token = new ByteReader(body).bytes() ?? Buffer.alloc(0);
    // SASL PLAIN: whom to act for, who it is, the password, with 00 between them.
    const [, user, password] = token.toString('utf8').split('\0');
    if (user === undefined || password === undefined || user === '') {
      throw new CqlError(ErrorCode.badCredentials, 'Provided username and/or password are incorrect');
    }
    this.#requests += 1;
    this.#host.access.authenticate(user, password, this.remote).then(
      (result) => {
        this.#requests -= 1;
        if (typeof result === 'object') {
          this.user = user;
          this.#state = 'ready';
          this.#respond(stream, Opcode.authSuccess, (writer) => writer.int(-1));
        } else this.#respondError(stream, new CqlError(ErrorCode.badCredentials, credentialsText(user, result)));
        this.#later();
      },
      (error: unknown) => {
        this.#requests -= 1;
        this.#respondError(stream, errorFor(error));
      },
    );
  }

  #register(stream: number, body: Buffer): void {
    for (const name of new ByteReader(body).stringList()) {
      if (name !== 'TOPOLOGY_CHANGE' && name !== 'STATUS_CHANGE' && name !== 'SCHEMA_CHANGE') {
        throw new ProtocolError(`Invalid value '${name}' for Event.Type`);
      }
      this.#events.add(name);
    }
    this.#respond(stream, Opcode.ready, () => undefined);
  }

  // --- statements

  #query(stream: number, body: Buffer): void {
    const { text, options } = readQuery(body, this.version);
    const statement = this.#host.statements.ofText(text, options.keyspace ?? this.keyspace);
    this.#host.engine.execute(statement, options, this, this.#answer(stream, statement, options.skipMetadata, null));
  }

  #prepare(stream: number, body: Buffer): void {
    const { text, keyspace } = readPrepare(body, this.version);
    const statement = this.#host.statements.prepare(text, keyspace ?? this.keyspace);
    this.#host.statistics.prepared += 1;
    this.#respond(stream, Opcode.result, (writer) =>
      writePrepared(writer, statement, metadataId(statement.result), this.version),
    );
  }

  #execute(stream: number, body: Buffer): void {
    const { id, metadataId: known, options } = readExecute(body, this.version);
    const statement = this.#host.statements.find(id);
    if (statement === undefined) throw unprepared(id);
    // Before version 5 a client cannot say which columns it knows.
    const skipMetadata = options.skipMetadata && (known !== null || !this.#host.statements.hasOtherColumns(id));
    this.#host.engine.execute(statement, options, this, this.#answer(stream, statement, skipMetadata, known));
  }

  #batch(stream: number, body: Buffer): void {
    const batch = readBatch(body, this.version);
    const keyspace = batch.keyspace ?? this.keyspace;
    const statements = batch.entries.map((entry): Statement => {
      if (entry.kind === 'text') return this.#host.statements.ofText(entry.text, keyspace);
      const statement = this.#host.statements.find(entry.id);
      if (statement === undefined) throw unprepared(entry.id);
      return statement;
    });
    this.#host.engine.executeBatch(statements, batch, this, this.#answer(stream, null, false, null));
  }

  #answer(stream: number, statement: Statement | null, skipMetadata: boolean, known: Buffer | null): Answer {
    this.#requests += 1;
    return new Answer(this, stream, statement, skipMetadata, known);
  }

  // --- output

  /** An answer is there. */
  answered(
    stream: number,
    warnings: readonly string[] | null,
    opcode: number,
    body: (writer: ByteWriter) => void,
  ): void {
    this.#requests -= 1;
    this.#respond(stream, opcode, body, warnings);
    if (this.#paused) this.#take();
    if (this.#closing) this.#endIfDue();
  }

  answeredError(stream: number, error: CqlError): void {
    const { statistics } = this.#host;
    statistics.errors += 1;
    if (error.code === ErrorCode.writeTimeout || error.code === ErrorCode.casWriteUnknown)
      statistics.unknownOutcomes += 1;
    this.answered(stream, null, Opcode.error, (writer) => writeError(writer, error, this.version));
  }

  useKeyspace(name: string): void {
    this.keyspace = name;
  }

  sendSchemaChange(change: SchemaChange): void {
    this.#respond(-1, Opcode.event, (writer) => {
      writer.string('SCHEMA_CHANGE');
      writeSchemaChange(writer, change);
    });
  }

  sendNodeChange(event: 'TOPOLOGY_CHANGE' | 'STATUS_CHANGE', change: string, address: Buffer, port: number): void {
    this.#respond(-1, Opcode.event, (writer) => {
      writer.string(event);
      writer.string(change);
      writer.inet(address, port);
    });
  }

  #respondError(stream: number, error: CqlError): void {
    this.#host.statistics.errors += 1;
    this.#respond(stream, Opcode.error, (writer) => writeError(writer, error, this.version));
  }

  #respond(
    stream: number,
    opcode: number,
    body: (writer: ByteWriter) => void,
    warnings: readonly string[] | null = null,
  ): void {
    if (this.#closed) return;
    const hasWarnings = warnings !== null && warnings.length > 0 && this.version >= 4;
    const compression = this.#parser.segmented ? null : this.#parser.compression;
    const flags = hasWarnings ? FrameFlag.warnings : 0;
    writeFrame(this.#out, { version: this.version, stream, opcode, flags, compression }, (writer) => {
      if (hasWarnings) writer.stringList(warnings);
      body(writer);
    });
    this.#later();
  }

  #later(): void {
    if (this.flushPending || this.#closed) return;
    this.flushPending = true;
    this.#host.flushLater(this);
  }

  flush(): void {
    this.flushPending = false;
    this.#write();
    this.#endIfDue();
  }

  #write(): void {
    if (this.#closed || this.#out.length === 0) return;
    const bytes = this.#out.take();
    this.#host.statistics.bytesOut += bytes.length;
    if (!this.#parser.segmented) {
      this.#socket.write(bytes);
      return;
    }
    for (const segment of encodeSegments(bytes, this.#parser.compression === 'lz4')) this.#socket.write(segment);
  }

  closeAfterReplies(): void {
    this.#closing = true;
    this.#later();
  }

  #endIfDue(): void {
    if (this.#closing && this.#requests === 0 && !this.#closed && this.#out.length === 0)
      this.#socket.end(() => this.#socket.destroy());
  }

  destroy(): void {
    this.#closing = true;
    this.#socket.destroy();
  }

  #onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closing = true;
    this.#host.closed(this);
  }
}

/** The place of one answer. */
class Answer implements ResultSink {
  readonly #connection: Connection;
  readonly #stream: number;
  readonly #statement: Statement | null;
  readonly #skipMetadata: boolean;
  /** Version 5: the id of the columns that the client knows. */
  readonly #known: Buffer | null;
  #warnings: string[] | null = null;

  constructor(
    connection: Connection,
    stream: number,
    statement: Statement | null,
    skipMetadata: boolean,
    known: Buffer | null,
  ) {
    this.#connection = connection;
    this.#stream = stream;
    this.#statement = statement;
    this.#skipMetadata = skipMetadata;
    this.#known = known;
  }

  warn(text: string): void {
    this.#warnings ??= [];
    this.#warnings.push(text);
  }

  done(): void {
    this.#connection.answered(this.#stream, this.#warnings, Opcode.result, writeVoid);
  }

  rows(columns: readonly ColumnSpec[], rowCount: number, rows: Buffer, pagingState: Buffer | null): void {
    const { version } = this.#connection;
    const id = this.#known === null ? null : metadataId(columns);
    const changedMetadataId = id !== null && this.#known !== null && !id.equals(this.#known) ? id : null;
    // Columns that PREPARE did not tell cannot be left out.
    const skipMetadata = this.#skipMetadata && this.#statement?.result === columns;
    this.#connection.answered(this.#stream, this.#warnings, Opcode.result, (writer) =>
      writeRows(writer, columns, rowCount, rows, { version, skipMetadata, pagingState, changedMetadataId }),
    );
  }

  keyspace(name: string): void {
    this.#connection.useKeyspace(name);
    this.#connection.answered(this.#stream, this.#warnings, Opcode.result, (writer) => writeSetKeyspace(writer, name));
  }

  schemaChange(change: SchemaChange): void {
    this.#connection.answered(this.#stream, this.#warnings, Opcode.result, (writer) =>
      writeSchemaResult(writer, change),
    );
  }

  error(error: CqlError): void {
    this.#connection.answeredError(this.#stream, error);
  }
}

function unprepared(id: Buffer): CqlError {
  return new CqlError(
    ErrorCode.unprepared,
    `Prepared query with ID ${id.toString('hex')} not found (either the query was not prepared on this host (maybe the host has been restarted?) or you have prepared too many queries and it has been evicted from the internal cache)`,
    { statementId: id },
  );
}

function credentialsText(user: string, result: 'wrong' | 'throttled'): string {
  if (result === 'throttled') return 'Too many failed log-ins from this address; try again in some seconds';
  return `Provided username ${user} and/or password are incorrect`;
}

/**
 * What a client is told of what it has asked wrongly. Anything else is a bug of the session or the protocol, in state that all
 * connections share, and ends the node; a defect of a plan is answered by the engine and does not come here.
 */
function errorFor(error: unknown): CqlError {
  if (error instanceof CqlError) return error;
  if (error instanceof ProtocolError) return new CqlError(ErrorCode.protocolError, error.message);
  if (error instanceof CqlSyntaxError) return new CqlError(ErrorCode.syntaxError, error.message);
  throw error;
}
