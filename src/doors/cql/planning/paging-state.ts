/**
 * Where a result goes on: what the client gives back unread. It says in which read and after which row, and how many rows the LIMIT still
 * allows. A seal over it keeps bytes that were made up from being taken for a place among keys.
 *
 *   seal 8 bytes | version u8 | rows left u32 | read u32 | partition rows i32 | row
 */
import { createHmac } from 'node:crypto';
import { CqlError, ErrorCode } from '../errors.ts';
import type { PagePosition } from '../routing/paged-read.ts';

const VERSION = 1;
const SEAL_BYTES = 8;
const HEAD_BYTES = SEAL_BYTES + 1 + 4 + 4 + 4;
const NO_ROW = -2;

export interface PagingState {
  readonly position: PagePosition;
  /** Of the LIMIT. */
  readonly left: number;
}

/** `key`: what all nodes of the cluster know and clients do not. */
export function encodePagingState({ position, left }: PagingState, key: string): Buffer {
  const row = position.after?.row ?? '';
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + row.length);
  bytes[SEAL_BYTES] = VERSION;
  bytes.writeUInt32BE(Math.min(left, 0xffffffff), SEAL_BYTES + 1);
  bytes.writeUInt32BE(position.read, SEAL_BYTES + 5);
  bytes.writeInt32BE(position.after === null ? NO_ROW : position.after.partitionRows, SEAL_BYTES + 9);
  bytes.write(row, HEAD_BYTES, 'latin1');
  sealOf(bytes, key).copy(bytes, 0);
  return bytes;
}

export function decodePagingState(bytes: Buffer, key: string): PagingState {
  if (
    bytes.length < HEAD_BYTES ||
    bytes[SEAL_BYTES] !== VERSION ||
    sealOf(bytes, key).compare(bytes, 0, SEAL_BYTES) !== 0
  ) {
    throw new CqlError(ErrorCode.protocolError, 'Invalid value for the paging state');
  }
  const left = bytes.readUInt32BE(SEAL_BYTES + 1);
  const read = bytes.readUInt32BE(SEAL_BYTES + 5);
  const partitionRows = bytes.readInt32BE(SEAL_BYTES + 9);
  const after = partitionRows === NO_ROW ? null : { row: bytes.latin1Slice(HEAD_BYTES), partitionRows };
  return { position: { read, after }, left };
}

function sealOf(bytes: Buffer, key: string): Buffer {
  return createHmac('sha256', key).update(bytes.subarray(SEAL_BYTES)).digest().subarray(0, SEAL_BYTES);
}
