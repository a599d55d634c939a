/** A subcommand of the server group that answers from the node's own state, without a key. */
import type { CommandFlag, CommandSpec } from '../command-spec.ts';
import type { ReplyWriter } from '../reply-writer.ts';
import type { Request } from '../request.ts';
import type { ClientSession } from '../session-view.ts';

export type Answer = (session: ClientSession, request: Request, reply: ReplyWriter) => void;

export function serverSubcommand(
  name: string,
  since: string,
  arity: number,
  summary: string,
  flags: readonly CommandFlag[],
  answer: Answer,
): CommandSpec {
  return { name, group: 'server', since, summary, complexity: 'O(1)', arity, flags, answer };
}
