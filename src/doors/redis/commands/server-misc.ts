/** Small commands of the server group. */
import type { CommandSpec } from '../command-spec.ts';
import { ErrorText, replyError } from '../errors.ts';
import { infoText } from '../info.ts';
import type { PendingReply } from '../pending-reply.ts';
import { ReplyWriter } from '../reply-writer.ts';
import type { Request } from '../request.ts';
import type { ClientSession } from '../session-view.ts';
import { countKeys } from './generic-scan.ts';
import { drawing } from './lolwut.ts';

export const time = {
  name: 'TIME',
  group: 'server',
  since: '2.6.0',
  summary: "Returns this node's time: seconds and microseconds.",
  complexity: 'O(1)',
  arity: 1,
  flags: ['loading', 'stale', 'fast'],
  tips: ['nondeterministic_output'],
  answer(session: ClientSession, _request: Request, reply: ReplyWriter): void {
    const now_ms = session.door.clock.wall_ms();
    reply.array(2);
    reply.text(String(Math.floor(now_ms / 1000)));
    reply.text(String(Math.floor((now_ms % 1000) * 1000)));
  },
} as const satisfies CommandSpec;

const merging = new ReplyWriter();

export const info = {
  name: 'INFO',
  group: 'server',
  since: '1.0.0',
  summary: 'Tells about this node.',
  complexity: 'O(1)',
  arity: -1,
  flags: ['loading', 'stale'],
  categories: ['dangerous'],
  tips: ['nondeterministic_output', 'request_policy:all_shards', 'response_policy:special'],
  start(session: ClientSession, request: Request, pending: PendingReply): void {
    const sections = request.rest(1).map((bytes) => bytes.latin1Slice().toLowerCase());
    const finish = (keys: number | undefined): void => {
      merging.begin(session.resp3);
      merging.verbatim(infoText(session, sections, keys));
      pending.finishFrom(merging);
    };
    // A leader that cannot be reached must not keep INFO from answering: monitoring needs it most then.
    if (!session.door.topology.hasHoles && wantsKeyspace(sections)) {
      countKeys(session, (count, error) => finish(error === undefined ? count : undefined));
    } else finish(undefined);
  },
} as const satisfies CommandSpec;

function wantsKeyspace(sections: readonly string[]): boolean {
  return sections.length === 0 || sections.some((name) => ['keyspace', 'all', 'default', 'everything'].includes(name));
}

export const role = {
  name: 'ROLE',
  group: 'server',
  since: '2.8.12',
  summary: 'Every node is a master.',
  complexity: 'O(1)',
  arity: 1,
  flags: ['noscript', 'loading', 'stale', 'fast'],
  categories: ['admin', 'dangerous'],
  answer(_session: ClientSession, _request: Request, reply: ReplyWriter): void {
    reply.array(3);
    reply.text('master');
    reply.integer(0);
    reply.array(0);
  },
} as const satisfies CommandSpec;

export const lastsave = {
  name: 'LASTSAVE',
  group: 'server',
  since: '1.0.0',
  summary: 'The time of the last save: now, since every acknowledged write is on disk.',
  complexity: 'O(1)',
  arity: 1,
  flags: ['loading', 'stale', 'fast'],
  categories: ['admin', 'dangerous'],
  tips: ['nondeterministic_output'],
  answer(session: ClientSession, _request: Request, reply: ReplyWriter): void {
    reply.integer(Math.floor(session.door.clock.wall_ms() / 1000));
  },
} as const satisfies CommandSpec;

export const save = {
  name: 'SAVE',
  group: 'server',
  since: '1.0.0',
  summary: 'Nothing to do: every acknowledged write is on disk.',
  complexity: 'O(1)',
  arity: 1,
  flags: ['admin', 'noscript', 'no_async_loading', 'no_multi'],
  answer: (_session: ClientSession, _request: Request, reply: ReplyWriter): void => reply.ok(),
} as const satisfies CommandSpec;

const ALREADY_SAVED = 'Background saving is not needed: every acknowledged write is on disk';

export const bgsave = {
  name: 'BGSAVE',
  group: 'server',
  since: '1.0.0',
  summary: 'Nothing to do: every acknowledged write is on disk.',
  complexity: 'O(1)',
  arity: -1,
  flags: ['admin', 'noscript', 'no_async_loading'],
  answer: (_session: ClientSession, _request: Request, reply: ReplyWriter): void => reply.status(ALREADY_SAVED),
} as const satisfies CommandSpec;

export const bgrewriteaof = {
  name: 'BGREWRITEAOF',
  group: 'server',
  since: '1.0.0',
  summary: 'Nothing to do: the log is recycled by itself.',
  complexity: 'O(1)',
  arity: 1,
  flags: ['admin', 'noscript', 'no_async_loading'],
  answer: (_session: ClientSession, _request: Request, reply: ReplyWriter): void =>
    reply.status('Background append only file rewriting is not needed: the log is recycled by itself'),
} as const satisfies CommandSpec;

export const swapdb = {
  name: 'SWAPDB',
  group: 'server',
  since: '4.0.0',
  summary: 'Swaps databases: there is only one.',
  complexity: 'O(1)',
  arity: 3,
  flags: ['write', 'fast'],
  categories: ['keyspace', 'dangerous'],
  refusal: ErrorText.swapInCluster,
} as const satisfies CommandSpec;

export const lolwut = {
  name: 'LOLWUT',
  group: 'server',
  since: '5.0.0',
  summary: 'Draws the meeting.',
  arity: -1,
  flags: ['readonly', 'fast'],
  answer(session: ClientSession, request: Request, reply: ReplyWriter): void {
    if (request.count > 1 && request.word(1) === 'VERSION' && request.count < 3) throw replyError(ErrorText.syntax);
    reply.verbatim(drawing(session.door.topology.view().nodes.length));
  },
} as const satisfies CommandSpec;
