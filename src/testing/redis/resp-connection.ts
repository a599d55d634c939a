/**
 * A small Redis client: one connection, pipelined, RESP2 and RESP3 replies. Nothing is tried again: what was answered, what
 * was not, and whether it left, is all that whoever looks for lost writes wants to know.
 */
import { connect, type Socket } from 'node:net';
import { ConnectionLost } from '../connection-lost.ts';

export type RespValue = string | number | boolean | null | RespError | readonly RespValue[];

/** An error reply; its text begins with the prefix (MOVED, ERR ...). */
export class RespError {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }

  /** MOVED, CLUSTERDOWN, ERR ... */
  get prefix(): string {
    return this.text.split(' ', 1)[0] ?? '';
  }
}

export interface RespConnectionOptions {
  /** A command that is not answered within this time closes the connection: what is behind it cannot be answered either. */
  readonly timeout_ms?: number;
}

interface Waiter {
  readonly since_ms: number;
  resolve(value: RespValue): void;
  reject(error: ConnectionLost): void;
}

const WATCH_INTERVAL_MS = 50;

export class RespConnection {
  readonly #socket: Socket;
  readonly #waiting: Waiter[] = [];
  /** Replies taken from the front of `#waiting`; it is cut now and then, since `shift` on a long array is slow. */
  #taken = 0;
  #received: Buffer = Buffer.alloc(0);
  #batch: string[] = [];
  #lost = false;
  #connected = false;
  readonly #watch: NodeJS.Timeout | undefined;

  constructor(host: string, port: number, options: RespConnectionOptions = {}) {
    this.#socket = connect({ host, port, noDelay: true });
    this.#socket.on('connect', () => {
      this.#connected = true;
    });
    this.#socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    this.#socket.on('error', (error) => this.#lose(error.message, error));
    this.#socket.on('close', () => this.#lose('the connection was closed'));
    const { timeout_ms } = options;
    if (timeout_ms === undefined) return;
    this.#watch = setInterval(
      () => {
        const oldest = this.#waiting[this.#taken];
        if (oldest !== undefined && performance.now() - oldest.since_ms > timeout_ms) {
          this.#lose(`no answer within ${timeout_ms} ms`);
        }
      },
      Math.min(WATCH_INTERVAL_MS, timeout_ms / 2),
    );
  }

  get lost(): boolean {
    return this.#lost;
  }

  /** Rejects with `ConnectionLost`. Commands of one turn of the event loop leave in one write. */
  send(...args: readonly string[]): Promise<RespValue> {
    if (this.#lost) return Promise.reject(new ConnectionLost(false));
    if (this.#batch.length === 0) queueMicrotask(() => this.#flush());
    this.#batch.push(encode(args));
    const since_ms = performance.now();
    return new Promise((resolve, reject) => this.#waiting.push({ since_ms, resolve, reject }));
  }

  close(): void {
    this.#lose('the connection was closed by the client');
  }

  #flush(): void {
    const batch = this.#batch;
    this.#batch = [];
    if (!this.#lost) this.#socket.write(batch.join(''));
  }

  #lose(reason: string, cause?: unknown): void {
    if (this.#lost) return;
    this.#lost = true;
    clearInterval(this.#watch);
    this.#socket.destroy();
    // A connection that never came about has sent nothing.
    for (const waiter of this.#waiting.splice(this.#taken))
      waiter.reject(new ConnectionLost(this.#connected, reason, cause));
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
