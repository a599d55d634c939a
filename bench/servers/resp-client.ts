/**
 * A small promise-based Redis client for everything except load: asking for topologies, states and configuration, and the
 * writers of the failover test. Error replies are values, so that the caller decides what they mean.
 */
import { connect, type Socket } from 'node:net';
import type { Endpoint } from '../load/client.ts';
import { commandText } from '../load/requests.ts';

export class ReplyError {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Reply = string | number | null | ReplyError | readonly Reply[];

export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
}

interface Waiter {
  resolve(reply: Reply): void;
  reject(error: Error): void;
}

const NEED_MORE = Symbol('need more');

export class RespClient {
  readonly #socket: Socket;
  readonly #waiters: Waiter[] = [];
  #text = '';
  #at = 0;
  #lost = false;

  constructor({ host, port }: Endpoint, timeout_ms = 5_000) {
    this.#socket = connect({ host, port, noDelay: true });
    // Replies are ASCII here; latin1 keeps bytes and characters the same.
    this.#socket.setEncoding('latin1');
    this.#socket.setTimeout(timeout_ms, () => {
      // Quiet is fine as long as nobody waits for an answer.
      if (this.#waiters.length > 0) this.#lose(`silent for ${timeout_ms} ms`);
    });
    this.#socket.on('data', (text: string) => this.#read(text));
    this.#socket.on('error', (error) => this.#lose(error.message));
    this.#socket.on('close', () => this.#lose('closed'));
  }

  get lost(): boolean {
    return this.#lost;
  }

  send(...args: readonly string[]): Promise<Reply> {
    if (this.#lost) return Promise.reject(new ConnectionLost('closed before'));
    this.#socket.write(commandText(...args), 'latin1');
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  /** For commands that must not fail. */
  async ask(...args: readonly string[]): Promise<Exclude<Reply, ReplyError>> {
    const reply = await this.send(...args);
    if (reply instanceof ReplyError) throw new Error(`${args.join(' ')}: ${reply.text}`);
    return reply;
  }

  close(): void {
    this.#lose('closed here');
  }

  #lose(reason: string): void {
    this.#lost = true;
    this.#socket.destroy();
    for (const waiter of this.#waiters.splice(0)) waiter.reject(new ConnectionLost(reason));
  }

  #read(text: string): void {
    this.#text = this.#text.slice(this.#at) + text;
    this.#at = 0;
    while (this.#waiters.length > 0) {
      const begin = this.#at;
      const reply = this.#parse();
      if (reply === NEED_MORE) {
        this.#at = begin;
        return;
      }
      this.#waiters.shift()?.resolve(reply);
    }
  }

  #parse(): Reply | typeof NEED_MORE {
    const end = this.#text.indexOf('\r\n', this.#at);
    if (end < 0) return NEED_MORE;
    const type = this.#text[this.#at];
    const line = this.#text.slice(this.#at + 1, end);
    this.#at = end + 2;
    if (type === '-') return new ReplyError(line);
    if (type === ':') return Number(line);
    if (type === '$') return this.#parseBulk(Number(line));
    if (type === '*') return this.#parseArray(Number(line));
    return line;
  }

  #parseBulk(length: number): string | null | typeof NEED_MORE {
    if (length < 0) return null;
    const end = this.#at + length;
    if (this.#text.length < end + 2) return NEED_MORE;
    const value = this.#text.slice(this.#at, end);
    this.#at = end + 2;
    return value;
  }

  #parseArray(length: number): Reply | typeof NEED_MORE {
    const items: Reply[] = [];
    for (let index = 0; index < length; index++) {
      const item = this.#parse();
      if (item === NEED_MORE) return NEED_MORE;
      items.push(item);
    }
    return items;
  }
}

/** One question to one server; undefined when it cannot be asked. */
export async function askOnce(endpoint: Endpoint, ...args: readonly string[]): Promise<Reply | undefined> {
  const client = new RespClient(endpoint, 1_000);
  try {
    return await client.send(...args);
  } catch {
    return undefined;
  } finally {
    client.close();
  }
}
