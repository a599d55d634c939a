/**
 * A cluster of node processes for tests. Nothing in here knows the inside of a node: it starts, signals and asks processes
 * as an operator would, and cuts the network by asking the nodes themselves to refuse each other.
 */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClusterStatus, TabletStatus } from '../admin/cluster-status.ts';
import { FolkmootError } from '../base/errors.ts';
import type { LogLevel } from '../base/options.ts';
import { slotOfString } from '../doors/redis/slot.ts';
import { freeAddresses, type NodeAddress } from '../node/launch/addresses.ts';
import { ChildNode } from '../node/launch/child-node.ts';
import { killAll, localNodes } from '../node/launch/local-nodes.ts';
import { type ClusterNode, TestNode } from './cluster-node.ts';

export interface ClusterOptions {
  /** How many nodes; 3 when left out. */
  readonly nodes?: number;
  /** How many tablets; 12 when left out. */
  readonly tablets?: number;
  /** Where the nodes keep their data, kept after `close`; a temporary folder when left out, removed by `close`. */
  readonly dataFolder?: string;
  /** What `logTail` gets to see; `info` when left out. */
  readonly logLevel?: LogLevel;
  /** A folder that exists and keeps the nodes' logs, as `node-1.log` and so on; `logTail` has the last lines only. */
  readonly logFolder?: string;
  /** Nodes and clients speak TLS, by certificates that are made for this cluster; see `Cluster.ca`. */
  readonly tls?: boolean;
  /** Further options of `folkmoot start` by name, such as `{ 'request-timeout-ms': 2_000 }`. */
  readonly options?: Readonly<Record<string, string | number>>;
  /** Where nodes are, in order, those that are added later included; free addresses of this machine when left out. */
  readonly addresses?: readonly NodeAddress[];
  /** How long nodes may take until they are ready; 30,000 when left out. */
  readonly startTimeout_ms?: number;
}

export interface WaitOptions {
  /** 15,000 when left out. */
  readonly timeout_ms?: number;
  /** What is waited for, for the error. */
  readonly what?: string;
}

/** A running cluster and what can be done to it. Methods that take a node wait until it is done. */
export interface Cluster {
  /** With `tls`: the file of the certificate that clients have to trust, else undefined. */
  readonly ca: string | undefined;
  /** In the order in which they were made. A node stays in the list when it does not run. */
  readonly nodes: readonly ClusterNode[];

  /** SIGKILL: the process ends without a word to anyone. */
  kill(node: ClusterNode): Promise<void>;
  /** SIGTERM: the node hands its leadership over and ends. Rejects when it does not end cleanly. */
  stop(node: ClusterNode): Promise<void>;
  /** Starts a node that does not run; resolves when it serves, or when its ports are bound with `ready: false`. */
  start(node: ClusterNode, options?: { readonly ready?: boolean }): Promise<void>;
  /** Stops the node when it runs, and starts it. */
  restart(node: ClusterNode): Promise<void>;
  /** SIGSTOP: the process stands still while its connections stay open. */
  pause(node: ClusterNode): void;
  /** SIGCONT. */
  resume(node: ClusterNode): Promise<void>;

  /**
   * Cuts the network between the groups, in both directions; nodes in no group keep reaching everybody. Replaces the
   * partition before it. Clients still reach every node.
   */
  partition(...groups: readonly (readonly ClusterNode[])[]): Promise<void>;
  /** Cuts the network between the nodes of each pair, in both directions. Replaces the partition before it. */
  disconnect(...pairs: readonly (readonly [ClusterNode, ClusterNode])[]): Promise<void>;
  /**
   * Loses what the first node of each pair sends to the second: one direction, and without a word to either, where
   * `partition` lets both notice at once. Replaces the pairs before it.
   */
  lose(...pairs: readonly (readonly [from: ClusterNode, to: ClusterNode])[]): Promise<void>;
  /** Undoes `partition` and `lose`. */
  heal(): Promise<void>;
  /** The wall clock of the node's process jumps, forward or back. It is right again when the node is restarted. */
  shiftClock(node: ClusterNode, by_ms: number): Promise<void>;

