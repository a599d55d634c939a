/** `(…)` and `{field: …}`: tuples, terms in parentheses and user types. */
import { invalidRequest } from '../../errors.ts';
import { type Assignability, worstOf } from '../assignment.ts';
import { type Cell, fieldTypes, packFields } from '../composite.ts';
import { type DataType, freeze, tupleOf, typeText, type UserDataType } from '../data-type.ts';
import { Evaluable, type Evaluation, folded, type Receiver, UNSET } from '../value.ts';
import { Expression } from './expression.ts';

/** Fields of a tuple or user type. */
class Fields extends Evaluable {
  override readonly type: DataType;
  override readonly isConstant: boolean;
  readonly #fields: readonly (Evaluable | null)[];
  /** What the client is told of a field without a value; undefined where that means null. */
  readonly #unsetText: ((field: number) => string) | undefined;

  constructor(
    type: DataType,
    fields: readonly (Evaluable | null)[],
    unsetText: ((field: number) => string) | undefined,
  ) {
    super();
    this.type = type;
    this.isConstant = fields.every((field) => field === null || field.isConstant);
    this.#fields = fields;
    this.#unsetText = unsetText;
  }

  override evaluate(at: Evaluation): Buffer {
    return packFields(
      this.#fields.map((field, i): Cell => {
        const value = field === null ? null : field.evaluate(at);
        if (value !== UNSET) return value;
        if (this.#unsetText !== undefined) throw invalidRequest(this.#unsetText(i));
        return null;
      }),
    );
  }
}

export class TupleExpression extends Expression {
  override readonly text: string;
  readonly #items: readonly Expression[];

  constructor(items: readonly Expression[]) {
    super();
    this.text = `(${items.map(({ text }) => text).join(', ')})`;
    this.#items = items;
  }

  /** The term that parentheses are around; undefined when it can only be a tuple. */
  get #inner(): Expression | undefined {
    return this.#items.length === 1 ? this.#items[0] : undefined;
  }

  override test(type: DataType): Assignability {
    if (type.kind !== 'tuple' && type.kind !== 'udt') return this.#inner?.test(type) ?? 'none';
    const types = fieldTypes(type);
    if (this.#items.length > types.length) return 'none';
    return worstOf(this.#items.map((item, i) => item.test(types[i] as DataType)));
  }

  override naturalType(): DataType | undefined {
    if (this.#inner !== undefined) return this.#inner.naturalType();
    return tupleOfAll(this.#items.map((item) => item.naturalType()));
  }

  override knownType(): DataType | undefined {
    if (this.#inner !== undefined) return this.#inner.knownType();
    return tupleOfAll(this.#items.map((item) => item.knownType()));
  }

  override prepare(receiver: Receiver): Evaluable {
    const { type, name } = receiver;
    if (type.kind !== 'tuple' && type.kind !== 'udt') {
      if (this.#inner !== undefined) return this.#inner.prepare(receiver);
      throw invalidRequest(`Invalid tuple type literal for ${name} of type ${typeText(type)}`);
    }
    const types = fieldTypes(type);
    if (this.#items.length > types.length) {
      throw invalidRequest(
        `Invalid tuple literal for ${name}: too many elements. Type ${typeText(type)} expects ${types.length} but got ${this.#items.length}`,
      );
    }
    const fields = this.#items.map((item, i) => {
      const field = types[i] as DataType;
      if (item.test(field) === 'none') {
        throw invalidRequest(`Invalid tuple literal for ${name}: component ${i} is not of type ${typeText(field)}`);
      }
      return item.prepare({ ...receiver, name: `${name}[${i}]`, type: field });
    });
    return folded(new Fields(type, fields, (i) => `Invalid unset value for tuple field number ${i}`));
  }
}

function tupleOfAll(types: readonly (DataType | undefined)[]): DataType | undefined {
  const known = types.filter((type) => type !== undefined);
  return known.length === types.length ? tupleOf(...known.map(freeze)) : undefined;
}

export class UserTypeExpression extends Expression {
  override readonly text: string;
  readonly #fields: ReadonlyMap<string, Expression>;

  constructor(fields: readonly (readonly [name: string, value: Expression])[]) {
    super();
    this.text = `{${fields.map(([name, value]) => `${name}: ${value.text}`).join(', ')}}`;
    this.#fields = new Map(fields);
  }

  override test(type: DataType): Assignability {
    // What is wrong with the fields is said when the value is made.
    return type.kind === 'udt' && this.#unknownField(type) === undefined && this.#badField(type) === undefined
      ? 'weak'
      : 'none';
  }

  override naturalType(): undefined {
    return undefined;
  }

  override knownType(): undefined {
    return undefined;
  }

  override prepare(receiver: Receiver): Evaluable {
    const { type, name } = receiver;
    if (type.kind !== 'udt') {
      throw invalidRequest(`Invalid user type literal for ${name} of type ${typeText(type)}`);
    }
    const unknown = this.#unknownField(type);
    if (unknown !== undefined) {
      throw invalidRequest(`Unknown field '${unknown}' in value of user defined type ${type.name}`);
    }
    const bad = this.#badField(type);
    if (bad !== undefined) {
      throw invalidRequest(
        `Invalid user type literal for ${name}: field ${bad.name} is not of type ${typeText(bad.type)}`,
      );
    }
    const fields = type.fields.map(
      (field) =>
        this.#fields.get(field.name)?.prepare({ ...receiver, name: `${name}.${field.name}`, type: field.type }) ?? null,
    );
    const unsetText = (i: number): string =>
      `Invalid unset value for field '${type.fields[i]?.name}' of user defined type ${type.name}`;
    return folded(new Fields(type, fields, type.frozen ? unsetText : undefined));
  }

  #unknownField(type: UserDataType): string | undefined {
    for (const name of this.#fields.keys()) if (!type.fields.some((field) => field.name === name)) return name;
    return undefined;
  }

  #badField(type: UserDataType): UserDataType['fields'][number] | undefined {
    return type.fields.find((field) => this.#fields.get(field.name)?.test(field.type) === 'none');
  }
}

/** `{a: b}` of a selection, where only the type tells whether `a` is a column or a field. */
export class MapOrUserTypeExpression extends Expression {
  override readonly text: string;
  readonly #map: Expression;
  readonly #userType: Expression;

  constructor(map: Expression, userType: Expression) {
    super();
    this.text = map.text;
    this.#map = map;
    this.#userType = userType;
  }

  override test(type: DataType): Assignability {
    return this.#for(type).test(type);
  }

  override naturalType(): DataType | undefined {
    return undefined;
  }

  override knownType(): undefined {
    return undefined;
  }

  override prepare(receiver: Receiver): Evaluable {
    return this.#for(receiver.type).prepare(receiver);
  }

  #for(type: DataType): Expression {
    return type.kind === 'udt' ? this.#userType : this.#map;
  }
}
