/**
 * Tells followers the commit index of tablets that have become quiet. While a tablet is written its commit index travels with
 * the next entries (`lazyCommit` of raft/config.ts), which saves half of the messages between nodes; when no entry follows
 * within a few milliseconds, it is sent by itself, so that replicas that are read (READONLY) are never far behind.
 */
import type { Clock } from '../base/clock.ts';
import type { Tablet } from './tablet.ts';

/** Longer than entries of a busy tablet are apart; short for somebody who waits for a replica. */
const DELAY_MS = 5;

export class CommitNews {
  readonly #clock: Clock;
  readonly #markDirty: (tablet: Tablet) => void;
  #untold: Tablet[] = [];
  #telling: Tablet[] = [];
  readonly #tell = (): void => this.#tellUntold();

  constructor(clock: Clock, markDirty: (tablet: Tablet) => void) {
    this.#clock = clock;
    this.#markDirty = markDirty;
  }

  /** The tablet's commit index may have moved. */
  note(tablet: Tablet): void {
    const { raft } = tablet;
    if (tablet.untoldCommit !== 0 || raft.sentCommit >= raft.commitIndex) return;
    tablet.untoldCommit = raft.commitIndex;
    if (this.#untold.length === 0) this.#clock.after(DELAY_MS, this.#tell);
    this.#untold.push(tablet);
  }

  #tellUntold(): void {
    const telling = this.#untold;
    this.#untold = this.#telling;
    this.#telling = telling;
    for (const tablet of telling) {
      const { untoldCommit, raft } = tablet;
      tablet.untoldCommit = 0;
      if (raft.sentCommit < untoldCommit) {
        raft.broadcastCommit();
        this.#markDirty(tablet);
      } else {
        // Entries took that index along; a later one waits its own time.
        this.note(tablet);
      }
    }
    telling.length = 0;
  }
}
