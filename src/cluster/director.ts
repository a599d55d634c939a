/**
 * What the leader of the metadata group does for the cluster: makes the tablets when the first nodes are there, and keeps the
 * group's own members in step with the nodes. Each step looks at the state anew and does one thing, so that a new leader
 * goes on where the old one stopped.
 */
import type { Logger } from '../base/log.ts';
import { ConfChangeType, type ReplicaId, Role } from '../raft/types.ts';
import { nodeOf, replicaId } from '../tablet/replica-id.ts';
import type { Tablet } from '../tablet/tablet.ts';
import { finishRemoval, leavingNode, metadataReplica, replaceLost } from './membership-changes.ts';
import { type Metadata, putCluster, putTablet } from './metadata.ts';
import type { MetadataGroup } from './metadata-group.ts';
import { metadataVoters, placeTablet, slotsOf } from './placement.ts';
import { isCaughtUp, isMajorityAtHand } from './replica-progress.ts';
import type { NodeId } from './view.ts';

export class Director {
  readonly #metadata: MetadataGroup;
  readonly #log: Logger;
  #busy = false;

  constructor(metadata: MetadataGroup, logger: Logger) {
    this.#metadata = metadata;
    this.#log = logger;
  }

  /** One step; called when something may have changed and every now and then. `group` is the metadata group's replica here. */
  step(group: Tablet, alive: (node: NodeId) => boolean): void {
    if (this.#busy || !group.serving) return;
    const state = this.#metadata.state;
    if (state.cluster === null) return;
    this.#manageMembers(group, state, alive);
    this.#manageNodes(state, alive);
    if (state.tablets.size === 0 && state.nodes.size >= state.cluster.initialNodes) this.#makeTablets();
  }

  #makeTablets(): void {
    this.#busy = true;
    this.#metadata
      .write((transaction, state) => {
        const cluster = state.cluster;
        if (cluster === null || state.tablets.size > 0) return 0;
        const nodes = [...state.nodes.values()];
        let id = cluster.nextTablet;
        for (let number = 0; number < cluster.tabletCount; number++) {
          const placed = placeTablet(number, nodes, cluster.replicationFactor);
          const replicas = placed.map((node) => replicaId(node, 1));
          putTablet(transaction, {
            id: id++,
            ...slotsOf(number, cluster.tabletCount),
            founders: replicas,
            replicas,
            confirmed: replicas,
            generations: Object.fromEntries(placed.map((node) => [String(node), 1])),
          });
        }
        putCluster(transaction, { ...cluster, nextTablet: id });
        return cluster.tabletCount;
      })
      .then(
        (count) => this.#log.info({ tablets: count }, 'tablets made'),
        (error: unknown) => this.#log.warn({ error: String(error) }, 'tablets could not be made; trying again'),
      )
      .finally(() => {
        this.#busy = false;
      });
  }

  /** Gives new replicas in place of lost ones, and lets go of nodes that have nothing any more. */
  #manageNodes(state: Metadata, alive: (node: NodeId) => boolean): void {
    if (replaceLost(state, alive) === null && leavingNode(state) === undefined) return;
    this.#busy = true;
    this.#metadata
      .write((transaction, newest) => {
        const replaced = replaceLost(newest, alive);
        if (replaced !== null) putTablet(transaction, replaced);
        const left = leavingNode(newest);
        if (left !== undefined) finishRemoval(transaction, left);
        return left;
      })
      .then(
        (left) => {
          if (left !== undefined) this.#log.info({ member: left.id, name: left.name }, 'a node has been removed');
        },
        (error: unknown) => this.#log.warn({ error: String(error) }, 'the members could not be changed; trying again'),
      )
      .finally(() => {
        this.#busy = false;
      });
  }

  /** Every node has a replica of the metadata group; up to five of them vote. */
  #manageMembers(group: Tablet, state: Metadata, alive: (node: NodeId) => boolean): void {
    const raft = group.raft;
    if (raft.role !== Role.leader || raft.hasPendingConfChange) return;
    const { voters, learners, votersOutgoing } = group.confState;
    if (votersOutgoing.length > 0) return;
    const members = new Set<ReplicaId>([...voters, ...learners]);
    const wanted = new Set([...state.nodes.values()].map(metadataReplica));
    const superfluous = [...members].find((replica) => {
      if (wanted.has(replica)) return false;
      const left = voters.filter((voter) => voter !== replica);
      return !voters.includes(replica) || isMajorityAtHand(raft, left, alive);
    });
    if (superfluous === group.replica) {
      // It cannot lead its own leaving: another one takes over and does the rest.
      const heir = voters.find((replica) => wanted.has(replica) && alive(nodeOf(replica)) && isCaughtUp(raft, replica));
      if (heir !== undefined) group.transferLeadership(heir);
      return;
    }
    if (superfluous !== undefined) {
      const changes = [{ type: ConfChangeType.remove, replica: superfluous }];
      group.proposeConfChange({ transition: 'auto', changes });
      return;
    }
    for (const replica of wanted) {
      if (members.has(replica)) continue;
      group.proposeConfChange({ transition: 'auto', changes: [{ type: ConfChangeType.addLearner, replica }] });
      return;
    }
    if (voters.length >= metadataVoters(state.nodes.size)) return;
    const ready = learners.find((replica) => alive(nodeOf(replica)) && isCaughtUp(raft, replica));
    if (ready === undefined) return;
    group.proposeConfChange({ transition: 'auto', changes: [{ type: ConfChangeType.addVoter, replica: ready }] });
  }
}
