/**
 * One connection of the load client. It finds where replies begin and end and hands out the place of each one; it builds
 * no objects for them. All connections of a process read into one buffer: libuv fills it and calls back before it reads
 * from another socket.
 */
import { connect, type Socket } from 'node:net';

const CR = 13;
const DOLLAR = 36;
const STAR = 42;
const NULL_LENGTH = -1;
/** From here on the rest of a value is only counted. */
const LARGE_BYTES = 64 * 1024;

const shared = Buffer.allocUnsafeSlow(256 * 1024);

export interface ReplyTarget {
  /** A reply begins at `start` (its type byte) and ends before `end`. Valid during the call only. */
  onReply(bytes: Buffer, start: number, end: number): void;
  onLost(reason: string): void;
}

export class LoadConnection {
  readonly #socket: Socket;
  readonly #target: ReplyTarget;
  /** The beginning of a reply whose end has not arrived. */
  #rest: Buffer | undefined;
  /** Bytes of a large reply that have not arrived, and its first line. */
  #missing = 0;
  #head = Buffer.alloc(0);
  readonly opened: Promise<void>;

  constructor(host: string, port: number, target: ReplyTarget) {
    this.#target = target;
    const onread = {
      buffer: shared,
      callback: (count: number, bytes: Uint8Array): boolean => {
        // Node hands back the very buffer it was given.
        this.#read(bytes as Buffer, count);
        return true;
      },
    };
    const socket = connect({ host, port, noDelay: true, onread });
    this.#socket = socket;
    this.opened = new Promise((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    socket.on('error', (error) => target.onLost(error.message));
    socket.on('close', () => target.onLost('closed'));
  }

  /** `bytes` belong to the connection until all replies are there. */
  send(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  close(): void {
    this.#socket.removeAllListeners('error').removeAllListeners('close');
    this.#socket.on('error', () => undefined);
    this.#socket.destroy();
  }

  #read(bytes: Buffer, count: number): void {
    if (this.#missing > 0) {
      const used = this.#skip(count);
      if (used < count) this.#read(bytes.subarray(used, count), count - used);
      return;
    }
    if (this.#rest === undefined) {
      const used = this.#parse(bytes, count);
      if (used < count) this.#keep(bytes.subarray(used, count));
      return;
    }
    const joined = Buffer.concat([this.#rest, bytes.subarray(0, count)]);
    this.#rest = undefined;
    const used = this.#parse(joined, joined.length);
    if (used < joined.length) this.#keep(joined.subarray(used));
  }

  /** The beginning of a reply: kept, or, for a large value, counted, since nobody looks into it. */
  #keep(bytes: Buffer): void {
    const headEnd = bytes.indexOf('\r\n');
    if (bytes[0] === DOLLAR && headEnd > 0) {
      const end = headEnd + 2 + lengthAt(bytes, 1, headEnd) + 2;
      if (end > LARGE_BYTES) {
        this.#head = Buffer.from(bytes.subarray(0, headEnd + 2));
        this.#missing = end - bytes.length;
        return;
      }
    }
    this.#rest = Buffer.from(bytes);
  }

  #skip(count: number): number {
    const used = Math.min(count, this.#missing);
    this.#missing -= used;
    if (this.#missing === 0) this.#target.onReply(this.#head, 0, this.#head.length);
    return used;
  }

  /** Answers how many bytes belong to complete replies. */
  #parse(bytes: Buffer, count: number): number {
    let start = 0;
    while (start < count) {
      const end = replyEnd(bytes, start, count);
      if (end < 0) return start;
      this.#target.onReply(bytes, start, end);
      start = end;
    }
    return start;
  }
}

/** -1 when the reply is not complete. RESP2. */
function replyEnd(bytes: Buffer, start: number, count: number): number {
  let begin = start;
  for (let replies = 1; replies > 0; replies--) {
    let at = begin + 1;
    while (at < count && bytes[at] !== CR) at++;
    if (at + 1 >= count) return -1;
    const type = bytes[begin];
    const length = type === DOLLAR || type === STAR ? lengthAt(bytes, begin + 1, at) : 0;
    begin = at + 2;
    if (length === NULL_LENGTH) continue;
    if (type === STAR) replies += length;
    else if (type === DOLLAR) begin += length + 2;
    if (begin > count) return -1;
  }
  return begin;
}

function lengthAt(bytes: Buffer, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = (bytes[at] ?? 0) - 48;
    // The only length that does not consist of digits is -1, of a null.
    if (digit < 0) return NULL_LENGTH;
    value = value * 10 + digit;
  }
  return value;
}
