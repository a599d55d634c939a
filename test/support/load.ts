/**
 * Writers for fault tests. Every write has a key and a value of its own, so that each can be looked for afterwards:
 * what was acknowledged must be there, what was refused must not, what stayed unknown may be either. A write is sent
 * once; only a redirection, which says that nothing was done, is followed.
 */
import type { Cluster, ClusterStatus } from 'folkmoot/testing';
import { slotOfString } from '../../src/doors/redis/slot.ts';
import { type Endpoint, ErrorReply, NoReply, type Reply, RespClient } from './resp-client.ts';

export interface Write {
  readonly key: string;
  readonly value: string;
  readonly tablet: number;
  readonly began_ms: number;
  ended_ms: number;
  outcome: 'acknowledged' | 'refused' | 'unknown';
  /** What was said when it was not acknowledged. */
  reason: string;
}

export interface LoadOptions {
  /** Writes under way per tablet at a time; 2 when left out. */
  readonly lanes?: number;
  /** Time between two writes of a lane, so that what was written can be read back soon; 10 when left out. */
  readonly pace_ms?: number;
  readonly timeout_ms?: number;
}

/** Replies that promise that nothing was done. */
const REFUSALS = new Set(['CLUSTERDOWN', 'TRYAGAIN', 'LOADING', 'ASK', 'MASTERDOWN']);
const RETRY_MS = 5;

let loads = 0;

export class Load {
  readonly writes: Write[] = [];
  readonly #nodes: readonly Endpoint[];
  readonly #options: Required<LoadOptions>;
  readonly #clients = new Map<string, RespClient>();
  /** By tablet: where its next write goes. */
  readonly #targets = new Map<number, Endpoint>();
  readonly #lanes: Promise<void>[] = [];
  readonly #acknowledged_ms = new Map<number, number[]>();
  /** By tablet: when the youngest acknowledged write began. */
  readonly #lastBegan_ms = new Map<number, number>();
  readonly #prefix: string;
  #stopping = false;

  private constructor(nodes: readonly Endpoint[], options: LoadOptions) {
    this.#nodes = nodes;
    this.#options = { lanes: 2, pace_ms: 10, timeout_ms: 10_000, ...options };
    this.#prefix = `load-${process.pid}-${++loads}`;
  }

