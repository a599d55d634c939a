/** ACL: the users of the cluster as the Redis door sees them, and the categories of commands. */

import { DEFAULT_REDIS_USER } from '../acl/acl.ts';
import type { AclLogEntry } from '../acl/acl-log.ts';
import { rulesOf } from '../acl/rules.ts';
import { ACL_CATEGORIES, aclCategories } from '../command-reply.ts';
import type { CommandFlag, CommandSpec } from '../command-spec.ts';
import type { Command } from '../command-table.ts';
import { ReplyError, replyError } from '../errors.ts';
import { helpCommand } from '../help.ts';
import type { PendingReply } from '../pending-reply.ts';
import { Constant, type ReplyWriter } from '../reply-writer.ts';
import { Request } from '../request.ts';
import type { ClientSession } from '../session-view.ts';
import { type Answer, serverSubcommand } from './server-subcommand.ts';

const plain: readonly CommandFlag[] = ['noscript', 'loading', 'stale'];
const administrative: readonly CommandFlag[] = ['admin', 'noscript', 'loading', 'stale'];
const NO_FILE = 'ERR users are kept by the cluster, not in a file: every change is durable at once';

function refusedFile(name: string): CommandSpec {
  return {
    name,
    group: 'server',
    since: '6.0.0',
    summary: 'Not supported.',
    arity: 2,
    flags: administrative,
    refusal: NO_FILE,
  };
}

