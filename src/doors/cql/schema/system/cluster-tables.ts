/** `system.local`, `system.peers` and `system.peers_v2`: how drivers find the nodes. */
import { createHash } from 'node:crypto';
import type { NodeView } from '../../../../cluster/view.ts';
import type { Schema } from '../model.ts';
import { DATA_CENTER } from '../replication.ts';
import type { SystemRow } from './cells.ts';
import type { SystemContext } from './context.ts';
import { tokensOf } from './tokens.ts';

/** What drivers take this server for. */
export const RELEASE_VERSION = '4.1.7';
export const CQL_VERSION = '3.4.6';
export const PARTITIONER = 'org.apache.cassandra.dht.Murmur3Partitioner';
const NATIVE_PROTOCOL_VERSION = '5';

export function* localRows(context: SystemContext): Iterable<SystemRow> {
  const { view, clusterName } = context;
  const self = view.nodes.find(({ id }) => id === view.self);
  if (self === undefined) return;
  const address = context.addressOf(self);
  yield {
    ...placeOf(self, context),
    key: 'local',
    bootstrapped: 'COMPLETED',
    broadcast_address: address,
    broadcast_port: self.ports.peer,
    cluster_name: clusterName,
    cql_version: CQL_VERSION,
    gossip_generation: 1,
    listen_address: address,
    listen_port: self.ports.peer,
    native_protocol_version: NATIVE_PROTOCOL_VERSION,
    partitioner: PARTITIONER,
    rpc_address: address,
    rpc_port: self.ports.cql,
  };
}

export function* peerRows(context: SystemContext): Iterable<SystemRow> {
  for (const { node, address } of peersOf(context)) {
    yield { ...placeOf(node, context), peer: address, preferred_ip: undefined, rpc_address: address };
  }
}

export function* peerRowsV2(context: SystemContext): Iterable<SystemRow> {
  for (const { node, address } of peersOf(context)) {
    yield {
      ...placeOf(node, context),
      peer: address,
      peer_port: node.ports.peer,
      native_address: address,
      native_port: node.ports.cql,
    };
  }
}

/** Other nodes with a door for these drivers, alive or not, as Cassandra has it: drivers find out by themselves who answers. */
function* peersOf({ view, addressOf }: SystemContext): Iterable<{ node: NodeView; address: string }> {
  for (const node of view.nodes) {
    const address = addressOf(node);
    if (node.id !== view.self && node.ports.cql !== 0 && address !== undefined) yield { node, address };
  }
}

function placeOf(node: NodeView, { view, schema }: SystemContext): SystemRow {
  return {
    data_center: DATA_CENTER,
    host_id: hostIdOf(node),
    rack: node.zone === '' ? 'rack1' : node.zone,
    release_version: RELEASE_VERSION,
    schema_version: schemaVersionOf(schema, view.clusterId),
    tokens: tokensOf(view).get(node.id),
  };
}

/** The same for ever: nodes have an id of 40 hexadecimal digits. */
export function hostIdOf(node: NodeView): string {
  return randomUuid(node.redisId.slice(0, 32).padEnd(32, '0'));
}

/** The same on all nodes that have applied the same changes. A change is answered when all live nodes have, so drivers see them agree. */
export function schemaVersionOf(schema: Schema, clusterId: string): string {
  const hash = createHash('sha256').update(`schema of ${clusterId}, version ${schema.version}`).digest('hex');
  return randomUuid(hash.slice(0, 32));
}

/** 128 bits as a uuid of version 4. */
function randomUuid(hex: string): string {
  const variant = '89ab'[Number.parseInt(hex[16] ?? '0', 16) & 3];
  return dashed(`${hex.slice(0, 12)}4${hex.slice(13, 16)}${variant}${hex.slice(17)}`);
}

export function dashed(hex: string): string {
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
