/**
 * The data types of CQL. Types are compared by `sameType`, never by identity: each schema version makes its own.
 */
import { unreachable } from '../../../base/assert.ts';

export type NativeName =
  | 'ascii'
  | 'bigint'
  | 'blob'
  | 'boolean'
  | 'counter'
  | 'date'
  | 'decimal'
  | 'double'
  | 'duration'
  | 'float'
  | 'inet'
  | 'int'
  | 'smallint'
  | 'text'
  | 'time'
  | 'timestamp'
  | 'timeuuid'
  | 'tinyint'
  | 'uuid'
  | 'varint';

export interface NativeDataType {
  readonly kind: 'native';
  readonly name: NativeName;
}
export interface ListDataType {
  readonly kind: 'list' | 'set';
  readonly element: DataType;
  readonly frozen: boolean;
}
export interface MapDataType {
  readonly kind: 'map';
  readonly key: DataType;
  readonly value: DataType;
  readonly frozen: boolean;
}
/** Always frozen. */
export interface TupleDataType {
  readonly kind: 'tuple';
  readonly elements: readonly DataType[];
}
export interface UserDataType {
  readonly kind: 'udt';
  readonly keyspace: string;
  readonly name: string;
  readonly fields: readonly UserTypeField[];
  readonly frozen: boolean;
}
export interface UserTypeField {
  readonly name: string;
  readonly type: DataType;
}
/** Always frozen. */
export interface VectorDataType {
  readonly kind: 'vector';
  readonly element: DataType;
  readonly dimensions: number;
}
export type DataType = NativeDataType | ListDataType | MapDataType | TupleDataType | UserDataType | VectorDataType;

export const Native = {
  ascii: native('ascii'),
  bigint: native('bigint'),
  blob: native('blob'),
  boolean: native('boolean'),
  counter: native('counter'),
  date: native('date'),
  decimal: native('decimal'),
  double: native('double'),
  duration: native('duration'),
  float: native('float'),
  inet: native('inet'),
  int: native('int'),
  smallint: native('smallint'),
  text: native('text'),
  time: native('time'),
  timestamp: native('timestamp'),
  timeuuid: native('timeuuid'),
  tinyint: native('tinyint'),
  uuid: native('uuid'),
  varint: native('varint'),
} as const satisfies Record<NativeName, NativeDataType>;

function native(name: NativeName): NativeDataType {
  return { kind: 'native', name };
}

export function listOf(element: DataType, frozen = false): ListDataType {
  return { kind: 'list', element, frozen };
}
export function setOf(element: DataType, frozen = false): ListDataType {
  return { kind: 'set', element, frozen };
}
export function mapOf(key: DataType, value: DataType, frozen = false): MapDataType {
  return { kind: 'map', key, value, frozen };
}
export function tupleOf(...elements: readonly DataType[]): TupleDataType {
  return { kind: 'tuple', elements };
}

/** Its parts are cells of their own, so that each of them can be changed and can expire. */
export function isMultiCell(type: DataType): type is ListDataType | MapDataType | UserDataType {
  return (type.kind === 'list' || type.kind === 'set' || type.kind === 'map' || type.kind === 'udt') && !type.frozen;
}

export function isCollection(type: DataType): type is ListDataType | MapDataType {
  return type.kind === 'list' || type.kind === 'set' || type.kind === 'map';
}

export function isCounter(type: DataType): boolean {
  return type.kind === 'native' && type.name === 'counter';
}

/** Every type within it is frozen too, as Cassandra has it. */
export function freeze(type: DataType): DataType {
  switch (type.kind) {
    case 'native':
      return type;
    case 'list':
    case 'set':
      return { ...type, element: freeze(type.element), frozen: true };
    case 'map':
      return { ...type, key: freeze(type.key), value: freeze(type.value), frozen: true };
    case 'tuple':
      return { ...type, elements: type.elements.map(freeze) };
    case 'udt':
      return {
        ...type,
        fields: type.fields.map(({ name, type: field }) => ({ name, type: freeze(field) })),
        frozen: true,
      };
    case 'vector':
      return { ...type, element: freeze(type.element) };
    default:
      return unreachable('a type has a kind');
  }
}

