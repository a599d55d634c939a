/**
 * Routers over one in-memory map, for tests of the door: one node that leads everything, or several whose leaders the
 * test moves about. Writes complete in a later turn, as a commit would; reads at once, as under a lease.
 */
import { assert } from '../../base/assert.ts';
import type { Clock, Timer } from '../../base/clock.ts';
import type { ClusterView, NodeId, NodeView, RoutedOperation, Router, TabletView } from '../../cluster/view.ts';
import { type ByteKey, KEY_BYTES_MAX, type Visitor } from '../../storage/ordered-store.ts';
import { Outcome, type TabletOperation, type Transaction } from '../../tablet/operation.ts';

const CHUNK_KEYS_MAX = 256;

/** A sorted map: values by key in a Map, keys in order in chunks of a few hundred. */
export class MemoryMap {
  readonly #values = new Map<ByteKey, Buffer>();
  #chunks: ByteKey[][] = [[]];

  get size(): number {
    return this.#values.size;
  }

  get(key: ByteKey): Buffer | undefined {
    return this.#values.get(key);
  }

  put(key: ByteKey, value: Buffer): void {
    assert(key.length <= KEY_BYTES_MAX, 'keys are not too long');
    const isNew = !this.#values.has(key);
    this.#values.set(key, value);
    if (!isNew) return;
    const index = this.#chunkOf(key);
    const chunk = this.#chunks[index] as ByteKey[];
    chunk.splice(lowerBound(chunk, key), 0, key);
    if (chunk.length > CHUNK_KEYS_MAX) {
      const half = chunk.splice(chunk.length >>> 1);
      this.#chunks.splice(index + 1, 0, half);
    }
  }

