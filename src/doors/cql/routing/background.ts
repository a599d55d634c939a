/**
 * The door's background on the tablets that this node leads: what has expired, dropped tables, indexes that are being built, batches that were
 * left behind. Ten times a second each tablet gets a piece of work within a budget of time; a piece that finds nothing costs a few
 * seeks.
 */
import type { Timer } from '../../../base/clock.ts';
import type { Logger } from '../../../base/log.ts';
import type { Catalog } from '../../../cluster/catalog/catalog.ts';
import type { TabletView } from '../../../cluster/view.ts';
import { Outcome, type TabletOperation, type Transaction } from '../../../tablet/operation.ts';
import type { DdlRequest } from '../schema/ddl.ts';
import { CQL_SECTION } from '../schema/records.ts';
import { BatchSweep } from './batch-sweep.ts';
import { DropSweep } from './drop-sweep.ts';
import { ExpirySweep } from './expiry-sweep.ts';
import { IndexSweep } from './index-sweep.ts';
import type { RowServices } from './row-services.ts';
import { News } from './schema-news.ts';
import type { Sweep } from './sweep.ts';

const PERIOD_MS = 100;
/** Time a cycle may take on the main thread; the next cycle goes on where it stopped. */
const BUDGET_MS = 10;
const PIECES_MAX = 30;

export class RowBackground {
  readonly #services: RowServices;
  #timer: Timer | undefined;
  #nextTablet = 0;
  readonly #sweepers = new Map<number, Sweeper>();
  readonly #swept: News;
  readonly #built: News;

  constructor(services: RowServices, catalog: Catalog, logger: Logger) {
    this.#services = services;
    const tell = (request: DdlRequest): Promise<unknown> => catalog.change(CQL_SECTION, request);
    this.#swept = new News((spaces, slots) => tell({ type: 'swept', spaces, slots }), logger);
    this.#built = new News((spaces, slots) => tell({ type: 'indexesBuilt', spaces, slots }), logger);
  }

  start(): void {
    this.#timer = this.#services.clock.every(PERIOD_MS, () => this.cycle());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** One round; the timer's work. */
  cycle(): void {
    const { clock, router, slots, tables } = this.#services;
    this.#swept.tell();
    this.#built.tell();
    // A cluster that nobody uses through this door pays nothing for it.
    if (!tables.hasRows) return;
    const led = router.ledTablets();
    const byId = new Map(slots.tablets.map((tablet) => [tablet.id, tablet]));
    const start_ms = clock.monotonic_ms();
    for (let visited = 0; visited < led.length; visited += 1) {
      const id = led[this.#nextTablet % led.length] as number;
      this.#nextTablet += 1;
      const tablet = byId.get(id);
      if (tablet !== undefined) this.#sweeperOf(tablet).begin();
      if (clock.monotonic_ms() - start_ms > BUDGET_MS) return;
    }
  }

  #sweeperOf(tablet: TabletView): Sweeper {
    const known = this.#sweepers.get(tablet.id);
    if (known !== undefined) return known;
    const sweeper = new Sweeper(this.#services, tablet, this.#swept, this.#built);
    this.#sweepers.set(tablet.id, sweeper);
    return sweeper;
  }
}

/** The sweeps of one tablet, as one operation that is submitted again and again. */
class Sweeper implements TabletOperation {
  readonly #services: RowServices;
  readonly #tablet: number;
  readonly #sweeps: readonly Sweep[];
  #underWay = false;
  #active: readonly Sweep[] = [];
  #pieces = 0;

  constructor(services: RowServices, tablet: TabletView, swept: News, built: News) {
    this.#services = services;
    this.#tablet = tablet.id;
    const drops: DropSweep = new DropSweep(services, tablet, (spaces, range) =>
      swept.add(spaces, range, () => drops.forget(spaces)),
    );
    const indexes: IndexSweep = new IndexSweep(services, tablet, (spaces, range) =>
      built.add(spaces, range, () => indexes.forget(spaces)),
    );
    this.#sweeps = [new BatchSweep(services, tablet), new ExpirySweep(tablet, services.tables), drops, indexes];
  }

  begin(): void {
    if (this.#underWay) return;
    this.#pieces = 0;
    this.#submit(this.#sweeps);
  }

  #submit(sweeps: readonly Sweep[]): void {
    this.#underWay = true;
    this.#active = sweeps;
    this.#pieces += 1;
    this.#services.router.submitToTablet(this.#tablet, this);
  }

  execute(transaction: Transaction): void {
    for (const sweep of this.#active) sweep.run(transaction);
  }

  complete(outcome: Outcome): void {
    this.#underWay = false;
    const more = this.#active.filter((sweep) => sweep.settle(outcome === Outcome.done));
    if (more.length > 0 && this.#pieces < PIECES_MAX) this.#submit(more);
  }
}
