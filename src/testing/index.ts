/**
 * `folkmoot/testing`: real clusters for tests, and faults to put into them. Every node is a process of its own on loopback,
 * on addresses and ports that nothing else uses, so test files may run at the same time. See docs/testing.md.
 *
 * @example
 * const cluster = await createCluster({ nodes: 3 });
 * const redis = new Redis.Cluster(cluster.nodes.map(({ host, ports }) => ({ host, port: ports.redis })));
 * await redis.set('greeting', 'hello');
 * await cluster.kill(await cluster.leaderOf('greeting'));
 * await redis.get('greeting'); // 'hello'
 * redis.disconnect();
 * await cluster.close();
 */
export type { ClusterStatus, NodeStatus, TabletStatus } from '../admin/cluster-status.ts';
export { FolkmootError } from '../base/errors.ts';
export { type Cluster, type ClusterOptions, createCluster, type WaitOptions } from './cluster.ts';
export type { ClusterNode } from './cluster-node.ts';
