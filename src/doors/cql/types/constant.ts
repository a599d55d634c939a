/** Constants of CQL text as values of a native type, and the texts that some types are also written as. */
import { isIPv4, isIPv6 } from 'node:net';
import type { Constant } from '../language/ast.ts';
import { MarshalError } from './composite.ts';
import type { NativeName } from './data-type.ts';
import { encodeDuration, parseDuration } from './duration.ts';
import { compareDecimals, doubleText, encodeDecimal, encodeVarint, parseDecimal } from './numbers.ts';
import { isTime, parseDate, parseTime, parseTimestamp } from './time.ts';

const ACCEPTED: Readonly<Record<NativeName, readonly Constant['type'][]>> = {
  ascii: ['string'],
  bigint: ['integer'],
  blob: ['hex'],
  boolean: ['boolean'],
  counter: ['integer'],
  date: ['string', 'integer'],
  decimal: ['integer', 'float'],
  double: ['integer', 'float'],
  duration: ['duration', 'integer'],
  float: ['integer', 'float'],
  inet: ['string'],
  int: ['integer'],
  smallint: ['integer'],
  text: ['string'],
  time: ['string', 'integer'],
  timestamp: ['string', 'integer'],
  timeuuid: ['uuid'],
  tinyint: ['integer'],
  uuid: ['uuid'],
  varint: ['integer'],
};

export function acceptsConstant(name: NativeName, constant: Constant): boolean {
  return ACCEPTED[name].includes(constant.type);
}

/** The type that a constant has where nothing says which it is to be. */
export function typeOfConstant(constant: Constant): NativeName {
  switch (constant.type) {
    case 'string':
      return isAscii(constant.text) ? 'ascii' : 'text';
    case 'integer': {
      const value = BigInt(constant.text);
      if (value >= -(2n ** 31n) && value < 2n ** 31n) return 'int';
      return value >= -(2n ** 63n) && value < 2n ** 63n ? 'bigint' : 'varint';
    }
    case 'float':
      return isExactDouble(constant.text) ? 'double' : 'decimal';
    case 'boolean':
      return 'boolean';
    case 'duration':
      return 'duration';
    case 'uuid':
      return constant.text[14] === '1' ? 'timeuuid' : 'uuid';
    case 'hex':
      return 'blob';
  }
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i += 1) if (text.charCodeAt(i) > 127) return false;
  return true;
}

/** The double nearest to it is written with the same digits. */
function isExactDouble(text: string): boolean {
  const value = Number(text);
  const decimal = parseDecimal(text);
  const back = Number.isFinite(value) ? parseDecimal(doubleText(value)) : undefined;
  return decimal === undefined || (back !== undefined && compareDecimals(decimal, back) === 0);
}

/** Throws MarshalError. */
export function encodeConstant(name: NativeName, constant: Constant): Buffer {
  if (!acceptsConstant(name, constant))
    throw new MarshalError(`Invalid ${constant.type.toUpperCase()} constant (${constant.text})`);
  return encodeText(name, constant.type === 'hex' ? constant.text.slice(2) : constant.text);
}

const NOT_ASCII =
  'Invalid ASCII character in string literal: java.nio.charset.UnmappableCharacterException: Input length = 1';
const EMPTY = Buffer.alloc(0);
const FALSE = Buffer.of(0);
const HAS_NO_EMPTY_VALUE: ReadonlySet<NativeName> = new Set(['date', 'duration', 'time']);

/** The text form of a type: of a constant, of a key in JSON, of `CAST`. Blobs without `0x`. Throws MarshalError. */
export function encodeText(name: NativeName, text: string): Buffer {
  if (text === '' && !HAS_NO_EMPTY_VALUE.has(name)) return name === 'boolean' ? FALSE : EMPTY;
  switch (name) {
    case 'ascii':
      if (!isAscii(text)) throw new MarshalError(NOT_ASCII);
      return Buffer.from(text, 'latin1');
    case 'text':
      return Buffer.from(text, 'utf8');
    case 'blob':
      if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text))
        throw new MarshalError(`cannot parse '${text}' as hex bytes`);
      return Buffer.from(text, 'hex');
    case 'boolean':
      if (!/^(true|false)$/i.test(text)) throw new MarshalError(`Unable to make boolean from '${text}'`);
      return Buffer.from([text.toLowerCase() === 'true' ? 1 : 0]);
    case 'tinyint':
    case 'smallint':
    case 'int':
    case 'bigint':
    case 'counter':
      return integer(INTEGER_BYTES[name], name, text);
    case 'varint':
      return encodeVarint(bigintOf(name, text));
    case 'decimal': {
      const value = parseDecimal(text);
      if (value === undefined) throw new MarshalError(`unable to make BigDecimal from '${text}'`);
      return encodeDecimal(value);
    }
    case 'float':
    case 'double':
      return floating(name, text);
    case 'uuid':
    case 'timeuuid':
      return uuid(name, text);
    case 'inet':
      return inet(text);
    case 'timestamp':
      return timestamp(text);
    case 'date':
      return date(text);
    case 'time':
      return time(text);
    case 'duration': {
      const duration = parseDuration(text);
      if (duration === undefined) throw new MarshalError(`Unable to convert '${text}' to a duration`);
      return encodeDuration(duration);
    }
  }
}

