/**
 * The search for a linearization of the operations on one key: depth first with a memory of configurations (Wing and Gong
 * 1993, with the memory of Lowe 2017, "Testing for linearizability").
 *
 * A configuration is the set of required operations that are placed, the state they lead to, and which optional ones are
 * used. A move places an operation that no unplaced required operation precedes in time. Five rules keep the number of
 * configurations small; docs/internals/checker.md proves that each keeps at least one linearization if there is one:
 *
 *  1. A read that is possible now is placed at once, and nothing else is tried instead of it.
 *  2. A configuration that is no better than one that was seen is not visited (`visited.ts`).
 *  3. Of optional operations that do the same, the one called first is used first (`optional-groups.ts`).
 *  4. When an operation that must come soon is impossible for good (`Prepared.hopeless`), the configuration is given up.
 *  5. So it is when a fact is lost that is still needed and cannot come back (`obligations.ts`).
 */
import type { Candidate, Model, Prepared } from '../model.ts';
import { EventList, isCall, timelineOf } from './event-list.ts';
import { Obligations } from './obligations.ts';
import { OptionalGroups } from './optional-groups.ts';
import { Visited } from './visited.ts';
import { WindowedSet } from './windowed-set.ts';

export interface SearchResult<Input = unknown, Output = unknown> {
  /** `unknown`: the steps were used up before the search was over. */
  readonly verdict: 'linearizable' | 'violation' | 'unknown';
  /** How often the model was asked. */
  readonly steps: number;
  /** All required operations and the optional ones that were used, in order; as far as the search came if not linearizable. */
  readonly placed: readonly Candidate<Input, Output>[];
  /**
   * After a violation, two places in `Timeline.entries`: `placed` includes everything that returned before the first one,
   * and no order includes everything that returned up to the second one. They differ only when rules 4 or 5 were used.
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

/** One operation that was placed, over those placed before it. Never changes, so that the best stack is kept by its top. */
interface Frame<State, Input, Output> {
  readonly below: Frame<State, Input, Output> | undefined;
  readonly depth: number;
  readonly candidate: Candidate<Input, Output>;
  /** The state before it. */
  readonly state: State;
  readonly stateKey: string | number;
  /** Number of a required operation, or -1 - group of an optional one. */
  readonly number: number;
  /** True when it was placed by rule 1, so that there is nothing to try instead. */
  readonly absorbed: boolean;
}

class Search<State, Input, Output> {
  readonly #model: Model<State, Input, Output>;
  readonly #prepared: Prepared<State, Input, Output>;
  readonly #required: readonly Candidate<Input, Output>[];
  /** For each required operation, whether it is a read. */
  readonly #reads: readonly boolean[];
  readonly #events: EventList;
  readonly #placed: WindowedSet;
  readonly #groups: OptionalGroups<Candidate<Input, Output>>;
  readonly #obligations: Obligations<State, Input, Output>;
  readonly #visited = new Visited();
  readonly #maxSteps: number;
  #steps = 0;
  #state: State;
  #stateKey: string | number;
  #top: Frame<State, Input, Output> | undefined;
  /** The top of the stack that came furthest in time, then in number of operations. */
  #best: Frame<State, Input, Output> | undefined;
  /** Where the first return stands that the best stack does not contain. */
  #bestRank = -1;
  /** The same of what was given up by rules 4 and 5: where the return of the operation stands that is impossible. */
  #hopelessRank = -1;
  /** Where to go on trying: the entry of a call, or when all calls are tried, a group. */
  #entry: number;
  #group = 0;

  constructor(model: Model<State, Input, Output>, prepared: Prepared<State, Input, Output>, maxSteps: number) {
    const timeline = timelineOf(prepared.candidates);
    this.#model = model;
    this.#prepared = prepared;
    this.#maxSteps = maxSteps;
    this.#required = timeline.required;
    const numbers = new Map(timeline.required.map((candidate, number) => [candidate, number]));
    this.#reads = this.#required.map(({ input, output }) => model.isRead(input, output));
    this.#events = new EventList(timeline.entries);
    this.#obligations = new Obligations(prepared.facts, prepared.candidates, (candidate) =>
      this.#events.rank(2 * (numbers.get(candidate) ?? 0) + 1),
    );
    this.#placed = new WindowedSet(timeline.required.length);
    this.#groups = new OptionalGroups(timeline.optional, timeline.optionalRanks);
    this.#state = model.init();
    this.#stateKey = model.key(this.#state);
    this.#entry = this.#events.first;
  }

