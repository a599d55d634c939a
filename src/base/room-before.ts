/**
 * Large data with unused room before it, so that headers are put in front of it where it lies, without copying it: first the header of a
 * value, then what the log's entry has before that.
 *
 * Room is claimed from its end, once: who comes second finds no room next to its data, and copies.
 */
const rooms = new WeakMap<ArrayBufferLike, { readonly from: number; to: number }>();

/** For data below this, copying is cheaper than keeping the memory around it. */
export const ROOM_DATA_BYTES_MIN = 512 * 1024;
/** What is kept free: headers and the longest key. */
export const ROOM_BYTES = 4096;

/** buffer[from, to) is free for whoever owns what begins at `to`. A later room of the same memory replaces it. */
export function noteRoom(buffer: Buffer, from: number, to: number): void {
  rooms.set(buffer.buffer, { from: buffer.byteOffset + from, to: buffer.byteOffset + to });
}

/** The data with `bytes` of room before it, which are the caller's to write; null when there is no such room. */
export function claimRoom(data: Uint8Array, bytes: number): Buffer | null {
  const room = rooms.get(data.buffer);
  if (room === undefined || room.to !== data.byteOffset || room.to - room.from < bytes) return null;
  room.to -= bytes;
  return Buffer.from(data.buffer as ArrayBuffer, room.to, bytes + data.length);
}
