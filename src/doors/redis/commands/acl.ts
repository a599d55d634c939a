/** ACL: the default user, and the categories of commands. */
import { ACL_CATEGORIES, aclCategories } from '../command-reply.ts';
import type { CommandFlag, CommandSpec } from '../command-spec.ts';
import type { Command } from '../command-table.ts';
import { replyError } from '../errors.ts';
import { helpCommand } from '../help.ts';
import type { ClientSession } from '../session-view.ts';
import { type Answer, serverSubcommand } from './server-subcommand.ts';

const plain: readonly CommandFlag[] = ['noscript', 'loading', 'stale'];
const administrative: readonly CommandFlag[] = ['admin', 'noscript', 'loading', 'stale'];
const ONE_USER = 'ERR there is only the default user; its password is the setting requirepass';

function refusedUser(name: string, since: string, arity: number): CommandSpec {
  return { name, group: 'server', since, summary: 'Not supported.', arity, flags: administrative, refusal: ONE_USER };
}

const cat: Answer = (session, request, reply) => {
  if (request.count > 3) throw replyError("ERR wrong number of arguments for 'acl|cat' command");
  if (request.count === 2) {
    reply.array(ACL_CATEGORIES.length);
    for (const name of ACL_CATEGORIES) reply.text(name);
    return;
  }
  const category = request.string(2).toLowerCase();
  if (!ACL_CATEGORIES.includes(category)) throw replyError(`ERR Unknown category '${request.string(2)}'`);
  const names: string[] = [];
  const visit = (command: Command): void => {
    if (aclCategories(command).includes(category)) names.push(command.fullName);
    for (const child of command.subcommands?.values() ?? []) visit(child);
  };
  for (const command of session.door.table.all()) visit(command);
  reply.array(names.length);
  for (const name of names) reply.text(name);
};

function userLine(session: ClientSession): string {
  const credential = session.door.configuration.password === '' ? 'nopass' : '#hidden';
  return `user default on ${credential} ~* &* +@all`;
}

const getUser: Answer = (session, request, reply) => {
  if (request.string(2) !== 'default') {
    reply.null();
    return;
  }
  reply.map(6);
  reply.text('flags');
  const flags = session.door.configuration.password === '' ? ['on', 'nopass'] : ['on'];
  reply.set(flags.length);
  for (const flag of flags) reply.text(flag);
  reply.text('passwords');
  reply.array(0);
  for (const [name, value] of [
    ['commands', '+@all'],
    ['keys', '~*'],
    ['channels', '&*'],
  ] as const) {
    reply.text(name);
    reply.text(value);
  }
  reply.text('selectors');
  reply.array(0);
};

const generatePassword: Answer = (session, request, reply) => {
  const bits = request.count === 2 ? 256n : request.integer(2);
  if (request.count > 3 || bits === undefined || bits < 1n || bits > 4096n) {
    throw replyError(
      'ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096',
    );
  }
  const digits = Math.ceil(Number(bits) / 4);
  reply.text(session.door.randomHex(digits));
};

const dryRun: Answer = (session, request, reply) => {
  if (request.string(2) !== 'default') throw replyError(`ERR User '${request.string(2)}' not found`);
  const command = session.door.table.byName(request.string(3));
  if (command === undefined) throw replyError(`ERR Command '${request.string(3)}' not found`);
  reply.ok();
};

export const acl = {
  name: 'ACL',
  group: 'server',
  since: '6.0.0',
  summary: 'Users and what they may do: there is only the default user.',
  complexity: 'Depends on subcommand.',
  arity: -2,
  flags: [],
  subcommands: [
    serverSubcommand('CAT', '6.0.0', -2, 'Lists categories, or the commands of one.', plain, cat),
    refusedUser('DELUSER', '6.0.0', -3),
    serverSubcommand('DRYRUN', '7.0.0', -4, 'The default user may run every command.', administrative, dryRun),
    serverSubcommand('GENPASS', '6.0.0', -2, 'Makes up a password.', plain, generatePassword),
    serverSubcommand('GETUSER', '6.0.0', 3, 'Tells about a user.', administrative, getUser),
    helpCommand(
      'ACL',
      'server',
      '6.0.0',
      ['CAT [<category>]', 'List categories, or the commands of one.'],
      ['GENPASS [<bits>]', 'Make up a password.'],
      ['GETUSER <user>', 'Tell about a user.'],
      ['LIST', 'List users: the default user.'],
      ['WHOAMI', 'Return the name of this user.'],
    ),
    serverSubcommand('LIST', '6.0.0', 2, 'Lists users as rules.', administrative, (session, _request, reply) => {
      reply.array(1);
      reply.text(userLine(session));
    }),
    refusedUser('LOAD', '6.0.0', 2),
    serverSubcommand('LOG', '6.0.0', -2, 'Refused commands: none.', administrative, (_session, request, reply) => {
      if (request.count === 3 && request.word(2) === 'RESET') reply.ok();
      else reply.array(0);
    }),
    refusedUser('SAVE', '6.0.0', 2),
    refusedUser('SETUSER', '6.0.0', -3),
    serverSubcommand('USERS', '6.0.0', 2, 'Lists the names of users.', administrative, (_session, _request, reply) => {
      reply.array(1);
      reply.text('default');
    }),
    serverSubcommand('WHOAMI', '6.0.0', 2, 'Returns the name of this user.', plain, (_session, _request, reply) =>
      reply.text('default'),
    ),
  ],
} as const satisfies CommandSpec;