  /** The node that leads the tablet of a Redis key; waits while there is none. */
  leaderOf(key: string, options?: WaitOptions): Promise<ClusterNode>;
  /** Hands the leadership of the tablet of a Redis key to a node. Rejects when the node cannot take it now. */
  transfer(key: string, node: ClusterNode): Promise<void>;
  /** Gives a node a replica of a tablet, or takes it away; resolves when the cluster says that it is so. */
  changeReplicas(
    tablet: number,
    change: { readonly add: ClusterNode } | { readonly remove: ClusterNode },
    options?: WaitOptions,
  ): Promise<void>;
  /** The cluster as `node` sees it, or the first node that can be asked. */
  status(node?: ClusterNode): Promise<ClusterStatus>;
  /** Asks for the status until `predicate` is true of it; resolves with that status, rejects with TIMED_OUT. */
  waitFor(
    predicate: (status: ClusterStatus) => boolean | Promise<boolean>,
    options?: WaitOptions,
  ): Promise<ClusterStatus>;
  /**
   * Takes a node out of the cluster, running or not: its replicas move to others, it leaves the status and `nodes`, and its
   * process ends. The next `addNode` takes over its address. Its data folder stays.
   */
  removeNode(node: ClusterNode, options?: WaitOptions): Promise<void>;
  /** Starts a further node that joins the cluster. It holds replicas when they are given to it. */
  addNode(): Promise<ClusterNode>;

  /** Ends every process and removes the temporary folder. May be called twice. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Addresses that are kept for `addNode`. */
const SPARE_NODES = 6;
const WAIT_TIMEOUT_MS = 15_000;
const POLL_MS = 20;
/** Looking costs all nodes a request: who has waited for long looks less often. */
const POLL_MS_MAX = 100;
const BLOCK_ATTEMPTS = 5;

/** Starts a cluster; resolves when every node serves every door. */
export async function createCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const folder = options.dataFolder ?? (await mkdtemp(join(tmpdir(), 'folkmoot-test-')));
  for (let attempt = 1; ; attempt++) {
    const addresses = options.addresses ?? (await freeAddresses(options.nodes ?? 3, SPARE_NODES));
    const certificates = options.tls === true ? await certificatesFor(folder, addresses) : null;
    const cluster = new TestCluster(options, folder, addresses, certificates);
    try {
      await cluster.startAll();
      return cluster;
    } catch (error) {
      await cluster.close();
      // Somebody else took an address between the check and the start.
      if (!(error instanceof FolkmootError) || error.code !== 'PORT_TAKEN' || attempt === 5) throw error;
    }
  }
}

async function certificatesFor(folder: string, addresses: readonly NodeAddress[]): Promise<string> {
  const { makeCertificates } = await import('../node/tls/make-certificates.ts');
  const certificates = join(folder, 'certs');
  await makeCertificates({ folder: certificates, hosts: addresses.map(({ host }) => host), days: 30 });
  return certificates;
}

class TestCluster implements Cluster {
  readonly #options: ClusterOptions;
  readonly #folder: string;
  readonly #spare: NodeAddress[];
  readonly #nodes: TestNode[];
  readonly #removed: TestNode[] = [];
  /** Names are given out once. */
  #named = 0;
  #isClosed = false;

  readonly #certificates: string | null;

  constructor(options: ClusterOptions, folder: string, addresses: readonly NodeAddress[], certificates: string | null) {
    this.#certificates = certificates;
    this.#options = options;
    this.#folder = folder;
    const count = options.nodes ?? 3;
    this.#spare = addresses.slice(count);
    const children = localNodes({
      addresses: addresses.slice(0, count),
      folder,
      flags: this.#flags(),
      log: 'keep',
      logFolder: options.logFolder,
      certificates,
    });
    this.#nodes = children.map((child) => this.#testNode(child));
    this.#named = count;
  }

