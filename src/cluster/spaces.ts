/**
 * The key spaces that hold slots, and with them the keys that a tablet owns. A key is `space u32 | slot u16 | ...`.
 *
 * Some spaces are known beforehand. Those of CQL tables come and go, and a replica may hold rows of a table that its node's
 * metadata does not know yet (or not any more), so they are found by looking at what is there.
 */
import type { ByteKey, KeyFinder, KeyRange } from '../storage/ordered-store.ts';

/** Redis: keys, expiry index, counters, trash, index of fields that expire. CQL: expiry index, batch log, applied batches, sweeps. */
const FIXED_SPACES = [0, 1, 2, 3, 4, 16, 17, 18, 19];

/** Every table and every index of the CQL door has a space of its own from here on; the numbers come from the catalog. */
export const TABLE_SPACE_FIRST = 256;
/** Exclusive. */
const TABLE_SPACE_END = 0xfffffff0;

/** The key ranges of a tablet that owns these slots, one for each space that may hold something. */
export function slotRanges(slotFirst: number, slotLast: number, content: KeyFinder): KeyRange[] {
  return [...FIXED_SPACES, ...tableSpaces(content)].map((space) => ({
    lo: slotKey(space, slotFirst),
    hi: slotKey(space, slotLast + 1),
  }));
}

/** Whoever's slots they are: one seek for each space that is there. */
function tableSpaces(content: KeyFinder): number[] {
  const spaces: number[] = [];
  const end = slotKey(TABLE_SPACE_END, 0);
  let space = TABLE_SPACE_FIRST;
  for (;;) {
    const key = content.firstKey(slotKey(space, 0), end);
    if (key === undefined) return spaces;
    space = Buffer.from(key.slice(0, 4), 'latin1').readUInt32BE(0);
    spaces.push(space);
    space += 1;
  }
}

function slotKey(space: number, slot: number): ByteKey {
  const key = Buffer.allocUnsafe(6);
  key.writeUInt32BE(space, 0);
  key.writeUInt16BE(slot, 4);
  return key.toString('latin1');
}
