/**
 * Takes away what was durable on a machine's disks, and knows when that is allowed: a replica of each group may lose something as
 * long as a majority of whole ones is left, and not one more (docs/GUARANTEES.md).
 */
import type { Prng } from '../../src/base/prng.ts';
import { rebuildingNodes } from '../../src/cluster/membership-changes.ts';
import { METADATA_TABLET, type Metadata } from '../../src/cluster/metadata.ts';
import {
  BATCH_HEADER_BYTES,
  CHECKPOINT_AT,
  getBatchHeader,
  getSegmentHeader,
  padded,
  segmentNumber,
} from '../../src/storage/wal-format.ts';
import type { Tablet } from '../../src/tablet/tablet.ts';
import type { Machine } from '../cluster/machine.ts';
import { WAL_FOLDER } from '../cluster/node-process.ts';
import type { SimWorld } from '../cluster/sim-world.ts';

const VOTERS_MIN = 3;

/** Whether all groups are whole, have no change of members under way, and can do without any one of their voters. */
export function mayDamage(world: SimWorld): boolean {
  const group = leaderOf(world, METADATA_TABLET);
  const metadata = group === null ? undefined : metadataOf(world, group);
  if (group === null || metadata === undefined || !isSettled(group)) return false;
  for (const machine of world.machines) {
    if (!machine.damaged) continue;
    if (!isWhole(machine, metadata)) return false;
    machine.damaged = false;
  }
  for (const record of metadata.tablets.values()) {
    const leader = leaderOf(world, record.id);
    if (leader === null || !isSettled(leader) || rebuildingNodes(record).length > 0) return false;
    if (record.replicas.length !== leader.confState.voters.length) return false;
    if (record.replicas.length !== record.confirmed.length) return false;
    if (!record.replicas.every((replica) => leader.confState.voters.includes(replica))) return false;
  }
  return metadata.tablets.size > 0;
}

function isSettled({ confState }: Tablet): boolean {
  return confState.voters.length >= VOTERS_MIN && confState.votersOutgoing.length === 0;
}

function isWhole(machine: Machine, metadata: Metadata): boolean {
  const cluster = machine.process?.cluster;
  const host = cluster?.host ?? null;
  if (cluster === undefined || host === null || machine.store.isRotten || machine.logIsRotten) return false;
  if (host.lost.size > 0 || host.get(METADATA_TABLET)?.isCurrent !== true) return false;
  return [...metadata.tablets.values()].every((record) => !rebuildingNodes(record).includes(cluster.identity.node));
}

function leaderOf(world: SimWorld, id: number): Tablet | null {
  let best: Tablet | null = null;
  for (const { process } of world.machines) {
    const tablet = process?.cluster.host?.get(id);
    if (tablet?.serving === true && (best === null || tablet.raft.term > best.raft.term)) best = tablet;
  }
  return best;
}

function metadataOf(world: SimWorld, leader: Tablet): Metadata | undefined {
  return world.machines.find(({ process }) => process?.cluster.host?.get(METADATA_TABLET) === leader)?.process?.cluster
    .metadata;
}

interface Batch {
  readonly path: string;
  readonly at: number;
  readonly bytes: number;
  readonly sequence: number;
}

/**
 * Flips a bit in a batch of the log that a later one vouches for, while no process runs. False when there is none. The last batch is
 * left alone: damaged, it looks like a write that was cut off (docs/internals/damage.md).
 */
export function rotLog(machine: Machine, prng: Prng): boolean {
  const batches: Batch[] = [];
  for (const [path, { data }] of machine.disk.files) {
    if (path.startsWith(`${WAL_FOLDER}/`)) batches.push(...batchesOf(path, data));
  }
  const last = batches.reduce((most, { sequence }) => Math.max(most, sequence), 0);
  const durable = batches.filter(({ sequence }) => sequence < last);
  if (durable.length === 0) return false;
  const { path, at, bytes } = prng.pick(durable);
  const data = machine.disk.files.get(path)?.data as Buffer;
  const place = at + prng.below(bytes);
  data[place] = (data[place] as number) ^ (1 << prng.below(8));
  return true;
}

function batchesOf(path: string, data: Buffer): Batch[] {
  const batches: Batch[] = [];
  const segment = getSegmentHeader(data);
  // A file that was prepared for use again holds an earlier segment still.
  if (segment === null || segment.number !== segmentNumber(path.slice(WAL_FOLDER.length + 1))) return batches;
  let at = CHECKPOINT_AT + padded(segment.checkpointLength);
  for (let sequence = segment.firstSequence; ; sequence += 1) {
    const batch = getBatchHeader(data, at, segment.salt);
    if (batch === null || batch.sequence !== sequence) return batches;
    const bytes = BATCH_HEADER_BYTES + batch.payloadLength;
    batches.push({ path, at, bytes, sequence });
    at += padded(bytes);
  }
}
