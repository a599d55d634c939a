/**
 * Types by the names of Cassandra's classes: how the protocol names those for which it has no number, and how statements may write
 * them in quotes.
 */
import { type DataType, freeze, Native, type NativeName, type UserTypeField } from './data-type.ts';

const PACKAGE = 'org.apache.cassandra.db.marshal.';

const NATIVE_CLASSES: Readonly<Record<NativeName, string>> = {
  ascii: 'AsciiType',
  bigint: 'LongType',
  blob: 'BytesType',
  boolean: 'BooleanType',
  counter: 'CounterColumnType',
  date: 'SimpleDateType',
  decimal: 'DecimalType',
  double: 'DoubleType',
  duration: 'DurationType',
  float: 'FloatType',
  inet: 'InetAddressType',
  int: 'Int32Type',
  smallint: 'ShortType',
  text: 'UTF8Type',
  time: 'TimeType',
  timestamp: 'TimestampType',
  timeuuid: 'TimeUUIDType',
  tinyint: 'ByteType',
  uuid: 'UUIDType',
  varint: 'IntegerType',
};

const NATIVES_BY_CLASS: ReadonlyMap<string, NativeName> = new Map(
  Object.entries(NATIVE_CLASSES).map(([name, simple]) => [simple, name as NativeName]),
);

/** What is inside something frozen does not say again that it is. */
export function className(type: DataType, isInsideFrozen = false): string {
  switch (type.kind) {
    case 'native':
      return PACKAGE + NATIVE_CLASSES[type.name];
    case 'list':
    case 'set':
      return frozen(type.frozen && !isInsideFrozen, type.kind === 'list' ? 'ListType' : 'SetType', [
        className(type.element, isInsideFrozen || type.frozen),
      ]);
    case 'map':
      return frozen(type.frozen && !isInsideFrozen, 'MapType', [
        className(type.key, isInsideFrozen || type.frozen),
        className(type.value, isInsideFrozen || type.frozen),
      ]);
    case 'tuple':
      return frozen(
        false,
        'TupleType',
        type.elements.map((element) => className(element, true)),
      );
    case 'udt':
      return frozen(type.frozen && !isInsideFrozen, 'UserType', [
        type.keyspace,
        hex(type.name),
        ...type.fields.map((field) => `${hex(field.name)}:${className(field.type, isInsideFrozen || type.frozen)}`),
      ]);
    case 'vector':
      return `${PACKAGE}VectorType(${className(type.element, true)} , ${type.dimensions})`;
  }
}

function frozen(isFrozen: boolean, simple: string, parameters: readonly string[]): string {
  const text = `${PACKAGE}${simple}(${parameters.join(',')})`;
  return isFrozen ? `${PACKAGE}FrozenType(${text})` : text;
}

function hex(name: string): string {
  return Buffer.from(name).toString('hex');
}

/** Undefined when the text names no class that is a type of CQL. The package may be left out. */
export function typeOfClass(text: string): DataType | undefined {
  const reader = new ClassReader(text);
  const type = reader.type();
  return reader.isAtEnd ? type : undefined;
}

class ClassReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text.replaceAll(/\s+/g, '');
  }

  get isAtEnd(): boolean {
    return this.#at === this.#text.length;
  }

  type(): DataType | undefined {
    const simple = this.#word().replace(PACKAGE, '');
    const native = NATIVES_BY_CLASS.get(simple);
    if (native !== undefined) return Native[native];
    if (!this.#skip('(')) return undefined;
    const type = this.#parameterized(simple);
    return this.#skip(')') ? type : undefined;
  }

  #parameterized(simple: string): DataType | undefined {
    switch (simple) {
      case 'FrozenType': {
        const type = this.type();
        return type === undefined ? undefined : freeze(type);
      }
      case 'ReversedType':
        return this.type();
      case 'ListType':
      case 'SetType': {
        const element = this.type();
        if (element === undefined) return undefined;
        return { kind: simple === 'ListType' ? 'list' : 'set', element: freeze(element), frozen: false };
      }
      case 'MapType': {
        const [key, value] = this.#types();
        if (key === undefined || value === undefined) return undefined;
        return { kind: 'map', key: freeze(key), value: freeze(value), frozen: false };
      }
      case 'TupleType': {
        const elements = this.#types();
        return elements.length === 0 ? undefined : { kind: 'tuple', elements: elements.map(freeze) };
      }
      case 'UserType':
        return this.#userType();
      case 'VectorType': {
        const element = this.type();
        const dimensions = this.#skip(',') ? Number(this.#word()) : 0;
        if (element === undefined || !(dimensions > 0)) return undefined;
        return { kind: 'vector', element: freeze(element), dimensions };
      }
      default:
        return undefined;
    }
  }

  /** Types between commas; none at all when one of them is none. */
  #types(): DataType[] {
    const types: DataType[] = [];
    do {
      const type = this.type();
      if (type === undefined) return [];
      types.push(type);
    } while (this.#skip(','));
    return types;
  }

  #userType(): DataType | undefined {
    const keyspace = this.#word();
    if (!this.#skip(',')) return undefined;
    const name = Buffer.from(this.#word(), 'hex').toString();
    const fields: UserTypeField[] = [];
    while (this.#skip(',')) {
      const field = Buffer.from(this.#word(), 'hex').toString();
      const type = this.#skip(':') ? this.type() : undefined;
      if (type === undefined) return undefined;
      fields.push({ name: field, type });
    }
    return { kind: 'udt', keyspace, name, fields, frozen: false };
  }

  #word(): string {
    const start = this.#at;
    while (this.#at < this.#text.length && !'(),:'.includes(this.#text[this.#at] as string)) this.#at += 1;
    return this.#text.slice(start, this.#at);
  }

  #skip(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }
}
