/** What the nemesis has broken: which nodes are up, and who can reach whom. */
import type { ClusterNode } from '../cluster-node.ts';

export class Reach {
  readonly #nodes: readonly ClusterNode[];
  readonly #onChange: () => void;
  readonly #down = new Set<ClusterNode>();
  /** Pairs between which not both directions work. */
  #cuts: readonly (readonly [ClusterNode, ClusterNode])[] = [];

  #clientsAreCut = false;

  constructor(nodes: readonly ClusterNode[], onChange: () => void) {
    this.#nodes = nodes;
    this.#onChange = onChange;
  }

  /** To be called before a node is ended or paused, and after it is back. */
  setUp(nodes: readonly ClusterNode[], isUp: boolean): void {
    for (const node of nodes) {
      if (isUp) this.#down.delete(node);
      else this.#down.add(node);
    }
    this.#onChange();
  }

  cut(pairs: readonly (readonly [ClusterNode, ClusterNode])[]): void {
    this.#cuts = pairs;
    this.#onChange();
  }

  /** Clients wait for the nodes that they cannot reach, whatever the cluster does: it does not answer for that. */
  cutClients(isCut: boolean): void {
    this.#clientsAreCut = isCut;
    this.#onChange();
  }

  isUp(node: ClusterNode): boolean {
    return !this.#down.has(node);
  }

  /** True when some node can exchange messages with a majority, itself included, and clients reach all of them. */
  get majorityIsUp(): boolean {
    if (this.#clientsAreCut) return false;
    const up = this.#nodes.filter((node) => this.isUp(node));
    const needed = (this.#nodes.length >> 1) + 1;
    return up.some((node) => up.filter((other) => this.#reaches(node, other)).length >= needed);
  }

  #reaches(a: ClusterNode, b: ClusterNode): boolean {
    return !this.#cuts.some(([from, to]) => (from === a && to === b) || (from === b && to === a));
  }
}