  run(): SearchResult<Input, Output> {
    let alive = this.#absorb() && this.#isNew();
    this.#entry = this.#events.first;
    for (;;) {
      if (this.#events.first === this.#events.end) return this.#result('linearizable', this.#top);
      this.#noteBest();
      if (this.#steps > this.#maxSteps) return this.#result('unknown', this.#best);
      if (alive && this.#tryNext()) continue;
      alive = this.#retreat();
      if (!alive) return this.#result('violation', this.#best);
    }
  }

  /** Makes the next move from here that leads to a configuration worth a visit; false when there is none. */
  #tryNext(): boolean {
    const events = this.#events;
    let entry = this.#entry;
    for (; isCall(entry); entry = events.next(entry)) {
      const number = entry / 2;
      if (this.#reads[number] === true) continue;
      const candidate = this.#required[number] as Candidate<Input, Output>;
      const next = this.#step(candidate);
      if (next === undefined) {
        if (this.#isHopeless(candidate, number)) return false;
      } else if (this.#enter(candidate, number, next)) return true;
    }
    this.#entry = entry;
    // The walk has ended at the first return: an optional operation is of no use later than before it.
    const limit = events.rank(entry);
    for (let group = this.#group; group < this.#groups.count; group++) {
      const candidate = this.#groups.next(group, limit);
      if (candidate === undefined) continue;
      const next = this.#step(candidate);
      if (next === undefined || this.#model.key(next) === this.#stateKey) continue;
      if (this.#enter(candidate, -1 - group, next)) return true;
    }
    return false;
  }

  /** Places the operation and all reads that are possible then; undoes that and is false when the result is not worth a visit. */
  #enter(candidate: Candidate<Input, Output>, number: number, next: State): boolean {
    const mark = this.#top;
    const before = this.#state;
    this.#place(candidate, number, next, false);
    if (this.#keepsObligations(before) && this.#absorb() && this.#isNew()) {
      this.#entry = this.#events.first;
      this.#group = 0;
      return true;
    }
    this.#noteBest();
    while (this.#top !== mark) this.#undo(this.#top as Frame<State, Input, Output>);
    return false;
  }

  /** Rule 1. False when a read has become impossible for good. */
  #absorb(): boolean {
    const events = this.#events;
    let entry = events.first;
    while (isCall(entry)) {
      const number = entry / 2;
      const candidate = this.#required[number] as Candidate<Input, Output>;
      if (this.#reads[number] !== true) {
        entry = events.next(entry);
      } else if (this.#step(candidate) !== undefined) {
        // The removal may take away the return that was the limit; nothing before this entry changes.
        this.#place(candidate, number, this.#state, true);
        entry = events.next(entry);
      } else if (this.#isHopeless(candidate, number)) {
        return false;
      } else {
        entry = events.next(entry);
      }
    }
    return true;
  }

  #step(candidate: Candidate<Input, Output>): State | undefined {
    this.#steps++;
    return this.#model.step(this.#state, candidate.input, candidate.output);
  }

  #isHopeless(candidate: Candidate<Input, Output>, number: number): boolean {
    if (this.#prepared.hopeless?.(this.#state, candidate.input, candidate.output) !== true) return false;
    this.#hopelessRank = Math.max(this.#hopelessRank, this.#events.rank(2 * number + 1));
    return true;
  }

  #keepsObligations(before: State): boolean {
    const rank = this.#obligations.broken(before, this.#state);
    this.#hopelessRank = Math.max(this.#hopelessRank, rank);
    return rank === -1;
  }

  #isNew(): boolean {
    return this.#visited.add(this.#placed.key() + this.#stateKey, this.#groups.used);
  }

  #place(candidate: Candidate<Input, Output>, number: number, next: State, absorbed: boolean): void {
    const below = this.#top;
    const depth = below === undefined ? 1 : below.depth + 1;
    this.#top = { below, depth, candidate, state: this.#state, stateKey: this.#stateKey, number, absorbed };
    this.#obligations.placed(candidate);
    if (number >= 0) {
      this.#events.remove(number);
      this.#placed.add(number);
    } else {
      const used = this.#groups.used;
      used[-1 - number] = (used[-1 - number] as number) + 1;
    }
    if (absorbed) return;
    this.#state = next;
    this.#stateKey = this.#model.key(next);
  }

  #undo(frame: Frame<State, Input, Output>): void {
    this.#obligations.undone(frame.candidate);
    if (frame.number >= 0) {
      this.#events.restore(frame.number);
      this.#placed.remove(frame.number);
    } else {
      const used = this.#groups.used;
      used[-1 - frame.number] = (used[-1 - frame.number] as number) - 1;
    }
    this.#state = frame.state;
    this.#stateKey = frame.stateKey;
    this.#top = frame.below;
  }

  /** Takes back the last move that had alternatives, and stands behind it; false when there is none. */
  #retreat(): boolean {
    for (;;) {
      const frame = this.#top;
      if (frame === undefined) return false;
      this.#undo(frame);
      if (frame.absorbed) continue;
      if (frame.number >= 0) {
        this.#entry = this.#events.next(2 * frame.number);
        this.#group = 0;
      } else {
        this.#entry = this.#firstReturn();
        this.#group = -frame.number;
      }
      return true;
    }
  }

  #firstReturn(): number {
    let entry = this.#events.first;
    while (isCall(entry)) entry = this.#events.next(entry);
    return entry;
  }

  #noteBest(): void {
    const rank = this.#events.rank(this.#firstReturn());
    if (rank < this.#bestRank) return;
    if (rank === this.#bestRank && (this.#top?.depth ?? 0) <= (this.#best?.depth ?? 0)) return;
    this.#best = this.#top;
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
