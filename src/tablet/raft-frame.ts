/**
 * Raft messages on the wire between nodes. All that the replicas of one node have to tell another in one turn of the event
 * loop is one frame.
 *
 * Frame: version u8, then messages:
 *   group u32 | type u8 | flags u8 (1 reject, 2 snapshot) | to f64 | from f64 | term f64 | logTerm f64 | index f64 |
 *   commit f64 | rejectHint f64 | context f64 | entry count u32 |
 *   per entry: term f64 | type u8 | length u32 | data
 *   with a snapshot: index f64 | term f64 | length u32 | configuration (conf-state-codec)
 * Integers are little-endian. An entry's index is not sent: it follows from the message's.
 *
 * Version log: 1, first.
 */
import { INSERTION_BYTES_MIN, type Insertion } from '../base/insertions.ts';
import type { Entry, EntryType, Message, MessageType, SnapshotMeta } from '../raft/types.ts';
import { decodeConfState, encodeConfState } from './conf-state-codec.ts';

export const RAFT_FRAME_VERSION = 1;
const HEADER_BYTES = 4 + 1 + 1 + 8 * 8 + 4;
const ENTRY_HEADER_BYTES = 8 + 1 + 4;
const FLAG_REJECT = 1;
const FLAG_SNAPSHOT = 2;
const NO_ENTRIES: readonly Entry[] = [];

/** Collects the messages for one node; the buffer is used again after `reset`. Data of large entries is not copied. */
export class RaftFrameWriter {
  #buffer: Buffer = Buffer.allocUnsafe(4096);
  #length = 0;
  #insertions: Insertion[] = [];
  #insertedBytes = 0;

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  get length(): number {
    return this.#length + this.#insertedBytes;
  }

  /** What belongs between the bytes of `bytes()`. */
  get insertions(): readonly Insertion[] {
    return this.#insertions;
  }

  add(group: number, message: Message): void {
    const confState = message.snapshot === null ? null : encodeConfState(message.snapshot.confState);
    let size = HEADER_BYTES + 1;
    for (const { data } of message.entries) {
      size += ENTRY_HEADER_BYTES + (data.length < INSERTION_BYTES_MIN ? data.length : 0);
    }
    if (confState !== null) size += 20 + confState.length;
    this.#reserve(size);
    const buffer = this.#buffer;
    let at = this.#length;
    if (at === 0) buffer[at++] = RAFT_FRAME_VERSION;
    at = buffer.writeUInt32LE(group, at);
    buffer[at++] = message.type;
    buffer[at++] = (message.reject ? FLAG_REJECT : 0) | (confState === null ? 0 : FLAG_SNAPSHOT);
    at = buffer.writeDoubleLE(message.to, at);
    at = buffer.writeDoubleLE(message.from, at);
    at = buffer.writeDoubleLE(message.term, at);
    at = buffer.writeDoubleLE(message.logTerm, at);
    at = buffer.writeDoubleLE(message.index, at);
    at = buffer.writeDoubleLE(message.commit, at);
    at = buffer.writeDoubleLE(message.rejectHint, at);
    at = buffer.writeDoubleLE(message.context, at);
    at = buffer.writeUInt32LE(message.entries.length, at);
    for (const entry of message.entries) {
      at = buffer.writeDoubleLE(entry.term, at);
      buffer[at++] = entry.type;
      at = buffer.writeUInt32LE(entry.data.length, at);
      if (entry.data.length < INSERTION_BYTES_MIN) {
        buffer.set(entry.data, at);
        at += entry.data.length;
      } else {
        this.#insertions.push({ at, data: entry.data });
        this.#insertedBytes += entry.data.length;
      }
    }
    if (confState !== null && message.snapshot !== null) {
      at = buffer.writeDoubleLE(message.snapshot.index, at);
      at = buffer.writeDoubleLE(message.snapshot.term, at);
      at = buffer.writeUInt32LE(confState.length, at);
      buffer.set(confState, at);
      at += confState.length;
    }
    this.#length = at;
  }

