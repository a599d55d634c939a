/**
 * Who leads which tablet, as far as this node has heard: from its own replicas, and from what other nodes announce. The
 * highest term wins; nothing here is a promise, a node that is asked as a leader and is none says so.
 *
 * Announcement: version u8, flags u8 (1: the sender is about to leave), then for each tablet that the sender leads: tablet u32 | term f64 | lag u32 | followers
 * behind u8, little-endian.
 */
import type { NodeId, TabletId } from './view.ts';

const VERSION = 1;
const HEADER_BYTES = 2;
const FLAG_DRAINING = 1;
const ITEM_BYTES = 4 + 8 + 4 + 1;

export interface Leadership {
  node: NodeId;
  term: number;
  /** Entries that the slowest replica misses, as its leader last said. */
  lag: number;
  /** Replicas that the leader cannot reach or that are not caught up. */
  behind: number;
}

export class LeaderTable {
  readonly #leaders = new Map<TabletId, Leadership>();
  readonly #draining = new Set<NodeId>();
  readonly #changed: (tablet: TabletId) => void;

  constructor(changed: (tablet: TabletId) => void) {
    this.#changed = changed;
  }

  /** The leader of the highest term heard of; undefined before the first. */
  get(tablet: TabletId): Leadership | undefined {
    return this.#leaders.get(tablet);
  }

  /** `node` leads `tablet` in `term`; node 0 when the leader of that term is known to be gone. */
  heard(tablet: TabletId, node: NodeId, term: number, lag = 0, behind = 0): void {
    const known = this.#leaders.get(tablet);
    if (known === undefined) {
      this.#leaders.set(tablet, { node, term, lag, behind });
      this.#changed(tablet);
      return;
    }
    if (term < known.term) return;
    const moved = known.node !== node || known.term !== term;
    known.node = node;
    known.term = term;
    known.lag = lag;
    known.behind = behind;
    if (moved) this.#changed(tablet);
  }

  /** Nobody is known to lead `tablet` any more in the term known so far. */
  lost(tablet: TabletId): void {
    const known = this.#leaders.get(tablet);
    if (known === undefined || known.node === 0) return;
    known.node = 0;
    this.#changed(tablet);
  }

  isDraining(node: NodeId): boolean {
    return this.#draining.has(node);
  }

  setDraining(node: NodeId, draining: boolean): void {
    if (draining) this.#draining.add(node);
    else this.#draining.delete(node);
  }

  /** Takes another node's announcement. Returns the tablets that it leads; null when it is malformed. */
  receive(from: NodeId, bytes: Buffer): ReadonlySet<TabletId> | null {
    if (bytes.length < HEADER_BYTES || bytes[0] !== VERSION || (bytes.length - HEADER_BYTES) % ITEM_BYTES !== 0) {
      return null;
    }
    const led = new Set<TabletId>();
    this.setDraining(from, ((bytes[1] as number) & FLAG_DRAINING) !== 0);
    for (let at = HEADER_BYTES; at < bytes.length; at += ITEM_BYTES) {
      const term = bytes.readDoubleLE(at + 4);
      if (!Number.isSafeInteger(term) || term < 0) return null;
      const tablet = bytes.readUInt32LE(at);
      led.add(tablet);
      this.heard(tablet, from, term, bytes.readUInt32LE(at + 12), bytes[at + 16]);
    }
    return led;
  }
}

export function encodeAnnouncement(
  draining: boolean,
  items: readonly { tablet: TabletId; term: number; lag: number; behind: number }[],
): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + items.length * ITEM_BYTES);
  bytes[0] = VERSION;
  bytes[1] = draining ? FLAG_DRAINING : 0;
  let at = HEADER_BYTES;
  for (const item of items) {
    at = bytes.writeUInt32LE(item.tablet, at);
    at = bytes.writeDoubleLE(item.term, at);
    at = bytes.writeUInt32LE(Math.min(item.lag, 0xffffffff), at);
    at = bytes.writeUInt8(Math.min(item.behind, 255), at);
  }
  return bytes;
}
