/** From the option table's values to a node's options, and the config file that may hold them. */
import { readFile } from 'node:fs/promises';
import type { FirstAccess } from '../admin/admin-source.ts';
import { FolkmootError } from '../base/errors.ts';
import { type Logger, silentLogger } from '../base/log.ts';
import { type OptionSources, type ResolvedOptions, resolveOptions } from '../base/option-values.ts';
import type { CommandName } from '../base/options/option-spec.ts';
import { OPTIONS, type OptionValues } from '../base/options.ts';
import type { NodePorts } from '../cluster/view.ts';
import { NO_USERS } from './first-access.ts';
import type { NodeOptions } from './node-api.ts';

/** Flags, then the environment, then the config file that one of these names. */
export async function loadOptions(
  command: CommandName,
  flags: OptionSources['flags'],
  environment: OptionSources['environment'],
): Promise<ResolvedOptions> {
  const first = resolveOptions(command, { flags, environment });
  const path = first.values.config;
  if (path === undefined) return first;
  return resolveOptions(command, { flags, environment, file: { path, values: await readConfigFile(path) } });
}

async function readConfigFile(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new FolkmootError(
      'CONFIG_FILE',
      `cannot read the config file ${path}`,
      'Check the path and its permissions.',
      {
        cause: error,
      },
    );
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new FolkmootError('CONFIG_FILE', `${path} is not JSON: ${detail}`, 'Write it as {"redis-port": 6379, ...}.', {
      cause: error,
    });
  }
}

/** A node's options from checked values. `data` must be set. */
export function nodeOptionsFrom(
  values: OptionValues,
  dataFolder: string,
  logger: Logger,
  access: FirstAccess = NO_USERS,
): NodeOptions {
  return {
    dataFolder,
    name: values.name,
    host: values.listen,
    zone: values.zone,
    join: values.join,
    ports: portsFrom(values),
    logger,
    autoInit: values['auto-init'],
    access,
    postgres: values.postgres,
    postgresBin: values['postgres-bin'],
    postgresUser: values['postgres-user'],
    tlsFolder: values['tls-dir'],
    plainClients: values['client-tls'] === 'optional',
    faultInjection: values.faults,
    tablets: values.tablets,
    replicationFactor: values['replication-factor'],
    heartbeatInterval_ms: values['heartbeat-interval-ms'],
    supportDuration_ms: values['support-duration-ms'],
    tick_ms: values['tick-ms'],
    electionTicks: values['election-ticks'],
    flushInterval_ms: values['flush-interval-ms'],
    walSegment_bytes: values['wal-segment-bytes'],
    requestTimeout_ms: values['request-timeout-ms'],
    drainTimeout_ms: values['drain-timeout-ms'],
    clients_max: values['max-clients'],
    bulkLength_bytes_max: values['proto-max-bulk-len'],
    inflight_bytes_max: values['max-inflight-bytes'],
    readCache_bytes: values['read-cache-bytes'],
  };
}

/** Where doors listen; 0 for those that are closed. */
export function portsFrom(values: OptionValues): NodePorts {
  const isOpen = values.postgres !== 'off';
  return {
    redis: values['redis-port'],
    redisSingle: values['redis-single-port'],
    cql: values['cql-port'],
    postgres: isOpen ? values['postgres-port'] : 0,
    postgresRead: isOpen ? values['postgres-read-port'] : 0,
    admin: values['admin-port'],
    peer: values['peer-port'],
  };
}

/** What a program that embeds a node must say; the rest comes from the option table. */
export type NodeOptionsInput = Pick<NodeOptions, 'dataFolder'> & Partial<NodeOptions>;

/** Fills in the defaults of the option table; a node without `join` forms its cluster by itself. */
export function completeNodeOptions(input: NodeOptionsInput): NodeOptions {
  const defaults = Object.fromEntries(Object.entries(OPTIONS).map(([name, spec]) => [name, spec.default]));
  const base = nodeOptionsFrom(defaults as unknown as OptionValues, input.dataFolder, silentLogger);
  const alone = (input.join ?? base.join).length === 0;
  return { ...base, autoInit: alone, ...input };
}
