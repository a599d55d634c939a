/** CONFIG. */
import type { CommandSpec } from '../command-spec.ts';
import { ErrorText, replyError } from '../errors.ts';
import { globMatches } from '../glob.ts';
import { helpCommand } from '../help.ts';
import type { ReplyWriter } from '../reply-writer.ts';
import type { Request } from '../request.ts';
import type { ClientSession } from '../session-view.ts';

const shared = {
  group: 'server',
  complexity: 'O(N), N settings',
  flags: ['admin', 'noscript', 'loading', 'stale'],
} as const;

/** Settings whose value is a fact of the connection's port. */
function effectiveValue(session: ClientSession, name: string, value: string): string {
  if (name === 'port') {
    const ports = session.door.ports();
    return String(session.kind === 'cluster' ? ports.cluster : ports.single);
  }
  if (name === 'cluster-enabled') return session.kind === 'cluster' ? 'yes' : 'no';
  return value;
}

export const config = {
  name: 'CONFIG',
  group: 'server',
  since: '2.0.0',
  summary: 'Settings of this node.',
  complexity: 'Depends on subcommand.',
  arity: -2,
  flags: [],
  subcommands: [
    {
      ...shared,
      name: 'GET',
      since: '2.0.0',
      summary: 'Returns the settings whose names match.',
      arity: -3,
      answer(session: ClientSession, request: Request, reply: ReplyWriter): void {
        const patterns = request.rest(2).map((bytes) => bytes.latin1Slice().toLowerCase());
        const found = session.door.configuration.get((name) => patterns.some((pattern) => globMatches(pattern, name)));
        reply.map(found.length);
        for (const [name, value] of found) {
          reply.text(name);
          reply.text(effectiveValue(session, name, value));
        }
      },
    },
    helpCommand(
      'CONFIG',
      'server',
      '5.0.0',
      ['GET <pattern> [...]', 'Return settings of this node and their values.'],
      ['SET <setting> <value> [...]', 'Change settings of this node, until it is restarted.'],
      ['RESETSTAT', 'Set the counters of INFO to zero.'],
      ['REWRITE', 'Not supported: settings live in the configuration of the node.'],
    ),
    {
      ...shared,
      name: 'RESETSTAT',
      since: '2.0.0',
      summary: "Sets this node's counters to zero.",
      arity: 2,
      answer(session: ClientSession, _request: Request, reply: ReplyWriter): void {
        session.door.statistics.reset();
        for (const command of session.door.table.all()) {
          command.calls = 0;
          for (const sub of command.subcommands?.values() ?? []) sub.calls = 0;
        }
        reply.ok();
      },
    },
    {
      ...shared,
      name: 'REWRITE',
      since: '2.8.0',
      summary: 'Not supported.',
      arity: 2,
      refusal: 'ERR The server is running without a config file',
    },
    {
      ...shared,
      name: 'SET',
      since: '2.0.0',
      summary: 'Changes settings of this node, all or none.',
      arity: -4,
      tips: ['request_policy:all_nodes', 'response_policy:all_succeeded'],
      note: 'Settings last until the node is restarted. Those that mean nothing here are remembered and have no effect.',
      answer(session: ClientSession, request: Request, reply: ReplyWriter): void {
        if (request.count % 2 !== 0) throw replyError(ErrorText.syntax);
        const pairs: [string, string][] = [];
        for (let index = 2; index < request.count; index += 2) {
          pairs.push([request.string(index), request.string(index + 1)]);
        }
        const result = session.door.configuration.set(pairs);
        if (!result.ok) throw replyError(result.error);
        reply.ok();
      },
    },
  ],
} as const satisfies CommandSpec;
