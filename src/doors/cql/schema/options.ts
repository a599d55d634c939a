/**
 * Options of tables: taken as Cassandra takes them, kept as written, shown again. What they tune there (compaction, caches, repair) has
 * nothing to tune here, except default_time_to_live.
 */
import { CqlError, ErrorCode } from '../errors.ts';
import type { Properties, PropertyValue } from '../language/ast.ts';
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

/** Written by other versions and by Scylla; taken, and shown no more. */
const IGNORED: ReadonlySet<string> = new Set([
  'id',
  // Cassandra takes it too, and keeps nothing.
  'extensions',
  'allow_auto_snapshot',
  'incremental_backups',
  'dclocal_read_repair_chance',
  'read_repair_chance',
  'populate_io_cache_on_flush',
  'replicate_on_write',
]);

type Kind = 'text' | 'map' | 'integer' | 'double' | 'boolean';
const KINDS: Readonly<Record<string, Kind>> = {
  caching: 'map',
  compaction: 'map',
  compression: 'map',
  cdc: 'boolean',
  bloom_filter_fp_chance: 'double',
  crc_check_chance: 'double',
  default_time_to_live: 'integer',
  gc_grace_seconds: 'integer',
  max_index_interval: 'integer',
  memtable_flush_period_in_ms: 'integer',
  min_index_interval: 'integer',
};

/** 20 years, in seconds. */
export const TTL_MAX_S = 630_720_000;
const BLOOM_FILTER_CHANCE_MIN = 6.71e-5;

/** Only those that were given are in records; `before` and what is returned are such. */
export function tableOptions(before: TableOptions, properties: Properties): TableOptions {
  const options: Record<string, string | Readonly<Record<string, string>>> = { ...before };
  for (const [name, value] of properties) {
    if (IGNORED.has(name)) continue;
    if (TABLE_OPTIONS[name] === undefined) throw syntax(`Unknown property '${name}'`);
    options[name] = optionOf(name, value);
  }
  checkRelations({ ...TABLE_OPTIONS, ...options });
  return options;
}

export function hasTtl(options: TableOptions): boolean {
  return (options['default_time_to_live'] ?? '0') !== '0';
}

function optionOf(name: string, value: PropertyValue): string | Record<string, string> {
  const kind = KINDS[name] ?? 'text';
  if (kind === 'map') {
    if (typeof value === 'string') throw syntax(`Invalid value for property '${name}'. It should be a map.`);
    return mapOption(name, Object.fromEntries(value));
  }
  if (typeof value !== 'string') throw syntax(`Invalid value for property '${name}'. It should be a string`);
  switch (kind) {
    case 'integer': {
      if (!/^[+-]?\d{1,10}$/.test(value)) throw syntax(`Invalid integer value ${value} for '${name}'`);
      return String(Number(value));
    }
    case 'double': {
      if (value.trim() === '' || Number.isNaN(Number(value))) {
        throw syntax(`Invalid double value ${value} for '${name}'`);
      }
      return doubleText(Number(value));
    }
    case 'boolean': {
      const text = value.toLowerCase();
      if (!/^(1|true|yes|0|false|no)$/.test(text)) throw syntax(`Invalid boolean value ${value} for '${name}'`);
      return String(/^(1|true|yes)$/.test(text));
    }
    default:
      return textOption(name, value);
  }
}

function textOption(name: string, value: string): string {
  switch (name) {
    case 'read_repair':
      if (!/^(NONE|BLOCKING)$/i.test(value)) {
        throw config(`No enum constant org.apache.cassandra.service.reads.repair.ReadRepairStrategy.${value}`);
      }
      return value.toUpperCase();
    case 'speculative_retry':
    case 'additional_write_policy':
      return speculativePolicy(name, value);
    case 'memtable':
      if (!/^(default|skiplist|trie)$/.test(value)) throw config(`Memtable configuration "${value}" not found.`);
      return value;
    default:
      return value;
  }
}

function speculativePolicy(name: string, value: string): string {
  if (/^(none|always)$/i.test(value)) return value.toUpperCase();
  const number = '[0-9]+(?:\\.[0-9]+)?';
  const one = `(?:p${number}|${number}(?:p|percentile|ms))`;
  if (new RegExp(`^(?:${one}|(?:min|max)\\(\\s*${one}\\s*,\\s*${one}\\s*\\))$`, 'i').test(value)) {
    return value.replace(/percentile/i, 'p');
  }
  throw config(`Invalid value ${value} for option '${name}'`);
}

function mapOption(name: string, value: Record<string, string>): Record<string, string> {
  switch (name) {
    case 'caching':
      return cachingOption(value);
    case 'compaction':
      return compactionOption(value);
    case 'compression':
      return compressionOption(value);
    default:
      return value;
  }
}

