/** Redis Cluster's slots: CRC-16 (XMODEM) of the key, or of what stands between its first pair of braces, modulo 16,384. */
export const SLOT_COUNT = 16_384;

const table = new Uint16Array(256).map((_, index) => {
  let crc = index << 8;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000) !== 0 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
  return crc;
});

/** Without hash tags: the keys of the load have none, and this runs a million times at start. */
export function slotOfBytes(bytes: Uint8Array, start: number, end: number): number {
  let crc = 0;
  for (let index = start; index < end; index++) {
    crc = ((crc << 8) & 0xffff) ^ (table[(crc >> 8) ^ (bytes[index] ?? 0)] ?? 0);
  }
  return crc & (SLOT_COUNT - 1);
}

export function slotOfKey(key: string): number {
  const open = key.indexOf('{');
  const close = open < 0 ? -1 : key.indexOf('}', open + 1);
  const bytes = Buffer.from(close > open + 1 ? key.slice(open + 1, close) : key);
  return slotOfBytes(bytes, 0, bytes.length);
}

/** Slots `first` to `last` are served by node number `node`. */
export interface SlotRange {
  readonly first: number;
  readonly last: number;
  readonly node: number;
}
