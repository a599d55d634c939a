/** CLIENT and its sub-commands. */
import type { CommandFlag, CommandSpec } from '../command-spec.ts';
import { ErrorText, replyError } from '../errors.ts';
import { helpCommand } from '../help.ts';
import type { ReplyWriter } from '../reply-writer.ts';
import type { Request } from '../request.ts';
import type { ClientSession } from '../session-view.ts';
import { kill } from './client-kill.ts';
import { clientLine, clientType, isKnownClientType } from './client-line.ts';
import { isClientText, setClientName } from './client-text.ts';

type Answer = (session: ClientSession, request: Request, reply: ReplyWriter) => void;

const plain: readonly CommandFlag[] = ['noscript', 'loading', 'stale'];
const administrative: readonly CommandFlag[] = ['admin', 'noscript', 'loading', 'stale'];

function sub(
  name: string,
  since: string,
  arity: number,
  summary: string,
  flags: readonly CommandFlag[],
  answer: Answer,
): CommandSpec {
  return {
    name,
    group: 'connection',
    since,
    summary,
    complexity: 'O(1)',
    arity,
    flags,
    categories: ['connection'],
    answer,
  };
}

/** Accepts ON or OFF. */
function onOff(request: Request, index: number): boolean {
  const word = request.word(index);
  if (word !== 'ON' && word !== 'OFF') throw replyError(ErrorText.syntax);
  return word === 'ON';
}

const list: Answer = (session, request, reply) => {
  let chosen = session.door.clients.all();
  if (request.count > 2) {
    const option = request.word(2);
    if (option === 'TYPE' && request.count === 4) {
      const type = request.string(3).toLowerCase();
      if (!isKnownClientType(type)) throw replyError(`ERR Unknown client type '${request.string(3)}'`);
      chosen = chosen.filter(() => clientType() === type);
    } else if (option === 'ID' && request.count > 3) {
      const ids = new Set<number>();
      for (let index = 3; index < request.count; index += 1) {
        const id = request.integer(index);
        if (id === undefined || id < 1n) throw replyError('ERR Invalid client ID');
        ids.add(Number(id));
      }
      chosen = chosen.filter((client) => ids.has(client.id));
    } else throw replyError(ErrorText.syntax);
  }
  const now_ms = session.door.clock.wall_ms();
  reply.verbatim(chosen.map((client) => `${clientLine(client, now_ms)}\n`).join(''));
};

const pause: Answer = (session, request, reply) => {
  let mode: 'all' | 'write' = 'all';
  if (request.count === 4) {
    const word = request.word(3);
    if (word !== 'ALL' && word !== 'WRITE') throw replyError('ERR CLIENT PAUSE mode must be WRITE or ALL');
    mode = word === 'ALL' ? 'all' : 'write';
  }
  const duration = request.integer(2);
  if (duration === undefined) throw replyError('ERR timeout is not an integer or out of range');
  if (duration < 0n) throw replyError('ERR timeout is negative');
  session.door.clients.pause(mode, Math.min(Number(duration), PAUSE_MS_MAX));
  reply.ok();
};

/** setTimeout knows no longer one: 24 days. */
const PAUSE_MS_MAX = 2_147_483_647;

const setInfo: Answer = (session, request, reply) => {
  const attribute = request.string(2).toLowerCase();
  const value = request.string(3);
  if (attribute !== 'lib-name' && attribute !== 'lib-ver') {
    throw replyError(`ERR Unrecognized option '${request.string(2)}'`);
  }
  if (!isClientText(value)) {
    throw replyError(`ERR ${attribute} cannot contain spaces, newlines or special characters.`);
  }
  if (attribute === 'lib-name') session.libraryName = value;
  else session.libraryVersion = value;
  reply.ok();
};

const setReplyMode: Answer = (session, request, reply) => {
  const word = request.word(2);
  if (word === 'ON') {
    session.replyMode = 'on';
    reply.ok();
  } else if (word === 'OFF') session.replyMode = 'off';
  else if (word === 'SKIP') {
    if (session.replyMode === 'on') session.skipNext();
  } else throw replyError(ErrorText.syntax);
};

const tracking: Answer = (_session, request, reply) => {
  if (onOff(request, 2)) {
    throw replyError('ERR CLIENT TRACKING is not supported here: clients cannot cache keys on their side');
  }
  reply.ok();
};

const trackingInfo: Answer = (_session, _request, reply) => {
  reply.map(3);
  reply.text('flags');
  reply.set(1);
  reply.text('off');
  reply.text('redirect');
  reply.integer(-1);
  reply.text('prefixes');
  reply.array(0);
};

const unblock: Answer = (_session, request, reply) => {
  if (request.count > 4) throw replyError(ErrorText.syntax);
  if (request.count === 4 && !['TIMEOUT', 'ERROR'].includes(request.word(3))) {
    throw replyError('ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR');
  }
  if (request.integer(2) === undefined) throw replyError(ErrorText.notInteger);
  reply.integer(0);
};

