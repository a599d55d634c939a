/** The picture that `status` and `/api/status` give, from what this node knows. */
import type { ClusterStatus } from '../admin/cluster-status.ts';
import { VERSION } from '../base/package.ts';
import type { Cluster } from '../cluster/cluster.ts';

export function clusterStatus(cluster: Cluster, uptime_s: number): ClusterStatus {
  const view = cluster.view();
  const alive = new Set(view.nodes.filter((node) => node.alive).map((node) => node.id));
  const replicationFactor = cluster.metadata.cluster?.replicationFactor ?? 0;
  let underReplicated = 0;
  const tablets = view.tablets.map((tablet) => {
    const leadership = cluster.leaders.get(tablet.id);
    const whole = tablet.replicas.filter((node) => !tablet.rebuilding.includes(node));
    const living = whole.filter((node) => alive.has(node)).length;
    if (living < replicationFactor || (leadership?.behind ?? 0) > 0) underReplicated += 1;
    // A leader that is gone is nobody's leader, even before another one is elected.
    const leader = alive.has(tablet.leader) ? tablet.leader : 0;
    return {
      id: tablet.id,
      slots: [tablet.slotFirst, tablet.slotLast] as const,
      leader,
      replicas: tablet.replicas,
      rebuilding: tablet.rebuilding,
      lag: leader === 0 ? null : (leadership?.lag ?? null),
      term: tablet.term,
    };
  });
  return {
    clusterId: view.clusterId,
    self: view.self,
    nodes: view.nodes.map((node) => ({
      id: node.id,
      name: node.name,
      host: node.host,
      alive: node.alive,
      ports: node.ports,
      zone: node.zone,
      ...(node.leaving ? { leaving: true } : {}),
      ...(node.id === view.self
        ? { uptime_s: Math.round(uptime_s), epoch: cluster.identity.epoch }
        : { epoch: cluster.epochOf(node.id) }),
    })),
    tablets,
    underReplicated,
    version: VERSION,
    viewVersion: view.version,
  };
}
