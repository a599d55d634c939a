/** Calls of functions, operations, casts and type hints. */
import { CqlError, invalidRequest } from '../../errors.ts';
import { type Assignability, assignabilityOf } from '../assignment.ts';
import type { Cell } from '../composite.ts';
import { type DataType, type NativeDataType, sameType, typeText } from '../data-type.ts';
import { type FunctionCandidate, functionName, type ScalarFunction } from '../function.ts';
import { resolveFunction } from '../resolve-function.ts';
import { Evaluable, type Evaluation, folded, type Receiver, UNSET } from '../value.ts';
import { Expression } from './expression.ts';

/** What is called, before it is known which function of that name. */
export interface Callee {
  /** As it is written. */
  readonly name: string;
  readonly candidates: readonly FunctionCandidate[];
  readonly operator: string | undefined;
  readonly isAggregate: boolean;
}

export class CallExpression extends Expression {
  override readonly text: string;
  readonly args: readonly Expression[];
  readonly #callee: Callee;
  readonly #isSelection: boolean;

  constructor(callee: Callee, args: readonly Expression[], text: string, isSelection: boolean) {
    super();
    this.text = text;
    this.args = args;
    this.#callee = callee;
    this.#isSelection = isSelection;
  }

  override test(type: DataType): Assignability {
    const found = this.#tryResolve(type);
    // What is wrong with the call is said when it is made, in better words than that it does not suit.
    return found === undefined ? 'weak' : assignabilityOf(found.returnType, type);
  }

  override naturalType(): DataType | undefined {
    return this.#tryResolve(undefined)?.returnType;
  }

  override knownType(): DataType {
    return this.#resolve(undefined).returnType;
  }

  override prepare(receiver: Receiver): Evaluable {
    return this.call(this.#resolve(receiver.type), receiver);
  }

  /** The function that this calls where the type of the result is open. Throws InvalidRequest. */
  resolveFree(): ScalarFunction {
    return this.#resolve(undefined);
  }

  call(called: ScalarFunction, receiver: Receiver): Evaluable {
    if (assignabilityOf(called.returnType, receiver.type) === 'none') {
      throw invalidRequest(
        `Type error: cannot assign result of function ${functionName(called)} (type ${typeText(called.returnType)}) to ${receiver.name} (type ${typeText(receiver.type)})`,
      );
    }
    const args = this.args.map((arg, i) =>
      arg.prepare({
        ...receiver,
        name: this.#isSelection ? receiver.name : `arg${i}(${called.keyspace}.${called.name})`,
        type: called.argumentTypes[i] as DataType,
      }),
    );
    return folded(new CallValue(called, args));
  }

  #resolve(receiver: DataType | undefined): ScalarFunction {
    const { name, candidates, operator, isAggregate } = this.#callee;
    const found = resolveFunction({ text: name, candidates, args: this.args, receiver, operator });
    if (found !== undefined) return found;
    if (isAggregate) throw invalidRequest('Aggregation function are not supported in the where clause');
    throw invalidRequest(this.#isSelection ? `Unknown function '${name}'` : `Unknown function ${name} called`);
  }

  #tryResolve(receiver: DataType | undefined): ScalarFunction | undefined {
    try {
      return this.#resolve(receiver);
    } catch (error) {
      if (error instanceof CqlError) return undefined;
      throw error;
    }
  }
}

/** A call whose function is settled. */
export class CallValue extends Evaluable {
  override readonly type: DataType;
  override readonly isConstant: boolean;
  readonly #function: ScalarFunction;
  readonly #args: readonly Evaluable[];

  constructor(called: ScalarFunction, args: readonly Evaluable[]) {
    super();
    this.type = called.returnType;
    this.isConstant = called.isPure && args.every((arg) => arg.isConstant);
    this.#function = called;
    this.#args = args;
  }

  override evaluate(at: Evaluation): Cell {
    const cells: Cell[] = [];
    for (const arg of this.#args) {
      const value = arg.evaluate(at);
      if (value === UNSET) {
        throw invalidRequest(`Invalid unset value for argument in call to function ${this.#function.name}`);
      }
      cells.push(value);
    }
    return this.#function.run(cells, at.environment);
  }
}

/** `CAST (… AS type)`: a call, or nothing at all where the type is the operand's own. */
export class CastExpression extends Expression {
  override readonly text: string;
  readonly operand: Expression;
  readonly #type: NativeDataType;
  readonly call: CallExpression;

  constructor(operand: Expression, type: NativeDataType, call: CallExpression) {
    super();
    this.text = call.text;
    this.operand = operand;
    this.#type = type;
    this.call = call;
  }

  /** The operand has the type already. */
  get isIdentity(): boolean {
    const natural = this.operand.naturalType();
    return natural !== undefined && sameType(natural, this.#type);
  }

  override test(type: DataType): Assignability {
    return assignabilityOf(this.#type, type);
  }

  override naturalType(): DataType {
    return this.#type;
  }

  override knownType(): DataType {
    return this.#type;
  }

  override prepare(receiver: Receiver): Evaluable {
    if (!this.isIdentity) return this.call.prepare(receiver);
    if (this.test(receiver.type) === 'none') {
      throw invalidRequest(
        `Type error: cannot assign result of function system.cast_as_${this.#type.name} (type ${this.#type.name}) to ${receiver.name} (type ${typeText(receiver.type)})`,
      );
    }
    return this.operand.prepare({ ...receiver, type: this.#type });
  }
}

/** `(type) …` */
export class TypeHintExpression extends Expression {
  override readonly text: string;
  readonly #type: DataType;
  readonly #operand: Expression;

  constructor(type: DataType, operand: Expression, text: string) {
    super();
    this.text = text;
    this.#type = type;
    this.#operand = operand;
  }

  override test(type: DataType): Assignability {
    return assignabilityOf(this.#type, type);
  }

  override naturalType(): DataType {
    return this.#type;
  }

  override knownType(): DataType {
    return this.#type;
  }

  override prepare(receiver: Receiver): Evaluable {
    if (this.#operand.test(this.#type) === 'none') {
      throw invalidRequest(`Cannot cast value ${this.#operand.text} to type ${typeText(this.#type)}`);
    }
    if (this.test(receiver.type) === 'none') {
      throw invalidRequest(`Cannot assign value ${this.text} to ${receiver.name} of type ${typeText(receiver.type)}`);
    }
    return this.#operand.prepare(receiver);
  }

  override prepareFree(receiver: Omit<Receiver, 'type'>): Evaluable {
    if (this.#operand.test(this.#type) === 'none') {
      throw invalidRequest(`Cannot assign value ${this.text} to ${this.text} of type ${typeText(this.#type)}`);
    }
    return this.#operand.prepare({ ...receiver, type: this.#type });
  }
}