/** A change of users: answered when every live node knows it. */
function change(
  name: string,
  arity: number,
  summary: string,
  run: (session: ClientSession, request: Request) => Promise<number | null>,
): CommandSpec {
  return {
    name,
    group: 'server',
    since: '6.0.0',
    summary,
    complexity: 'O(N), N rules or users',
    arity,
    flags: administrative,
    start(session: ClientSession, request: Request, pending: PendingReply): void {
      // What follows on this connection may need the user.
      session.hold();
      run(session, request)
        .then(
          (count) => pending.finishWith(count === null ? Constant.ok : Buffer.from(`:${count}\r\n`)),
          (error: unknown) =>
            pending.finishError(
              error instanceof ReplyError ? error.message : `ERR ${String((error as Error).message)}`,
            ),
        )
        .finally(() => session.release());
    },
  };
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

const list: Answer = (session, _request, reply) => {
  const { acl } = session.door;
  const names = acl.names();
  reply.array(names.length);
  for (const name of names) {
    const user = acl.user(name);
    if (user === undefined) continue;
    const passwords = acl.passwordsOf(name).map((digits) => `#${digits}`);
    const words = [user.enabled ? 'on' : 'off', ...(user.noPassword ? ['nopass'] : []), ...passwords, ...rulesOf(user)];
    reply.text(`user ${name} ${words.join(' ')}`);
  }
};

const getUser: Answer = (session, request, reply) => {
  const { acl } = session.door;
  const name = request.string(2);
  const user = acl.user(name);
  if (user === undefined) {
    reply.null();
    return;
  }
  const flags = [user.enabled ? 'on' : 'off', ...(user.noPassword ? ['nopass'] : [])];
  reply.map(6);
  reply.text('flags');
  reply.set(flags.length);
  for (const flag of flags) reply.text(flag);
  reply.text('passwords');
  const passwords = acl.passwordsOf(name);
  reply.array(passwords.length);
  for (const password of passwords) reply.text(password);
  const rules = rulesOf(user);
  const texts = {
    commands: user.commands.join(' '),
    keys: rules.filter((rule) => /^[~%]/.test(rule)).join(' '),
    channels: rules.filter((rule) => rule.startsWith('&')).join(' '),
  };
  for (const [field, text] of Object.entries(texts)) {
    reply.text(field);
    reply.text(text);
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
  const { acl, table } = session.door;
  const name = request.string(2);
  if (acl.user(name) === undefined) throw replyError(`ERR User '${name}' not found`);
  const asked = new Request(
    request.buffer,
    request.rest(3).flatMap((part) => placeOf(request.buffer, part)),
  );
  const command = table.resolve(asked);
  if (command === undefined) throw replyError(`ERR Command '${request.string(3)}' not found`);
  if (!command.arityFits(asked.count))
    throw replyError(`ERR wrong number of arguments for '${command.fullName}' command`);
  const denial = acl.permissionsOf(name)?.check(command, asked);
  if (denial === undefined || denial === null) reply.ok();
  else if (denial.reason === 'command')
    reply.text(`This user has no permissions to run the '${denial.object}' command`);
  else reply.text(`This user has no permissions to access the '${denial.object}' key`);
};

/** Where a part of the buffer begins and ends. */
function placeOf(buffer: Buffer, part: Buffer): [number, number] {
  const start = part.byteOffset - buffer.byteOffset;
  return [start, start + part.length];
}

const log: Answer = (session, request, reply) => {
  const { acl, clock } = session.door;
  if (request.count > 3) throw replyError("ERR wrong number of arguments for 'acl|log' command");
  if (request.count === 3 && request.word(2) === 'RESET') {
    acl.log.reset();
    reply.ok();
    return;
  }
  const count = request.count === 3 ? request.integer(2) : 10n;
  if (count === undefined) throw replyError('ERR value is not an integer or out of range');
  const entries = acl.log.entries.slice(0, Math.max(0, Number(count)));
  reply.array(entries.length);
  for (const entry of entries) writeLogEntry(reply, entry, clock.wall_ms());
};

function writeLogEntry(reply: ReplyWriter, entry: AclLogEntry, now_ms: number): void {
  reply.map(10);
  reply.text('count');
  reply.integer(entry.count);
  for (const [field, text] of [
    ['reason', entry.reason],
    ['context', entry.context],
    ['object', entry.object],
    ['username', entry.username],
    ['age-seconds', String(Math.max(0, now_ms - entry.created_ms) / 1_000)],
    ['client-info', entry.client],
  ] as const) {
    reply.text(field);
    reply.text(text);
  }
  for (const [field, number] of [
    ['entry-id', entry.id],
    ['timestamp-created', entry.created_ms],
    ['timestamp-last-updated', entry.updated_ms],
  ] as const) {
    reply.text(field);
    reply.integer(number);
  }
}

export const acl = {
  name: 'ACL',
  group: 'server',
  since: '6.0.0',
  summary: 'Users of the cluster and what they may do.',
  complexity: 'Depends on subcommand.',
  note: 'Users are roles of the whole cluster and all its doors. No selectors, no hashes of passwords.',
  arity: -2,
  flags: [],
  subcommands: [
    serverSubcommand('CAT', '6.0.0', -2, 'Lists categories, or the commands of one.', plain, cat),
    change('DELUSER', -3, 'Removes users, from all doors.', (session, request) => {
      const names = request.rest(2).map((name) => name.toString('utf8'));
      if (names.includes(DEFAULT_REDIS_USER)) throw replyError("ERR The 'default' user cannot be removed");
      return session.door.acl.deleteUsers(names);
    }),
    serverSubcommand('DRYRUN', '7.0.0', -4, 'Says whether a user may run a command.', administrative, dryRun),
    serverSubcommand('GENPASS', '6.0.0', -2, 'Makes up a password.', plain, generatePassword),
    serverSubcommand('GETUSER', '6.0.0', 3, 'Tells about a user.', administrative, getUser),
    helpCommand(
      'ACL',
      'server',
      '6.0.0',
      ['CAT [<category>]', 'List categories, or the commands of one.'],
      ['DELUSER <user> [...]', 'Remove users from the cluster.'],
      ['DRYRUN <user> <command> [<arg> ...]', 'Say whether the user may run the command.'],
      ['GENPASS [<bits>]', 'Make up a password.'],
      ['GETUSER <user>', 'Tell about a user.'],
      ['LIST', 'List users as rules.'],
      ['LOG [<count> | RESET]', 'Show what was refused on this node.'],
      ['SETUSER <user> <rule> [...]', 'Make or change a user.'],
      ['USERS', 'List the names of users.'],
      ['WHOAMI', 'Return the name of this user.'],
    ),
    serverSubcommand('LIST', '6.0.0', 2, 'Lists users as rules.', administrative, list),
    refusedFile('LOAD'),
    serverSubcommand('LOG', '6.0.0', -2, 'What was refused on this node.', administrative, log),
    refusedFile('SAVE'),
    change('SETUSER', -3, 'Makes or changes a user.', async (session, request) => {
      const [name = '', ...rules] = request.rest(2).map((word) => word.toString('utf8'));
      if (name === '' || /[\s\0]/.test(name)) throw replyError("ERR Usernames can't contain spaces or null characters");
      await session.door.acl.setUser(name, rules);
      return null;
    }),
    serverSubcommand('USERS', '6.0.0', 2, 'Lists the names of users.', administrative, (session, _request, reply) => {
      const names = session.door.acl.names();
      reply.array(names.length);
      for (const name of names) reply.text(name);
    }),
    serverSubcommand('WHOAMI', '6.0.0', 2, 'Returns the name of this user.', plain, (session, _request, reply) =>
      reply.text(session.user),
    ),
  ],
} as const satisfies CommandSpec;
