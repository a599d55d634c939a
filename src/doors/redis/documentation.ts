/** Writes docs/doors/redis.md from the table of commands, so that it cannot say what is not so. */
import type { CommandSpec } from './command-spec.ts';
import { EFFECTIVE_SETTINGS } from './configuration.ts';
import { USER_KEY_BYTES_MAX } from './key-layout.ts';
import { INLINE_BYTES_MAX, MULTIBULK_LENGTH_MAX } from './resp-parser.ts';
import { IN_FLIGHT_BYTES_MAX, IN_FLIGHT_MAX } from './session.ts';
import { REDIS_VERSION } from './version.ts';

/** A command of Valkey 9.1; sub-commands as `CLIENT|LIST`. */
export interface KnownCommand {
  readonly group: string;
  readonly name: string;
}

/** Reads the list of Valkey's commands: group, name, arity, since, separated by tabs, after a line of titles. */
export function parseKnownCommands(text: string): KnownCommand[] {
  return text
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => {
      const [group, name] = line.split('\t') as [string, string];
      return { group, name };
    });
}

const GROUP_TITLES: Readonly<Record<string, string>> = {
  string: 'Strings',
  generic: 'Keys of any type',
  transactions: 'Transactions',
  connection: 'Connection',
  server: 'Server',
  cluster: 'Cluster',
  hash: 'Hashes',
  list: 'Lists',
  set: 'Sets',
  sorted_set: 'Sorted sets',
  stream: 'Streams',
  pubsub: 'Pub/sub',
  scripting: 'Scripts and functions',
  bitmap: 'Bitmaps',
  hyperloglog: 'HyperLogLog',
  geo: 'Geo',
  sentinel: 'Sentinel',
};

const MEBIBYTE = 1_048_576;

const INTRODUCTION = `# The Redis door

Written by \`scripts/generate-redis-docs.js\` from the door's table of commands. Do not edit.

Any Redis client can use a node: RESP2 and RESP3, as Redis ${REDIS_VERSION} answers. There are two ports:

* **Cluster port**: for clients that know Redis Cluster. Keys of another leader get MOVED; keys of several slots in one
  command get CROSSSLOT. There is never an ASK: tablets move as a whole.
* **Single-endpoint port**: for clients that do not. Any node answers for all keys, by forwarding. DEL, UNLINK, EXISTS, TOUCH
  and MGET over several slots are split, and are then atomic for each tablet, not as a whole; MSET, RENAME and all others
  whose meaning would change get CROSSSLOT. Commands that a client sends without waiting may change their order among
  each other while a leader moves, as they do for clients of Redis Cluster that follow MOVED.

## What differs from Redis

* An acknowledged write is on disk on a majority of its replicas, always. SAVE, BGSAVE, WAIT and WAITAOF therefore have nothing
  to do and answer at once.
* A reply that begins with \`TIMEOUT the outcome is unknown\` means what it says: the write may or may not have been applied, now or
  later. The cluster does not try it again by itself. \`CLUSTERDOWN\` and \`TRYAGAIN\` mean that nothing was executed.
* Reads are linearizable. A connection that asked READONLY may be answered by a replica, and what it reads may be stale.
* A transaction (MULTI, with its watched keys) is about keys of one slot. Use a hash tag: \`{user1}:name\`, \`{user1}:mail\`.
  Commands on the whole keyspace (SCAN, KEYS, DBSIZE, FLUSHALL, RANDOMKEY, INFO) cannot be part of one.
* There is one database, 0.
* On the cluster port SCAN, KEYS, DBSIZE, RANDOMKEY, FLUSHALL and FLUSHDB act on the tablets that the node leads, on the
  single-endpoint port on the whole cluster. FLUSHALL is atomic for each tablet.
* A node is master of the slots it leads and replica of others. CLUSTER SLOTS names replicas only when the setting
  \`cluster-announce-replicas\` is yes on every node: clients that send READONLY to all nodes (redis-py) read from them then,
  while ioredis (\`scaleReads\`) and node-redis (\`useReplicas\`) do not expect such nodes and end in redirections.
* Settings (CONFIG SET) and CLIENT commands are about one node, and last until it ends.
* Expiry times after the year 287396 are cut to it.
* Sets, hashes and sorted sets give their elements in another order than Redis does once they are large; small ones in the
  order in which they were added (hashes, sets) or by number (sets of integers), as Redis does.
* Fields of hashes that have expired are not counted by HLEN, and a hash all of whose fields have expired is not there.
* Removing a large collection, by DEL, expiry or by putting something in its place, takes one entry in the log. Its elements
  go in the background; SPOP, LTRIM and ZREMRANGEBY* of most of a collection work likewise.
* A command that would write more than 256 MB of elements anew (COPY, DUMP, ...STORE of a huge collection) is refused.
* Negative counts of SRANDMEMBER, HRANDFIELD and ZRANDMEMBER, which allow repetitions, go down to -10,000,000.
* Members of large sorted sets that are longer than 1,700 bytes and begin with the same 1,669 bytes are not in the order of
  their bytes among each other.
* OBJECT ENCODING answers by Redis 7.2's rules and settings, whatever the way of storing; a whole number that INCRBYFLOAT made
  is an int.
* Numbers are printed as Redis 7.2 does (shortest digits that read back the same); Redis 7.0 prints up to 17.
* SORT with BY and ALPHA leaves elements of equal weight in their order; Redis leaves it open. ALPHA compares all bytes of the
  texts; Redis, where it does not store them, those before the first zero byte, by its locale. It never changes the encoding of
  what it reads.
`;

