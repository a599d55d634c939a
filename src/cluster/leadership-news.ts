/** Tells all nodes which tablets this one leads, and the leader table what this node's own replicas know. */
import type { Clock } from '../base/clock.ts';
import { nodeOf } from '../tablet/replica-id.ts';
import type { Tablet } from '../tablet/tablet.ts';
import type { TabletHost } from '../tablet/tablet-host.ts';
import { encodeAnnouncement, type LeaderTable } from './leader-table.ts';
import { lagOf } from './replica-progress.ts';
import type { NodeId } from './view.ts';

export class LeadershipNews {
  /** This node is about to leave: nobody is to give it anything to lead. */
  draining = false;
  readonly #clock: Clock;
  readonly #leaders: LeaderTable;
  readonly #self: () => NodeId;
  readonly #host: () => TabletHost | null;
  readonly #send: (bytes: Buffer) => void;
  #scheduled = false;

  /** `send` takes the bytes to every other node. */
  constructor(options: {
    clock: Clock;
    leaders: LeaderTable;
    self: () => NodeId;
    host: () => TabletHost | null;
    send: (bytes: Buffer) => void;
  }) {
    this.#clock = options.clock;
    this.#leaders = options.leaders;
    this.#self = options.self;
    this.#host = options.host;
    this.#send = options.send;
  }

  /** What a replica of this node knows of its leader has changed. */
  changed(tablet: Tablet): void {
    const { raft } = tablet;
    if (tablet.serving) {
      this.#leaders.heard(tablet.id, this.#self(), raft.term);
      this.#announceSoon();
    } else if (raft.leader !== 0 && raft.leader !== tablet.replica) {
      this.#leaders.heard(tablet.id, nodeOf(raft.leader), raft.term);
    } else if (raft.leader === 0 && this.#leaders.get(tablet.id)?.node === this.#self()) {
      this.#leaders.lost(tablet.id);
    }
  }

  announce(): void {
    this.#send(this.announcement());
  }

  announcement(): Buffer {
    const items: Parameters<typeof encodeAnnouncement>[1][number][] = [];
    for (const tablet of this.#host()?.all() ?? []) {
      if (!tablet.serving) continue;
      const lag = lagOf(tablet.raft);
      items.push({ tablet: tablet.id, term: tablet.raft.term, ...lag });
      this.#leaders.heard(tablet.id, this.#self(), tablet.raft.term, lag.lag, lag.behind);
    }
    return encodeAnnouncement(this.draining, items);
  }

  #announceSoon(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#clock.endOfTurn(() => {
      this.#scheduled = false;
      this.announce();
    });
  }
}
