/**
 * A list that only grows, empty at first.
 *
 *   ['append', value]    adds at the end; output: the length after it
 *   ['prepend', value]   adds at the head; output: the length after it
 *   ['read']             output: the whole list
 *
 * With values that are written once, a read tells the whole order of writes: a list is the sharpest of the models.
 */
import { type Candidate, isRequired, type Model, type Prepared } from '../model.ts';
import { showList, showValue, type Value, withResult } from './values.ts';

export type ListInput = readonly ['append', Value] | readonly ['prepend', Value] | readonly ['read'];
export type ListOutput = number | readonly Value[];

type ListCandidate = Candidate<ListInput, ListOutput>;

/**
 * One end of a list: a node of a tree of all sequences met so far, so that adding a value costs the same for any length,
 * and equal sequences are one node.
 */
interface Sequence {
  readonly id: number;
  readonly length: number;
  readonly before: Sequence | undefined;
  readonly value: Value;
  readonly longer: Map<Value, Sequence>;
}

/**
 * What was prepended (last is first) and what was appended. Two states with the same contents may be split differently when
 * values repeat; then they are visited twice, which costs time and is not wrong.
 */
interface State {
  readonly head: Sequence;
  readonly tail: Sequence;
  readonly ids: { next: number };
}

export const list: Model<State, ListInput, ListOutput> = {
  name: 'list',

  init() {
    const ids = { next: 2 };
    return { head: emptySequence(0), tail: emptySequence(1), ids };
  },

  step(state, input, output) {
    if (input[0] === 'read') return output === undefined || isExactly(state, output) ? state : undefined;
    if (output !== undefined && output !== lengthOf(state) + 1) return undefined;
    return input[0] === 'append'
      ? { ...state, tail: longer(state.tail, input[1], state.ids) }
      : { ...state, head: longer(state.head, input[1], state.ids) };
  },

  // Ids stay far below 2^26: there is at most one for each step.
  key: (state) => state.head.id * 2 ** 26 + state.tail.id,

  isRead: (input) => input[0] === 'read',

  prepare,

  describe(input, output) {
    if (input[0] === 'read') return withResult('read', output, showList(Array.isArray(output) ? output : []));
    return withResult(`${input[0]} ${showValue(input[1])}`, output, String(output));
  },

  describeState: (state) => showList(valuesOf(state)),
};

function emptySequence(id: number): Sequence {
  return { id, length: 0, before: undefined, value: '', longer: new Map() };
}

function longer(sequence: Sequence, value: Value, ids: { next: number }): Sequence {
  let next = sequence.longer.get(value);
  if (next === undefined) {
    next = { id: ids.next++, length: sequence.length + 1, before: sequence, value, longer: new Map() };
    sequence.longer.set(value, next);
  }
  return next;
}

function lengthOf(state: State): number {
  return state.head.length + state.tail.length;
}

/** From both ends to the middle, because lists that differ mostly differ in their newest values. */
function isExactly(state: State, output: ListOutput): boolean {
  if (!Array.isArray(output) || output.length !== lengthOf(state)) return false;
  let end = output.length;
  for (let node = state.tail; node.before !== undefined; node = node.before) {
    if (output[--end] !== node.value) return false;
  }
  let start = 0;
  for (let node = state.head; node.before !== undefined; node = node.before) {
    if (output[start++] !== node.value) return false;
  }
  return true;
}

function valuesOf(state: State): Value[] {
  const values: Value[] = [];
  for (let node = state.tail; node.before !== undefined; node = node.before) values.push(node.value);
  for (let node = state.head; node.before !== undefined; node = node.before) values.unshift(node.value);
  const prepended = values.splice(0, state.head.length).reverse();
  return [...prepended, ...values.reverse()];
}

/** How a value occurs in the history. */
interface Occurrence {
  writers: number;
  /** The earliest return of a read that showed it. */
  seenBy: number;
}

/**
 * What happens to a write w of a value v whose outcome is unknown:
 *
 *  A. Only w writes v, and a read showed it: then w happened before the read did, so it returned, as it were, when the read
 *     returned at the latest.
 *  B. No read showed v, and no write told the length: w is dropped. In a linearization that includes w, no read with a
 *     known output comes after it, and writes whose output is not known are possible with or without w.
 *  C. No read showed v, but lengths are told: w may have happened after all reads. States that differ only in such values
 *     allow the same operations, so all such values may be the same one, which makes the writes interchangeable.
 *
 * Hopeless is what asks for a shorter list than there is; and, when nothing is prepended, a read that has another value than
 * the state at the position of the state's last one, because values at a position stay.
 */
function prepare(candidates: readonly ListCandidate[]): Prepared<State, ListInput, ListOutput> {
  const appendsOnly = !candidates.some(({ input }) => input[0] === 'prepend');
  const hopeless = (state: State, input: ListInput, output: ListOutput | undefined): boolean => {
    if (typeof output === 'number') return output <= lengthOf(state);
    if (input[0] !== 'read' || output === undefined) return false;
    const { length, value } = state.tail;
    return output.length < lengthOf(state) || (appendsOnly && length > 0 && output[length - 1] !== value);
  };
  return { candidates: candidates.every(isRequired) ? candidates : prepareWrites(candidates), hopeless };
}

function prepareWrites(candidates: readonly ListCandidate[]): ListCandidate[] {
  const occurrences = occurrencesOf(candidates);
  const lengthsTold = candidates.some(({ output }) => typeof output === 'number');
  let unseen: Value | undefined;
  const prepared: ListCandidate[] = [];
  for (const candidate of candidates) {
    const { input } = candidate;
    const occurrence = input[0] === 'read' ? undefined : occurrences.get(input[1]);
    if (isRequired(candidate) || input[0] === 'read' || occurrence === undefined) {
      prepared.push(candidate);
    } else if (occurrence.seenBy !== Number.POSITIVE_INFINITY) {
      const sole = occurrence.writers === 1;
      prepared.push(sole ? { ...candidate, return: Math.max(occurrence.seenBy, candidate.call) } : candidate);
    } else if (lengthsTold) {
      unseen ??= input[1];
      prepared.push({ ...candidate, input: [input[0], unseen] });
    }
  }
  return prepared;
}

/** Of the values that operations of unknown outcome write. */
function occurrencesOf(candidates: readonly ListCandidate[]): Map<Value, Occurrence> {
  const occurrences = new Map<Value, Occurrence>();
  for (const candidate of candidates) {
    if (isRequired(candidate) || candidate.input[0] === 'read') continue;
    occurrences.set(candidate.input[1], { writers: 0, seenBy: Number.POSITIVE_INFINITY });
  }
  for (const { input, output, return: returned } of candidates) {
    if (input[0] !== 'read') {
      const occurrence = occurrences.get(input[1]);
      if (occurrence !== undefined) occurrence.writers++;
    } else if (Array.isArray(output)) {
      for (const value of output) {
        const occurrence = occurrences.get(value);
        if (occurrence !== undefined) occurrence.seenBy = Math.min(occurrence.seenBy, returned);
      }
    }
  }
  return occurrences;
}
