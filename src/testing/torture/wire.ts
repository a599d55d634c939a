/** How the network between nodes is cut: by the nodes themselves, which works everywhere, or by the system (`namespaces.ts`). */
import type { Cluster } from '../cluster.ts';
import type { ClusterNode } from '../cluster-node.ts';

export type Pair = readonly [from: ClusterNode, to: ClusterNode];

export interface Wire {
  /** Both directions of each pair, noticed at once: connections are refused. Replaces what was cut before. */
  refuse(pairs: readonly Pair[]): Promise<void>;
  /** One direction of each pair, without a word to either. Replaces what was lost before. */
  lose(pairs: readonly Pair[]): Promise<void>;
  heal(): Promise<void>;
}

/** The nodes refuse each other when they are told to. */
export function wireOfNodes(cluster: Cluster): Wire {
  return {
    refuse: (pairs) => cluster.disconnect(...pairs),
    lose: (pairs) => cluster.lose(...pairs),
    heal: () => cluster.heal(),
  };
}
