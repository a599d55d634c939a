/**
 * CONFIG GET and SET. Settings that mean something here take effect; those of Redis that are harmless (encoding limits,
 * hz, save ...) are remembered and given back, because tools set them and expect that; unknown names are errors.
 * Settings belong to one node and last until it ends.
 */
import type { CommandLimits } from './context.ts';

type Kind = 'integer' | 'memory' | 'yesno' | 'text' | 'enum';

interface Setting {
  readonly kind: Kind;
  readonly initial: string;
  readonly min?: number;
  readonly max?: number;
  readonly values?: readonly string[];
  /** CONFIG SET answers as Redis does for settings that only its start can change. */
  readonly immutable?: boolean;
  /** Why it cannot be set, and what to do instead. */
  readonly refusal?: string;
}

const MEBIBYTE = 1_048_576;
const INT_MAX = 2_147_483_647;

function integer(initial: number, min = 0, max = Number.MAX_SAFE_INTEGER): Setting {
  return { kind: 'integer', initial: String(initial), min, max };
}
function memory(initial: number, min = 0): Setting {
  return { kind: 'memory', initial: String(initial), min, max: Number.MAX_SAFE_INTEGER };
}
function yesno(initial: 'yes' | 'no'): Setting {
  return { kind: 'yesno', initial };
}
function text(initial: string): Setting {
  return { kind: 'text', initial };
}
function choice(initial: string, ...values: readonly string[]): Setting {
  return { kind: 'enum', initial, values };
}
function fixed(initial: string): Setting {
  return { kind: 'text', initial, immutable: true };
}

/** Settings that have an effect here. All but cluster-announce-replicas and those that begin with packed are Redis's own. */
export const EFFECTIVE_SETTINGS = [
  'proto-max-bulk-len',
  'maxclients',
  'timeout',
  'client-query-buffer-limit',
  'client-output-buffer-limit',
  'active-expire-enabled',
  'cluster-announce-replicas',
  'hll-sparse-max-bytes',
  'packed-max-entries',
  'packed-max-bytes',
  'hash-max-listpack-entries',
  'hash-max-listpack-value',
  'set-max-intset-entries',
  'set-max-listpack-entries',
  'set-max-listpack-value',
  'zset-max-listpack-entries',
  'zset-max-listpack-value',
  'list-max-listpack-size',
] as const;

