/** SLOWLOG, COMMANDLOG, LATENCY, MEMORY, MODULE: what tools ask; measurements are in the node's Prometheus metrics. */
import type { CommandFlag, CommandSpec } from '../command-spec.ts';
import { ErrorText, replyError } from '../errors.ts';
import { helpCommand } from '../help.ts';
import { memoryNow } from '../info.ts';
import { memoryUsage } from './generic-object.ts';
import { type Answer, serverSubcommand } from './server-subcommand.ts';

const administrative: readonly CommandFlag[] = ['admin', 'loading', 'stale'];

const emptyArray: Answer = (_session, _request, reply) => reply.array(0);
const zero: Answer = (_session, _request, reply) => reply.integer(0);
const ok: Answer = (_session, _request, reply) => reply.ok();
const NO_LOG = 'Slow commands are not logged here: the node has histograms in its Prometheus metrics.';

export const slowlog = {
  name: 'SLOWLOG',
  group: 'server',
  since: '2.2.12',
  summary: 'The log of slow commands: always empty.',
  complexity: 'Depends on subcommand.',
  arity: -2,
  flags: [],
  note: NO_LOG,
  subcommands: [
    serverSubcommand('GET', '2.2.12', -2, 'Always empty.', administrative, (_session, request, reply) => {
      if (request.count > 3) throw replyError(ErrorText.syntax);
      if (request.count === 3) {
        const count = request.integer(2);
        if (count === undefined || count < -1n) throw replyError('ERR count should be greater than or equal to -1');
      }
      reply.array(0);
    }),
    helpCommand(
      'SLOWLOG',
      'server',
      '6.2.0',
      ['GET [<count>]', NO_LOG],
      ['LEN', 'Always 0.'],
      ['RESET', 'Nothing to do.'],
    ),
    serverSubcommand('LEN', '2.2.12', 2, 'Always 0.', administrative, zero),
    serverSubcommand('RESET', '2.2.12', 2, 'Nothing to do.', administrative, ok),
  ],
} as const satisfies CommandSpec;

export const commandlog = {
  name: 'COMMANDLOG',
  group: 'server',
  since: '8.1.0',
  summary: 'The logs of slow and large commands: always empty.',
  complexity: 'Depends on subcommand.',
  arity: -2,
  flags: [],
  note: NO_LOG,
  subcommands: [
    serverSubcommand('GET', '8.1.0', 4, 'Always empty.', administrative, emptyArray),
    helpCommand('COMMANDLOG', 'server', '8.1.0', ['GET <count> <type>', NO_LOG]),
    serverSubcommand('LEN', '8.1.0', 3, 'Always 0.', administrative, zero),
    serverSubcommand('RESET', '8.1.0', 3, 'Nothing to do.', administrative, ok),
  ],
} as const satisfies CommandSpec;

const NO_LATENCY = 'Latency spikes are not sampled here: the node has histograms in its Prometheus metrics.';

export const latency = {
  name: 'LATENCY',
  group: 'server',
  since: '2.8.13',
  summary: 'Samples of latency spikes: none.',
  complexity: 'Depends on subcommand.',
  arity: -2,
  flags: [],
  note: NO_LATENCY,
  subcommands: [
    serverSubcommand(
      'DOCTOR',
      '2.8.13',
      2,
      'Tells where latency is measured.',
      administrative,
      (_session, _request, reply) => reply.verbatim(`${NO_LATENCY}\n`),
    ),
    serverSubcommand('GRAPH', '2.8.13', 3, 'No samples.', administrative, (_session, request) => {
      throw replyError(`ERR No samples available for event '${request.string(2)}'`);
    }),
    helpCommand('LATENCY', 'server', '2.8.13', ['DOCTOR', NO_LATENCY], ['LATEST', 'Always empty.']),
    serverSubcommand('HISTOGRAM', '7.0.0', -2, 'Always empty.', administrative, (_session, _request, reply) =>
      reply.map(0),
    ),
    serverSubcommand('HISTORY', '2.8.13', 3, 'Always empty.', administrative, emptyArray),
    serverSubcommand('LATEST', '2.8.13', 2, 'Always empty.', administrative, emptyArray),
    serverSubcommand('RESET', '2.8.13', -2, 'Nothing to do.', administrative, zero),
  ],
} as const satisfies CommandSpec;

const memoryStats: Answer = (session, _request, reply) => {
  const memory = memoryNow();
  const pairs: readonly (readonly [string, number])[] = [
    ['peak.allocated', memory.peak],
    ['total.allocated', memory.used],
    ['startup.allocated', 0],
    ['replication.backlog', 0],
    ['clients.slaves', 0],
    ['clients.normal', session.door.clients.all().reduce((sum, each) => sum + each.inputBytes + each.outputBytes, 0)],
    ['aof.buffer', 0],
    ['overhead.total', memory.heap],
    ['dataset.bytes', memory.used - memory.heap],
    ['allocator.allocated', memory.used],
    ['allocator.active', memory.used],
    ['allocator.resident', memory.resident],
  ];
  reply.map(pairs.length + 1);
  for (const [name, value] of pairs) {
    reply.text(name);
    reply.integer(value);
  }
  reply.text('fragmentation');
  reply.double(memory.used === 0 ? 1 : memory.resident / memory.used);
};

export const memory = {
  name: 'MEMORY',
  group: 'server',
  since: '4.0.0',
  summary: 'Tells about memory.',
  complexity: 'Depends on subcommand.',
  arity: -2,
  flags: [],
  subcommands: [
    serverSubcommand('DOCTOR', '4.0.0', 2, 'Tells where memory is measured.', [], (_session, _request, reply) =>
      reply.verbatim("The node's memory is in its Prometheus metrics; user data lies in its store, not in memory.\n"),
    ),
    helpCommand(
      'MEMORY',
      'server',
      '4.0.0',
      ['USAGE <key> [SAMPLES <count>]', 'Estimate the bytes that a key takes on each replica.'],
      ['STATS', "Tell about the node's memory."],
    ),
    serverSubcommand('MALLOC-STATS', '4.0.0', 2, 'The allocator tells nothing.', [], (_session, _request, reply) =>
      reply.verbatim('Stats not supported for the current allocator'),
    ),
    serverSubcommand('PURGE', '4.0.0', 2, 'Nothing to do.', [], ok),
    serverSubcommand('STATS', '4.0.0', 2, "Tells about the node's memory.", [], memoryStats),
    memoryUsage,
  ],
} as const satisfies CommandSpec;

const NO_MODULES = 'ERR modules cannot be loaded here';

function refusedModule(name: string, since: string, arity: number): CommandSpec {
  return {
    name,
    group: 'server',
    since,
    summary: 'Not supported.',
    arity,
    flags: ['admin', 'noscript', 'no_async_loading'],
    refusal: NO_MODULES,
  };
}

export const moduleCommand = {
  name: 'MODULE',
  group: 'server',
  since: '4.0.0',
  summary: 'Modules: there are none.',
  complexity: 'Depends on subcommand.',
  arity: -2,
  flags: [],
  subcommands: [
    helpCommand('MODULE', 'server', '5.0.0', ['LIST', 'Always empty.']),
    serverSubcommand('LIST', '4.0.0', 2, 'Always empty.', ['admin', 'noscript'], emptyArray),
    refusedModule('LOAD', '4.0.0', -3),
    refusedModule('LOADEX', '7.0.0', -3),
    refusedModule('UNLOAD', '4.0.0', 3),
  ],
} as const satisfies CommandSpec;