function limits(): string {
  const rows = [
    ['bytes of a key', String(USER_KEY_BYTES_MAX), '`ERR key is too long: the limit is N bytes`'],
    ['bytes of a value', '512 MB (`proto-max-bulk-len`)', '`ERR Protocol error: invalid bulk length`, then closed'],
    [
      'arguments of a command',
      String(MULTIBULK_LENGTH_MAX),
      '`ERR Protocol error: invalid multibulk length`, then closed',
    ],
    [
      'bytes of an inline command',
      String(INLINE_BYTES_MAX),
      '`ERR Protocol error: too big inline request`, then closed',
    ],
    ['unanswered commands of a connection', String(IN_FLIGHT_MAX), 'the node reads no more until some are answered'],
    [
      'bytes of unanswered commands',
      `${IN_FLIGHT_BYTES_MAX / MEBIBYTE} MB`,
      'the node reads no more until some are answered',
    ],
    ['connections of a node', '10,000 (`maxclients`)', '`ERR max number of clients reached`'],
    ['unsent reply bytes of a connection', '256 MB (`client-output-buffer-limit normal`)', 'closed'],
    ['wait for a leader', '5 s', '`CLUSTERDOWN no leader for slot N ...; nothing was executed`'],
  ];
  const lines = rows.map((row) => `| ${row.join(' | ')} |`);
  return `## Limits\n\n| what | limit | past it |\n|---|---|---|\n${lines.join('\n')}\n`;
}

function settings(): string {
  const names = EFFECTIVE_SETTINGS.map((name) => `\`${name}\``).join(', ');
  return `## Settings\n\nCONFIG SET of these has an effect: ${names}. Other settings of Redis are remembered and given back, and change\nnothing. Unknown names are errors.\n`;
}

/** A command and its sub-commands, each on its own. */
function flatten(spec: CommandSpec, prefix = ''): { name: string; spec: CommandSpec }[] {
  const name = `${prefix}${spec.name}`;
  return [{ name, spec }, ...(spec.subcommands ?? []).flatMap((sub) => flatten(sub, `${name}|`))];
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function row(name: string, spec: CommandSpec): string {
  const answer = spec.refusal === undefined ? '' : `Error: ${spec.refusal}`;
  const remark = [spec.note, answer].filter((text) => text !== undefined && text !== '').join(' ');
  return `| ${cell(name.replace('|', ' '))} | ${cell(spec.summary)} | ${cell(remark)} |`;
}

export function redisDocumentation(specs: readonly CommandSpec[], known: readonly KnownCommand[]): string {
  const offered = specs.filter((spec) => spec.internal !== true).flatMap((spec) => flatten(spec));
  const names = new Set(offered.map((each) => each.name));
  const works = offered.filter((each) => each.spec.refusal === undefined).length;
  const sections: string[] = [];
  for (const [group, title] of Object.entries(GROUP_TITLES)) {
    const rows = offered.filter((each) => each.spec.group === group).map((each) => row(each.name, each.spec));
    const missing = known.filter((each) => each.group === group && !names.has(each.name)).map((each) => each.name);
    if (rows.length === 0 && missing.length === 0) continue;
    const lines = [`### ${title}`, ''];
    if (rows.length > 0) lines.push('| command | what it does | remarks |', '|---|---|---|', ...rows, '');
    if (missing.length > 0) {
      lines.push(`Not there (unknown command): ${missing.map((name) => cell(name.replace('|', ' '))).join(', ')}.`, '');
    }
    sections.push(lines.join('\n'));
  }
  const counts = `${works} commands and sub-commands work, ${offered.length - works} answer with an error that says what to do instead.`;
  return [INTRODUCTION, limits(), settings(), `## Commands\n\n${counts}\n`, ...sections].join('\n');
}
