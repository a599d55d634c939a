/**
 * A group's members as bytes: version u8 | autoLeave u8 | four lists (voters, outgoing voters, learners, next learners), each
 * count u16 and replica ids f64, little-endian. Version log: 1, first.
 */
import type { ConfState, ReplicaId } from '../raft/types.ts';

const VERSION = 1;

export const EMPTY_CONF_STATE: ConfState = {
  voters: [],
  votersOutgoing: [],
  learners: [],
  learnersNext: [],
  autoLeave: false,
};

/** Everybody that the configuration names, each once. */
export function membersOf(confState: ConfState): Set<ReplicaId> {
  return new Set([...confState.voters, ...confState.votersOutgoing, ...confState.learners, ...confState.learnersNext]);
}

export function encodeConfState(confState: ConfState): Buffer {
  const lists = [confState.voters, confState.votersOutgoing, confState.learners, confState.learnersNext];
  let size = 2;
  for (const list of lists) size += 2 + list.length * 8;
  const buffer = Buffer.allocUnsafe(size);
  buffer[0] = VERSION;
  buffer[1] = confState.autoLeave ? 1 : 0;
  let at = 2;
  for (const list of lists) {
    at = buffer.writeUInt16LE(list.length, at);
    for (const replica of list) at = buffer.writeDoubleLE(replica, at);
  }
  return buffer;
}

/** Null when the bytes are not a configuration. */
export function decodeConfState(bytes: Uint8Array): ConfState | null {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length < 2 || buffer[0] !== VERSION) return null;
  let at = 2;
  const lists: ReplicaId[][] = [];
  for (let i = 0; i < 4; i++) {
    if (at + 2 > buffer.length) return null;
    const count = buffer.readUInt16LE(at);
    at += 2;
    if (at + count * 8 > buffer.length) return null;
    const list: ReplicaId[] = [];
    for (let j = 0; j < count; j++, at += 8) {
      const replica = buffer.readDoubleLE(at);
      if (!Number.isSafeInteger(replica) || replica <= 0) return null;
      list.push(replica);
    }
    lists.push(list);
  }
  if (at !== buffer.length) return null;
  const [voters = [], votersOutgoing = [], learners = [], learnersNext = []] = lists;
  return { voters, votersOutgoing, learners, learnersNext, autoLeave: buffer[1] === 1 };
}
