/**
 * Which of two writes of a cell wins.
 *
 * The leader stamps what has no stamp of its client, and such writes always win over each other, whatever the leaders' clocks do:
 * the stamp is then at least one more than that of what is there. A stamp of a client (USING TIMESTAMP) is compared as Cassandra does:
 * the greater wins; of equal ones a deletion, then the greater value.
 */
import type { Stamp } from './commands.ts';

/** A write of one row, as its transaction has it. Used again and again. */
export class WriteTime {
  now_ms = 0;
  now_us = 0;
  /** The client's; null: the leader's own. */
  stamp: Stamp | null = null;
  /** 0: what is written does not expire. */
  end_ms = 0;

  begin(now_ms: number, stamp: Stamp | null, ttl_s: number): void {
    this.now_ms = now_ms;
    this.now_us = now_ms * 1_000;
    this.stamp = stamp;
    this.end_ms = ttl_s === 0 ? 0 : now_ms + ttl_s * 1_000;
  }

  get isExplicit(): boolean {
    return this.stamp !== null;
  }

  /** Whether a cell that is there, and lives, stays when this write deletes. */
  survivesDeletion(stamp: Stamp, isExplicit: boolean): boolean {
    if (this.stamp === null) return isExplicit && stamp > this.now_us;
    return stamp > this.stamp;
  }

  /** Whether a cell that is there, and lives, stays when this write puts a value. `order`: of the old value and the new one. */
  survives(stamp: Stamp, isExplicit: boolean, order: () => number): boolean {
    if (this.survivesDeletion(stamp, isExplicit)) return true;
    return this.stamp !== null && stamp === this.stamp && order() > 0;
  }

  /** What a cell gets that takes the place of one with this stamp. */
  stampOver(stamp: Stamp): Stamp {
    if (this.stamp !== null) return this.stamp;
    // A stamp that is ahead of time is a client's, or is by a few microseconds the leader's own.
    return typeof stamp === 'number' && stamp >= this.now_us ? stamp + 1 : this.now_us;
  }
}