export const client = {
  name: 'CLIENT',
  group: 'connection',
  since: '2.4.0',
  summary: "Commands on this node's connections.",
  complexity: 'Depends on subcommand.',
  arity: -2,
  flags: [],
  subcommands: [
    sub('CACHING', '6.0.0', 3, 'Tracking of the next command: there is none.', plain, () => {
      throw replyError(
        'ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled',
      );
    }),
    sub('CAPA', '8.0.0', -3, 'Takes note of what the client can do.', plain, (_session, _request, reply) => reply.ok()),
    sub('GETNAME', '2.6.9', 2, "Returns the connection's name.", plain, (session, _request, reply) => {
      if (session.name === '') reply.null();
      else reply.text(session.name);
    }),
    sub('GETREDIR', '6.0.0', 2, 'Where tracking messages go: nowhere.', plain, (_session, _request, reply) =>
      reply.integer(-1),
    ),
    helpCommand(
      'CLIENT',
      'connection',
      '5.0.0',
      ['GETNAME', 'Return the name of this connection.'],
      ['ID', 'Return the id of this connection.'],
      ['INFO', 'Tell about this connection.'],
      ['KILL <ip:port>', 'Close the connection from that address.'],
      ['KILL <option> <value> [...]', 'Close connections by ID, ADDR, LADDR, TYPE, USER, SKIPME, MAXAGE.'],
      ['LIST [TYPE <type>] [ID <id> ...]', "Tell about this node's connections."],
      ['NO-EVICT (ON|OFF)', 'Remembered; connections are never evicted here.'],
      ['NO-TOUCH (ON|OFF)', 'Remembered; reads are never recorded here.'],
      ['PAUSE <milliseconds> [WRITE|ALL]', "Hold back the commands of this node's connections."],
      ['REPLY (ON|OFF|SKIP)', 'Switch replies to this connection.'],
      ['SETINFO (LIB-NAME|LIB-VER) <text>', 'Tell the name or version of the client library.'],
      ['SETNAME <name>', 'Name this connection.'],
      ['TRACKING (ON|OFF)', 'Not supported: OFF is accepted.'],
      ['UNPAUSE', 'End PAUSE.'],
    ),
    sub('ID', '5.0.0', 2, "Returns the connection's id on this node.", plain, (session, _request, reply) =>
      reply.integer(session.id),
    ),
    sub('IMPORT-SOURCE', '8.1.0', 3, 'Accepted and without effect.', administrative, (_session, request, reply) => {
      onOff(request, 2);
      reply.ok();
    }),
    sub('INFO', '6.2.0', 2, 'Tells about this connection.', plain, (session, _request, reply) =>
      reply.verbatim(`${clientLine(session, session.door.clock.wall_ms())}\n`),
    ),
    sub('KILL', '2.4.0', -3, 'Closes connections of this node.', administrative, kill),
    sub('LIST', '2.4.0', -2, "Tells about this node's connections.", administrative, list),
    sub(
      'NO-EVICT',
      '7.0.0',
      3,
      'Remembered; connections are never evicted here.',
      administrative,
      (session, request, reply) => {
        session.noEvict = onOff(request, 2);
        reply.ok();
      },
    ),
    sub('NO-TOUCH', '7.2.0', 3, 'Remembered; reads are never recorded here.', plain, (session, request, reply) => {
      session.noTouch = onOff(request, 2);
      reply.ok();
    }),
    sub('PAUSE', '3.0.0', -3, "Holds back the commands of this node's connections.", administrative, pause),
    sub('REPLY', '3.2.0', 3, 'Switches replies to this connection.', plain, setReplyMode),
    sub('SETINFO', '7.2.0', 4, 'Takes note of the client library.', plain, setInfo),
    sub('SETNAME', '2.6.9', 3, 'Names this connection.', plain, (session, request, reply) => {
      const name = request.string(2);
      if (!isClientText(name)) {
        throw replyError('ERR Client names cannot contain spaces, newlines or special characters.');
      }
      setClientName(session, name);
      reply.ok();
    }),
    sub('TRACKING', '6.0.0', -3, 'Not supported: OFF is accepted.', plain, tracking),
    sub('TRACKINGINFO', '6.2.0', 2, 'Tells that tracking is off.', plain, trackingInfo),
    sub('UNBLOCK', '5.0.0', -3, 'Ends the wait of a blocked connection.', administrative, unblock),
    sub('UNPAUSE', '6.2.0', 2, 'Ends CLIENT PAUSE.', administrative, (session, _request, reply) => {
      session.door.clients.unpause();
      reply.ok();
    }),
  ],
} as const satisfies CommandSpec;
