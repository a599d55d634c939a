/** A connection of the cluster's network as a stream of Node.js, and two streams made one. */
import { Duplex } from 'node:stream';
import type { Connection } from '../../base/network.ts';

export class ConnectionStream extends Duplex {
  readonly #connection: Connection;
  #written: ((error?: Error | null) => void) | null = null;

  constructor(connection: Connection) {
    super({ allowHalfOpen: false });
    this.#connection = connection;
    connection.onConnect = () => this.emit('connect');
    connection.onData = (chunk) => {
      if (!this.push(chunk)) connection.pause();
    };
    connection.onDrain = () => {
      const written = this.#written;
      this.#written = null;
      written?.();
    };
    connection.onClose = (error) => {
      if (error !== null) this.destroy(error);
      else this.push(null);
    };
  }

  override _read(): void {
    this.#connection.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, written: (error?: Error | null) => void): void {
    if (this.#connection.write(chunk)) written();
    else this.#written = written;
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#connection.end();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#connection.destroy();
    done(error);
  }
}

/** What one side says the other one hears; the end of either is the end of both. */
export function join(a: Duplex, b: Duplex): void {
  const end = (): void => {
    a.destroy();
    b.destroy();
  };
  for (const stream of [a, b]) {
    stream.on('error', end);
    stream.on('close', end);
  }
  a.pipe(b);
  b.pipe(a);
}
