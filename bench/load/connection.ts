/**
 * One connection of the load client. It finds where replies begin and end and hands out the place of each one; it builds
 * no objects for them. All connections of a process read into one buffer: libuv fills it and calls back before it reads
 * from another socket.
 */
import { connect, type Socket } from 'node:net';

const CR = 13;
const DOLLAR = 36;
const NULL_LENGTH = -1;

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
    if (this.#rest === undefined) {
      const used = this.#parse(bytes, count);
      if (used < count) this.#rest = Buffer.from(bytes.subarray(used, count));
      return;
    }
    const joined = Buffer.concat([this.#rest, bytes.subarray(0, count)]);
    const used = this.#parse(joined, joined.length);
    this.#rest = used < joined.length ? joined.subarray(used) : undefined;
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

/** -1 when the reply is not complete. Simple strings, errors, integers and bulk strings are all that the load asks for. */
function replyEnd(bytes: Buffer, start: number, count: number): number {
  let at = start + 1;
  while (at < count && bytes[at] !== CR) at++;
  if (at + 1 >= count) return -1;
  if (bytes[start] !== DOLLAR) return at + 2;
  const length = lengthAt(bytes, start + 1, at);
  if (length === NULL_LENGTH) return at + 2;
  const end = at + 2 + length + 2;
  return end <= count ? end : -1;
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
