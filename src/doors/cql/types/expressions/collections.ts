/** `[…]`, `{…}` and `{… : …}`: lists, vectors, sets and maps. */
import { invalidRequest } from '../../errors.ts';
import { type Assignability, isValueCompatible, worstOf } from '../assignment.ts';
import { packMap, packSet } from '../canonical.ts';
import { packCollection, packVector } from '../composite.ts';
import {
  type DataType,
  freeze,
  type ListDataType,
  listOf,
  type MapDataType,
  mapOf,
  setOf,
  typeText,
  type VectorDataType,
} from '../data-type.ts';
import { ConstantValue, Evaluable, type Evaluation, folded, type Receiver, UNSET } from '../value.ts';
import { commonType, Expression } from './expression.ts';

export function elementReceiver(receiver: Receiver, name: string, type: DataType): Receiver {
  return { keyspace: receiver.keyspace, table: receiver.table, name: `${name}(${receiver.name})`, type };
}

/** Parts of a value in their order, put together when all of them are there. */
class Assembled extends Evaluable {
  override readonly type: DataType;
  override readonly isConstant: boolean;
  readonly #parts: readonly Evaluable[];
  readonly #pack: (parts: readonly Buffer[]) => Buffer;
  readonly #what: string;

  constructor(type: DataType, parts: readonly Evaluable[], pack: (parts: readonly Buffer[]) => Buffer, what: string) {
    super();
    this.type = type;
    this.isConstant = parts.every((part) => part.isConstant);
    this.#parts = parts;
    this.#pack = pack;
    this.#what = what;
  }

  override evaluate(at: Evaluation): Buffer {
    return this.#pack(
      this.#parts.map((part) => {
        const value = part.evaluate(at);
        if (value === null || value === UNSET) {
          throw invalidRequest(`null is not supported inside ${this.#what}`);
        }
        return value;
      }),
    );
  }
}

function assembled(
  type: DataType,
  parts: readonly Evaluable[],
  pack: (parts: readonly Buffer[]) => Buffer,
  what: string,
): Evaluable {
  return folded(new Assembled(type, parts, pack, what));
}

export class ArrayExpression extends Expression {
  override readonly text: string;
  override readonly arrayLength: number;
  readonly #items: readonly Expression[];
  readonly #isSelection: boolean;

  constructor(items: readonly Expression[], isSelection: boolean) {
    super();
    this.text = `[${items.map(({ text }) => text).join(', ')}]`;
    this.arrayLength = items.length;
    this.#items = items;
    this.#isSelection = isSelection;
  }

