/** INFO: the sections and fields that clients and tools read. */
import { clusterNodes } from './cluster-replies.ts';
import type { Command } from './command-table.ts';
import type { ClientSession } from './session-view.ts';
import { REDIS_VERSION } from './version.ts';

type Fields = readonly (readonly [string, string | number])[];

/** What the process uses, bytes. */
export function memoryNow(): { used: number; heap: number; resident: number; peak: number } {
  const usage = process.memoryUsage();
  const used = usage.heapUsed + usage.external;
  return { used, heap: usage.heapUsed, resident: usage.rss, peak: Math.max(usage.rss, used) };
}

function human(bytes: number): string {
  if (bytes < 1024) return `${bytes}B`;
  if (bytes < 1024 ** 2) return `${(bytes / 1024).toFixed(2)}K`;
  if (bytes < 1024 ** 3) return `${(bytes / 1024 ** 2).toFixed(2)}M`;
  return `${(bytes / 1024 ** 3).toFixed(2)}G`;
}

function server(session: ClientSession): Fields {
  const { clock, startedWall_ms, topology } = session.door;
  const now_ms = clock.wall_ms();
  const uptime_s = Math.max(0, Math.floor((now_ms - startedWall_ms) / 1000));
  const ports = session.door.ports();
  return [
    ['redis_version', REDIS_VERSION],
    ['redis_git_sha1', '00000000'],
    ['redis_git_dirty', 0],
    ['redis_build_id', 'folkmoot'],
    ['server_name', 'folkmoot'],
    ['redis_mode', session.kind === 'cluster' ? 'cluster' : 'standalone'],
    ['os', `${process.platform} ${process.arch}`],
    ['arch_bits', 64],
    ['monotonic_clock', 'POSIX clock_gettime'],
    ['multiplexing_api', 'libuv'],
    ['atomicvar_api', 'none'],
    ['gcc_version', '0.0.0'],
    ['process_id', process.pid],
    ['process_supervised', 'no'],
    ['run_id', topology.node(topology.view().self)?.redisId ?? '0'.repeat(40)],
    ['tcp_port', session.kind === 'cluster' ? ports.cluster : ports.single],
    ['server_time_usec', Math.floor(now_ms * 1000)],
    ['uptime_in_seconds', uptime_s],
    ['uptime_in_days', Math.floor(uptime_s / 86_400)],
    ['hz', 10],
    ['configured_hz', 10],
    ['lru_clock', Math.floor(now_ms / 1000) & 0xffffff],
    ['executable', 'folkmoot'],
    ['config_file', ''],
    ['io_threads_active', 0],
  ];
}

function clients(session: ClientSession): Fields {
  const { door } = session;
  return [
    ['connected_clients', door.clients.size],
    ['cluster_connections', clusterNodes(door.topology).filter((node) => node.connected).length],
    ['maxclients', door.configuration.clients_max],
    ['client_recent_max_input_buffer', 0],
    ['client_recent_max_output_buffer', 0],
    ['blocked_clients', 0],
    ['tracking_clients', 0],
    ['pubsub_clients', 0],
    ['watching_clients', door.clients.all().filter((client) => client.watchedCount > 0).length],
    ['clients_in_timeout_table', 0],
    ['total_blocking_keys', 0],
    ['total_blocking_keys_on_nokey', 0],
  ];
}

function memory(session: ClientSession): Fields {
  const now = memoryNow();
  const maxmemory = session.door.configuration.value('maxmemory');
  return [
    ['used_memory', now.used],
    ['used_memory_human', human(now.used)],
    ['used_memory_rss', now.resident],
    ['used_memory_rss_human', human(now.resident)],
    ['used_memory_peak', now.peak],
    ['used_memory_peak_human', human(now.peak)],
    ['used_memory_peak_perc', `${((now.used / now.peak) * 100).toFixed(2)}%`],
    ['used_memory_overhead', now.heap],
    ['used_memory_startup', 0],
    ['used_memory_dataset', now.used - now.heap],
    ['used_memory_dataset_perc', `${(((now.used - now.heap) / now.used) * 100).toFixed(2)}%`],
    ['used_memory_lua', 0],
    ['used_memory_lua_human', '0B'],
    ['used_memory_scripts', 0],
    ['number_of_cached_scripts', 0],
    ['maxmemory', maxmemory],
    ['maxmemory_human', human(Number(maxmemory))],
    ['maxmemory_policy', session.door.configuration.value('maxmemory-policy')],
    ['mem_fragmentation_ratio', (now.resident / now.used).toFixed(2)],
    ['mem_allocator', 'node'],
    ['active_defrag_running', 0],
    ['lazyfree_pending_objects', 0],
  ];
}

function persistence(session: ClientSession): Fields {
  const now_s = Math.floor(session.door.clock.wall_ms() / 1000);
  return [
    ['loading', 0],
    ['async_loading', 0],
    ['rdb_changes_since_last_save', 0],
    ['rdb_bgsave_in_progress', 0],
    ['rdb_last_save_time', now_s],
    ['rdb_last_bgsave_status', 'ok'],
    ['rdb_last_bgsave_time_sec', 0],
    ['rdb_current_bgsave_time_sec', -1],
    ['aof_enabled', 1],
    ['aof_rewrite_in_progress', 0],
    ['aof_rewrite_scheduled', 0],
    ['aof_last_rewrite_time_sec', -1],
    ['aof_current_rewrite_time_sec', -1],
    ['aof_last_bgrewrite_status', 'ok'],
    ['aof_last_write_status', 'ok'],
  ];
}

