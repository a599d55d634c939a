/**
 * Where the search stands: which operations are placed, in which order, and the state that they lead to. It changes in
 * place, one operation at a time, and goes back the same way.
 */
import type { Candidate, Model, Prepared } from '../model.ts';
import { EventList, isCall, timelineOf } from './event-list.ts';
import { Obligations } from './obligations.ts';
import { OptionalGroups } from './optional-groups.ts';
import { WindowedSet } from './windowed-set.ts';

/** One operation that was placed, over those placed before it. Never changes, so a whole stack is kept by keeping its top. */
export interface Frame<State, Input, Output> {
  readonly below: Frame<State, Input, Output> | undefined;
  readonly depth: number;
  readonly candidate: Candidate<Input, Output>;
  /** Number of a required operation, or -1 - group of an optional one. */
  readonly number: number;
  /** Before the operation. */
  readonly state: State;
  readonly stateKey: string | number;
}

export class Configuration<State, Input, Output> {
  readonly #model: Model<State, Input, Output>;
  /** In order of call; numbered from 0. */
  readonly required: readonly Candidate<Input, Output>[];
  /** Of the required operations that are not placed. */
  readonly events: EventList;
  readonly groups: OptionalGroups<Candidate<Input, Output>>;
  readonly #placed: WindowedSet;
  readonly #obligations: Obligations<State, Input, Output>;
  #state: State;
  #stateKey: string | number;
  #top: Frame<State, Input, Output> | undefined;

  constructor(model: Model<State, Input, Output>, { candidates, facts }: Prepared<State, Input, Output>) {
    const { required, optional, entries, optionalRanks } = timelineOf(candidates);
    const events = new EventList(entries);
    const numbers = new Map(required.map((candidate, number) => [candidate, number]));
    this.#model = model;
    this.required = required;
    this.events = events;
    this.groups = new OptionalGroups(optional, optionalRanks);
    this.#placed = new WindowedSet(required.length);
    this.#obligations = new Obligations(facts, candidates, (candidate) =>
      events.rank(2 * (numbers.get(candidate) ?? 0) + 1),
    );
    this.#state = model.init();
    this.#stateKey = model.key(this.#state);
  }

  get state(): State {
    return this.#state;
  }

  get stateKey(): string | number {
    return this.#stateKey;
  }

  get top(): Frame<State, Input, Output> | undefined {
    return this.#top;
  }

  /** True when all required operations are placed. */
  get isComplete(): boolean {
    return this.events.first === this.events.end;
  }

  /** Tells apart what is placed, of required operations, and the state. */
  key(): string {
    return this.#placed.key() + this.#stateKey;
  }

  /** The return before which the next operation must be called. */
  firstReturn(): number {
    let entry = this.events.first;
    while (isCall(entry)) entry = this.events.next(entry);
    return entry;
  }

  /**
   * Places an operation that leads to `next`. Returns -1, or where the return of an operation stands that has become
   * impossible by that.
   */
  place(candidate: Candidate<Input, Output>, number: number, next: State): number {
    const below = this.#top;
    const state = this.#state;
    const depth = below === undefined ? 1 : below.depth + 1;
    this.#top = { below, depth, candidate, number, state, stateKey: this.#stateKey };
    if (number >= 0) {
      this.events.remove(number);
      this.#placed.add(number);
    } else {
      this.groups.use(-1 - number);
    }
    this.#obligations.placed(candidate);
    if (next === state) return -1;
    this.#state = next;
    this.#stateKey = this.#model.key(next);
    return this.#obligations.broken(state, next);
  }

  /** Takes back everything that was placed after `top` was the top. */
  undoTo(top: Frame<State, Input, Output> | undefined): void {
    for (let frame = this.#top; frame !== top && frame !== undefined; frame = frame.below) {
      if (frame.number >= 0) {
        this.events.restore(frame.number);
        this.#placed.remove(frame.number);
      } else {
        this.groups.release(-1 - frame.number);
      }
      this.#obligations.undone(frame.candidate);
      this.#state = frame.state;
      this.#stateKey = frame.stateKey;
    }
    this.#top = top;
  }
}
