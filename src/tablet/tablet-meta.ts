/**
 * What a node keeps about each of its replicas beside the data, written in the same store transaction as the data it
 * describes. It lives in a space of its own that no tablet owns, so it is never part of a snapshot.
 *
 * Key:   ffffffff | tablet id u32, big-endian
 * Value: version u8 | flags u8 (1 installing, 2 damaged, 4 the log follows) | replica f64 | applied index f64 | applied term f64 | consistent index f64 |
 *        configuration
 * Version log: 1, first.
 *
 * Tablet 0 is none: its value is the newest batch of the log that was durable when the store was last written, f64.
 */
import type { ConfState, ReplicaId } from '../raft/types.ts';
import { StoreDamagedError } from '../storage/errors.ts';
import type { ByteKey, OrderedStore } from '../storage/ordered-store.ts';
import { decodeConfState, EMPTY_CONF_STATE, encodeConfState } from './conf-state-codec.ts';
import type { Tablet } from './tablet.ts';

const VERSION = 1;
const FLAG_INSTALLING = 1;
const FLAG_DAMAGED = 2;
const FLAG_LOG_FOLLOWS = 4;
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
  /** The replica has lost something: it never takes part again, and is to be replaced by another (docs/internals/damage.md). */
  readonly damaged: boolean;
  /** A snapshot has brought the store here; the log may not say so yet. */
  readonly logFollows: boolean;
}

/** Of a replica that is sound and whole. */
export const SOUND = { installing: false, damaged: false, logFollows: false } as const;

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
  buffer[1] =
    (meta.installing ? FLAG_INSTALLING : 0) |
    (meta.damaged ? FLAG_DAMAGED : 0) |
    (meta.logFollows ? FLAG_LOG_FOLLOWS : 0);
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
  const flags = buffer[1] as number;
  return {
    installing: (flags & FLAG_INSTALLING) !== 0,
    damaged: (flags & FLAG_DAMAGED) !== 0,
    logFollows: (flags & FLAG_LOG_FOLLOWS) !== 0,
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
    ...SOUND,
    installing,
  };
}

/** What stays of a replica that is lost, until it is removed. */
export function encodeLostMeta(last: TabletMeta | null): Buffer {
  return encodeTabletMeta({ ...(last ?? UNKNOWN), damaged: true });
}

const UNKNOWN: TabletMeta = {
  replica: 0,
  appliedIndex: 0,
  appliedTerm: 0,
  consistentIndex: 0,
  confState: EMPTY_CONF_STATE,
  ...SOUND,
};

const NO_TABLET = 0;

/** Written with every change of the store, so that a log that has lost its end is known as one. */
export function logWitness(batch: number): [ByteKey, Buffer] {
  const value = Buffer.allocUnsafe(8);
  value.writeDoubleLE(batch, 0);
  return [metaKey(NO_TABLET), value];
}

export interface StoredMetas {
  /** Null when the record is damaged. */
  readonly metas: Map<number, TabletMeta | null>;
  /** 0 when nothing was written yet, or it cannot be read. */
  readonly logWitness: number;
}

/** Everything that the store says of replicas, past records that are damaged. */
export function readMetas(store: OrderedStore): StoredMetas {
  const metas = new Map<number, TabletMeta | null>();
  let witness = 0;
  for (let from = META_LO; ; ) {
    try {
      store.scan(from, META_HI, false, (key, value) => {
        if (key === metaKey(NO_TABLET)) witness = value.length === 8 ? value.readDoubleLE(0) : 0;
        else metas.set(tabletOfMetaKey(key), decodeTabletMeta(value));
        return true;
      });
      return { metas, logWitness: witness };
    } catch (error) {
      if (!(error instanceof StoreDamagedError)) throw error;
      const key = Buffer.from(error.lo, 'hex').toString('latin1');
      if (key.length !== metaKey(NO_TABLET).length || key < from) throw error;
      if (key !== metaKey(NO_TABLET)) metas.set(tabletOfMetaKey(key), null);
      from = `${key}\0`;
    }
  }
}
