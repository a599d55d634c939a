/**
 * Carries a plan out. It knows at every moment what it has broken, so that it can say whether a majority is up, and undo it all.
 */
import type { Cluster } from '../cluster.ts';
import type { ClusterNode } from '../cluster-node.ts';
import type { ClientCuts } from './client-cuts.ts';
import type { Disks } from './disks.ts';
import { carryOut } from './faults/all.ts';
import type { Disruption, FaultKind } from './plan.ts';
import { Reach } from './reach.ts';
import type { Wire } from './wire.ts';

export interface NemesisOptions {
  readonly cluster: Cluster;
  readonly wire: Wire;
  readonly clientCuts: ClientCuts;
  /** Disks that can be filled, when there are some. */
  readonly disks: Disks | undefined;
  readonly plan: readonly Disruption[];
  /** Keys in use, for disruptions that look for a leader. */
  readonly keys: () => readonly string[];
  /** Told of every disruption when it begins and when it is over. */
  readonly say: (text: string) => void;
  /** Told whenever it may have changed whether a majority is up. */
  readonly majority: (isUp: boolean) => void;
  readonly now: () => number;
}

export class Nemesis {
  /** How often each kind was carried out. */
  readonly counts = new Map<FaultKind, number>();
  readonly #options: NemesisOptions;
  readonly #reach: Reach;
  #stopping = false;
  #wake: () => void = () => undefined;
  #done: Promise<void> = Promise.resolve();

  constructor(options: NemesisOptions) {
    this.#options = options;
    this.#reach = new Reach(options.cluster.nodes, () => options.majority(this.#reach.majorityIsUp));
  }

  start(): void {
    this.#done = this.#run();
    // It is awaited at the end of the run; until then nobody listens.
    this.#done.catch(() => undefined);
  }

  /** Undoes what is under way. Rejects with what went wrong while the plan was carried out. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#wake();
    await this.#done;
  }

  /** Disruptions whose times overlap run side by side; a later one waits for those before to be over. */
  async #run(): Promise<void> {
    let running: Promise<void>[] = [];
    const failures: unknown[] = [];
    for (const [index, disruption] of this.#options.plan.entries()) {
      const before = this.#options.plan[index - 1];
      const overlaps = before !== undefined && before.begin_ms + before.duration_ms > disruption.begin_ms;
      if (!overlaps) {
        await Promise.all(running);
        running = [];
      }
      await this.#until(disruption.begin_ms);
      if (this.#stopping || failures.length > 0) break;
      const failed = (error: unknown): void => {
        failures.push(error);
      };
      running.push(this.#disrupt(disruption).catch(failed));
    }
    await Promise.all(running);
    if (failures.length > 0) throw failures[0];
  }

  async #disrupt(disruption: Disruption): Promise<void> {
    const { cluster, wire, clientCuts, disks, keys, say, now } = this.#options;
    const { kind, draw } = disruption;
    const order = this.#orderNow(disruption);
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    const inUse = keys();
    const undo = await carryOut[kind]({
      cluster,
      wire,
      clientCuts,
      disks,
      reach: this.#reach,
      disruption: { ...disruption, order },
      added: order.length - disruption.order.length,
      key: inUse[draw % Math.max(1, inUse.length)],
      node: (place) => cluster.nodes[order[place % order.length] ?? 0] as ClusterNode,
      say,
    });
    await this.#until(now() + disruption.duration_ms);
    await undo();
  }

  /** Nodes that were added after the plan was made come in where the draw says. */
  #orderNow({ order, draw }: Disruption): number[] {
    const all = [...order];
    for (let index = order.length; index < this.#options.cluster.nodes.length; index++) {
      all.splice(draw % (all.length + 1), 0, index);
    }
    return all;
  }

  /** Ends early when the nemesis is told to stop. */
  async #until(at_ms: number): Promise<void> {
    const left_ms = at_ms - this.#options.now();
    if (left_ms <= 0 || this.#stopping) return;
    await new Promise<void>((resolve) => {
      const before = this.#wake;
      const timer = setTimeout(resolve, left_ms);
      this.#wake = () => {
        before();
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
