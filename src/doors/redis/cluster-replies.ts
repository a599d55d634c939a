/**
 * CLUSTER SLOTS, SHARDS and NODES. Apart from `myself` all nodes give the same bytes for the same view.
 *
 * CLUSTER SLOTS names replicas only with the setting cluster-announce-replicas, since here a node is master of some slots
 * and replica of others, which clients do not expect: ioredis (scaleReads) and node-redis (useReplicas) send READONLY to
 * nodes that are nothing but replicas, read from the others all the same, and end in "Too many Cluster redirections".
 * redis-py sends READONLY to all nodes and gains from the setting. It decides by where it sees a node
 * first whether it is a master, so with replicas each master's first slot comes first, without replicas.
 */
import type { NodeView } from '../../cluster/view.ts';
import type { ReplyWriter } from './reply-writer.ts';
import type { LedRange, Topology } from './topology.ts';

/** Nodes that have a cluster port, in order of id. */
export function clusterNodes(topology: Topology): NodeView[] {
  return topology.view().nodes.filter((node) => node.ports.redis !== 0);
}

/** Ranges without their replicas, adjacent ones of one leader put together. */
export function masterRanges(ranges: readonly LedRange[]): LedRange[] {
  const merged: LedRange[] = [];
  for (const range of ranges) {
    const previous = merged.at(-1);
    if (previous !== undefined && previous.leader === range.leader && previous.last + 1 === range.first) {
      merged[merged.length - 1] = { ...previous, last: range.last };
    } else merged.push({ ...range, replicas: [] });
  }
  return merged;
}

/** Ranges with replicas, each master's first slot before all others. */
export function rangesMastersFirst(ranges: readonly LedRange[]): LedRange[] {
  const heads: LedRange[] = [];
  const rest: LedRange[] = [];
  const seen = new Set<number>();
  for (const range of ranges) {
    if (seen.has(range.leader) || range.replicas.length === 0) {
      rest.push(range);
      continue;
    }
    seen.add(range.leader);
    heads.push({ ...range, last: range.first, replicas: [] });
    if (range.last > range.first) rest.push({ ...range, first: range.first + 1 });
  }
  return [...heads, ...rest];
}

export function writeSlots(reply: ReplyWriter, topology: Topology, withReplicas: boolean): void {
  const ranges = withReplicas ? rangesMastersFirst(topology.ranges()) : masterRanges(topology.ranges());
  reply.array(ranges.length);
  for (const range of ranges) {
    const nodes = [range.leader, ...range.replicas]
      .map((id) => topology.node(id))
      .filter((node) => node !== undefined)
      .filter((node) => node.ports.redis !== 0);
    reply.array(2 + nodes.length);
    reply.integer(range.first);
    reply.integer(range.last);
    for (const node of nodes) {
      reply.array(4);
      reply.utf8(node.host);
      reply.integer(node.ports.redis);
      reply.text(node.redisId);
      reply.array(0);
    }
  }
}

export function writeShards(reply: ReplyWriter, topology: Topology): void {
  const nodes = clusterNodes(topology);
  reply.array(nodes.length);
  for (const node of nodes) {
    const ranges = masterRanges(topology.rangesOf(node.id));
    reply.map(2);
    reply.text('slots');
    reply.array(ranges.length * 2);
    for (const range of ranges) {
      reply.integer(range.first);
      reply.integer(range.last);
    }
    reply.text('nodes');
    reply.array(1);
    reply.map(7);
    reply.text('id');
    reply.text(node.redisId);
    reply.text('port');
    reply.integer(node.ports.redis);
    for (const name of ['ip', 'endpoint']) {
      reply.text(name);
      reply.utf8(node.host);
    }
    reply.text('role');
    reply.text('master');
    reply.text('replication-offset');
    reply.integer(0);
    reply.text('health');
    reply.text(node.alive ? 'online' : 'fail');
  }
}

/** One line of CLUSTER NODES. */
export function nodeLine(topology: Topology, node: NodeView): string {
  const self = topology.view().self === node.id;
  const flags = `${self ? 'myself,' : ''}master${node.alive ? '' : ',fail'}`;
  const link = node.connected || self ? 'connected' : 'disconnected';
  return `${node.redisId} ${node.host}:${node.ports.redis}@${node.ports.peer} ${flags} - 0 0 ${topology.epoch()} ${link}${slotsText(topology, node)}`;
}

/** The node's slots, with ranges put together that differ only in their replicas. */
function slotsText(topology: Topology, node: NodeView): string {
  return masterRanges(topology.rangesOf(node.id))
    .map(({ first, last }) => (first === last ? ` ${first}` : ` ${first}-${last}`))
    .join('');
}

export function nodesText(topology: Topology): string {
  return clusterNodes(topology)
    .map((node) => `${nodeLine(topology, node)}\n`)
    .join('');
}

export function clusterInfoText(topology: Topology): string {
  const covered = topology.coveredSlots();
  const nodes = clusterNodes(topology);
  const masters = new Set(topology.ranges().map((range) => range.leader));
  const epoch = topology.epoch();
  // Slots whose leader is being elected: their requests wait, so the cluster as a whole is all right.
  return [
    `cluster_state:${covered > 0 ? 'ok' : 'fail'}`,
    'cluster_slots_assigned:16384',
    `cluster_slots_ok:${covered}`,
    `cluster_slots_pfail:${16_384 - covered}`,
    'cluster_slots_fail:0',
    `cluster_known_nodes:${nodes.length}`,
    `cluster_size:${masters.size}`,
    `cluster_current_epoch:${epoch}`,
    `cluster_my_epoch:${epoch}`,
    'cluster_stats_messages_sent:0',
    'cluster_stats_messages_received:0',
    'total_cluster_links_buffer_limit_exceeded:0',
    '',
  ].join('\r\n');
}
