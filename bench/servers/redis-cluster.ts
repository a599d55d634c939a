/** A Redis Cluster as `redis-cli --cluster create` makes it: three masters, replicas, defaults but for the time-out. */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Endpoint } from '../load/client.ts';
import type { SlotRange } from '../load/slots.ts';
import { freePorts } from './addresses.ts';
import { ServerProcess } from './child.ts';
import { slotsOf, waitUntil } from './deployment.ts';
import { REDIS_FLAGS, REDIS_SERVER } from './redis.ts';
import { askOnce } from './resp-client.ts';

const HOST = '127.0.0.1';
const MASTER_COUNT = 3;
const BUS_OFFSET = 10_000;
const READY_TIMEOUT_MS = 60_000;

export interface RedisClusterSetup {
  readonly folder: string;
  readonly nodeTimeout_ms: number;
  readonly replicasPerMaster: number;
}

export class RedisCluster {
  readonly nodes: readonly Endpoint[];
  readonly #setup: RedisClusterSetup;
  readonly #processes: (ServerProcess | undefined)[] = [];

  private constructor(setup: RedisClusterSetup, count: number, firstPort: number) {
    this.#setup = setup;
    this.nodes = Array.from({ length: count }, (_, index) => ({ host: HOST, port: firstPort + index }));
  }

  static async prepare(setup: RedisClusterSetup): Promise<RedisCluster> {
    const count = MASTER_COUNT * (1 + setup.replicasPerMaster);
    return new RedisCluster(setup, count, await freePorts([HOST], count, BUS_OFFSET));
  }

  /** Starts the processes; with `form` also makes a cluster of them. Resolves when all of them say that all is well. */
  async start(form: boolean): Promise<void> {
    for (const index of this.nodes.keys()) this.startNode(index);
    const all = (attempt: (node: Endpoint) => Promise<boolean>) => async () =>
      (await Promise.all(this.nodes.map(attempt))).every(Boolean);
    if (form) {
      const answers = async (node: Endpoint): Promise<boolean> => (await askOnce(node, 'PING')) === 'PONG';
      await waitUntil('the Redis servers', READY_TIMEOUT_MS, all(answers));
      await this.#create();
    }
    await waitUntil('the Redis Cluster', READY_TIMEOUT_MS, all(isServing));
  }

  startNode(index: number): void {
    const port = this.nodes[index]?.port ?? 0;
    const folder = join(this.#setup.folder, `${port}`);
    mkdirSync(folder, { recursive: true });
    const own = ['--bind', HOST, '--port', `${port}`, '--dir', folder];
    const cluster = ['--cluster-enabled', 'yes', '--cluster-node-timeout', `${this.#setup.nodeTimeout_ms}`];
    this.#processes[index] = new ServerProcess(REDIS_SERVER, [...own, ...REDIS_FLAGS, ...cluster]);
  }

  processOf(index: number): ServerProcess {
    const process_ = this.#processes[index];
    if (process_ === undefined) throw new Error(`server ${index + 1} was never started`);
    return process_;
  }

  /** All servers are up, every slot is served, and every replica is in sync with its master. */
  async healthy(): Promise<boolean> {
    const checks = this.nodes.map(async (node) => (await isServing(node)) && (await this.#isLinked(node)));
    return (await Promise.all(checks)).every(Boolean);
  }

  /** As the first server that answers sees it. */
  async slots(): Promise<SlotRange[] | undefined> {
    for (const [index, node] of this.nodes.entries()) {
      if (!this.#processes[index]?.running) continue;
      const ranges = await slotsOf(node, this.nodes);
      if (ranges !== undefined) return ranges;
    }
    return undefined;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((process) => process?.stop()));
  }

  async kill(): Promise<void> {
    await Promise.all(this.#processes.map((process) => process?.kill()));
  }

  async #isLinked(node: Endpoint): Promise<boolean> {
    const info = String(await askOnce(node, 'INFO', 'replication'));
    if (!info.includes('role:master')) return info.includes('master_link_status:up');
    return (info.match(/state=online/g) ?? []).length >= this.#setup.replicasPerMaster;
  }

  async #create(): Promise<void> {
    const servers = this.nodes.map(({ host, port }) => `${host}:${port}`);
    const args = [
      '--cluster',
      'create',
      ...servers,
      '--cluster-replicas',
      `${this.#setup.replicasPerMaster}`,
      '--cluster-yes',
    ];
    const child = spawn('redis-cli', args, { stdio: 'ignore' });
    const timer = setTimeout(() => child.kill('SIGKILL'), READY_TIMEOUT_MS);
    const code = await new Promise<number | null>((resolve) => {
      child.once('exit', resolve);
      child.once('error', () => resolve(null));
    });
    clearTimeout(timer);
    if (code !== 0) throw new Error(`redis-cli --cluster create ended with ${code}`);
  }
}

async function isServing(node: Endpoint): Promise<boolean> {
  const info = String(await askOnce(node, 'CLUSTER', 'INFO'));
  return info.includes('cluster_state:ok') && info.includes('cluster_slots_ok:16384');
}
