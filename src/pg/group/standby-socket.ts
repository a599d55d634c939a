/**
 * The unix socket that this node's standby connects to as its primary: whatever comes is sent through a tunnel to the node of the
 * primary of that moment. So a standby keeps one address for life, and replication is encrypted as all that goes between nodes.
 */
import { chmod, chown, mkdir, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { join as joinPath } from 'node:path';
import type { Duplex } from 'node:stream';
import type { Logger } from '../../base/log.ts';
import type { NodeId } from '../../cluster/view.ts';
import { join } from './connection-stream.ts';

export interface StandbySocketOptions {
  /** Made for it; short enough for the path of a socket. */
  readonly folder: string;
  /** As whom the standby runs; null when as this process. */
  readonly user: { readonly uid: number; readonly gid: number } | null;
  readonly connect: (node: NodeId) => Duplex;
  readonly logger: Logger;
}

export class StandbySocket {
  readonly folder: string;
  readonly #options: StandbySocketOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #primary: NodeId = 0;

  constructor(options: StandbySocketOptions) {
    this.#options = options;
    this.folder = options.folder;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  async start(): Promise<void> {
    const { folder, user } = this.#options;
    const path = joinPath(folder, '.s.PGSQL.5432');
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await rm(path, { force: true });
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(path, resolve);
    });
    this.#server.on('error', (error) => this.#options.logger.warn({ error }, 'the socket for standbys failed'));
    await chmod(path, 0o600);
    if (user === null) return;
    await chown(path, user.uid, user.gid);
    await chown(folder, user.uid, user.gid);
  }

  /** Whom connections lead to from now on; those to another node end. 0: nobody. */
  lead(primary: NodeId): void {
    if (primary === this.#primary) return;
    this.#primary = primary;
    for (const socket of this.#sockets) socket.destroy();
  }

  stop(): Promise<void> {
    this.lead(0);
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #accept(socket: Socket): void {
    socket.on('error', () => undefined);
    if (this.#primary === 0) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    const primary = this.#primary;
    const tunnel = this.#options.connect(primary);
    tunnel.on('error', (error) => this.#options.logger.debug({ error, primary }, 'a standby was cut off'));
    join(socket, tunnel);
  }
}
