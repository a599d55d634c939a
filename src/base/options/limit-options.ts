/** Limits of one node. */
import { LOCAL, type OptionSpec } from './option-spec.ts';

const MIB = 1_024 * 1_024;

export const LIMIT_OPTIONS = {
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
} as const satisfies Record<string, OptionSpec>;
