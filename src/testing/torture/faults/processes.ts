/** Faults of processes: killed, stopped and started, paused. */
import type { ClusterNode } from '../../cluster-node.ts';
import type { Fault, FaultContext } from '../fault.ts';

export const kill: Fault = (context) => killOne(context, context.node(0), '');

export const killLeader: Fault = async (context) => {
  const leader = await leaderOrFirst(context);
  return killOne(context, leader, ` (leads ${context.key})`);
};

export const killAll: Fault = async ({ cluster, reach, say }) => {
  const nodes = cluster.nodes.filter((node) => node.running);
  say(`kill -9 ${nodes.map(({ name }) => name).join(', ')}`);
  reach.setUp(nodes, false);
  await Promise.all(nodes.map((node) => cluster.kill(node)));
  return async () => {
    // Doors open only when enough of them run, so none is waited for before all have been started.
    await Promise.all(nodes.map((node) => cluster.start(node, { ready: false })));
    reach.setUp(nodes, true);
    say(`${nodes.map(({ name }) => name).join(', ')} started`);
  };
};

export const pause: Fault = async (context) => pauseOne(context, context.node(0), '');

export const pauseLeader: Fault = async (context) =>
  pauseOne(context, await leaderOrFirst(context), ` (leads ${context.key})`);

export const restart: Fault = async (context) => {
  const { cluster, reach, say } = context;
  const node = context.node(0);
  if (!node.running) return nothing;
  say(`SIGTERM ${node.name}`);
  reach.setUp([node], false);
  await cluster.stop(node);
  return () => startAgain(context, node);
};

async function killOne(context: FaultContext, node: ClusterNode, why: string): Promise<() => Promise<void>> {
  const { cluster, reach, say } = context;
  if (!node.running) return nothing;
  say(`kill -9 ${node.name}${why}`);
  reach.setUp([node], false);
  await cluster.kill(node);
  return () => startAgain(context, node);
}

async function pauseOne(context: FaultContext, node: ClusterNode, why: string): Promise<() => Promise<void>> {
  const { cluster, reach, say, disruption } = context;
  if (!node.running || node.paused) return nothing;
  say(`SIGSTOP ${node.name}${why} for ${disruption.duration_ms} ms`);
  reach.setUp([node], false);
  cluster.pause(node);
  return async () => {
    await cluster.resume(node);
    reach.setUp([node], true);
    say(`SIGCONT ${node.name}`);
  };
}

/** A node that is cut off, or whose majority is away, becomes ready only later; its ports are bound before. */
async function startAgain({ cluster, reach, say }: FaultContext, node: ClusterNode): Promise<void> {
  await cluster.start(node, { ready: false });
  reach.setUp([node], true);
  say(`${node.name} started`);
}

/** The leader as far as it can be found out: while there is none, a fault on another node is as good. */
async function leaderOrFirst(context: FaultContext): Promise<ClusterNode> {
  const { cluster, key } = context;
  if (key === undefined) return context.node(0);
  return cluster.leaderOf(key, { timeout_ms: 500 }).catch(() => context.node(0));
}

async function nothing(): Promise<void> {
  // There was nothing to break, so there is nothing to mend.
}
