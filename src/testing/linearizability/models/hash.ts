/**
 * A hash: fields with values, empty at first.
 *
 *   ['set', field, value]         output: whether the field was new
 *   ['get', field]                output: the value, or null when there is none
 *   ['delete', field]             output: whether it was there
 *   ['increment', field, delta]   output: the value after it; no value counts as 0. Impossible on a text.
 *   ['all']                       output: an object of all fields
 *
 * Numbers and texts are different values, so a client that increments must turn what it reads into numbers.
 */
import { type Candidate, isRequired, type Model, type Prepared } from '../model.ts';
import { showValue, type Value, valueKey, withResult } from './values.ts';

export type HashInput =
  | readonly ['set', string, Value]
  | readonly ['get', string]
  | readonly ['delete', string]
  | readonly ['increment', string, number]
  | readonly ['all'];
export type HashOutput = Value | boolean | null | Readonly<Record<string, Value>>;

type HashCandidate = Candidate<HashInput, HashOutput>;

/** In order of field, which makes equal states have equal keys. Hashes in histories are small. */
type State = readonly (readonly [field: string, value: Value])[];

export const hash: Model<State, HashInput, HashOutput> = {
  name: 'hash',

  init: () => [],

  step(state, input, output) {
    if (input[0] === 'all') return output === undefined || isExactly(state, output) ? state : undefined;
    const field = input[1];
    const value = valueIn(state, field);
    switch (input[0]) {
      case 'set':
        return agrees(output, value === null) ? replace(state, field, input[2]) : undefined;
      case 'get':
        return agrees(output, value) ? state : undefined;
      case 'delete':
        return agrees(output, value !== null) ? replace(state, field, null) : undefined;
      case 'increment': {
        if (typeof value === 'string') return output === undefined ? state : undefined;
        const sum = (value ?? 0) + input[2];
        return agrees(output, sum) ? replace(state, field, sum) : undefined;
      }
    }
  },

  key: (state) => state.map(([field, value]) => `${JSON.stringify(field)}:${valueKey(value)}`).join(','),

  isRead: (input, output) => input[0] === 'get' || input[0] === 'all' || (input[0] === 'delete' && output === false),

  prepare,

  describe(input, output) {
    switch (input[0]) {
      case 'set':
        return withResult(`set ${input[1]} ${showValue(input[2])}`, output, output === true ? 'new' : 'old');
      case 'get':
        return `get ${input[1]} → ${showValue(output as Value | null | undefined)}`;
      case 'delete':
        return withResult(`delete ${input[1]}`, output, output === true ? 'done' : 'not there');
      case 'increment':
        return withResult(`${input[1]} + ${input[2]}`, output, String(output));
      case 'all':
        return withResult('all', output, showFields(Object.entries((output ?? {}) as Record<string, Value>)));
    }
  },

  describeState: showFields,
};

function showFields(fields: State): string {
  return `{${fields.map(([field, value]) => `${field}: ${showValue(value)}`).join(', ')}}`;
}

function agrees(output: HashOutput | undefined, result: HashOutput): boolean {
  return output === undefined || output === result;
}

function valueIn(state: State, field: string): Value | null {
  for (const [name, value] of state) if (name === field) return value;
  return null;
}

function replace(state: State, field: string, value: Value | null): State {
  const next = state.filter(([name]) => name < field);
  if (value !== null) next.push([field, value]);
  for (const entry of state) if (entry[0] > field) next.push(entry);
  return next;
}

function isExactly(state: State, output: HashOutput): boolean {
  if (typeof output !== 'object' || output === null) return false;
  const names = Object.keys(output);
  return names.length === state.length && state.every(([field, value]) => output[field] === value);
}

/** What is known about one field, and about one value in it. */
interface FieldFacts {
  incremented: boolean;
  /** True when a `set` found the field, or a `delete` did. */
  found: boolean;
  readonly values: Map<Value, { writers: number; seenBy: number }>;
}

/**
 * What happens to a `set` w of a value v in a field f whose outcome is unknown, as for registers:
 *
 *  A. Only w writes v into f, no increment can have made it, and a read showed it: then w happened before the read did, so
 *     it returned, as it were, when the read returned at the latest.
 *  B. No read showed v in f, and f is never incremented: nothing tells v from other values that nobody saw in f, so they
 *     may all be the same one, which makes such writes interchangeable.
 *  C. As B, and no `set` or `delete` told that it found f: w is dropped. Until f is written again, no operation with a
 *     known output comes that depends on f: a read would show v. The next `set` or `delete` of f has no known output, or
 *     one that says that f was not there, which w contradicts; so it is possible without w and makes the states equal.
 */
function prepare(candidates: readonly HashCandidate[]): Prepared<State, HashInput, HashOutput> {
  if (candidates.every(isRequired)) return { candidates };
  const fields = factsOf(candidates);
  const unseen = new Map<string, Value>();
  const prepared: HashCandidate[] = [];
  for (const candidate of candidates) {
    const { input } = candidate;
    const facts = input[0] === 'set' ? fields.get(input[1]) : undefined;
    const value = input[0] === 'set' ? facts?.values.get(input[2]) : undefined;
    if (isRequired(candidate) || input[0] !== 'set' || facts === undefined || value === undefined) {
      prepared.push(candidate);
    } else if (value.seenBy !== Number.POSITIVE_INFINITY) {
      const sole = value.writers === 1 && !facts.incremented;
      prepared.push(sole ? { ...candidate, return: Math.max(value.seenBy, candidate.call) } : candidate);
    } else if (facts.incremented) {
      prepared.push(candidate);
    } else if (facts.found) {
      const representative = unseen.get(input[1]) ?? input[2];
      unseen.set(input[1], representative);
      prepared.push({ ...candidate, input: ['set', input[1], representative] });
    }
  }
  return { candidates: prepared };
}

function factsOf(candidates: readonly HashCandidate[]): Map<string, FieldFacts> {
  const fields = new Map<string, FieldFacts>();
  const of = (field: string): FieldFacts => {
    let facts = fields.get(field);
    if (facts === undefined) {
      facts = { incremented: false, found: false, values: new Map() };
      fields.set(field, facts);
    }
    return facts;
  };
  const valueFacts = (field: string, value: Value): { writers: number; seenBy: number } => {
    const { values } = of(field);
    let facts = values.get(value);
    if (facts === undefined) {
      facts = { writers: 0, seenBy: Number.POSITIVE_INFINITY };
      values.set(value, facts);
    }
    return facts;
  };
  const see = (field: string, value: Value, returned: number): void => {
    const facts = valueFacts(field, value);
    facts.seenBy = Math.min(facts.seenBy, returned);
  };
  for (const { input, output, return: returned } of candidates) {
    if (input[0] === 'set') valueFacts(input[1], input[2]).writers++;
    if (input[0] === 'increment') of(input[1]).incremented = true;
    if ((input[0] === 'set' && output === false) || (input[0] === 'delete' && output === true))
      of(input[1]).found = true;
    if (input[0] === 'get' && isValue(output)) see(input[1], output, returned);
    if (input[0] === 'all' && typeof output === 'object' && output !== null) {
      for (const [field, value] of Object.entries(output)) see(field, value, returned);
    }
  }
  return fields;
}

function isValue(output: HashOutput | undefined): output is Value {
  return typeof output === 'string' || typeof output === 'number';
}
