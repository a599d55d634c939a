/** Constants, NULL and markers. */
import { invalidRequest } from '../../errors.ts';
import type { Constant } from '../../language/ast.ts';
import type { Assignability } from '../assignment.ts';
import { acceptsConstant, encodeConstant, typeOfConstant } from '../constant.ts';
import { type DataType, isCounter, Native, typeText } from '../data-type.ts';
import { BoundValue, ConstantValue, type Receiver } from '../value.ts';
import { Expression } from './expression.ts';

export class ConstantExpression extends Expression {
  override readonly text: string;
  readonly #constant: Constant;

  constructor(constant: Constant) {
    super();
    this.#constant = constant;
    this.text = constant.type === 'string' ? `'${constant.text}'` : constant.text;
  }

  override test(type: DataType): Assignability {
    if (type.kind !== 'native') return 'none';
    if (type.name === typeOfConstant(this.#constant)) return 'exact';
    return acceptsConstant(type.name, this.#constant) ? 'weak' : 'none';
  }

  override naturalType(): DataType {
    return Native[typeOfConstant(this.#constant)];
  }

  override knownType(): undefined {
    return undefined;
  }

  override prepare({ name, type }: Receiver): ConstantValue {
    const constant = this.#constant;
    if (type.kind !== 'native' || !acceptsConstant(type.name, constant)) {
      throw invalidRequest(
        `Invalid ${constant.type.toUpperCase()} constant (${constant.text}) for "${name}" of type ${typeText(type)}`,
      );
    }
    return new ConstantValue(type, encodeConstant(type.name, constant));
  }
}

export class NullExpression extends Expression {
  override readonly text = 'NULL';

  override test(type: DataType): Assignability {
    return isCounter(type) ? 'none' : 'weak';
  }

  override naturalType(): undefined {
    return undefined;
  }

  override knownType(): undefined {
    return undefined;
  }

  override prepare({ type }: Receiver): ConstantValue {
    if (isCounter(type)) throw invalidRequest('Invalid null value for counter increment/decrement');
    return new ConstantValue(type, null);
  }
}

export class MarkerExpression extends Expression {
  override readonly text: string;
  override readonly isMarker = true;
  readonly #index: number;
  readonly #settle: (index: number, receiver: Receiver) => void;

  /** `settle` is told what the marker's value is for. */
  constructor(index: number, name: string | undefined, settle: (index: number, receiver: Receiver) => void) {
    super();
    this.text = name === undefined ? '?' : `:${name}`;
    this.#index = index;
    this.#settle = settle;
  }

  override test(): Assignability {
    return 'weak';
  }

  override naturalType(): undefined {
    return undefined;
  }

  override knownType(): undefined {
    return undefined;
  }

  override prepare(receiver: Receiver): BoundValue {
    this.#settle(this.#index, receiver);
    return new BoundValue(receiver.type, this.#index);
  }
}
