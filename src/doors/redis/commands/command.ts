/** COMMAND: the table tells about itself. */
import { aclCategories, writeCommandDocs, writeCommandInfo } from '../command-reply.ts';
import type { CommandFlag, CommandSpec } from '../command-spec.ts';
import type { Command } from '../command-table.ts';
import { ErrorText, replyError } from '../errors.ts';
import { globMatches } from '../glob.ts';
import { helpCommand } from '../help.ts';
import type { ReplyWriter } from '../reply-writer.ts';
import { Request } from '../request.ts';
import type { ClientSession } from '../session-view.ts';

type Answer = (session: ClientSession, request: Request, reply: ReplyWriter) => void;

const flags: readonly CommandFlag[] = ['loading', 'stale'];
const unordered = ['nondeterministic_output_order'] as const;

function writeAll(reply: ReplyWriter, commands: readonly Command[]): void {
  reply.array(commands.length);
  for (const command of commands) writeCommandInfo(reply, command);
}

function named(session: ClientSession, request: Request, from: number): (Command | undefined)[] {
  return request.rest(from).map((name) => session.door.table.byName(name.latin1Slice()));
}

const info: Answer = (session, request, reply) => {
  if (request.count === 2) {
    writeAll(reply, session.door.table.all());
    return;
  }
  const commands = named(session, request, 2);
  reply.array(commands.length);
  for (const command of commands) {
    if (command === undefined) reply.null();
    else writeCommandInfo(reply, command);
  }
};

const docs: Answer = (session, request, reply) => {
  const commands =
    request.count === 2
      ? session.door.table.all()
      : named(session, request, 2).filter((command) => command !== undefined);
  reply.map(commands.length);
  for (const command of commands) writeCommandDocs(reply, command);
};

function filterOf(request: Request): (command: Command) => boolean {
  if (request.count === 2) return () => true;
  if (request.count !== 5 || request.word(2) !== 'FILTERBY') throw replyError(ErrorText.syntax);
  const value = request.string(4).toLowerCase();
  switch (request.word(3)) {
    case 'MODULE':
      return () => false;
    case 'ACLCAT':
      return (command) => aclCategories(command).includes(value);
    case 'PATTERN':
      return (command) => globMatches(value, command.fullName);
    default:
      throw replyError(ErrorText.syntax);
  }
}

const list: Answer = (session, request, reply) => {
  const filter = filterOf(request);
  const names: string[] = [];
  const visit = (command: Command): void => {
    if (filter(command)) names.push(command.fullName);
    for (const child of command.subcommands?.values() ?? []) visit(child);
  };
  const filtered = request.count > 2;
  for (const command of session.door.table.all()) {
    if (filtered) visit(command);
    else names.push(command.fullName);
  }
  reply.array(names.length);
  for (const name of names) reply.text(name);
};

/** Keys of the command that follows, with the flags of each. */
function keysOf(session: ClientSession, request: Request): { inner: Request; keys: ReturnType<Command['keyIndexes']> } {
  const inner = new Request(request.buffer, request.offsets.slice(4));
  const command = session.door.table.resolve(inner);
  if (command === undefined || command.spec.internal === true) throw replyError('ERR Invalid command specified');
  if (!command.hasKeys) throw replyError('ERR The command has no key arguments');
  if (!command.arityFits(inner.count)) throw replyError('ERR Invalid number of arguments specified for command');
  const keys = command.keyIndexes(inner);
  if (keys === undefined) throw replyError('ERR Invalid arguments specified for command');
  return { inner, keys };
}

const getKeys: Answer = (session, request, reply) => {
  const { inner, keys = [] } = keysOf(session, request);
  reply.array(keys.length);
  for (const key of keys) reply.text(inner.string(key.index));
};

const getKeysAndFlags: Answer = (session, request, reply) => {
  const { inner, keys = [] } = keysOf(session, request);
  reply.array(keys.length);
  for (const key of keys) {
    reply.array(2);
    reply.text(inner.string(key.index));
    reply.set(key.flags.length);
    for (const flag of key.flags) reply.status(flag);
  }
};

function sub(
  name: string,
  since: string,
  arity: number,
  summary: string,
  tips: readonly string[],
  answer: Answer,
): CommandSpec {
  return {
    name,
    group: 'server',
    since,
    summary,
    complexity: 'O(N), N commands',
    arity,
    flags,
    categories: ['connection'],
    tips,
    answer,
  };
}

export const commandCommand = {
  name: 'COMMAND',
  group: 'server',
  since: '2.8.13',
  summary: 'Tells about all commands.',
  complexity: 'O(N), N commands',
  arity: -1,
  flags,
  categories: ['connection'],
  tips: unordered,
  answer(session: ClientSession, request: Request, reply: ReplyWriter): void {
    if (request.count > 1) {
      throw replyError(`ERR unknown subcommand '${request.string(1)}'. Try COMMAND HELP.`);
    }
    writeAll(reply, session.door.table.all());
  },
  subcommands: [
    sub('COUNT', '2.8.13', 2, 'Counts the commands.', [], (session, _request, reply) =>
      reply.integer(session.door.table.size),
    ),
    sub('DOCS', '7.0.0', -2, 'Tells what commands are for.', unordered, docs),
    sub('GETKEYS', '2.8.13', -3, 'Finds the keys in a command.', [], getKeys),
    sub('GETKEYSANDFLAGS', '7.0.0', -3, 'Finds the keys in a command and what it does to each.', [], getKeysAndFlags),
    helpCommand(
      'COMMAND',
      'server',
      '5.0.0',
      ['(no subcommand)', 'Tell about all commands.'],
      ['COUNT', 'Count the commands.'],
      ['DOCS [<command> ...]', 'Tell what commands are for.'],
      ['GETKEYS <command>', 'Find the keys in a command.'],
      ['GETKEYSANDFLAGS <command>', 'Find the keys in a command and what it does to each.'],
      ['INFO [<command> ...]', 'Tell about commands.'],
      ['LIST [FILTERBY (MODULE|ACLCAT|PATTERN) <value>]', 'List the names of commands.'],
    ),
    sub('INFO', '2.8.13', -2, 'Tells about commands.', unordered, info),
    sub('LIST', '7.0.0', -2, 'Lists the names of commands.', unordered, list),
  ],
} as const satisfies CommandSpec;
