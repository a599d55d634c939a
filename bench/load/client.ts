/**
 * One closed-loop client, as an application's cluster client is one: a connection to every node, one batch under way. A
 * batch goes to one node (real clients pipeline to one node, or split and wait for the slowest; the first is kinder to
 * every server, a single Redis included), which is that of a key chosen at random out of all keys.
 */
import { LoadConnection } from './connection.ts';
import type { Histogram } from './histogram.ts';
import type { KeySpace } from './keys.ts';
import { RequestBatch, type RequestShape } from './requests.ts';
import { slotOfKey } from './slots.ts';

const MINUS = 45;
const DOLLAR = 36;
const ERROR_SAMPLES_MAX = 5;
/** Scores are below this, so that setting one nearly always changes it. */
const SCORES = 1_000_000_000;

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** What all clients of a process count together. */
export interface Tally {
  recording: boolean;
  operations: number;
  /** GETs that found nothing. */
  misses: number;
  moved: number;
  /** WAITs that ended with fewer replicas than asked for: their batch does not count. */
  waitShort: number;
  errors: number;
  readonly errorSamples: string[];
  readonly latency: Histogram;
}

export interface ClientSetup {
  readonly shape: RequestShape;
  readonly pipeline: number;
  readonly fill: boolean;
  readonly nodes: readonly Endpoint[];
  readonly keys: KeySpace;
  readonly tally: Tally;
  /** For `fill`: how many members of each node's keys have been taken, shared by the clients. */
  readonly filled: number[];
  readonly onIdle: () => void;
  readonly seed: number;
}

export class LoadClient {
  readonly #setup: ClientSetup;
  readonly #connections: readonly LoadConnection[];
  readonly #batch: RequestBatch;
  readonly #single: RequestBatch;
  readonly #expects: number;
  readonly #hotSlot: number | undefined;
  /** Keys of the batch under way, for those that are answered with MOVED. */
  readonly #keys: Int32Array;
  readonly #again: number[] = [];
  #current: RequestBatch;
  #answered = 0;
  #failed = 0;
  #started_ms = 0;
  #stopping = false;
  #random: number;

  constructor(setup: ClientSetup) {
    this.#setup = setup;
    this.#connections = setup.nodes.map(({ host, port }) => new LoadConnection(host, port, this));
    const { shape } = setup;
    this.#batch = new RequestBatch(shape, setup.pipeline);
    this.#single = new RequestBatch(shape, 1);
    this.#current = this.#batch;
    this.#expects = shape.expects.charCodeAt(0);
    this.#hotSlot = shape.hotKey === undefined ? undefined : slotOfKey(shape.hotKey);
    this.#keys = new Int32Array(setup.pipeline);
    this.#random = setup.seed | 1;
  }

