/**
 * The unix socket that this node's standby connects to as its primary: whatever comes is sent through a tunnel to the node of the
 * primary of that moment. So a standby keeps one address for life, and replication is encrypted as all that goes between nodes.
 *
 * A standby without a primary asks for one every few milliseconds, with a new process each time. So while there is nobody to lead to, it
 * is kept waiting with an open connection, which then leads to the next primary; and one that found nobody there is told so late.
 */
import { chmod, chown, mkdir, rm } from 'node:fs/promises';
import { connect as connectSocket, createServer, type Server, type Socket } from 'node:net';
import { join as joinPath } from 'node:path';
import type { Duplex } from 'node:stream';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { NodeId } from '../../cluster/view.ts';
import type { LocalServer } from '../server/local-server.ts';
import { join } from './connection-stream.ts';

export interface StandbySocketOptions {
  /** Made for it; short enough for the path of a socket. */
  readonly folder: string;
  /** As whom the standby runs; null when as this process. */
  readonly user: { readonly uid: number; readonly gid: number } | null;
  readonly connect: (node: NodeId) => Duplex;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How long a standby is kept whose primary could not be reached. */
const NOBODY_THERE_MS = 100;

export class StandbySocket {
  readonly folder: string;
  readonly #options: StandbySocketOptions;
  readonly #server: Server;
  /** Led to the primary; `hasAnswered` when something has come from there. */
  readonly #sockets = new Map<Socket, { hasAnswered: boolean }>();
  readonly #kept = new Set<Socket>();
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
    if (primary !== 0 && primary === this.#primary) return;
    this.#primary = primary;
    for (const socket of this.#sockets.keys()) socket.destroy();
    if (primary === 0) return;
    for (const socket of this.#kept) this.#lead(socket, primary);
    this.#kept.clear();
  }

  /** The primary was shut down in order: what it still sends is let through. New connections wait for the next one. */
  letEnd(): void {
    this.#primary = 0;
    for (const [socket, { hasAnswered }] of this.#sockets) if (!hasAnswered) socket.destroy();
  }

  /** The standby was told to follow as somebody else: it will connect anew. */
  dropWaiting(): void {
    for (const socket of this.#kept) socket.destroy();
  }

  stop(): Promise<void> {
    this.lead(0);
    this.dropWaiting();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #accept(socket: Socket): void {
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#kept.delete(socket);
      this.#sockets.delete(socket);
    });
    if (this.#primary !== 0) this.#lead(socket, this.#primary);
    else this.#kept.add(socket);
  }

  #lead(socket: Socket, primary: NodeId): void {
    const { clock, connect, logger } = this.#options;
    const led = { hasAnswered: false };
    this.#sockets.set(socket, led);
    const tunnel = connect(primary);
    tunnel.on('error', (error) => logger.debug({ error, primary }, 'a standby was cut off'));
    tunnel.once('data', () => {
      led.hasAnswered = true;
    });
    socket.pipe(tunnel);
    tunnel.pipe(socket, { end: false });
    socket.on('close', () => tunnel.destroy());
    tunnel.on('close', () => {
      if (led.hasAnswered) socket.destroySoon();
      else clock.after(NOBODY_THERE_MS, () => socket.destroy());
    });
  }
}

/**
 * The other end, on the node of the primary. A standby of a standby would count for nothing, also when that one is promoted later: so it
 * waits until the server is primary, or gone.
 */
export function joinWhenPrimary(stream: Duplex, server: Pick<LocalServer, 'state' | 'watch' | 'socketPath'>): void {
  const look = (): void => {
    if (server.state === 'standby') return;
    unwatch();
    if (!stream.destroyed) join(stream, connectSocket(server.socketPath));
  };
  const unwatch = server.watch(look);
  // Its end is all that matters, however it comes about.
  stream.on('error', () => undefined);
  stream.once('close', unwatch);
  look();
}
