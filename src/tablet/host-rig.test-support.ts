/** Several TabletHosts on one manual clock, with disks, stores, links and support in memory that tests can break. */
import type { Clock } from '../base/clock.ts';
import { piecesOf } from '../base/insertions.ts';
import { silentLogger } from '../base/log.ts';
import { Prng } from '../base/prng.ts';
import { ManualClock } from '../cluster/transport-world.test-support.ts';
import { MemoryDisk } from '../storage/memory-disk.test-support.ts';
import { MemoryStore } from '../storage/memory-store.test-support.ts';
import type { KeyRange } from '../storage/ordered-store.ts';
import { Wal } from '../storage/wal.ts';
import { Outcome, type TabletOperation, type Transaction } from './operation.ts';
import type { SnapshotSink, SnapshotStream } from './peer-link.ts';
import { replicaId } from './replica-id.ts';
import type { Tablet } from './tablet.ts';
import { TabletHost } from './tablet-host.ts';

export const TABLET = 7;
export const RANGE: KeyRange = { lo: 'a', hi: 'z' };

/** An operation that a test can look into. */
export class Probe implements TabletOperation {
  outcome: Outcome | null = null;
  executions = 0;
  seen: string | undefined;
  readonly #run: (transaction: Transaction) => string | undefined;

  constructor(run: (transaction: Transaction) => string | undefined) {
    this.#run = run;
  }

  execute(transaction: Transaction): void {
    this.executions += 1;
    this.seen = this.#run(transaction);
  }

  complete(outcome: Outcome): void {
    if (this.outcome !== null) throw new Error('an operation is completed once');
    this.outcome = outcome;
  }
}

export function put(key: string, value: string): Probe {
  return new Probe((transaction) => {
    transaction.put(key, Buffer.from(value));
    return value;
  });
}

export function get(key: string): Probe {
  return new Probe((transaction) => transaction.get(key)?.toString());
}

export function increment(key: string): Probe {
  return new Probe((transaction) => {
    const next = Number(transaction.get(key)?.toString() ?? 0) + 1;
    transaction.put(key, Buffer.from(String(next)));
    return String(next);
  });
}

export class Station {
  readonly node: number;
  readonly disk = new MemoryDisk();
  store = new MemoryStore();
  failures: Error[] = [];
  #host: TabletHost | null = null;
  wal: Wal | null = null;
  life = { over: false };

  constructor(node: number) {
    this.node = node;
  }

  get host(): TabletHost {
    if (this.#host === null) throw new Error(`station ${this.node} is down`);
    return this.#host;
  }

  set host(host: TabletHost | null) {
    this.#host = host;
  }

  get isUp(): boolean {
    return this.#host !== null;
  }

  get tablet(): Tablet {
    const tablet = this.host.get(TABLET);
    if (tablet === undefined) throw new Error(`station ${this.node} has no replica`);
    return tablet;
  }
}

export interface RigOptions {
  /** False: no support at all, so no leases; reads are confirmed by a quorum. */
  readonly support?: boolean;
  readonly inFlightBytesMax?: number;
  readonly retainedLogBytes?: number;
  readonly flushInterval_ms?: number;
}

export class Rig {
  readonly clock = new ManualClock();
  readonly stations: Station[];
  /** Links that lose everything, "from-to". */
  readonly cut = new Set<string>();
  /** What the next snapshot streams do: break after so many chunks. */
  breakSnapshotAfter = Number.POSITIVE_INFINITY;
  snapshotsOpened = 0;
  /** The next snapshot that is installed counts as broken off for its sender. */
  loseNextConfirmation = false;
  /** In this chunk of the next snapshot stream a bit is flipped; 0 for none, the first is 1. */
  flipInSnapshotChunk = 0;
  /** What stations that start from now on are told. */
  silentUntil_ms = 0;
  readonly #options: RigOptions;
  readonly #prng = new Prng(11);
  /** Streams under way with their receivers, whose end breaks them off. */
  readonly #streams = new Map<SnapshotStream, number>();
  /** Support as a matrix of generations, "giver-taker"; absent means 1. */
  readonly support = new Map<string, number>();

  constructor(count: number, options: RigOptions = {}) {
    this.#options = options;
    this.stations = Array.from({ length: count }, (_, i) => new Station(i + 1));
  }

