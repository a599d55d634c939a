/**
 * The first message of every connection between processes of Folkmoot, and the answer to it.
 *
 * Hello, from the side that dialled:
 *   magic u32 "FMHI" | length u32 of what follows | lowest version u8 | highest version u8 | kind u8 | zero u8 |
 *   cluster id 16 bytes | from u32 | epoch f64 | process u32 | expected receiver u32 | extra (the rest)
 * Answer:
 *   magic u32 "FMRE" | length u32 of what follows | verdict u8 | version u8 | zero u16 | node u32 | epoch f64 |
 *   reason, UTF-8 (the rest)
 * Integers are little-endian. Magic, length and the version range stay as they are in every future version, so that
 * strangers can at least refuse each other politely. `process` is a random number drawn at each start: it tells apart two
 * processes that use one identity.
 *
 * Version log: 1, first.
 */
export const PROTOCOL_VERSION_MIN = 1;
export const PROTOCOL_VERSION_MAX = 1;

const HELLO_MAGIC = 0x49484d46;
const ANSWER_MAGIC = 0x45524d46;
const PREFIX_BYTES = 8;
const HELLO_BYTES = 4 + 16 + 4 + 8 + 4 + 4;
const ANSWER_BYTES = 4 + 4 + 8;
export const HELLO_EXTRA_BYTES_MAX = 1024 * 1024;
const REASON_BYTES_MAX = 1024;

export const HelloKind = { member: 1, bulk: 2, guest: 3, tunnel: 4 } as const;
export type HelloKind = (typeof HelloKind)[keyof typeof HelloKind];

export const Verdict = {
  accepted: 0,
  version: 1,
  wrongCluster: 2,
  wrongNode: 3,
  staleEpoch: 4,
  identityTaken: 5,
  unknownNode: 6,
  notReady: 7,
  busy: 8,
  declined: 9,
} as const;
export type Verdict = (typeof Verdict)[keyof typeof Verdict];

export interface Hello {
  readonly versionMin: number;
  readonly versionMax: number;
  readonly kind: HelloKind;
  /** 32 hexadecimal digits; zeros from a guest. */
  readonly clusterId: string;
  /** 0 from a guest. */
  readonly from: number;
  readonly epoch: number;
  readonly process: number;
  /** The node that the dialling side believes it has reached; 0 from a guest. */
  readonly to: number;
  readonly extra: Buffer;
}

export interface Answer {
  readonly verdict: Verdict;
  readonly version: number;
  readonly node: number;
  readonly epoch: number;
  /** Empty when accepted. */
  readonly reason: string;
}

export const NO_CLUSTER = '0'.repeat(32);

export function encodeHello(hello: Hello): Buffer {
  const bytes = Buffer.alloc(PREFIX_BYTES + HELLO_BYTES + hello.extra.length);
  let at = bytes.writeUInt32LE(HELLO_MAGIC, 0);
  at = bytes.writeUInt32LE(bytes.length - PREFIX_BYTES, at);
  at = bytes.writeUInt8(hello.versionMin, at);
  at = bytes.writeUInt8(hello.versionMax, at);
  at = bytes.writeUInt8(hello.kind, at);
  at = bytes.writeUInt8(0, at);
  at += bytes.write(hello.clusterId, at, 16, 'hex');
  at = bytes.writeUInt32LE(hello.from, at);
  at = bytes.writeDoubleLE(hello.epoch, at);
  at = bytes.writeUInt32LE(hello.process, at);
  at = bytes.writeUInt32LE(hello.to, at);
  bytes.set(hello.extra, at);
  return bytes;
}

export function encodeAnswer(answer: Answer): Buffer {
  const reason = Buffer.from(answer.reason).subarray(0, REASON_BYTES_MAX);
  const bytes = Buffer.alloc(PREFIX_BYTES + ANSWER_BYTES + reason.length);
  let at = bytes.writeUInt32LE(ANSWER_MAGIC, 0);
  at = bytes.writeUInt32LE(bytes.length - PREFIX_BYTES, at);
  at = bytes.writeUInt8(answer.verdict, at);
  at = bytes.writeUInt8(answer.version, at);
  at = bytes.writeUInt16LE(0, at);
  at = bytes.writeUInt32LE(answer.node, at);
  at = bytes.writeDoubleLE(answer.epoch, at);
  bytes.set(reason, at);
  return bytes;
}

