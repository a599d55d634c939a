/** Constants of CQL text as values of a native type, and the texts that some types are also written as. */
import { isIPv4, isIPv6 } from 'node:net';
import type { Constant } from '../language/ast.ts';
import type { NativeName } from './data-type.ts';
import { encodeDuration, parseDuration } from './duration.ts';
import { encodeDecimal, encodeVarint, parseDecimal } from './numbers.ts';
import { parseDate, parseTime, parseTimestamp } from './time.ts';

/** The constant is of a kind that the type does not take, or is no value of it. `text` is in Cassandra's words where it has any. */
export class ConstantError extends Error {
  override readonly name = 'ConstantError';
}

const ACCEPTED: Readonly<Record<NativeName, readonly Constant['type'][]>> = {
  ascii: ['string'],
  bigint: ['integer'],
  blob: ['hex'],
  boolean: ['boolean'],
  counter: ['integer'],
  date: ['string', 'integer'],
  decimal: ['integer', 'float'],
  double: ['integer', 'float'],
  duration: ['duration'],
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
      return 'text';
    case 'integer': {
      const value = BigInt(constant.text);
      if (value >= -(2n ** 31n) && value < 2n ** 31n) return 'int';
      return value >= -(2n ** 63n) && value < 2n ** 63n ? 'bigint' : 'varint';
    }
    case 'float':
      return 'double';
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

/** Throws ConstantError. */
export function encodeConstant(name: NativeName, constant: Constant): Buffer {
  if (!acceptsConstant(name, constant))
    throw new ConstantError(`Invalid ${constant.type.toUpperCase()} constant (${constant.text})`);
  return encodeText(name, constant.type === 'hex' ? constant.text.slice(2) : constant.text);
}

/** The text form of a type: of a constant, of a key in JSON, of `CAST`. Blobs without `0x`. Throws ConstantError. */
export function encodeText(name: NativeName, text: string): Buffer {
  switch (name) {
    case 'ascii':
      for (let i = 0; i < text.length; i += 1) {
        if (text.charCodeAt(i) > 127) throw new ConstantError(`Invalid ASCII character in string literal: ${text}`);
      }
      return Buffer.from(text, 'latin1');
    case 'text':
      return Buffer.from(text, 'utf8');
    case 'blob':
      if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text))
        throw new ConstantError(`Unable to make bytes from '${text}'`);
      return Buffer.from(text, 'hex');
    case 'boolean':
      if (!/^(true|false)$/i.test(text)) throw new ConstantError(`Unable to make boolean from '${text}'`);
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
      if (value === undefined) throw new ConstantError(`Unable to make BigDecimal from '${text}'`);
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
      return eight(parseTimestamp(text), `Unable to parse a date/time from '${text}'`);
    case 'date': {
      const days = parseDate(text);
      if (days === undefined) throw new ConstantError(`Unable to coerce '${text}' to a formatted date (long)`);
      const bytes = Buffer.allocUnsafe(4);
      bytes.writeUInt32BE(days, 0);
      return bytes;
    }
    case 'time':
      return eight(parseTime(text), `(TimeType) Unable to coerce '${text}' to a formatted time (long)`);
    case 'duration': {
      const duration = parseDuration(text);
      if (duration === undefined) throw new ConstantError(`Unable to convert '${text}' to a duration`);
      return encodeDuration(duration);
    }
  }
}

const INTEGER_BYTES = { tinyint: 1, smallint: 2, int: 4, bigint: 8, counter: 8 } as const;

function bigintOf(name: NativeName, text: string): bigint {
  if (!/^[+-]?\d+$/.test(text)) throw new ConstantError(`Unable to make ${JAVA_NAMES[name] ?? name} from '${text}'`);
  return BigInt(text);
}

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
  if (value < -bound || value >= bound) throw new ConstantError(`Unable to make ${JAVA_NAMES[name]} from '${text}'`);
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigInt64BE(value, 0);
  return bytes.subarray(8 - size);
}

function floating(name: 'float' | 'double', text: string): Buffer {
  const value = Number(text);
  if (text.trim() === '' || (Number.isNaN(value) && text !== 'NaN'))
    throw new ConstantError(`Unable to make ${name} from '${text}'`);
  const bytes = Buffer.allocUnsafe(name === 'float' ? 4 : 8);
  if (name === 'float') bytes.writeFloatBE(value, 0);
  else bytes.writeDoubleBE(value, 0);
  return bytes;
}

function uuid(name: NativeName, text: string): Buffer {
  if (!/^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/.test(text)) {
    throw new ConstantError(`Unable to make UUID from '${text}'`);
  }
  const bytes = Buffer.from(text.replaceAll('-', ''), 'hex');
  if (name === 'timeuuid' && ((bytes[6] as number) & 0xf0) !== 0x10) {
    throw new ConstantError('TimeUUID supports only version 1 UUIDs');
  }
  return bytes;
}

function inet(text: string): Buffer {
  if (isIPv4(text)) return Buffer.from(text.split('.').map(Number));
  if (!isIPv6(text) || text.includes('%')) throw new ConstantError(`Unable to make inet address from '${text}'`);
  return ipv6(text);
}

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

function eight(value: number | bigint | undefined, error: string): Buffer {
  if (value === undefined) throw new ConstantError(error);
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigInt64BE(BigInt(value), 0);
  return bytes;
}
