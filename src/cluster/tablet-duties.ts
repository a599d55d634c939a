/** What a node does for the tablets that it leads, again and again, and what it does for them before it leaves. */
import type { Clock } from '../base/clock.ts';
import { nodeOf } from '../tablet/replica-id.ts';
import type { Tablet } from '../tablet/tablet.ts';
import type { TabletHost } from '../tablet/tablet-host.ts';
import type { Administration } from './administration.ts';
import type { LeadershipNews } from './leadership-news.ts';
import type { Metadata } from './metadata.ts';
import type { PeerWatch } from './peer-watch.ts';
import type { Steward } from './steward.ts';

const DRAIN_POLL_MS = 5;

export class TabletDuties {
  readonly #clock: Clock;
  readonly #host: () => TabletHost | null;
  readonly #metadata: () => Metadata;
  readonly #steward: Steward;
  readonly #watch: PeerWatch;
  readonly #news: LeadershipNews;
  readonly #administration: Administration;

  constructor(options: {
    clock: Clock;
    host: () => TabletHost | null;
    metadata: () => Metadata;
    steward: Steward;
    watch: PeerWatch;
    news: LeadershipNews;
    administration: Administration;
  }) {
    this.#clock = options.clock;
    this.#host = options.host;
    this.#metadata = options.metadata;
    this.#steward = options.steward;
    this.#watch = options.watch;
    this.#news = options.news;
    this.#administration = options.administration;
  }

  /** One step for every tablet led here: towards its members, or leadership back to whom it belongs (one a step). */
  step(): void {
    const host = this.#host();
    if (host === null || this.#news.draining) return;
    let transferred = false;
    for (const tablet of host.all()) {
      const record = this.#metadata().tablets.get(tablet.id);
      if (record === undefined || !tablet.serving) continue;
      if (this.#steward.manageMembers(tablet, record)) {
        this.#administration.confirm(tablet.id, record);
        if (!transferred) transferred = this.#steward.returnLeadership(tablet, record);
      }
      host.markDirty(tablet);
    }
  }

  /** Another node is to lead this tablet, because the replica here is damaged. */
  handOver(tablet: Tablet): void {
    this.#steward.handOver(tablet, this.#metadata().tablets.get(tablet.id)?.replicas ?? []);
  }

  /** Hands every tablet that this node leads to another node. Resolves when that is done or `timeout_ms` is over. */
  async drain(timeout_ms: number): Promise<void> {
    this.#news.draining = true;
    this.#news.announce();
    const deadline_ms = this.#clock.monotonic_ms() + timeout_ms;
    for (;;) {
      let leading = 0;
      for (const tablet of this.#host()?.all() ?? []) {
        // Nobody else can lead it: the only voter is here, or all others are gone or leaving too.
        if (!tablet.raft.isLeader || !this.#hasHeir(tablet)) continue;
        leading += 1;
        this.#steward.handOver(tablet, this.#metadata().tablets.get(tablet.id)?.replicas ?? []);
        this.#host()?.markDirty(tablet);
      }
      if (leading === 0 || this.#clock.monotonic_ms() >= deadline_ms) return;
      await new Promise<void>((resolve) => this.#clock.after(DRAIN_POLL_MS, resolve));
    }
  }

  #hasHeir(tablet: Tablet): boolean {
    return tablet.confState.voters.some(
      (voter) => voter !== tablet.replica && this.#watch.aliveFor_ms(nodeOf(voter)) > 0,
    );
  }
}
