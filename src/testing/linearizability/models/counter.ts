/**
 * A counter, 0 at first.
 *
 *   ['increment', delta]   output: the value after it
 *   ['read']               output: the value; 0 when there is none
 */
import type { Candidate, Model, Prepared } from '../model.ts';

/** delta is an integer, negative to decrement. */
export type CounterInput = readonly ['increment', number] | readonly ['read'];
export type CounterOutput = number;

export const counter: Model<number, CounterInput, CounterOutput> = {
  name: 'counter',

  init: () => 0,

  step(state, input, output) {
    const next = after(state, input);
    return output === undefined || output === next ? next : undefined;
  },

  key: (state) => state,

  isRead: (input) => input[0] === 'read',

  prepare,

  describe(input, output) {
    const text = input[0] === 'read' ? 'read' : input[1] < 0 ? `− ${-input[1]}` : `+ ${input[1]}`;
    return output === undefined ? text : `${text} → ${output}`;
  },

  describeState: String,
};

function after(state: number, input: CounterInput): number {
  return input[0] === 'increment' ? state + input[1] : state;
}

/** A counter that nobody decrements never goes back to a value that it has passed. */
function prepare(
  candidates: readonly Candidate<CounterInput, CounterOutput>[],
): Prepared<number, CounterInput, number> {
  const grows = candidates.every(({ input }) => input[0] === 'read' || input[1] >= 0);
  if (!grows) return { candidates };
  return { candidates, hopeless: (state, input, output) => output !== undefined && output < after(state, input) };
}
