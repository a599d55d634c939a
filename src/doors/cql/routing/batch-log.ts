/**
 * Logged batches over several tablets: all of their parts are done, or none, although no transaction spans tablets.
 *
 *   1. The leader of the first part's tablet (the log) does that part and writes the others down, in one transaction. From then on the batch
 *      happens, whatever breaks; before, it certainly has not.
 *   2. It sends each part to its tablet, again and again until it is done there. Who leads the log later goes on with what it finds in it.
 *   3. When all are done the record goes, and the client has its answer already.
 *
 * A part is done once: its tablet notes in the same transaction that it was. Ids of one log ascend, so that notes can be forgotten
 * without asking a clock: each part says below which id nothing is open, and whatever comes late with a lesser id was done.
 *
 *   space 17 | first slot of the log | id                                       a batch: number of parts u16, then each: index u16, slot u16,
 *                                                                               length u32, command
 *   space 18 | first slot of the tablet | 'd' first slot of the log u16 | id | index u16   the part is done
 *   space 18 | first slot of the tablet | 'o' first slot of the log u16         no lesser id is open
 */
import type { ByteKey } from '../../../storage/ordered-store.ts';
import type { Transaction } from '../../../tablet/operation.ts';
import { CommandReader, CommandWriter } from '../rows/byte-codec.ts';
import { encodeCommand } from '../rows/command-codec.ts';
import type { BatchName, BatchPart, BatchWrite, BatchWritePart } from '../rows/commands.ts';
import { Space, tabletHead } from '../rows/tablet-keys.ts';
import { writeRows } from '../rows/write.ts';
import { afterPrefix } from '../types/key-format.ts';

const ID_BYTES = 16;
/** Notes that are let lie, so that forgetting them is one range for many. */
const NOTES_KEPT = 64;
const NOTHING = Buffer.alloc(0);

/** A part as the log has it. */
export interface LoggedPart {
  readonly index: number;
  readonly slot: number;
  readonly command: Buffer;
}

/** On the leader of the log. Throws `CqlError` before anything is written. */
export function beginBatch(transaction: Transaction, { parts }: BatchWrite, slotFirst: number): BatchName {
  const id = nextId(transaction);
  const [first] = openBatches(transaction, slotFirst, 1);
  const [own, ...others] = parts;
  if (own !== undefined) writeRows(transaction, own.write, slotFirst);
  transaction.put(batchKey(slotFirst, id), encodeParts(others));
  return { log: slotFirst, id, open: first?.id ?? id };
}

export function endBatch(transaction: Transaction, { log, id }: BatchName): void {
  const key = batchKey(log, id);
  if (transaction.get(key) !== undefined) transaction.delete(key);
}

/** The batches of a log that are open, oldest first. */
export function openBatches(
  transaction: Transaction,
  slotFirst: number,
  countMax: number,
): { id: ByteKey; value: Buffer }[] {
  const found: { id: ByteKey; value: Buffer }[] = [];
  const head = tabletHead(Space.batchLog, slotFirst);
  transaction.scan(head, afterPrefix(head), false, (key, value) => {
    found.push({ id: key.slice(head.length), value });
    return found.length < countMax;
  });
  return found;
}

/** False when it was done before. Throws `CqlError` when it cannot be done, which is noted as done too. */
export function doPart(transaction: Transaction, { batch, index, write }: BatchPart, slotFirst: number): boolean {
  const openKey = `${tabletHead(Space.appliedBatches, slotFirst)}o${u16(batch.log)}`;
  const open = transaction.get(openKey)?.latin1Slice() ?? '';
  const notes = `${tabletHead(Space.appliedBatches, slotFirst)}d${u16(batch.log)}`;
  const note = notes + batch.id + u16(index);
  if (batch.id < open || transaction.get(note) !== undefined) return false;
  try {
    writeRows(transaction, write, slotFirst);
  } finally {
    transaction.put(note, NOTHING);
    if (batch.open > open && countBefore(transaction, notes, notes + batch.open) >= NOTES_KEPT) {
      transaction.put(openKey, Buffer.from(batch.open, 'latin1'));
      transaction.deleteRange(notes, notes + batch.open);
    }
  }
  return true;
}

function countBefore(transaction: Transaction, lo: ByteKey, hi: ByteKey): number {
  let count = 0;
  transaction.scan(lo, hi, false, () => {
    count += 1;
    return count < NOTES_KEPT;
  });
  return count;
}

function batchKey(slotFirst: number, id: ByteKey): ByteKey {
  return tabletHead(Space.batchLog, slotFirst) + id;
}

function nextId({ term, sequence }: Transaction): ByteKey {
  const bytes = Buffer.alloc(ID_BYTES);
  bytes.writeBigUInt64BE(BigInt(term), 0);
  bytes.writeBigUInt64BE(BigInt(sequence), 8);
  return bytes.latin1Slice();
}

const writer = new CommandWriter();

function encodeParts(parts: readonly BatchWritePart[]): Buffer {
  const commands = parts.map(({ write }) => encodeCommand(write));
  writer.begin();
  writer.u16(parts.length);
  for (const [i, { slot }] of parts.entries()) {
    // The first part of the batch is done with its record.
    writer.u16(i + 1);
    writer.u16(slot);
    writer.cell(commands[i]);
  }
  return writer.take();
}

export function decodeParts(value: Buffer): LoggedPart[] {
  const reader = new CommandReader(value);
  const parts: LoggedPart[] = [];
  for (let count = reader.u16(); count > 0; count -= 1) {
    parts.push({ index: reader.u16(), slot: reader.u16(), command: reader.buffer() });
  }
  return parts;
}

function u16(value: number): string {
  return String.fromCharCode(value >>> 8, value & 0xff);
}