const INTEGER_BYTES = { tinyint: 1, smallint: 2, int: 4, bigint: 8, counter: 8 } as const;

function bigintOf(name: NativeName, text: string): bigint {
  if (!/^[+-]?\d+$/.test(text)) throw new MarshalError(`Unable to make ${JAVA_NAMES[name] ?? name} from '${text}'`);
  return BigInt(text);
}

/** What Cassandra's errors call them. */
const JAVA_NAMES: Readonly<Partial<Record<NativeName, string>>> = {
  tinyint: 'byte',
  smallint: 'short',
  int: 'int',
  bigint: 'long',
  counter: 'long',
  varint: 'integer',
};

function integer(size: 1 | 2 | 4 | 8, name: NativeName, text: string): Buffer {
  const value = bigintOf(name, text);
  const bound = 1n << BigInt(8 * size - 1);
  if (value < -bound || value >= bound) throw new MarshalError(`Unable to make ${JAVA_NAMES[name]} from '${text}'`);
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigInt64BE(value, 0);
  return bytes.subarray(8 - size);
}

function floating(name: 'float' | 'double', text: string): Buffer {
  const value = Number(text);
  if (text.trim() === '' || (Number.isNaN(value) && text !== 'NaN'))
    throw new MarshalError(`Unable to make ${name} from '${text}'`);
  const bytes = Buffer.allocUnsafe(name === 'float' ? 4 : 8);
  if (name === 'float') bytes.writeFloatBE(value, 0);
  else bytes.writeDoubleBE(value, 0);
  return bytes;
}

function uuid(name: NativeName, text: string): Buffer {
  if (!/^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/.test(text)) {
    throw new MarshalError(`Unable to make UUID from '${text}'`);
  }
  const bytes = Buffer.from(text.replaceAll('-', ''), 'hex');
  if (name === 'timeuuid' && ((bytes[6] as number) & 0xf0) !== 0x10) {
    throw new MarshalError('TimeUUID supports only version 1 UUIDs');
  }
  return bytes;
}

function inet(text: string): Buffer {
  if (isIPv4(text)) return Buffer.from(text.split('.').map(Number));
  if (!isIPv6(text) || text.includes('%')) throw new MarshalError(`Unable to make inet address from '${text}'`);
  const bytes = ipv6(text);
  // An address of version 4 in the clothes of version 6 is one of version 4.
  return bytes.subarray(0, 12).equals(MAPPED) ? bytes.subarray(12) : bytes;
}

const MAPPED = Buffer.from('00000000000000000000ffff', 'hex');

function ipv6(text: string): Buffer {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (dotted !== null) {
    const [a, b, c, d] = (dotted[2] as string).split('.').map(Number) as [number, number, number, number];
    return ipv6(`${dotted[1]}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`);
  }
  const [head = '', tail] = text.split('::');
  const words = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((word) => Number.parseInt(word, 16));
  const first = words(head);
  const last = tail === undefined ? [] : words(tail);
  const all = [...first, ...new Array<number>(8 - first.length - last.length).fill(0), ...last];
  return Buffer.from(all.flatMap((word) => [word >> 8, word & 255]));
}

function timestamp(text: string): Buffer {
  if (!/^-?\d+$/.test(text)) return eight(parseTimestamp(text), `Unable to parse a date/time from '${text}'`);
  const value = BigInt(text);
  return eight(isLong(value) ? value : undefined, `Unable to make long (for date) from: '${text}'`);
}

function date(text: string): Buffer {
  const isNumber = /^-?\d+$/.test(text);
  const days = isNumber ? Number(text) : parseDate(text);
  if (days === undefined) throw new MarshalError(`Unable to coerce '${text}' to a formatted date (long)`);
  if (days < 0 || days > 0xffffffff) throw new MarshalError(`Unable to make unsigned int (for date) from: '${text}'`);
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(days, 0);
  return bytes;
}

function time(text: string): Buffer {
  if (!/^-?\d+$/.test(text)) {
    return eight(parseTime(text), `(TimeType) Unable to coerce '${text}' to a formatted time (long)`);
  }
  const value = BigInt(text);
  return eight(isTime(value) ? value : undefined, `Unable to make long (for time) from: '${text}'`);
}

function isLong(value: bigint): boolean {
  return BigInt.asIntN(64, value) === value;
}

function eight(value: bigint | undefined, error: string): Buffer {
  if (value === undefined) throw new MarshalError(error);
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigInt64BE(value, 0);
  return bytes;
}
