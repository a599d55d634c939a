/**
 * A network between clients and nodes that can be cut, on the clients' side, so that it takes no privileges. Silent: what is sent, and
 * the answer to what was sent before, gets lost until the client has no patience left. Else connections break at once and new
 * ones are refused.
 */
import { ConnectionLost } from '../connection-lost.ts';
import type { Line } from './line.ts';

export class ClientCuts {
  #cut: ReadonlySet<string> = new Set();
  #silently = false;
  readonly #lines = new Set<{ readonly address: string; cut(silently: boolean): void }>();

  /** `addresses` are host:port. Replaces what was cut before. */
  cut(addresses: readonly string[], silently: boolean): void {
    this.#cut = new Set(addresses);
    this.#silently = silently;
    for (const line of [...this.#lines]) if (this.#cut.has(line.address)) line.cut(silently);
  }

  heal(): void {
    this.#cut = new Set();
  }

  /** A connection to an address, as far as it can be reached; `open` makes one that can. */
  connect<Request extends readonly unknown[], Reply>(
    host: string,
    port: number,
    timeout_ms: number,
    open: (host: string, port: number, timeout_ms: number) => Line<Request, Reply>,
  ): Line<Request, Reply> {
    const address = `${host}:${port}`;
    if (this.#cut.has(address)) return new DeadLine<Request, Reply>(this.#silently ? timeout_ms : 0);
    const connection = open(host, port, timeout_ms);
    const line = new CuttableLine(address, connection, timeout_ms, () => this.#lines.delete(line));
    this.#lines.add(line);
    return line;
  }
}

/** Never came about: nothing leaves. */
class DeadLine<Request extends readonly unknown[], Reply> implements Line<Request, Reply> {
  lost = false;
  readonly #after_ms: number;

  constructor(after_ms: number) {
    this.#after_ms = after_ms;
  }

  async send(): Promise<Reply> {
    await new Promise((resolve) => setTimeout(resolve, this.#after_ms));
    this.lost = true;
    throw new ConnectionLost(false, 'the node cannot be reached');
  }

  close(): void {
    this.lost = true;
  }
}

class CuttableLine<Request extends readonly unknown[], Reply> implements Line<Request, Reply> {
  readonly address: string;
  readonly #connection: Line<Request, Reply>;
  readonly #timeout_ms: number;
  readonly #closed: () => void;
  /** What waits for answers that got lost. */
  readonly #waiting: ((error: ConnectionLost) => void)[] = [];
  #silent = false;

  constructor(address: string, connection: Line<Request, Reply>, timeout_ms: number, closed: () => void) {
    this.address = address;
    this.#connection = connection;
    this.#timeout_ms = timeout_ms;
    this.#closed = closed;
  }

  get lost(): boolean {
    return this.#connection.lost;
  }

  send(...request: Request): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#silent) {
        this.#waiting.push(reject);
        return;
      }
      this.#connection.send(...request).then((reply) => {
        if (this.#silent) this.#waiting.push(reject);
        else resolve(reply);
      }, reject);
    });
  }

  /** Once silent it stays so: the client gives up, and connects anew. */
  cut(silently: boolean): void {
    if (this.#silent) return;
    if (!silently) {
      this.close();
      return;
    }
    this.#silent = true;
    setTimeout(() => this.close(), this.#timeout_ms);
  }

  close(): void {
    this.#closed();
    this.#connection.close();
    for (const reject of this.#waiting.splice(0)) reject(new ConnectionLost(true, 'the answer got lost'));
  }
}