function cachingOption({ keys, rows_per_partition, ...rest }: Record<string, string>): Record<string, string> {
  const unknown = Object.keys(rest);
  if (unknown.length > 0) {
    throw config(
      `Invalid caching sub-options [${unknown.join(', ')}]: only 'keys' and 'rows_per_partition' are allowed`,
    );
  }
  if (keys !== undefined && !/^(ALL|NONE)$/i.test(keys)) {
    throw config(`Invalid value '${keys}' for caching sub-option 'keys': only 'ALL' and 'NONE' are allowed`);
  }
  if (rows_per_partition !== undefined && !/^(ALL|NONE|\d+)$/i.test(rows_per_partition)) {
    throw config(
      `Invalid value '${rows_per_partition}' for caching sub-option 'rows_per_partition': only 'ALL', 'NONE' and integers are allowed`,
    );
  }
  return {
    keys: (keys ?? 'ALL').toUpperCase(),
    rows_per_partition: (rows_per_partition ?? 'NONE').toUpperCase(),
  };
}

const COMPACTION = 'org.apache.cassandra.db.compaction.';
const STRATEGIES = [
  'SizeTieredCompactionStrategy',
  'LeveledCompactionStrategy',
  'TimeWindowCompactionStrategy',
  'DateTieredCompactionStrategy',
  'UnifiedCompactionStrategy',
];

function compactionOption({ class: given, ...rest }: Record<string, string>): Record<string, string> {
  if (given === undefined) throw config(`Missing sub-option 'class' for the 'compaction' option`);
  const name = given.startsWith(COMPACTION) ? given.slice(COMPACTION.length) : given;
  if (!STRATEGIES.includes(name)) {
    const whole = given.includes('.') ? given : COMPACTION + given;
    throw config(`Unable to find compaction strategy class '${whole}'`);
  }
  const thresholds = name === 'UnifiedCompactionStrategy' ? {} : { max_threshold: '32', min_threshold: '4' };
  return sorted({ class: COMPACTION + name, ...thresholds, ...rest });
}

const COMPRESSORS = 'org.apache.cassandra.io.compress.';

function compressionOption(given: Record<string, string>): Record<string, string> {
  const { class: name, sstable_compression: older, enabled, chunk_length_kb, ...rest } = given;
  const compressor = name ?? older;
  if (enabled === 'false' || compressor === '') return { enabled: 'false' };
  if (compressor === undefined) throw config(`Missing sub-option 'class' for the 'compression' option.`);
  const short = compressor.startsWith(COMPRESSORS) ? compressor.slice(COMPRESSORS.length) : compressor;
  if (!/^(LZ4|Snappy|Deflate|Zstd|Noop)Compressor$/.test(short)) {
    throw config(`Could not create Compression for type ${COMPRESSORS}${short}`);
  }
  const length = rest['chunk_length_in_kb'] ?? chunk_length_kb ?? '16';
  if (!/^\d+$/.test(length) || Number(length) < 1 || (Number(length) & (Number(length) - 1)) !== 0) {
    throw config(`chunk_length_in_kb must be a power of 2`);
  }
  return sorted({ ...rest, chunk_length_in_kb: length, class: COMPRESSORS + short });
}

function sorted(map: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function checkRelations(options: TableOptions): void {
  const of = (name: string): number => Number(options[name]);
  const chance = of('bloom_filter_fp_chance');
  if (chance <= BLOOM_FILTER_CHANCE_MIN || chance > 1) {
    throw config(
      `bloom_filter_fp_chance must be larger than ${doubleText(BLOOM_FILTER_CHANCE_MIN)} and less than or equal to 1.0 (got ${options['bloom_filter_fp_chance']})`,
    );
  }
  if (of('crc_check_chance') < 0 || of('crc_check_chance') > 1) {
    throw config(
      `crc_check_chance must be larger than or equal to 0 and smaller than or equal to 1.0 (got ${options['crc_check_chance']})`,
    );
  }
  for (const name of ['default_time_to_live', 'gc_grace_seconds', 'memtable_flush_period_in_ms']) {
    if (of(name) < 0) throw config(`${name} must be greater than or equal to 0 (got ${options[name]})`);
  }
  if (of('default_time_to_live') > TTL_MAX_S) {
    throw config(
      `default_time_to_live must be less than or equal to ${TTL_MAX_S} (got ${options['default_time_to_live']})`,
    );
  }
  const [low, high] = [of('min_index_interval'), of('max_index_interval')];
  if (low < 1) throw config(`min_index_interval must be greater than or equal to 1 (got ${low})`);
  if (high < low) {
    throw config(`max_index_interval must be greater than or equal to min_index_interval (${low}) (got ${high})`);
  }
}

/** As Java writes a double. */
function doubleText(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e7)) {
    const [mantissa = '', exponent = ''] = value.toExponential().split('e');
    return `${mantissa.includes('.') ? mantissa : `${mantissa}.0`}E${Number(exponent)}`;
  }
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

function syntax(text: string): CqlError {
  return new CqlError(ErrorCode.syntaxError, text);
}

function config(text: string): CqlError {
  return new CqlError(ErrorCode.configError, text);
}
