/**
 * Values made of values, in the wire format of the protocol from version 3 on: a length of four bytes before each part, -1 for
 * null. Collections begin with the number of their elements; tuples and user types do not, and may be shorter than their type;
 * vectors of types of fixed length have no lengths at all.
 */
import { CqlError, ErrorCode } from '../errors.ts';
import {
  type DataType,
  fixedLength,
  type TupleDataType,
  typeText,
  type UserDataType,
  type VectorDataType,
} from './data-type.ts';

/** A value in wire format, or null. */
export type Cell = Buffer | null;

/** Bytes or texts are no value of their type. The client gets the text as it is, in Cassandra's words where it has any. */
export class MarshalError extends CqlError {
  constructor(text: string) {
    super(ErrorCode.invalid, text);
  }
}

/** Elements of a list or set; of a map keys and values in turn. */
export function splitCollection(bytes: Buffer, partsPerElement = 1): Buffer[] {
  const parts: Buffer[] = [];
  walkCollection(bytes, partsPerElement, partsPerElement === 1 ? 'list' : 'map', (part) => parts.push(part));
  return parts;
}

/** Calls `visit` with each part in turn; errors name the collection `what`. */
export function walkCollection(
  bytes: Buffer,
  partsPerElement: number,
  what: 'list' | 'set' | 'map',
  visit: (part: Buffer, index: number) => void,
): void {
  walkLengths(bytes, partsPerElement, what, (at, length, i) => visit(bytes.subarray(at, at + length), i));
}

/** The same with the places of the parts. */
export function walkLengths(
  bytes: Buffer,
  partsPerElement: number,
  what: 'list' | 'set' | 'map',
  visit: (at: number, length: number, index: number) => void,
): void {
  if (bytes.length < 4) throw new MarshalError(`Not enough bytes to read a ${what}`);
  const count = bytes.readInt32BE(0) * partsPerElement;
  if (count < 0) throw new MarshalError(`The data cannot be deserialized as a ${what}`);
  let at = 4;
  for (let i = 0; i < count; i += 1) {
    if (at + 4 > bytes.length) throw new MarshalError(`Not enough bytes to read a ${what}`);
    const length = bytes.readInt32BE(at);
    at += 4;
    if (length < 0) throw new MarshalError('Null value read when not allowed');
    if (at + length > bytes.length) throw new MarshalError(`Not enough bytes to read a ${what}`);
    visit(at, length, i);
    at += length;
  }
  if (at !== bytes.length) throw new MarshalError(`Unexpected extraneous bytes after ${what} value`);
}

/** `count` elements, given as their parts in order. */
export function packCollection(count: number, parts: readonly Buffer[]): Buffer {
  let size = 4;
  for (const part of parts) size += 4 + part.length;
  const bytes = Buffer.allocUnsafe(size);
  bytes.writeInt32BE(count, 0);
  let at = 4;
  for (const part of parts) at = putPart(bytes, at, part);
  return bytes;
}

/** Fields of a tuple or user type, null where they are null or were not there when the value was made. */
export function splitFields(bytes: Buffer, count: number): Cell[] {
  const fields: Cell[] = [];
  walkFields(bytes, count, undefined, (field) => fields.push(field));
  while (fields.length < count) fields.push(null);
  return fields;
}

/** Calls `visit` with each field that is there. Errors name the fields of a user type. */
export function walkFields(
  bytes: Buffer,
  count: number,
  userType: UserDataType | undefined,
  visit: (field: Cell, index: number) => void,
): void {
  let at = 0;
  for (let i = 0; i < count && at < bytes.length; i += 1) {
    if (at + 4 > bytes.length) throw new MarshalError(`Not enough bytes to read size of ${fieldText(i, userType)}`);
    const length = bytes.readInt32BE(at);
    at += 4;
    if (length < 0) visit(null, i);
    else {
      if (at + length > bytes.length) throw new MarshalError(`Not enough bytes to read ${fieldText(i, userType)}`);
      visit(bytes.subarray(at, at + length), i);
      at += length;
    }
  }
  if (at < bytes.length) {
    throw new MarshalError(`Invalid remaining data after end of ${userType === undefined ? 'tuple' : 'UDT'} value`);
  }
}

