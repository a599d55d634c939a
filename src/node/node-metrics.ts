/** What `/metrics` says about a node beside the process itself: every number is read when somebody scrapes. */
import type { Metrics, Sample } from '../base/metrics.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Liveness } from '../cluster/liveness.ts';
import type { CqlDoor } from '../doors/cql/door.ts';
import type { RedisDoor } from '../doors/redis/door.ts';

export interface Doors {
  readonly redis: RedisDoor;
  readonly cql: CqlDoor;
}

export function registerNodeMetrics(metrics: Metrics, cluster: Cluster, doors: Doors, liveness: Liveness): void {
  registerRedis(metrics, doors.redis);
  registerCql(metrics, doors.cql);
  registerTablets(metrics, cluster);
  registerStorage(metrics, cluster);
  registerLiveness(metrics, liveness);
}

function registerRedis(metrics: Metrics, door: RedisDoor): void {
  const of = door.statistics;
  metrics.counter('folkmoot_redis_commands_total', 'Redis commands taken', () => of.commandsProcessed);
  metrics.counter('folkmoot_redis_connections_total', 'Redis connections accepted', () => of.connectionsReceived);
  metrics.counter(
    'folkmoot_redis_connections_rejected_total',
    'Redis connections refused because there were too many',
    () => of.connectionsRejected,
  );
  metrics.gauge('folkmoot_redis_connections', 'Redis connections open', () => door.clients.size);
  metrics.counter('folkmoot_redis_error_replies_total', 'Error replies', () => of.errorReplies);
  metrics.counter('folkmoot_redis_moved_replies_total', 'MOVED replies', () => of.movedReplies);
  metrics.counter('folkmoot_redis_forwarded_total', 'Commands sent on to another node', () => of.forwardedOut);
  metrics.counter(
    'folkmoot_redis_unknown_outcomes_total',
    'Replies that said: outcome unknown',
    () => of.unknownOutcomes,
  );
  metrics.counter('folkmoot_redis_input_bytes_total', 'Bytes read from Redis clients', () => of.bytesIn);
  metrics.counter('folkmoot_redis_output_bytes_total', 'Bytes written to Redis clients', () => of.bytesOut);
  metrics.counter(
    'folkmoot_redis_expired_keys_total',
    'Keys removed because their time was over',
    () => of.expiredKeys,
  );
}

function registerCql(metrics: Metrics, door: CqlDoor): void {
  const of = door.statistics;
  metrics.counter('folkmoot_cql_requests_total', 'Requests of Cassandra clients taken', () => of.requests);
  metrics.counter('folkmoot_cql_prepared_total', 'Statements prepared', () => of.prepared);
  metrics.counter('folkmoot_cql_errors_total', 'Requests answered with an error', () => of.errors);
  metrics.counter(
    'folkmoot_cql_unknown_outcomes_total',
    'Requests answered with a time-out: outcome unknown',
    () => of.unknownOutcomes,
  );
  metrics.counter('folkmoot_cql_connections_total', 'Cassandra connections accepted', () => of.connectionsReceived);
  metrics.counter(
    'folkmoot_cql_connections_rejected_total',
    'Cassandra connections refused because there were too many',
    () => of.connectionsRejected,
  );
  metrics.gauge('folkmoot_cql_connections', 'Cassandra connections open', () => door.connections);
  metrics.counter('folkmoot_cql_input_bytes_total', 'Bytes read from Cassandra clients', () => of.bytesIn);
  metrics.counter('folkmoot_cql_output_bytes_total', 'Bytes written to Cassandra clients', () => of.bytesOut);
}

