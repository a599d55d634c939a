/** CLUSTER: what clients and tools read of the cluster. What changes it is not done through this port. */
import { SLOT_COUNT } from '../../../cluster/view.ts';
import { clusterInfoText, clusterNodes, nodesText, writeShards, writeSlots } from '../cluster-replies.ts';
import type { CommandFlag, CommandSpec } from '../command-spec.ts';
import { ErrorText, replyError } from '../errors.ts';
import { runStep } from '../fan-out.ts';
import { helpCommand } from '../help.ts';
import type { PendingReply } from '../pending-reply.ts';
import { ReplyForm, type ReplyHolder, ReplyWriter, replyBytes } from '../reply-writer.ts';
import type { Request } from '../request.ts';
import type { ClientSession } from '../session-view.ts';
import { slotOf } from '../slot.ts';

type Answer = (session: ClientSession, request: Request, reply: ReplyWriter) => void;
type Start = (session: ClientSession, request: Request, pending: PendingReply) => void;

const plain: readonly CommandFlag[] = ['stale'];
const administrative: readonly CommandFlag[] = ['admin', 'stale'];
const changing: readonly CommandFlag[] = ['admin', 'stale', 'no_async_loading'];
const unsteady = ['nondeterministic_output'] as const;

function sub(
  name: string,
  since: string,
  arity: number,
  summary: string,
  answer: Answer,
  tips: readonly string[] = [],
): CommandSpec {
  return { name, group: 'cluster', since, summary, complexity: 'O(N), N nodes', arity, flags: plain, tips, answer };
}

function later(name: string, since: string, arity: number, summary: string, start: Start): CommandSpec {
  return {
    name,
    group: 'cluster',
    since,
    summary,
    complexity: 'O(N), N keys',
    arity,
    flags: plain,
    tips: unsteady,
    start,
  };
}

const PLACEMENT =
  'ERR slots are placed by the cluster itself; see `folkmoot tablets`, and `folkmoot drain NODE` to empty a node';
const MEMBERSHIP = 'ERR nodes join with `folkmoot start --join` and leave with `folkmoot remove NODE`';
const FAILOVER = 'ERR leaders move by themselves; to empty a node use `folkmoot drain NODE`';
const EPOCH = 'ERR epochs are kept by the cluster itself';

function refused(name: string, since: string, arity: number, refusal: string): CommandSpec {
  return {
    name,
    group: 'cluster',
    since,
    summary: 'Not supported: the error says what to do instead.',
    arity,
    flags: changing,
    refusal,
  };
}

/** On the single-endpoint port there is no cluster to be seen, so that clients do not try to be clever. */
function onClusterPort(answer: Answer): Answer {
  return (session, request, reply) => {
    if (session.kind !== 'cluster') throw replyError('ERR This instance has cluster support disabled');
    answer(session, request, reply);
  };
}

/** Bytes that are made once per version of the view. */
function cachedReply(session: ClientSession, kind: string, write: (reply: ReplyWriter) => void): Buffer {
  return session.door.topology.cached(`${kind}:${session.resp3 ? 3 : 2}`, () => {
    const writer = new ReplyWriter();
    writer.begin(session.resp3);
    write(writer);
    const holder: ReplyHolder = { replyForm: ReplyForm.none, replyBuffer: Buffer.alloc(0), replyStart: 0, replyEnd: 0 };
    writer.takeInto(holder);
    return replyBytes(holder);
  });
}

function cached(kind: string, write: (reply: ReplyWriter, session: ClientSession) => void): Answer {
  return onClusterPort((session, _request, reply) =>
    reply.constant(cachedReply(session, kind, (writer) => write(writer, session))),
  );
}

/** Whether replicas are named is a setting, so it is part of what the bytes are kept under. */
const slots: Answer = onClusterPort((session, _request, reply) => {
  const { configuration, topology } = session.door;
  const kind = configuration.announceReplicas ? 'slots with replicas' : 'slots';
  reply.constant(cachedReply(session, kind, (writer) => writeSlots(writer, topology, configuration.announceReplicas)));
});

function slotArgument(request: Request, text: string): number {
  const slot = request.integer(2);
  if (slot === undefined) throw replyError(ErrorText.notInteger);
  if (slot < 0n || slot >= BigInt(SLOT_COUNT)) throw replyError(text);
  return Number(slot);
}

const countKeysInSlot: Start = (session, request, pending) => {
  const slot = slotArgument(request, 'ERR Invalid slot');
  runStep(session.door, slot, (reply) => pending.finishWith(reply), '@COUNT', String(slot), String(slot));
};

const getKeysInSlot: Start = (session, request, pending) => {
  const slot = slotArgument(request, 'ERR Invalid slot or number of keys');
  const count = request.integer(3);
  if (count === undefined) throw replyError(ErrorText.notInteger);
  if (count < 0n) throw replyError('ERR Invalid slot or number of keys');
  const limit = String(count > 1_000_000n ? 1_000_000n : count);
  runStep(session.door, slot, (reply) => pending.finishWith(reply), '@SLOTKEYS', String(slot), String(slot), limit);
};

const links: Answer = (session, _request, reply) => {
  const { topology } = session.door;
  const { self } = topology.view();
  const peers = clusterNodes(topology).filter((node) => node.id !== self && node.connected);
  reply.array(peers.length);
  for (const peer of peers) {
    reply.map(6);
    reply.text('direction');
    reply.text('to');
    reply.text('node');
    reply.text(peer.redisId);
    for (const name of ['create-time', 'send-buffer-allocated', 'send-buffer-used']) {
      reply.text(name);
      reply.integer(0);
    }
    reply.text('events');
    reply.text('rw');
  }
};

