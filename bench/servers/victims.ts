/** Servers that the failover test may kill: three Folkmoot nodes, or those of a Redis Cluster. */
import type { Victimizable } from '../measure/failover.ts';
import { waitUntil } from './deployment.ts';
import { FolkmootCluster } from './folkmoot.ts';
import { RedisCluster, type RedisClusterSetup } from './redis-cluster.ts';

const HEAL_TIMEOUT_MS = 60_000;
export interface VictimSet extends Victimizable {
  stop(): Promise<void>;
}

export async function folkmootVictims(root: string, folder: string): Promise<VictimSet> {
  const cluster = await FolkmootCluster.create({ root, folder, nodeCount: 3 });
  return {
    nodes: cluster.nodes,
    slots: () => cluster.slots(),
    kill: (index) => cluster.processOf(index).kill(),
    async heal(index) {
      await cluster.startNode(index);
      await cluster.untilBalanced();
    },
    stop: () => cluster.stop(),
  };
}

export async function redisVictims(setup: RedisClusterSetup): Promise<VictimSet> {
  const cluster = await RedisCluster.prepare(setup);
  await cluster.start(true);
  const whole = (): Promise<void> => waitUntil('a whole Redis Cluster', HEAL_TIMEOUT_MS, () => cluster.healthy());
  await whole();
  return {
    nodes: cluster.nodes,
    slots: () => cluster.slots(),
    kill: (index) => cluster.processOf(index).kill(),
    async heal(index) {
      cluster.startNode(index);
      await whole();
    },
    stop: () => cluster.stop(),
  };
}
