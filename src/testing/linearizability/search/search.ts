/**
 * The search for a linearization of the operations on one key: depth first with a memory of configurations (Wing and Gong
 * 1993, with the memory of Lowe 2017, "Testing for linearizability").
 *
 * A configuration is the set of required operations that are placed, the state they lead to, and which optional ones are
 * used. A move places a required operation that no unplaced one precedes in time, and before it perhaps optional ones. Six
 * rules keep the number of configurations small; docs/internals/checker.md proves that together they keep at least one
 * linearization if there is one:
 *
 *  1. A read that is possible now is placed at once, and nothing else is tried instead of it.
 *  2. A configuration that is no better than one that was seen is not visited (`visited.ts`).
 *  3. Of optional operations that do the same, the one called first is used first (`optional-groups.ts`).
 *  4. Optional operations are only placed right before a required one that needs them.
 *  5. When an operation that must come soon is impossible for good (`Prepared.hopeless`), the configuration is given up.
 *  6. So it is when a fact is lost that is still needed and cannot come back (`obligations.ts`).
 */
import type { Candidate, Model, Prepared } from '../model.ts';
import { Configuration, type Frame } from './configuration.ts';
import { isCall } from './event-list.ts';
import { type Judge, type Move, optionalMoves } from './optional-moves.ts';
import { Visited } from './visited.ts';

export interface SearchResult<Input = unknown, Output = unknown> {
  /** `unknown`: the steps were used up before the search was over. */
  readonly verdict: 'linearizable' | 'violation' | 'unknown';
  /** How often the model was asked. */
  readonly steps: number;
  /** All required operations and the optional ones that were used, in order; as far as the search came if not linearizable. */
  readonly placed: readonly Candidate<Input, Output>[];
  /**
   * After a violation, two places in `Timeline.entries`: `placed` includes everything that returned before the first one,
   * and no order includes everything that returned up to the second one. They differ only when rules 5 or 6 were used.
   */
  readonly reached: number;
  readonly impossible: number;
}

export function search<State, Input, Output>(
  model: Model<State, Input, Output>,
  prepared: Prepared<State, Input, Output>,
  maxSteps: number,
): SearchResult<Input, Output> {
  return new Search(model, prepared, maxSteps).run();
}

class Search<State, Input, Output> implements Judge<State, Input, Output> {
  readonly #model: Model<State, Input, Output>;
  readonly #prepared: Prepared<State, Input, Output>;
  readonly #maxSteps: number;
  readonly #here: Configuration<State, Input, Output>;
  /** For each required operation, whether it is a read. */
  readonly #reads: readonly boolean[];
  readonly #visited = new Visited();
  #steps = 0;
  /** The top of the stack that came furthest in time, then in number of operations. */
  #best: Frame<State, Input, Output> | undefined;
  /** Where the first return stands that the best stack does not contain. */
  #bestRank = -1;
  /** The same of what was given up by rules 5 and 6: where the return of the operation stands that is impossible. */
  #hopelessRank = -1;

  constructor(model: Model<State, Input, Output>, prepared: Prepared<State, Input, Output>, maxSteps: number) {
    this.#model = model;
    this.#prepared = prepared;
    this.#maxSteps = maxSteps;
    this.#here = new Configuration(model, prepared);
    this.#reads = this.#here.required.map(({ input, output }) => model.isRead(input, output));
  }

  run(): SearchResult<Input, Output> {
    // Each generator makes the moves from one configuration, one after the other, and takes them back when it is resumed.
    const path = this.#enter([]) ? [this.#moves()] : [];
    for (let moves = path.at(-1); moves !== undefined; moves = path.at(-1)) {
      if (this.#here.isComplete) return this.#result('linearizable', this.#here.top);
      if (this.#steps > this.#maxSteps) return this.#result('unknown', this.#best);
      if (moves.next().done === true) path.pop();
      else path.push(this.#moves());
    }
    return this.#result('violation', this.#best);
  }

  /** Yields after each move to a configuration that is worth a visit. */
  *#moves(): Generator<void, void, void> {
    const { events, groups, required, state, top } = this.#here;
    let entry = events.first;
    for (; isCall(entry); entry = events.next(entry)) {
      const number = entry / 2;
      if (this.#reads[number] === true) continue;
      const candidate = required[number] as Candidate<Input, Output>;
      const next = this.step(state, candidate);
      if (next === undefined) {
        if (this.isHopeless(state, candidate, number)) return;
        continue;
      }
      if (this.#enter([{ candidate, number, state: next }])) yield;
      this.#here.undoTo(top);
    }
    if (groups.count === 0) return;
    for (const move of optionalMoves(this, this.#model, this.#here)) {
      if (this.#enter(move)) yield;
      this.#here.undoTo(top);
    }
  }

  /** Makes a move and places the reads that are possible then; false when the result is not worth a visit. */
  #enter(move: Move<State, Input, Output>): boolean {
    for (const { candidate, number, state } of move) {
      const broken = this.#here.place(candidate, number, state);
      if (broken === -1) continue;
      this.#hopelessRank = Math.max(this.#hopelessRank, broken);
      return false;
    }
    const alive = this.#absorb();
    this.#noteBest();
    return alive && this.#visited.add(this.#here.key(), this.#here.groups.used);
  }

  /** Rule 1. False when a read has become impossible for good. */
  #absorb(): boolean {
    const { events, required, state } = this.#here;
    for (let entry = events.first; isCall(entry); entry = events.next(entry)) {
      const number = entry / 2;
      if (this.#reads[number] !== true) continue;
      const candidate = required[number] as Candidate<Input, Output>;
      // Placing it may take away the return that was the limit; nothing before this entry changes.
      if (this.step(state, candidate) !== undefined) this.#here.place(candidate, number, state);
      else if (this.isHopeless(state, candidate, number)) return false;
    }
    return true;
  }

  step(state: State, candidate: Candidate<Input, Output>): State | undefined {
    this.#steps++;
    return this.#model.step(state, candidate.input, candidate.output);
  }

  isHopeless(state: State, candidate: Candidate<Input, Output>, number: number): boolean {
    if (this.#prepared.hopeless?.(state, candidate.input, candidate.output) !== true) return false;
    this.#hopelessRank = Math.max(this.#hopelessRank, this.#here.events.rank(2 * number + 1));
    return true;
  }

  #noteBest(): void {
    const { events, top } = this.#here;
    const rank = events.rank(this.#here.firstReturn());
    if (rank < this.#bestRank) return;
    if (rank === this.#bestRank && (top?.depth ?? 0) <= (this.#best?.depth ?? 0)) return;
    this.#best = top;
    this.#bestRank = rank;
  }

  #result(verdict: SearchResult['verdict'], top: Frame<State, Input, Output> | undefined): SearchResult<Input, Output> {
    const placed: Candidate<Input, Output>[] = [];
    for (let frame = top; frame !== undefined; frame = frame.below) placed.push(frame.candidate);
    const reached = this.#bestRank;
    const impossible = Math.max(reached, this.#hopelessRank);
    return { verdict, steps: this.#steps, placed: placed.reverse(), reached, impossible };
  }
}