  override test(type: DataType): Assignability {
    if (type.kind === 'vector') {
      if (this.#items.length !== type.dimensions) return 'none';
      return worstOf(this.#items.map((item) => item.test(type.element)));
    }
    if (type.kind !== 'list') return 'none';
    // An empty list is one of anything, which is as good as a list can be.
    return this.#items.length === 0 ? 'weak' : worstOf(this.#items.map((item) => item.test(type.element)));
  }

  override naturalType(): DataType | undefined {
    const element = commonType(
      this.#items.map((item) => item.naturalType()),
      isValueCompatible,
    );
    return element === undefined ? undefined : listOf(element, true);
  }

  override knownType(): DataType | undefined {
    const element = this.#items.map((item) => item.knownType()).find((type) => type !== undefined);
    return element === undefined ? undefined : listOf(freeze(element), true);
  }

  override prepare(receiver: Receiver): Evaluable {
    const { type } = receiver;
    if (type.kind === 'list') return this.#list(receiver, type);
    if (type.kind === 'vector') return this.#vector(receiver, type);
    throw invalidRequest(`Unexpected receiver type '${typeText(type)}'; only list and vector are expected`);
  }

  #list(receiver: Receiver, type: ListDataType): Evaluable {
    const element = elementReceiver(receiver, 'value', type.element);
    checkItems('list', receiver, this.#items, type.element);
    const parts = this.#items.map((item) => item.prepare(element));
    if (!this.#isSelection) refuseMarkers('list', receiver, parts);
    return assembled(type, parts, (cells) => packCollection(cells.length, cells), 'collections');
  }

  #vector(receiver: Receiver, type: VectorDataType): Evaluable {
    const { length } = this.#items;
    if (length !== type.dimensions) {
      throw invalidRequest(
        `Invalid vector literal for ${receiver.name} of type ${typeText(type)}; expected ${type.dimensions} elements, but given ${length}`,
      );
    }
    checkItems('vector', receiver, this.#items, type.element);
    const element = elementReceiver(receiver, 'value', type.element);
    const parts = this.#items.map((item) => item.prepare(element));
    return assembled(type, parts, (cells) => packVector(cells, type), 'vectors');
  }
}

function checkItems(kind: string, receiver: Receiver, items: readonly Expression[], element: DataType): void {
  for (const item of items) {
    if (item.test(element) === 'none') {
      throw invalidRequest(
        `Invalid ${kind} literal for ${receiver.name}: value ${item.text} is not of type ${typeText(element)}`,
      );
    }
  }
}

/** Cassandra's collections in statements are constants. */
function refuseMarkers(kind: string, receiver: Receiver, parts: readonly Evaluable[]): void {
  if (parts.every(({ isConstant }) => isConstant)) return;
  throw invalidRequest(
    `Invalid ${kind} literal for ${receiver.name}: bind variables are not supported inside collection literals`,
  );
}

export class SetExpression extends Expression {
  override readonly text: string;
  readonly #items: readonly Expression[];
  readonly #isSelection: boolean;

  constructor(items: readonly Expression[], isSelection: boolean) {
    super();
    this.text = `{${items.map(({ text }) => text).join(', ')}}`;
    this.#items = items;
    this.#isSelection = isSelection;
  }

  override test(type: DataType): Assignability {
    // `{}` is an empty map too.
    if (type.kind === 'map' && this.#items.length === 0) return 'weak';
    if (type.kind !== 'set') return 'none';
    return this.#items.length === 0 ? 'weak' : worstOf(this.#items.map((item) => item.test(type.element)));
  }

  override naturalType(): DataType | undefined {
    const element = commonType(
      this.#items.map((item) => item.naturalType()),
      isValueCompatible,
    );
    return element === undefined ? undefined : setOf(element, true);
  }

  override knownType(): DataType | undefined {
    const element = this.#items.map((item) => item.knownType()).find((type) => type !== undefined);
    return element === undefined ? undefined : setOf(freeze(element), true);
  }

  override prepare(receiver: Receiver): Evaluable {
    const { type } = receiver;
    if (type.kind === 'map' && this.#items.length === 0) return new ConstantValue(type, packCollection(0, []));
    if (type.kind !== 'set') {
      throw invalidRequest(`Invalid set literal for ${receiver.name} of type ${typeText(type)}`);
    }
    checkItems('set', receiver, this.#items, type.element);
    const element = elementReceiver(receiver, 'value', type.element);
    const parts = this.#items.map((item) => item.prepare(element));
    if (!this.#isSelection) refuseMarkers('set', receiver, parts);
    return assembled(type, parts, (cells) => packSet(type.element, cells), 'collections');
  }
}

export class MapExpression extends Expression {
  override readonly text: string;
  readonly #entries: readonly (readonly [Expression, Expression])[];
  readonly #isSelection: boolean;

  constructor(entries: readonly (readonly [Expression, Expression])[], isSelection: boolean) {
    super();
    this.text = `{${entries.map(([key, value]) => `${key.text}: ${value.text}`).join(', ')}}`;
    this.#entries = entries;
    this.#isSelection = isSelection;
  }

  override test(type: DataType): Assignability {
    if (type.kind !== 'map') return 'none';
    if (this.#entries.length === 0) return 'weak';
    return worstOf(this.#entries.flatMap(([key, value]) => [key.test(type.key), value.test(type.value)]));
  }

  override naturalType(): DataType | undefined {
    const key = commonType(
      this.#entries.map(([entryKey]) => entryKey.naturalType()),
      isValueCompatible,
    );
    const value = commonType(
      this.#entries.map(([, entryValue]) => entryValue.naturalType()),
      isValueCompatible,
    );
    return key === undefined || value === undefined ? undefined : mapOf(key, value, true);
  }

  /** In a selection the keys might as well be the fields of a user type. */
  override knownType(): undefined {
    return undefined;
  }

  override prepare(receiver: Receiver): Evaluable {
    const { type } = receiver;
    if (type.kind !== 'map') {
      throw invalidRequest(`Invalid map literal for ${receiver.name} of type ${typeText(type)}`);
    }
    this.#check(receiver, type);
    const keyReceiver = elementReceiver(receiver, 'key', type.key);
    const valueReceiver = elementReceiver(receiver, 'value', type.value);
    const parts = this.#entries.flatMap(([key, value]) => [key.prepare(keyReceiver), value.prepare(valueReceiver)]);
    if (!this.#isSelection) refuseMarkers('map', receiver, parts);
    return assembled(type, parts, (cells) => packMap(type.key, pairsOf(cells)), 'collections');
  }

  #check(receiver: Receiver, type: MapDataType): void {
    for (const [key, value] of this.#entries) {
      if (key.test(type.key) === 'none') {
        throw invalidRequest(
          `Invalid map literal for ${receiver.name}: key ${key.text} is not of type ${typeText(type.key)}`,
        );
      }
      if (value.test(type.value) === 'none') {
        throw invalidRequest(
          `Invalid map literal for ${receiver.name}: value ${value.text} is not of type ${typeText(type.value)}`,
        );
      }
    }
  }
}

function pairsOf(cells: readonly Buffer[]): [Buffer, Buffer][] {
  const pairs: [Buffer, Buffer][] = [];
  for (let i = 0; i < cells.length; i += 2) pairs.push([cells[i] as Buffer, cells[i + 1] as Buffer]);
  return pairs;
}
