/** What bounds the gateway of a node. Times in milliseconds. */
export interface GatewayLimits {
  /** Connections to PostgreSQL of one role in one database on one port. */
  readonly pool_max: number;
  /** Connections of this node to any one server, all pools together. Those of all nodes must fit into PostgreSQL's `max_connections`. */
  readonly serverConnections_max: number;
  /** How long a statement waits for a connection, or for a primary, before it is answered with an error. */
  readonly wait_ms: number;
  /** A connection that nobody has used for so long is closed. */
  readonly serverIdle_ms: number;
  /** A session that has a transaction open and says nothing for so long is ended; 0 for never. */
  readonly idleInTransaction_ms: number;
  /** From the first byte to the end of the log-in. */
  readonly startup_ms: number;
  /** Named statements of one session. */
  readonly statements_max: number;
  /** How long a read waits for a standby that has not yet replayed what it must see, before it goes to the primary. */
  readonly replay_ms: number;
}

export const DEFAULT_LIMITS: GatewayLimits = {
  pool_max: 20,
  serverConnections_max: 30,
  wait_ms: 10_000,
  serverIdle_ms: 60_000,
  idleInTransaction_ms: 300_000,
  startup_ms: 10_000,
  statements_max: 5_000,
  replay_ms: 100,
};

/** Settings that are the cluster's own: ALTER SYSTEM must not touch them. */
export const MANAGED_SETTINGS: ReadonlySet<string> = new Set([
  'archive_cleanup_command',
  'archive_command',
  'archive_library',
  'archive_mode',
  'cluster_name',
  'config_file',
  'data_directory',
  'fsync',
  'full_page_writes',
  'hba_file',
  'hot_standby',
  'hot_standby_feedback',
  'ident_file',
  'listen_addresses',
  'max_replication_slots',
  'max_wal_senders',
  'port',
  'primary_conninfo',
  'primary_slot_name',
  'promote_trigger_file',
  'recovery_end_command',
  'recovery_init_sync_method',
  'recovery_min_apply_delay',
  'recovery_prefetch',
  'recovery_target',
  'recovery_target_action',
  'recovery_target_inclusive',
  'recovery_target_lsn',
  'recovery_target_name',
  'recovery_target_time',
  'recovery_target_timeline',
  'recovery_target_xid',
  'restart_after_crash',
  'restore_command',
  'ssl',
  'synchronous_commit',
  'synchronous_standby_names',
  'unix_socket_directories',
  'unix_socket_group',
  'unix_socket_permissions',
  'wal_level',
  'wal_log_hints',
  'wal_receiver_status_interval',
  'wal_receiver_timeout',
  'wal_retrieve_retry_interval',
  'wal_sender_timeout',
]);
