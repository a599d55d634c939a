/** A client for tests that shows replies as the bytes they are, or decoded. */
import { connect, type Socket } from 'node:net';
import { skipReply } from './resp-reader.ts';

export type Decoded = string | number | null | boolean | Decoded[];

export class RawClient {
  readonly socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #waiting: ((reply: Buffer) => void)[] = [];
  readonly closed: Promise<void>;

  private constructor(socket: Socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => {
      socket.on('close', () => resolve());
    });
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#deliver();
    });
  }

  static connect(port: number): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1' });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.setNoDelay(true);
        resolve(new RawClient(socket));
      });
    });
  }

  #deliver(): void {
    while (this.#waiting.length > 0 && this.#received.length > 0) {
      let end = 0;
      try {
        end = skipReply(this.#received, 0);
      } catch {
        return;
      }
      if (end > this.#received.length) return;
      const reply = this.#received.subarray(0, end);
      this.#received = this.#received.subarray(end);
      this.#waiting.shift()?.(reply);
    }
  }

  /** Bytes that no reply was waited for. */
  get rest(): Buffer {
    return this.#received;
  }

  write(bytes: string | Uint8Array): void {
    this.socket.write(bytes);
  }

  next(): Promise<Buffer> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#deliver();
    });
  }

  /** The reply's bytes as latin1 text. */
  async raw(...args: readonly (string | number | Buffer)[]): Promise<string> {
    this.write(encode(args));
    return (await this.next()).latin1Slice();
  }

  /** The reply as a value; errors are texts that begin with `-`. */
  async call(...args: readonly (string | number | Buffer)[]): Promise<Decoded> {
    this.write(encode(args));
    return decode(await this.next());
  }

  /** A line of words. */
  line(text: string): Promise<Decoded> {
    return this.call(...text.split(' '));
  }

  close(): void {
    this.socket.destroy();
  }
}

export function encode(args: readonly (string | number | Buffer)[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`*${args.length}\r\n`)];
  for (const arg of args) {
    const bytes = Buffer.isBuffer(arg) ? arg : Buffer.from(String(arg), 'latin1');
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'));
  }
  return Buffer.concat(parts);
}

export function decode(reply: Buffer): Decoded {
  return decodeAt(reply, 0).value;
}

function decodeAt(reply: Buffer, from: number): { value: Decoded; next: number } {
  const lineEnd = reply.indexOf('\r\n', from);
  const sign = String.fromCharCode(reply[from] as number);
  const text = reply.latin1Slice(from + 1, lineEnd);
  const next = lineEnd + 2;
  if (sign === '+') return { value: text, next };
  if (sign === '-') return { value: `-${text}`, next };
  if (sign === ':' || sign === ',') return { value: Number(text), next };
  if (sign === '_') return { value: null, next };
  if (sign === '#') return { value: text === 't', next };
  const length = Number(text);
  if (sign === '$' || sign === '=') {
    if (length < 0) return { value: null, next };
    const start = sign === '=' ? next + 4 : next;
    return { value: reply.latin1Slice(start, next + length), next: next + length + 2 };
  }
  if (length < 0) return { value: null, next };
  const list: Decoded[] = [];
  let at = next;
  for (let index = 0; index < (sign === '%' ? length * 2 : length); index += 1) {
    const element = decodeAt(reply, at);
    list.push(element.value);
    at = element.next;
  }
  return { value: list, next: at };
}