/** The highest version both sides speak, 0 for none. */
export function commonVersion(min: number, max: number): number {
  const version = Math.min(max, PROTOCOL_VERSION_MAX);
  return version >= Math.max(min, PROTOCOL_VERSION_MIN) ? version : 0;
}

/** Gathers one handshake message from a stream; what follows it is `rest`. */
export class HandshakeReader {
  readonly #magic: number;
  readonly #length_max: number;
  #bytes: Buffer = Buffer.alloc(0);
  /** What came after the message, once `push` has returned 'whole'. */
  rest: Buffer = Buffer.alloc(0);

  static forHello(): HandshakeReader {
    return new HandshakeReader(HELLO_MAGIC, HELLO_BYTES + HELLO_EXTRA_BYTES_MAX);
  }

  static forAnswer(): HandshakeReader {
    return new HandshakeReader(ANSWER_MAGIC, ANSWER_BYTES + REASON_BYTES_MAX);
  }

  private constructor(magic: number, length_max: number) {
    this.#magic = magic;
    this.#length_max = length_max;
  }

  push(chunk: Buffer): 'partial' | 'whole' | 'garbage' {
    // Once per connection and small, hence the plain concatenation.
    const bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    this.#bytes = bytes;
    if (bytes.length < 4) return 'partial';
    if (bytes.readUInt32LE(0) !== this.#magic) return 'garbage';
    if (bytes.length < PREFIX_BYTES) return 'partial';
    const length = bytes.readUInt32LE(4);
    if (length < 2 || length > this.#length_max) return 'garbage';
    if (bytes.length < PREFIX_BYTES + length) return 'partial';
    this.rest = bytes.subarray(PREFIX_BYTES + length);
    this.#bytes = bytes.subarray(PREFIX_BYTES, PREFIX_BYTES + length);
    return 'whole';
  }

  /**
   * The hello that was gathered. Of a hello in a version that is not ours only the version range is read. Null when it is
   * malformed.
   */
  hello(): Hello | null {
    const bytes = this.#bytes;
    if (bytes.length < 2) return null;
    const versionMin = bytes[0] as number;
    const versionMax = bytes[1] as number;
    if (commonVersion(versionMin, versionMax) === 0)
      return { ...strangerHello, versionMin, versionMax, extra: Buffer.alloc(0) };
    if (bytes.length < HELLO_BYTES) return null;
    const kind = bytes[2] as HelloKind;
    const epoch = bytes.readDoubleLE(24);
    if (kind < 1 || kind > 4 || !isEpoch(epoch)) return null;
    return {
      versionMin,
      versionMax,
      kind,
      clusterId: bytes.toString('hex', 4, 20),
      from: bytes.readUInt32LE(20),
      epoch,
      process: bytes.readUInt32LE(32),
      to: bytes.readUInt32LE(36),
      extra: bytes.subarray(HELLO_BYTES),
    };
  }

  /** The answer that was gathered; null when it is malformed. */
  answer(): Answer | null {
    const bytes = this.#bytes;
    if (bytes.length < ANSWER_BYTES) return null;
    const verdict = bytes[0] as Verdict;
    const epoch = bytes.readDoubleLE(8);
    if (!isEpoch(epoch)) return null;
    return {
      verdict,
      version: bytes[1] as number,
      node: bytes.readUInt32LE(4),
      epoch,
      reason: bytes.toString('utf8', ANSWER_BYTES),
    };
  }
}

const strangerHello = { kind: HelloKind.guest, clusterId: NO_CLUSTER, from: 0, epoch: 0, process: 0, to: 0 } as const;

function isEpoch(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
