/**
 * A set, empty at first.
 *
 *   ['add', member]        output: whether it was new
 *   ['remove', member]     output: whether it was there
 *   ['contains', member]   output: whether it is there
 *   ['members']            output: all members, in any order
 */
import { type Candidate, type Facts, isRequired, type Model, type Prepared } from '../model.ts';
import { showList, showValue, type Value, valueKey, withResult } from './values.ts';

export type SetInput =
  | readonly ['add', Value]
  | readonly ['remove', Value]
  | readonly ['contains', Value]
  | readonly ['members'];
export type SetOutput = boolean | readonly Value[];

type SetCandidate = Candidate<SetInput, SetOutput>;

/** Members are numbered as they are met; all states of one `init` share the numbers. */
interface Universe {
  readonly numbers: Map<Value, number>;
  readonly members: Value[];
  /** For each output of `members` that was looked at, the key of the state that it shows. */
  readonly shown: Map<readonly Value[], string>;
}

/** One bit a member. */
interface State {
  readonly universe: Universe;
  /** 16 bits each, because that is what a character of the key holds. The last word is not 0. */
  readonly words: readonly number[];
  /** The words as a string. */
  readonly key: string;
  readonly size: number;
}

export const set: Model<State, SetInput, SetOutput> = {
  name: 'set',

  init: () => ({ universe: { numbers: new Map(), members: [], shown: new Map() }, words: [], key: '', size: 0 }),

  step(state, input, output) {
    if (input[0] === 'members') return output === undefined || isExactly(state, output) ? state : undefined;
    const present = has(state, input[1]);
    // An addition says that the member was new, everything else that it was there.
    if (output !== undefined && output !== (input[0] === 'add' ? !present : present)) return undefined;
    const wanted = input[0] === 'contains' ? present : input[0] === 'add';
    return wanted === present ? state : toggle(state, input[1], wanted);
  },

  key: (state) => state.key,

  isRead: (input, output) => input[0] === 'members' || input[0] === 'contains' || output === false,

  part: (input) => (input[0] === 'members' ? undefined : input[1]),

  hasPart: (state, member, _, output) => Array.isArray(output) && output.includes(member) === has(state, member),

  prepare,

  describe(input, output) {
    if (input[0] === 'members') return withResult('members', output, showList(Array.isArray(output) ? output : []));
    return withResult(`${input[0]} ${showValue(input[1])}`, output, output === true ? 'yes' : 'no');
  },

  describeState: (state) => showList(state.universe.members.filter((member) => has(state, member))),
};

function numberOf({ numbers, members }: Universe, member: Value): number {
  let number = numbers.get(member);
  if (number === undefined) {
    number = members.push(member) - 1;
    numbers.set(member, number);
  }
  return number;
}

function has(state: State, member: Value): boolean {
  const number = numberOf(state.universe, member);
  return (((state.words[number >>> 4] ?? 0) >>> (number & 15)) & 1) === 1;
}

function toggle(state: State, member: Value, wanted: boolean): State {
  const number = numberOf(state.universe, member);
  const words = state.words.slice();
  while (words.length <= number >>> 4) words.push(0);
  words[number >>> 4] = (words[number >>> 4] ?? 0) ^ (1 << (number & 15));
  while (words.at(-1) === 0) words.pop();
  const key = String.fromCharCode(...words);
  return { universe: state.universe, words, key, size: state.size + (wanted ? 1 : -1) };
}

function isExactly({ universe, key }: State, output: SetOutput): boolean {
  return Array.isArray(output) && shownBy(universe, output) === key;
}

/** No state has this key, because the last word of a state is not 0. */
const NO_STATE = '\0';

/** Outputs are asked about again and again, so each is taken apart once. A member that is listed twice fits no state. */
function shownBy(universe: Universe, output: readonly Value[]): string {
  let key = universe.shown.get(output);
  if (key === undefined) {
    const words: number[] = [];
    for (const member of output) {
      const number = numberOf(universe, member);
      while (words.length <= number >>> 4) words.push(0);
      words[number >>> 4] = (words[number >>> 4] ?? 0) | (1 << (number & 15));
    }
    key = new Set(output).size === output.length ? String.fromCharCode(...words) : NO_STATE;
    universe.shown.set(output, key);
  }
  return key;
}

/** The facts are that a member is there, or is missing. What `members` needs is left out: it would name every member. */
const facts: Facts<State, SetInput, SetOutput> = {
  needed({ input, output }) {
    if (input[0] === 'members') return [];
    if (typeof output !== 'boolean') return [];
    return [fact(input[1], output === (input[0] !== 'add'))];
  },
  made({ input }) {
    return input[0] === 'add' || input[0] === 'remove' ? [fact(input[1], input[0] === 'add')] : [];
  },
  lost(before, after) {
    const changed = firstDifference(before, after);
    return changed === undefined ? [] : [fact(changed, has(before, changed))];
  },
};

/** A step changes one member at most. */
function firstDifference(before: State, after: State): Value | undefined {
  const words = Math.max(before.words.length, after.words.length);
  for (let word = 0; word < words; word++) {
    const difference = (before.words[word] ?? 0) ^ (after.words[word] ?? 0);
    if (difference !== 0) return before.universe.members[word * 16 + Math.log2(difference)];
  }
  return undefined;
}

function fact(member: Value, there: boolean): string {
  return `${valueKey(member)}${there ? ' there' : ' missing'}`;
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
  if (doubtful.size === 0) return { candidates, facts };
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
  return { candidates: prepared, facts };
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