const SETTINGS: Readonly<Record<string, Setting>> = {
  'proto-max-bulk-len': memory(512 * MEBIBYTE, MEBIBYTE),
  maxclients: integer(10_000, 1, 1_000_000),
  timeout: integer(0, 0, INT_MAX),
  'client-query-buffer-limit': memory(1_024 * MEBIBYTE, MEBIBYTE),
  'client-output-buffer-limit': text('normal 268435456 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60'),
  'active-expire-enabled': yesno('yes'),
  'cluster-announce-replicas': yesno('no'),
  'hll-sparse-max-bytes': memory(3_000),
  'packed-max-entries': integer(128, 1, 65_536),
  'packed-max-bytes': memory(4_096, 16),
  'active-expire-effort': integer(1, 1, 10),
  appendonly: yesno('yes'),
  appendfsync: choice('always', 'everysec', 'always', 'no'),
  save: text(''),
  hz: integer(10, 1, 500),
  'dynamic-hz': yesno('yes'),
  requirepass: {
    kind: 'text',
    initial: '',
    refusal: 'users are of the whole cluster; use ACL SETUSER default resetpass >PASSWORD',
  },
  databases: fixed('1'),
  port: fixed('0'),
  bind: fixed('*'),
  'cluster-enabled': fixed('yes'),
  'cluster-node-timeout': integer(15_000),
  'cluster-require-full-coverage': yesno('no'),
  'cluster-allow-reads-when-down': yesno('no'),
  'cluster-replica-no-failover': yesno('no'),
  dir: fixed('.'),
  dbfilename: fixed('dump.rdb'),
  appendfilename: fixed('appendonly.aof'),
  appenddirname: fixed('appendonlydir'),
  daemonize: fixed('no'),
  supervised: fixed('no'),
  logfile: fixed(''),
  loglevel: choice('notice', 'debug', 'verbose', 'notice', 'warning', 'nothing'),
  maxmemory: memory(0),
  'maxmemory-policy': choice(
    'noeviction',
    'noeviction',
    'allkeys-lru',
    'allkeys-lfu',
    'allkeys-random',
    'volatile-lru',
    'volatile-lfu',
    'volatile-random',
    'volatile-ttl',
  ),
  'maxmemory-samples': integer(5, 1, 64),
  'maxmemory-clients': text('0'),
  'maxmemory-eviction-tenacity': integer(10, 0, 100),
  'lfu-log-factor': integer(10),
  'lfu-decay-time': integer(1),
  'hash-max-listpack-entries': integer(512),
  'hash-max-ziplist-entries': integer(512),
  'hash-max-listpack-value': integer(64),
  'hash-max-ziplist-value': integer(64),
  'list-max-listpack-size': integer(-2, Number.MIN_SAFE_INTEGER),
  'list-max-ziplist-size': integer(-2, Number.MIN_SAFE_INTEGER),
  'list-compress-depth': integer(0),
  'set-max-intset-entries': integer(512),
  'set-max-listpack-entries': integer(128),
  'set-max-listpack-value': integer(64),
  'zset-max-listpack-entries': integer(128),
  'zset-max-ziplist-entries': integer(128),
  'zset-max-listpack-value': integer(64),
  'zset-max-ziplist-value': integer(64),
  'stream-node-max-bytes': memory(4_096),
  'stream-node-max-entries': integer(100),
  'notify-keyspace-events': text(''),
  'lua-time-limit': integer(5_000),
  'busy-reply-threshold': integer(5_000),
  'script-timeout': integer(5_000),
  'slowlog-log-slower-than': integer(10_000, -1),
  'slowlog-max-len': integer(128),
  'latency-monitor-threshold': integer(0),
  'latency-tracking': yesno('yes'),
  'latency-tracking-info-percentiles': text('50 99 99.9'),
  'tcp-keepalive': integer(300, 0, INT_MAX),
  'tcp-backlog': fixed('511'),
  'min-replicas-to-write': integer(0),
  'min-slaves-to-write': integer(0),
  'min-replicas-max-lag': integer(10),
  'repl-backlog-size': memory(MEBIBYTE, 1),
  'repl-timeout': integer(60, 1),
  'repl-diskless-sync': yesno('yes'),
  'repl-diskless-sync-delay': integer(5),
  'replica-read-only': yesno('yes'),
  'replica-serve-stale-data': yesno('yes'),
  'replica-priority': integer(100),
  'stop-writes-on-bgsave-error': yesno('yes'),
  rdbcompression: yesno('yes'),
  rdbchecksum: yesno('yes'),
  'rdb-save-incremental-fsync': yesno('yes'),
  'aof-use-rdb-preamble': yesno('yes'),
  'aof-load-truncated': yesno('yes'),
  'aof-rewrite-incremental-fsync': yesno('yes'),
  'auto-aof-rewrite-percentage': integer(100),
  'auto-aof-rewrite-min-size': memory(64 * MEBIBYTE),
  'no-appendfsync-on-rewrite': yesno('no'),
  activerehashing: yesno('yes'),
  activedefrag: yesno('no'),
  'lazyfree-lazy-eviction': yesno('no'),
  'lazyfree-lazy-expire': yesno('no'),
  'lazyfree-lazy-server-del': yesno('no'),
  'lazyfree-lazy-user-del': yesno('no'),
  'lazyfree-lazy-user-flush': yesno('no'),
  'replica-lazy-flush': yesno('no'),
  'tracking-table-max-keys': integer(1_000_000),
  'acllog-max-len': integer(128),
  'acl-pubsub-default': choice('resetchannels', 'resetchannels', 'allchannels'),
  'io-threads': fixed('1'),
  'io-threads-do-reads': fixed('no'),
  'enable-debug-command': fixed('no'),
  'enable-module-command': fixed('no'),
  'enable-protected-configs': fixed('no'),
  'protected-mode': yesno('no'),
  'ignore-warnings': text(''),
  'set-proc-title': yesno('yes'),
  'crash-log-enabled': yesno('yes'),
  'crash-memcheck-enabled': yesno('no'),
  'jemalloc-bg-thread': yesno('yes'),
  'tls-port': fixed('0'),
  unixsocket: fixed(''),
};

export type SetResult = { readonly ok: true } | { readonly ok: false; readonly error: string };

export class Configuration implements CommandLimits {
  readonly #values = new Map<string, string>();
  bulkBytes_max = 0;
  sparseHyperLogLogBytes_max = 0;
  clients_max = 0;
  idleTimeout_ms = 0;
  outputBytes_max = 0;
  queryBytes_max = 0;
  activeExpire = true;
  announceReplicas = false;
  packedEntries_max = 0;
  packedBytes_max = 0;
  hashListpackEntries_max = 0;
  hashListpackValueBytes_max = 0;
  setIntsetEntries_max = 0;
  setListpackEntries_max = 0;
  setListpackValueBytes_max = 0;
  sortedSetListpackEntries_max = 0;
  sortedSetListpackValueBytes_max = 0;
  listListpackSize = 0;

  constructor(overrides: Readonly<Record<string, string>> = {}) {
    for (const [name, setting] of Object.entries(SETTINGS)) this.#values.set(name, setting.initial);
    for (const [name, value] of Object.entries(overrides)) {
      const setting = SETTINGS[name];
      if (setting === undefined) throw new RangeError(`unknown setting ${name}`);
      this.#values.set(name, value);
    }
    this.#takeEffect();
  }

