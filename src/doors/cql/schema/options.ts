/**
 * Options of tables and keyspaces: taken as Cassandra takes them, kept as written, shown again. What they tune there (compaction,
 * caches, repair) has nothing to tune here, except default_time_to_live.
 */

import { CqlError, ErrorCode } from '../errors.ts';
import type { Properties } from '../language/ast.ts';
import type { TableOptions } from './model.ts';

/** Cassandra 4.1's, in the order in which it prints them. */
export const TABLE_OPTIONS: TableOptions = {
  additional_write_policy: '99p',
  bloom_filter_fp_chance: '0.01',
  caching: { keys: 'ALL', rows_per_partition: 'NONE' },
  cdc: 'false',
  comment: '',
  compaction: {
    class: 'org.apache.cassandra.db.compaction.SizeTieredCompactionStrategy',
    max_threshold: '32',
    min_threshold: '4',
  },
  compression: { chunk_length_in_kb: '16', class: 'org.apache.cassandra.io.compress.LZ4Compressor' },
  memtable: 'default',
  crc_check_chance: '1.0',
  default_time_to_live: '0',
  extensions: {},
  gc_grace_seconds: '864000',
  max_index_interval: '2048',
  memtable_flush_period_in_ms: '0',
  min_index_interval: '128',
  read_repair: 'BLOCKING',
  speculative_retry: '99p',
};

const INTEGERS = [
  'default_time_to_live',
  'gc_grace_seconds',
  'max_index_interval',
  'memtable_flush_period_in_ms',
  'min_index_interval',
];
const TTL_MAX_S = 630_720_000;

export function tableOptions(before: TableOptions, properties: Properties): TableOptions {
  const options: Record<string, string | Readonly<Record<string, string>>> = { ...before };
  for (const [name, value] of properties) {
    if (name === 'id' || name === 'dclocal_read_repair_chance' || name === 'read_repair_chance') continue;
    const known = TABLE_OPTIONS[name];
    if (known === undefined && name !== 'allow_auto_snapshot' && name !== 'incremental_backups') {
      throw new CqlError(ErrorCode.syntaxError, `Unknown property '${name}'`);
    }
    if (typeof value === 'string' && typeof known === 'object') {
      throw new CqlError(ErrorCode.syntaxError, `Invalid value for property '${name}'. It should be a map.`);
    }
    if (typeof value !== 'string' && typeof known === 'string') {
      throw new CqlError(ErrorCode.syntaxError, `Invalid value for property '${name}'. It should be a string.`);
    }
    options[name] =
      typeof value === 'string'
        ? value
        : { ...(name === 'caching' ? (known as object) : {}), ...Object.fromEntries(value) };
    if (typeof value === 'string' && INTEGERS.includes(name)) checkInteger(name, value);
  }
  return options;
}

function checkInteger(name: string, value: string): void {
  if (!/^-?\d+$/.test(value)) throw new CqlError(ErrorCode.syntaxError, `Invalid integer value ${value} for '${name}'`);
  const number = Number(value);
  if (number < 0)
    throw new CqlError(ErrorCode.configError, `${name} must be greater than or equal to 0 (got ${value})`);
  if (name === 'default_time_to_live' && number > TTL_MAX_S) {
    throw new CqlError(ErrorCode.configError, `${name} must be less than or equal to ${TTL_MAX_S} (got ${value})`);
  }
}

export interface KeyspaceOptions {
  readonly replication: Readonly<Record<string, string>>;
  readonly durableWrites: boolean;
}

const LOCATOR = 'org.apache.cassandra.locator.';

export function keyspaceOptions(before: KeyspaceOptions | undefined, properties: Properties): KeyspaceOptions {
  let replication = before?.replication;
  let durableWrites = before?.durableWrites ?? true;
  for (const [name, value] of properties) {
    if (name === 'durable_writes' && typeof value === 'string') durableWrites = value.toLowerCase() !== 'false';
    else if (name === 'replication' && typeof value !== 'string') replication = replicationOptions(value);
    else if (name === 'fast_path') continue;
    else throw new CqlError(ErrorCode.syntaxError, `Unknown property '${name}'`);
  }
  if (replication === undefined) throw new CqlError(ErrorCode.configError, 'Missing replication strategy class');
  return { replication, durableWrites };
}

function replicationOptions(given: ReadonlyMap<string, string>): Readonly<Record<string, string>> {
  const { class: strategy, ...rest } = Object.fromEntries(given);
  if (strategy === undefined) throw new CqlError(ErrorCode.configError, 'Missing replication strategy class');
  const name = strategy.replace(LOCATOR, '');
  if (name !== 'SimpleStrategy' && name !== 'NetworkTopologyStrategy') {
    throw new CqlError(ErrorCode.configError, `Unable to find replication strategy class '${LOCATOR}${name}'`);
  }
  for (const [option, value] of Object.entries(rest)) {
    if (name === 'SimpleStrategy' && option !== 'replication_factor') {
      throw new CqlError(
        ErrorCode.configError,
        `Unrecognized strategy option {${option}} passed to SimpleStrategy for keyspace`,
      );
    }
    if (!/^\d+(\/\d+)?$/.test(value)) {
      throw new CqlError(ErrorCode.configError, `Replication factor must be numeric; found ${value}`);
    }
    if (Number(value.split('/')[0]) < 1 && name === 'SimpleStrategy') {
      throw new CqlError(ErrorCode.configError, `Replication factor must be positive; found ${value}`);
    }
  }
  if (name === 'SimpleStrategy' && rest['replication_factor'] === undefined) {
    throw new CqlError(ErrorCode.configError, 'SimpleStrategy requires a replication_factor strategy option.');
  }
  return { class: LOCATOR + name, ...rest };
}
