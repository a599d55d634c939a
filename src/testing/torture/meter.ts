/**
 * How long nobody was told that a write is done. Gaps are counted twice: in total, and as far as a majority of the nodes was up
 * and connected, which is what the cluster answers for.
 */

export interface Gaps {
  /** The longest time without an acknowledged write, from the first one to the last. */
  readonly total_ms: number;
  /** The longest part of such a time in which a majority was up without interruption. */
  readonly withMajority_ms: number;
}

export class Meter {
  readonly #acknowledged_ms: number[] = [];
  /** Times at which a majority was lost and came back, alternating. */
  readonly #changes_ms: number[] = [];

  acknowledge(now_ms: number): void {
    this.#acknowledged_ms.push(now_ms);
  }

  /** To be told whenever it may have changed. */
  majority(isUp: boolean, now_ms: number): void {
    const wasUp = this.#changes_ms.length % 2 === 0;
    if (wasUp !== isUp) this.#changes_ms.push(now_ms);
  }

  /** The last change counts until the last acknowledgement. */
  gaps(): Gaps {
    let total_ms = 0;
    let withMajority_ms = 0;
    let last_ms = this.#acknowledged_ms[0] ?? 0;
    for (const now_ms of this.#acknowledged_ms) {
      total_ms = Math.max(total_ms, now_ms - last_ms);
      if (now_ms - last_ms > withMajority_ms) {
        withMajority_ms = Math.max(withMajority_ms, this.#longestWithMajority(last_ms, now_ms));
      }
      last_ms = now_ms;
    }
    return { total_ms, withMajority_ms };
  }

  #longestWithMajority(from_ms: number, to_ms: number): number {
    let longest_ms = 0;
    let since_ms: number | undefined = from_ms;
    for (const [index, change_ms] of this.#changes_ms.entries()) {
      const isUp = index % 2 === 1;
      if (change_ms <= from_ms) since_ms = isUp ? from_ms : undefined;
      else if (change_ms >= to_ms) break;
      else if (isUp) since_ms = change_ms;
      else {
        longest_ms = Math.max(longest_ms, change_ms - (since_ms ?? change_ms));
        since_ms = undefined;
      }
    }
    return since_ms === undefined ? longest_ms : Math.max(longest_ms, to_ms - since_ms);
  }
}
