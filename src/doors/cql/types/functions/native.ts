/** How the built-in functions are written down. */
import type { Cell } from '../composite.ts';
import { type DataType, Native, type NativeName } from '../data-type.ts';
import type { FunctionEnvironment, ScalarFunction } from '../function.ts';

type Run = (args: readonly Cell[], environment: FunctionEnvironment) => Cell;

export function makeFunction(
  name: string,
  argumentTypes: readonly DataType[],
  returnType: DataType,
  run: Run,
  isPure = true,
): ScalarFunction {
  return { keyspace: 'system', name, argumentTypes, returnType, isPure, run };
}

/** Of native types, and null for null; `run` gets the arguments that are none. */
export function nativeFunction(
  name: string,
  argumentTypes: readonly NativeName[],
  returnType: NativeName,
  run: (...args: readonly Buffer[]) => Cell,
): ScalarFunction {
  return makeFunction(
    name,
    argumentTypes.map((type) => Native[type]),
    Native[returnType],
    (args) => (args.every((arg) => arg !== null) ? run(...args) : null),
  );
}

export function eightBytes(value: bigint): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigInt64BE(value, 0);
  return bytes;
}

export function fourBytes(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value, 0);
  return bytes;
}
