/**
 * (f) The write gap after kill -9, and what becomes of writes that had been acknowledged. Writers write new keys one
 * after the other, each in slots of its own; when a write fails they learn the slots again and send it again until it is
 * acknowledged. A writer's gap is the longest time between two of its acknowledgements; a round's gap is that of the
 * worst writer whose slots the killed server had served.
 */
import type { Endpoint } from '../load/client.ts';
import { pause } from '../load/run.ts';
import { SLOT_COUNT, type SlotRange, slotOfKey } from '../load/slots.ts';
import { slotsOf, waitUntil } from '../servers/deployment.ts';
import { ReplyError, RespClient } from '../servers/resp-client.ts';

/** A set of servers, of either product, one of which can be killed and brought back. */
export interface Victimizable {
  readonly nodes: readonly Endpoint[];
  slots(): Promise<readonly SlotRange[] | undefined>;
  kill(index: number): Promise<void>;
  /** Starts the killed server again and resolves when everything is as before. */
  heal(index: number): Promise<void>;
}

export interface FailoverRound {
  readonly gap_ms: number;
  /** From the kill until the first of the affected writers came to the end of its gap. */
  readonly first_ms: number;
  readonly acknowledged: number;
  readonly lost: number;
}

export interface FailoverOptions {
  readonly writers: number;
  /** Replicas that each write WAITs for; 0 as applications usually do. */
  readonly waitReplicas: number;
  readonly before_ms: number;
  readonly after_ms: number;
  readonly timeout_ms: number;
}

const RETRY_MS = 5;
const ATTEMPT_TIMEOUT_MS = 1_000;
const READ_BACK_TIMEOUT_MS = 60_000;

export async function failoverRound(
  target: Victimizable,
  round: number,
  options: FailoverOptions,
): Promise<FailoverRound> {
  const ranges = await target.slots();
  if (ranges === undefined) throw new Error('no topology to begin with');
  const routes = new Routes(target.nodes, ranges);
  const masters = [...new Set(ranges.map(({ node }) => node))].sort((a, b) => a - b);
  const victim = masters[round % masters.length] ?? 0;
  const writers = Array.from({ length: options.writers }, (_, index) => {
    // Writers are spread over the ranges, so that every tablet or shard has some.
    const range = ranges[index % ranges.length] ?? { first: 0, last: SLOT_COUNT - 1, node: 0 };
    return new Writer(routes, `r${round}w${index}`, range, options.waitReplicas);
  });
  const running = writers.map((writer) => writer.run());
  await pause(options.before_ms);
  // Leadership may have moved since the writers were made.
  const served = ((await target.slots()) ?? ranges).filter(({ node }) => node === victim);
  const affected = writers.filter((writer) => served.some(({ first, last }) => writer.isIn(first, last)));
  const killed_ms = performance.now();
  await target.kill(victim);
  const recovered = (): boolean => affected.every((writer) => writer.lastAck_ms > killed_ms + options.after_ms);
  const recovery = waitUntil('writes after the kill', options.timeout_ms, async () => recovered());
  await recovery.finally(() => {
    for (const writer of writers) writer.stop();
  });
  await Promise.all(running);
  const gaps = affected.map((writer) => writer.gapAfter(killed_ms));
  const lost = await countLost(routes, writers);
  routes.close();
  await target.heal(victim);
  return {
    gap_ms: Math.max(...gaps.map(({ length_ms }) => length_ms)),
    first_ms: Math.min(...gaps.map(({ end_ms }) => end_ms)) - killed_ms,
    acknowledged: writers.reduce((sum, writer) => sum + writer.acknowledged.length, 0),
    lost,
  };
}

class Routes {
  readonly nodes: readonly Endpoint[];
  readonly #nodeOfSlot = new Int8Array(SLOT_COUNT);
  readonly #clients: (RespClient | undefined)[] = [];
  #refreshing: Promise<void> | undefined;

  constructor(nodes: readonly Endpoint[], ranges: readonly SlotRange[]) {
    this.nodes = nodes;
    this.#learn(ranges);
  }

  async send(slot: number, commands: readonly (readonly string[])[]): Promise<boolean> {
    const node = this.#nodeOfSlot[slot] ?? 0;
    try {
      const client = this.#client(node);
      const replies = await Promise.all(commands.map((command) => client.send(...command)));
      const error = replies.find((reply) => reply instanceof ReplyError);
      if (error === undefined) return commands.length === 1 || Number(replies[1]) >= 1;
      const [, host, port] = /^MOVED \d+ (\S+):(\d+)$/.exec(error.text) ?? [];
      const moved = this.nodes.findIndex((known) => known.host === host && known.port === Number(port));
      if (moved >= 0 && moved !== node) this.#nodeOfSlot[slot] = moved;
      else await this.refresh();
    } catch {
      await this.refresh();
    }
    return false;
  }