  station(node: number): Station {
    const station = this.stations[node - 1];
    if (station === undefined) throw new Error(`there is no station ${node}`);
    return station;
  }

  /** Starts all stations and founds the tablet on `founders`. */
  async found(founders: readonly number[]): Promise<void> {
    for (const station of this.stations) await this.start(station);
    const replicas = founders.map((node) => replicaId(node, 1));
    for (const node of founders) {
      const created = this.station(node).host.create([{ id: TABLET, replica: replicaId(node, 1), founders: replicas }]);
      await this.until(() => this.station(node).host.get(TABLET) !== undefined);
      await created;
    }
  }

  async start(station: Station): Promise<void> {
    const { wal, recovery } = await Wal.open({
      disk: station.disk,
      folder: '/wal',
      logger: silentLogger,
      prng: this.#prng.fork(),
      segmentBytes: 64 * 1024,
    });
    station.wal = wal;
    const life = { over: false };
    station.life = life;
    const { node } = station;
    station.host = new TabletHost({
      node,
      clock: mortalClock(this.clock, life),
      prng: this.#prng.fork(),
      logger: silentLogger,
      wal,
      recovery,
      store: station.store,
      peers: {
        sendRaft: (to, frame, insertions) =>
          !life.over && this.#send(node, to, Buffer.concat(piecesOf(Buffer.from(frame), 0, frame.length, insertions))),
        openSnapshot: (to, header) => (life.over ? null : this.#openSnapshot(node, to, Buffer.from(header))),
      },
      support: {
        supportFor: (other) => this.#supports(node, other),
        supportFrom: (other) => this.#supports(other, node),
      },
      rangesOf: () => [RANGE],
      silentUntil_ms: this.silentUntil_ms,
      promise_ms: 600,
      tick_ms: 50,
      electionTicks: 3,
      isWaitedFor: () => false,
      heartbeatTicks: 4,
      flushInterval_ms: this.#options.flushInterval_ms ?? 100,
      flushChangesMax: 10_000,
      retainedLogBytes: this.#options.retainedLogBytes ?? 64 * 1024 * 1024,
      readCacheBytes: 64 * 1024,
      limits: {
        batchBytesMax: 64 * 1024,
        inFlightBytesMax: this.#options.inFlightBytesMax ?? 4 * 1024 * 1024,
        overlayBytesMax: 1024 * 1024 * 1024,
        requestTimeout_ms: 2_000,
      },
      events: {
        leadershipChanged: () => undefined,
        applied: () => undefined,
        handOver: (tablet) => {
          const heir = tablet.confState.voters.find((voter) => voter !== tablet.replica);
          if (heir !== undefined && tablet.raft.transferee === 0) tablet.raft.transferLeader(heir);
        },
        lost: () => undefined,
        failed: (error) => station.failures.push(error),
      },
    });
    await station.host.settleDamage();
    station.host.start();
  }

  /** The process ends without a word; what was not durable is gone. */
  crash(node: number): void {
    const station = this.station(node);
    station.host = null;
    station.life.over = true;
    station.disk.crash(() => 'old');
    // What the dead process still does to its store must not show.
    const store = new MemoryStore();
    for (const [key, value] of station.store.entries) store.entries.set(key, value);
    station.store = store;
    for (const other of this.stations) if (other.isUp) other.host.peerDown(node);
    for (const [stream, to] of this.#streams) {
      if (to !== node) continue;
      this.#streams.delete(stream);
      this.clock.after(1, () => stream.onClosed(false));
    }
  }

  partition(a: readonly number[], b: readonly number[]): void {
    for (const x of a) {
      for (const y of b) {
        this.cut.add(`${x}-${y}`);
        this.cut.add(`${y}-${x}`);
        this.endSupport(x, y);
        this.endSupport(y, x);
      }
    }
  }

  heal(): void {
    this.cut.clear();
    for (const [pair, generation] of this.support) if (generation <= 0) this.support.set(pair, 1 - generation);
  }

  /** The promise of `giver` to `taker` runs out and is not renewed. */
  endSupport(giver: number, taker: number): void {
    const generation = this.support.get(`${giver}-${taker}`) ?? 1;
    if (generation > 0) this.support.set(`${giver}-${taker}`, -generation);
  }

  /** Lets time pass, with everything that it brings about. */
  async pass(duration_ms: number): Promise<void> {
    for (let passed = 0; passed < duration_ms; passed += 5) {
      this.clock.advance(5);
      await turns(2);
      this.clock.advance(0);
      await turns(1);
    }
  }

  async until(condition: () => boolean, limit_ms = 20_000): Promise<void> {
    for (let passed = 0; passed < limit_ms; passed += 5) {
      if (condition()) return;
      await this.pass(5);
    }
    throw new Error('it did not come about');
  }

  leader(): Station {
    const leader = this.stations.find((station) => station.isUp && station.host.get(TABLET)?.serving);
    if (leader === undefined) throw new Error('nobody serves');
    return leader;
  }

  async elect(node?: number): Promise<Station> {
    const wanted = (): Station | undefined =>
      this.stations.find(
        (station) =>
          station.isUp && station.host.get(TABLET)?.serving === true && (node === undefined || station.node === node),
      );
    if (node !== undefined) {
      const { tablet, host } = this.station(node);
      tablet.raft.campaign();
      host.markDirty(tablet);
    }
    await this.until(() => wanted() !== undefined);
    return this.leader();
  }

  async run(station: Station, probe: Probe): Promise<Probe> {
    station.tablet.submit(probe);
    await this.until(() => probe.outcome !== null);
    return probe;
  }

  /** What a station has applied, whatever it leads. */
  appliedAt(node: number, key: string): string | undefined {
    let value: string | undefined;
    this.station(node).tablet.readLocal((transaction) => {
      value = transaction.get(key)?.toString();
    });
    return value;
  }

  #supports(giver: number, taker: number): number {
    if (this.#options.support === false) return 0;
    if (!this.station(giver).isUp || !this.station(taker).isUp) return 0;
    return Math.max(0, this.support.get(`${giver}-${taker}`) ?? 1);
  }

  #send(from: number, to: number, frame: Buffer): boolean {
    if (this.cut.has(`${from}-${to}`)) return true;
    const station = this.station(to);
    if (!station.isUp) return false;
    this.clock.after(1, () => {
      if (station.isUp && !this.cut.has(`${from}-${to}`)) station.host.receive(from, frame);
    });
    return true;
  }

