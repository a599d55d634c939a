/**
 * Whether this node may be the primary at this moment. The lease is the liveness of the nodes (cluster/liveness.ts): each voter
 * promises its support for a while, and what this node counts on ends before the promise does.
 *
 * A voter pledges itself to a newer epoch only when it supports the primary before no more, so its support then has broken, and comes
 * back in a new generation. Hence a generation counts here once its giver has been asked, after it began, and knew of no newer epoch.
 * With k of the voters counting, fewer than N - k can have pledged themselves: nobody else has been chosen.
 */
import type { NodeId } from '../../cluster/view.ts';

export interface LeaseOptions {
  /** The generation of the support that a node gives now, 0 for none. */
  readonly supportFrom: (node: NodeId) => number;
  /** Asks a node whether it has pledged itself to nothing newer than the epoch. */
  readonly ask: (node: NodeId, epoch: number, answer: (stands: boolean) => void) => void;
}

export class PrimaryLease {
  readonly #options: LeaseOptions;
  #epoch = 0;
  readonly #counted = new Map<NodeId, number>();
  readonly #asked = new Map<NodeId, number>();

  constructor(options: LeaseOptions) {
    this.#options = options;
  }

  /** Whether at least k of the others stand by this node as primary of the epoch; asks those of whom it does not know. */
  holds(epoch: number, others: readonly NodeId[], k: number): boolean {
    if (epoch !== this.#epoch) {
      this.#epoch = epoch;
      this.#counted.clear();
      this.#asked.clear();
    }
    let standing = 0;
    for (const node of others) {
      const generation = this.#options.supportFrom(node);
      if (generation === 0) continue;
      if (this.#counted.get(node) === generation) standing++;
      else this.#ask(node, generation);
    }
    return standing >= k;
  }

  #ask(node: NodeId, generation: number): void {
    if (this.#asked.get(node) === generation) return;
    this.#asked.set(node, generation);
    const epoch = this.#epoch;
    this.#options.ask(node, epoch, (stands) => {
      if (epoch !== this.#epoch) return;
      if (this.#asked.get(node) === generation) this.#asked.delete(node);
      if (stands) this.#counted.set(node, generation);
    });
  }
}
