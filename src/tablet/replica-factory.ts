/** Makes the replicas of a node: the Raft of each, with the node's support as its oracle, and the overlay over the store. */
import { raftDefaults } from '../raft/config.ts';
import { Raft } from '../raft/raft.ts';
import type { ReplicaId, SupportOracle } from '../raft/types.ts';
import { Overlay } from '../storage/overlay.ts';
import { ReadCachePool } from '../storage/read-cache.ts';
import type { RaftState } from './recovered-state.ts';
import { nodeOf } from './replica-id.ts';
import { Tablet, type TabletHostLink } from './tablet.ts';
import type { TabletHostOptions } from './tablet-host-options.ts';

/** For one group and follower: those of all groups of a node share the transport's queue of 256 MB for a peer. */
const INFLIGHT_BYTES_MAX = 4 * 1024 * 1024;

export class ReplicaFactory {
  readonly #options: TabletHostOptions;
  readonly #link: TabletHostLink;
  readonly #oracle: SupportOracle;
  readonly #caches: ReadCachePool;

  constructor(options: TabletHostOptions, link: TabletHostLink) {
    const { support } = options;
    this.#options = options;
    this.#link = link;
    this.#caches = new ReadCachePool(options.readCacheBytes);
    this.#oracle = {
      supportFor: (other) => support.supportFor(nodeOf(other)),
      supportFrom: (other) => support.supportFrom(nodeOf(other)),
    };
  }

  tablet(id: number, replica: ReplicaId, state: RaftState): Tablet {
    const { store, rangesOf, limits, logger } = this.#options;
    return new Tablet({
      id,
      replica,
      raft: this.raft(id, replica, state),
      overlay: new Overlay(store, state.applied, this.#caches.open()),
      ranges: (content) => rangesOf(id, content),
      appliedTerm: state.snapshot.term,
      confState: state.snapshot.confState,
      host: this.#link,
      limits,
      logger,
    });
  }

  raft(tablet: number, replica: ReplicaId, state: RaftState): Raft {
    const { prng, electionTicks, heartbeatTicks, isWaitedFor, limits, logger } = this.#options;
    return new Raft({
      ...raftDefaults,
      maxInflightBytes: INFLIGHT_BYTES_MAX,
      id: replica,
      electionTicks,
      heartbeatTicks,
      checkQuorum: true,
      preVote: true,
      support: this.#oracle,
      random: (bound) => prng.below(bound),
      priorityTicks: 1,
      lazyCommit: !isWaitedFor(tablet),
      maxUncommittedBytes: 2 * limits.inFlightBytesMax,
      logger,
      ...state,
    });
  }
}