/** The same values, stored in the same way unless `ignoreFrozen`. */
export function sameType(a: DataType, b: DataType, ignoreFrozen = false): boolean {
  if (a === b) return true;
  switch (a.kind) {
    case 'native':
      return b.kind === 'native' && a.name === b.name;
    case 'list':
    case 'set':
      return (
        b.kind === a.kind && (ignoreFrozen || a.frozen === b.frozen) && sameType(a.element, b.element, ignoreFrozen)
      );
    case 'map':
      return (
        b.kind === 'map' &&
        (ignoreFrozen || a.frozen === b.frozen) &&
        sameType(a.key, b.key, ignoreFrozen) &&
        sameType(a.value, b.value, ignoreFrozen)
      );
    case 'tuple':
      return (
        b.kind === 'tuple' &&
        a.elements.length === b.elements.length &&
        a.elements.every((element, i) => sameType(element, b.elements[i] as DataType, ignoreFrozen))
      );
    case 'udt':
      return (
        b.kind === 'udt' &&
        a.keyspace === b.keyspace &&
        a.name === b.name &&
        (ignoreFrozen || a.frozen === b.frozen) &&
        a.fields.length === b.fields.length &&
        a.fields.every((field, i) => sameType(field.type, (b.fields[i] as UserTypeField).type, ignoreFrozen))
      );
    case 'vector':
      return b.kind === 'vector' && a.dimensions === b.dimensions && sameType(a.element, b.element, ignoreFrozen);
    default:
      return unreachable('a type has a kind');
  }
}

/** Bytes of every value, where they are always as many; undefined for types of varying length. */
export function fixedLength(type: DataType): number | undefined {
  if (type.kind === 'vector') {
    const element = fixedLength(type.element);
    return element === undefined ? undefined : element * type.dimensions;
  }
  return type.kind === 'native' ? FIXED_LENGTHS[type.name] : undefined;
}

const FIXED_LENGTHS: Readonly<Partial<Record<NativeName, number>>> = {
  bigint: 8,
  boolean: 1,
  counter: 8,
  double: 8,
  float: 4,
  int: 4,
  timestamp: 8,
  timeuuid: 16,
  uuid: 16,
};

/** As CQL writes it: `frozen<map<text, int>>`, also in system_schema.columns. */
export function typeText(type: DataType): string {
  switch (type.kind) {
    case 'native':
      return type.name;
    case 'list':
    case 'set':
      return frozenText(type.frozen, `${type.kind}<${typeText(type.element)}>`);
    case 'map':
      return frozenText(type.frozen, `map<${typeText(type.key)}, ${typeText(type.value)}>`);
    case 'tuple':
      return `frozen<tuple<${type.elements.map(typeText).join(', ')}>>`;
    case 'udt':
      return frozenText(type.frozen, quotedName(type.name));
    case 'vector':
      return `vector<${typeText(type.element)}, ${type.dimensions}>`;
    default:
      return unreachable('a type has a kind');
  }
}

function frozenText(frozen: boolean, text: string): string {
  return frozen ? `frozen<${text}>` : text;
}

/** A name as an identifier: in double quotes unless it is lower case, starts with a letter and is no reserved word. */
export function quotedName(name: string): string {
  return /^[a-z][a-z0-9_]*$/.test(name) && !RESERVED.has(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

const RESERVED: ReadonlySet<string> = new Set(
  (
    'add allow alter and apply asc authorize batch begin by columnfamily create default delete desc describe drop entries execute from full ' +
    'grant if in index infinity insert into is keyspace limit materialized mbean mbeans modify nan norecursive not null of on or order ' +
    'primary rename replace revoke schema select set table to token truncate unlogged unset update use using view where with'
  ).split(' '),
);
