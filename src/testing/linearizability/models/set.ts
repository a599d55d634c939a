/**
 * A set, empty at first.
 *
 *   ['add', member]        output: whether it was new
 *   ['remove', member]     output: whether it was there
 *   ['contains', member]   output: whether it is there
 *   ['members']            output: all members, in any order
 */
import { type Candidate, isRequired, type Model, type Prepared } from '../model.ts';
import { showList, showValue, type Value, withResult } from './values.ts';

export type SetInput =
  | readonly ['add', Value]
  | readonly ['remove', Value]
  | readonly ['contains', Value]
  | readonly ['members'];
export type SetOutput = boolean | readonly Value[];

type SetCandidate = Candidate<SetInput, SetOutput>;

/** One bit a member. Members are numbered as they are met; all states of one `init` share the numbers. */
interface State {
  readonly numbers: Map<Value, number>;
  /** 16 bits each, because that is what a character of the key holds. The last word is not 0. */
  readonly words: readonly number[];
  readonly size: number;
}

export const set: Model<State, SetInput, SetOutput> = {
  name: 'set',

  init: () => ({ numbers: new Map(), words: [], size: 0 }),

  step(state, input, output) {
    if (input[0] === 'members') return output === undefined || isExactly(state, output) ? state : undefined;
    const present = has(state, input[1]);
    // An addition says that the member was new, everything else that it was there.
    if (output !== undefined && output !== (input[0] === 'add' ? !present : present)) return undefined;
    const wanted = input[0] === 'contains' ? present : input[0] === 'add';
    return wanted === present ? state : toggle(state, input[1], wanted);
  },

  key: (state) => String.fromCharCode(...state.words),

  isRead: (input, output) => input[0] === 'members' || input[0] === 'contains' || output === false,

  prepare,

  describe(input, output) {
    if (input[0] === 'members') return withResult('members', output, showList(Array.isArray(output) ? output : []));
    return withResult(`${input[0]} ${showValue(input[1])}`, output, output === true ? 'yes' : 'no');
  },

  describeState: (state) => showList([...state.numbers.keys()].filter((member) => has(state, member))),
};

function numberOf(state: State, member: Value): number {
  let number = state.numbers.get(member);
  if (number === undefined) {
    number = state.numbers.size;
    state.numbers.set(member, number);
  }
  return number;
}

function has(state: State, member: Value): boolean {
  const number = numberOf(state, member);
  return (((state.words[number >>> 4] ?? 0) >>> (number & 15)) & 1) === 1;
}

function toggle(state: State, member: Value, wanted: boolean): State {
  const number = numberOf(state, member);
  const words = state.words.slice();
  while (words.length <= number >>> 4) words.push(0);
  words[number >>> 4] = (words[number >>> 4] ?? 0) ^ (1 << (number & 15));
  while (words.at(-1) === 0) words.pop();
  return { numbers: state.numbers, words, size: state.size + (wanted ? 1 : -1) };
}

function isExactly(state: State, output: SetOutput): boolean {
  if (!Array.isArray(output) || output.length !== state.size) return false;
  return new Set(output).size === output.length && output.every((member: Value) => has(state, member));
}

/** How a member occurs in the history. */
interface Occurrence {
  adds: number;
  /** The earliest return of an operation that certainly found it in the set. */
  seenBy: number;
  /** True when some operation certainly found it not in the set. */
  missed: boolean;
}

/**
 * What happens to operations on a member x whose outcome is unknown:
 *
 *  A. `add` x, when no other operation adds x and one certainly found it: then it happened before that one did, so it
 *     returned, as it were, when that one returned at the latest. Every linearization has it there.
 *  B. `add` x, when no operation certainly found x: dropped. Let a linearization include it. Until the next `add` or
 *     `remove` of x the state differs, without it, at most in that x is missing. Of the operations in between none has an
 *     output that x decides: it would have found x. The next `add` or `remove` of x has no known output either, for the
 *     same reason, and makes the states equal.
 *  C. `remove` x, when no operation certainly missed x: dropped, as in B with "missing" and "there" exchanged.
 */
function prepare(candidates: readonly SetCandidate[]): Prepared<State, SetInput, SetOutput> {
  const doubtful = new Set<Value>();
  for (const candidate of candidates) {
    if (!isRequired(candidate) && candidate.input[0] !== 'members') doubtful.add(candidate.input[1]);
  }
  if (doubtful.size === 0) return { candidates };
  const occurrences = occurrencesOf(candidates, doubtful);
  const prepared: SetCandidate[] = [];
  for (const candidate of candidates) {
    const member = candidate.input[0] === 'members' ? undefined : candidate.input[1];
    const occurrence = member === undefined ? undefined : occurrences.get(member);
    if (isRequired(candidate) || occurrence === undefined) {
      prepared.push(candidate);
      continue;
    }
    const found = occurrence.seenBy !== Number.POSITIVE_INFINITY;
    if (candidate.input[0] === 'remove') {
      if (occurrence.missed) prepared.push(candidate);
    } else if (found) {
      const sole = occurrence.adds === 1;
      prepared.push(sole ? { ...candidate, return: Math.max(occurrence.seenBy, candidate.call) } : candidate);
    }
  }
  return { candidates: prepared };
}

function occurrencesOf(candidates: readonly SetCandidate[], members: ReadonlySet<Value>): Map<Value, Occurrence> {
  const occurrences = new Map<Value, Occurrence>();
  for (const member of members) {
    occurrences.set(member, { adds: 0, seenBy: Number.POSITIVE_INFINITY, missed: false });
  }
  for (const { input, output, return: returned } of candidates) {
    if (input[0] === 'members') {
      if (!Array.isArray(output)) continue;
      const listed = new Set<Value>(output);
      for (const [member, occurrence] of occurrences) tell(occurrence, listed.has(member), returned);
      continue;
    }
    const occurrence = occurrences.get(input[1]);
    if (occurrence === undefined) continue;
    if (input[0] === 'add') occurrence.adds++;
    if (typeof output === 'boolean') tell(occurrence, output === (input[0] !== 'add'), returned);
  }
  return occurrences;
}

function tell(occurrence: Occurrence, found: boolean, returned: number): void {
  if (found) occurrence.seenBy = Math.min(occurrence.seenBy, returned);
  else occurrence.missed = true;
}
