/** Values of expressions: what is known when a statement is prepared, and what is worked out at each execution. */
import { assert, unreachable } from '../../../base/assert.ts';
import { invalidRequest } from '../errors.ts';
import { canonicalValue } from './canonical.ts';
import type { Cell } from './composite.ts';
import type { DataType } from './data-type.ts';
import type { FunctionEnvironment } from './function.ts';
import { validate } from './validate.ts';

/** A bound value that leaves its column as it is. */
export const UNSET: unique symbol = Symbol('unset');
export type Value = Cell | typeof UNSET;

/** What a value is for: a column, an argument, an element. Drivers see its name and type for the markers of a statement. */
export interface Receiver {
  readonly keyspace: string;
  readonly table: string;
  readonly name: string;
  readonly type: DataType;
}

/** One execution, or one row of one. */
export interface Evaluation {
  /** Values of the statement's markers, by their index. */
  readonly bound: readonly Value[];
  readonly environment: FunctionEnvironment;
}

/** An expression whose types are settled. */
export abstract class Evaluable<At extends Evaluation = Evaluation> {
  abstract readonly type: DataType;
  /** The value does not depend on the execution. */
  abstract readonly isConstant: boolean;
  /** In wire format and valid for the type. Throws what the client gets. */
  abstract evaluate(at: At): Value;
}

export class ConstantValue extends Evaluable {
  override readonly isConstant = true;
  override readonly type: DataType;
  readonly cell: Cell;

  constructor(type: DataType, cell: Cell) {
    super();
    this.type = type;
    this.cell = cell;
  }

  override evaluate(): Cell {
    return this.cell;
  }
}

/** Constants need nothing to be evaluated. */
const NOTHING_BOUND: Evaluation = {
  bound: [],
  environment: {
    now_ms: 0,
    timeUuid: () => unreachable('a constant does not depend on the time'),
    randomUuid: () => unreachable('a constant does not depend on chance'),
  },
};

/** Worked out at once where nothing depends on the execution. Throws what the evaluation throws. */
export function folded(value: Evaluable): Evaluable {
  if (!value.isConstant || value instanceof ConstantValue) return value;
  const cell = value.evaluate(NOTHING_BOUND);
  assert(cell !== UNSET, 'only markers are unset');
  return new ConstantValue(value.type, cell);
}

/** The value of a marker. */
export class BoundValue extends Evaluable {
  override readonly isConstant = false;
  override readonly type: DataType;
  readonly index: number;

  constructor(type: DataType, index: number) {
    super();
    this.type = type;
    this.index = index;
  }

  override evaluate(at: Evaluation): Value {
    const value = at.bound[this.index];
    if (value === undefined) throw invalidRequest(`Missing value for bind variable ${this.index}`);
    if (value === UNSET || value === null) return value;
    validate(this.type, value);
    return canonicalValue(this.type, value);
  }
}