/** A node has no replicas of its own: its tablets have, on other masters. */
const replicas: Answer = (session, request, reply) => {
  const id = request.string(2).toLowerCase();
  if (!clusterNodes(session.door.topology).some((node) => node.redisId === id)) {
    throw replyError(`ERR Unknown node ${request.string(2)}`);
  }
  reply.array(0);
};

function ownId(session: ClientSession): string {
  const { topology } = session.door;
  return topology.node(topology.view().self)?.redisId ?? '0'.repeat(40);
}

export const cluster = {
  name: 'CLUSTER',
  group: 'cluster',
  since: '3.0.0',
  summary: 'Tells about the cluster.',
  complexity: 'Depends on subcommand.',
  arity: -2,
  flags: [],
  subcommands: [
    refused('ADDSLOTS', '3.0.0', -3, PLACEMENT),
    refused('ADDSLOTSRANGE', '7.0.0', -4, PLACEMENT),
    refused('BUMPEPOCH', '3.0.0', 2, EPOCH),
    refused('CANCELSLOTMIGRATIONS', '9.0.0', 2, PLACEMENT),
    sub('COUNT-FAILURE-REPORTS', '3.0.0', 3, 'Always 0: nodes do not report each other.', (session, request, reply) => {
      const id = request.string(2).toLowerCase();
      if (!clusterNodes(session.door.topology).some((node) => node.redisId === id)) {
        throw replyError(`ERR Unknown node ${request.string(2)}`);
      }
      reply.integer(0);
    }),
    later('COUNTKEYSINSLOT', '3.0.0', 3, 'Counts the keys of a slot.', countKeysInSlot),
    refused('DELSLOTS', '3.0.0', -3, PLACEMENT),
    refused('DELSLOTSRANGE', '7.0.0', -4, PLACEMENT),
    refused('FAILOVER', '3.0.0', -2, FAILOVER),
    refused('FLUSHSLOT', '9.0.0', -3, PLACEMENT),
    refused('FLUSHSLOTS', '3.0.0', 2, PLACEMENT),
    refused('FORGET', '3.0.0', 3, MEMBERSHIP),
    later('GETKEYSINSLOT', '3.0.0', 4, 'Lists keys of a slot.', getKeysInSlot),
    sub('GETSLOTMIGRATIONS', '9.0.0', 2, 'Always empty.', (_session, _request, reply) => reply.array(0)),
    helpCommand(
      'CLUSTER',
      'cluster',
      '5.0.0',
      ['COUNTKEYSINSLOT <slot>', 'Count the keys of a slot.'],
      ['GETKEYSINSLOT <slot> <count>', 'List keys of a slot.'],
      ['INFO', 'Tell how the cluster is.'],
      ['KEYSLOT <key>', 'Return the slot of a key.'],
      ['LINKS', 'Tell about the connections to other nodes.'],
      ['MYID', 'Return the id of this node.'],
      ['MYSHARDID', 'Return the id of this node.'],
      ['NODES', 'Tell about all nodes.'],
      ['SHARDS', 'Tell which node leads which slots.'],
      ['SLOTS', 'Tell which node leads which slots.'],
    ),
    sub(
      'INFO',
      '3.0.0',
      2,
      'Tells how the cluster is.',
      cached('info', (reply, session) => reply.verbatim(clusterInfoText(session.door.topology))),
      unsteady,
    ),
    sub('KEYSLOT', '3.0.0', 3, 'Returns the slot of a key.', (_session, request, reply) =>
      reply.integer(slotOf(request.buffer, request.start(2), request.end(2))),
    ),
    sub('LINKS', '7.0.0', 2, 'Tells about the connections to other nodes.', links, unsteady),
    refused('MEET', '3.0.0', -4, MEMBERSHIP),
    refused('MIGRATESLOTS', '9.0.0', -4, PLACEMENT),
    sub('MYID', '3.0.0', 2, 'Returns the id of this node.', (session, _request, reply) => reply.text(ownId(session))),
    sub('MYSHARDID', '7.2.0', 2, 'Returns the id of this node.', (session, _request, reply) =>
      reply.text(ownId(session)),
    ),
    sub(
      'NODES',
      '3.0.0',
      2,
      'Tells about all nodes.',
      cached('nodes', (reply, session) => reply.verbatim(nodesText(session.door.topology))),
      unsteady,
    ),
    {
      ...sub('REPLICAS', '5.0.0', 3, 'Always empty: all nodes are masters.', replicas, unsteady),
      flags: administrative,
    },
    refused('REPLICATE', '3.0.0', -3, MEMBERSHIP),
    refused('RESET', '3.0.0', -2, MEMBERSHIP),
    refused('SAVECONFIG', '3.0.0', 2, EPOCH),
    refused('SET-CONFIG-EPOCH', '3.0.0', 3, EPOCH),
    refused('SETSLOT', '3.0.0', -4, PLACEMENT),
    sub(
      'SHARDS',
      '7.0.0',
      2,
      'Tells which node leads which slots.',
      cached('shards', (reply, session) => writeShards(reply, session.door.topology)),
      unsteady,
    ),
    { ...sub('SLAVES', '3.0.0', 3, 'Always empty: all nodes are masters.', replicas, unsteady), flags: administrative },
    refused(
      'SLOT-STATS',
      '8.0.0',
      -4,
      'ERR statistics by tablet are in the Prometheus metrics; see also `folkmoot tablets`',
    ),
    sub('SLOTS', '3.0.0', 2, 'Tells which node leads which slots, and who replicates them.', slots, unsteady),
    refused('SYNCSLOTS', '9.0.0', -3, PLACEMENT),
  ],
} as const satisfies CommandSpec;
