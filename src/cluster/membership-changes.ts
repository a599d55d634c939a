/**
 * Changes of who belongs to the cluster and which replicas are to be where, as functions on the metadata. They run in a
 * transaction of the metadata group: each looks at the newest state, refuses with an error or writes all of its change.
 */
import { FolkmootError } from '../base/errors.ts';
import type { ReplicaId } from '../raft/types.ts';
import type { Transaction } from '../tablet/operation.ts';
import { nodeOf, replicaId } from '../tablet/replica-id.ts';
import {
  deleteNode,
  type Metadata,
  type NodeRecord,
  putNode,
  putRemoved,
  putTablet,
  type TabletRecord,
} from './metadata.ts';
import type { NodeId } from './view.ts';

/** The replica of the metadata group that a node is to have. */
export function metadataReplica(record: NodeRecord): ReplicaId {
  return replicaId(record.id, record.metadataGeneration ?? 1);
}

/** Gives `node` a replica of a new generation; `position` 0 makes it the preferred leader. */
export function withReplica(record: TabletRecord, node: NodeId, position = record.replicas.length): TabletRecord {
  const generation = (record.generations[String(node)] ?? 0) + 1;
  const replicas = [...record.replicas];
  replicas.splice(position, 0, replicaId(node, generation));
  return { ...record, replicas, generations: { ...record.generations, [String(node)]: generation } };
}

/**
 * The replica of `node` is given up, and kept until the group works without it: it may have become a member since the last
 * confirmation, and even the only one.
 */
export function withoutNode(record: TabletRecord, node: NodeId): TabletRecord {
  const leaving = record.replicas.filter((replica) => nodeOf(replica) === node && !record.confirmed.includes(replica));
  return { ...lostBy(record, node), confirmed: [...record.confirmed, ...leaving] };
}

function lostBy(record: TabletRecord, node: NodeId): TabletRecord {
  return { ...record, replicas: record.replicas.filter((replica) => nodeOf(replica) !== node) };
}

/** Nodes whose replica was lost and that have not been given another one yet. */
function awaitingNodes(record: TabletRecord): NodeId[] {
  return Object.keys(record.rebuilding ?? {}).map(Number);
}

/** Nodes that have no whole replica yet: theirs was lost, or is new. */
export function rebuildingNodes(record: TabletRecord): NodeId[] {
  const incoming = record.replicas.filter((replica) => !record.confirmed.includes(replica));
  return [...new Set([...awaitingNodes(record), ...incoming.map(nodeOf)])];
}

/** Whether the members that the group has can form a majority without `node` and without those that are lost already. */
export function canDoWithout(record: TabletRecord, gone: (node: NodeId) => boolean): boolean {
  const members = record.confirmed.length;
  const left = record.confirmed.filter((replica) => !gone(nodeOf(replica))).length;
  return left >= Math.floor(members / 2) + 1;
}

/** The replica of `node` is lost: it leaves the members, and another one takes its place when it has left. */
function lose(record: TabletRecord, node: NodeId): TabletRecord {
  const position = record.replicas.findIndex((replica) => nodeOf(replica) === node);
  return { ...lostBy(record, node), rebuilding: { ...record.rebuilding, [String(node)]: position } };
}

/**
 * One replica is damaged. Does nothing when the metadata does not ask for that replica any more. Returns the highest generation
 * that the node has been given: a node that has forgotten which one it had has lost all up to there.
 */
export function rebuildReplica(
  transaction: Transaction,
  state: Metadata,
  request: { readonly tablet: number; readonly node: NodeId; readonly replica: ReplicaId },
): number {
  const record = state.tablets.get(request.tablet);
  if (record === undefined) throw new Error(`there is no tablet ${request.tablet}`);
  if (record.replicas.some((replica) => isMeant(replica, request))) {
    refuseIfUnrecoverable([record], request.node);
    putTablet(transaction, lose(record, request.node));
  }
  return record.generations[String(request.node)] ?? 1;
}

function isMeant(replica: ReplicaId, request: { readonly node: NodeId; readonly replica: ReplicaId }): boolean {
  return nodeOf(replica) === request.node && (request.replica === 0 || request.replica === replica);
}

