/**
 * The ring that drivers see. Each tablet gives the token of its end to the node that leads it when all is well, its first replica: a token
 * owns what lies between the one before it and itself. Tokens stay when leadership moves, because drivers keep old ones.
 */
import type { ClusterView, NodeId, TabletView } from '../../../../cluster/view.ts';

/** Drivers build a table of the ring for each keyspace. */
const TOKENS_MAX = 4_096;
const TOKEN_MIN = -(2n ** 63n);
const SLOT_SHIFT = 50n;

/** The last token of a slot: slots are the upper 14 bits of token + 2^63. */
export function lastTokenOf(slot: number): bigint {
  return ((BigInt(slot) + 1n) << SLOT_SHIFT) - 1n + TOKEN_MIN;
}

const rings = new WeakMap<ClusterView, ReadonlyMap<NodeId, readonly string[]>>();

/** Every node of the view has at least one. */
export function tokensOf(view: ClusterView): ReadonlyMap<NodeId, readonly string[]> {
  let ring = rings.get(view);
  if (ring === undefined) {
    ring = ringOf(view);
    rings.set(view, ring);
  }
  return ring;
}

function ringOf({ nodes, tablets }: ClusterView): ReadonlyMap<NodeId, readonly string[]> {
  const ring = new Map<NodeId, string[]>(nodes.map(({ id }) => [id, []]));
  const perToken = Math.ceil(tablets.length / TOKENS_MAX);
  for (let i = 0; i < tablets.length; i += perToken) {
    // Where several tablets share a token, the last of them ends the range.
    const last = tablets[Math.min(i + perToken, tablets.length) - 1] as TabletView;
    const owner = last.replicas.find((node) => ring.has(node));
    if (owner !== undefined) ring.get(owner)?.push(String(lastTokenOf(last.slotLast)));
  }
  // A node without a tablet of its own is part of the ring all the same: with a range of a single token.
  let free = TOKEN_MIN + 1n;
  for (const tokens of ring.values()) {
    if (tokens.length > 0) continue;
    tokens.push(String(free));
    free += 1n;
  }
  return ring;
}
