/**
 * Messages of PostgreSQL's protocol after startup:
 *
 *   type (1 byte) | length (int32, of itself and the body) | body
 */
import type { Row } from './local-server.ts';

export interface Message {
  /** One letter. */
  readonly type: string;
  /** A view of what was received, or a copy where it came in pieces. */
  readonly body: Buffer;
}

/** Ours are at most a piece of a backup; whatever claims more is no message. */
const MESSAGE_BYTES_MAX = 64 * 1024 * 1024;
const HEAD_BYTES = 5;

/** Cuts what arrives, in pieces of any size, into messages. */
export class MessageReader {
  #pieces: Buffer[] = [];
  #bytes = 0;
  /** Of the message that has begun, head included; its head at least is missing as long as this is `HEAD_BYTES`. */
  #wanted = HEAD_BYTES;

  /** Throws when it cannot be the protocol. */
  read(chunk: Buffer): Message[] {
    this.#pieces.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes < this.#wanted) return [];
    const bytes = this.#pieces.length === 1 ? chunk : Buffer.concat(this.#pieces);
    const messages: Message[] = [];
    let at = 0;
    this.#wanted = HEAD_BYTES;
    while (bytes.length - at >= HEAD_BYTES) {
      const length = bytes.readInt32BE(at + 1);
      if (length < 4 || length > MESSAGE_BYTES_MAX) throw new Error(`a message of ${length} bytes`);
      const end = at + 1 + length;
      if (end > bytes.length) {
        this.#wanted = 1 + length;
        break;
      }
      messages.push({ type: bytes.toString('latin1', at, at + 1), body: bytes.subarray(at + HEAD_BYTES, end) });
      at = end;
    }
    this.#pieces = at === bytes.length ? [] : [bytes.subarray(at)];
    this.#bytes = bytes.length - at;
    return messages;
  }
}

export function zeroEnded(text: string): Buffer {
  if (text.includes('\0')) throw new Error('a text with a zero byte');
  return Buffer.from(`${text}\0`);
}

/** Texts that each end with a zero byte; an empty one ends the list, or the message does. */
export function textFields(body: Buffer): string[] {
  const fields = body.toString('utf8').split('\0');
  const end = fields.indexOf('');
  return end === -1 ? fields : fields.slice(0, end);
}

/** DataRow: the number of columns (int16), each with its length (int32; -1 for NULL). */
export function rowOf(body: Buffer): Row {
  const row: (string | null)[] = [];
  let at = 2;
  for (let left = body.readInt16BE(0); left > 0; left -= 1) {
    const length = body.readInt32BE(at);
    at += 4;
    if (length < 0) {
      row.push(null);
      continue;
    }
    row.push(body.toString('utf8', at, at + length));
    at += length;
  }
  return row;
}
