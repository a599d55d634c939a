/**
 * What a seed decides before anything runs: the shape of the cluster, of its machines and of the load. Each seed gets extremes of its
 * own (swarm testing, Groce et al. 2012): a run with everything switched on a little finds less than many runs, each
 * with some things switched off and others far too strong.
 */
import type { Prng } from '../src/base/prng.ts';

export interface Swarm {
  readonly nodes: number;
  readonly tablets: number;
  readonly replicationFactor: number;
  readonly tick_ms: number;
  readonly electionTicks: number;
  readonly flushInterval_ms: number;
  readonly requestTimeout_ms: number;
  readonly inFlightBytesMax: number;
  readonly retainedLogBytes: number;
  readonly walSegment_bytes: number;
  readonly heartbeat_interval_ms: number;
  readonly supportDuration_ms: number;
  /** How long a turn of an event loop lasts at most. */
  readonly turn_ms: number;
  readonly latency_ms: number;
  readonly jitter_ms: number;
  readonly window_bytes: number;
  readonly piece_bytes: number;
  readonly sync_ms: number;
  readonly syncJitter_ms: number;
  readonly storeCommit_ms: number;
  readonly storeFlush_ms: number;
  /** The rates of the machines' clocks differ from the truth by at most this share. */
  readonly drift: number;
  readonly clients: number;
  readonly think_ms: number;
  readonly clientTimeout_ms: number;
  readonly slotsPerTablet: number;
  readonly keysPerSlot: number;
  readonly valueBytes: number;
  readonly readShare: number;
  /** When faults begin: at once, or when the cluster has formed. */
  readonly faultsFrom_ms: number;
  readonly safety_ms: number;
}

export function drawSwarm(prng: Prng): Swarm {
  const nodes = prng.pick([1, 2, 3, 3, 3, 3, 3, 4, 5, 5]);
  const supportDuration_ms = prng.pick([600, 600, 400, 1_000]);
  return {
    nodes,
    tablets: 1 + prng.below(prng.pick([1, 2, 4, 8])),
    replicationFactor: Math.min(nodes, prng.pick([3, 3, 3, 3, 1, 5])),
    tick_ms: prng.pick([50, 50, 20, 100]),
    electionTicks: prng.pick([3, 3, 5]),
    flushInterval_ms: prng.pick([100, 300, 1_000, 2_000]),
    requestTimeout_ms: prng.pick([500, 2_000, 5_000]),
    inFlightBytesMax: prng.pick([2_000, 64 * 1024, 4 * 1024 * 1024]),
    retainedLogBytes: prng.pick([16 * 1024, 64 * 1024, 256 * 1024, 128 * 1024 * 1024]),
    walSegment_bytes: prng.pick([64 * 1024, 64 * 1024, 128 * 1024]),
    heartbeat_interval_ms: Math.min(prng.pick([100, 100, 50]), supportDuration_ms / 4),
    supportDuration_ms,
    turn_ms: prng.pick([0, 0.05, 0.3, 2]),
    latency_ms: prng.pick([0.05, 0.2, 1, 5]),
    jitter_ms: prng.pick([0, 0.1, 1, 10]),
    window_bytes: prng.pick([4 * 1024, 64 * 1024, 1024 * 1024]),
    piece_bytes: prng.pick([0, 0, 0, 50, 1_000]),
    sync_ms: prng.pick([0.05, 0.3, 2]),
    syncJitter_ms: prng.pick([0, 0.5, 5, 20]),
    storeCommit_ms: prng.pick([0.1, 1, 10]),
    storeFlush_ms: prng.pick([0.5, 5, 50]),
    drift: prng.pick([0, 0, 0.01, 0.045]),
    clients: 1 + prng.below(prng.pick([2, 6, 12])),
    think_ms: prng.pick([1, 5, 20, 50]),
    clientTimeout_ms: prng.pick([100, 500, 3_000, 10_000]),
    slotsPerTablet: 1 + prng.below(3),
    keysPerSlot: 1 + prng.below(6),
    valueBytes: prng.pick([0, 0, 20, 400]),
    readShare: prng.pick([0.1, 0.5, 0.9]),
    faultsFrom_ms: prng.pick([0, 1_500, 1_500, 1_500]),
    safety_ms: prng.pick([4_000, 8_000, 12_000]),
  };
}
