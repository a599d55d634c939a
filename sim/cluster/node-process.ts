/** One life of a node: what `node/node.ts` puts together of real parts, put together of simulated ones. */
import type { Clock } from '../../src/base/clock.ts';
import type { Disk } from '../../src/base/disk.ts';
import type { Logger } from '../../src/base/log.ts';
import type { Prng } from '../../src/base/prng.ts';
import { Cluster } from '../../src/cluster/cluster.ts';
import type { OpenedStorage } from '../../src/cluster/cluster-options.ts';
import { WatchedDisk } from '../../src/node/watched-disk.ts';
import { Wal } from '../../src/storage/wal.ts';
import { serveSimulatedCatalog } from '../load/catalog-load.ts';
import type { ClientAttempt } from '../load/client.ts';
import { ProcessClock } from '../world/machine-clock.ts';
import { Lane } from '../world/scheduler.ts';
import type { Machine } from './machine.ts';
import { SimLiveness } from './sim-liveness.ts';
import type { SimWorld } from './sim-world.ts';

export const PEER_PORT = 7071;
const FOLDER = '/data';
export const WAL_FOLDER = `${FOLDER}/wal`;
const SEED_POLL_MS = 50;

export class NodeProcess {
  readonly machine: Machine;
  readonly main: Lane;
  readonly worker: Lane;
  readonly cluster: Cluster;
  /** Operations that clients wait for here. */
  readonly attempts = new Set<ClientAttempt>();
  /** It is handing its tablets over before it stops. */
  draining = false;
  /** Its replicas have not been looked at yet. */
  isNew = true;
  /** Its machine stands still. */
  suspended = false;
  readonly #world: SimWorld;
  readonly #clock: Clock;
  readonly #prng: Prng;
  readonly #logger: Logger;
  readonly #liveness: SimLiveness;

  constructor(world: SimWorld, machine: Machine) {
    this.#world = world;
    this.machine = machine;
    const { scheduler, swarm } = world;
    const prng = machine.prng.fork();
    this.#prng = prng;
    this.main = new Lane(machine.number, () => world.observe(this));
    this.worker = new Lane(machine.number, null);
    this.#clock = new ProcessClock(scheduler, machine.clock, this.main, prng.fork(), swarm.turn_ms);
    const bornAt_ms = this.#clock.monotonic_ms();
    this.#logger = world.loggerFor(machine.number);
    this.#liveness = new SimLiveness(
      {
        scheduler,
        main: this.main,
        worker: this.worker,
        mainClock: this.#clock,
        workerClock: new ProcessClock(scheduler, machine.clock, this.worker, prng.fork(), 0),
        datagrams: world.datagrams.forProcess(this.worker),
      },
      { heartbeat_interval_ms: swarm.heartbeat_interval_ms, promise_ms: swarm.supportDuration_ms },
    );
    this.cluster = new Cluster({
      disk: machine.disk.forProcess(this.main),
      network: world.network.forProcess(this.main),
      clock: this.#clock,
      prng: prng.fork(),
      logger: this.#logger,
      liveness: this.#liveness,
      openStorage: () => this.#openStorage(prng.fork()),
      folder: FOLDER,
      bornAt_ms,
      join: swarm.nodes === 1 ? [] : world.seedAddresses(),
      replicationFactor: swarm.replicationFactor,
      tablets: swarm.tablets,
      supportDuration_ms: swarm.supportDuration_ms,
      tick_ms: swarm.tick_ms,
      electionTicks: swarm.electionTicks,
      flushInterval_ms: swarm.flushInterval_ms,
      requestTimeout_ms: swarm.requestTimeout_ms,
      inFlightBytesMax: swarm.inFlightBytesMax,
      retainedLogBytes: swarm.retainedLogBytes,
      // A few values, so that they come and go.
      readCacheBytes: 16 * 1024,
      failed: (error) => world.processFailed(this, error),
      removed: (error) => world.processFailed(this, error),
    });
    serveSimulatedCatalog(this);
  }

  boot(): void {
    this.#boot().catch((error: unknown) => this.#world.processFailed(this, asError(error)));
  }

  /** Nothing that it had planned happens any more. */
  end(): void {
    this.main.over = true;
    this.worker.over = true;
    for (const attempt of [...this.attempts]) attempt.connectionLost();
    this.attempts.clear();
  }

  get alive(): boolean {
    return !this.main.over;
  }

  async #boot(): Promise<void> {
    const { machine } = this;
    const ports = { redis: 6379, redisSingle: 6380, cql: 9042, admin: 7070, peer: PEER_PORT };
    await this.cluster.listen({
      token: hex(this.#prng, 4),
      redisId: hex(this.#prng, 5),
      name: `node-${machine.number}`,
      host: machine.host,
      zone: '',
      ports,
    });
    const { swarm } = this.#world;
    if (swarm.nodes === 1 && machine.number === 1) {
      if (this.cluster.identity.node === 0) await this.cluster.form();
    } else if (machine.number === 1) {
      while (this.cluster.identity.node === 0) {
        if (await this.cluster.seedsAreReadyToForm()) await this.cluster.form();
        else await new Promise<void>((resolve) => this.#clock.after(SEED_POLL_MS, resolve));
      }
    }
    await this.cluster.whenEntered();
    machine.nodeId = this.cluster.identity.node;
  }

  async #openStorage(prng: Prng): Promise<OpenedStorage> {
    const disk: Disk = new WatchedDisk(this.machine.disk.forProcess(this.main), this.#liveness);
    const { wal, recovery } = await Wal.open({
      disk,
      folder: WAL_FOLDER,
      logger: this.#logger,
      prng,
      segmentBytes: this.#world.swarm.walSegment_bytes,
    });
    const damage = recovery.damage[0];
    if (this.machine.logIsRotten) {
      this.machine.logIsRotten = false;
      if (damage === undefined)
        this.#world.fail('damage-overlooked', `machine ${this.machine.number} takes its log for whole`);
    } else if (damage !== undefined && !this.machine.logWasRotten) {
      throw new Error(`the write-ahead log is damaged: ${damage.path} at byte ${damage.offset}: ${damage.reason}`);
    }
    const store = this.machine.store.forProcess(this.main);
    return { wal, recovery, store, discardDamaged: () => Promise.resolve() };
  }
}

function hex(prng: Prng, words: number): string {
  let text = '';
  for (let i = 0; i < words; i += 1) text += prng.uint32().toString(16).padStart(8, '0');
  return text;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
