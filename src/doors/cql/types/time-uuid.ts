/** The time in uuids of version 1: a count of 100 nanoseconds since 1582. */

const TICKS_TO_1970 = 0x01b21dd213814000n;
const TICKS_A_MS = 10_000n;

/** Milliseconds since 1970. */
export function timeUuid_ms(uuid: Buffer): bigint {
  const ticks =
    (BigInt(uuid.readUInt16BE(6) & 0x0fff) << 48n) |
    (BigInt(uuid.readUInt16BE(4)) << 32n) |
    BigInt(uuid.readUInt32BE(0));
  const sinceEpoch = ticks - TICKS_TO_1970;
  // Rounds down, before 1970 as well.
  return sinceEpoch >= 0n ? sinceEpoch / TICKS_A_MS : -((-sinceEpoch + TICKS_A_MS - 1n) / TICKS_A_MS);
}

/** `rest`: clock sequence and node, eight bytes. */
export function timeUuidOf(ticksSince1970: bigint, rest: Buffer): Buffer {
  const ticks = BigInt.asUintN(60, ticksSince1970 + TICKS_TO_1970);
  const bytes = Buffer.allocUnsafe(16);
  bytes.writeUInt32BE(Number(ticks & 0xffffffffn), 0);
  bytes.writeUInt16BE(Number((ticks >> 32n) & 0xffffn), 4);
  bytes.writeUInt16BE(Number(ticks >> 48n) | 0x1000, 6);
  rest.copy(bytes, 8, 0, 8);
  return bytes;
}

/** Before all uuids of its millisecond in the order of timeuuid, whose last eight bytes are signed. */
export function minTimeUuid(timestamp_ms: bigint): Buffer {
  return timeUuidOf(timestamp_ms * TICKS_A_MS, LOWEST);
}

/** Behind all uuids of its millisecond. */
export function maxTimeUuid(timestamp_ms: bigint): Buffer {
  return timeUuidOf(timestamp_ms * TICKS_A_MS + TICKS_A_MS - 1n, HIGHEST);
}

const LOWEST = Buffer.alloc(8, 0x80);
const HIGHEST = Buffer.alloc(8, 0x7f);