  delete(key: ByteKey): void {
    if (!this.#values.delete(key)) return;
    const index = this.#chunkOf(key);
    const chunk = this.#chunks[index] as ByteKey[];
    chunk.splice(lowerBound(chunk, key), 1);
    if (chunk.length === 0 && this.#chunks.length > 1) this.#chunks.splice(index, 1);
  }

  scan(lo: ByteKey, hi: ByteKey, reverse: boolean, visit: Visitor): void {
    if (!reverse) {
      let index = this.#chunkOf(lo);
      let at = lowerBound(this.#chunks[index] as ByteKey[], lo);
      for (; index < this.#chunks.length; index += 1, at = 0) {
        const chunk = this.#chunks[index] as ByteKey[];
        for (; at < chunk.length; at += 1) {
          const key = chunk[at] as ByteKey;
          if (key >= hi || !visit(key, this.#values.get(key) as Buffer)) return;
        }
      }
      return;
    }
    let index = this.#chunkOf(hi);
    let at = lowerBound(this.#chunks[index] as ByteKey[], hi) - 1;
    for (;;) {
      const chunk = this.#chunks[index] as ByteKey[];
      for (; at >= 0; at -= 1) {
        const key = chunk[at] as ByteKey;
        if (key < lo || !visit(key, this.#values.get(key) as Buffer)) return;
      }
      if (index === 0) return;
      index -= 1;
      at = (this.#chunks[index] as ByteKey[]).length - 1;
    }
  }

  keys(): ByteKey[] {
    return this.#chunks.flat();
  }

  keysOf(lo: ByteKey, hi: ByteKey): ByteKey[] {
    const keys: ByteKey[] = [];
    this.scan(lo, hi, false, (key) => keys.push(key) > 0);
    return keys;
  }

  /** The chunk in which a key is or belongs. */
  #chunkOf(key: ByteKey): number {
    let low = 0;
    let high = this.#chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (((this.#chunks[middle] as ByteKey[])[0] as ByteKey) <= key) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

function lowerBound(keys: readonly ByteKey[], key: ByteKey): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as ByteKey) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

class MemoryTransaction implements Transaction {
  now_ms = 0;
  term = 1;
  sequence = 0;
  wrote = false;
  readonly #map: MemoryMap;

  constructor(map: MemoryMap) {
    this.#map = map;
  }

  get(key: ByteKey): Buffer | undefined {
    return this.#map.get(key);
  }

  put(key: ByteKey, value: Buffer): void {
    this.wrote = true;
    this.#map.put(key, value);
  }

  delete(key: ByteKey): void {
    this.wrote = true;
    this.#map.delete(key);
  }

  deleteRange(lo: ByteKey, hi: ByteKey): void {
    this.wrote = true;
    for (const key of this.#map.keysOf(lo, hi)) this.#map.delete(key);
  }

  scan(lo: ByteKey, hi: ByteKey, reverse: boolean, visit: Visitor): void {
    this.#map.scan(lo, hi, reverse, visit);
  }

  count(lo: ByteKey, hi: ByteKey): number {
    return this.#map.keysOf(lo, hi).length;
  }

  keyAt(lo: ByteKey, hi: ByteKey, index: number): ByteKey | undefined {
    return this.#map.keysOf(lo, hi)[index];
  }
}

/** A clock for tests: real timers, and a wall clock that the test can move. */
export class TestClock implements Clock {
  offset_ms = 0;
  /** What is to happen every so often does not, so that a test can do it itself. */
  standStill = false;

  monotonic_ms(): number {
    return performance.now();
  }

  wall_ms(): number {
    return Date.now() + this.offset_ms;
  }

  after(delay_ms: number, callback: () => void): Timer {
    const timer = setTimeout(callback, delay_ms);
    return { cancel: () => clearTimeout(timer) };
  }

  every(interval_ms: number, callback: () => void): Timer {
    const timer = setInterval(() => {
      if (!this.standStill) callback();
    }, interval_ms);
    return { cancel: () => clearInterval(timer) };
  }

  endOfTurn(callback: () => void): void {
    setImmediate(callback);
  }
}

export interface TestClusterOptions {
  readonly clock: TestClock;
  readonly nodes: number;
  readonly tablets: number;
  /** Writes complete at once instead of in a later turn. */
  readonly immediate?: boolean;
}

type Handler = (from: NodeId, request: Buffer, respond: (reply: Uint8Array) => void) => void;

/** Several nodes' routers over one map. */
export class TestCluster {
  readonly map = new MemoryMap();
  readonly routers: TestRouter[] = [];
  readonly options: TestClusterOptions;
  tablets: TabletView[] = [];
  nodes: NodeView[] = [];
  version = 1;
  term = 1;
  /** What the next write ends with, instead of `done`; used up. */
  nextOutcome: Outcome | undefined;
  /** Drops the reply of the next call between nodes: the request was sent. */
  loseNextReply = false;
  readonly #transaction: MemoryTransaction;
  #completions: TabletOperation[] = [];
  #waiting: RoutedOperation[] = [];

  constructor(options: TestClusterOptions) {
    this.options = options;
    this.#transaction = new MemoryTransaction(this.map);
    const size = Math.ceil(16_384 / options.tablets);
    const replicas = Array.from({ length: options.nodes }, (_, index) => index + 1);
    for (let index = 0; index < options.tablets; index += 1) {
      this.tablets.push({
        id: index + 1,
        slotFirst: index * size,
        slotLast: Math.min(16_383, (index + 1) * size - 1),
        leader: (index % options.nodes) + 1,
        term: 1,
        replicas,
        rebuilding: [],
      });
    }
    for (const id of replicas) {
      this.nodes.push({
        id,
        redisId: id.toString(16).padStart(40, '0'),
        name: `n${id}`,
        host: '127.0.0.1',
        zone: 'a',
        ports: { redis: 0, redisSingle: 0, cql: 0, postgres: 0, postgresRead: 0, admin: 0, peer: 0 },
        alive: true,
        connected: true,
        leaving: false,
      });
      this.routers.push(new TestRouter(this, id));
    }
  }

  setPorts(id: NodeId, redis: number, redisSingle: number): void {
    this.nodes = this.nodes.map((node) =>
      node.id === id ? { ...node, ports: { ...node.ports, redis, redisSingle, peer: redis + 10_000 } } : node,
    );
    this.version += 1;
  }

  /** 0: no leader. */
  setLeader(tablet: number, leader: NodeId): void {
    this.term += 1;
    this.tablets = this.tablets.map((each) => (each.id === tablet ? { ...each, leader, term: this.term } : each));
    this.version += 1;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const operation of waiting) this.submit((operation as { home?: NodeId }).home ?? 1, operation);
  }

  tabletOf(slot: number): TabletView {
    return this.tablets.find((tablet) => tablet.slotFirst <= slot && slot <= tablet.slotLast) as TabletView;
  }

  submit(node: NodeId, operation: RoutedOperation): void {
    const { leader } = this.tabletOf(operation.slot);
    if (leader === 0) {
      (operation as { home?: NodeId }).home = node;
      this.#waiting.push(operation);
    } else if (leader !== node && !operation.staleRead) operation.elsewhere(leader);
    else this.run(operation);
  }

  /** Ends the operations that wait for a leader as the deadline would. */
  endWaiting(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const operation of waiting) operation.complete(Outcome.unavailable);
  }

  run(operation: TabletOperation): void {
    const outcome = this.nextOutcome;
    if (outcome !== undefined && outcome !== Outcome.unknown) {
      this.nextOutcome = undefined;
      operation.complete(outcome);
      return;
    }
    const transaction = this.#transaction;
    transaction.now_ms = this.options.clock.wall_ms();
    transaction.term = this.term;
    transaction.sequence += 1;
    transaction.wrote = false;
    operation.execute(transaction);
    if (transaction.wrote && outcome === Outcome.unknown) {
      this.nextOutcome = undefined;
      operation.complete(Outcome.unknown);
    } else if (!transaction.wrote || this.options.immediate === true) operation.complete(Outcome.done);
    else {
      if (this.#completions.length === 0) setImmediate(this.#completeAll);
      this.#completions.push(operation);
    }
  }

  readonly #completeAll = (): void => {
    const list = this.#completions;
    this.#completions = [];
    for (const operation of list) operation.complete(Outcome.done);
  };

  transaction(): Transaction {
    this.#transaction.now_ms = this.options.clock.wall_ms();
    return this.#transaction;
  }
}

export class TestRouter implements Router {
  readonly #cluster: TestCluster;
  readonly #self: NodeId;
  readonly #handlers = new Map<number, Handler>();
  #view: ClusterView | undefined;

  constructor(cluster: TestCluster, self: NodeId) {
    this.#cluster = cluster;
    this.#self = self;
  }

  view(): ClusterView {
    const { version, nodes, tablets } = this.#cluster;
    if (this.#view?.version !== version) {
      this.#view = { version, clusterId: 'test', self: this.#self, nodes, tablets };
    }
    return this.#view;
  }

  submit(operation: RoutedOperation): void {
    this.#cluster.submit(this.#self, operation);
  }

  submitToTablet(tablet: number, operation: TabletOperation): void {
    if (this.ledTablets().includes(tablet)) this.#cluster.run(operation);
    else operation.complete(Outcome.notLeader);
  }

  ledTablets(): readonly number[] {
    return this.#cluster.tablets.filter((tablet) => tablet.leader === this.#self).map((tablet) => tablet.id);
  }

  call(
    node: NodeId,
    service: number,
    request: Uint8Array,
    onReply: (reply: Buffer | null, sent: boolean) => void,
  ): void {
    const handler = this.#cluster.routers[node - 1]?.handler(service);
    if (handler === undefined) {
      setImmediate(() => onReply(null, false));
      return;
    }
    const lost = this.#cluster.loseNextReply;
    this.#cluster.loseNextReply = false;
    const copy = Buffer.from(request);
    setImmediate(() =>
      handler(this.#self, copy, (reply) => {
        const bytes = lost ? null : Buffer.from(reply);
        setImmediate(() => onReply(bytes, true));
      }),
    );
  }

  handler(service: number): Handler | undefined {
    return this.#handlers.get(service);
  }

  serve(service: number, handler: Handler): void {
    this.#handlers.set(service, handler);
  }

  readLocal(_slot: number, read: (transaction: Transaction) => void): boolean {
    read(this.#cluster.transaction());
    return true;
  }
}
