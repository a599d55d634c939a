/**
 * The datagrams of liveness: a heartbeat, and the support that answers it. One fixed layout for both, little-endian.
 *
 *    0 magic u32 "FMLV"        4 version u8      5 type u8 (1 heartbeat, 2 support)   6 zero u16
 *    8 cluster id 16 bytes    24 from u32       28 to u32
 *   32 epoch of the sender f64                  40 sequence of the heartbeat f64
 *   48 monotonic time in us at which the heartbeat was sent, by its sender's clock; echoed f64
 *   heartbeat:                                  support:
 *   56 zero f64                                 56 epoch of the supported node f64
 *   64 zero f64                                 64 generation f64
 *   72 age of the main loop in ms u32           72 length of the promise in ms u32
 *   76 age of the running fdatasync in ms u32   76 zero u32
 *   80 seal 32 bytes: HMAC-SHA256 over the bytes before it with the key of the cluster; zero without one
 *
 * Version log: 1, first.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { LIVENESS_EPOCH_MAX } from './liveness.ts';

export const DATAGRAM_BYTES = 112;
const SEAL_AT = 80;
const MAGIC = 0x564c4d46;
const VERSION = 1;

export const DatagramType = { heartbeat: 1, support: 2 } as const;
export type DatagramType = (typeof DatagramType)[keyof typeof DatagramType];

/** One object that is filled again for each datagram. */
export interface Datagram {
  type: DatagramType;
  from: number;
  to: number;
  epoch: number;
  sequence: number;
  sentAt_us: number;
  /** In support: the epoch of the node that is supported. */
  supportedEpoch: number;
  /** In support. */
  generation: number;
  /** In support. */
  promise_ms: number;
  /** In heartbeats. */
  loopAge_ms: number;
  syncAge_ms: number;
}

export function newDatagram(): Datagram {
  return {
    type: DatagramType.heartbeat,
    from: 0,
    to: 0,
    epoch: 0,
    sequence: 0,
    sentAt_us: 0,
    supportedEpoch: 0,
    generation: 0,
    promise_ms: 0,
    loopAge_ms: 0,
    syncAge_ms: 0,
  };
}

const NO_KEY = Buffer.alloc(0);

/** `clusterId` as 16 bytes; `key` empty for no seal. */
export function encodeDatagram(datagram: Datagram, clusterId: Uint8Array, key: Buffer = NO_KEY): Buffer {
  const isHeartbeat = datagram.type === DatagramType.heartbeat;
  const bytes = Buffer.alloc(DATAGRAM_BYTES);
  bytes.writeUInt32LE(MAGIC, 0);
  bytes[4] = VERSION;
  bytes[5] = datagram.type;
  bytes.set(clusterId, 8);
  bytes.writeUInt32LE(datagram.from, 24);
  bytes.writeUInt32LE(datagram.to, 28);
  bytes.writeDoubleLE(datagram.epoch, 32);
  bytes.writeDoubleLE(datagram.sequence, 40);
  bytes.writeDoubleLE(datagram.sentAt_us, 48);
  bytes.writeDoubleLE(isHeartbeat ? 0 : datagram.supportedEpoch, 56);
  bytes.writeDoubleLE(isHeartbeat ? 0 : datagram.generation, 64);
  bytes.writeUInt32LE(isHeartbeat ? datagram.loopAge_ms : datagram.promise_ms, 72);
  bytes.writeUInt32LE(isHeartbeat ? datagram.syncAge_ms : 0, 76);
  if (key.length > 0) sealOf(bytes, key).copy(bytes, SEAL_AT);
  return bytes;
}

/** A repeated datagram has a sequence that is not new, so a seal over the bytes alone is enough. */
function sealOf(bytes: Buffer, key: Buffer): Buffer {
  return createHmac('sha256', key).update(bytes.subarray(0, SEAL_AT)).digest();
}

export const DatagramCheck = { good: 0, malformed: 1, otherCluster: 2, badSeal: 3 } as const;
export type DatagramCheck = (typeof DatagramCheck)[keyof typeof DatagramCheck];

/** Reads a datagram into `into`, which is only meaningful when the result is good. */
export function decodeDatagram(bytes: Buffer, clusterId: Buffer, into: Datagram, key: Buffer = NO_KEY): DatagramCheck {
  // A longer one may come from a later version that added fields; its first bytes mean the same.
  if (bytes.length < DATAGRAM_BYTES || bytes.readUInt32LE(0) !== MAGIC) return DatagramCheck.malformed;
  const type = bytes[5] as DatagramType;
  if (bytes[4] !== VERSION || (type !== DatagramType.heartbeat && type !== DatagramType.support))
    return DatagramCheck.malformed;
  if (bytes.compare(clusterId, 0, 16, 8, 24) !== 0) return DatagramCheck.otherCluster;
  if (key.length > 0 && !timingSafeEqual(sealOf(bytes, key), bytes.subarray(SEAL_AT, DATAGRAM_BYTES))) {
    return DatagramCheck.badSeal;
  }
  const isHeartbeat = type === DatagramType.heartbeat;
  into.type = type;
  into.from = bytes.readUInt32LE(24);
  into.to = bytes.readUInt32LE(28);
  into.epoch = bytes.readDoubleLE(32);
  into.sequence = bytes.readDoubleLE(40);
  into.sentAt_us = bytes.readDoubleLE(48);
  into.supportedEpoch = bytes.readDoubleLE(56);
  into.generation = bytes.readDoubleLE(64);
  into.promise_ms = isHeartbeat ? 0 : bytes.readUInt32LE(72);
  into.loopAge_ms = isHeartbeat ? bytes.readUInt32LE(72) : 0;
  into.syncAge_ms = isHeartbeat ? bytes.readUInt32LE(76) : 0;
  const valid =
    isCount(into.epoch) &&
    into.epoch >= 1 &&
    into.epoch <= LIVENESS_EPOCH_MAX &&
    isCount(into.sequence) &&
    isCount(into.sentAt_us) &&
    isCount(into.supportedEpoch) &&
    isCount(into.generation);
  return valid ? DatagramCheck.good : DatagramCheck.malformed;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
