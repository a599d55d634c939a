/** Compression of message bodies (versions 3 and 4) and of segments (version 5): blocks of LZ4, and snappy. */
import { compressSync as lz4Compress, uncompressSync as lz4Uncompress } from 'lz4-napi';
import { compressSync as snappyCompress, uncompressSync as snappyUncompress } from 'snappy';
import { ProtocolError } from './byte-reader.ts';

export type Compression = 'lz4' | 'snappy';

/** A body that says that it is longer when unpacked is refused before it is. */
const UNPACKED_BYTES_MAX = 256 * 1024 * 1024;
const LENGTH_BYTES = 4;
/** How many times longer than itself a byte of a packed message can get; a message that promises more is not unpacked at all. */
const LZ4_RATIO_MAX = 255;
const SNAPPY_RATIO_MAX = 64;

/** A block of LZ4 without its length. The library writes the length first, little-endian. */
export function packBlock(bytes: Buffer): Buffer {
  return lz4Compress(bytes).subarray(LENGTH_BYTES);
}

export function unpackBlock(block: Buffer, length: number): Buffer {
  checkLength(length, block.length * LZ4_RATIO_MAX);
  const prefixed = Buffer.allocUnsafe(LENGTH_BYTES + block.length);
  prefixed.writeUInt32LE(length, 0);
  block.copy(prefixed, LENGTH_BYTES);
  const unpacked = attempt(() => lz4Uncompress(prefixed));
  if (unpacked.length !== length) throw new ProtocolError('Could not decompress a message: it has another length');
  return unpacked;
}

/** The body of a message as it is sent. LZ4: the length, big-endian, then the block. */
export function packBody(bytes: Buffer, compression: Compression): Buffer {
  if (compression === 'snappy') return snappyCompress(bytes);
  const packed = lz4Compress(bytes);
  packed.writeUInt32BE(bytes.length, 0);
  return packed;
}

export function unpackBody(bytes: Buffer, compression: Compression): Buffer {
  if (compression === 'snappy') {
    checkLength(snappyLength(bytes), bytes.length * SNAPPY_RATIO_MAX);
    const unpacked = attempt(() => snappyUncompress(bytes, { asBuffer: true }));
    return typeof unpacked === 'string' ? Buffer.from(unpacked) : unpacked;
  }
  if (bytes.length < LENGTH_BYTES) throw new ProtocolError('Could not decompress a message: it is too short');
  return unpackBlock(bytes.subarray(LENGTH_BYTES), bytes.readUInt32BE(0));
}

/** The length that a snappy message promises: little-endian groups of seven bits. */
function snappyLength(bytes: Buffer): number {
  let length = 0;
  for (let i = 0; i < 5; i += 1) {
    const byte = bytes[i] ?? 0;
    length += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) break;
  }
  return length;
}

function checkLength(length: number, possible: number): void {
  if (length < 0 || length > Math.min(possible, UNPACKED_BYTES_MAX))
    throw new ProtocolError(`Invalid length of a compressed message: ${length}`);
}

function attempt<T>(unpack: () => T): T {
  try {
    return unpack();
  } catch (error) {
    throw new ProtocolError(
      `Could not decompress a message: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
