/**
 * A member whose metadata is old knows the other members only as they were then, or when it was taken in. If the metadata group is
 * led by one that came later, neither would speak to the other, and the newer metadata would never come. So when somebody
 * calls who says that it is a member and whom this node does not know, it asks those that it knows who else is there.
 */
import type { ClusterReply, Seed } from './cluster-messages.ts';

export interface MemberSearchOptions {
  readonly clusterId: () => string;
  /** Whom to ask: the members known so far and the initial ones. */
  readonly addresses: () => readonly { readonly host: string; readonly port: number }[];
  readonly ask: (seed: { host: string; port: number }) => Promise<ClusterReply | null>;
  /** Members were learned; those known before are among them. */
  readonly found: (members: readonly Seed[]) => void;
}

export class MemberSearch {
  readonly #options: MemberSearchOptions;
  readonly #known = new Map<number, Seed>();
  #asking = false;

  constructor(options: MemberSearchOptions) {
    this.#options = options;
  }

  /** What the node was told when it was taken in. */
  learn(members: readonly Seed[]): void {
    for (const member of members) this.#known.set(member.node, member);
  }

  get known(): readonly Seed[] {
    return [...this.#known.values()];
  }

  /** Asks everybody once; does nothing while that is under way. */
  step(): void {
    if (this.#asking) return;
    this.#asking = true;
    void this.#askAll().finally(() => {
      this.#asking = false;
    });
  }

  async #askAll(): Promise<void> {
    const { clusterId, addresses, ask, found } = this.#options;
    for (const { host, port } of addresses()) {
      const answer = await ask({ host, port });
      if (answer === null || answer.clusterId !== clusterId() || answer.seeds.length === 0) continue;
      this.learn(answer.seeds);
      found(this.known);
    }
  }
}
