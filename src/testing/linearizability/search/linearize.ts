/**
 * The search, and after a violation, which operation it is that fits nowhere.
 *
 * The search may give a configuration up before the operation has returned that is impossible in it, so it knows only
 * between which two returns no order goes on. What lies between is searched by halves: is there an order that includes all
 * operations that returned up to here, the later ones being optional?
 */
import type { Candidate, Model, Prepared } from '../model.ts';
import { isCall, timelineOf } from './event-list.ts';
import { search } from './search.ts';

export interface Linearization<Input = unknown, Output = unknown> {
  /** `unknown`: the steps were used up before the search was over. */
  readonly verdict: 'linearizable' | 'violation' | 'unknown';
  /** How often the model was asked. */
  readonly steps: number;
  /** All required operations and the optional ones that were used, in order; as far as the search came if not linearizable. */
  readonly placed: readonly Candidate<Input, Output>[];
  /**
   * After a violation: no order includes everything that returned up to the return of this one. `placed` includes
   * everything that returned before it, unless finding that out took more than `maxSteps`.
   */
  readonly blocked: Candidate<Input, Output> | undefined;
}

export function linearize<State, Input, Output>(
  model: Model<State, Input, Output>,
  prepared: Prepared<State, Input, Output>,
  maxSteps: number,
): Linearization<Input, Output> {
  const result = search(model, prepared, maxSteps);
  const { verdict } = result;
  let { steps, placed } = result;
  if (verdict !== 'violation') return { verdict, steps, placed, blocked: undefined };

  const returns = returnsOf(prepared.candidates);
  let low = indexOfRank(returns, result.reached);
  let high = indexOfRank(returns, result.impossible);
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const included = returns.slice(0, middle + 1).map(({ candidate }) => candidate);
    const part = search(model, { ...prepared, candidates: upTo(model, prepared.candidates, included) }, maxSteps);
    steps += part.steps;
    if (part.verdict === 'unknown') break;
    if (part.verdict === 'violation') {
      high = middle;
    } else {
      low = middle + 1;
      placed = part.placed;
    }
  }
  return { verdict, steps, placed, blocked: returns[high]?.candidate };
}

interface Return<C> {
  readonly rank: number;
  readonly candidate: C;
}

/** Required operations in order of their returns. */
function returnsOf<C extends Candidate>(candidates: readonly C[]): Return<C>[] {
  const { entries, required } = timelineOf(candidates);
  const returns: Return<C>[] = [];
  for (const [rank, entry] of entries.entries()) {
    if (!isCall(entry)) returns.push({ rank, candidate: required[(entry - 1) / 2] as C });
  }
  return returns;
}

function indexOfRank(returns: readonly Return<unknown>[], rank: number): number {
  return returns.findIndex((entry) => entry.rank === rank);
}

/**
 * The operations that are included, and as optional ones, with their outputs, others that may have done something. What was
 * called after the last included return comes after everything that is included, so it does nothing for it.
 */
function upTo<State, Input, Output>(
  model: Model<State, Input, Output>,
  candidates: readonly Candidate<Input, Output>[],
  included: readonly Candidate<Input, Output>[],
): Candidate<Input, Output>[] {
  const part = [...included];
  const known = new Set(included);
  const end = included.at(-1)?.return ?? 0;
  for (const candidate of candidates) {
    if (known.has(candidate) || candidate.call > end || model.isRead(candidate.input, candidate.output)) continue;
    part.push({ ...candidate, return: Number.POSITIVE_INFINITY });
  }
  return part;
}
