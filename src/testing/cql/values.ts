/** The values that programs of `folkmoot/testing` bind and read: a few types of CQL as what JavaScript has for them. */
import { ByteReader } from '../../doors/cql/protocol/byte-reader.ts';
import type { ByteWriter } from '../../doors/cql/protocol/byte-writer.ts';

export type CqlValue = string | number | boolean | null | readonly CqlValue[];

/** `list` is a set, too. */
export type CqlType =
  | { readonly kind: 'text' | 'int' | 'bigint' | 'boolean' }
  | { readonly kind: 'list'; readonly element: CqlType };

export interface CqlColumn {
  readonly name: string;
  readonly type: CqlType;
}

/** Numbers of the types in the protocol. */
const KINDS: ReadonlyMap<number, 'text' | 'int' | 'bigint' | 'boolean'> = new Map([
  [0x01, 'text'],
  [0x02, 'bigint'],
  [0x04, 'boolean'],
  [0x05, 'bigint'],
  [0x09, 'int'],
  [0x0d, 'text'],
]);
const LIST = 0x20;
const SET = 0x22;

/** Throws RangeError for a type that is none of these. */
export function readType(reader: ByteReader): CqlType {
  const id = reader.short();
  const kind = KINDS.get(id);
  if (kind !== undefined) return { kind };
  if (id === LIST || id === SET) return { kind: 'list', element: readType(reader) };
  throw new RangeError(`a column of the type ${id} is nothing that this client reads`);
}

/** Whole numbers beyond 2^53 are a RangeError: whoever counts so far wants another client. */
export function decodeValue(type: CqlType, bytes: Buffer | null): CqlValue {
  if (bytes === null) return null;
  switch (type.kind) {
    case 'text':
      return bytes.toString('utf8');
    case 'int':
      return bytes.readInt32BE(0);
    case 'bigint': {
      const value = Number(bytes.readBigInt64BE(0));
      if (!Number.isSafeInteger(value)) throw new RangeError('a whole number beyond 2^53');
      return value;
    }
    case 'boolean':
      return bytes[0] !== 0;
    case 'list': {
      const reader = new ByteReader(bytes);
      const { element } = type;
      return Array.from({ length: reader.int() }, () => decodeValue(element, reader.bytes()));
    }
  }
}

/** With its length before it. */
export function writeValue(writer: ByteWriter, type: CqlType, value: CqlValue): void {
  writer.bytes(value === null ? null : encodeValue(type, value));
}

function encodeValue(type: CqlType, value: CqlValue): Buffer {
  switch (type.kind) {
    case 'text':
      return Buffer.from(String(value));
    case 'int': {
      const bytes = Buffer.alloc(4);
      bytes.writeInt32BE(Number(value));
      return bytes;
    }
    case 'bigint': {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64BE(BigInt(Number(value)));
      return bytes;
    }
    case 'boolean':
      return Buffer.from([value === true ? 1 : 0]);
    case 'list': {
      if (!Array.isArray(value)) throw new RangeError('a list was expected');
      const count = Buffer.alloc(4);
      count.writeInt32BE(value.length);
      const elements = value.map((element) => encodeValue(type.element, element));
      const lengths = elements.map(({ length }) => {
        const bytes = Buffer.alloc(4);
        bytes.writeInt32BE(length);
        return bytes;
      });
      return Buffer.concat([count, ...elements.flatMap((element, index) => [lengths[index] as Buffer, element])]);
    }
  }
}
