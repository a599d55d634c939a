/** HELP sub-commands, all alike. */
import type { CommandGroup, CommandSpec } from './command-spec.ts';
import type { ReplyWriter } from './reply-writer.ts';
import type { Request } from './request.ts';
import type { ClientSession } from './session-view.ts';

/** The HELP sub-command of `container`; each entry is a usage and what it does. */
export function helpCommand(
  container: string,
  group: CommandGroup,
  since: string,
  ...entries: readonly (readonly [string, string])[]
): CommandSpec {
  const lines = [`${container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`];
  for (const [usage, text] of entries) lines.push(usage, `    ${text}`);
  lines.push('HELP', '    Print this help.');
  return {
    name: 'HELP',
    group,
    since,
    summary: 'Lists the sub-commands.',
    complexity: 'O(1)',
    arity: 2,
    flags: ['loading', 'stale'],
    answer(_session: ClientSession, _request: Request, reply: ReplyWriter): void {
      reply.array(lines.length);
      for (const line of lines) reply.status(line);
    },
  };
}
