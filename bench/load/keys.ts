/**
 * The keys of the load: `key:` and twelve digits, 16 bytes, as redis-benchmark makes them with -r. Which node serves which
 * of them is worked out once, so that choosing a key costs a random number and a look into an array.
 */
import { SLOT_COUNT, type SlotRange, slotOfBytes } from './slots.ts';

export const KEY_BYTES = 16;
export const DIGITS = 12;
const PREFIX = 'key:';

/** Writes the digits of key number `key` so that they end before `end`. */
export function writeDigits(buffer: Uint8Array, end: number, key: number): void {
  let rest = key;
  for (let at = end - 1; at >= end - DIGITS; at--) {
    const next = (rest / 10) | 0;
    buffer[at] = 48 + rest - next * 10;
    rest = next;
  }
}

export function keyText(key: number): string {
  return PREFIX + String(key).padStart(DIGITS, '0');
}

export class KeySpace {
  readonly count: number;
  readonly #slotOfKey: Uint16Array;
  readonly #nodeOfSlot = new Uint8Array(SLOT_COUNT);
  #keysOfNode: Uint32Array[] = [];
  readonly #nodeCount: number;

  constructor(count: number, nodeCount: number, ranges: readonly SlotRange[]) {
    this.count = count;
    this.#nodeCount = nodeCount;
    this.#slotOfKey = new Uint16Array(count);
    const bytes = Buffer.from(keyText(0));
    for (let key = 0; key < count; key++) {
      writeDigits(bytes, KEY_BYTES, key);
      this.#slotOfKey[key] = slotOfBytes(bytes, 0, KEY_BYTES);
    }
    for (const { first, last, node } of ranges) this.#nodeOfSlot.fill(node, first, last + 1);
    this.#sort();
  }

  nodeOf(key: number): number {
    return this.#nodeOfSlot[this.#slotOfKey[key] ?? 0] ?? 0;
  }

  nodeOfSlot(slot: number): number {
    return this.#nodeOfSlot[slot] ?? 0;
  }

  /** All keys that the node serves. */
  keysOf(node: number): Uint32Array {
    return this.#keysOfNode[node] ?? new Uint32Array(0);
  }

  /** The slot is elsewhere; the lists follow at the next `refresh`. */
  move(slot: number, node: number): void {
    this.#nodeOfSlot[slot] = node;
  }

  refresh(): void {
    this.#sort();
  }

  #sort(): void {
    const counts = new Array<number>(this.#nodeCount).fill(0);
    for (let key = 0; key < this.count; key++) {
      const node = this.nodeOf(key);
      counts[node] = (counts[node] ?? 0) + 1;
    }
    const lists = counts.map((count) => new Uint32Array(count));
    counts.fill(0);
    for (let key = 0; key < this.count; key++) {
      const node = this.nodeOf(key);
      const at = counts[node] ?? 0;
      const list = lists[node];
      if (list !== undefined) list[at] = key;
      counts[node] = at + 1;
    }
    this.#keysOfNode = lists;
  }
}
