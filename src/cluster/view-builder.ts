/** Makes the picture of the cluster that doors and the admin port show. */

import { nodeOf } from '../tablet/replica-id.ts';
import type { Identity } from './identity.ts';
import type { LeaderTable } from './leader-table.ts';
import { rebuildingNodes } from './membership-changes.ts';
import type { Metadata } from './metadata.ts';
import type { ClusterView, NodeId } from './view.ts';

export function buildView(from: {
  version: number;
  identity: Identity;
  metadata: Metadata;
  leaders: LeaderTable;
  isAlive: (node: NodeId) => boolean;
  isConnected: (node: NodeId) => boolean;
}): ClusterView {
  const { metadata, identity, leaders } = from;
  const nodes = [...metadata.nodes.values()]
    .sort((a, b) => a.id - b.id)
    .map(({ id, redisId, name, host, zone, ports, leaving }) => ({
      id,
      redisId,
      name,
      host,
      zone,
      // Of a node whose version knows no CQL there is no such port.
      ports: { ...ports, cql: ports.cql ?? 0 },
      leaving: leaving === true,
      alive: from.isAlive(id),
      connected: from.isConnected(id),
    }));
  const tablets = [...metadata.tablets.values()]
    .sort((a, b) => a.slotFirst - b.slotFirst)
    .map((tablet) => {
      const leadership = leaders.get(tablet.id);
      return {
        id: tablet.id,
        slotFirst: tablet.slotFirst,
        slotLast: tablet.slotLast,
        leader: leadership?.node ?? 0,
        term: leadership?.term ?? 0,
        replicas: tablet.replicas.map(nodeOf),
        rebuilding: rebuildingNodes(tablet),
      };
    });
  return { version: from.version, clusterId: identity.clusterId, self: identity.node, nodes, tablets };
}
