/** Orders of an operator: leadership handed over, a node added or removed, replicas moved. */
import type { TabletStatus } from '../../../admin/cluster-status.ts';
import type { Cluster } from '../../cluster.ts';
import type { ClusterNode } from '../../cluster-node.ts';
import type { Fault } from '../fault.ts';
import { untilInPlace } from '../last-reads.ts';

/** Nodes that a run adds at most. */
const ADDED_MAX = 2;
const REMOVAL_TIMEOUT_MS = 60_000;

export const transfer: Fault = async ({ cluster, key, node, say }) => {
  const target = node(0);
  if (key !== undefined && target.running) {
    say(`leadership of ${key} to ${target.name}`);
    // It may be refused while other faults are in force: an order that cannot be carried out is no defect.
    await cluster.transfer(key, target).catch((error: unknown) => say(`not handed over: ${String(error)}`));
  }
  return async () => undefined;
};

/** The first ones add a node; all of them move a replica of a tablet to a node that has none of it. */
export const move: Fault = async ({ cluster, disruption, added, say }) => {
  const { order, draw } = disruption;
  await untilInPlace(cluster);
  if (added < ADDED_MAX) say(`${(await cluster.addNode()).name} has joined`);
  const { tablets } = await cluster.status();
  const tablet = tablets[draw % tablets.length] as TabletStatus;
  const nodes = order.map((index) => cluster.nodes[index]).concat(cluster.nodes.slice(order.length));
  const to = nodes.findLast((node) => node !== undefined && !tablet.replicas.includes(node.id));
  const from = nodes.find((node) => node !== undefined && tablet.replicas.includes(node.id));
  if (to === undefined || from === undefined) return async () => undefined;
  say(`replica of tablet ${tablet.id} from ${from.name} to ${to.name}`);
  await cluster.changeReplicas(tablet.id, { add: to });
  return async () => {
    await cluster.changeReplicas(tablet.id, { remove: from });
    say(`replica of tablet ${tablet.id} moved`);
  };
};

/** There are never fewer nodes than at the start: the first one adds a node before it removes one. */
export const remove: Fault = async ({ cluster, added, node, say }) => {
  await untilInPlace(cluster);
  if (added === 0) say(`${(await cluster.addNode()).name} has joined`);
  const victim = await removable(cluster, node(0));
  if (victim === undefined) return async () => undefined;
  say(`${victim.name} is removed`);
  await cluster.removeNode(victim, { timeout_ms: REMOVAL_TIMEOUT_MS });
  return async () => {
    await untilInPlace(cluster);
    say(`${victim.name} is gone, and all replicas are in place`);
  };
};

/** The members of the PostgreSQL group are fixed (docs/LIMITS.md): it outlives the loss of one for ever, not that of another one. */
async function removable(cluster: Cluster, wanted: ClusterNode): Promise<ClusterNode | undefined> {
  const { postgres } = await cluster.status();
  const members = postgres?.servers.map(({ node }) => node) ?? [];
  const isShort = members.some((id) => !cluster.nodes.some((node) => node.id === id));
  return [wanted, ...cluster.nodes].find(({ id }) => !isShort || !members.includes(id));
}
