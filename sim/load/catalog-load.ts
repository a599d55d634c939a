/**
 * Changes of the catalog through any node, and their oracle: what was acknowledged is there once, on every node and at once on
 * the one that was asked; what was refused is nowhere.
 */
import type { Prng } from '../../src/base/prng.ts';
import { type CatalogRecords, CatalogRefusal, CatalogUnavailable } from '../../src/cluster/catalog/catalog.ts';
import type { NodeProcess } from '../cluster/node-process.ts';
import type { SimWorld } from '../cluster/sim-world.ts';
import { Violation } from '../oracles/violation.ts';
import { EventKind } from '../world/scheduler.ts';

const SECTION = 'simulated';
/** The mean; schemas change seldom, but simulated time is short. */
const PAUSE_MS = 200;
const REFUSED_SHARE = 0.1;

interface Request {
  readonly attempt: number;
  readonly refuse: boolean;
}

/** Puts a record for each attempt, with the number of its turn. A refusal comes after its writes, which must vanish. */
export function serveSimulatedCatalog(process: NodeProcess): void {
  process.cluster.catalog.serve(SECTION, (request: unknown, records: CatalogRecords) => {
    const { attempt, refuse } = request as Request;
    const key = `attempt ${attempt}`;
    if (records.get(key) !== undefined) throw new Violation('catalog-twice', `${key} was carried out twice`);
    const turn = records.nextId('turn');
    records.put(key, turn);
    if (refuse) throw new CatalogRefusal('as it was asked to');
    return turn;
  });
}

export class CatalogLoad {
  readonly #world: SimWorld;
  readonly #prng: Prng;
  readonly #acknowledged = new Map<number, number>();
  readonly #refused = new Set<number>();
  #attempts = 0;

  constructor(world: SimWorld, prng: Prng) {
    this.#world = world;
    this.#prng = prng;
  }

  start(): void {
    const { scheduler } = this.#world;
    scheduler.plan(this.#prng.fraction() * 2 * PAUSE_MS, EventKind.client, null, () => {
      if (this.#world.loadIsOver) return;
      const { process } = this.#prng.pick(this.#world.machines);
      if (process?.alive && !process.suspended && process.cluster.host !== null) this.#change(process);
      this.start();
    });
  }

  /** After the cluster has converged. */
  check(): void {
    for (const { process, number } of this.#world.machines) {
      if (process === null || !process.alive || process.cluster.host === null) continue;
      const { records } = process.cluster.catalog.section(SECTION);
      for (const [attempt, turn] of this.#acknowledged) {
        if (records.get(`attempt ${attempt}`) === turn) continue;
        throw new Violation('catalog-lost', `machine ${number} has not what attempt ${attempt} was told`);
      }
      for (const attempt of this.#refused) {
        if (!records.has(`attempt ${attempt}`)) continue;
        throw new Violation('catalog-refused', `machine ${number} has what attempt ${attempt} was refused`);
      }
      if (new Set(records.values()).size !== records.size) throw new Violation('catalog-ids', 'an id was given twice');
    }
  }

  #change(process: NodeProcess): void {
    this.#attempts += 1;
    const request: Request = { attempt: this.#attempts, refuse: this.#prng.chance(REFUSED_SHARE) };
    const { catalog } = process.cluster;
    this.#world.scheduler.plan(0, EventKind.client, process.main, () => {
      catalog.change(SECTION, request).then(
        (turn) => {
          this.#acknowledged.set(request.attempt, turn as number);
          if (catalog.section(SECTION).records.get(`attempt ${request.attempt}`) === turn) return;
          this.#world.fail('catalog-late', `attempt ${request.attempt} is not there for the node that was told so`);
        },
        (error: unknown) => {
          if (error instanceof CatalogRefusal || error instanceof CatalogUnavailable)
            this.#refused.add(request.attempt);
        },
      );
    });
  }
}
