/** Which of the functions of a name is called, by its arguments and by what its result is for. */
import { type CqlError, invalidRequest } from '../errors.ts';
import { type Assignability, assignabilityOf, worstOf } from './assignment.ts';
import { type DataType, sameType, typeText } from './data-type.ts';
import {
  type Argument,
  type FunctionCandidate,
  type FunctionFamily,
  functionName,
  isFamily,
  type ScalarFunction,
  signatureText,
} from './function.ts';

export interface FunctionCall {
  /** As errors name it: with its keyspace where the statement has one. */
  readonly text: string;
  /** All functions of that name. */
  readonly candidates: readonly FunctionCandidate[];
  readonly args: readonly Argument[];
  /** The type of what gets the result; undefined in a selection. */
  readonly receiver: DataType | undefined;
  /** The sign of an operation, whose errors have words of their own; `-` with one argument is the negation. */
  readonly operator: string | undefined;
}

/** Undefined when there is no function of that name. Throws InvalidRequest when none, or more than one, suits. */
export function resolveFunction(call: FunctionCall): ScalarFunction | undefined {
  const candidates = call.candidates.map((candidate) => (isFamily(candidate) ? memberOf(candidate, call) : candidate));
  const [first] = candidates;
  if (first === undefined) return undefined;
  if (candidates.length === 1) {
    checkArguments(first, call);
    return first;
  }
  const suiting = candidates.filter((candidate) => suitsReceiver(candidate, call.receiver));
  const weak: ScalarFunction[] = [];
  for (const candidate of suiting) {
    const result = testArguments(candidate, call.args);
    if (result === 'exact') return candidate;
    if (result === 'weak') weak.push(candidate);
  }
  if (weak.length > 1) return byReceiver(weak, call) ?? byNaturalTypes(weak, call) ?? refuse(ambiguous(weak, call));
  return weak[0] ?? refuse(unsuited(candidates, call));
}

function refuse(error: CqlError): never {
  throw error;
}

function memberOf(family: FunctionFamily, call: FunctionCall): ScalarFunction {
  const { parameters } = family;
  if (call.args.length !== parameters.length) {
    throw invalidRequest(
      `Invalid number of arguments for function ${family.keyspace}.${family.name}(${parameters.map(({ text }) => text).join(', ')})`,
    );
  }
  const types: DataType[] = [];
  for (const [i, parameter] of parameters.entries()) {
    const argument = call.args[i] as Argument;
    const type = parameter.infer(argument, call.receiver);
    if (type === undefined) {
      throw invalidRequest(
        `Cannot infer type of argument ${argument.text} in call to function ${signatureText(family)}: use type casts to disambiguate`,
      );
    }
    const refusal = parameter.refusal(type);
    if (refusal !== undefined) {
      throw invalidRequest(
        `Function ${functionName(family)} requires ${refusal}, but found argument ${argument.text} of type ${typeText(type)}`,
      );
    }
    types.push(type);
  }
  return family.make(types, call.receiver);
}

/** The only function of a name: errors say what exactly does not suit. */
function checkArguments(candidate: ScalarFunction, { args }: FunctionCall): void {
  const { argumentTypes } = candidate;
  if (args.length !== argumentTypes.length) {
    throw invalidRequest(
      `Invalid number of arguments in call to function ${functionName(candidate)}: ${argumentTypes.length} required but ${args.length} provided`,
    );
  }
  for (const [i, argument] of args.entries()) {
    const type = argumentTypes[i] as DataType;
    if (argument.test(type) === 'none') {
      throw invalidRequest(
        `Type error: ${argument.text} cannot be passed as argument ${i} of function ${functionName(candidate)} of type ${typeText(type)}`,
      );
    }
  }
}

function suitsReceiver({ returnType }: ScalarFunction, receiver: DataType | undefined): boolean {
  return receiver === undefined || assignabilityOf(returnType, receiver) !== 'none';
}

function testArguments({ argumentTypes }: ScalarFunction, args: readonly Argument[]): Assignability {
  if (args.length !== argumentTypes.length) return 'none';
  return worstOf(args.map((argument, i) => argument.test(argumentTypes[i] as DataType)));
}

/** Operations on constants for a receiver are done in its type. */
function byReceiver(weak: readonly ScalarFunction[], call: FunctionCall): ScalarFunction | undefined {
  const { receiver } = call;
  if (call.operator === undefined || receiver === undefined || call.args.some(({ isMarker }) => isMarker)) {
    return undefined;
  }
  return weak.find(({ argumentTypes }) => argumentTypes.every((type) => sameType(type, receiver)));
}

function byNaturalTypes(weak: readonly ScalarFunction[], { args }: FunctionCall): ScalarFunction | undefined {
  const types = args.map((argument) => argument.naturalType());
  return weak.find(({ argumentTypes }) =>
    argumentTypes.every((type, i) => {
      const natural = types[i];
      return natural !== undefined && sameType(type, natural);
    }),
  );
}

function unsuited(candidates: readonly ScalarFunction[], call: FunctionCall): CqlError {
  const [left, right] = call.args;
  if (call.operator !== undefined && left !== undefined && right !== undefined) {
    return invalidRequest(`the '${call.operator}' operation is not supported between ${left.text} and ${right.text}`);
  }
  return invalidRequest(
    `Invalid call to function ${call.text}, none of its type signatures match (known type signatures: ${listed(candidates)})`,
  );
}

function ambiguous(weak: readonly ScalarFunction[], call: FunctionCall): CqlError {
  const [left, right] = call.args;
  if (call.operator !== undefined && left !== undefined) {
    return invalidRequest(
      right === undefined
        ? 'Ambiguous negation: use type casts to disambiguate'
        : `Ambiguous '${call.operator}' operation with args ${left.text} and ${right.text}: use type hint to disambiguate, example '(int) ?'`,
    );
  }
  return invalidRequest(
    `Ambiguous call to function ${call.text} (can be matched by following signatures: ${listed(weak)}): use type casts to disambiguate`,
  );
}

function listed(candidates: readonly ScalarFunction[]): string {
  return candidates.map(signatureText).join(', ');
}
