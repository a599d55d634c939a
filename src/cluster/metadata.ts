/**
 * What the metadata group holds: the cluster, its nodes, its tablets. The group is a tablet like any other (id 1, a space of
 * its own); the records are JSON, because they are few and people read them when something is wrong. Every node has a
 * replica, as a voter or a learner, and reads it from its own memory.
 *
 * Keys in space fffffff0: 'c' the cluster | 'n' node id u32 | 'r' id of a removed node u32 | 't' tablet id u32 | 'z' the catalog.
 */
import { assert } from '../base/assert.ts';
import type { ReplicaId } from '../raft/types.ts';
import type { ByteKey, KeyRange } from '../storage/ordered-store.ts';
import type { Transaction } from '../tablet/operation.ts';
import { replicaId } from '../tablet/replica-id.ts';
import { type NodeId, type NodePorts, SLOT_COUNT, type TabletId } from './view.ts';

export const METADATA_TABLET = 1;
export const FIRST_DATA_TABLET = 2;
/** The node that forms the cluster is always the first one, with the first replica of the metadata group. */
export const FIRST_NODE = 1;
export const METADATA_FOUNDERS: readonly ReplicaId[] = [replicaId(FIRST_NODE, 1)];

export const METADATA_SPACE = '\xff\xff\xff\xf0';
export const METADATA_RANGE: KeyRange = { lo: METADATA_SPACE, hi: '\xff\xff\xff\xf1' };
/** From here on stands the catalog (catalog/catalog-store.ts). */
const CATALOG_START = `${METADATA_SPACE}z`;

export interface ClusterRecord {
  readonly clusterId: string;
  /** Tablets are made when this many nodes have joined. */
  readonly initialNodes: number;
  /** They get their ids in this order, whoever comes first; those of later nodes follow. */
  readonly initialMembers: readonly { readonly host: string; readonly port: number }[];
  readonly replicationFactor: number;
  readonly tabletCount: number;
  readonly nextNode: NodeId;
  readonly nextTablet: TabletId;
}

export interface NodeRecord {
  readonly id: NodeId;
  /** 40 hexadecimal digits. */
  readonly redisId: string;
  readonly name: string;
  readonly host: string;
  readonly zone: string;
  readonly ports: NodePorts;
  /** Drawn by the joining process, so that a repeated request finds the node it has made already. */
  readonly token: string;
  /** Of the node's replica of the metadata group; 1 when left out. */
  readonly metadataGeneration?: number;
  /** The life of the node that last said that it has lost everything. */
  readonly rebuildEpoch?: number;
  /** The node is to be removed: its replicas are being moved. */
  readonly leaving?: boolean;
}

/** What is kept of a node that was removed, so that it is told so and its id is never given out again. */
export interface RemovedRecord {
  readonly id: NodeId;
  readonly name: string;
  readonly host: string;
  readonly peerPort: number;
}

export interface TabletRecord {
  readonly id: TabletId;
  readonly slotFirst: number;
  readonly slotLast: number;
  /** The members that the group began with; never changes. */
  readonly founders: readonly ReplicaId[];
  /** The members that the group is to have; its leader works towards it. The first one is the preferred leader. */
  readonly replicas: readonly ReplicaId[];
  /**
   * The members that the group had when its leader last confirmed that a change was complete, and those that were asked for
   * and given up since: any of these may still be needed for a quorum.
   */
  readonly confirmed: readonly ReplicaId[];
  /** The highest generation given to a replica so far, by node. */
  readonly generations: Readonly<Record<string, number>>;
  /** Nodes whose replica was lost to damage and that are to be given another, with its place in `replicas`, by node. */
  readonly rebuilding?: Readonly<Record<string, number>>;
  /** Replicas that were given up with a removed node because no other one was free; made up for when there is one. */
  readonly vacant?: number;
}

export interface Metadata {
  readonly cluster: ClusterRecord | null;
  readonly nodes: ReadonlyMap<NodeId, NodeRecord>;
  readonly tablets: ReadonlyMap<TabletId, TabletRecord>;
  readonly removed: ReadonlyMap<NodeId, RemovedRecord>;
}

export const EMPTY_METADATA: Metadata = { cluster: null, nodes: new Map(), tablets: new Map(), removed: new Map() };

/** Reads everything. The records are few, so every change reads all of them again. */
export function readMetadata(transaction: Transaction): Metadata {
  let cluster: ClusterRecord | null = null;
  const nodes = new Map<NodeId, NodeRecord>();
  const tablets = new Map<TabletId, TabletRecord>();
  const removed = new Map<NodeId, RemovedRecord>();
  transaction.scan(METADATA_SPACE, CATALOG_START, false, (key, value) => {
    const record: unknown = JSON.parse(value.toString('utf8'));
    const kind = key[METADATA_SPACE.length];
    if (kind === 'c') cluster = record as ClusterRecord;
    else if (kind === 'n') nodes.set((record as NodeRecord).id, record as NodeRecord);
    else if (kind === 't') tablets.set((record as TabletRecord).id, record as TabletRecord);
    else if (kind === 'r') removed.set((record as RemovedRecord).id, record as RemovedRecord);
    return true;
  });
  return { cluster, nodes, tablets, removed };
}

export function putCluster(transaction: Transaction, record: ClusterRecord): void {
  transaction.put(`${METADATA_SPACE}c`, toBytes(record));
}

export function putNode(transaction: Transaction, record: NodeRecord): void {
  transaction.put(`${METADATA_SPACE}n${idKey(record.id)}`, toBytes(record));
}

export function deleteNode(transaction: Transaction, id: NodeId): void {
  transaction.delete(`${METADATA_SPACE}n${idKey(id)}`);
}

export function putRemoved(transaction: Transaction, record: RemovedRecord): void {
  transaction.put(`${METADATA_SPACE}r${idKey(record.id)}`, toBytes(record));
}

export function putTablet(transaction: Transaction, record: TabletRecord): void {
  assert(record.slotFirst <= record.slotLast && record.slotLast < SLOT_COUNT, 'a tablet owns a range of slots');
  transaction.put(`${METADATA_SPACE}t${idKey(record.id)}`, toBytes(record));
}

function idKey(id: number): ByteKey {
  const key = Buffer.allocUnsafe(4);
  key.writeUInt32BE(id, 0);
  return key.toString('latin1');
}

function toBytes(record: object): Buffer {
  return Buffer.from(JSON.stringify(record), 'utf8');
}
