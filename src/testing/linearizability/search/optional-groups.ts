/**
 * Operations whose outcome is unknown, in groups of those that do the same. Within a group it does not matter which one
 * happened, only how many did, so they are used in order of their calls: a linearization that uses the second of two and
 * not the first can use the first instead, which may happen wherever the second may.
 */
import type { Candidate } from '../model.ts';

interface Group<C> {
  readonly members: C[];
  /** For each member, how many events of required operations come before its call. */
  readonly ranks: number[];
}

export class OptionalGroups<C extends Candidate> {
  readonly #groups: readonly Group<C>[];
  /** How many of each group are used. Changes in place. */
  readonly used: Uint32Array;

  /** `operations` are in order of call; `ranks` as in `Timeline.optionalRanks`. */
  constructor(operations: readonly C[], ranks: Int32Array) {
    const groups = new Map<string, Group<C>>();
    for (const [index, operation] of operations.entries()) {
      const key = `${JSON.stringify(operation.input)}${JSON.stringify(operation.output)}`;
      let group = groups.get(key);
      if (group === undefined) {
        group = { members: [], ranks: [] };
        groups.set(key, group);
      }
      group.members.push(operation);
      group.ranks.push(ranks[index] ?? 0);
    }
    this.#groups = [...groups.values()];
    this.used = new Uint32Array(this.#groups.length);
  }

  get count(): number {
    return this.#groups.length;
  }

  /**
   * The next operation of the group when `more` than now are used, provided that it was called before the event of rank
   * `limit`; undefined when there is none.
   */
  next(group: number, limit: number, more: number): C | undefined {
    const { members, ranks } = this.#groups[group] as Group<C>;
    const index = (this.used[group] as number) + more;
    const rank = ranks[index];
    return rank !== undefined && rank <= limit ? members[index] : undefined;
  }

  use(group: number): void {
    this.used[group] = (this.used[group] as number) + 1;
  }

  release(group: number): void {
    this.used[group] = (this.used[group] as number) - 1;
  }
}
