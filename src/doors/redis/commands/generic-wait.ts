/**
 * WAIT and WAITAOF. Every write that is acknowledged is already on disk on a majority of its replicas, so there is
 * nothing to wait for beyond the replies of this connection's own commands, which come in order anyway. The answer is
 * what is certain, at once, also when more replicas were asked for: waiting would not make more of it certain.
 */
import type { CommandSpec } from '../command-spec.ts';
import { ErrorText, replyError } from '../errors.ts';
import type { ReplyWriter } from '../reply-writer.ts';
import type { Request } from '../request.ts';
import type { ClientSession } from '../session-view.ts';

/** Replicas, besides the leader, that certainly have an acknowledged write, whichever tablet it is in. */
function certainReplicas(session: ClientSession): number {
  const { tablets } = session.door.topology.view();
  let certain = Number.POSITIVE_INFINITY;
  for (const tablet of tablets) certain = Math.min(certain, Math.floor(tablet.replicas.length / 2));
  return Number.isFinite(certain) ? certain : 0;
}

function checkNumbers(request: Request): void {
  for (let index = 1; index < request.count - 1; index += 1) {
    const value = request.integer(index);
    if (value === undefined) throw replyError(ErrorText.notInteger);
    if (value < 0n) throw replyError('ERR value is out of range, must be positive');
  }
  const timeout = request.integer(request.count - 1);
  if (timeout === undefined) throw replyError('ERR timeout is not an integer or out of range');
  if (timeout < 0n) throw replyError('ERR timeout is negative');
}

export const wait = {
  name: 'WAIT',
  group: 'generic',
  since: '3.0.0',
  summary: "Returns how many replicas certainly have this connection's writes.",
  complexity: 'O(1)',
  arity: 3,
  flags: ['noscript'],
  categories: ['connection'],
  tips: ['request_policy:all_shards', 'response_policy:agg_min'],
  note: 'Answers at once: acknowledged writes are on a majority already, 1 replica beside the leader of 3, 2 of 5.',
  answer(session: ClientSession, request: Request, reply: ReplyWriter): void {
    checkNumbers(request);
    reply.integer(certainReplicas(session));
  },
} as const satisfies CommandSpec;

export const waitaof = {
  name: 'WAITAOF',
  group: 'generic',
  since: '7.2.0',
  summary: "Returns on how many disks this connection's writes certainly are: the leader's, and replicas'.",
  complexity: 'O(1)',
  arity: 4,
  flags: ['noscript'],
  categories: ['connection'],
  tips: ['request_policy:all_shards', 'response_policy:agg_min'],
  note: 'Answers at once, as WAIT does.',
  answer(session: ClientSession, request: Request, reply: ReplyWriter): void {
    checkNumbers(request);
    const local = request.integer(1) as bigint;
    if (local > 1n) throw replyError('ERR value is out of range, value must between 0 and 1');
    reply.array(2);
    reply.integer(1);
    reply.integer(certainReplicas(session));
  },
} as const satisfies CommandSpec;
