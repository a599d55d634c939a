/** A client that speaks the protocol message by message, to a gateway that asks for no password. */
import { connect, type Socket } from 'node:net';
import { Client, Server } from './protocol/codes.ts';
import { CONTINUATION, FrameReader, frameSizes } from './protocol/frame-reader.ts';
import { fieldOf, message, query, SYNC, startup } from './protocol/messages.ts';

const WHOLE = frameSizes(1 << 28, {});

export interface Message {
  /** The letter. */
  readonly type: string;
  readonly bytes: Buffer;
}

export class RawClient {
  readonly socket: Socket;
  readonly received: Message[] = [];
  /** What came up to the end of the log-in. */
  greeting: readonly Message[] = [];
  processId = 0;
  key: Buffer = Buffer.alloc(0);
  isEnded = false;
  readonly #reader = new FrameReader(WHOLE);
  #look: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => {
      this.#reader.push(chunk);
      while (this.#reader.next()) {
        const { type, chunk: bytes, start, end } = this.#reader;
        if (type === CONTINUATION) continue;
        const copy = Buffer.from(bytes.subarray(start, end));
        this.received.push({ type: String.fromCharCode(type), bytes: copy });
        if (type === Server.backendKeyData) {
          this.processId = copy.readInt32BE(5);
          this.key = copy.subarray(9);
        }
      }
      this.#look();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.isEnded = true;
      this.#look();
    });
  }

  static open(port: number, parameters: Readonly<Record<string, string>> = {}): Promise<RawClient> {
    return RawClient.openVersion(port, 0, parameters);
  }

  /** `minor`: of the version 3 of the protocol. */
  static async openVersion(
    port: number,
    minor: number,
    parameters: Readonly<Record<string, string>>,
  ): Promise<RawClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const client = new RawClient(socket);
    const packet = startup({ user: 'postgres', database: 'postgres', ...parameters });
    packet.writeUInt16BE(minor, 6);
    socket.write(packet);
    client.greeting = await client.until('Z');
    return client;
  }

  send(...messages: Buffer[]): void {
    this.socket.write(Buffer.concat(messages));
  }

  /** Takes all messages up to the first of that type; rejects when the connection ends before. */
  async until(type: string): Promise<Message[]> {
    for (;;) {
      const at = this.received.findIndex((each) => each.type === type);
      if (at >= 0) return this.received.splice(0, at + 1);
      if (this.isEnded) throw new Error(`ended after ${this.received.map(describe).join(' ')}`);
      await new Promise<void>((resolve) => {
        this.#look = resolve;
      });
    }
  }

  async ended(): Promise<Message[]> {
    while (!this.isEnded) {
      await new Promise<void>((resolve) => {
        this.#look = resolve;
      });
    }
    return this.received.splice(0);
  }

  /** The letters of the answer, errors with their codes: `TDCZ`, `E42P01 Z`. */
  async ask(...messages: Buffer[]): Promise<string> {
    this.send(...messages);
    return (await this.until('Z')).map(describe).join('');
  }

  /** As `ask`, until as many requests have been answered. */
  async askAll(count: number, ...messages: Buffer[]): Promise<string> {
    this.send(...messages);
    let all = '';
    for (let i = 0; i < count; i += 1) all += (await this.until('Z')).map(describe).join('');
    return all;
  }

  /** The first column of the only row. */
  async value(sql: string): Promise<string> {
    this.send(query(sql));
    const answer = await this.until('Z');
    const row = answer.find(({ type }) => type === 'D');
    if (row === undefined) throw new Error(answer.map(describe).join(''));
    return row.bytes.toString('utf8', 11);
  }

  close(): void {
    this.socket.destroy();
  }
}

export function describe({ type, bytes }: Message): string {
  return type === 'E' ? `E${fieldOf(bytes, 0, bytes.length, 'C')} ` : type;
}

export const sync = SYNC;
export const ask = query;

export function parse(name: string, sql: string): Buffer {
  return message(Client.parse, Buffer.from(`${name}\0${sql}\0\0\0`));
}

/** Without a portal's name, parameters as text. */
export function bind(name: string, ...values: string[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`\0${name}\0\0\0`), Buffer.from([0, values.length])];
  for (const value of values) {
    const length = Buffer.alloc(4);
    length.writeInt32BE(Buffer.byteLength(value));
    parts.push(length, Buffer.from(value));
  }
  return message(Client.bind, ...parts, Buffer.from([0, 0]));
}

export function describeStatement(name: string): Buffer {
  return message(Client.describe, Buffer.from(`S${name}\0`));
}

export function closeStatement(name: string): Buffer {
  return message(Client.close, Buffer.from(`S${name}\0`));
}

export const execute = message(Client.execute, Buffer.from('\0\0\0\0\0'));
export const flush = message(Client.flush);
