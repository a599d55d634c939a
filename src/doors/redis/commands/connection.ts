/** Commands of the connection itself, CLIENT apart. */

import { DEFAULT_REDIS_USER } from '../acl/acl.ts';
import type { CommandSpec } from '../command-spec.ts';
import { ErrorText, replyError } from '../errors.ts';
import type { PendingReply } from '../pending-reply.ts';
import { Constant, ReplyWriter } from '../reply-writer.ts';
import type { Request } from '../request.ts';
import type { ClientSession } from '../session-view.ts';
import { REDIS_VERSION } from '../version.ts';
import { isClientText, setClientName } from './client-text.ts';

const always = ['noscript', 'loading', 'stale', 'fast', 'no_auth', 'allow_busy'] as const;

export const ping = {
  name: 'PING',
  group: 'connection',
  since: '1.0.0',
  summary: 'Answers, with the argument if there is one.',
  complexity: 'O(1)',
  arity: -1,
  flags: ['fast'],
  categories: ['connection'],
  tips: ['request_policy:all_shards', 'response_policy:all_succeeded'],
  answer(_session: ClientSession, request: Request, reply: ReplyWriter): void {
    if (request.count === 1) reply.constant(Constant.pong);
    else if (request.count === 2) reply.bulkSlice(request.buffer, request.start(1), request.end(1));
    else throw replyError("ERR wrong number of arguments for 'ping' command");
  },
} as const satisfies CommandSpec;

export const echo = {
  name: 'ECHO',
  group: 'connection',
  since: '1.0.0',
  summary: 'Returns its argument.',
  complexity: 'O(1)',
  arity: 2,
  flags: ['loading', 'stale', 'fast'],
  categories: ['connection'],
  answer(_session: ClientSession, request: Request, reply: ReplyWriter): void {
    reply.bulkSlice(request.buffer, request.start(1), request.end(1));
  },
} as const satisfies CommandSpec;

export const select = {
  name: 'SELECT',
  group: 'connection',
  since: '1.0.0',
  summary: 'Chooses the database: there is only 0.',
  complexity: 'O(1)',
  arity: 2,
  flags: ['loading', 'stale', 'fast'],
  categories: ['connection'],
  answer(_session: ClientSession, request: Request, reply: ReplyWriter): void {
    const database = request.integer(1);
    if (database === undefined) throw replyError(ErrorText.notInteger);
    if (database !== 0n) throw replyError(ErrorText.selectInCluster);
    reply.ok();
  },
} as const satisfies CommandSpec;

/**
 * Finds out whether a user's password is right; nothing more is taken from the connection meanwhile, and replies keep their order.
 * `then` runs when it is.
 */
function authenticate(
  session: ClientSession,
  user: string,
  password: string,
  pending: PendingReply,
  then: () => void,
): void {
  const { acl } = session.door;
  const comeIn = (): void => {
    session.becomeUser(user);
    then();
  };
  if (acl.needsNoPassword(user)) {
    comeIn();
    return;
  }
  session.hold();
  acl
    .authenticate(user, password, session.remoteHost)
    .then((isRight) => {
      if (isRight) comeIn();
      else {
        session.noteDenial('auth', 'AUTH', user);
        pending.finishError('WRONGPASS invalid username-password pair or user is disabled.');
      }
    })
    .catch((error: unknown) => pending.finishError(`ERR ${error instanceof Error ? error.message : String(error)}`))
    .finally(() => session.release());
}

export const auth = {
  name: 'AUTH',
  group: 'connection',
  since: '1.0.0',
  summary: 'Authenticates the connection.',
  complexity: 'O(N), N passwords of the user',
  arity: -2,
  flags: always,
  categories: ['connection'],
  start(session: ClientSession, request: Request, pending: PendingReply): void {
    if (request.count > 3) throw replyError(ErrorText.syntax);
    const { acl } = session.door;
    if (request.count === 2 && acl.isOpen) {
      throw replyError(
        'ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?',
      );
    }
    const [user, password] = request
      .rest(1)
      .map((word) => word.toString('utf8'))
      .slice(-2) as [string, string?];
    if (password === undefined) {
      authenticate(session, DEFAULT_REDIS_USER, user, pending, () => pending.finishWith(Constant.ok));
    } else authenticate(session, user, password, pending, () => pending.finishWith(Constant.ok));
  },
} as const satisfies CommandSpec;

interface HelloOptions {
  readonly name: string | undefined;
  readonly credentials: readonly [user: string, password: string] | undefined;
}