  async open(): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.opened));
  }

  start(): void {
    this.#issue();
  }

  /** Ends after the batch under way. */
  stop(): void {
    this.#stopping = true;
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }

  onReply(bytes: Buffer, start: number, end: number): void {
    const type = bytes[start];
    const position = this.#answered;
    this.#answered++;
    if (type === MINUS) this.#onError(bytes.toString('latin1', start + 1, end - 2), position);
    else if (position === this.#current.operations) this.#onWait(Number(bytes.toString('latin1', start + 1, end - 2)));
    else if (!this.#isExpected(type, end - start))
      this.#count('unexpected reply', bytes.toString('latin1', start, end));
    if (this.#answered === this.#current.replies) this.#complete();
  }

  onLost(reason: string): void {
    this.#count('connection lost', reason);
    this.#stopping = true;
    this.#setup.onIdle();
  }

  #isExpected(type: number | undefined, length: number): boolean {
    // `$-1\r\n` is a null; nothing shorter than six bytes is a value.
    if (type === DOLLAR && length < 6) this.#setup.tally.misses++;
    return type === this.#expects;
  }

  #onWait(replicas: number): void {
    if (replicas >= this.#setup.shape.waitReplicas) return;
    this.#setup.tally.waitShort++;
    this.#failed = this.#current.operations;
  }

  #onError(text: string, position: number): void {
    this.#failed++;
    const moved = /^MOVED (\d+) (\S+):(\d+)$/.exec(text);
    const [, slot, host, port] = moved ?? [];
    const node = this.#setup.nodes.findIndex((known) => known.host === host && known.port === Number(port));
    if (node < 0) {
      this.#count('error', text);
      return;
    }
    this.#setup.tally.moved++;
    this.#setup.keys.move(Number(slot), node);
    this.#again.push(this.#keys[position] ?? 0);
  }

  #count(what: string, text: string): void {
    const { tally } = this.#setup;
    tally.errors++;
    if (tally.errorSamples.length < ERROR_SAMPLES_MAX) tally.errorSamples.push(`${what}: ${text.trim()}`);
  }

  #complete(): void {
    const { tally } = this.#setup;
    if (tally.recording) {
      const done = this.#current.operations - Math.min(this.#failed, this.#current.operations);
      tally.operations += done;
      tally.latency.record((performance.now() - this.#started_ms) * 1_000, done);
    }
    if (this.#stopping) this.#setup.onIdle();
    else this.#issue();
  }

  #issue(): void {
    const node = this.#again.length > 0 ? this.#prepareAgain() : this.#prepare();
    const connection = this.#connections[node];
    if (connection === undefined) {
      this.#setup.onIdle();
      return;
    }
    this.#answered = 0;
    this.#failed = 0;
    this.#started_ms = performance.now();
    connection.send(this.#current.bytes);
  }

  /** Answers the node that the batch is for; -1 when there is nothing left to do. */
  #prepare(): number {
    this.#current = this.#batch;
    const { fill, keys } = this.#setup;
    if (fill) return this.#prepareFill();
    if (this.#hotSlot !== undefined) {
      for (let index = 0; index < this.#batch.operations; index++) this.#put(index, 0);
      return keys.nodeOfSlot(this.#hotSlot);
    }
    const first = this.#below(keys.count);
    const node = keys.nodeOf(first);
    this.#put(0, first);
    const near = keys.keysOf(node);
    for (let index = 1; index < this.#batch.operations; index++) this.#put(index, near[this.#below(near.length)] ?? 0);
    return node;
  }

  #prepareFill(): number {
    const { keys, nodes, filled, seed, shape } = this.#setup;
    for (let turn = 0; turn < nodes.length; turn++) {
      const node = (seed + turn) % nodes.length;
      const list = this.#hotSlot === undefined ? keys.keysOf(node) : keys.nodeOfSlot(this.#hotSlot) === node ? [0] : [];
      const from = filled[node] ?? 0;
      const all = list.length * shape.members;
      if (from === all) continue;
      this.#current = from + this.#batch.operations <= all ? this.#batch : this.#single;
      filled[node] = from + this.#current.operations;
      for (let index = 0; index < this.#current.operations; index++) {
        const member = (from + index) % shape.members;
        this.#put(index, list[(from + index - member) / shape.members] ?? 0, member, member);
      }
      return node;
    }
    return -1;
  }

  #prepareAgain(): number {
    const key = this.#again.pop() ?? 0;
    this.#current = this.#single;
    this.#put(0, key);
    const { keys } = this.#setup;
    return this.#hotSlot === undefined ? keys.nodeOf(key) : keys.nodeOfSlot(this.#hotSlot);
  }

  #put(index: number, key: number, member = this.#below(this.#setup.shape.members), score = this.#below(SCORES)): void {
    this.#current.setKey(index, key);
    this.#current.setMember(index, member, score);
    this.#keys[index] = key;
  }

  /** Xorshift: the same keys in the same order for every server. */
  #below(bound: number): number {
    let x = this.#random;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#random = x;
    return (x >>> 0) % bound;
  }
}
