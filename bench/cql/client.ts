/**
 * A client of the native protocol (version 4) that costs as little as it can: every statement prepared, values encoded by whoever
 * sends, answers looked at only as far as it takes to know that they are no errors. It serves both sides of the comparison alike.
 */
import { connect, type Socket } from 'node:net';
import type { Endpoint } from '../load/client.ts';

const VERSION = 4;
const HEADER_BYTES = 9;
const Opcode = { error: 0, startup: 1, query: 7, result: 8, prepare: 9, execute: 10, batch: 13 } as const;
const QUORUM = 4;

export type Answered = (error: string | undefined, body: Buffer) => void;

export class BenchClient {
  readonly #socket: Socket;
  readonly #waiting: (Answered | undefined)[] = [];
  readonly #free: number[] = [];
  #out: Buffer[] = [];
  #received: Buffer = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', (error) => this.#end(error.message));
    socket.on('close', () => this.#end('the connection was closed'));
  }

  static async connect({ host, port }: Endpoint): Promise<BenchClient> {
    const socket = connect({ host, port, noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    const client = new BenchClient(socket);
    await client.#ask(Opcode.startup, Buffer.concat([short(1), string('CQL_VERSION'), string('3.0.0')]));
    return client;
  }

  /** For what is said once. */
  query(text: string): Promise<Buffer> {
    return this.#ask(Opcode.query, Buffer.concat([longString(text), short(QUORUM), Buffer.from([0])]));
  }

  /** The id, ready to be sent. */
  async prepare(text: string): Promise<Buffer> {
    const body = await this.#ask(Opcode.prepare, longString(text));
    return Buffer.from(body.subarray(4, 6 + body.readUInt16BE(4)));
  }

  execute(id: Buffer, values: readonly Buffer[], answered: Answered): void {
    this.#send(Opcode.execute, [id, EXECUTE_OPTIONS, short(values.length), ...values], answered);
  }

  /** Unlogged, of one statement with several sets of values. */
  batch(id: Buffer, rows: readonly (readonly Buffer[])[], answered: Answered): void {
    const parts: Buffer[] = [Buffer.from([1]), short(rows.length)];
    for (const values of rows) parts.push(BY_ID, id, short(values.length), ...values);
    parts.push(short(QUORUM), Buffer.from([0]));
    this.#send(Opcode.batch, parts, answered);
  }

  close(): void {
    this.#socket.destroy();
  }

  #ask(opcode: number, body: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#send(opcode, [body], (error, answer) => (error === undefined ? resolve(answer) : reject(new Error(error))));
    });
  }

  #send(opcode: number, parts: readonly Buffer[], answered: Answered): void {
    const stream = this.#free.pop() ?? this.#waiting.length;
    this.#waiting[stream] = answered;
    const header = Buffer.allocUnsafe(HEADER_BYTES);
    let length = 0;
    for (const part of parts) length += part.length;
    header[0] = VERSION;
    header[1] = 0;
    header.writeUInt16BE(stream, 2);
    header[4] = opcode;
    header.writeInt32BE(length, 5);
    if (this.#out.length === 0) queueMicrotask(() => this.#flush());
    this.#out.push(header, ...parts);
  }

  #flush(): void {
    this.#socket.write(Buffer.concat(this.#out));
    this.#out = [];
  }

  #receive(chunk: Buffer): void {
    const bytes = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    let at = 0;
    while (bytes.length - at >= HEADER_BYTES) {
      const end = at + HEADER_BYTES + bytes.readInt32BE(at + 5);
      if (bytes.length < end) break;
      const stream = bytes.readUInt16BE(at + 2);
      const body = bytes.subarray(at + HEADER_BYTES, end);
      const isError = bytes[at + 4] === Opcode.error;
      const answered = this.#waiting[stream];
      this.#waiting[stream] = undefined;
      this.#free.push(stream);
      answered?.(isError ? body.toString('utf8', 6, 6 + body.readUInt16BE(4)) : undefined, body);
      at = end;
    }
    this.#received = bytes.subarray(at);
  }

  #end(reason: string): void {
    for (const answered of this.#waiting.splice(0)) answered?.(reason, Buffer.alloc(0));
  }
}

/** Whether a server speaks the protocol there. */
export async function answers(endpoint: Endpoint): Promise<boolean> {
  try {
    (await BenchClient.connect(endpoint)).close();
    return true;
  } catch {
    // Not yet.
    return false;
  }
}

/** Consistency, and that values follow; the description of the columns is left out. */
const EXECUTE_OPTIONS = Buffer.from([0, QUORUM, 0x03]);
const BY_ID = Buffer.from([1]);

export function textValue(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([int(bytes.length), bytes]);
}

export function intValue(value: number): Buffer {
  return Buffer.concat([int(4), int(value)]);
}

function short(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff]);
}

function int(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function string(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([short(bytes.length), bytes]);
}

function longString(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([int(bytes.length), bytes]);
}
