/** COPY of a large collection: its elements, with their index, below an id of their own. */
import { ErrorText, replyError } from '../errors.ts';
import { afterPrefix, elementPrefix } from '../key-layout.ts';
import type { Keyspace } from '../keyspace.ts';
import { bodyStart, collectionIdOf, readLargeHead } from './payload.ts';

/** A command is one log entry, and a log entry has to fit into one frame between nodes. */
export const COPY_BYTES_MAX = 256 * 1_048_576;
const CHUNK_ENTRIES = 1_000;
/** What an entry adds to the bytes that a collection counts: key, counters of the index. */
const ENTRY_BYTES = 64;

/** Throws when a collection of this size cannot be written by one command. */
export function assertFitsOneCommand(count: number, bytes: number): void {
  if (bytes + count * ENTRY_BYTES > COPY_BYTES_MAX) throw replyError(ErrorText.tooLargeToCopy);
}

/** Returns a metadata value that names the copy. */
export function copyElements(keyspace: Keyspace, slot: number, value: Buffer): Buffer {
  const head = readLargeHead(value);
  assertFitsOneCommand(head.count, head.bytes);
  const { transaction } = keyspace;
  const from = elementPrefix(slot, collectionIdOf(value));
  const id = keyspace.newCollectionId(slot);
  const to = elementPrefix(slot, id);
  const end = afterPrefix(from);
  let lo = from;
  for (let more = true; more; ) {
    // A visitor must not write, so entries are read and written in turns.
    const entries: { key: string; value: Buffer }[] = [];
    transaction.scan(lo, end, false, (key, element) => entries.push({ key, value: element }) < CHUNK_ENTRIES);
    for (const entry of entries) transaction.put(to + entry.key.slice(from.length), entry.value);
    more = entries.length === CHUNK_ENTRIES;
    if (more) lo = `${(entries[entries.length - 1] as { key: string }).key}\0`;
  }
  const copy = Buffer.from(value);
  copy.latin1Write(id, bodyStart(copy));
  return copy;
}