  get ca(): string | undefined {
    return this.#certificates === null ? undefined : join(this.#certificates, 'ca.crt');
  }

  #testNode(child: ChildNode): TestNode {
    return new TestNode(child, this.ca === undefined ? undefined : readFileSync(this.ca));
  }

  get nodes(): readonly ClusterNode[] {
    return this.#nodes;
  }

  async startAll(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => this.start(node)));
    await this.#learnIds();
  }

  async kill(node: ClusterNode): Promise<void> {
    await this.#own(node).child.kill();
  }

  async stop(node: ClusterNode): Promise<void> {
    const { code, signal } = await this.#own(node).child.stop();
    if (code === 0) return;
    const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
    throw new FolkmootError('NODE_ENDED', `${node.name} ended ${how}:\n${node.logTail()}`, 'Its log says why.');
  }

  async start(node: ClusterNode, options: { readonly ready?: boolean } = {}): Promise<void> {
    const own = this.#own(node);
    // It would write into a folder that is being removed.
    if (this.#isClosed) throw new FolkmootError('CONFLICT', 'the cluster has been closed', 'Create another one.');
    own.listening = false;
    own.child.spawn();
    await this.#inTime(own, own.child.listening());
    own.listening = true;
    // Whatever was cut while it started.
    if (own.blocked.length + own.deafTo.length > 0) await this.#block(own);
    if (options.ready !== false) await this.#untilReady(own);
  }

  async restart(node: ClusterNode): Promise<void> {
    if (node.running) await this.stop(node);
    await this.start(node);
  }

  pause(node: ClusterNode): void {
    this.#own(node).child.pause();
  }

  async resume(node: ClusterNode): Promise<void> {
    const own = this.#own(node);
    own.child.resume();
    await this.#block(own);
  }

  async partition(...groups: readonly (readonly ClusterNode[])[]): Promise<void> {
    const sides = groups.map((group) => group.map((node) => this.#own(node)));
    for (const node of this.#nodes) {
      const side = sides.find((group) => group.includes(node));
      node.blocked = side === undefined ? [] : sides.filter((group) => group !== side).flat();
    }
    await Promise.all(this.#nodes.map((node) => this.#block(node)));
  }

  async disconnect(...pairs: readonly (readonly [ClusterNode, ClusterNode])[]): Promise<void> {
    for (const node of this.#nodes) {
      const others = pairs.flatMap(([a, b]) => (a === node ? [b] : b === node ? [a] : []));
      node.blocked = others.map((other) => this.#own(other));
    }
    await Promise.all(this.#nodes.map((node) => this.#block(node)));
  }

  async lose(...pairs: readonly (readonly [from: ClusterNode, to: ClusterNode])[]): Promise<void> {
    for (const node of this.#nodes) {
      node.deafTo = pairs.filter(([, to]) => to === node).map(([from]) => this.#own(from));
    }
    await Promise.all(this.#nodes.map((node) => this.#block(node)));
  }

  async heal(): Promise<void> {
    for (const node of this.#nodes) node.deafTo = [];
    await this.partition();
  }

  async shiftClock(node: ClusterNode, by_ms: number): Promise<void> {
    await this.#own(node).admin.shiftClock(by_ms);
  }

  async leaderOf(key: string, options: WaitOptions = {}): Promise<ClusterNode> {
    const slot = slotOfString(key);
    let leader: TestNode | undefined;
    const find = async (): Promise<boolean> => {
      leader = await this.#leaderOfSlot(slot);
      return leader !== undefined;
    };
    await poll(find, { what: `a leader for slot ${slot}`, ...options });
    return leader as TestNode;
  }

  async transfer(key: string, node: ClusterNode): Promise<void> {
    const slot = slotOfString(key);
    const status = await this.status();
    const tablet = status.tablets.find(({ slots }) => slots[0] <= slot && slot <= slots[1]);
    if (tablet === undefined) throw new FolkmootError('NOT_FOUND', `slot ${slot} is in no tablet`, 'Try again.');
    const leader = this.#nodes.find(({ id }) => id === tablet.leader) ?? this.#own(node);
    await leader.admin.transfer(tablet.id, node.id);
  }

  async changeReplicas(
    tablet: number,
    change: { readonly add: ClusterNode } | { readonly remove: ClusterNode },
    options: WaitOptions = {},
  ): Promise<void> {
    const adds = 'add' in change;
    const node = this.#own(adds ? change.add : change.remove);
    const order = adds ? { add: node.id } : { remove: node.id };
    const done = async (): Promise<boolean> => {
      const status = await this.status();
      const replicas = status.tablets.find(({ id }) => id === tablet)?.replicas;
      if (replicas === undefined) throw new FolkmootError('NOT_FOUND', `there is no tablet ${tablet}`, 'See status().');
      if (replicas.includes(node.id) === adds) return true;
      // It may be refused while another change is under way; the same order again changes nothing.
      await this.#reachable()[0]?.admin.changeReplicas(tablet, order);
      return false;
    };
    await poll(done, {
      timeout_ms: 30_000,
      what: `${adds ? 'a' : 'no'} replica of tablet ${tablet} on ${node.name}`,
      ...options,
    });
  }

  status(node?: ClusterNode): Promise<ClusterStatus> {
    const asked = node === undefined ? this.#reachable()[0] : this.#own(node);
    if (asked !== undefined) return asked.admin.status();
    return Promise.reject(new FolkmootError('NODE_UNREACHABLE', 'no node of the cluster runs', 'Start one.'));
  }

  async waitFor(
    predicate: (status: ClusterStatus) => boolean | Promise<boolean>,
    options: WaitOptions = {},
  ): Promise<ClusterStatus> {
    let status: ClusterStatus | undefined;
    const holds = async (): Promise<boolean> => {
      status = await this.status();
      return predicate(status);
    };
    await poll(holds, options);
    return status as ClusterStatus;
  }

  async addNode(): Promise<ClusterNode> {
    const address = this.#spare.shift();
    if (address === undefined)
      throw new RangeError(`no address is left: a test cluster takes ${SPARE_NODES} further nodes at most`);
    const name = `node-${++this.#named}`;
    const members = this.#nodes.map(({ host, ports }) => `${host}:${ports.peer}`).join(',');
    const certificates = this.#certificates === null ? [] : [`--tls-dir=${join(this.#certificates, address.host)}`];
    const flags = [`--join=${members}`, ...certificates, ...this.#flags()];
    const { logFolder } = this.#options;
    const child = new ChildNode({
      ...address,
      name,
      dataFolder: join(this.#folder, name),
      flags,
      log: 'keep',
      ...(logFolder === undefined ? {} : { logFile: join(logFolder, `${name}.log`) }),
    });
    const node = this.#testNode(child);
    this.#nodes.push(node);
    await this.start(node);
    await this.#learnIds();
    return node;
  }

  async removeNode(node: ClusterNode, options: WaitOptions = {}): Promise<void> {
    const own = this.#own(node);
    const asked = this.#reachable().find((other) => other !== own);
    if (asked === undefined)
      throw new FolkmootError('NODE_UNREACHABLE', 'no other node of the cluster runs', 'Start one.');
    await asked.admin.removeNode(own.id);
    const isGone = async (): Promise<boolean> => {
      const { nodes } = await asked.admin.status();
      return nodes.every(({ id }) => id !== own.id) && !(own.running && !own.paused);
    };
    await poll(isGone, { what: `the removal of ${own.name}`, ...options });
    await own.child.kill();
    this.#nodes.splice(this.#nodes.indexOf(own), 1);
    this.#removed.push(own);
    const { launcher } = own.child.options;
    this.#spare.unshift({ host: own.host, ports: own.ports, ...(launcher === undefined ? {} : { launcher }) });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await killAll([...this.#nodes, ...this.#removed].map((node) => node.child));
    if (this.#options.dataFolder !== undefined) return;
    // The PostgreSQL of a node that was killed is ended by its guardian, which takes a moment on a busy machine.
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 15, retryDelay: 50 });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #flags(): string[] {
    const { tablets = 12, logLevel = 'info', options = {} } = this.#options;
    const further = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
    return ['--faults', `--tablets=${tablets}`, `--log-level=${logLevel}`, ...further];
  }

  #own(node: ClusterNode): TestNode {
    const own = this.#nodes.find((candidate) => candidate === node);
    if (own === undefined) throw new TypeError(`${node.name} is a node of another cluster`);
    return own;
  }

  #reachable(): TestNode[] {
    return this.#nodes.filter((node) => node.running && !node.paused);
  }

  #untilReady(node: TestNode): Promise<void> {
    return this.#inTime(node, node.child.ready());
  }

  async #inTime(node: TestNode, reached: Promise<void>): Promise<void> {
    const timeout_ms = this.#options.startTimeout_ms ?? 30_000;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const text = `${node.name} is not ready after ${timeout_ms} ms; the last lines of its log:\n${node.logTail()}`;
        reject(new FolkmootError('TIMED_OUT', text, 'Its log says why.'));
      }, timeout_ms);
    });
    try {
      await Promise.race([reached, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #learnIds(): Promise<void> {
    await this.waitFor(
      (status) => {
        for (const node of this.#nodes) node.id = status.nodes.find(({ name }) => name === node.name)?.id ?? node.id;
        return this.#nodes.every((node) => node.id > 0);
      },
      { what: 'an id for every node' },
    );
  }

  /** A node that cannot be told now is told when it is started or resumed. */
  async #block(node: TestNode): Promise<void> {
    const ids = (nodes: readonly TestNode[]): number[] => nodes.map(({ id }) => id);
    for (let attempt = 1; node.running && node.listening && !node.paused; attempt++) {
      try {
        await node.admin.block(ids(node.blocked), ids(node.deafTo));
        return;
      } catch (error) {
        // It may have been ended meanwhile: that its connections break is seen before that it has ended.
        if (attempt === BLOCK_ATTEMPTS) throw error;
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    }
  }

  /** Only a node that says so itself leads; of two that do, the one with the higher term. */
  async #leaderOfSlot(slot: number): Promise<TestNode | undefined> {
    let best: { node: TestNode; term: number } | undefined;
    const views = await Promise.allSettled(
      this.#reachable().map(async (node) => ({ node, status: await node.admin.status() })),
    );
    for (const view of views) {
      if (view.status === 'rejected') continue;
      const { node, status } = view.value;
      const tablet = status.tablets.find(({ slots }) => slots[0] <= slot && slot <= slots[1]);
      if (tablet === undefined || !leads(tablet, node)) continue;
      const term = tablet.term ?? 0;
      if (best === undefined || term > best.term) best = { node, term };
    }
    return best?.node;
  }
}

function leads(tablet: TabletStatus, node: TestNode): boolean {
  return tablet.leader !== 0 && tablet.leader === node.id;
}

/** An attempt that throws counts as "not yet"; its error becomes the cause when time is up. */
async function poll(attempt: () => Promise<boolean>, options: WaitOptions): Promise<void> {
  const { timeout_ms = WAIT_TIMEOUT_MS, what = 'what was waited for' } = options;
  const begin_ms = performance.now();
  const end_ms = begin_ms + timeout_ms;
  let last: unknown;
  do {
    try {
      if (await attempt()) return;
      last = undefined;
    } catch (error) {
      last = error;
    }
    const pause_ms = Math.min(POLL_MS_MAX, POLL_MS + (performance.now() - begin_ms) / 20);
    await new Promise((resolve) => setTimeout(resolve, pause_ms));
  } while (performance.now() < end_ms);
  const reason = last instanceof Error ? `: ${last.message}` : '';
  throw new FolkmootError(
    'TIMED_OUT',
    `${what} did not come about within ${timeout_ms} ms${reason}`,
    'See logTail().',
    {
      cause: last,
    },
  );
}
