/**
 * The work that no client waits for, done by the leader of each tablet through the log like any write: removing keys and
 * fields whose time has come (expiry.ts) and the elements of collections that are gone (trash.ts). Reads are right without
 * it; it gives back room.
 *
 * Every 100 ms each tablet gets one operation that lets each sweep do a bounded piece. A sweep that has more to do goes on
 * as soon as its piece is durable, up to a number of pieces a period, so that users' writes keep most of the log.
 */
import type { Timer } from '../../base/clock.ts';
import type { TabletView } from '../../cluster/view.ts';
import { Outcome, type TabletOperation, type Transaction } from '../../tablet/operation.ts';
import { FieldExpirySweep, KeyExpirySweep } from './expiry.ts';
import type { DoorServices } from './session-view.ts';
import type { Sweep } from './sweep.ts';
import { TrashSweep } from './trash.ts';

const PERIOD_MS = 100;
/** Time a cycle may take on the main thread; the next cycle goes on where it stopped. */
const BUDGET_MS = 10;
const PIECES_MAX = 10;

export class BackgroundCycle {
  readonly #door: DoorServices;
  #timer: Timer | undefined;
  #nextTablet = 0;
  readonly #sweepers = new Map<number, Sweeper>();

  constructor(door: DoorServices) {
    this.#door = door;
  }

  start(): void {
    this.#timer = this.#door.clock.every(PERIOD_MS, () => this.#cycle());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #cycle(): void {
    const { clock, router, topology, statistics } = this.#door;
    const led = router.ledTablets();
    const byId = new Map(topology.view().tablets.map((tablet) => [tablet.id, tablet]));
    const start_ms = clock.monotonic_ms();
    for (let visited = 0; visited < led.length; visited += 1) {
      const id = led[this.#nextTablet % led.length] as number;
      this.#nextTablet += 1;
      const tablet = byId.get(id);
      if (tablet !== undefined) this.#sweeperOf(tablet).begin();
      if (clock.monotonic_ms() - start_ms > BUDGET_MS) break;
    }
    statistics.expireCycle_ms += clock.monotonic_ms() - start_ms;
  }

  #sweeperOf(tablet: TabletView): Sweeper {
    const known = this.#sweepers.get(tablet.id);
    if (known !== undefined) return known;
    const sweeper = new Sweeper(this.#door, tablet, () => this.#timer !== undefined);
    this.#sweepers.set(tablet.id, sweeper);
    return sweeper;
  }
}

/** The sweeps of one tablet, as one operation that is submitted again and again. */
class Sweeper implements TabletOperation {
  readonly #door: DoorServices;
  readonly #tablet: number;
  readonly #isRunning: () => boolean;
  readonly #expiry: readonly Sweep[];
  readonly #trash: TrashSweep;
  #underWay = false;
  #active: readonly Sweep[] = [];
  #pieces = 0;

  constructor(door: DoorServices, tablet: TabletView, isRunning: () => boolean) {
    this.#door = door;
    this.#tablet = tablet.id;
    this.#isRunning = isRunning;
    const count = (removed: number): void => {
      door.statistics.expiredKeys += removed;
    };
    this.#expiry = [new KeyExpirySweep(tablet, count), new FieldExpirySweep(tablet, door.configuration)];
    this.#trash = new TrashSweep(tablet);
  }

  begin(): void {
    if (this.#underWay) return;
    this.#pieces = 0;
    this.#submit(this.#door.configuration.activeExpire ? [...this.#expiry, this.#trash] : [this.#trash]);
  }

  #submit(sweeps: readonly Sweep[]): void {
    this.#underWay = true;
    this.#active = sweeps;
    this.#pieces += 1;
    this.#door.router.submitToTablet(this.#tablet, this);
  }

  execute(transaction: Transaction): void {
    for (const sweep of this.#active) sweep.run(transaction);
  }

  complete(outcome: Outcome): void {
    this.#underWay = false;
    const more = this.#active.filter((sweep) => sweep.settle(outcome === Outcome.done));
    if (more.length > 0 && this.#pieces < PIECES_MAX && this.#isRunning()) this.#submit(more);
  }
}
