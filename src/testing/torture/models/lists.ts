/**
 * A few lists that only grow, and transactions over them: several appends and reads that happen at one moment.
 *
 *   [['append', list, value], ['read', list], ...]   output: for each the length after it, or the whole list
 *
 * A history of it is linearizable exactly if it is strictly serializable over all the lists together.
 */
import type { Candidate, Model, Prepared } from '../../linearizability/model.ts';

export type ListsStep = readonly ['append', list: string, value: string] | readonly ['read', list: string];
export type ListsInput = readonly ListsStep[];
export type ListsOutput = readonly (number | readonly string[])[];

/** A node of a tree of all sequences met so far: appending costs the same for any length, and equal sequences are one node. */
interface Sequence {
  readonly id: number;
  readonly length: number;
  readonly before: Sequence | undefined;
  readonly value: string;
  readonly longer: Map<string, Sequence>;
}

interface State {
  /** By name; a list that is not there is empty. */
  readonly lists: Readonly<Record<string, Sequence>>;
  readonly empty: Sequence;
  readonly ids: { next: number };
}

export const lists: Model<State, ListsInput, ListsOutput> = {
  name: 'lists',

  init: () => ({
    lists: {},
    empty: { id: 0, length: 0, before: undefined, value: '', longer: new Map() },
    ids: { next: 1 },
  }),

  step(state, input, output) {
    let next = state;
    for (const [index, step] of input.entries()) {
      const list = listOf(next, step[1]);
      const told = output?.[index];
      if (step[0] === 'read') {
        if (told !== undefined && !isExactly(list, told)) return undefined;
      } else {
        if (told !== undefined && told !== list.length + 1) return undefined;
        next = { ...next, lists: { ...next.lists, [step[1]]: longer(list, step[2], state.ids) } };
      }
    }
    return next;
  },

  key: (state) =>
    Object.keys(state.lists)
      .sort()
      .map((name) => `${name}${listOf(state, name).id}`)
      .join(' '),

  isRead: (input) => input.every(([kind]) => kind === 'read'),

  prepare,

  describe(input, output) {
    const text = (step: ListsStep, told: number | readonly string[] | undefined): string => {
      const what = step[0] === 'read' ? `read ${step[1]}` : `append ${step[2]} to ${step[1]}`;
      if (told === undefined) return what;
      return `${what} → ${typeof told === 'number' ? told : `${told.length}: ... ${told.slice(-3).join(' ')}`}`;
    };
    return input.map((step, index) => text(step, output?.[index])).join('; ');
  },

  describeState: (state) =>
    Object.keys(state.lists)
      .sort()
      .map((name) => `${name}: ${listOf(state, name).length}, ... ${listOf(state, name).value}`)
      .join('; '),
};

function listOf(state: State, name: string): Sequence {
  return state.lists[name] ?? state.empty;
}

function longer(list: Sequence, value: string, ids: { next: number }): Sequence {
  let next = list.longer.get(value);
  if (next === undefined) {
    next = { id: ids.next++, length: list.length + 1, before: list, value, longer: new Map() };
    list.longer.set(value, next);
  }
  return next;
}

function isExactly(list: Sequence, told: number | readonly string[]): boolean {
  if (typeof told === 'number' || told.length !== list.length) return false;
  let at = told.length;
  for (let node = list; node.before !== undefined; node = node.before) {
    if (told[--at] !== node.value) return false;
  }
  return true;
}

/**
 * A transaction whose outcome is unknown, and one of whose values was read, happened before that read returned: values are
 * written once. One that nobody has seen stays optional. Hopeless is what asks for a shorter list than there is.
 */
function prepare(candidates: readonly Candidate<ListsInput, ListsOutput>[]): Prepared<State, ListsInput, ListsOutput> {
  const seenBy_ms = new Map<string, number>();
  for (const { input, output, return: returned } of candidates) {
    for (const [index, told] of (output ?? []).entries()) {
      if (typeof told === 'number') continue;
      for (const value of told) {
        const name = `${input[index]?.[1]} ${value}`;
        seenBy_ms.set(name, Math.min(seenBy_ms.get(name) ?? Number.POSITIVE_INFINITY, returned));
      }
    }
  }
  const prepared = candidates.map((candidate) => {
    if (candidate.return !== Number.POSITIVE_INFINITY) return candidate;
    const times = candidate.input.map((step) =>
      step[0] === 'read' ? undefined : seenBy_ms.get(`${step[1]} ${step[2]}`),
    );
    const seen_ms = Math.min(...times.map((time) => time ?? Number.POSITIVE_INFINITY));
    return { ...candidate, return: Math.max(seen_ms, candidate.call) };
  });
  return { candidates: prepared, hopeless };
}

function hopeless(state: State, input: ListsInput, output: ListsOutput | undefined): boolean {
  const appended = new Map<string, number>();
  for (const [index, [kind, list]] of input.entries()) {
    const told = output?.[index];
    const before = listOf(state, list).length + (appended.get(list) ?? 0);
    if (kind === 'append') appended.set(list, (appended.get(list) ?? 0) + 1);
    if (told === undefined) continue;
    const length = typeof told === 'number' ? told - 1 : told.length;
    if (length < before) return true;
  }
  return false;
}
