/** Folkmoot nodes, started by the command that users start them with, one process each and children of this one. */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Endpoint } from '../load/client.ts';
import type { SlotRange } from '../load/slots.ts';
import { freePorts, loopbackHosts } from './addresses.ts';
import { ServerProcess } from './child.ts';
import { type Deployment, slotsOf, waitUntil } from './deployment.ts';

const READY_TIMEOUT_MS = 60_000;
const AGREE_TIMEOUT_MS = 20_000;
const BALANCED_FOR_MS = 1_000;

export interface FolkmootSetup {
  /** The folder of the package: `bin/folkmoot.js` and `dist/` are in it. */
  readonly root: string;
  readonly folder: string;
  readonly nodeCount: number;
  /** Further flags of `folkmoot start`. */
  readonly flags?: readonly string[];
  /** Flags of the Node.js that runs node number `index`. */
  readonly runtimeFlags?: (index: number) => readonly string[];
}

export class FolkmootCluster implements Deployment {
  readonly side = 'folkmoot';
  readonly waitReplicas = 0;
  readonly nodes: readonly Endpoint[];
  readonly folders: readonly string[];
  readonly #setup: FolkmootSetup;
  readonly #hosts: readonly string[];
  readonly #port: number;
  readonly #processes: (ServerProcess | undefined)[] = [];
  #formed = false;

  private constructor(setup: FolkmootSetup, hosts: readonly string[], port: number) {
    this.#setup = setup;
    this.#hosts = hosts;
    this.#port = port;
    this.nodes = hosts.map((host, index) => ({ host, port: this.#portOf(index) }));
    this.folders = hosts.map((_, index) => join(setup.folder, `node-${index + 1}`));
  }

  static async create(setup: FolkmootSetup): Promise<FolkmootCluster> {
    const hosts = loopbackHosts(setup.nodeCount);
    const port = await freePorts(hosts, 4 * setup.nodeCount);
    mkdirSync(setup.folder, { recursive: true });
    const cluster = new FolkmootCluster(setup, hosts, port);
    await cluster.start();
    return cluster;
  }

  /** Where Cassandra's clients connect. */
  get cqlNodes(): readonly Endpoint[] {
    return this.#hosts.map((host, index) => ({ host, port: this.#portOf(index) + 4 }));
  }

  get pids(): readonly number[] {
    return this.#processes.filter((process) => process?.running === true).map((process) => process?.pid ?? 0);
  }

  async start(): Promise<void> {
    await Promise.all(this.#hosts.map((_, index) => this.startNode(index, this.#formed)));
    if (!this.#formed) {
      await waitUntil('folkmoot init', READY_TIMEOUT_MS, () => this.#init());
      this.#formed = true;
      await Promise.all(this.#processes.map((process) => process?.line('ready', READY_TIMEOUT_MS)));
    }
    await this.untilBalanced();
  }

  /** Resolves when the node serves; when `ready` is false, once its process runs. */
  async startNode(index: number, ready = true): Promise<void> {
    const { root, flags = [], runtimeFlags } = this.#setup;
    const port = this.#port + 4 * this.#step(index);
    const members = this.#hosts.map((host, other) => `${host}:${this.#port + 4 * this.#step(other) + 3}`);
    const process_ = new ServerProcess(process.execPath, [
      ...(runtimeFlags?.(index) ?? []),
      join(root, 'bin', 'folkmoot.js'),
      'start',
      `--name=node-${index + 1}`,
      `--data=${this.folders[index]}`,
      `--listen=${this.#hosts[index]}`,
      `--redis-port=${port}`,
      `--redis-single-port=${port + 1}`,
      `--cql-port=${port + 4}`,
      `--admin-port=${port + 2}`,
      `--peer-port=${port + 3}`,
      `--join=${members.join(',')}`,
      '--log-level=warn',
      // As `folkmoot up` chooses for a cluster on one machine.
      '--tablets=12',
      ...flags,
    ]);
    this.#processes[index] = process_;
    if (ready) await process_.line('ready', READY_TIMEOUT_MS);
  }

  processOf(index: number): ServerProcess {
    const process_ = this.#processes[index];
    if (process_ === undefined) throw new Error(`node ${index + 1} was never started`);
    return process_;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((process) => process?.stop()));
  }

  async kill(): Promise<void> {
    await Promise.all(this.#processes.map((process) => process?.kill()));
  }

  async slots(): Promise<readonly SlotRange[]> {
    let ranges: SlotRange[] | undefined;
    await waitUntil('one view of who leads what', AGREE_TIMEOUT_MS, async () => {
      ranges = await this.#agreed();
      return ranges !== undefined;
    });
    return ranges ?? [];
  }

  pauses_ms(): Promise<readonly number[]> {
    return Promise.all(
      this.#hosts.map(async (host, index) => {
        // Collecting the metrics begins a new interval.
        const response = await fetch(`http://${host}:${this.#portOf(index) + 2}/metrics`);
        const line = /^nodejs_eventloop_lag_max_seconds\S* (\S+)$/m.exec(await response.text());
        return Number(line?.[1]) * 1_000;
      }),
    );
  }

  /** Leadership goes back to the preferred nodes some time after a start; load before that would measure the way there. */
  async untilBalanced(): Promise<void> {
    let last = '';
    let since_ms = performance.now();
    await waitUntil('leaders on every node', READY_TIMEOUT_MS, async () => {
      const ranges = await this.#agreed();
      const text = JSON.stringify(ranges);
      if (text !== last) since_ms = performance.now();
      last = text;
      const leading = new Set(ranges?.map(({ node }) => node)).size;
      return leading === this.nodes.length && performance.now() - since_ms > BALANCED_FOR_MS;
    });
  }

  /** Where all nodes agree; at first one may not know yet what the others elected. */
  async #agreed(): Promise<SlotRange[] | undefined> {
    const alive = this.nodes.filter((_, index) => this.#processes[index]?.running);
    const views = await Promise.all(alive.map((node) => slotsOf(node, this.nodes)));
    const texts = new Set(views.map((view) => JSON.stringify(view)));
    return texts.size === 1 ? views[0] : undefined;
  }

  #init(): Promise<boolean> {
    const bin = join(this.#setup.root, 'bin', 'folkmoot.js');
    const host = `--host=${this.#hosts[0]}:${this.#port + 2}`;
    const child = spawn(process.execPath, [bin, 'init', host], { stdio: 'ignore' });
    return new Promise((resolve) => {
      child.once('exit', (code) => resolve(code === 0));
      child.once('error', () => resolve(false));
    });
  }

  #portOf(index: number): number {
    return this.#port + 4 * this.#step(index);
  }

  /** Nodes with addresses of their own have equal ports, as on real machines; on one address they follow each other. */
  #step(index: number): number {
    return this.#hosts[0] === this.#hosts[1] ? index : 0;
  }
}
