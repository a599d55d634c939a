/** Functions of CQL from values to a value. Aggregates are in planning/. */
import type { Assignability } from './assignment.ts';
import type { Cell } from './composite.ts';
import { type DataType, typeText } from './data-type.ts';

/** Where functions that are not determined by their arguments get their answer from. One for each execution of a statement. */
export interface FunctionEnvironment {
  /** Of the execution: the same for all its calls. */
  readonly now_ms: number;
  /** Of version 1, later than all that were made before on this node. */
  timeUuid(): Buffer;
  /** Of version 4. */
  randomUuid(): Buffer;
}

export interface ScalarFunction {
  readonly keyspace: string;
  readonly name: string;
  readonly argumentTypes: readonly DataType[];
  readonly returnType: DataType;
  /** The same arguments always give the same value, so that calls with constants are made once. */
  readonly isPure: boolean;
  /** Arguments are valid for their types. Throws what the client gets. */
  run(args: readonly Cell[], environment: FunctionEnvironment): Cell;
}

/** A function for many types: which one is made depends on the arguments. */
export interface FunctionFamily {
  readonly keyspace: string;
  readonly name: string;
  readonly parameters: readonly FunctionParameter[];
  make(argumentTypes: readonly DataType[], receiver: DataType | undefined): ScalarFunction;
}

export interface FunctionParameter {
  /** As error texts name it: `map`, `numeric_set_or_list`, a type. */
  readonly text: string;
  /** The type of an argument; undefined where nothing tells it. */
  infer(argument: Argument, receiver: DataType | undefined): DataType | undefined;
  /** Undefined when the type is accepted, otherwise what is required: `a map argument`. */
  refusal(type: DataType): string | undefined;
}

/** An argument as far as it is known before the function is. */
export interface Argument {
  /** As error texts show it. */
  readonly text: string;
  readonly isMarker: boolean;
  /** Elements of `[…]`, which may be a vector as well as a list. */
  readonly arrayLength: number | undefined;
  test(type: DataType): Assignability;
  /** The type it has by itself; of constants the one that they are taken for where nothing else is asked. */
  naturalType(): DataType | undefined;
}

export type FunctionCandidate = ScalarFunction | FunctionFamily;

export function isFamily(candidate: FunctionCandidate): candidate is FunctionFamily {
  return 'parameters' in candidate;
}

/** `system.todate`; names that are no identifiers are quoted. */
export function functionName({ keyspace, name }: { readonly keyspace: string; readonly name: string }): string {
  const quoted = (part: string): string => (/^[a-z][a-z0-9_]*$/.test(part) ? part : `"${part.replaceAll('"', '""')}"`);
  return `${quoted(keyspace)}.${quoted(name)}`;
}

/** `system.todate : (timeuuid) -> date`, as errors list what there is. */
export function signatureText(candidate: FunctionCandidate): string {
  const name = functionName(candidate);
  if (isFamily(candidate)) return `${name}(${candidate.parameters.map(({ text }) => text).join(', ')})`;
  return `${name} : (${candidate.argumentTypes.map(typeText).join(', ')}) -> ${typeText(candidate.returnType)}`;
}
