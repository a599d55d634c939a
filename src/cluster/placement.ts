/** Which nodes get the replicas of which tablets: a pure function of the nodes and the tablet's number. */
import { assert } from '../base/assert.ts';
import { type NodeId, SLOT_COUNT } from './view.ts';

export interface PlaceableNode {
  readonly id: NodeId;
  readonly zone: string;
}

/** The slots of tablet `number` of `count`, as even as integers allow; both ends inclusive. */
export function slotsOf(number: number, count: number): { slotFirst: number; slotLast: number } {
  assert(number >= 0 && number < count && count <= SLOT_COUNT, 'a tablet has at least one slot');
  const slotFirst = Math.floor((number * SLOT_COUNT) / count);
  const slotLast = Math.floor(((number + 1) * SLOT_COUNT) / count) - 1;
  return { slotFirst, slotLast };
}

/**
 * The nodes for tablet `number`, the preferred leader first. Leaders go round the ring; the others follow at a distance that
 * changes with every round, so that the load of a lost node falls on all others and not on one neighbour. Zones that have
 * no replica yet come before those that do.
 */
export function placeTablet(number: number, nodes: readonly PlaceableNode[], replicas: number): NodeId[] {
  assert(nodes.length > 0, 'a tablet needs a node');
  const ring = [...nodes].sort((a, b) => a.id - b.id);
  const first = number % ring.length;
  const round = Math.floor(number / ring.length);
  const order: PlaceableNode[] = [ring[first] as PlaceableNode];
  const others = ring.length - 1;
  for (let i = 0; i < others; i++) {
    order.push(ring[(first + 1 + ((i + round) % others)) % ring.length] as PlaceableNode);
  }
  const chosen: PlaceableNode[] = [];
  const zones = new Set<string>();
  while (chosen.length < replicas && order.length > 0) {
    const at = Math.max(
      0,
      order.findIndex((node) => !zones.has(node.zone)),
    );
    const node = order.splice(at, 1)[0] as PlaceableNode;
    zones.add(node.zone);
    chosen.push(node);
  }
  return chosen.map((node) => node.id);
}

/** How many voters the metadata group wants with so many nodes: odd, at most five. */
export function metadataVoters(nodes: number): number {
  if (nodes >= 5) return 5;
  return Math.min(nodes, 3);
}

/** Tablets for a new cluster when nobody says how many: a few for each node, so that leaders can be spread and moved. */
export function defaultTabletCount(nodes: number): number {
  return nodes === 1 ? 4 : 4 * nodes;
}
