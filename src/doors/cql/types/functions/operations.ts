/** `+ - * / %` and the negation, as functions like the others, with Cassandra's names for them. */
import { CqlError, ErrorCode } from '../../errors.ts';
import type { ArithmeticOperator } from '../../language/ast.ts';
import type { Cell } from '../composite.ts';
import { type DataType, Native, type NativeName } from '../data-type.ts';
import { ArithmeticError } from '../decimal.ts';
import { decodeDuration } from '../duration.ts';
import { addToDate, addToTimestamp } from '../duration-arithmetic.ts';
import type { ScalarFunction } from '../function.ts';
import {
  encodeNumber,
  NUMBERS,
  type NumericName,
  numberOf,
  numericResult,
  operandOf,
  operate,
} from '../number-arithmetic.ts';

export const OPERATION_NAMES: Readonly<Record<ArithmeticOperator, string>> = {
  '+': '_add',
  '-': '_substract',
  '*': '_multiply',
  '/': '_divide',
  '%': '_modulo',
};

export function operationFunctions(name: string): readonly ScalarFunction[] {
  return BY_NAME.get(name) ?? [];
}

const BY_NAME: ReadonlyMap<string, readonly ScalarFunction[]> = new Map([
  ...(Object.entries(OPERATION_NAMES) as [ArithmeticOperator, string][]).map(
    ([operator, name]) => [name, operationsOf(operator)] as const,
  ),
  ['_negate', NUMBERS.map(negation)] as const,
]);

function operationsOf(operator: ArithmeticOperator): ScalarFunction[] {
  const functions = NUMBERS.flatMap((left) => NUMBERS.map((right) => numeric(left, operator, right)));
  if (operator === '+') functions.push(...concatenations());
  if (operator === '+' || operator === '-') {
    functions.push(temporal('timestamp', operator), temporal('date', operator));
  }
  return functions;
}

function native(
  name: string,
  args: readonly NativeName[],
  returnType: NativeName,
  run: (args: readonly Cell[]) => Cell,
): ScalarFunction {
  return {
    keyspace: 'system',
    name,
    argumentTypes: args.map((arg): DataType => Native[arg]),
    returnType: Native[returnType],
    isPure: true,
    run,
  };
}

function numeric(left: NumericName, operator: ArithmeticOperator, right: NumericName): ScalarFunction {
  const result = numericResult(left, right);
  return native(OPERATION_NAMES[operator], [left, right], result, ([a = null, b = null]) => {
    if (isAbsent(a) || isAbsent(b)) return null;
    return guarded(left, operator, right, () =>
      encodeNumber(result, operate(result, operator, operandOf(result, left, a), operandOf(result, right, b))),
    );
  });
}

function negation(type: NumericName): ScalarFunction {
  return native('_negate', [type], type, ([value = null]) => {
    if (isAbsent(value)) return null;
    // -0.0 is not 0 - 0.0.
    const number = numberOf(type, value);
    if (typeof number === 'number') return encodeNumber(type, -number);
    return encodeNumber(type, operate(type, '-', 0n, number));
  });
}

function concatenations(): ScalarFunction[] {
  const types = ['ascii', 'text'] as const;
  return types.flatMap((left) =>
    types.map((right) =>
      native('_add', [left, right], left === 'ascii' && right === 'ascii' ? 'ascii' : 'text', ([a = null, b = null]) =>
        isAbsent(a) || isAbsent(b) ? null : Buffer.concat([a, b]),
      ),
    ),
  );
}

function temporal(type: 'timestamp' | 'date', operator: '+' | '-'): ScalarFunction {
  return native(OPERATION_NAMES[operator], [type, 'duration'], type, ([value = null, duration = null]) => {
    if (isAbsent(value) || isAbsent(duration)) return null;
    const sign = operator === '+' ? 1 : -1;
    return guarded(type, operator, 'duration', () => {
      const bytes = Buffer.allocUnsafe(value.length);
      if (type === 'timestamp') {
        bytes.writeBigInt64BE(addToTimestamp(value.readBigInt64BE(0), decodeDuration(duration), sign), 0);
      } else bytes.writeUInt32BE(addToDate(value.readUInt32BE(0), decodeDuration(duration), sign), 0);
      return bytes;
    });
  });
}

function isAbsent(value: Cell): value is null {
  return value === null || value.length === 0;
}

function guarded(left: string, operator: string, right: string, run: () => Buffer): Buffer {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof ArithmeticError)) throw error;
    throw new CqlError(
      ErrorCode.functionFailure,
      `the operation '${left} ${operator} ${right}' failed: ${error.message}`,
      { keyspace: 'system', functionName: operator, argumentTypes: [left, right] },
    );
  }
}
