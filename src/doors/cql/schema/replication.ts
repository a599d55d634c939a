/**
 * Options of keyspaces. The replication that is written there is kept and shown, since drivers route by it, but it decides nothing: all data
 * of the cluster is replicated alike.
 */
import { CqlError, ErrorCode, invalidRequest } from '../errors.ts';
import type { Properties } from '../language/ast.ts';

export interface KeyspaceOptions {
  readonly replication: Readonly<Record<string, string>>;
  readonly durableWrites: boolean;
}

export const LOCATOR = 'org.apache.cassandra.locator.';
export const SIMPLE_STRATEGY = `${LOCATOR}SimpleStrategy`;
export const NETWORK_STRATEGY = `${LOCATOR}NetworkTopologyStrategy`;
export const LOCAL_STRATEGY = `${LOCATOR}LocalStrategy`;
/** The one that nodes say they are in. */
export const DATA_CENTER = 'datacenter1';
const FACTOR = 'replication_factor';
/** Where none is given: Cassandra's default_keyspace_rf. */
const FACTOR_DEFAULT = '1';

export function keyspaceOptions(
  keyspace: string,
  before: KeyspaceOptions | undefined,
  properties: Properties,
): KeyspaceOptions {
  let replication = before?.replication;
  let durableWrites = before?.durableWrites ?? true;
  for (const [name, value] of properties) {
    switch (name) {
      case 'durable_writes':
        if (typeof value !== 'string') throw syntax(`Invalid value for property '${name}'. It should be a string`);
        durableWrites = booleanOf(name, value);
        break;
      case 'replication':
        if (typeof value === 'string') throw syntax(`Invalid value for property '${name}'. It should be a map.`);
        replication = replicationOf(keyspace, Object.fromEntries(value));
        break;
      // Scylla's, which say how tablets are made: they are always made alike here.
      case 'tablets':
      case 'storage':
        break;
      default:
        throw syntax(`Unknown property '${name}'`);
    }
  }
  if (replication === undefined) throw invalidRequest("Missing mandatory option 'replication'");
  return { replication, durableWrites };
}

/** What the author of the statement should know; undefined when there is nothing. */
export function replicationWarning(
  keyspace: string,
  { replication }: Pick<KeyspaceOptions, 'replication'>,
  actualFactor: number,
): string | undefined {
  const { class: _class, ...factors } = replication;
  const differs = Object.values(factors).some((factor) => Number(factor) !== actualFactor);
  if (!differs) return undefined;
  const said = Object.entries(factors)
    .map(([name, factor]) => `${name} ${factor}`)
    .join(', ');
  return `Keyspace ${keyspace} says ${said}; this cluster keeps ${actualFactor} ${actualFactor === 1 ? 'replica' : 'replicas'} of all data`;
}

function replicationOf(keyspace: string, given: Record<string, string>): Readonly<Record<string, string>> {
  const { class: strategy, ...options } = given;
  if (strategy === undefined) throw config('Missing replication strategy class');
  const whole = strategy.includes('.') ? strategy : LOCATOR + strategy;
  switch (whole) {
    case SIMPLE_STRATEGY:
      return { class: whole, ...simple(keyspace, options) };
    case NETWORK_STRATEGY:
      return { class: whole, ...perDataCenter(options) };
    case LOCAL_STRATEGY:
      throw config('Unable to use given strategy class: LocalStrategy is reserved for internal use.');
    default:
      throw config(`Unable to find replication strategy class '${whole}'`);
  }
}

function simple(keyspace: string, options: Record<string, string>): Record<string, string> {
  const [unknown] = Object.keys(options).filter((name) => name !== FACTOR);
  if (unknown !== undefined) {
    throw config(`Unrecognized strategy option {${unknown}} passed to SimpleStrategy for keyspace ${keyspace}`);
  }
  return { [FACTOR]: checkedFactor(options[FACTOR] ?? FACTOR_DEFAULT) };
}

/** `replication_factor` stands for all data centers, of which there is one. Those that somebody names are kept, although nobody is in them. */
function perDataCenter({ [FACTOR]: everywhere, ...named }: Record<string, string>): Record<string, string> {
  const centers: Record<string, string> = {};
  if (everywhere !== undefined || Object.keys(named).length === 0) centers[DATA_CENTER] = everywhere ?? FACTOR_DEFAULT;
  for (const [center, factor] of Object.entries({ ...centers, ...named })) centers[center] = checkedFactor(factor);
  return centers;
}

function checkedFactor(text: string): string {
  if (/^\d+\/\d+$/.test(text)) {
    throw config('Transient replication is not enabled on this node');
  }
  if (!/^-?\d{1,9}$/.test(text)) throw config(`For input string: "${text}"`);
  if (Number(text) < 0) throw config(`Replication factor must be non-negative, found ${text}`);
  return String(Number(text));
}

function booleanOf(name: string, value: string): boolean {
  const text = value.toLowerCase();
  if (!/^(1|true|yes|0|false|no)$/.test(text)) throw syntax(`Invalid boolean value ${value} for '${name}'`);
  return /^(1|true|yes)$/.test(text);
}

function syntax(text: string): CqlError {
  return new CqlError(ErrorCode.syntaxError, text);
}

function config(text: string): CqlError {
  return new CqlError(ErrorCode.configError, text);
}
