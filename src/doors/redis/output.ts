/**
 * Turns the finished replies of a connection into as few socket writes as possible: all small ones of a turn in one
 * buffer, large values as they are.
 *
 * One buffer serves the whole door. The kernel usually takes a write at once, and then the buffer is free again; when it
 * does not, the socket keeps the buffer and the door takes a new one.
 */
import type { Socket } from 'node:net';
import { copyBytes } from '../../base/copy-bytes.ts';
import { putDecimal } from './decimal.ts';
import type { PendingReply } from './pending-reply.ts';
import { ReplyForm } from './reply-writer.ts';

const BUFFER_BYTES = 65_536;
/** Values above this go to the socket without being copied. */
const COPY_BYTES_MAX = 16_384;
const HEADER_BYTES_MAX = 32;

const CR = 0x0d;
const LF = 0x0a;
const MINUS = 0x2d;
const LINE_END = Buffer.from('\r\n');

export class OutputAssembler {
  #buffer: Buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #length = 0;
  #socket: Socket | undefined;
  #sent = 0;
  #corked = false;

  begin(socket: Socket): void {
    this.#socket = socket;
    this.#sent = 0;
    this.#corked = false;
  }

  add(reply: PendingReply): void {
    if (reply.replyForm === ReplyForm.integer) this.#integer(reply.replyStart);
    else if (reply.replyForm === ReplyForm.bulk) this.#bulk(reply.replyBuffer, reply.replyStart, reply.replyEnd);
    else this.#bytes(reply.replyBuffer, 0, reply.replyBuffer.length);
  }

  /** Hands everything over; returns the bytes. */
  end(): number {
    this.#flush();
    if (this.#corked) this.#socket?.uncork();
    this.#socket = undefined;
    return this.#sent;
  }

  #integer(value: number): void {
    this.#reserve(HEADER_BYTES_MAX);
    const buffer = this.#buffer;
    buffer[this.#length] = 0x3a;
    this.#length += 1;
    if (value < 0) {
      buffer[this.#length] = MINUS;
      this.#length += 1;
    }
    this.#length = putDecimal(buffer, this.#length, Math.abs(value));
    buffer[this.#length] = CR;
    buffer[this.#length + 1] = LF;
    this.#length += 2;
  }

  #bulk(source: Buffer, start: number, end: number): void {
    const length = end - start;
    this.#reserve(HEADER_BYTES_MAX);
    this.#buffer[this.#length] = 0x24;
    this.#length += 1;
    this.#length = putDecimal(this.#buffer, this.#length, length);
    this.#buffer[this.#length] = CR;
    this.#buffer[this.#length + 1] = LF;
    this.#length += 2;
    this.#bytes(source, start, end);
    this.#bytes(LINE_END, 0, 2);
  }

  #bytes(source: Buffer, start: number, end: number): void {
    const length = end - start;
    if (length > COPY_BYTES_MAX) {
      if (!this.#corked) this.#socket?.cork();
      this.#corked = true;
      this.#flush();
      this.#write(start === 0 && end === source.length ? source : source.subarray(start, end));
      return;
    }
    this.#reserve(length);
    copyBytes(source, start, end, this.#buffer, this.#length);
    this.#length += length;
  }

  #reserve(length: number): void {
    if (this.#length + length > this.#buffer.length) this.#flush();
  }

  #flush(): void {
    if (this.#length === 0) return;
    const socket = this.#socket;
    const bytes = this.#buffer.subarray(0, this.#length);
    this.#length = 0;
    if (socket === undefined) return;
    this.#write(bytes);
    // Corked writes, and writes that the kernel did not take at once, keep the buffer.
    if (this.#corked || socket.writableLength > 0) this.#buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  }

  #write(bytes: Buffer): void {
    this.#sent += bytes.length;
    this.#socket?.write(bytes);
  }
}