  #openSnapshot(from: number, to: number, header: Buffer): SnapshotStream | null {
    const station = this.station(to);
    if (!station.isUp || this.cut.has(`${from}-${to}`)) return null;
    this.snapshotsOpened += 1;
    const sink: SnapshotSink | null = station.host.receiveSnapshot(from, header);
    let left = this.breakSnapshotAfter;
    const stream: SnapshotStream = {
      onClosed: () => undefined,
      write: (chunk, written) => {
        const copy = Buffer.from(chunk);
        if (this.flipInSnapshotChunk > 0 && --this.flipInSnapshotChunk === 0) {
          const at = copy.length >> 1;
          copy[at] = (copy[at] as number) ^ 1;
        }
        this.clock.after(1, () => {
          if (left-- <= 0) {
            sink?.abort();
            stream.onClosed(false);
          } else if (station.isUp) {
            sink?.chunk(copy, (error) => {
              if (error === undefined) this.clock.after(1, written);
              else stream.onClosed(false);
            });
          }
        });
      },
      end: () =>
        sink?.end((complete) => {
          this.#streams.delete(stream);
          const lost = this.loseNextConfirmation;
          this.loseNextConfirmation = false;
          stream.onClosed(complete && !lost);
        }),
      abort: () => {
        this.#streams.delete(stream);
        sink?.abort();
      },
    };
    this.#streams.set(stream, to);
    if (sink === null) this.clock.after(1, () => stream.onClosed(false));
    return stream;
  }
}

/** The clock of a process: nothing that it planned happens after its end. */
function mortalClock(clock: Clock, life: { readonly over: boolean }): Clock {
  const mortal =
    (callback: () => void): (() => void) =>
    () => {
      if (!life.over) callback();
    };
  return {
    monotonic_ms: () => clock.monotonic_ms(),
    wall_ms: () => clock.wall_ms(),
    after: (delay_ms, callback) => clock.after(delay_ms, mortal(callback)),
    every: (interval_ms, callback) => clock.every(interval_ms, mortal(callback)),
    endOfTurn: (callback) => clock.endOfTurn(mortal(callback)),
  };
}

/** Lets promises and immediates run. */
export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}

export { Outcome };
