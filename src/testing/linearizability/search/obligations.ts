/**
 * Facts that operations still need to be true, and operations that can still make them true: rule 5 of the search. A fact
 * that is needed and that nothing can make again must not be lost.
 *
 * For a register whose values are unique this says: do not overwrite a value before all who read it have done so. Without
 * the rule the search would find that out only at the reads, after it has tried every order of what comes in between.
 */
import { type Candidate, type Facts, isRequired } from '../model.ts';

interface Obligation {
  /** Required operations that are not placed and are possible only while the fact is true. */
  needed: number;
  /** Operations that are not placed and might make it true. */
  makers: number;
  /** The latest operation in time that needs it. */
  lastNeed: number;
}

interface Share {
  readonly needed: readonly Obligation[];
  readonly made: readonly Obligation[];
}

const NO_SHARE: Share = { needed: [], made: [] };

export class Obligations<State, Input, Output> {
  readonly #facts: Facts<State, Input, Output> | undefined;
  readonly #obligations = new Map<string, Obligation>();
  readonly #shares = new Map<Candidate<Input, Output>, Share>();

  /** `rankOf` says where the return of a required operation stands among all events. */
  constructor(
    facts: Facts<State, Input, Output> | undefined,
    candidates: readonly Candidate<Input, Output>[],
    rankOf: (candidate: Candidate<Input, Output>) => number,
  ) {
    this.#facts = facts;
    if (facts === undefined) return;
    for (const candidate of candidates) {
      const needed = isRequired(candidate) ? facts.needed(candidate).map((fact) => this.#obligation(fact)) : [];
      const made = facts.made(candidate).map((fact) => this.#obligation(fact));
      for (const obligation of needed) {
        obligation.needed++;
        obligation.lastNeed = Math.max(obligation.lastNeed, rankOf(candidate));
      }
      for (const obligation of made) obligation.makers++;
      if (needed.length > 0 || made.length > 0) this.#shares.set(candidate, { needed, made });
    }
  }

  placed(candidate: Candidate<Input, Output>): void {
    const { needed, made } = this.#shares.get(candidate) ?? NO_SHARE;
    for (const obligation of needed) obligation.needed--;
    for (const obligation of made) obligation.makers--;
  }

  undone(candidate: Candidate<Input, Output>): void {
    const { needed, made } = this.#shares.get(candidate) ?? NO_SHARE;
    for (const obligation of needed) obligation.needed++;
    for (const obligation of made) obligation.makers++;
  }

  /**
   * After a step from one state to another: -1 when everything that is still needed is true or can be made true. Otherwise
   * where the return of an operation stands that has become impossible.
   */
  broken(before: State, after: State): number {
    if (this.#facts === undefined) return -1;
    for (const fact of this.#facts.lost(before, after)) {
      const obligation = this.#obligations.get(fact);
      if (obligation !== undefined && obligation.needed > 0 && obligation.makers === 0) return obligation.lastNeed;
    }
    return -1;
  }

  #obligation(fact: string): Obligation {
    let obligation = this.#obligations.get(fact);
    if (obligation === undefined) {
      obligation = { needed: 0, makers: 0, lastNeed: -1 };
      this.#obligations.set(fact, obligation);
    }
    return obligation;
  }
}
