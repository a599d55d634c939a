/**
 * A register: one value or nothing, and nothing at first.
 *
 *   ['set', value]             no output
 *   ['get']                    output: the value, or null when there is none
 *   ['cas', expected, value]   output: whether it was replaced. expected is null: only when there is no value yet
 *   ['delete']                 output: whether there was a value
 */
import { type Candidate, type Facts, isRequired, type Model, type Prepared } from '../model.ts';
import { showValue, type Value, valueKey } from './values.ts';

export type RegisterInput =
  | readonly ['set', Value]
  | readonly ['get']
  | readonly ['cas', Value | null, Value]
  | readonly ['delete'];

/** null is also what a `set` may be said to have returned. */
export type RegisterOutput = Value | boolean | null;

type State = Value | null;
type RegisterCandidate = Candidate<RegisterInput, RegisterOutput>;

export const register: Model<State, RegisterInput, RegisterOutput> = {
  name: 'register',

  init: () => null,

  step(state, input, output) {
    switch (input[0]) {
      case 'set':
        return input[1];
      case 'get':
        return output === undefined || output === state ? state : undefined;
      case 'cas': {
        const replaced = state === input[1];
        if (output !== undefined && output !== replaced) return undefined;
        return replaced ? input[2] : state;
      }
      case 'delete':
        return output === undefined || output === (state !== null) ? null : undefined;
    }
  },

  key: valueKey,

  isRead(input, output) {
    return (
      input[0] === 'get' || (input[0] === 'cas' && output === false) || (input[0] === 'delete' && output === false)
    );
  },

  prepare,

  describe(input, output) {
    switch (input[0]) {
      case 'set':
        return `set ${showValue(input[1])}`;
      case 'get':
        return `get → ${showValue(output as Value | null | undefined)}`;
      case 'cas':
        return `cas ${showValue(input[1])} to ${showValue(input[2])}${done(output)}`;
      case 'delete':
        return `delete${done(output)}`;
    }
  },

  describeState: showValue,
};

function done(output: RegisterOutput | undefined): string {
  if (typeof output !== 'boolean') return '';
  return output ? ' → done' : ' → not done';
}

/** The facts are the values, and that there is none. */
const facts: Facts<State, RegisterInput, RegisterOutput> = {
  needed({ input, output }) {
    if (input[0] === 'get') return output === undefined ? [] : [valueKey(output as State)];
    if (input[0] === 'cas') return output === true ? [valueKey(input[1])] : [];
    return input[0] === 'delete' && output === false ? [valueKey(null)] : [];
  },
  made({ input }) {
    const value = writtenValue(input);
    if (value !== undefined) return [valueKey(value)];
    return input[0] === 'delete' ? [valueKey(null)] : [];
  },
  lost: (before, after) => (before === after ? [] : [valueKey(before)]),
};

/** How a value occurs in the history. */
interface Occurrence {
  /** Operations that may put it there. */
  writers: number;
  /** The earliest return of an operation that certainly found it there. */
  seenBy: number;
  /** True when some operation can tell it from other values: it was read, or is what a `cas` expects. */
  told: boolean;
}

/**
 * What happens to a write w (`set` or `cas`) of a value v whose outcome is unknown:
 *
 *  A. Only w writes v, and an operation r certainly found v: then w happened before r did, so it returned, as it were, when
 *     r returned at the latest, and a `cas` succeeded. Every linearization has w before r, so none is lost, and none is new.
 *  B. v is *untold*: no `get` returned it and no `cas` expects it. States that differ only in which untold value they hold
 *     allow the same operations with the same outputs, and lead to such states again or to equal ones. So all untold values
 *     may be the same one, which makes such writes interchangeable.
 *  C. v is untold, and no `cas` failed and no `delete` found something: w is dropped. Let a linearization include w. Until
 *     the next `set` or `delete` after w, the state is v; the operations in between have outputs that are possible in v,
 *     and by B and C those are possible in every state (a `get` or `delete` or `cas` without a known output). So without
 *     w they remain possible, whatever they now do to the state, and the next `set` or `delete` makes the states equal.
 */
function prepare(candidates: readonly RegisterCandidate[]): Prepared<State, RegisterInput, RegisterOutput> {
  const occurrences = occurrencesOf(candidates);
  const dropUntold = !candidates.some(({ input, output }) => needsAnyValue(input, output));
  let untold: Value | undefined;
  const prepared: RegisterCandidate[] = [];
  for (const candidate of candidates) {
    const value = writtenValue(candidate.input);
    const occurrence = value === undefined ? undefined : occurrences.get(value);
    if (isRequired(candidate) || value === undefined || occurrence === undefined) {
      prepared.push(candidate);
    } else if (occurrence.writers === 1 && occurrence.seenBy !== Number.POSITIVE_INFINITY) {
      const output = candidate.input[0] === 'cas' ? true : undefined;
      prepared.push({ ...candidate, output, return: Math.max(occurrence.seenBy, candidate.call) });
    } else if (occurrence.told) {
      prepared.push(candidate);
    } else if (!dropUntold) {
      untold ??= value;
      prepared.push({ ...candidate, input: withValue(candidate.input, untold) });
    }
  }
  return { candidates: prepared, facts };
}

function occurrencesOf(candidates: readonly RegisterCandidate[]): Map<Value, Occurrence> {
  const occurrences = new Map<Value, Occurrence>();
  const of = (value: Value): Occurrence => {
    let occurrence = occurrences.get(value);
    if (occurrence === undefined) {
      occurrence = { writers: 0, seenBy: Number.POSITIVE_INFINITY, told: false };
      occurrences.set(value, occurrence);
    }
    return occurrence;
  };
  for (const { input, output, return: returned } of candidates) {
    const written = writtenValue(input);
    if (written !== undefined) of(written).writers++;
    const found = input[0] === 'get' ? output : input[0] === 'cas' ? input[1] : undefined;
    if (typeof found !== 'string' && typeof found !== 'number') continue;
    const occurrence = of(found);
    occurrence.told = true;
    if (input[0] === 'get' || output === true) occurrence.seenBy = Math.min(occurrence.seenBy, returned);
  }
  return occurrences;
}

function writtenValue(input: RegisterInput): Value | undefined {
  return input[0] === 'set' ? input[1] : input[0] === 'cas' ? input[2] : undefined;
}

function withValue(input: RegisterInput, value: Value): RegisterInput {
  return input[0] === 'cas' ? ['cas', input[1], value] : ['set', value];
}

/** True of operations that are possible with an untold value and not in every state. */
function needsAnyValue(input: RegisterInput, output: RegisterOutput | undefined): boolean {
  return (input[0] === 'cas' && output === false) || (input[0] === 'delete' && output === true);
}
