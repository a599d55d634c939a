/** A simulated machine: its disks, its clocks, its power, and the process that runs on it or does not. */
import type { Prng } from '../../src/base/prng.ts';
import { MachineClock } from '../world/machine-clock.ts';
import { SimDisk } from '../world/sim-disk.ts';
import { SimStore } from '../world/sim-store.ts';
import { NodeProcess } from './node-process.ts';
import type { SimWorld } from './sim-world.ts';

/** Changes in one transaction of the real store, from which the tablets' host reckons (docs/internals/storage.md). */
const STORE_CHANGES_MAX = 1_000;

export class Machine {
  /** From 1. Initial members have the node id of the same number. */
  readonly number: number;
  readonly host: string;
  readonly disk: SimDisk;
  readonly store: SimStore;
  readonly clock: MachineClock;
  readonly prng: Prng;
  process: NodeProcess | null = null;
  /** Lives of its process so far. */
  lives = 0;
  /** 0 until a process on it has joined the cluster. */
  nodeId = 0;
  /** A supervisor does not start its process again. */
  keptDown = false;
  /** Something durable was taken from its disks, and has not been made good for all that is known (`faults/damage.ts`). */
  damaged = false;
  /** A batch of its log is damaged, and the next start has to notice. */
  logIsRotten = false;
  /** Such a batch stays in the log until its segment is used again, and is noticed at each start. */
  logWasRotten = false;
  readonly #world: SimWorld;

  constructor(world: SimWorld, number: number) {
    this.#world = world;
    this.number = number;
    this.host = `10.0.0.${number}`;
    const prng = world.prng.fork();
    this.prng = prng;
    const { swarm, scheduler } = world;
    this.disk = new SimDisk(scheduler, prng.fork(), { sync_ms: swarm.sync_ms, syncJitter_ms: swarm.syncJitter_ms });
    this.store = new SimStore(scheduler, prng.fork(), {
      commit_ms: swarm.storeCommit_ms,
      flush_ms: swarm.storeFlush_ms,
      changes_max: STORE_CHANGES_MAX,
    });
    const rate = 1 + (2 * prng.fraction() - 1) * swarm.drift;
    this.clock = new MachineClock(scheduler, rate, 1_000 + prng.below(1_000_000), prng.below(20_000) - 10_000);
    world.network.addMachine(this.host, number);
  }

  get up(): boolean {
    return this.process !== null;
  }

  /** Starts the process, with power if that was off. */
  start(): void {
    if (this.process !== null) return;
    this.#world.links.powerOn(this.number);
    this.lives += 1;
    this.process = new NodeProcess(this.#world, this);
    this.process.boot();
  }

  /** The process has ended in good order. */
  stopped(): void {
    const process = this.process;
    if (process === null) return;
    this.process = null;
    process.end();
    this.#release(process);
    this.disk.crash(false);
    this.store.crash();
    this.#world.network.endProcess(process.main, true);
  }

  /** A suspended machine that is switched off and on again has a clock that runs. */
  #release(process: NodeProcess): void {
    if (!process.suspended) return;
    process.suspended = false;
    this.clock.resume();
  }

  /** Ends the process without a word (`kill -9`), or the whole machine (`power`). */
  crash(power: boolean): void {
    const process = this.process;
    if (process === null) return;
    this.process = null;
    process.end();
    this.#release(process);
    this.disk.crash(power);
    this.store.crash();
    this.#world.network.endProcess(process.main, !power);
    if (power) this.#world.links.powerOff(this.number);
  }
}