function stats(session: ClientSession): Fields {
  const { statistics } = session.door;
  return [
    ['total_connections_received', statistics.connectionsReceived],
    ['total_commands_processed', statistics.commandsProcessed],
    ['instantaneous_ops_per_sec', 0],
    ['total_net_input_bytes', statistics.bytesIn],
    ['total_net_output_bytes', statistics.bytesOut],
    ['instantaneous_input_kbps', '0.00'],
    ['instantaneous_output_kbps', '0.00'],
    ['rejected_connections', statistics.connectionsRejected],
    ['sync_full', 0],
    ['sync_partial_ok', 0],
    ['sync_partial_err', 0],
    ['expired_keys', statistics.expiredKeys],
    ['expired_stale_perc', '0.00'],
    ['expired_time_cap_reached_count', 0],
    ['expire_cycle_cpu_milliseconds', Math.floor(statistics.expireCycle_ms)],
    ['evicted_keys', 0],
    ['evicted_clients', 0],
    ['keyspace_hits', statistics.keyspaceHits],
    ['keyspace_misses', statistics.keyspaceMisses],
    ['pubsub_channels', 0],
    ['pubsub_patterns', 0],
    ['pubsubshard_channels', 0],
    ['latest_fork_usec', 0],
    ['total_forks', 0],
    ['migrate_cached_sockets', 0],
    ['total_error_replies', statistics.errorReplies],
    ['total_reads_processed', statistics.readsProcessed],
    ['total_writes_processed', statistics.writesProcessed],
    ['client_output_buffer_limit_disconnections', statistics.outputLimitDisconnections],
    ['folkmoot_forwarded_out', statistics.forwardedOut],
    ['folkmoot_forwarded_in', statistics.forwardedIn],
    ['folkmoot_moved_replies', statistics.movedReplies],
    ['folkmoot_unknown_outcomes', statistics.unknownOutcomes],
  ];
}

function replication(session: ClientSession): Fields {
  const { topology } = session.door;
  const id = topology.node(topology.view().self)?.redisId ?? '0'.repeat(40);
  return [
    ['role', 'master'],
    ['connected_slaves', 0],
    ['master_failover_state', 'no-failover'],
    ['master_replid', id],
    ['master_replid2', '0'.repeat(40)],
    ['master_repl_offset', 0],
    ['second_repl_offset', -1],
    ['repl_backlog_active', 0],
    ['repl_backlog_size', 1_048_576],
    ['repl_backlog_first_byte_offset', 0],
    ['repl_backlog_histlen', 0],
  ];
}

function cpu(): Fields {
  const usage = process.cpuUsage();
  return [
    ['used_cpu_sys', (usage.system / 1e6).toFixed(6)],
    ['used_cpu_user', (usage.user / 1e6).toFixed(6)],
    ['used_cpu_sys_children', '0.000000'],
    ['used_cpu_user_children', '0.000000'],
  ];
}

function commandStats(session: ClientSession): Fields {
  const fields: [string, string][] = [];
  const visit = (command: Command): void => {
    if (command.calls > 0) {
      fields.push([
        `cmdstat_${command.fullName}`,
        `calls=${command.calls},usec=0,usec_per_call=0.00,rejected_calls=0,failed_calls=0`,
      ]);
    }
    for (const child of command.subcommands?.values() ?? []) visit(child);
  };
  for (const command of session.door.table.all()) visit(command);
  return fields;
}

interface Section {
  readonly title: string;
  /** Shown without being asked for. */
  readonly usual: boolean;
  readonly fields: (session: ClientSession, keys: number | undefined) => Fields;
}

const SECTIONS: readonly Section[] = [
  { title: 'Server', usual: true, fields: server },
  { title: 'Clients', usual: true, fields: clients },
  { title: 'Memory', usual: true, fields: memory },
  { title: 'Persistence', usual: true, fields: persistence },
  { title: 'Stats', usual: true, fields: stats },
  { title: 'Replication', usual: true, fields: replication },
  { title: 'CPU', usual: true, fields: cpu },
  { title: 'Modules', usual: true, fields: () => [] },
  { title: 'Commandstats', usual: false, fields: commandStats },
  {
    title: 'Errorstats',
    usual: true,
    fields: (session) => {
      const count = session.door.statistics.errorReplies;
      return count === 0 ? [] : [['errorstat_ERR', `count=${count}`]];
    },
  },
  { title: 'Latencystats', usual: false, fields: () => [] },
  {
    title: 'Cluster',
    usual: true,
    fields: (session) => [['cluster_enabled', session.kind === 'cluster' ? 1 : 0]],
  },
  {
    title: 'Keyspace',
    usual: true,
    fields: (_session, keys) => (keys === undefined || keys === 0 ? [] : [['db0', `keys=${keys},expires=0,avg_ttl=0`]]),
  },
];

/** `keys` is undefined when it was not asked for or could not be found out. */
export function infoText(session: ClientSession, wanted: readonly string[], keys: number | undefined): string {
  const all = wanted.includes('all') || wanted.includes('everything');
  const usual = wanted.length === 0 || wanted.includes('default');
  const chosen = SECTIONS.filter(
    (section) => all || (usual && section.usual) || wanted.includes(section.title.toLowerCase()),
  );
  return chosen
    .map((section) => {
      const lines = section.fields(session, keys).map(([name, value]) => `${name}:${value}\r\n`);
      return `# ${section.title}\r\n${lines.join('')}`;
    })
    .join('\r\n');
}
