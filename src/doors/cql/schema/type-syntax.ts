/** Types as statements and records name them, resolved against the user types of a keyspace. */

import { CqlError, ErrorCode } from '../errors.ts';
import type { TypeSyntax } from '../language/ast.ts';
import { parseType } from '../language/parse.ts';
import {
  type DataType,
  freeze,
  isCollection,
  isCounter,
  Native,
  type NativeName,
  typeText,
} from '../types/data-type.ts';
import type { UserTypeDefinition } from './model.ts';

export type FindsType = (keyspace: string, name: string) => UserTypeDefinition | undefined;

/** Throws InvalidRequest. Types in collections must be frozen, as in Cassandra, unless `lenient`. */
export function resolveType(syntax: TypeSyntax, keyspace: string, find: FindsType): DataType {
  switch (syntax.kind) {
    case 'native':
      return Native[syntax.name === 'varchar' ? 'text' : (syntax.name as NativeName)];
    case 'frozen':
      return frozen(syntax.type, keyspace, find);
    case 'list':
    case 'set': {
      const element = inner(syntax.element, keyspace, find, syntax.kind);
      if (syntax.kind === 'set' && isDuration(element))
        throw invalid(`Durations are not allowed inside sets: set<${typeText(element)}>`);
      return { kind: syntax.kind, element, frozen: false };
    }
    case 'map': {
      const key = inner(syntax.key, keyspace, find, 'map');
      const value = inner(syntax.value, keyspace, find, 'map');
      if (isDuration(key))
        throw invalid(`Durations are not allowed as map keys: map<${typeText(key)}, ${typeText(value)}>`);
      return { kind: 'map', key, value, frozen: false };
    }
    case 'tuple':
      return {
        kind: 'tuple',
        elements: syntax.elements.map((element) =>
          freeze(withoutCounter(resolveType(element, keyspace, find), 'tuple')),
        ),
      };
    case 'vector': {
      if (syntax.dimensions < 1) throw invalid(`vectors may only have positive dimensions; given ${syntax.dimensions}`);
      if (syntax.dimensions > 8_192)
        throw invalid(`vectors may have at most 8192 dimensions; given ${syntax.dimensions}`);
      return {
        kind: 'vector',
        element: freeze(withoutCounter(resolveType(syntax.element, keyspace, find), 'vector')),
        dimensions: syntax.dimensions,
      };
    }
    case 'user': {
      const { name } = syntax;
      if (name.keyspace !== undefined && name.keyspace !== keyspace) {
        throw invalid(
          `Statement on keyspace ${keyspace} cannot refer to a user type in keyspace ${name.keyspace}; user types can only be used in the keyspace they are defined in`,
        );
      }
      const definition = find(keyspace, name.name);
      if (definition === undefined) throw invalid(`Unknown type ${keyspace}.${name.name}`);
      return { kind: 'udt', keyspace, name: definition.name, fields: definition.fields, frozen: false };
    }
    case 'custom':
      return resolveClass(syntax.class);
  }
}

/** A type's text in a record, which was resolved when it was written. */
export function parseStoredType(text: string, keyspace: string, find: FindsType): DataType {
  return resolveType(parseType(text), keyspace, find);
}

function frozen(syntax: TypeSyntax, keyspace: string, find: FindsType): DataType {
  const type = resolveType(syntax, keyspace, find);
  if (type.kind === 'native') throw invalid('frozen<> is only allowed on collections, tuples, and user-defined types');
  return freeze(type);
}

function inner(syntax: TypeSyntax, keyspace: string, find: FindsType, outer: string): DataType {
  const type = withoutCounter(resolveType(syntax, keyspace, find), outer);
  if (isCollection(type) && !type.frozen) {
    throw invalid(`Non-frozen collections are not allowed inside collections: ${outer}<${typeText(type)}>`);
  }
  if (type.kind === 'udt' && !type.frozen) {
    throw invalid(`Non-frozen UDTs are not allowed inside collections: ${outer}<${typeText(type)}>`);
  }
  return type;
}

function withoutCounter(type: DataType, outer: string): DataType {
  if (isCounter(type))
    throw invalid(
      `Counters are not allowed inside ${outer === 'tuple' || outer === 'vector' ? `${outer}s` : 'collections'}: ${outer}<counter>`,
    );
  return type;
}

function isDuration(type: DataType): boolean {
  return type.kind === 'native' && type.name === 'duration';
}

const CLASSES: Readonly<Record<string, DataType>> = {
  AsciiType: Native.ascii,
  BooleanType: Native.boolean,
  BytesType: Native.blob,
  ByteType: Native.tinyint,
  CounterColumnType: Native.counter,
  DecimalType: Native.decimal,
  DoubleType: Native.double,
  DurationType: Native.duration,
  FloatType: Native.float,
  InetAddressType: Native.inet,
  Int32Type: Native.int,
  IntegerType: Native.varint,
  LongType: Native.bigint,
  ShortType: Native.smallint,
  SimpleDateType: Native.date,
  TimestampType: Native.timestamp,
  TimeType: Native.time,
  TimeUUIDType: Native.timeuuid,
  UTF8Type: Native.text,
  UUIDType: Native.uuid,
};

function resolveClass(name: string): DataType {
  const type = CLASSES[name.replace('org.apache.cassandra.db.marshal.', '')];
  if (type === undefined)
    throw invalid(`Unable to find abstract-type class '${name}': only the types of CQL are supported`);
  return type;
}

function invalid(text: string): CqlError {
  return new CqlError(ErrorCode.invalid, text);
}
