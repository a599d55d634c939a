/** Heartbeats and promises of support as `cluster/liveness.ts` has them, and the leases that follow. */
import type { GroupRecord } from '../group-record.ts';
import { PrimaryLease } from '../primary-lease.ts';
import type { ModelClock } from './model-clock.test-support.ts';
import type { SimNetwork } from './sim-network.test-support.ts';
import type { SimNode } from './sim-node.test-support.ts';

const PROMISE_MS = 600;
/** What the supported one counts on, of the promise. */
const USED = 0.9;

export class SimLiveness {
  readonly #clock: ModelClock;
  readonly #network: SimNetwork;
  readonly #nodes: readonly SimNode[];

  constructor(clock: ModelClock, network: SimNetwork, nodes: readonly SimNode[]) {
    this.#clock = clock;
    this.#network = network;
    this.#nodes = nodes;
  }

  heartbeat(from: SimNode): void {
    const clock = this.#clock;
    const sentAt_ms = clock.now_ms;
    for (const to of this.#nodes) {
      if (to === from) continue;
      clock.after(clock.between(1, 20), () => {
        if (!this.#network.reaches(from, to)) return;
        if (!this.supports(to, from.id)) beginGeneration(to, from.id);
        to.supportUntil_ms.set(from.id, clock.now_ms + PROMISE_MS);
        const generation = to.generation.get(from.id) ?? 0;
        const until_ms = sentAt_ms + PROMISE_MS * USED;
        clock.after(clock.between(1, 20), () => {
          if (this.#network.reaches(from, to)) from.counted.set(to.id, { generation, until_ms });
        });
      });
    }
  }

  supports(node: SimNode, other: number): boolean {
    return (node.supportUntil_ms.get(other) ?? 0) > this.#clock.now_ms;
  }

  newLease(node: SimNode): PrimaryLease {
    return new PrimaryLease({
      supportFrom: (other) => this.#supportFrom(node, other),
      ask: (other, epoch, answer) => this.#ask(node, other, epoch, answer),
    });
  }

  holdsLease(node: SimNode, record: GroupRecord): boolean {
    const others = record.voters.map((voter) => voter.node).filter((other) => other !== node.id);
    return node.lease.holds(record.epoch, others, record.k);
  }

  /** It promised support in its life before, and does not know to whom. */
  restarted(node: SimNode): void {
    node.lease = this.newLease(node);
    for (const other of this.#nodes) {
      if (other === node) continue;
      beginGeneration(node, other.id);
      node.supportUntil_ms.set(other.id, this.#clock.now_ms + PROMISE_MS);
    }
  }

  #supportFrom(node: SimNode, other: number): number {
    const counted = node.counted.get(other);
    return counted !== undefined && counted.until_ms > this.#clock.now_ms ? counted.generation : 0;
  }

  #ask(from: SimNode, other: number, epoch: number, answer: (stands: boolean) => void): void {
    const clock = this.#clock;
    const to = this.#nodes[other - 1] as SimNode;
    clock.after(clock.between(1, 20), () => {
      if (!this.#network.reaches(from, to)) return answer(false);
      const stands = to.state.pledged <= epoch;
      clock.after(clock.between(1, 20), () => answer(stands && this.#network.reaches(from, to)));
    });
  }
}

function beginGeneration(node: SimNode, other: number): void {
  node.generation.set(other, (node.generation.get(other) ?? 0) + 1);
}