function fieldText(index: number, userType: UserDataType | undefined): string {
  return userType === undefined ? `${index}th component` : `${index}th field ${userType.fields[index]?.name}`;
}

export function packFields(fields: readonly Cell[]): Buffer {
  let size = 0;
  for (const field of fields) size += 4 + (field?.length ?? 0);
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  for (const field of fields) {
    if (field === null) at = bytes.writeInt32BE(-1, at);
    else at = putPart(bytes, at, field);
  }
  return bytes;
}

export function splitVector(bytes: Buffer, type: VectorDataType): Buffer[] {
  const parts: Buffer[] = [];
  walkVector(bytes, type, (part) => parts.push(part));
  return parts;
}

export function walkVector(bytes: Buffer, type: VectorDataType, visit: (part: Buffer) => void): void {
  if (bytes.length === 0) throw new MarshalError('Invalid empty vector value');
  const length = fixedLength(type.element);
  let at = 0;
  for (let i = 0; i < type.dimensions; i += 1) {
    let size = length;
    if (size === undefined) [size, at] = readUnsignedVint(bytes, at);
    if (at + size > bytes.length) throw new MarshalError(`Not enough bytes to read a ${typeText(type)}`);
    visit(bytes.subarray(at, at + size));
    at += size;
  }
  const rest = bytes.length - at;
  if (rest > 0) throw new MarshalError(`Unexpected ${rest} extraneous bytes after ${typeText(type)} value`);
}

export function packVector(parts: readonly Buffer[], type: VectorDataType): Buffer {
  if (fixedLength(type.element) !== undefined) return Buffer.concat(parts);
  return Buffer.concat(parts.flatMap((part) => [unsignedVint(part.length), part]));
}

/** The types of the parts of a tuple or user type. */
export function fieldTypes(type: TupleDataType | UserDataType): readonly DataType[] {
  return type.kind === 'tuple' ? type.elements : type.fields.map((field) => field.type);
}

function putPart(bytes: Buffer, at: number, part: Buffer): number {
  bytes.writeInt32BE(part.length, at);
  part.copy(bytes, at + 4);
  return at + 4 + part.length;
}

/** Cassandra's variable-length integers: the number of leading ones of the first byte says how many bytes follow. */
export function unsignedVint(value: number | bigint): Buffer {
  const big = BigInt(value);
  let extra = 0;
  while (extra < 8 && big >= 1n << BigInt(7 * (extra + 1))) extra += 1;
  const bytes = Buffer.alloc(extra + 1);
  let left = big;
  for (let i = extra; i > 0; i -= 1) {
    bytes[i] = Number(left & 0xffn);
    left >>= 8n;
  }
  bytes[0] = Number(left) | ((0xff00 >> extra) & 0xff);
  return bytes;
}

export function readUnsignedVint(bytes: Buffer, at: number): [value: number, next: number] {
  const [value, next] = readUnsignedVintBig(bytes, at);
  return [Number(value), next];
}

export function readUnsignedVintBig(bytes: Buffer, at: number): [value: bigint, next: number] {
  const first = bytes[at];
  if (first === undefined) throw new MarshalError('Not enough bytes to read a variable-length integer');
  let extra = 0;
  while (extra < 8 && (first & (0x80 >> extra)) !== 0) extra += 1;
  if (at + 1 + extra > bytes.length) throw new MarshalError('Not enough bytes to read a variable-length integer');
  let value = BigInt(extra >= 7 ? 0 : first & (0xff >> (extra + 1)));
  for (let i = 1; i <= extra; i += 1) value = (value << 8n) | BigInt(bytes[at + i] as number);
  return [value, at + 1 + extra];
}