  /** Resolves when a write has been acknowledged in every tablet. */
  static async start(cluster: Cluster, options: LoadOptions = {}): Promise<Load> {
    const load = new Load(
      cluster.nodes.map(({ host, ports }) => ({ host, port: ports.redis })),
      options,
    );
    const { tablets } = await cluster.status();
    const begin_ms = performance.now();
    for (const tablet of tablets) {
      const tag = tagIn(tablet);
      for (let lane = 0; lane < load.#options.lanes; lane++) load.#lanes.push(load.#run(tablet.id, tag, lane));
    }
    const ids = tablets.map(({ id }) => id);
    await load.untilAcknowledged(ids, begin_ms);
    return load;
  }

  /** Resolves when each of the tablets has acknowledged a write that began after `after_ms`. */
  async untilAcknowledged(tablets: readonly number[], after_ms: number, timeout_ms = 30_000): Promise<void> {
    const end_ms = performance.now() + timeout_ms;
    const waiting = (): number[] => tablets.filter((tablet) => (this.#lastBegan_ms.get(tablet) ?? 0) <= after_ms);
    while (waiting().length > 0) {
      if (performance.now() > end_ms)
        throw new Error(`no write within ${timeout_ms} ms in tablets ${waiting()}\n${this.#lastReasons()}`);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  /** Resolves when the last write has its outcome. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#lanes);
    this.close();
  }

  /** Without waiting for answers: writes under way have an unknown outcome. */
  async abandon(): Promise<void> {
    this.#stopping = true;
    this.close();
    await Promise.all(this.#lanes);
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
  }

  /** The longest time in which one of the tablets acknowledged nothing, in the time from `from_ms` on. */
  gap_ms(tablets: readonly number[], from_ms: number, to_ms = performance.now()): number {
    let longest_ms = 0;
    for (const tablet of tablets) {
      let last_ms = from_ms;
      for (const at_ms of [...(this.#acknowledged_ms.get(tablet) ?? []), to_ms]) {
        if (at_ms < from_ms || at_ms > to_ms) continue;
        longest_ms = Math.max(longest_ms, at_ms - last_ms);
        last_ms = at_ms;
      }
    }
    return longest_ms;
  }

  count(outcome: Write['outcome']): number {
    return this.writes.filter((write) => write.outcome === outcome).length;
  }

  /** What was said to writes that were not acknowledged, and how often. */
  reasons(): string {
    const counts = new Map<string, number>();
    for (const { reason } of this.writes) {
      const kind = reason.replaceAll(/\b\d[\d.:]*/g, '#');
      if (kind !== '') counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
    return [...counts].map(([kind, count]) => `${count} x ${kind}`).join('; ');
  }

  async #run(tablet: number, tag: string, lane: number): Promise<void> {
    for (let sequence = 0; !this.#stopping; sequence++) {
      const began_ms = performance.now();
      const key = `{${tag}}:${this.#prefix}:${lane}:${sequence}`;
      const write: Write = {
        key,
        value: `${key}=${Math.random()}`,
        tablet,
        began_ms,
        ended_ms: 0,
        outcome: 'unknown',
        reason: '',
      };
      this.writes.push(write);
      await this.#carryOut(write);
      write.ended_ms = performance.now();
      if (write.outcome === 'acknowledged') this.#noteAcknowledged(write);
      const pause_ms =
        write.outcome === 'acknowledged' ? this.#options.pace_ms - (write.ended_ms - began_ms) : RETRY_MS;
      if (pause_ms > 0) await new Promise((resolve) => setTimeout(resolve, pause_ms));
    }
  }

  async #carryOut(write: Write): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      const target = this.#targets.get(write.tablet) ?? (this.#nodes[attempt % this.#nodes.length] as Endpoint);
      let reply: Reply;
      try {
        reply = await this.#client(target).command('SET', write.key, write.value);
      } catch (error) {
        if (!(error instanceof NoReply)) throw error;
        this.#avoid(write.tablet, target);
        write.reason = error.message;
        write.outcome = error.sent ? 'unknown' : 'refused';
        return;
      }
      if (reply === 'OK') {
        this.#targets.set(write.tablet, target);
        write.outcome = 'acknowledged';
        return;
      }
      const text = reply instanceof ErrorReply ? reply.text : JSON.stringify(reply);
      const moved = /^MOVED \d+ (.+):(\d+)$/.exec(text);
      if (moved !== null && attempt < 8) {
        this.#targets.set(write.tablet, { host: moved[1] ?? '', port: Number(moved[2]) });
        continue;
      }
      if (moved === null) this.#avoid(write.tablet, target);
      write.reason = text;
      write.outcome = moved !== null || REFUSALS.has(text.split(' ', 1)[0] ?? '') ? 'refused' : 'unknown';
      return;
    }
  }

  /** The next write of the tablet goes to another node, which knows more or waits for a leader. */
  #avoid(tablet: number, bad: Endpoint): void {
    const current = this.#targets.get(tablet);
    if (current !== undefined && (current.host !== bad.host || current.port !== bad.port)) return;
    const others = this.#nodes.filter(({ host, port }) => host !== bad.host || port !== bad.port);
    const other = others[Math.floor(Math.random() * others.length)];
    if (other !== undefined) this.#targets.set(tablet, other);
  }

  #client(target: Endpoint): RespClient {
    const name = `${target.host}:${target.port}`;
    const open = this.#clients.get(name);
    if (open !== undefined && !open.closed) return open;
    const client = new RespClient(target, this.#options.timeout_ms);
    this.#clients.set(name, client);
    return client;
  }

  #noteAcknowledged(write: Write): void {
    this.#lastBegan_ms.set(write.tablet, Math.max(this.#lastBegan_ms.get(write.tablet) ?? 0, write.began_ms));
    const times = this.#acknowledged_ms.get(write.tablet);
    if (times === undefined) this.#acknowledged_ms.set(write.tablet, [write.ended_ms]);
    else times.push(write.ended_ms);
  }

  #lastReasons(): string {
    const last = this.writes.filter(({ reason }) => reason !== '').slice(-10);
    return last.map(({ tablet, reason }) => `tablet ${tablet}: ${reason}`).join('\n');
  }
}

/** A hash tag whose keys are in the tablet. */
export function tagIn(tablet: ClusterStatus['tablets'][number]): string {
  for (let n = 0; ; n++) {
    const slot = slotOfString(`t${n}`);
    if (tablet.slots[0] <= slot && slot <= tablet.slots[1]) return `t${n}`;
  }
}

export interface Verdict {
  readonly acknowledged: number;
  readonly unknown: number;
  readonly refused: number;
  /** Acknowledged and not there, or with another value. */
  readonly lost: readonly string[];
  /** Refused and there all the same. */
  readonly undead: readonly string[];
}

/** Reads every write back through the single-endpoint port of one node. */
export async function verify(cluster: Cluster, writes: readonly Write[]): Promise<Verdict> {
  const node = cluster.nodes.find(({ running, paused }) => running && !paused);
  if (node === undefined) throw new Error('no node runs');
  const client = new RespClient({ host: node.host, port: node.ports.redisSingle }, 30_000);
  const lost: string[] = [];
  const undead: string[] = [];
  for (let from = 0; from < writes.length; from += 500) {
    const batch = writes.slice(from, from + 500);
    const values = await Promise.all(batch.map(({ key }) => client.command('GET', key)));
    for (const [index, write] of batch.entries()) {
      const value = values[index];
      if (value instanceof ErrorReply) throw new Error(`cannot read ${write.key}: ${value.text}`);
      if (write.outcome === 'acknowledged' && value !== write.value)
        lost.push(`${write.key}: ${value} (${write.value})`);
      if (write.outcome === 'refused' && value !== null) undead.push(`${write.key}: ${write.reason}`);
      if (value !== null && value !== write.value) lost.push(`${write.key}: ${value} was never written`);
    }
  }
  client.close();
  const count = (outcome: Write['outcome']): number => writes.filter((write) => write.outcome === outcome).length;
  return { acknowledged: count('acknowledged'), unknown: count('unknown'), refused: count('refused'), lost, undead };
}

/** All nodes live, every tablet has a leader, and every replica has all that its leader has. Only without load. */
export async function untilReplicated(cluster: Cluster, timeout_ms = 30_000): Promise<void> {
  const running = cluster.nodes.filter((node) => node.running && !node.paused);
  await cluster.waitFor(
    async () => {
      const views = await Promise.all(running.map((node) => cluster.status(node)));
      return views.every(
        (view) =>
          view.underReplicated === 0 &&
          view.nodes.every(({ alive }) => alive) &&
          view.tablets.every(({ leader, lag }) => leader !== 0 && (leader !== view.self || lag === 0)),
      );
    },
    { timeout_ms, what: 'full replication' },
  );
}

/** Every tablet is led by its preferred leader, so that nothing moves any more by itself; every node says so. */
export async function untilBalanced(cluster: Cluster, timeout_ms = 60_000): Promise<void> {
  await untilReplicated(cluster, timeout_ms);
  await cluster.waitFor(
    async () => {
      const views = await Promise.all(cluster.nodes.map((node) => cluster.status(node)));
      return views.every(({ tablets }) => tablets.every(({ leader, replicas }) => leader === replicas[0]));
    },
    { timeout_ms, what: 'leadership with the preferred leaders' },
  );
}

/**
 * Runs an idempotent write, and again when its outcome is unknown: it was on its way through another node to a leader that was
 * killed. The cluster never repeats such a write by itself.
 */
export async function untilKnown<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (!String(error).includes('the outcome is unknown')) throw error;
    return await write();
  }
}

/** The tablets that a node leads, as it says itself. */
export async function ledBy(cluster: Cluster, node: Cluster['nodes'][number]): Promise<number[]> {
  const { tablets } = await cluster.status(node);
  return tablets.filter(({ leader }) => leader === node.id).map(({ id }) => id);
}

/** The node that leads most. */
export async function busiest(cluster: Cluster): Promise<{ node: Cluster['nodes'][number]; tablets: number[] }> {
  const running = cluster.nodes.filter((node) => node.running && !node.paused);
  const counts = await Promise.all(running.map(async (node) => ({ node, tablets: await ledBy(cluster, node) })));
  counts.sort((a, b) => b.tablets.length - a.tablets.length);
  const [first] = counts;
  if (first === undefined) throw new Error('no node runs');
  return first;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/** Numbers that a run prints; they are no assertion. */
export function print(line: string): void {
  process.stdout.write(`      ${line}\n`);
}