  async read(key: string): Promise<string | undefined> {
    const client = this.#client(this.#nodeOfSlot[slotOfKey(key)] ?? 0);
    const reply = await client.send('GET', key).catch(() => undefined);
    if (typeof reply === 'string') return reply;
    // Only a plain "there is none" is an answer; everything else is asked again.
    if (reply === null) return '';
    await this.refresh();
    return undefined;
  }

  /** Any server may know; one that hangs or is gone must not hold the question up. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  close(): void {
    for (const client of this.#clients) client?.close();
  }

  async #refresh(): Promise<void> {
    await pause(RETRY_MS);
    for (const node of this.nodes) {
      const ranges = await slotsOf(node, this.nodes);
      if (ranges === undefined) continue;
      this.#learn(ranges);
      // A view that still has the dead server in it is worth less than another one's.
      if (ranges.every((range) => this.#clients[range.node]?.lost !== true)) return;
    }
  }

  #learn(ranges: readonly SlotRange[]): void {
    for (const { first, last, node } of ranges) this.#nodeOfSlot.fill(node, first, last + 1);
  }

  #client(node: number): RespClient {
    const open = this.#clients[node];
    if (open !== undefined && !open.lost) return open;
    const client = new RespClient(this.nodes[node] ?? { host: '', port: 0 }, ATTEMPT_TIMEOUT_MS);
    this.#clients[node] = client;
    return client;
  }
}

interface Gap {
  readonly length_ms: number;
  readonly end_ms: number;
}

class Writer {
  readonly acknowledged: string[] = [];
  readonly #acks_ms: number[] = [];
  readonly #routes: Routes;
  readonly #name: string;
  readonly #slot: number;
  readonly #tag: string;
  readonly #waitReplicas: number;
  #stopped = false;

  constructor(routes: Routes, name: string, range: SlotRange, waitReplicas: number) {
    this.#routes = routes;
    this.#name = name;
    this.#waitReplicas = waitReplicas;
    this.#tag = tagIn(range, name);
    this.#slot = slotOfKey(`{${this.#tag}}`);
  }

  get lastAck_ms(): number {
    return this.#acks_ms.at(-1) ?? 0;
  }

  isIn(first: number, last: number): boolean {
    return first <= this.#slot && this.#slot <= last;
  }

  /** The longest time between two acknowledgements of which the second came after `time_ms`. */
  gapAfter(time_ms: number): Gap {
    let longest = { length_ms: 0, end_ms: time_ms };
    for (const [index, end_ms] of this.#acks_ms.entries()) {
      const length_ms = end_ms - (this.#acks_ms[index - 1] ?? end_ms);
      if (end_ms > time_ms && length_ms > longest.length_ms) longest = { length_ms, end_ms };
    }
    return longest;
  }

  stop(): void {
    this.#stopped = true;
  }

  async run(): Promise<void> {
    for (let number = 0; !this.#stopped; number++) {
      const key = `{${this.#tag}}:${this.#name}:${number}`;
      const commands = [
        ['SET', key, key],
        ...(this.#waitReplicas > 0 ? [['WAIT', `${this.#waitReplicas}`, '500']] : []),
      ];
      while (!(await this.#routes.send(this.#slot, commands))) if (this.#stopped) return;
      this.#acks_ms.push(performance.now());
      this.acknowledged.push(key);
    }
  }
}

function tagIn(range: SlotRange, name: string): string {
  for (let number = 0; ; number++) {
    const tag = `${name}-${number}`;
    const slot = slotOfKey(tag);
    if (range.first <= slot && slot <= range.last) return tag;
  }
}

async function countLost(routes: Routes, writers: readonly Writer[]): Promise<number> {
  const end_ms = performance.now() + READ_BACK_TIMEOUT_MS;
  let lost = 0;
  await routes.refresh();
  for (const writer of writers) {
    // In slices, so that the replies are read as they come.
    for (let at = 0; at < writer.acknowledged.length; at += 1_000) {
      let open = writer.acknowledged.slice(at, at + 1_000);
      while (open.length > 0) {
        if (performance.now() > end_ms) throw new Error('reading back takes too long');
        const values = await Promise.all(open.map((key) => routes.read(key)));
        lost += values.filter((value, index) => value !== undefined && value !== open[index]).length;
        open = open.filter((_, index) => values[index] === undefined);
      }
    }
  }
  return lost;
}
