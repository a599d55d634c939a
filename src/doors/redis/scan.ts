/**
 * SCAN without state on the server: the cursor says where to go on.
 *
 *   cursor = slot * 2^38 + position,   position = least 38-bit hash of a key still to be returned in that slot
 *
 * Slots are returned whole while there are few keys in them. In a slot with many keys (a hash tag in heavy use) keys are
 * returned in order of their hash, and those of equal hash together, so a key that is there throughout is returned
 * whatever else is written in between. A cursor is below 2^53: some clients make a floating-point number of it.
 */
import { SLOT_COUNT } from '../../cluster/view.ts';
import type { CommandContext } from './context.ts';
import { globMatches } from './glob.ts';
import { scanHashHalves } from './scan-hash.ts';
import { TYPE_NAMES, typeOf } from './value.ts';
import { visitCounts } from './visit-counts.ts';

const POSITION_BITS = 38;
const POSITION_RANGE = 2 ** POSITION_BITS;
/** A slot with no more keys than this is returned whole. */
export const WHOLE_SLOT_KEYS_MAX = 512;
/** A large slot is returned in at most so many parts, since each has to look at all of it. */
const PARTS_MAX = 64;

export interface ScanPlace {
  readonly slot: number;
  readonly position: number;
}

/** undefined for a text that is no cursor of ours. */
export function parseCursor(text: string): ScanPlace | undefined {
  if (!/^\d{1,20}$/.test(text)) return undefined;
  const value = Number(text);
  const slot = Math.floor(value / POSITION_RANGE);
  // As Redis does with any number it did not give out itself: an end, not an error.
  if (!Number.isSafeInteger(value) || slot >= SLOT_COUNT) return { slot: SLOT_COUNT, position: 0 };
  return { slot, position: value % POSITION_RANGE };
}

export function formatCursor(place: ScanPlace): string {
  return place.slot >= SLOT_COUNT ? '0' : String(place.slot * POSITION_RANGE + place.position);
}

/** 38 bits of a key. */
export function scanHash(key: string): number {
  const [high, low] = scanHashHalves(key);
  return (high >>> (64 - POSITION_BITS)) * 0x1_0000_0000 + low;
}

export interface ScanFilter {
  /** undefined: all keys. */
  readonly pattern: string | undefined;
  /** Name of a type, in small letters; undefined: all. */
  readonly type: string | undefined;
}

/** One step within the slots `place.slot` to `last`: the keys, and where to go on (slot last + 1 when this range is done). */
export function scanRange(
  context: CommandContext,
  place: ScanPlace,
  last: number,
  count: number,
  filter: ScanFilter,
): { keys: string[]; next: ScanPlace } {
  const keys: string[] = [];
  let looked = 0;
  let next: ScanPlace = { slot: last + 1, position: 0 };
  const slots: { slot: number; size: number }[] = [];
  let sizes = 0;
  visitCounts(context, place.slot, last, (slot, size) => {
    slots.push({ slot, size });
    sizes += size;
    return sizes < count;
  });
  for (const { slot, size } of slots) {
    const position = slot === place.slot ? place.position : 0;
    const step = scanSlot(context, slot, position, size, count - looked, filter, keys);
    looked += step.looked;
    next = step.rest >= 0 ? { slot, position: step.rest } : { slot: slot + 1, position: 0 };
    if (step.rest >= 0 || looked >= count) return { keys, next };
  }
  // Fewer slots than asked for are left only at the end of the range.
  return { keys, next: sizes < count ? { slot: last + 1, position: 0 } : next };
}

/** `rest`: the position to go on at; -1 when the slot is done. */
function scanSlot(
  context: CommandContext,
  slot: number,
  position: number,
  size: number,
  wanted: number,
  filter: ScanFilter,
  keys: string[],
): { looked: number; rest: number } {
  if (position === 0 && size <= WHOLE_SLOT_KEYS_MAX) {
    context.keyspace.scanSlot(slot, (key, value) => {
      if (passes(filter, key, value)) keys.push(key);
      return true;
    });
    return { looked: size, rest: -1 };
  }
  const entries: { key: string; hash: number; passes: boolean }[] = [];
  context.keyspace.scanSlot(slot, (key, value) => {
    const hash = scanHash(key);
    if (hash >= position) entries.push({ key, hash, passes: passes(filter, key, value) });
    return true;
  });
  entries.sort((a, b) => a.hash - b.hash);
  let end = Math.min(entries.length, Math.max(wanted, Math.ceil(size / PARTS_MAX), 1));
  // Keys of equal hash stay together: the cursor cannot tell them apart.
  while (end > 0 && end < entries.length && entries[end]?.hash === entries[end - 1]?.hash) end += 1;
  for (const entry of entries.slice(0, end)) if (entry.passes) keys.push(entry.key);
  return { looked: end, rest: entries[end]?.hash ?? -1 };
}

function passes(filter: ScanFilter, key: string, value: Buffer): boolean {
  if (filter.type !== undefined && TYPE_NAMES[typeOf(value)] !== filter.type) return false;
  return filter.pattern === undefined || globMatches(filter.pattern, key);
}
