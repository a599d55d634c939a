/** Writes the notations of the native protocol (section 3 of its specification) into one buffer that grows. */
import type { Cell } from '../types/composite.ts';
import type { DataType } from '../types/data-type.ts';

const FIRST_BYTES = 4_096;
const NOTHING = Buffer.alloc(0);
const STRING_BYTES_MAX = 0xffff;
/** Of one unit of a JavaScript string. */
const UTF8_BYTES_MAX = 3;

export class ByteWriter {
  /** Made with the first byte: many writers are made, and few of them asked. */
  #bytes: Buffer = NOTHING;
  length = 0;
  readonly #firstBytes: number;

  constructor(firstBytes = FIRST_BYTES) {
    this.#firstBytes = firstBytes;
  }

  /** What was written so far; valid until the next write. */
  get written(): Buffer {
    return this.#bytes.subarray(0, this.length);
  }

  /** Takes the buffer away; the next write begins a new one. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.length);
    this.#bytes = NOTHING;
    this.length = 0;
    return taken;
  }

  /** Back to an earlier length. */
  rewind(length: number): void {
    this.length = length;
  }

  byte(value: number): void {
    this.#room(1);
    this.#bytes[this.length] = value;
    this.length += 1;
  }

  short(value: number): void {
    this.#room(2);
    this.length = this.#bytes.writeUInt16BE(value, this.length);
  }

  int(value: number): void {
    this.#room(4);
    this.length = this.#bytes.writeInt32BE(value | 0, this.length);
  }

  /** Overwrites an int that was written before. */
  intAt(at: number, value: number): void {
    this.#bytes.writeInt32BE(value, at);
  }

  /** [string]: one that is longer than the notation can say (a name that a client made up) is cut. */
  string(text: string): void {
    const size = Buffer.byteLength(text);
    if (size > STRING_BYTES_MAX) {
      this.string(text.slice(0, Math.floor(STRING_BYTES_MAX / UTF8_BYTES_MAX)));
      return;
    }
    this.short(size);
    this.#text(text, size);
  }

  longString(text: string): void {
    const size = Buffer.byteLength(text);
    this.int(size);
    this.#text(text, size);
  }

  stringList(texts: readonly string[]): void {
    this.short(texts.length);
    for (const text of texts) this.string(text);
  }

  stringMultimap(map: Readonly<Record<string, readonly string[]>>): void {
    const entries = Object.entries(map);
    this.short(entries.length);
    for (const [key, values] of entries) {
      this.string(key);
      this.stringList(values);
    }
  }

  /** [bytes]: null is a length of -1. */
  bytes(value: Cell): void {
    if (value === null) {
      this.int(-1);
      return;
    }
    this.int(value.length);
    this.raw(value);
  }

  shortBytes(value: Buffer): void {
    this.short(value.length);
    this.raw(value);
  }

  bytesMap(map: ReadonlyMap<string, Buffer>): void {
    this.short(map.size);
    for (const [key, value] of map) {
      this.string(key);
      this.bytes(value);
    }
  }

  /** [inet]: an address of 4 or 16 bytes, and a port. */
  inet(address: Buffer, port: number): void {
    this.byte(address.length);
    this.raw(address);
    this.int(port);
  }

  raw(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** [option]: a type. Durations have a number of their own from version 5 on. */
  type(type: DataType, version: number): void {
    switch (type.kind) {
      case 'native':
        this.#native(type.name, version);
        return;
      case 'list':
        this.short(0x20);
        this.type(type.element, version);
        return;
      case 'set':
        this.short(0x22);
        this.type(type.element, version);
        return;
      case 'map':
        this.short(0x21);
        this.type(type.key, version);
        this.type(type.value, version);
        return;
      case 'udt':
        this.short(0x30);
        this.string(type.keyspace);
        this.string(type.name);
        this.short(type.fields.length);
        for (const field of type.fields) {
          this.string(field.name);
          this.type(field.type, version);
        }
        return;
      case 'tuple':
        this.short(0x31);
        this.short(type.elements.length);
        for (const element of type.elements) this.type(element, version);
        return;
      case 'vector':
        this.short(0);
        this.string(className(type));
    }
  }

  #native(name: keyof typeof NATIVE_IDS | 'duration', version: number): void {
    if (name !== 'duration') this.short(NATIVE_IDS[name]);
    else if (version >= 5) this.short(0x15);
    else {
      this.short(0);
      this.string('org.apache.cassandra.db.marshal.DurationType');
    }
  }

  #text(text: string, size: number): void {
    this.#room(size);
    this.#bytes.write(text, this.length, size, 'utf8');
    this.length += size;
  }

  #room(size: number): void {
    if (this.length + size <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#firstBytes, this.#bytes.length * 2, this.length + size));
    this.#bytes.copy(grown, 0, 0, this.length);
    this.#bytes = grown;
  }
}

const NATIVE_IDS = {
  ascii: 0x01,
  bigint: 0x02,
  blob: 0x03,
  boolean: 0x04,
  counter: 0x05,
  decimal: 0x06,
  double: 0x07,
  float: 0x08,
  int: 0x09,
  timestamp: 0x0b,
  uuid: 0x0c,
  text: 0x0d,
  varint: 0x0e,
  timeuuid: 0x0f,
  inet: 0x10,
  date: 0x11,
  time: 0x12,
  smallint: 0x13,
  tinyint: 0x14,
} as const;

const CLASSES = {
  ascii: 'AsciiType',
  bigint: 'LongType',
  blob: 'BytesType',
  boolean: 'BooleanType',
  counter: 'CounterColumnType',
  date: 'SimpleDateType',
  decimal: 'DecimalType',
  double: 'DoubleType',
  duration: 'DurationType',
  float: 'FloatType',
  inet: 'InetAddressType',
  int: 'Int32Type',
  smallint: 'ShortType',
  text: 'UTF8Type',
  time: 'TimeType',
  timestamp: 'TimestampType',
  timeuuid: 'TimeUUIDType',
  tinyint: 'ByteType',
  uuid: 'UUIDType',
  varint: 'IntegerType',
} as const;

/** The name of the class by which Cassandra's protocol tells types that have no number. */
function className(type: DataType): string {
  const marshal = 'org.apache.cassandra.db.marshal.';
  const frozen = (text: string): string => `${marshal}FrozenType(${text})`;
  switch (type.kind) {
    case 'native':
      return marshal + CLASSES[type.name];
    case 'list':
      return frozen(`${marshal}ListType(${className(type.element)})`);
    case 'set':
      return frozen(`${marshal}SetType(${className(type.element)})`);
    case 'map':
      return frozen(`${marshal}MapType(${className(type.key)},${className(type.value)})`);
    case 'tuple':
      return `${marshal}TupleType(${type.elements.map(className).join(',')})`;
    case 'udt': {
      const hex = (text: string): string => Buffer.from(text, 'utf8').toString('hex');
      const fields = type.fields.map((field) => `${hex(field.name)}:${className(field.type)}`);
      return `${marshal}UserType(${[type.keyspace, hex(type.name), ...fields].join(',')})`;
    }
    case 'vector':
      return `${marshal}VectorType(${className(type.element)} , ${type.dimensions})`;
  }
}