function registerTablets(metrics: Metrics, cluster: Cluster): void {
  const tablets = () => [...(cluster.host?.all() ?? [])];
  metrics.gauge('folkmoot_raft_replicas', 'Replicas on this node', () => tablets().length);
  metrics.gauge(
    'folkmoot_raft_leaders',
    'Tablets that this node leads',
    () => tablets().filter((tablet) => tablet.serving).length,
  );
  metrics.gauge(
    'folkmoot_raft_leases',
    'Tablets that this node leads with a lease',
    () => tablets().filter((tablet) => tablet.raft.hasLease()).length,
  );
  metrics.gauges('folkmoot_raft_term', 'Term of the group', ['tablet'], () =>
    tablets().map((tablet) => sample(tablet.id, tablet.raft.term)),
  );
  metrics.gauges('folkmoot_raft_commit_index', 'Highest committed entry', ['tablet'], () =>
    tablets().map((tablet) => sample(tablet.id, tablet.raft.commitIndex)),
  );
  metrics.gauges('folkmoot_raft_log_entries', 'Entries held in memory', ['tablet'], () =>
    tablets().map((tablet) => sample(tablet.id, tablet.raft.lastIndex - tablet.raft.firstIndex + 1)),
  );
  metrics.gauge('folkmoot_tablet_open_operations', 'Operations whose outcome is open', () =>
    tablets().reduce((sum, tablet) => sum + tablet.openOperationCount, 0),
  );
  metrics.gauge('folkmoot_tablet_inflight_bytes', 'Bytes evaluated and not committed', () =>
    tablets().reduce((sum, tablet) => sum + tablet.inFlightBytes, 0),
  );
  metrics.gauge('folkmoot_router_waiting', 'Requests that wait for a leader', () => cluster.slots.waitingCount);
  const counters = () => cluster.host?.counters;
  metrics.counter('folkmoot_raft_entries_total', 'Log entries appended', () => counters()?.proposals ?? 0);
  metrics.counter('folkmoot_tablet_turns_total', 'Turns of the event loop with work', () => counters()?.turns ?? 0);
  metrics.counter('folkmoot_snapshots_sent_total', 'Snapshots sent', () => counters()?.snapshotsSent ?? 0);
  metrics.counter(
    'folkmoot_snapshots_installed_total',
    'Snapshots installed',
    () => counters()?.snapshotsInstalled ?? 0,
  );
  metrics.counter(
    'folkmoot_replicas_lost_total',
    'Replicas given up because of damage',
    () => counters()?.replicasLost ?? 0,
  );
  metrics.counter(
    'folkmoot_replicas_rebuilt_total',
    'Replicas that took the place of lost ones and are whole',
    () => counters()?.replicasRebuilt ?? 0,
  );
}

function registerStorage(metrics: Metrics, cluster: Cluster): void {
  metrics.counter(
    'folkmoot_wal_batches_total',
    'Durable writes of the log',
    () => cluster.storage?.wal.durableBatch ?? 0,
  );
  metrics.gauge('folkmoot_wal_segments', 'Segment files in use', () => cluster.storage?.wal.segmentCount ?? 0);
  metrics.gauge('folkmoot_wal_open_bytes', 'Bytes waiting for the log', () => cluster.storage?.wal.openBytes ?? 0);
  metrics.gauge(
    'folkmoot_store_size_bytes',
    'Size of the store on disk',
    () => cluster.storage?.store.sizeBytes() ?? 0,
  );
  metrics.counter('folkmoot_store_flushes_total', 'Flushes into the store', () => cluster.host?.counters.flushes ?? 0);
  metrics.counter(
    'folkmoot_store_flushed_changes_total',
    'Changes flushed into the store',
    () => cluster.host?.counters.flushedChanges ?? 0,
  );
  metrics.gauge('folkmoot_overlay_cells', 'Keys held in memory until they are flushed', () => {
    let cells = 0;
    for (const tablet of cluster.host?.all() ?? []) cells += tablet.overlay.cellCount;
    return cells;
  });
}

function registerLiveness(metrics: Metrics, liveness: Liveness): void {
  const peers = (read: (peer: ReturnType<Liveness['stats']>['peers'][number]) => number) => (): Sample[] =>
    liveness.stats().peers.map((peer) => ({ labels: { peer: String(peer.node) }, value: read(peer) }));
  metrics.gauges(
    'folkmoot_liveness_rtt_seconds',
    'Last round trip to a peer',
    ['peer'],
    peers((peer) => peer.rtt_ms / 1_000),
  );
  metrics.gauges(
    'folkmoot_liveness_gap_seconds_worst',
    'Longest time between two heartbeats of a peer since the start',
    ['peer'],
    peers((peer) => peer.gap_ms_worst / 1_000),
  );
  metrics.counters(
    'folkmoot_liveness_breaks_total',
    'Times that support for a peer ended and began anew',
    ['peer'],
    peers((peer) => peer.breaks),
  );
}

function sample(tablet: number, value: number): Sample {
  return { labels: { tablet: String(tablet) }, value };
}