  /** Names and values that match any of the patterns, in order of the table. */
  get(matches: (name: string) => boolean): [string, string][] {
    return [...this.#values].filter(([name]) => matches(name));
  }

  /** A value by its exact name. */
  value(name: string): string {
    return this.#values.get(name) ?? '';
  }

  /** All or nothing, as CONFIG SET. */
  set(pairs: readonly (readonly [string, string])[]): SetResult {
    const accepted: [string, string][] = [];
    for (const [given, value] of pairs) {
      const name = given.toLowerCase();
      const setting = SETTINGS[name];
      if (setting === undefined) {
        return { ok: false, error: `ERR Unknown option or number of arguments for CONFIG SET - '${given}'` };
      }
      if (accepted.some(([other]) => other === name)) return failed(name, 'duplicate parameter');
      if (setting.refusal !== undefined) return failed(name, setting.refusal);
      if (setting.immutable === true) return failed(name, "can't set immutable config");
      const normal = normalize(setting, value);
      if (!normal.ok) return failed(name, normal.error);
      accepted.push([name, normal.value]);
    }
    for (const [name, value] of accepted) {
      this.#values.set(name, value);
      const alias = aliasOf(name);
      if (SETTINGS[alias] !== undefined) this.#values.set(alias, value);
    }
    this.#takeEffect();
    return { ok: true };
  }

  #takeEffect(): void {
    this.bulkBytes_max = Number(this.value('proto-max-bulk-len'));
    this.sparseHyperLogLogBytes_max = Number(this.value('hll-sparse-max-bytes'));
    this.clients_max = Number(this.value('maxclients'));
    this.idleTimeout_ms = Number(this.value('timeout')) * 1000;
    this.queryBytes_max = Number(this.value('client-query-buffer-limit'));
    this.activeExpire = this.value('active-expire-enabled') === 'yes';
    this.announceReplicas = this.value('cluster-announce-replicas') === 'yes';
    this.packedEntries_max = Number(this.value('packed-max-entries'));
    this.packedBytes_max = Number(this.value('packed-max-bytes'));
    this.hashListpackEntries_max = Number(this.value('hash-max-listpack-entries'));
    this.hashListpackValueBytes_max = Number(this.value('hash-max-listpack-value'));
    this.setIntsetEntries_max = Number(this.value('set-max-intset-entries'));
    this.setListpackEntries_max = Number(this.value('set-max-listpack-entries'));
    this.setListpackValueBytes_max = Number(this.value('set-max-listpack-value'));
    this.sortedSetListpackEntries_max = Number(this.value('zset-max-listpack-entries'));
    this.sortedSetListpackValueBytes_max = Number(this.value('zset-max-listpack-value'));
    this.listListpackSize = Number(this.value('list-max-listpack-size'));
    const normal = /normal (\d+)/.exec(this.value('client-output-buffer-limit'));
    this.outputBytes_max = Number(normal?.[1] ?? '0');
  }
}

/** The other name of a setting that Redis renamed from ziplist to listpack. */
function aliasOf(name: string): string {
  return name.includes('listpack') ? name.replace('listpack', 'ziplist') : name.replace('ziplist', 'listpack');
}

function failed(name: string, why: string): SetResult {
  return { ok: false, error: `ERR CONFIG SET failed (possibly related to argument '${name}') - ${why}` };
}

function normalize(setting: Setting, value: string): { ok: true; value: string } | { ok: false; error: string } {
  if (setting.kind === 'yesno') {
    const lower = value.toLowerCase();
    return lower === 'yes' || lower === 'no'
      ? { ok: true, value: lower }
      : { ok: false, error: "argument must be 'yes' or 'no'" };
  }
  if (setting.kind === 'enum') {
    const lower = value.toLowerCase();
    const values = setting.values ?? [];
    return values.includes(lower)
      ? { ok: true, value: lower }
      : { ok: false, error: `argument(s) must be one of the following: ${values.join(', ')}` };
  }
  if (setting.kind === 'text') return { ok: true, value };
  const number = setting.kind === 'memory' ? parseMemory(value) : parseWhole(value);
  if (number === undefined) {
    return {
      ok: false,
      error:
        setting.kind === 'memory' ? 'argument must be a memory value' : "argument couldn't be parsed into an integer",
    };
  }
  const min = setting.min ?? 0;
  const max = setting.max ?? Number.MAX_SAFE_INTEGER;
  if (number < min || number > max) {
    return { ok: false, error: `argument must be between ${min} and ${max} inclusive` };
  }
  return { ok: true, value: String(number) };
}

function parseWhole(text: string): number | undefined {
  return /^-?\d{1,15}$/.test(text) ? Number(text) : undefined;
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1_000,
  kb: 1_024,
  m: 1_000_000,
  mb: 1_048_576,
  g: 1_000_000_000,
  gb: 1_073_741_824,
};

function parseMemory(text: string): number | undefined {
  const match = /^(\d{1,12})([a-z]*)$/.exec(text.toLowerCase());
  const unit = match === null ? undefined : UNITS[match[2] as string];
  return match === null || unit === undefined ? undefined : Number(match[1]) * unit;
}
