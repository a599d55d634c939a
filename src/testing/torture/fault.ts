/** What carries out one kind of disruption; those that ship are in `faults/`. */
import type { Cluster } from '../cluster.ts';
import type { ClusterNode } from '../cluster-node.ts';
import type { ClientCuts } from './client-cuts.ts';
import type { Disks } from './disks.ts';
import type { Disruption } from './plan.ts';
import type { Reach } from './reach.ts';
import type { Wire } from './wire.ts';

/** What a fault is given. */
export interface FaultContext {
  readonly cluster: Cluster;
  readonly wire: Wire;
  readonly clientCuts: ClientCuts;
  readonly disks: Disks | undefined;
  readonly reach: Reach;
  /** As in the plan; `order` has the nodes that were added since, too. */
  readonly disruption: Disruption;
  /** How many nodes were added. */
  readonly added: number;
  readonly key: string | undefined;
  /** The node of the plan with this place in the order. */
  node(place: number): ClusterNode;
  say(text: string): void;
}

/** Begins it, and resolves with how to undo it. Rejects only when the cluster or a node does what it must not. */
export type Fault = (context: FaultContext) => Promise<() => Promise<void>>;
