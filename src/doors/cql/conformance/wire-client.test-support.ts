/**
 * The smallest client of the native protocol, version 4: one request at a time, answers as text, so that what two servers answer can be
 * compared. It shares with the door only the reading and writing of notations and the texts of values.
 */
import { connect, type Socket } from 'node:net';
import { parseTerm } from '../language/parse.ts';
import { ByteReader } from '../protocol/byte-reader.ts';
import { Consistency, Opcode } from '../protocol/messages.ts';
import { typeOfClass } from '../types/class-name.ts';
import type { Cell } from '../types/composite.ts';
import { encodeText } from '../types/constant.ts';
import { type DataType, listOf, mapOf, Native, type NativeName, setOf, tupleOf } from '../types/data-type.ts';
import { literalText } from '../types/text.ts';

const VERSION = 4;
const HEADER_BYTES = 9;
const WARNING_FLAG = 0x08;

const NATIVES: ReadonlyMap<number, NativeName> = new Map([
  [0x01, 'ascii'],
  [0x02, 'bigint'],
  [0x03, 'blob'],
  [0x04, 'boolean'],
  [0x05, 'counter'],
  [0x06, 'decimal'],
  [0x07, 'double'],
  [0x08, 'float'],
  [0x09, 'int'],
  [0x0b, 'timestamp'],
  [0x0c, 'uuid'],
  [0x0d, 'text'],
  [0x0e, 'varint'],
  [0x0f, 'timeuuid'],
  [0x10, 'inet'],
  [0x11, 'date'],
  [0x12, 'time'],
  [0x13, 'smallint'],
  [0x14, 'tinyint'],
  [0x15, 'duration'],
]);

interface Answer {
  readonly opcode: number;
  readonly warnings: readonly string[];
  readonly body: ByteReader;
}

interface Column {
  readonly name: string;
  readonly type: DataType;
}

export interface Prepared {
  readonly id: Buffer;
  readonly variables: readonly Column[];
  readonly partitionKey: readonly number[];
  readonly columns: readonly Column[];
}

/** null, undefined for unset, or bytes. */
export type BoundValue = Cell | undefined;

/** A page of rows, in case there are more. */
export interface Page {
  readonly lines: readonly string[];
  readonly pagingState: Cell;
}

export class WireClient {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #waiting: ((answer: Answer) => void) | undefined;
  #failed: ((error: Error) => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', (error) => this.#failed?.(error));
    socket.on('close', () => this.#failed?.(new Error('the server closed the connection')));
  }

