/**
 * What nodes, joining processes and operators ask each other outside the hot paths: small JSON documents. Input from the network
 * is checked here, so that the rest may rely on its shape.
 */
import { ERRORS, type ErrorCode, FolkmootError } from '../base/errors.ts';
import type { NodeId, NodePorts, TabletId } from './view.ts';

export interface Seed {
  readonly node: NodeId;
  readonly host: string;
  readonly port: number;
}

export interface JoinRequest {
  readonly type: 'join';
  readonly token: string;
  readonly redisId: string;
  readonly name: string;
  readonly host: string;
  readonly zone: string;
  readonly ports: NodePorts;
}

/** Asks whether the process belongs to a cluster. */
export interface HelloRequest {
  readonly type: 'hello';
  /** The member that asks: it is told when it has been removed. Left out by a process that is none. */
  readonly node?: NodeId;
  /** The member that asks, when it has lost its replica of the metadata group: who is asked may not reach it any more later. */
  readonly damaged?: NodeId;
}

/** Asks the leader of the metadata group for a change. */
export interface ReplicaRequest {
  readonly type: 'addReplica' | 'removeReplica' | 'confirm';
  readonly tablet: TabletId;
  readonly node: NodeId;
  /** confirm: the members that were reached. */
  readonly replicas?: readonly number[];
}

/** A member has lost a replica to damage and asks for another one. */
export interface RebuildReplicaRequest {
  readonly type: 'rebuildReplica';
  readonly tablet: TabletId;
  readonly node: NodeId;
  /** 0 when it does not know which one it was. */
  readonly replica: number;
}

/**
 * A member has lost its replica of the metadata group, and with it all others. Answered with `again` until the group works
 * without the lost one, then with the generation of the one that the member is to have.
 */
export interface RebuildNodeRequest {
  readonly type: 'rebuildNode';
  readonly clusterId: string;
  readonly node: NodeId;
  readonly epoch: number;
  /** The lost replica of the metadata group; 0 when it does not know which one it was. */
  readonly replica: number;
}

/** Asks the leader of the metadata group to take a node out of the cluster. */
export interface RemoveNodeRequest {
  readonly type: 'removeNode';
  readonly node: NodeId;
}

/** Asks the leader of a tablet to hand it to a node. */
export interface TransferRequest {
  readonly type: 'transfer';
  readonly tablet: TabletId;
  readonly node: NodeId;
}

/** A member tells where it is now. */
export interface MoveRequest {
  readonly type: 'move';
  readonly node: NodeId;
  readonly name: string;
  readonly host: string;
  readonly zone: string;
  readonly ports: NodePorts;
}

export type ClusterRequest =
  | MoveRequest
  | JoinRequest
  | HelloRequest
  | ReplicaRequest
  | TransferRequest
  | RebuildReplicaRequest
  | RebuildNodeRequest
  | RemoveNodeRequest;

export interface ClusterReply {
  /** Empty when all is well, else why not, in words for an operator. */
  readonly error: string;
  /** The asked process belongs to no cluster yet, or does not lead what it would have to: ask again or elsewhere. */
  readonly again: boolean;
  readonly clusterId: string;
  /** join: the node that the joining process is from now on. */
  readonly node: NodeId;
  readonly seeds: readonly Seed[];
  /** Code and cure of `error` where it is one of the product's table (base/errors.ts), else empty. */
  readonly code: string;
  readonly cure: string;
  /** rebuildNode: generation of the asking node's replica of the metadata group. */
  readonly generation: number;
  /** hello: the answering member has lost its replica of the metadata group. */
  readonly damaged: boolean;
}

export function reply(fields: Partial<ClusterReply>): ClusterReply {
  return {
    error: '',
    again: false,
    clusterId: '',
    node: 0,
    seeds: [],
    code: '',
    cure: '',
    generation: 0,
    damaged: false,
    ...fields,
  };
}

export function errorReply(error: unknown): ClusterReply {
  if (error instanceof FolkmootError) return reply({ error: error.message, code: error.code, cure: error.cure });
  return reply({ error: error instanceof Error ? error.message : String(error) });
}

/** The error of a reply as it was thrown where it came from. */
export function errorOf(answer: ClusterReply): Error {
  if (answer.code in ERRORS) return new FolkmootError(answer.code as ErrorCode, answer.error, answer.cure);
  return new Error(answer.error);
}

export function encode(message: ClusterRequest | ClusterReply): Buffer {
  return Buffer.from(JSON.stringify(message), 'utf8');
}

/** Null when the bytes are no request of this version. */
export function decodeRequest(bytes: Buffer): ClusterRequest | null {
  const value = parse(bytes);
  if (value === null) return null;
  switch (value['type']) {
    case 'hello':
      return {
        type: 'hello',
        ...(isId(value['node']) ? { node: value['node'] as NodeId } : {}),
        ...(isId(value['damaged']) ? { damaged: value['damaged'] as NodeId } : {}),
      };
    case 'join':
      return isText(value, ['token', 'redisId', 'name', 'host', 'zone']) && isPorts(value['ports'])
        ? (value as unknown as JoinRequest)
        : null;
    case 'move':
      return isId(value['node']) && isText(value, ['name', 'host', 'zone']) && isPorts(value['ports'])
        ? (value as unknown as MoveRequest)
        : null;
    case 'addReplica':
    case 'removeReplica':
    case 'transfer':
      return isId(value['tablet']) && isId(value['node']) ? (value as unknown as ReplicaRequest) : null;
    case 'rebuildNode':
      return isId(value['node']) &&
        isId(value['epoch']) &&
        Number.isSafeInteger(value['replica']) &&
        isText(value, ['clusterId'])
        ? (value as unknown as RebuildNodeRequest)
        : null;
    case 'rebuildReplica':
      return isId(value['tablet']) && isId(value['node']) && Number.isSafeInteger(value['replica'])
        ? (value as unknown as RebuildReplicaRequest)
        : null;
    case 'removeNode':
      return isId(value['node']) ? (value as unknown as RemoveNodeRequest) : null;
    case 'confirm':
      return isId(value['tablet']) && isId(value['node']) && Array.isArray(value['replicas'])
        ? (value as unknown as ReplicaRequest)
        : null;
    default:
      return null;
  }
}

/** Null when the bytes are no reply of this version. */
export function decodeReply(bytes: Buffer): ClusterReply | null {
  const value = parse(bytes);
  if (value === null) return null;
  // An error may be as long as it needs to be to help.
  if (typeof value['error'] !== 'string' || !isText(value, ['clusterId'])) return null;
  if (typeof value['again'] !== 'boolean') return null;
  if (!Number.isSafeInteger(value['node']) || !Array.isArray(value['seeds'])) return null;
  return reply(value as Partial<ClusterReply>);
}

function parse(bytes: Buffer): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    // Not JSON: the caller refuses it.
    return null;
  }
}

function isText(value: Record<string, unknown>, names: readonly string[]): boolean {
  return names.every((name) => typeof value[name] === 'string' && (value[name] as string).length <= 255);
}

function isId(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function isPorts(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const ports = value as Record<string, unknown>;
  // Nodes before version 0.2 have no port for CQL.
  return ['redis', 'redisSingle', 'cql', 'admin', 'peer'].every((name) => {
    const port = ports[name] ?? (name === 'cql' ? 0 : undefined);
    return Number.isSafeInteger(port) && (port as number) >= 0 && (port as number) <= 65_535;
  });
}
