/** A small Redis client: one connection, pipelined, RESP2 and RESP3 replies. For `folkmoot demo`. */
import { connect, type Socket } from 'node:net';

export type RespValue = string | number | boolean | null | RespError | readonly RespValue[];

/** An error reply; its text begins with the prefix (MOVED, ERR ...). */
export class RespError {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** The connection ended before the reply came. `sent` is false when the command certainly did not leave. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
  readonly sent: boolean;
  constructor(sent: boolean, cause?: unknown) {
    super('the connection was lost', { cause });
    this.sent = sent;
  }
}

interface Waiter {
  resolve(value: RespValue): void;
  reject(error: ConnectionLost): void;
}

export class RespConnection {
  readonly #socket: Socket;
  readonly #waiting: Waiter[] = [];
  /** Replies taken from the front of `#waiting`; it is cut now and then, since `shift` on a long array is slow. */
  #taken = 0;
  #received: Buffer = Buffer.alloc(0);
  #batch: string[] = [];
  #lost = false;
  #connected = false;

  constructor(host: string, port: number) {
    this.#socket = connect({ host, port, noDelay: true });
    this.#socket.on('connect', () => {
      this.#connected = true;
    });
    this.#socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    this.#socket.on('error', (error) => this.#lose(error));
    this.#socket.on('close', () => this.#lose(undefined));
  }

  get lost(): boolean {
    return this.#lost;
  }

  /** Rejects with `ConnectionLost`. Commands of one turn of the event loop leave in one write. */
  send(...args: readonly string[]): Promise<RespValue> {
    if (this.#lost) return Promise.reject(new ConnectionLost(false));
    if (this.#batch.length === 0) queueMicrotask(() => this.#flush());
    this.#batch.push(encode(args));
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  close(): void {
    this.#socket.destroy();
    this.#lose(undefined);
  }

  #flush(): void {
    const batch = this.#batch;
    this.#batch = [];
    if (!this.#lost) this.#socket.write(batch.join(''));
  }

  #lose(cause: unknown): void {
    if (this.#lost) return;
    this.#lost = true;
    // A connection that never came about has sent nothing.
    for (const waiter of this.#waiting.splice(this.#taken)) waiter.reject(new ConnectionLost(this.#connected, cause));
  }

  #receive(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    let at = 0;
    for (;;) {
      const parsed = parseReply(this.#received, at);
      if (parsed === undefined) break;
      at = parsed.end;
      if (!parsed.push) this.#deliver(parsed.value);
    }
    this.#received = this.#received.subarray(at);
  }

  #deliver(value: RespValue): void {
    this.#waiting[this.#taken]?.resolve(value);
    this.#taken += 1;
    if (this.#taken < 1_024) return;
    this.#waiting.splice(0, this.#taken);
    this.#taken = 0;
  }
}

export function encode(args: readonly string[]): string {
  let text = `*${args.length}\r\n`;
  for (const arg of args) text += `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`;
  return text;
}

export interface ParsedReply {
  readonly value: RespValue;
  readonly end: number;
  /** Out-of-band data of RESP3, which answers no command. */
  readonly push: boolean;
}

/** The reply that begins at `at`, or undefined while it is not complete. Throws `RangeError` for what is none. */
export function parseReply(bytes: Buffer, at: number): ParsedReply | undefined {
  const lineEnd = bytes.indexOf('\r\n', at);
  if (lineEnd < 0) return undefined;
  const line = bytes.toString('utf8', at + 1, lineEnd);
  const next = lineEnd + 2;
  switch (String.fromCharCode(bytes[at] ?? 0)) {
    case '+':
    case '(':
      return { value: line, end: next, push: false };
    case '-':
      return { value: new RespError(line), end: next, push: false };
    case ':':
    case ',':
      return { value: Number(line), end: next, push: false };
    case '#':
      return { value: line === 't', end: next, push: false };
    case '_':
      return { value: null, end: next, push: false };
    case '$':
    case '=':
      return parseBulk(bytes, next, Number(line));
    case '*':
    case '~':
      return parseElements(bytes, next, Number(line), false);
    case '%':
      return parseElements(bytes, next, 2 * Number(line), false);
    case '>':
      return parseElements(bytes, next, Number(line), true);
    default:
      throw new RangeError('not a RESP reply');
  }
}

function parseBulk(bytes: Buffer, at: number, length: number): ParsedReply | undefined {
  if (length < 0) return { value: null, end: at, push: false };
  const end = at + length;
  if (bytes.length < end + 2) return undefined;
  return { value: bytes.toString('utf8', at, end), end: end + 2, push: false };
}

function parseElements(bytes: Buffer, from: number, length: number, push: boolean): ParsedReply | undefined {
  if (length < 0) return { value: null, end: from, push };
  const value: RespValue[] = [];
  let at = from;
  for (let index = 0; index < length; index++) {
    const element = parseReply(bytes, at);
    if (element === undefined) return undefined;
    value.push(element.value);
    at = element.end;
  }
  return { value, end: at, push };
}
