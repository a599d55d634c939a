/** Types as the native protocol names them: [option], section 4.2.5.2 of its specification. */
import { unreachable } from '../../../base/assert.ts';
import { className } from './class-name.ts';
import type { DataType, NativeName } from './data-type.ts';

const CUSTOM = 0x0000;
const LIST = 0x0020;
const MAP = 0x0021;
const SET = 0x0022;
const UDT = 0x0030;
const TUPLE = 0x0031;

/** The number of a type, and the first version of the protocol that has it; earlier ones name the class. */
const NATIVE_OPTIONS: Readonly<Record<NativeName, readonly [id: number, since: number]>> = {
  ascii: [0x0001, 3],
  bigint: [0x0002, 3],
  blob: [0x0003, 3],
  boolean: [0x0004, 3],
  counter: [0x0005, 3],
  decimal: [0x0006, 3],
  double: [0x0007, 3],
  float: [0x0008, 3],
  int: [0x0009, 3],
  timestamp: [0x000b, 3],
  uuid: [0x000c, 3],
  text: [0x000d, 3],
  varint: [0x000e, 3],
  timeuuid: [0x000f, 3],
  inet: [0x0010, 3],
  date: [0x0011, 4],
  time: [0x0012, 4],
  smallint: [0x0013, 4],
  tinyint: [0x0014, 4],
  duration: [0x0015, 5],
};

/** The bytes of a type's option. Made once for the metadata of a statement, never for a row. */
export function optionBytes(type: DataType, protocolVersion: number): Buffer {
  switch (type.kind) {
    case 'native': {
      const [id, since] = NATIVE_OPTIONS[type.name];
      return protocolVersion < since ? custom(type) : short(id);
    }
    case 'list':
    case 'set':
      return Buffer.concat([short(type.kind === 'list' ? LIST : SET), optionBytes(type.element, protocolVersion)]);
    case 'map':
      return Buffer.concat([
        short(MAP),
        optionBytes(type.key, protocolVersion),
        optionBytes(type.value, protocolVersion),
      ]);
    case 'udt':
      return Buffer.concat([
        short(UDT),
        string(type.keyspace),
        string(type.name),
        short(type.fields.length),
        ...type.fields.flatMap((field) => [string(field.name), optionBytes(field.type, protocolVersion)]),
      ]);
    case 'tuple':
      return Buffer.concat([
        short(TUPLE),
        short(type.elements.length),
        ...type.elements.map((element) => optionBytes(element, protocolVersion)),
      ]);
    case 'vector':
      return custom(type);
    default:
      return unreachable('a type has a kind');
  }
}

function custom(type: DataType): Buffer {
  return Buffer.concat([short(CUSTOM), string(className(type))]);
}

function short(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(2);
  bytes.writeUInt16BE(value, 0);
  return bytes;
}

function string(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([short(bytes.length), bytes]);
}
