/**
 * What an object does when one operation runs after the other: the sequential specification against which a concurrent
 * history is checked. The models that ship are in `models/`; any other object of this shape works as well.
 */
import type { Operation } from './history.ts';

/**
 * States are immutable values, never undefined. A state belongs to the `init()` that it came from, and is only compared
 * with states of the same origin, so a model may number things as it meets them.
 */
export interface Model<State = unknown, Input = unknown, Output = unknown> {
  readonly name: string;
  /** The state before the first operation. */
  init(): State;
  /**
   * The state after the operation, or undefined when the operation cannot have had this output in this state. With the
   * output undefined, nothing is known of it: then there is exactly one next state, and never undefined.
   */
  step(state: State, input: Input, output: Output | undefined): State | undefined;
  /** States with equal keys are equal. Equal states should have equal keys; where they do not, they are searched twice. */
  key(state: State): string | number;
  /** True only if the operation leaves every state as it is in which it can have this output. */
  isRead(input: Input, output: Output | undefined): boolean;
  /**
   * For models whose state has parts that do not depend on each other (the fields of a hash): the one part that the
   * operation looks at and changes, or undefined when it looks at all of them. Left out when there are no parts.
   */
  part?(input: Input): string | number | undefined;
  /** Whether one part of the state is what the output of an operation on all parts says. Left out when there are no parts. */
  hasPart?(state: State, part: string | number, input: Input, output: Output | undefined): boolean;
  /** See `Prepared`; left out when the model has nothing to say about whole histories. */
  prepare?(candidates: readonly Candidate<Input, Output>[]): Prepared<State, Input, Output>;
  /** The operation in a few words, for people. */
  describe(input: Input, output: Output | undefined): string;
  /** The state in a few words, for people. */
  describeState(state: State): string;
}

/** An operation as the search sees it. */
export interface Candidate<Input = unknown, Output = unknown> {
  /** The operation that was recorded. */
  readonly operation: Operation<Input, Output>;
  readonly input: Input;
  readonly output: Output | undefined;
  readonly call: number;
  /** Finite: the operation happened, not later than this. Infinity: it may have happened at any time after `call`. */
  readonly return: number;
}

/**
 * What a model knows about all operations of one key together. It may
 *
 *  1. drop an operation whose outcome is unknown,
 *  2. give one a time of return, because something else shows that it happened by then,
 *  3. replace an input by an equivalent one, so that more unknown operations are interchangeable,
 *  4. say which outputs have become impossible for good, and which facts operations depend on.
 *
 * The history must have a linearization after it exactly if it had one before. Each model proves that for what it does.
 */
export interface Prepared<State = unknown, Input = unknown, Output = unknown> {
  readonly candidates: readonly Candidate<Input, Output>[];
  /** True only if no operations of these candidates lead from `state` to a state in which this output is possible. */
  hopeless?(state: State, input: Input, output: Output | undefined): boolean;
  readonly facts?: Facts<State, Input, Output>;
}

/**
 * Statements about states, such as "the value is 5", by names of the model's choice. Of the facts that the model speaks of
 * it must know all makers; of needs it may leave out what it likes.
 */
export interface Facts<State = unknown, Input = unknown, Output = unknown> {
  /** Facts without which the operation cannot have its output. */
  needed(candidate: Candidate<Input, Output>): readonly string[];
  /** Facts that are false in some state and true after the operation in that state. */
  made(candidate: Candidate<Input, Output>): readonly string[];
  /** Facts that are true of `before` and false of `after`. May leave out facts that nobody needs. */
  lost(before: State, after: State): readonly string[];
}

/** True when the candidate must be in a linearization. */
export function isRequired(candidate: Candidate): boolean {
  return candidate.return !== Number.POSITIVE_INFINITY;
}
