/**
 * Moves that place optional operations and then a required one that needs them (rule 4 of the search).
 *
 * A linearization with as few optional operations as possible, each as late as possible, has none that could be left out or
 * placed later. So right before a required operation there is only what it needs: without the last optional one it is
 * impossible, or leads to a state to which that one cannot be added afterwards. Where the model has parts, operations on
 * other parts can be placed later; and before an operation on all parts, nothing changes a part that is right already.
 */
import type { Candidate, Model } from '../model.ts';
import type { Configuration } from './configuration.ts';
import { isCall } from './event-list.ts';
import { Visited } from './visited.ts';

/** An operation to be placed, and the state after it. `number` as in `Frame`. */
export interface Placement<State, Input, Output> {
  readonly candidate: Candidate<Input, Output>;
  readonly number: number;
  readonly state: State;
}

export type Move<State, Input, Output> = readonly Placement<State, Input, Output>[];

/** What the search knows of single operations. */
export interface Judge<State, Input, Output> {
  step(state: State, candidate: Candidate<Input, Output>): State | undefined;
  /** True when the required operation has become impossible for good. */
  isHopeless(state: State, candidate: Candidate<Input, Output>, number: number): boolean;
}

/** Required operations that optional ones are tried for, together. */
interface Target<Input, Output> {
  /** undefined: all parts. */
  readonly part: string | number | undefined;
  readonly users: { readonly candidate: Candidate<Input, Output>; readonly number: number }[];
}

/** Few optional operations come before many. The configuration must be the same again whenever this is resumed. */
export function* optionalMoves<State, Input, Output>(
  judge: Judge<State, Input, Output>,
  model: Model<State, Input, Output>,
  here: Configuration<State, Input, Output>,
): Generator<Move<State, Input, Output>, void, void> {
  const { groups, events, state, stateKey } = here;
  const limit = events.rank(here.firstReturn());
  for (const target of targetsOf(model, here)) {
    const seen = new Visited();
    seen.add(String(stateKey), groups.used);
    const chains: Move<State, Input, Output>[] = [[]];
    // The array grows while it is walked through.
    for (const chain of chains) {
      const last = chain.at(-1);
      // A state may be null.
      const before = last === undefined ? state : last.state;
      for (let group = 0; group < groups.count; group++) {
        const candidate = nextOf(here, chain, group, limit);
        if (candidate === undefined || !helps(model, target, before, candidate)) continue;
        const after = judge.step(before, candidate);
        if (after === undefined || !isNew(here, seen, chain, group, model.key(after))) continue;
        const users = usersOf(judge, model, target, candidate, before, after);
        if (users === undefined) continue;
        const longer = [...chain, { candidate, number: -1 - group, state: after }];
        for (const user of users) yield [...longer, user];
        chains.push(longer);
      }
    }
  }
}

/** All operations that may come next; by parts where the model has parts. */
function targetsOf<State, Input, Output>(
  model: Model<State, Input, Output>,
  { events, required }: Configuration<State, Input, Output>,
): Target<Input, Output>[] {
  const targets: Target<Input, Output>[] = [];
  const byPart = new Map<string | number, Target<Input, Output>>();
  const whole: Target<Input, Output> = { part: undefined, users: [] };
  for (let entry = events.first; isCall(entry); entry = events.next(entry)) {
    const number = entry / 2;
    const candidate = required[number] as Candidate<Input, Output>;
    const part = model.part?.(candidate.input);
    let target = part === undefined ? whole : byPart.get(part);
    if (part !== undefined && target === undefined) {
      target = { part, users: [] };
      byPart.set(part, target);
    }
    // Each operation on all parts needs optional operations of its own.
    if (part === undefined && model.part !== undefined) target = { part, users: [] };
    target?.users.push({ candidate, number });
    if (target !== undefined && target.users.length === 1) targets.push(target);
  }
  return targets;
}

/** The next operation of the group when those of the chain are used. */
function nextOf<State, Input, Output>(
  { groups }: Configuration<State, Input, Output>,
  chain: Move<State, Input, Output>,
  group: number,
  limit: number,
): Candidate<Input, Output> | undefined {
  let used = 0;
  for (const { number } of chain) if (number === -1 - group) used++;
  return groups.next(group, limit, used);
}

function isNew<State, Input, Output>(
  { groups }: Configuration<State, Input, Output>,
  seen: Visited,
  chain: Move<State, Input, Output>,
  group: number,
  key: string | number,
): boolean {
  const used = groups.used.slice();
  for (const { number } of chain) used[-1 - number] = (used[-1 - number] as number) + 1;
  used[group] = (used[group] as number) + 1;
  return seen.add(String(key), used);
}

function helps<State, Input, Output>(
  model: Model<State, Input, Output>,
  { part, users }: Target<Input, Output>,
  state: State,
  optional: Candidate<Input, Output>,
): boolean {
  const own = model.part?.(optional.input);
  if (own === undefined) return true;
  if (part !== undefined) return part === own;
  return users.some(({ candidate }) => model.hasPart?.(state, own, candidate.input, candidate.output) !== true);
}

/** Those of the target that need the optional operation; undefined when one of them is impossible for good after it. */
function usersOf<State, Input, Output>(
  judge: Judge<State, Input, Output>,
  model: Model<State, Input, Output>,
  target: Target<Input, Output>,
  optional: Candidate<Input, Output>,
  before: State,
  after: State,
): Placement<State, Input, Output>[] | undefined {
  const users: Placement<State, Input, Output>[] = [];
  for (const { candidate, number } of target.users) {
    const state = judge.step(after, candidate);
    if (state === undefined) {
      if (judge.isHopeless(after, candidate, number)) return undefined;
      continue;
    }
    const without = judge.step(before, candidate);
    if (without !== undefined) {
      const key = model.key(state);
      if (model.key(without) === key) continue;
      const later = judge.step(without, optional);
      if (later !== undefined && model.key(later) === key) continue;
    }
    users.push({ candidate, number, state });
  }
  return users;
}
