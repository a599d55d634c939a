/** What a cluster that is left in peace must come to: leaders everywhere, members as the metadata asks, all replicas alike. */
import { rebuildingNodes } from '../../src/cluster/membership-changes.ts';
import { METADATA_TABLET, type Metadata } from '../../src/cluster/metadata.ts';
import { metadataVoters } from '../../src/cluster/placement.ts';
import { nodeOf } from '../../src/tablet/replica-id.ts';
import type { Tablet } from '../../src/tablet/tablet.ts';
import type { Machine } from '../cluster/machine.ts';
import type { SimWorld } from '../cluster/sim-world.ts';

/** Why the cluster has not converged yet; null when it has. Machines that are kept down are missed by nobody. */
export function whyNotConverged(world: SimWorld): string | null {
  const up = world.machines.filter(({ keptDown }) => !keptDown);
  for (const machine of up) {
    const cluster = machine.process?.cluster;
    if (cluster === undefined) return `machine ${machine.number} is down`;
    if (machine.process?.draining) return `machine ${machine.number} is being drained`;
    if (!cluster.serving) return `machine ${machine.number} does not serve`;
  }
  const metadata = up[0]?.process?.cluster.metadata;
  if (metadata === undefined) return 'there is no machine';
  const ids = [METADATA_TABLET, ...metadata.tablets.keys()];
  for (const id of ids) {
    const why = whyTabletNot(world, up, metadata, id);
    if (why !== null) return `tablet ${id}: ${why}`;
  }
  return null;
}

function whyTabletNot(world: SimWorld, up: readonly Machine[], metadata: Metadata, id: number): string | null {
  const replicas: Tablet[] = [];
  for (const machine of up) {
    const tablet = machine.process?.cluster.host?.get(id);
    if (tablet !== undefined) replicas.push(tablet);
  }
  const leader = replicas.find((tablet) => tablet.serving);
  if (leader === undefined) return 'no leader serves';
  const { voters, learners, votersOutgoing } = leader.confState;
  if (votersOutgoing.length > 0) return 'the configuration is joint';
  const everybodyIsUp = world.machines.every(({ keptDown }) => !keptDown);
  if (id === METADATA_TABLET) {
    if (everybodyIsUp && voters.length !== metadataVoters(metadata.nodes.size)) return `it has ${voters.length} voters`;
    if (everybodyIsUp && voters.length + learners.length !== metadata.nodes.size) return 'a node is no member';
  } else {
    const record = metadata.tablets.get(id);
    if (record === undefined) return 'it is not in the metadata';
    if (learners.length > 0) return 'it has a learner';
    if (voters.length !== record.replicas.length || !record.replicas.every((replica) => voters.includes(replica))) {
      return `its voters are ${voters.join(', ')} instead of ${record.replicas.join(', ')}`;
    }
    const rebuilding = rebuildingNodes(record);
    if (rebuilding.length > 0) return `node ${rebuilding.join(', ')} has no whole replica`;
    const leaked = replicas.find((tablet) => !record.replicas.includes(tablet.replica));
    if (leaked !== undefined) return `replica ${leaked.replica} was left over`;
  }
  const index = leader.raft.lastIndex;
  for (const replica of [...voters, ...learners]) {
    const machine = world.machines[world.machineOfNode(nodeOf(replica)) - 1];
    if (machine === undefined || machine.keptDown) continue;
    const applied = machine.process?.cluster.host?.get(id)?.raft.appliedIndex ?? 0;
    if (applied !== index) return `replica ${replica} has applied ${applied} of ${index}`;
  }
  return null;
}

/** Whether every tablet keeps a majority of its voters without these machines. */
export function canDoWithout(world: SimWorld, down: ReadonlySet<number>): boolean {
  for (const machine of world.machines) {
    for (const tablet of machine.process?.cluster.host?.all() ?? []) {
      const { voters } = tablet.confState;
      const lost = voters.filter((replica) => down.has(world.machineOfNode(nodeOf(replica))));
      if (lost.length * 2 >= voters.length) return false;
    }
  }
  return true;
}

/** Every replica as it is, one line each: for whoever has to find out why. */
export function describeReplicas(world: SimWorld): string[] {
  const lines: string[] = [];
  for (const machine of world.machines) {
    const cluster = machine.process?.cluster;
    if (cluster === undefined) {
      lines.push(`machine ${machine.number} is down`);
      continue;
    }
    const nodes = [...cluster.metadata.nodes.keys()].join(',');
    lines.push(
      `machine ${machine.number} is node ${cluster.identity.node}, serving ${cluster.serving}, knows nodes ${nodes}`,
    );
    for (const [id, { replica, reason }] of cluster.host?.lost ?? [])
      lines.push(`  lost: tablet ${id} ${replica}: ${reason}`);
    for (const { id, raft, confState, installing, consistentIndex, replica } of cluster.host?.all() ?? []) {
      const { voters, votersOutgoing, learners } = confState;
      const members = `voters ${voters.join(',')} outgoing ${votersOutgoing.join(',')} learners ${learners.join(',')}`;
      const log = `log ${raft.firstIndex}..${raft.lastIndex} commit ${raft.commitIndex} applied ${raft.appliedIndex}`;
      const state = `${installing ? ' installing' : ''}${consistentIndex > raft.appliedIndex ? ` mixed to ${consistentIndex}` : ''}`;
      lines.push(
        `  tablet ${id} ${replica} role ${raft.role} term ${raft.term} leader ${raft.leader} ${log}${state} ${members}`,
      );
      for (const { id: to, match, next, state: progressState, pendingSnapshot } of raft.status().progress) {
        lines.push(
          `    sends to ${to}: match ${match} next ${next} state ${progressState} snapshot ${pendingSnapshot}`,
        );
      }
    }
  }
  return lines;
}
