/** TCP by node:net, with TCP_NODELAY: whoever writes batches by itself. */
import { createServer, connect as netConnect, type Server, type Socket } from 'node:net';
import { AddressError, type Connection, formatAddress, type Listener, type Network } from '../base/network.ts';

const nothing = (): void => undefined;
/** What is larger is written in slices of this, one in a turn of the event loop: a write lasts as long as the system copies. */
const SLICE_BYTES = 1024 * 1024;

export class RealNetwork implements Network {
  listen(host: string, port: number, onConnection: (connection: Connection) => void): Promise<Listener> {
    return new Promise((resolve, reject) => {
      const server = createServer({ noDelay: true, keepAlive: true }, (socket) =>
        onConnection(new SocketConnection(socket, formatAddress(socket.remoteAddress ?? '?', socket.remotePort ?? 0))),
      );
      server.once('error', (error: NodeJS.ErrnoException) =>
        reject(new AddressError(error.code ?? 'unknown', host, port, 'TCP', error)),
      );
      server.listen({ host, port, backlog: 511 }, () => {
        server.removeAllListeners('error');
        // Later errors are failed accepts (EMFILE); the peer retries and the file limit is reported elsewhere.
        server.on('error', nothing);
        const address = server.address();
        resolve(
          new ServerListener(server, host, typeof address === 'object' && address !== null ? address.port : port),
        );
      });
    });
  }

  connect(host: string, port: number): Connection {
    const socket = netConnect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 });
    return new SocketConnection(socket, formatAddress(host, port));
  }
}

/** A listening server of `node:net` or `node:tls`. */
export class ServerListener implements Listener {
  readonly host: string;
  readonly port: number;
  readonly #server: Server;

  constructor(server: Server, host: string, port: number) {
    this.#server = server;
    this.host = host;
    this.port = port;
  }

  close(): Promise<void> {
    // `Server.close` waits for the accepted connections too, but the address is free at once.
    this.#server.close();
    return Promise.resolve();
  }
}

/** `connected`: the event with which the socket says that bytes may flow. */
export class SocketConnection implements Connection {
  onConnect: () => void = nothing;
  onData: (chunk: Buffer) => void = nothing;
  onDrain: () => void = nothing;
  onClose: (error: Error | null) => void = nothing;
  readonly remote: string;
  readonly #socket: Socket;
  #error: Error | null = null;
  #wantsDrain = false;
  /** Of large writes, and what was written after them. */
  readonly #slices: Uint8Array[] = [];
  #slicedBytes = 0;
  #isSliceDue = false;
  #isEnding = false;

  constructor(socket: Socket, remote: string, connected: 'connect' | 'secureConnect' = 'connect') {
    this.#socket = socket;
    this.remote = remote;
    socket.on(connected, () => this.onConnect());
    socket.on('data', (chunk: Buffer) => this.onData(chunk));
    socket.on('error', (error) => {
      this.#error = error;
    });
    socket.on('close', () => this.onClose(this.#error));
  }

  get bytesQueued(): number {
    return this.#socket.writableLength + this.#slicedBytes;
  }

  write(bytes: Uint8Array): boolean {
    const socket = this.#socket;
    if (socket.destroyed || socket.writableEnded || this.#isEnding) return true;
    if (bytes.length > SLICE_BYTES || this.#slices.length > 0) this.#writeInSlices(bytes);
    // The kernel usually takes everything inside this call, and then `writableLength` is 0 already.
    else socket.write(bytes, this.#written);
    if (this.bytesQueued === 0) return true;
    this.#wantsDrain = true;
    return false;
  }

  #writeInSlices(bytes: Uint8Array): void {
    const isFirst = this.#slices.length === 0;
    for (let at = 0; at < bytes.length; at += SLICE_BYTES) this.#slices.push(bytes.subarray(at, at + SLICE_BYTES));
    this.#slicedBytes += bytes.length;
    if (isFirst) this.#writeSlice();
  }

  /** A slice, or what is small and came after. */
  readonly #writeSlice = (): void => {
    this.#isSliceDue = false;
    if (this.#socket.destroyed) return;
    for (let left = SLICE_BYTES; this.#slices.length > 0; ) {
      const slice = this.#slices[0] as Uint8Array;
      left -= slice.length;
      if (left < 0) break;
      this.#slices.shift();
      this.#slicedBytes -= slice.length;
      this.#socket.write(slice, this.#written);
    }
    if (this.#isEnding && this.#slices.length === 0) this.#socket.end();
  };

  readonly #written = (error?: Error | null): void => {
    if (error) return;
    if (this.#slices.length > 0 && !this.#isSliceDue) {
      this.#isSliceDue = true;
      setImmediate(this.#writeSlice);
    }
    if (!this.#wantsDrain || this.bytesQueued > 0) return;
    this.#wantsDrain = false;
    this.onDrain();
  };

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#isEnding = true;
    if (this.#slices.length === 0) this.#socket.end();
  }

  destroy(error?: Error): void {
    this.#socket.destroy(error);
  }
}
