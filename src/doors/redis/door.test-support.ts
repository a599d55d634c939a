/** Doors over a test cluster, each with both ports open. */

import { silentLogger } from '../../base/log.ts';
import { AccessControl } from '../../cluster/access/access-control.ts';
import { MemoryCatalog } from '../../cluster/catalog/memory-catalog.test-support.ts';
import { RedisDoor, type RedisDoorOptions } from './door.ts';
import { RawClient } from './raw-client.test-support.ts';
import { TestClock, TestCluster, type TestRouter } from './single-node-router.test-support.ts';

export interface TestDoors {
  readonly clock: TestClock;
  readonly cluster: TestCluster;
  readonly doors: readonly RedisDoor[];
  /** A connection to node 1's single-endpoint port. */
  single(node?: number): Promise<RawClient>;
  /** A connection to a node's cluster port. */
  clustered(node?: number): Promise<RawClient>;
  stop(): Promise<void>;
}

export async function startDoors(
  nodes = 1,
  tablets = nodes === 1 ? 1 : 12,
  options: Partial<RedisDoorOptions> = {},
): Promise<TestDoors> {
  const clock = new TestClock();
  const cluster = new TestCluster({ clock, nodes, tablets });
  const access = new AccessControl({ catalog: new MemoryCatalog(), clock, logger: silentLogger });
  const doors: RedisDoor[] = [];
  const clients: RawClient[] = [];
  for (let id = 1; id <= nodes; id += 1) {
    const door = new RedisDoor({
      router: cluster.routers[id - 1] as TestRouter,
      access,
      clock,
      logger: silentLogger,
      host: '127.0.0.1',
      clusterPort: 0,
      singlePort: 0,
      deadline_ms: 500,
      seed: 1,
      ...options,
    });
    await door.start();
    cluster.setPorts(id, door.clusterPort, door.singlePort);
    doors.push(door);
  }
  const open = async (port: number): Promise<RawClient> => {
    const client = await RawClient.connect(port);
    clients.push(client);
    return client;
  };
  return {
    clock,
    cluster,
    doors,
    single: (node = 1) => open((doors[node - 1] as RedisDoor).singlePort),
    clustered: (node = 1) => open((doors[node - 1] as RedisDoor).clusterPort),
    stop: async () => {
      for (const client of clients) client.close();
      await Promise.all(doors.map((door) => door.stop()));
    },
  };
}
