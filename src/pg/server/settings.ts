/**
 * What we set of PostgreSQL's configuration, and why: one table.
 *
 * - fixed: given on the command line, which no file and no ALTER SYSTEM overrides. Users may not set them.
 * - moving: changed while it runs, in a file of ours (configuration.ts). Users may not set them.
 * - default: another value than PostgreSQL's own; users may set another one.
 */
export interface SettingContext {
  readonly dataFolder: string;
  readonly confFolder: string;
  readonly socketFolder: string;
  readonly clusterName: string;
  readonly platform: NodeJS.Platform;
}

export interface Setting {
  readonly name: string;
  readonly kind: 'fixed' | 'moving' | 'default';
  readonly value: string | ((context: SettingContext) => string);
  readonly why: string;
}

function fixed(name: string, value: Setting['value'], why: string): Setting {
  return { name, kind: 'fixed', value, why };
}

function moving(name: string, why: string): Setting {
  return { name, kind: 'moving', value: '', why };
}

function byDefault(name: string, value: string, why: string): Setting {
  return { name, kind: 'default', value, why };
}

export const SETTINGS: readonly Setting[] = [
  fixed('listen_addresses', '', 'clients come through the gateway, which knows who they are'),
  fixed('port', '5432', 'only part of the name of the socket'),
  fixed('unix_socket_directories', (context) => context.socketFolder, 'a folder that only this user can enter'),
  fixed('unix_socket_permissions', '0700', 'whoever reaches the socket is trusted'),
  fixed('hba_file', (context) => `${context.confFolder}/pg_hba.conf`, 'outside of the data folder, which is copied'),
  fixed('ident_file', (context) => `${context.confFolder}/pg_ident.conf`, 'outside of the data folder'),
  fixed('cluster_name', (context) => context.clusterName, 'marks the titles of the server processes'),
  fixed('ssl', 'off', 'TLS ends in the gateway'),
  fixed('update_process_title', 'on', 'titles tell whether a standby streams'),
  fixed('logging_collector', 'off', 'one more process; the log file is ours'),
  fixed('log_destination', 'stderr', 'which is the log file'),
  fixed('lc_messages', 'C', 'the log file is read for what went wrong'),

  fixed('fsync', 'on', 'an acknowledged transaction is durable'),
  fixed('full_page_writes', 'on', 'a page torn by a power cut is repaired'),
  fixed('synchronous_commit', 'on', 'an acknowledged transaction is durable on standbys'),
  fixed('restart_after_crash', 'off', 'a primary that crashed may have been replaced: the group decides'),
  fixed(
    'recovery_init_sync_method',
    (context) => (context.platform === 'linux' ? 'syncfs' : 'fsync'),
    'a start after a crash syncs the file system rather than each file: 0.3 s for 2.5 s',
  ),

  fixed('hot_standby', 'on', 'standbys answer reads, and tell how far they are'),
  fixed('max_wal_senders', '16', 'standbys, clones and rewinds; equal on all, as a standby must not have fewer'),
  fixed('wal_sender_timeout', '3s', 'a standby that is gone is noticed'),
  fixed('wal_receiver_timeout', '3s', 'a primary that is gone is noticed'),
  fixed('wal_receiver_status_interval', '1s', 'often enough for the timeout of the sender'),
  fixed('wal_retrieve_retry_interval', '10ms', 'a standby connects to the new primary at once'),
  fixed('recovery_target_timeline', 'latest', 'a standby follows a promotion'),
  fixed('recovery_target', '', 'a standby never stops following'),
  fixed('recovery_target_lsn', '', 'the same'),
  fixed('recovery_target_name', '', 'the same'),
  fixed('recovery_target_time', '', 'the same'),
  fixed('recovery_target_xid', '', 'the same'),
  fixed('recovery_min_apply_delay', '0', 'a failover would wait for it'),
  fixed('restore_command', '', 'standbys get everything from the primary'),
  fixed('primary_slot_name', '', 'slots do not survive a failover; wal_keep_size does the work'),
  fixed('archive_mode', 'off', 'an archive would have to be the same on all nodes'),

  moving('primary_conninfo', 'whom it follows'),
  moving('synchronous_standby_names', 'whom a commit waits for'),

  byDefault('wal_keep_size', '1GB', 'a standby that was away for a while can follow again without a clone'),
  byDefault('max_slot_wal_keep_size', '8GB', 'a forgotten slot must not fill the disk'),
  byDefault('hot_standby_feedback', 'on', 'reads on standbys are not cancelled, and do not hold up the replay'),
  byDefault('max_standby_streaming_delay', '5s', 'what still conflicts with the replay holds it up at most so long'),
  byDefault('superuser_reserved_connections', '5', 'the node itself gets in when clients have taken the rest'),
  byDefault('timezone', 'UTC', 'the same on all nodes'),
  byDefault('log_timezone', 'UTC', 'the same on all nodes'),
  byDefault('log_line_prefix', '%m [%p] %u@%d ', 'who did it'),
  byDefault('default_text_search_config', 'pg_catalog.english', 'what initdb would choose'),
];

/** Parts of a configuration file that are no settings; and settings whose value would lead out of our files. */
const NEVER: readonly string[] = ['include', 'include_dir', 'include_if_exists', 'config_file', 'data_directory'];

/** Lower case, as PostgreSQL compares names. */
export function isManaged(name: string): boolean {
  const wanted = name.toLowerCase();
  if (NEVER.includes(wanted)) return true;
  return SETTINGS.some((setting) => setting.kind !== 'default' && setting.name === wanted);
}

/** Whether PostgreSQL would take a value and not start with it, or start and not replicate. */
export function isRefused(name: string, value: string): boolean {
  return name.toLowerCase() === 'wal_level' && value.toLowerCase() === 'minimal';
}

export function settingValue(setting: Setting, context: SettingContext): string {
  return typeof setting.value === 'string' ? setting.value : setting.value(context);
}

/** A line of a configuration file. */
export function settingLine(name: string, value: string): string {
  return `${name} = '${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'\n`;
}