  /** The frame so far, without what is inserted; valid until the next `add` or `reset`. */
  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  reset(): void {
    this.#length = 0;
    if (this.#insertedBytes > 0) {
      this.#insertions = [];
      this.#insertedBytes = 0;
    }
    // One large burst must not keep its buffer for ever.
    if (this.#buffer.length > 4 * 1024 * 1024) this.#buffer = Buffer.allocUnsafe(4096);
  }

  #reserve(size: number): void {
    const needed = this.#length + size;
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }
}

/**
 * Decodes a frame and hands every message to `visit`. Entry data is copied, because it lives on in the log and would keep all of the
 * frame; where it is most of the frame it stays where it is. The frame belongs to the messages from here on. Returns false when the frame is malformed; messages before the fault have been visited.
 */
export function readRaftFrame(frame: Buffer, visit: (group: number, message: Message) => void): boolean {
  const end = frame.length;
  if (end === 0 || frame[0] !== RAFT_FRAME_VERSION) return false;
  let at = 1;
  while (at < end) {
    if (at + HEADER_BYTES > end) return false;
    const group = frame.readUInt32LE(at);
    const type = frame[at + 4] as MessageType;
    const flags = frame[at + 5] as number;
    if (type < 1 || type > 14 || flags > 3) return false;
    const message: Message = {
      type,
      to: frame.readDoubleLE(at + 6),
      from: frame.readDoubleLE(at + 14),
      term: frame.readDoubleLE(at + 22),
      logTerm: frame.readDoubleLE(at + 30),
      index: frame.readDoubleLE(at + 38),
      commit: frame.readDoubleLE(at + 46),
      reject: (flags & FLAG_REJECT) !== 0,
      rejectHint: frame.readDoubleLE(at + 54),
      context: frame.readDoubleLE(at + 62),
      entries: NO_ENTRIES,
      snapshot: null,
    };
    if (!numbersAreValid(message)) return false;
    const count = frame.readUInt32LE(at + 70);
    at += HEADER_BYTES;
    if (count > 0) {
      if (count > (end - at) / ENTRY_HEADER_BYTES) return false;
      const entries: Entry[] = [];
      for (let i = 0; i < count; i++) {
        if (at + ENTRY_HEADER_BYTES > end) return false;
        const term = frame.readDoubleLE(at);
        const entryType = frame[at + 8] as EntryType;
        const length = frame.readUInt32LE(at + 9);
        at += ENTRY_HEADER_BYTES;
        if (at + length > end || !isCount(term) || entryType > 1) return false;
        entries.push({ term, index: message.index + 1 + i, type: entryType, data: dataOf(frame, at, at + length) });
        at += length;
      }
      message.entries = entries;
    }
    if ((flags & FLAG_SNAPSHOT) !== 0) {
      if (at + 20 > end) return false;
      const index = frame.readDoubleLE(at);
      const term = frame.readDoubleLE(at + 8);
      const length = frame.readUInt32LE(at + 16);
      at += 20;
      if (at + length > end || !isCount(index) || !isCount(term)) return false;
      const confState = decodeConfState(frame.subarray(at, at + length));
      if (confState === null) return false;
      at += length;
      const snapshot: SnapshotMeta = { index, term, confState };
      message.snapshot = snapshot;
    }
    visit(group, message);
  }
  return true;
}

function dataOf(frame: Buffer, from: number, to: number): Buffer {
  const length = to - from;
  if (length >= INSERTION_BYTES_MIN && length * 2 >= frame.length) return frame.subarray(from, to);
  const data = Buffer.allocUnsafe(length);
  frame.copy(data, 0, from, to);
  return data;
}

function numbersAreValid(message: Message): boolean {
  return (
    isCount(message.to) &&
    isCount(message.from) &&
    isCount(message.term) &&
    isCount(message.logTerm) &&
    isCount(message.index) &&
    isCount(message.commit) &&
    isCount(message.rejectHint) &&
    isCount(message.context)
  );
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
