/** Whether bytes are a value of a type. Throws `MarshalError` in Cassandra's words. */
import { isUtf8 } from 'node:buffer';
import { MarshalError, walkCollection, walkFields, walkLengths, walkVector } from './composite.ts';
import type { DataType, NativeName, UserTypeField } from './data-type.ts';
import { decodeDuration } from './duration.ts';

/** The empty value is one of every type but those that have no empty form in Cassandra: texts, blobs and composites decide themselves. */
export function validate(type: DataType, bytes: Buffer): void {
  switch (type.kind) {
    case 'native':
      validateNative(type.name, bytes);
      return;
    case 'list':
    case 'set': {
      const { element, kind } = type;
      if (element.kind === 'native' && IS_LENGTH_ONLY.has(element.name)) validateLengths(kind, element.name, bytes);
      else walkCollection(bytes, 1, kind, (part) => validate(element, part));
      return;
    }
    case 'map':
      walkCollection(bytes, 2, 'map', (part, i) => validate(i % 2 === 0 ? type.key : type.value, part));
      return;
    case 'tuple':
      walkFields(bytes, type.elements.length, undefined, (field, i) => {
        if (field !== null) validate(type.elements[i] as DataType, field);
      });
      return;
    case 'udt':
      walkFields(bytes, type.fields.length, type, (field, i) => {
        if (field !== null) validate((type.fields[i] as UserTypeField).type, field);
      });
      return;
    case 'vector':
      walkVector(bytes, type, (part) => validate(type.element, part));
  }
}

function validateNative(name: NativeName, bytes: Buffer): void {
  switch (name) {
    case 'ascii':
      for (let i = 0; i < bytes.length; i += 1) {
        const byte = bytes[i] as number;
        if (byte > 127) throw new MarshalError(`Invalid byte for ascii: ${byte - 256}`);
      }
      return;
    case 'text':
      if (!isUtf8(bytes)) throw new MarshalError("String didn't validate.");
      return;
    case 'timeuuid':
      validateLength('uuid', bytes.length);
      if (bytes.length === 16 && ((bytes[6] as number) & 0xf0) !== 0x10) {
        throw new MarshalError('Invalid version for TimeUUID type.');
      }
      return;
    case 'inet':
      if (bytes.length !== 0 && bytes.length !== 4 && bytes.length !== 16) {
        throw new MarshalError(`Expected 4 or 16 byte inetaddress; got ${bytes.toString('hex')}`);
      }
      return;
    case 'duration':
      validateDuration(bytes);
      return;
    default:
      validateLength(name, bytes.length);
  }
}

type LengthOnlyName = Exclude<NativeName, 'ascii' | 'text' | 'timeuuid' | 'inet' | 'duration'>;

/** Types of which any bytes are a value when they are as many as it takes. */
const IS_LENGTH_ONLY: ReadonlySet<NativeName> = new Set<LengthOnlyName>([
  'bigint',
  'blob',
  'boolean',
  'counter',
  'date',
  'decimal',
  'double',
  'float',
  'int',
  'smallint',
  'time',
  'timestamp',
  'tinyint',
  'uuid',
  'varint',
]);

function validateLength(name: LengthOnlyName, length: number): void {
  switch (name) {
    case 'bigint':
    case 'counter':
      exactly(length, 8, 'long');
      return;
    case 'timestamp':
      exactly(length, 8, 'long for date');
      return;
    case 'double':
      exactly(length, 8, 'value for a double');
      return;
    case 'int':
      exactly(length, 4, 'int');
      return;
    case 'float':
      exactly(length, 4, 'value for a float');
      return;
    case 'date':
      if (length !== 4) throw new MarshalError(`Expected 4 byte long for date (${length})`);
      return;
    case 'time':
      if (length !== 8) throw new MarshalError(`Expected 8 byte long for time (${length})`);
      return;
    case 'smallint':
      if (length !== 2) throw new MarshalError(`Expected 2 bytes for a smallint (${length})`);
      return;
    case 'tinyint':
      if (length !== 1) throw new MarshalError(`Expected 1 byte for a tinyint (${length})`);
      return;
    case 'boolean':
      if (length > 1) throw new MarshalError(`Expected 1 or 0 byte value (${length})`);
      return;
    case 'uuid':
      if (length !== 16 && length !== 0) throw new MarshalError(`UUID should be 16 or 0 bytes (${length})`);
      return;
    case 'decimal':
      if (length !== 0 && length < 5) throw new MarshalError(`Expected 0 or at least 4 bytes (${length})`);
      return;
    case 'varint':
    case 'blob':
  }
}

/** Elements whose lengths are all there is to check are not cut out. */
function validateLengths(kind: 'list' | 'set', name: NativeName, bytes: Buffer): void {
  walkLengths(bytes, 1, kind, (_at, length) => validateLength(name as LengthOnlyName, length));
}

function exactly(length: number, size: number, what: string): void {
  if (length !== size && length !== 0) throw new MarshalError(`Expected ${size} or 0 byte ${what} (${length})`);
}

function validateDuration(bytes: Buffer): void {
  if (bytes.length < 3) throw new MarshalError(`Expected at least 3 bytes for a duration (${bytes.length})`);
  const { months, days, nanoseconds } = decodeDuration(bytes);
  for (const [part, value] of [
    ['months', months],
    ['days', days],
  ] as const) {
    if ((value | 0) !== value) {
      throw new MarshalError(`The duration ${part} must be a 32 bits integer but was: ${value}`);
    }
  }
  const isPositive = months > 0 || days > 0 || nanoseconds > 0n;
  const isNegative = months < 0 || days < 0 || nanoseconds < 0n;
  if (isPositive && isNegative) {
    throw new MarshalError(
      `The duration months, days and nanoseconds must be all of the same sign (${months}, ${days}, ${nanoseconds})`,
    );
  }
}