function helloOptions(session: ClientSession, request: Request): HelloOptions {
  let name: string | undefined;
  let credentials: [string, string] | undefined;
  for (let index = 2; index < request.count; index += 1) {
    const word = request.word(index);
    if (word === 'AUTH' && index + 2 < request.count) {
      credentials = [request.bytes(index + 1).toString('utf8'), request.bytes(index + 2).toString('utf8')];
      index += 2;
    } else if (word === 'SETNAME' && index + 1 < request.count) {
      name = request.string(index + 1);
      index += 1;
    } else throw replyError(`ERR Syntax error in HELLO option '${request.string(index)}'`);
  }
  if (credentials === undefined && !session.authenticated) {
    throw replyError(
      'NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time',
    );
  }
  return { name, credentials };
}

/** Nothing is changed when something is wrong, but for the user, who is known before the name is looked at. */
function sayHello(session: ClientSession, resp3: boolean, name: string | undefined, pending: PendingReply): void {
  if (name !== undefined) {
    if (!isClientText(name)) {
      pending.finishError('ERR Client names cannot contain spaces, newlines or special characters.');
      return;
    }
    setClientName(session, name);
  }
  session.resp3 = resp3;
  greeting.begin(resp3);
  writeGreeting(session, greeting);
  pending.finishFrom(greeting);
}

const greeting = new ReplyWriter();

function writeGreeting(session: ClientSession, reply: ReplyWriter): void {
  reply.map(7);
  reply.text('server');
  reply.text('redis');
  reply.text('version');
  reply.text(REDIS_VERSION);
  reply.text('proto');
  reply.integer(session.resp3 ? 3 : 2);
  reply.text('id');
  reply.integer(session.id);
  reply.text('mode');
  reply.text(session.kind === 'cluster' ? 'cluster' : 'standalone');
  reply.text('role');
  reply.text('master');
  reply.text('modules');
  reply.array(0);
}

export const hello = {
  name: 'HELLO',
  group: 'connection',
  since: '6.0.0',
  summary: 'Chooses the protocol version, and authenticates if asked.',
  complexity: 'O(1)',
  arity: -1,
  flags: always,
  categories: ['connection'],
  start(session: ClientSession, request: Request, pending: PendingReply): void {
    let resp3 = session.resp3;
    if (request.count > 1) {
      const version = request.integer(1);
      if (version === undefined) throw replyError('ERR Protocol version is not an integer or out of range');
      if (version < 2n || version > 3n) throw replyError('NOPROTO unsupported protocol version');
      resp3 = version === 3n;
    }
    const { name, credentials } = helloOptions(session, request);
    if (credentials === undefined) sayHello(session, resp3, name, pending);
    else {
      const [user, password] = credentials;
      authenticate(session, user, password, pending, () => sayHello(session, resp3, name, pending));
    }
  },
} as const satisfies CommandSpec;

export const reset = {
  name: 'RESET',
  group: 'connection',
  since: '6.2.0',
  summary: 'Puts the connection back into its first state.',
  complexity: 'O(1)',
  arity: 1,
  flags: always,
  categories: ['connection'],
  control: true,
} as const satisfies CommandSpec;

export const quit = {
  name: 'QUIT',
  group: 'connection',
  since: '1.0.0',
  summary: 'Closes the connection.',
  complexity: 'O(1)',
  arity: -1,
  flags: always,
  categories: ['connection'],
  control: true,
} as const satisfies CommandSpec;

export const readonly = {
  name: 'READONLY',
  group: 'cluster',
  since: '3.0.0',
  summary: "Lets replicas answer this connection's reads, which may then be stale.",
  complexity: 'O(1)',
  arity: 1,
  flags: ['loading', 'stale', 'fast'],
  categories: ['connection'],
  answer(session: ClientSession, _request: Request, reply: ReplyWriter): void {
    session.readOnly = true;
    reply.ok();
  },
} as const satisfies CommandSpec;

export const readwrite = {
  name: 'READWRITE',
  group: 'cluster',
  since: '3.0.0',
  summary: 'Takes READONLY back.',
  complexity: 'O(1)',
  arity: 1,
  flags: ['loading', 'stale', 'fast'],
  categories: ['connection'],
  answer(session: ClientSession, _request: Request, reply: ReplyWriter): void {
    session.readOnly = false;
    reply.ok();
  },
} as const satisfies CommandSpec;

export const asking = {
  name: 'ASKING',
  group: 'cluster',
  since: '3.0.0',
  summary: 'Accepted and without effect: slots never move half-way here.',
  complexity: 'O(1)',
  arity: 1,
  flags: ['fast'],
  categories: ['connection'],
  answer(_session: ClientSession, _request: Request, reply: ReplyWriter): void {
    reply.ok();
  },
} as const satisfies CommandSpec;
