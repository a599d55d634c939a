/**
 * Operations that each look at one part of the state (a field of a hash, a member of a set) are linearizable exactly if those on
 * each part are, as with keys (Herlihy and Wing 1990, theorem 1). Searching the parts one by one takes the sum of what
 * they take instead of the product. One read of all parts is enough to make that impossible.
 */
import type { Candidate, Model, Prepared } from '../model.ts';
import { type Linearization, linearize } from './linearize.ts';

/** As `linearize`, part by part where that is possible. */
export function linearizeByPart<State, Input, Output>(
  model: Model<State, Input, Output>,
  prepared: Prepared<State, Input, Output>,
  maxSteps: number,
): Linearization<Input, Output> {
  const parts = partsOf(model, prepared.candidates);
  if (parts === undefined || parts.length < 2) return linearize(model, prepared, maxSteps);
  const results: Linearization<Input, Output>[] = [];
  let steps = 0;
  for (const candidates of parts) {
    const result = linearize(model, { ...prepared, candidates }, maxSteps - steps);
    steps += result.steps;
    results.push(result);
  }
  const violations = results.filter(({ verdict }) => verdict === 'violation');
  violations.sort((a, b) => (a.blocked?.return ?? 0) - (b.blocked?.return ?? 0));
  const blocked = violations[0]?.blocked;
  const isUnknown = results.some(({ verdict }) => verdict === 'unknown');
  const verdict = blocked !== undefined ? 'violation' : isUnknown ? 'unknown' : 'linearizable';
  return { verdict, steps, placed: merge(results, blocked?.return ?? Number.POSITIVE_INFINITY), blocked };
}

/** undefined when there is an operation on all parts. */
function partsOf<State, Input, Output>(
  model: Model<State, Input, Output>,
  candidates: readonly Candidate<Input, Output>[],
): Candidate<Input, Output>[][] | undefined {
  const parts = new Map<string | number, Candidate<Input, Output>[]>();
  for (const candidate of candidates) {
    const part = model.part?.(candidate.input);
    if (part === undefined) return undefined;
    const others = parts.get(part);
    if (others === undefined) parts.set(part, [candidate]);
    else others.push(candidate);
  }
  return [...parts.values()];
}

/**
 * One order of all: each operation at the earliest moment that its place among those on its part allows. That moment is
 * between call and return, so the order of the moments respects real time. What comes after `end` is left out.
 */
function merge<Input, Output>(
  results: readonly Linearization<Input, Output>[],
  end: number,
): Candidate<Input, Output>[] {
  const all: { readonly candidate: Candidate<Input, Output>; readonly moment: number }[] = [];
  for (const { placed } of results) {
    let moment = Number.NEGATIVE_INFINITY;
    for (const candidate of placed) {
      moment = Math.max(moment, candidate.call);
      if (moment <= end) all.push({ candidate, moment });
    }
  }
  return all.sort((a, b) => a.moment - b.moment).map(({ candidate }) => candidate);
}
