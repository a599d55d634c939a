/** Commands that make no sense here: the error says what to do instead. */
import type { CommandFlag, CommandGroup, CommandSpec } from '../command-spec.ts';

function refused(
  name: string,
  group: CommandGroup,
  since: string,
  arity: number,
  flags: readonly CommandFlag[],
  refusal: string,
): CommandSpec {
  return { name, group, since, summary: 'Not supported: the error says what to do instead.', arity, flags, refusal };
}

const REPLICATION = 'ERR replicas are placed by the cluster itself; see `folkmoot status` and `folkmoot drain`';
const STREAM = 'ERR the replication stream of Redis is not offered; use `folkmoot backup`, or SCAN, to copy data';

export const replicaof = refused(
  'REPLICAOF',
  'server',
  '5.0.0',
  3,
  ['admin', 'noscript', 'stale', 'no_async_loading'],
  REPLICATION,
);
export const slaveof = refused(
  'SLAVEOF',
  'server',
  '1.0.0',
  3,
  ['admin', 'noscript', 'stale', 'no_async_loading'],
  REPLICATION,
);
export const psync = refused(
  'PSYNC',
  'server',
  '2.8.0',
  -3,
  ['admin', 'noscript', 'no_async_loading', 'no_multi'],
  STREAM,
);
export const sync = refused(
  'SYNC',
  'server',
  '1.0.0',
  1,
  ['admin', 'noscript', 'no_async_loading', 'no_multi'],
  STREAM,
);
export const replconf = refused(
  'REPLCONF',
  'server',
  '3.0.0',
  -1,
  ['admin', 'noscript', 'loading', 'stale', 'allow_busy'],
  STREAM,
);
export const failover = refused(
  'FAILOVER',
  'server',
  '6.2.0',
  -1,
  ['admin', 'noscript', 'stale'],
  'ERR leaders move by themselves; to empty a node use `folkmoot drain NODE`',
);
export const migrate = refused(
  'MIGRATE',
  'generic',
  '2.6.0',
  -6,
  ['write', 'movablekeys'],
  'ERR keys do not move between nodes by hand; the cluster places tablets itself',
);
export const restoreAsking = refused(
  'RESTORE-ASKING',
  'server',
  '3.0.0',
  -4,
  ['write', 'denyoom', 'asking'],
  'ERR slots are not migrated key by key here; the cluster places tablets itself',
);
export const shutdown = refused(
  'SHUTDOWN',
  'server',
  '1.0.0',
  -1,
  ['admin', 'noscript', 'loading', 'stale', 'no_multi', 'allow_busy'],
  'ERR a node is not stopped through this port: send SIGTERM to its process',
);
export const monitor = refused(
  'MONITOR',
  'server',
  '1.0.0',
  1,
  ['admin', 'noscript', 'loading', 'stale'],
  'ERR MONITOR is not supported: it would slow every client of the node; look at INFO commandstats',
);
export const debug = refused(
  'DEBUG',
  'server',
  '1.0.0',
  -2,
  ['admin', 'noscript', 'loading', 'stale'],
  'ERR DEBUG command not allowed: faults are injected with `folkmoot verify` and the folkmoot/testing package',
);
export const sentinel = refused(
  'SENTINEL',
  'sentinel',
  '2.8.4',
  -2,
  ['admin'],
  'ERR there is no Sentinel: connect to any node of the cluster',
);
