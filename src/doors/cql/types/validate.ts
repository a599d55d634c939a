/** Whether bytes are a value of a type. Throws `MarshalError` in Cassandra's words. */
import { isUtf8 } from 'node:buffer';
import { fieldTypes, MarshalError, readUnsignedVint, splitCollection, splitFields, splitVector } from './composite.ts';
import type { DataType, NativeName } from './data-type.ts';

/** The empty value is one of every type but those that have no empty form in Cassandra: texts, blobs and composites decide themselves. */
export function validate(type: DataType, bytes: Buffer): void {
  switch (type.kind) {
    case 'native':
      validateNative(type.name, bytes);
      return;
    case 'list':
    case 'set':
      for (const part of splitCollection(bytes)) validate(type.element, part);
      return;
    case 'map': {
      const parts = splitCollection(bytes, 2);
      for (let i = 0; i < parts.length; i += 2) {
        validate(type.key, parts[i] as Buffer);
        validate(type.value, parts[i + 1] as Buffer);
      }
      return;
    }
    case 'tuple':
    case 'udt': {
      const types = fieldTypes(type);
      const fields = splitFields(bytes, types.length);
      for (const [i, field] of fields.entries()) if (field !== null) validate(types[i] as DataType, field);
      return;
    }
    case 'vector':
      for (const part of splitVector(bytes, type)) validate(type.element, part);
  }
}

function validateNative(name: NativeName, bytes: Buffer): void {
  const { length } = bytes;
  switch (name) {
    case 'bigint':
    case 'counter':
    case 'double':
    case 'timestamp':
      exactly(length, 8, name === 'timestamp' ? 'date' : 'long');
      return;
    case 'int':
      exactly(length, 4, 'int');
      return;
    case 'float':
      if (length !== 4 && length !== 0) throw new MarshalError(`Expected 4 or 0 byte value for a float (${length})`);
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
    case 'ascii':
      for (let i = 0; i < length; i += 1) {
        if ((bytes[i] as number) > 127) throw new MarshalError(`Invalid byte for ascii: ${bytes[i] as number}`);
      }
      return;
    case 'text':
      if (!isUtf8(bytes)) throw new MarshalError("String didn't validate.");
      return;
    case 'uuid':
      exactlyUuid(length);
      return;
    case 'timeuuid':
      exactlyUuid(length);
      if (length === 16 && ((bytes[6] as number) & 0xf0) !== 0x10)
        throw new MarshalError('Invalid version for TimeUUID type.');
      return;
    case 'inet':
      if (length !== 0 && length !== 4 && length !== 16)
        throw new MarshalError(`Expected 4 or 16 byte inetaddress; got ${length}`);
      return;
    case 'decimal':
      if (length !== 0 && length < 5) throw new MarshalError(`Expected 0 or at least 4 bytes (${length})`);
      return;
    case 'duration':
      validateDuration(bytes);
      return;
    case 'varint':
    case 'blob':
  }
}

function exactly(length: number, size: number, what: string): void {
  if (length !== size && length !== 0) throw new MarshalError(`Expected ${size} or 0 byte ${what} (${length})`);
}

function exactlyUuid(length: number): void {
  if (length !== 16 && length !== 0) throw new MarshalError(`UUIDs must be exactly 16 bytes (${length})`);
}

function validateDuration(bytes: Buffer): void {
  if (bytes.length < 3) throw new MarshalError(`Expected at least 3 bytes for a duration (${bytes.length})`);
  let at = 0;
  for (let part = 0; part < 3; part += 1) [, at] = readUnsignedVint(bytes, at);
  if (at !== bytes.length) throw new MarshalError('Unexpected bytes after a duration');
}
