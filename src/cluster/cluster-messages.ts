/**
 * What nodes, joining processes and operators ask each other outside the hot paths: small JSON documents. Input from the network
 * is checked here, so that the rest may rely on its shape.
 */
import type { ReplicaId } from '../raft/types.ts';
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
}

/** Asks the leader of the metadata group for a change. */
export interface ReplicaRequest {
  readonly type: 'addReplica' | 'removeReplica';
  readonly tablet: TabletId;
  readonly node: NodeId;
}

/** The leader of a tablet on `node` says that these are its members now, and no others. */
export interface ConfirmRequest {
  readonly type: 'confirm';
  readonly tablet: TabletId;
  readonly node: NodeId;
  readonly replicas: readonly ReplicaId[];
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
  | ConfirmRequest
  | TransferRequest;

export interface ClusterReply {
  /** Empty when all is well, else why not, in words for an operator. */
  readonly error: string;
  /** The asked process belongs to no cluster yet, or does not lead what it would have to: ask again or elsewhere. */
  readonly again: boolean;
  readonly clusterId: string;
  /** join: the node that the joining process is from now on. */
  readonly node: NodeId;
  readonly seeds: readonly Seed[];
}

export function reply(fields: Partial<ClusterReply>): ClusterReply {
  return { error: '', again: false, clusterId: '', node: 0, seeds: [], ...fields };
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
      return { type: 'hello' };
    case 'join':
      return isText(value, ['token', 'redisId', 'name', 'host', 'zone']) && isPorts(value['ports'])
        ? (value as unknown as JoinRequest)
        : null;
    case 'move':
      return isId(value['node']) && isText(value, ['name', 'host', 'zone']) && isPorts(value['ports'])
        ? (value as unknown as MoveRequest)
        : null;
    case 'confirm':
      return isId(value['tablet']) && isId(value['node']) && isIds(value['replicas'])
        ? (value as unknown as ConfirmRequest)
        : null;
    case 'addReplica':
    case 'removeReplica':
    case 'transfer':
      return isId(value['tablet']) && isId(value['node']) ? (value as unknown as ReplicaRequest) : null;
    default:
      return null;
  }
}

/** Null when the bytes are no reply of this version. */
export function decodeReply(bytes: Buffer): ClusterReply | null {
  const value = parse(bytes);
  if (value === null) return null;
  if (!isText(value, ['error', 'clusterId']) || typeof value['again'] !== 'boolean') return null;
  if (!Number.isSafeInteger(value['node']) || !Array.isArray(value['seeds'])) return null;
  return value as unknown as ClusterReply;
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

function isIds(value: unknown): boolean {
  return Array.isArray(value) && value.every(isId);
}

function isPorts(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const ports = value as Record<string, unknown>;
  return ['redis', 'redisSingle', 'admin', 'peer'].every((name) => {
    const port = ports[name];
    return Number.isSafeInteger(port) && (port as number) >= 0 && (port as number) <= 65_535;
  });
}