/**
 * All replicas of a node are lost, that of the metadata group included. Returns the generation of the one that the node is to
 * have. `epoch` is the node's life that asks: asking again in the same life changes nothing, unless `replica`, the one that it has
 * lost, is the very one that it was given in this life.
 */
export function rebuildNode(
  transaction: Transaction,
  state: Metadata,
  request: { readonly node: NodeId; readonly epoch: number; readonly replica: ReplicaId },
): number {
  const record = state.nodes.get(request.node);
  if (record === undefined) throw removedError(state, request.node);
  const generation = record.metadataGeneration ?? 1;
  const isReplaced = request.replica !== replicaId(request.node, generation);
  if ((record.rebuildEpoch ?? 0) >= request.epoch && isReplaced) return generation;
  const held = [...state.tablets.values()].filter((tablet) => hasReplica(tablet, request.node));
  refuseIfUnrecoverable(held, request.node);
  for (const tablet of held) putTablet(transaction, lose(tablet, request.node));
  putNode(transaction, { ...record, rebuildEpoch: request.epoch, metadataGeneration: generation + 1 });
  return generation + 1;
}

function refuseIfUnrecoverable(records: readonly TabletRecord[], node: NodeId): void {
  const bad = records.filter((record) => {
    const lost = new Set([...awaitingNodes(record), node]);
    const counts = record.confirmed.some((replica) => nodeOf(replica) === node);
    return counts && !canDoWithout(record, (other) => lost.has(other));
  });
  if (bad.length === 0) return;
  throw unrecoverable(
    `node ${node} has damaged replicas of ${bad.length} tablets (${bad.map(({ id }) => id).join(', ')}) of which no majority is left without it`,
  );
}

export function unrecoverable(text: string): FolkmootError {
  return new FolkmootError(
    'UNRECOVERABLE',
    text,
    'Nothing was removed. Start the nodes whose data is undamaged, then this one; if there are not enough of them, restore all nodes from the same backup.',
  );
}

/**
 * Gives a new replica to the first node that lost one, has no part in the group any more and is alive; or to a node that is
 * free for one that was given up. Null when there is nothing to do.
 */
export function replaceLost(state: Metadata, alive: (node: NodeId) => boolean): TabletRecord | null {
  for (const record of state.tablets.values()) {
    const vacant = record.vacant ?? 0;
    const heir = vacant > 0 ? freeNode(state, record, alive) : undefined;
    if (heir !== undefined) return { ...withReplica(record, heir), vacant: vacant - 1 };
    for (const node of awaitingNodes(record)) {
      const { [String(node)]: position = 0, ...rebuilding } = record.rebuilding ?? {};
      const owner = state.nodes.get(node);
      if (owner === undefined || owner.leaving === true) return { ...record, rebuilding };
      if (!alive(node) || record.confirmed.some((replica) => nodeOf(replica) === node)) continue;
      const at = Math.min(position < 0 ? record.replicas.length : position, record.replicas.length);
      return { ...withReplica(record, node, at), rebuilding };
    }
  }
  return null;
}

/**
 * A node is to leave: its replicas go to nodes that are alive and have none, or are given up where there is none. It is
 * deleted when no group has it as a member any more (`leavingNode`). `voters`: the nodes that vote in the metadata group.
 */
