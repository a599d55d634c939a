/** A Redis connection for tests, as plain as can be: what is sent leaves at once, what comes back is the answer, and
 *  nothing is tried again. Commands are pipelined. RESP2. */
import { connect, type Socket } from 'node:net';

export type Reply = string | number | null | ErrorReply | readonly Reply[];

export class ErrorReply {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }

  /** MOVED, CLUSTERDOWN, ERR ... */
  get prefix(): string {
    return this.text.split(' ', 1)[0] ?? '';
  }
}

/** No answer came. `sent` is false when the command certainly did not leave this process. */
export class NoReply extends Error {
  override readonly name = 'NoReply';
  readonly sent: boolean;
  constructor(reason: string, sent: boolean) {
    super(reason);
    this.sent = sent;
  }
}

interface Waiter {
  readonly since_ms: number;
  resolve(reply: Reply): void;
  reject(error: NoReply): void;
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export class RespClient {
  readonly #socket: Socket;
  readonly #timer: NodeJS.Timeout;
  #waiters: Waiter[] = [];
  #answered = 0;
  #rest: Buffer = Buffer.alloc(0);
  #connected = false;
  #closed = false;

  /** A command without an answer after `timeout_ms` closes the connection: nothing behind it can be answered either. */
  constructor(endpoint: Endpoint, timeout_ms = 10_000) {
    this.#socket = connect({ ...endpoint, noDelay: true });
    this.#socket.once('connect', () => {
      this.#connected = true;
    });
    this.#socket.on('data', (bytes) => this.#receive(bytes));
    this.#socket.on('error', (error) => this.#end(error.message));
    this.#socket.on('close', () => this.#end('the connection was closed'));
    this.#timer = setInterval(
      () => {
        const oldest = this.#waiters[this.#answered];
        if (oldest !== undefined && performance.now() - oldest.since_ms > timeout_ms) {
          this.#end(`no answer within ${timeout_ms} ms`);
        }
      },
      Math.min(50, timeout_ms / 2),
    );
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Resolves with the reply, an error reply too; rejects with `NoReply`. */
  command(...args: readonly string[]): Promise<Reply> {
    if (this.#closed) return Promise.reject(new NoReply('the connection is closed', false));
    this.#socket.write(encode(args));
    return new Promise((resolve, reject) => {
      this.#waiters.push({ since_ms: performance.now(), resolve, reject });
    });
  }

  close(): void {
    this.#end('closed by the test');
  }

  #end(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    this.#socket.destroy();
    for (const waiter of this.#waiters.slice(this.#answered)) waiter.reject(new NoReply(reason, this.#connected));
    this.#waiters = [];
  }

  #receive(bytes: Buffer): void {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    let at = 0;
    for (let parsed = parse(this.#rest, at); parsed !== undefined; parsed = parse(this.#rest, at)) {
      at = parsed.end;
      this.#waiters[this.#answered]?.resolve(parsed.reply);
      this.#answered += 1;
    }
    this.#rest = this.#rest.subarray(at);
    if (this.#answered < 1_000) return;
    this.#waiters = this.#waiters.slice(this.#answered);
    this.#answered = 0;
  }
}

function encode(args: readonly string[]): string {
  return `*${args.length}\r\n${args.map((arg) => `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`).join('')}`;
}

interface Parsed {
  readonly reply: Reply;
  readonly end: number;
}

/** The reply that begins at `at`; undefined while it is not complete. */
function parse(bytes: Buffer, at: number): Parsed | undefined {
  const lineEnd = bytes.indexOf('\r\n', at);
  if (lineEnd < 0) return undefined;
  const line = bytes.toString('utf8', at + 1, lineEnd);
  const next = lineEnd + 2;
  const type = String.fromCharCode(bytes[at] ?? 0);
  if (type === '+') return { reply: line, end: next };
  if (type === '-') return { reply: new ErrorReply(line), end: next };
  if (type === ':') return { reply: Number(line), end: next };
  if (type === '*') return parseArray(bytes, next, Number(line));
  if (type !== '$') throw new Error(`not RESP2: ${JSON.stringify(type + line)}`);
  const end = next + Number(line);
  if (Number(line) < 0) return { reply: null, end: next };
  if (bytes.length < end + 2) return undefined;
  return { reply: bytes.toString('utf8', next, end), end: end + 2 };
}

function parseArray(bytes: Buffer, from: number, length: number): Parsed | undefined {
  if (length < 0) return { reply: null, end: from };
  const reply: Reply[] = [];
  let at = from;
  for (let index = 0; index < length; index++) {
    const element = parse(bytes, at);
    if (element === undefined) return undefined;
    reply.push(element.reply);
    at = element.end;
  }
  return { reply, end: at };
}
