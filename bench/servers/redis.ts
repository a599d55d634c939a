/**
 * Redis as its users run it for durability: one primary, two replicas, `appendfsync always` on all three.
 *
 * What `SET` + `WAIT 1` promises there (Redis 7.0): the primary writes and fsyncs its log before it sends the command to
 * its replicas or answers; a replica writes and fsyncs its own log before it sends the acknowledgement, since both leave
 * in the same pass of its event loop, the log first. So the write is on two disks of three when WAIT answers 1. That is
 * the order of `beforeSleep` in server.c and can be seen with strace; the documentation of WAIT promises only that the
 * replica has received the write.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Endpoint } from '../load/client.ts';
import type { SlotRange } from '../load/slots.ts';
import { freePorts } from './addresses.ts';
import { ServerProcess } from './child.ts';
import { type Deployment, waitUntil } from './deployment.ts';
import { askOnce } from './resp-client.ts';

export const REDIS_SERVER = 'redis-server';
const READY_TIMEOUT_MS = 60_000;

/**
 * `save ''` and no automatic rewrite of the log: both would only slow Redis down, with forks in the middle of a
 * measurement. Everything else is its default.
 */
export const REDIS_FLAGS: readonly string[] = [
  ...['--appendonly', 'yes'],
  ...['--appendfsync', 'always'],
  ...['--save', ''],
  ...['--auto-aof-rewrite-percentage', '0'],
  ...['--daemonize', 'no'],
  ...['--protected-mode', 'no'],
];

const HOST = '127.0.0.1';

export class ReplicatedRedis implements Deployment {
  readonly side = 'redis';
  readonly waitReplicas = 1;
  readonly nodes: readonly Endpoint[];
  readonly folders: readonly string[];
  readonly #port: number;
  #processes: ServerProcess[] = [];

  private constructor(folder: string, port: number) {
    this.#port = port;
    this.nodes = [{ host: HOST, port }];
    this.folders = ['primary', 'replica-1', 'replica-2'].map((name) => join(folder, name));
  }

  static async create(folder: string): Promise<ReplicatedRedis> {
    const redis = new ReplicatedRedis(folder, await freePorts([HOST], 3));
    for (const each of redis.folders) mkdirSync(each, { recursive: true });
    await redis.start();
    return redis;
  }

  get pids(): readonly number[] {
    return this.#processes.filter((process) => process.running).map((process) => process.pid);
  }

  async start(): Promise<void> {
    this.#processes = this.folders.map((folder, index) => {
      const replica = index === 0 ? [] : ['--replicaof', `${HOST} ${this.#port}`];
      const own = ['--bind', HOST, '--port', `${this.#port + index}`, '--dir', folder];
      return new ServerProcess(REDIS_SERVER, [...own, ...REDIS_FLAGS, ...replica]);
    });
    await waitUntil('two Redis replicas in sync', READY_TIMEOUT_MS, () => this.#replicasOnline());
  }

  async stop(): Promise<void> {
    // Replicas first, so that they do not spend their last moments on reconnecting.
    for (const process of [...this.#processes].reverse()) await process.stop();
  }

  async pauses_ms(): Promise<readonly number[]> {
    return [];
  }

  async slots(): Promise<readonly SlotRange[]> {
    return [{ first: 0, last: 16_383, node: 0 }];
  }

  /** The smallest log that says the same, as Redis would make it by itself from time to time. */
  async rewriteLogs(): Promise<void> {
    for (const index of this.folders.keys()) {
      const server = { host: HOST, port: this.#port + index };
      await askOnce(server, 'BGREWRITEAOF');
      await waitUntil('BGREWRITEAOF', READY_TIMEOUT_MS, async () => {
        const info = String(await askOnce(server, 'INFO', 'persistence'));
        return info.includes('aof_rewrite_in_progress:0') && info.includes('aof_rewrite_scheduled:0');
      });
    }
  }

  async #replicasOnline(): Promise<boolean> {
    const info = await askOnce({ host: HOST, port: this.#port }, 'INFO', 'replication');
    return typeof info === 'string' && (info.match(/state=online/g) ?? []).length === 2;
  }
}
