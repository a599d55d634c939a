/** Types as statements and records name them, resolved against the user types of a keyspace. */
import { invalidRequest } from '../errors.ts';
import type { TypeSyntax } from '../language/ast.ts';
import { parseType } from '../language/parse.ts';
import { printType } from '../language/print-expression.ts';
import { type DataType, freeze, isCounter, isMultiCell, Native, type NativeName } from '../types/data-type.ts';
import type { UserTypeDefinition } from './model.ts';

export type FindsType = (keyspace: string, name: string) => UserTypeDefinition | undefined;

/** Throws InvalidRequest, also for what may not stand in what it stands in. */
export function resolveType(syntax: TypeSyntax, keyspace: string, find: FindsType): DataType {
  return resolve(syntax, keyspace, find, false);
}

/** `isFrozen`: a `frozen<>` around it freezes everything in it, so that it need not be said again. */
function resolve(syntax: TypeSyntax, keyspace: string, find: FindsType, isFrozen: boolean): DataType {
  switch (syntax.kind) {
    case 'native':
      return Native[syntax.name === 'varchar' ? 'text' : (syntax.name as NativeName)];
    case 'frozen': {
      const type = resolve(syntax.type, keyspace, find, true);
      if (type.kind === 'native') {
        throw invalidRequest(
          `frozen<> is only allowed on collections, tuples, and user-defined types (got ${printType(syntax.type)})`,
        );
      }
      return freeze(type);
    }
    case 'list':
    case 'set': {
      const element = resolve(syntax.element, keyspace, find, isFrozen);
      checkInner(element, syntax, isFrozen);
      if (syntax.kind === 'set' && isDuration(element)) {
        throw invalidRequest(`Durations are not allowed inside sets: ${shown(syntax, isFrozen)}`);
      }
      return { kind: syntax.kind, element, frozen: isFrozen };
    }
    case 'map': {
      const key = resolve(syntax.key, keyspace, find, isFrozen);
      const value = resolve(syntax.value, keyspace, find, isFrozen);
      checkInner(value, syntax, isFrozen);
      if (isDuration(key)) throw invalidRequest(`Durations are not allowed as map keys: ${shown(syntax, isFrozen)}`);
      checkInner(key, syntax, isFrozen);
      return { kind: 'map', key, value, frozen: isFrozen };
    }
    case 'tuple': {
      const elements = syntax.elements.map((element) => freeze(resolve(element, keyspace, find, true)));
      if (elements.some(isCounter)) throw invalidRequest('Counters are not allowed inside tuples');
      return { kind: 'tuple', elements };
    }
    case 'vector': {
      const { dimensions } = syntax;
      if (dimensions < 1) throw invalidRequest(`vectors may only have positive dimensions; given ${dimensions}`);
      if (dimensions > VECTOR_DIMENSIONS_MAX) {
        throw invalidRequest(`vectors may have at most ${VECTOR_DIMENSIONS_MAX} dimensions; given ${dimensions}`);
      }
      const element = freeze(resolve(syntax.element, keyspace, find, true));
      if (isCounter(element)) throw invalidRequest('counters are not supported inside vectors');
      return { kind: 'vector', element, dimensions };
    }
    case 'user': {
      const { name } = syntax;
      if (name.keyspace !== undefined && name.keyspace !== keyspace) {
        throw invalidRequest(
          `Statement on keyspace ${keyspace} cannot refer to a user type in keyspace ${name.keyspace}; user types can only be used in the keyspace they are defined in`,
        );
      }
      const definition = find(keyspace, name.name);
      if (definition === undefined) throw invalidRequest(`Unknown type ${keyspace}.${name.name}`);
      const type: DataType = { kind: 'udt', keyspace, name: definition.name, fields: definition.fields, frozen: false };
      return isFrozen ? freeze(type) : type;
    }
    case 'custom':
      return resolveClass(syntax.class);
  }
}

/** A vector is one value; longer ones are none that anybody searches by. */
const VECTOR_DIMENSIONS_MAX = 65_535;

/** A type's text in a record, which was resolved when it was written. */
export function parseStoredType(text: string, keyspace: string, find: FindsType): DataType {
  return resolveType(parseType(text), keyspace, find);
}

function checkInner(inner: DataType, outer: TypeSyntax, isFrozen: boolean): void {
  if (isMultiCell(inner)) {
    const what = inner.kind === 'udt' ? 'UDTs' : 'collections';
    throw invalidRequest(`Non-frozen ${what} are not allowed inside collections: ${shown(outer, isFrozen)}`);
  }
  if (isCounter(inner)) {
    throw invalidRequest(`Counters are not allowed inside collections: ${shown(outer, isFrozen)}`);
  }
}

function shown(syntax: TypeSyntax, isFrozen: boolean): string {
  return isFrozen ? `frozen<${printType(syntax)}>` : printType(syntax);
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
    throw invalidRequest(`Unable to find abstract-type class '${name}': only the types of CQL are supported`);
  return type;
}

/** Whether values of the type have durations in them, which have no order. */
export function referencesDuration(type: DataType): boolean {
  return isDuration(type) || partsOf(type).some(referencesDuration);
}

/** Whether the type is the user type of this name, or has it in it. */
export function referencesUserType(type: DataType, name: string): boolean {
  return (type.kind === 'udt' && type.name === name) || partsOf(type).some((part) => referencesUserType(part, name));
}

/** The same values, with tuples for user types. */
export function withoutUserTypes(type: DataType): DataType {
  switch (type.kind) {
    case 'native':
      return type;
    case 'list':
    case 'set':
    case 'vector':
      return { ...type, element: withoutUserTypes(type.element) };
    case 'map':
      return { ...type, key: withoutUserTypes(type.key), value: withoutUserTypes(type.value) };
    case 'tuple':
      return { ...type, elements: type.elements.map(withoutUserTypes) };
    case 'udt':
      return { kind: 'tuple', elements: type.fields.map((field) => withoutUserTypes(freeze(field.type))) };
  }
}

function partsOf(type: DataType): readonly DataType[] {
  switch (type.kind) {
    case 'native':
      return [];
    case 'list':
    case 'set':
    case 'vector':
      return [type.element];
    case 'map':
      return [type.key, type.value];
    case 'tuple':
      return type.elements;
    case 'udt':
      return type.fields.map((field) => field.type);
  }
}
