/**
 * What a node keeps about each of its replicas beside the data, written in the same store transaction as the data it
 * describes. It lives in a space of its own that no tablet owns, so it is never part of a snapshot.
 *
 * Key:   ffffffff | tablet id u32, big-endian
 * Value: version u8 | flags u8 (1 installing) | replica f64 | applied index f64 | applied term f64 | consistent index f64 |
 *        configuration
 * Version log: 1, first.
 */
import type { ConfState, ReplicaId } from '../raft/types.ts';
import type { ByteKey } from '../storage/ordered-store.ts';
import { decodeConfState, encodeConfState } from './conf-state-codec.ts';
import type { Tablet } from './tablet.ts';

const VERSION = 1;
const FLAG_INSTALLING = 1;
const HEADER_BYTES = 2 + 4 * 8;

export interface TabletMeta {
  readonly replica: ReplicaId;
  readonly appliedIndex: number;
  readonly appliedTerm: number;
  /**
   * The store may hold parts of what entries up to here have written. Below it the state is a mixture that never existed, and
   * only replaying the log up to here makes it one that did.
   */
  readonly consistentIndex: number;
  readonly confState: ConfState;
  /** The state was being replaced when this was written: it is not whole. */
  readonly installing: boolean;
}

export const META_LO: ByteKey = '\xff\xff\xff\xff';
export const META_HI: ByteKey = '\xff\xff\xff\xff\xff\xff\xff\xff\xff';

export function metaKey(tablet: number): ByteKey {
  const key = Buffer.allocUnsafe(8);
  key.writeUInt32BE(0xffffffff, 0);
  key.writeUInt32BE(tablet, 4);
  return key.toString('latin1');
}

export function tabletOfMetaKey(key: ByteKey): number {
  return Buffer.from(key, 'latin1').readUInt32BE(4);
}

export function encodeTabletMeta(meta: TabletMeta): Buffer {
  const confState = encodeConfState(meta.confState);
  const buffer = Buffer.allocUnsafe(HEADER_BYTES + confState.length);
  buffer[0] = VERSION;
  buffer[1] = meta.installing ? FLAG_INSTALLING : 0;
  buffer.writeDoubleLE(meta.replica, 2);
  buffer.writeDoubleLE(meta.appliedIndex, 10);
  buffer.writeDoubleLE(meta.appliedTerm, 18);
  buffer.writeDoubleLE(meta.consistentIndex, 26);
  confState.copy(buffer, HEADER_BYTES);
  return buffer;
}

/** Null when the bytes are not what `encodeTabletMeta` writes. */
export function decodeTabletMeta(buffer: Buffer): TabletMeta | null {
  if (buffer.length < HEADER_BYTES || buffer[0] !== VERSION) return null;
  const confState = decodeConfState(buffer.subarray(HEADER_BYTES));
  if (confState === null) return null;
  return {
    installing: ((buffer[1] as number) & FLAG_INSTALLING) !== 0,
    replica: buffer.readDoubleLE(2),
    appliedIndex: buffer.readDoubleLE(10),
    appliedTerm: buffer.readDoubleLE(18),
    consistentIndex: buffer.readDoubleLE(26),
    confState,
  };
}

/** What is true of a replica now. */
export function metaOf(tablet: Tablet, installing: boolean): TabletMeta {
  return {
    replica: tablet.replica,
    appliedIndex: tablet.raft.appliedIndex,
    appliedTerm: tablet.appliedTerm,
    consistentIndex: tablet.consistentIndex,
    confState: tablet.confState,
    installing,
  };
}
