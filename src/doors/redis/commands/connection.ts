/** Commands of the connection itself, CLIENT apart. */
import type { CommandSpec } from '../command-spec.ts';
import { ErrorText, replyError } from '../errors.ts';
import { Constant, type ReplyWriter } from '../reply-writer.ts';
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

/** Checks a user's password; throws Redis's error when it is wrong. */
function authenticate(session: ClientSession, user: string, password: string): void {
  const right = session.door.configuration.password;
  if (user === 'default' && (right === '' || right === password)) {
    session.authenticated = true;
    return;
  }
  throw replyError('WRONGPASS invalid username-password pair or user is disabled.');
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
  answer(session: ClientSession, request: Request, reply: ReplyWriter): void {
    if (request.count > 3) throw replyError(ErrorText.syntax);
    if (request.count === 2 && session.door.configuration.password === '') {
      throw replyError(
        'ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?',
      );
    }
    if (request.count === 2) authenticate(session, 'default', request.string(1));
    else authenticate(session, request.string(1), request.string(2));
    reply.ok();
  },
} as const satisfies CommandSpec;

/** Takes HELLO's options; nothing is changed when one is wrong. */
function helloOptions(session: ClientSession, request: Request): void {
  let name: string | undefined;
  let credentials: [string, string] | undefined;
  for (let index = 2; index < request.count; index += 1) {
    const word = request.word(index);
    if (word === 'AUTH' && index + 2 < request.count) {
      credentials = [request.string(index + 1), request.string(index + 2)];
      index += 2;
    } else if (word === 'SETNAME' && index + 1 < request.count) {
      name = request.string(index + 1);
      index += 1;
    } else throw replyError(`ERR Syntax error in HELLO option '${request.string(index)}'`);
  }
  if (credentials !== undefined) authenticate(session, credentials[0], credentials[1]);
  if (!session.authenticated && session.door.configuration.password !== '') {
    throw replyError(
      'NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time',
    );
  }
  if (name !== undefined) {
    if (!isClientText(name))
      throw replyError('ERR Client names cannot contain spaces, newlines or special characters.');
    setClientName(session, name);
  }
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
  answer(session: ClientSession, request: Request, reply: ReplyWriter): void {
    let resp3 = session.resp3;
    if (request.count > 1) {
      const version = request.integer(1);
      if (version === undefined) throw replyError('ERR Protocol version is not an integer or out of range');
      if (version < 2n || version > 3n) throw replyError('NOPROTO unsupported protocol version');
      resp3 = version === 3n;
    }
    helloOptions(session, request);
    session.resp3 = resp3;
    reply.resp3 = resp3;
    reply.map(7);
    reply.text('server');
    reply.text('redis');
    reply.text('version');
    reply.text(REDIS_VERSION);
    reply.text('proto');
    reply.integer(resp3 ? 3 : 2);
    reply.text('id');
    reply.integer(session.id);
    reply.text('mode');
    reply.text(session.kind === 'cluster' ? 'cluster' : 'standalone');
    reply.text('role');
    reply.text('master');
    reply.text('modules');
    reply.array(0);
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
