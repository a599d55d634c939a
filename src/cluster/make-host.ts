/** Makes the TabletHost of a member: the cluster's options, and the numbers that no option sets. */
import type { Tablet } from '../tablet/tablet.ts';
import { TabletHost, type TabletHostOptions } from '../tablet/tablet-host.ts';
import type { ClusterOptions, OpenedStorage } from './cluster-options.ts';
import type { Identity } from './identity.ts';
import { METADATA_TABLET } from './metadata.ts';
import { openSnapshot } from './snapshot-link.ts';
import type { Transport } from './transport.ts';
import { Channel } from './transport-types.ts';

/** Raft's own heartbeats only carry what was lost on the way; liveness has a stream of its own. */
const RAFT_HEARTBEAT_TICKS = 10;
/** Memory for what is not flushed yet, and the main thread's time for one flush (docs/adr/0007-seldom-flushes.md). */
const FLUSH_CHANGES_MAX = 32_000;
/** For one tablet: past it writes are refused with TRYAGAIN until the store has caught up. */
const OVERLAY_BYTES_MAX = 256 * 1024 * 1024;
const RETAINED_LOG_BYTES = 128 * 1024 * 1024;
const BATCH_BYTES_MAX = 1024 * 1024;
/**
 * The log ended in a write that was cut off, or whose last batch is damaged: they look the same (storage/wal-recovery.ts). A
 * majority that lives on has a leader by then, which gives back what may be missing before this node votes for anybody.
 */
const TORN_TAIL_SILENCE_MS = 2_500;
/** Clocks of two machines are taken to run at the same rate within this (docs/GUARANTEES.md). */
const CLOCK_DRIFT = 0.1;

export function makeHost(from: {
  readonly options: ClusterOptions;
  readonly identity: Identity;
  readonly storage: OpenedStorage;
  readonly transport: Transport;
  readonly rangesOf: TabletHostOptions['rangesOf'];
  readonly leadershipChanged: (tablet: Tablet) => void;
  readonly applied: (tablet: Tablet) => void;
  readonly handOver: (tablet: Tablet) => void;
  readonly lost: (tablet: number) => void;
}): TabletHost {
  const { options, identity, storage, transport } = from;
  const { wal, recovery, store } = storage;
  // A first life has promised nothing. A later one waits until what the one before may have promised is over.
  const promise_ms = options.supportDuration_ms * (1 + CLOCK_DRIFT);
  const isTorn = recovery.tornTail && identity.voters.length > 1;
  return new TabletHost({
    node: identity.node,
    clock: options.clock,
    prng: options.prng.fork(),
    logger: options.logger,
    wal,
    recovery,
    store,
    peers: {
      sendRaft: (to, frame, insertions) => transport.send(to, Channel.raft, frame, insertions),
      openSnapshot: (to, header) => openSnapshot(transport, to, header),
    },
    support: options.liveness,
    rangesOf: from.rangesOf,
    silentUntil_ms: identity.epoch === 1 ? 0 : options.bornAt_ms + (isTorn ? TORN_TAIL_SILENCE_MS : promise_ms),
    promise_ms,
    tick_ms: options.tick_ms,
    electionTicks: options.electionTicks,
    heartbeatTicks: RAFT_HEARTBEAT_TICKS,
    isWaitedFor: (tablet) => tablet === METADATA_TABLET,
    flushInterval_ms: options.flushInterval_ms,
    flushChangesMax: FLUSH_CHANGES_MAX,
    retainedLogBytes: options.retainedLogBytes ?? RETAINED_LOG_BYTES,
    readCacheBytes: options.readCacheBytes,
    limits: {
      batchBytesMax: BATCH_BYTES_MAX,
      inFlightBytesMax: options.inFlightBytesMax,
      overlayBytesMax: OVERLAY_BYTES_MAX,
      requestTimeout_ms: options.requestTimeout_ms,
    },
    events: {
      leadershipChanged: from.leadershipChanged,
      applied: from.applied,
      handOver: from.handOver,
      lost: from.lost,
      failed: options.failed,
    },
  });
}