  static async connect(host: string, port: number): Promise<WireClient> {
    const socket = connect({ host, port, noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    const client = new WireClient(socket);
    const { opcode } = await client.#ask(Opcode.startup, [short(1), string('CQL_VERSION'), string('3.0.0')]);
    if (opcode !== Opcode.ready) throw new Error(`STARTUP is answered with opcode ${opcode}`);
    return client;
  }

  close(): void {
    this.#failed = undefined;
    this.#socket.destroy();
  }

  /** Lines that say what came back. */
  async query(text: string): Promise<readonly string[]> {
    const body = [longString(text), short(Consistency.ONE), Buffer.from([0])];
    return resultLines(await this.#ask(Opcode.query, body)).lines;
  }

  /** One page, or what is said instead. */
  async page(text: string, size: number, pagingState: Cell): Promise<Page> {
    const state = pagingState === null ? [] : [bytes(pagingState)];
    const flags = pagingState === null ? 0x04 : 0x0c;
    const body = [longString(text), short(Consistency.ONE), Buffer.from([flags]), int(size), ...state];
    return resultLines(await this.#ask(Opcode.query, body));
  }

  /** Lines that say what is wrong, or what was prepared. */
  async prepare(text: string): Promise<Prepared | readonly string[]> {
    const answer = await this.#ask(Opcode.prepare, [longString(text)]);
    if (answer.opcode === Opcode.error) return resultLines(answer).lines;
    const { body } = answer;
    body.int();
    const id = Buffer.from(body.shortBytes());
    const flags = body.int();
    const count = body.int();
    const partitionKey = Array.from({ length: body.int() }, () => body.short());
    const variables = readColumns(body, count, flags);
    const resultFlags = body.int();
    const resultCount = body.int();
    const columns = (resultFlags & 4) === 0 ? readColumns(body, resultCount, resultFlags) : [];
    return { id, variables, partitionKey, columns };
  }

  async execute({ id }: Prepared, values: readonly BoundValue[]): Promise<readonly string[]> {
    const bound = values.map((value) => (value === undefined ? int(-2) : bytes(value)));
    const body = [short(id.length), id, short(Consistency.ONE), Buffer.from([1]), short(values.length), ...bound];
    return resultLines(await this.#ask(Opcode.execute, body)).lines;
  }

  #ask(opcode: number, parts: readonly Buffer[]): Promise<Answer> {
    const body = Buffer.concat(parts);
    const header = Buffer.from([VERSION, 0, 0, 1, opcode, 0, 0, 0, 0]);
    header.writeInt32BE(body.length, 5);
    this.#socket.write(Buffer.concat([header, body]));
    return new Promise((resolve, reject) => {
      this.#waiting = resolve;
      this.#failed = reject;
    });
  }

  #receive(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    if (this.#received.length < HEADER_BYTES) return;
    const end = HEADER_BYTES + this.#received.readInt32BE(5);
    if (this.#received.length < end) return;
    const flags = this.#received[1] as number;
    const opcode = this.#received[4] as number;
    const body = new ByteReader(this.#received.subarray(HEADER_BYTES, end));
    this.#received = this.#received.subarray(end);
    const warnings = (flags & WARNING_FLAG) === 0 ? [] : body.stringList();
    this.#waiting?.({ opcode, warnings, body });
  }
}

function resultLines({ opcode, body, warnings }: Answer): Page {
  const warned = warnings.map((text) => `warning ${text}`);
  if (opcode === Opcode.error) {
    const code = body.int().toString(16).padStart(4, '0');
    return { lines: [...warned, `error ${code} ${body.string()}`], pagingState: null };
  }
  switch (body.int()) {
    case 1:
      return { lines: [...warned, 'done'], pagingState: null };
    case 2: {
      const { lines, pagingState } = readRows(body);
      return { lines: [...warned, ...lines], pagingState };
    }
    case 3:
      return { lines: [...warned, `keyspace ${body.string()}`], pagingState: null };
    case 5:
      return { lines: [...warned, `schema ${readSchemaChange(body)}`], pagingState: null };
    default:
      throw new Error('a result of a kind that nobody knows');
  }
}

function readSchemaChange(body: ByteReader): string {
  const words = [body.string(), body.string(), body.string()];
  if (words[1] !== 'KEYSPACE') words.push(body.string());
  if (words[1] === 'FUNCTION' || words[1] === 'AGGREGATE') words.push(`(${body.stringList().join(', ')})`);
  return words.join(' ');
}

function readRows(body: ByteReader): Page {
  const flags = body.int();
  const count = body.int();
  const pagingState = (flags & 2) === 0 ? null : body.bytes();
  const columns = readColumns(body, count, flags);
  const lines = [columns.map(({ name, type }) => `${name} ${typeText(type)}`).join(' | ')];
  for (let left = body.int(); left > 0; left -= 1) {
    lines.push(`= ${columns.map(({ type }) => valueText(type, body.bytes())).join(' | ')}`);
  }
  return { lines, pagingState };
}

/** Bytes that are no value of the type are shown as they are. */
function valueText(type: DataType, value: Cell): string {
  try {
    return literalText(type, value);
  } catch {
    return `bytes ${value?.toString('hex')}`;
  }
}

function readColumns(body: ByteReader, count: number, flags: number): Column[] {
  const isGlobal = (flags & 1) !== 0;
  if (isGlobal && count > 0) {
    body.string();
    body.string();
  }
  return Array.from({ length: count }, () => {
    if (!isGlobal) {
      body.string();
      body.string();
    }
    const name = body.string();
    return { name, type: readType(body) };
  });
}

function readType(body: ByteReader): DataType {
  const id = body.short();
  const native = NATIVES.get(id);
  if (native !== undefined) return Native[native];
  switch (id) {
    case 0x00:
      // Classes that are no types of CQL (LegacyTimeUUIDType) are shown as their bytes.
      return typeOfClass(body.string()) ?? Native.blob;
    case 0x20:
      return listOf(readType(body));
    case 0x21: {
      const key = readType(body);
      return mapOf(key, readType(body));
    }
    case 0x22:
      return setOf(readType(body));
    case 0x30: {
      const keyspace = body.string();
      const name = body.string();
      const fields = Array.from({ length: body.short() }, () => {
        const field = body.string();
        return { name: field, type: readType(body) };
      });
      return { kind: 'udt', keyspace, name, fields, frozen: false };
    }
    case 0x31:
      return tupleOf(...Array.from({ length: body.short() }, () => readType(body)));
    default:
      throw new Error(`a type that nobody knows: ${id}`);
  }
}

/** As the protocol says it: it knows no `frozen`. */
export function typeText(type: DataType): string {
  switch (type.kind) {
    case 'native':
      return type.name;
    case 'list':
    case 'set':
      return `${type.kind}<${typeText(type.element)}>`;
    case 'map':
      return `map<${typeText(type.key)}, ${typeText(type.value)}>`;
    case 'tuple':
      return `tuple<${type.elements.map(typeText).join(', ')}>`;
    case 'vector':
      return `vector<${typeText(type.element)}, ${type.dimensions}>`;
    case 'udt':
      return `${type.name}{${type.fields.map((field) => `${field.name} ${typeText(field.type)}`).join(', ')}}`;
  }
}

/** A value from a script: `null`, `unset`, `bytes` and hexadecimal digits, or a constant of a native type. */
export function boundValue(type: DataType, text: string): BoundValue {
  if (text === 'unset') return undefined;
  if (text === 'null') return null;
  if (text.startsWith('bytes')) return Buffer.from(text.slice('bytes'.length).trim(), 'hex');
  const term = parseTerm(text);
  if (term.kind !== 'constant' || type.kind !== 'native') throw new Error(`not a value of a native type: ${text}`);
  return encodeText(type.name, term.type === 'hex' ? term.text.slice(2) : term.text);
}

function short(value: number): Buffer {
  const buffer = Buffer.allocUnsafe(2);
  buffer.writeUInt16BE(value);
  return buffer;
}

function int(value: number): Buffer {
  const buffer = Buffer.allocUnsafe(4);
  buffer.writeInt32BE(value);
  return buffer;
}

function string(text: string): Buffer {
  const encoded = Buffer.from(text);
  return Buffer.concat([short(encoded.length), encoded]);
}

function longString(text: string): Buffer {
  const encoded = Buffer.from(text);
  return Buffer.concat([int(encoded.length), encoded]);
}

function bytes(value: Cell): Buffer {
  return value === null ? int(-1) : Buffer.concat([int(value.length), value]);
}
