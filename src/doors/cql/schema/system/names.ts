/** Keyspaces that every cluster has and nobody changes. */
export const SYSTEM_KEYSPACES: ReadonlySet<string> = new Set([
  'system',
  'system_auth',
  'system_distributed',
  'system_schema',
  'system_traces',
  'system_views',
  'system_virtual_schema',
]);

/** Of those the ones that each node of Cassandra has for itself. */
export const LOCAL_KEYSPACES: ReadonlySet<string> = new Set([
  'system',
  'system_schema',
  'system_views',
  'system_virtual_schema',
]);

/** Of those the ones that are in no table of `system_schema`, as in Cassandra: drivers look for them in `system_virtual_schema`. */
export const VIRTUAL_KEYSPACES: ReadonlySet<string> = new Set(['system_views', 'system_virtual_schema']);