export function beginRemoval(
  transaction: Transaction,
  state: Metadata,
  node: NodeId,
  alive: (node: NodeId) => boolean,
  voters: readonly NodeId[],
): void {
  const record = state.nodes.get(node);
  if (record === undefined) {
    const text = state.removed.has(node) ? `node ${node} has been removed already` : `there is no node ${node}`;
    throw new FolkmootError('NOT_FOUND', text, 'See folkmoot status.');
  }
  if (record.leaving === true) return;
  if (state.nodes.size === 1) {
    throw new FolkmootError('CONFLICT', `node ${node} is the only one of the cluster`, 'Let another node join first.');
  }
  const leaving = { ...record, leaving: true };
  const tablets = new Map(state.tablets);
  const nodes = new Map(state.nodes).set(node, leaving);
  const changes: TabletRecord[] = [];
  const bad: TabletRecord[] = [];
  for (const tablet of state.tablets.values()) {
    if (!isMember(tablet, node)) continue;
    const after = moved(tablet, node, freeNode({ nodes, tablets }, tablet, alive));
    if (!canRemove(tablet, after, alive)) bad.push(tablet);
    tablets.set(tablet.id, after);
    changes.push(after);
  }
  const others = voters.filter((voter) => voter !== node);
  if (bad.length > 0 || !hasMajority(others, alive)) {
    const what =
      bad.length > 0 ? `${bad.length} tablets (${bad.map(({ id }) => id).join(', ')})` : 'the metadata group';
    throw new FolkmootError(
      'CONFLICT',
      `without node ${node} ${what} would have no majority of living replicas`,
      'Start the nodes that are down, or let others join, then remove it.',
    );
  }
  for (const change of changes) putTablet(transaction, change);
  putNode(transaction, leaving);
}

/** The node with the fewest replicas of those that may be given one of this tablet. */
function freeNode(
  state: Pick<Metadata, 'nodes' | 'tablets'>,
  tablet: TabletRecord,
  alive: (node: NodeId) => boolean,
): NodeId | undefined {
  const load = (node: NodeId): number => [...state.tablets.values()].filter((other) => hasReplica(other, node)).length;
  const free = [...state.nodes.values()].filter(
    ({ id, leaving }) => leaving !== true && alive(id) && !isMember(tablet, id) && !awaitingNodes(tablet).includes(id),
  );
  return free.map(({ id }) => ({ id, load: load(id) })).sort((a, b) => a.load - b.load)[0]?.id;
}

/** The change needs a majority of those that there are, and what comes out of it must have one too. */
function canRemove(before: TabletRecord, after: TabletRecord, alive: (node: NodeId) => boolean): boolean {
  return hasMajority(before.confirmed.map(nodeOf), alive) && hasMajority(after.replicas.map(nodeOf), alive);
}

function hasMajority(members: readonly NodeId[], alive: (node: NodeId) => boolean): boolean {
  return members.filter(alive).length >= Math.floor(members.length / 2) + 1;
}

function moved(record: TabletRecord, node: NodeId, heir: NodeId | undefined): TabletRecord {
  const { [String(node)]: _gone, ...rebuilding } = record.rebuilding ?? {};
  const position = record.replicas.findIndex((replica) => nodeOf(replica) === node);
  const without = { ...withoutNode(record, node), rebuilding };
  if (heir === undefined) return { ...without, vacant: (record.vacant ?? 0) + 1 };
  return withReplica(without, heir, position < 0 ? undefined : position);
}

/** A node that is to leave and has no part in any tablet any more. */
export function leavingNode(state: Metadata): NodeRecord | undefined {
  const tablets = [...state.tablets.values()];
  for (const record of state.nodes.values()) {
    if (record.leaving === true && !tablets.some((tablet) => isMember(tablet, record.id))) return record;
  }
  return undefined;
}

export function finishRemoval(transaction: Transaction, record: NodeRecord): void {
  deleteNode(transaction, record.id);
  putRemoved(transaction, { id: record.id, name: record.name, host: record.host, peerPort: record.ports.peer });
}

export function removedError(state: Metadata, node: NodeId): FolkmootError {
  const removed = state.removed.get(node);
  const name = removed === undefined ? '' : ` (${removed.name})`;
  return new FolkmootError(
    'NODE_REMOVED',
    `node ${node}${name} has been removed from the cluster`,
    'It cannot come back under this identity. To use the machine again, start it with an empty data folder: it joins as a new node.',
  );
}

function hasReplica(record: TabletRecord, node: NodeId): boolean {
  return record.replicas.some((replica) => nodeOf(replica) === node);
}

function isMember(record: TabletRecord, node: NodeId): boolean {
  return hasReplica(record, node) || record.confirmed.some((replica) => nodeOf(replica) === node);
}
