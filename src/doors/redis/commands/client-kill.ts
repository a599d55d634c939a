/** CLIENT KILL, in its old form with an address and its new one with filters. */
import { ErrorText, replyError } from '../errors.ts';
import type { ReplyWriter } from '../reply-writer.ts';
import type { Request } from '../request.ts';
import type { ClientSession } from '../session-view.ts';
import { clientType, isKnownClientType } from './client-line.ts';

type Filter = (client: ClientSession) => boolean;

function filterOf(session: ClientSession, option: string, request: Request, index: number): Filter | undefined {
  const value = request.string(index);
  switch (option) {
    case 'ID': {
      const id = request.integer(index);
      if (id === undefined || id < 1n) throw replyError('ERR client-id should be greater than 0');
      return (client) => BigInt(client.id) === id;
    }
    case 'ADDR':
      return (client) => client.remote === value;
    case 'LADDR':
      return (client) => client.local === value;
    case 'USER':
      if (session.door.acl.user(value) === undefined) throw replyError(`ERR No such user '${value}'`);
      return (client) => client.user === value;
    case 'TYPE': {
      const type = value.toLowerCase();
      if (!isKnownClientType(type)) throw replyError(`ERR Unknown client type '${value}'`);
      return () => clientType() === type;
    }
    case 'MAXAGE': {
      const age_s = request.integer(index);
      if (age_s === undefined || age_s < 1n) throw replyError('ERR maxage is not an integer or out of range');
      const born_ms = session.door.clock.wall_ms() - Number(age_s) * 1000;
      return (client) => client.created_ms <= born_ms;
    }
    default:
      return undefined;
  }
}

function close(session: ClientSession, client: ClientSession): void {
  if (client === session) client.closeAfterReplies();
  else client.destroy();
}

export function kill(session: ClientSession, request: Request, reply: ReplyWriter): void {
  const { clients } = session.door;
  if (request.count === 3) {
    const address = request.string(2);
    const found = clients.all().find((client) => client.remote === address);
    if (found === undefined) throw replyError('ERR No such client');
    close(session, found);
    reply.ok();
    return;
  }
  if (request.count % 2 !== 0) throw replyError(ErrorText.syntax);
  let skipSelf = true;
  const filters: Filter[] = [];
  for (let index = 2; index < request.count; index += 2) {
    const option = request.word(index);
    if (option === 'SKIPME') {
      const word = request.word(index + 1);
      if (word !== 'YES' && word !== 'NO') throw replyError(ErrorText.syntax);
      skipSelf = word === 'YES';
      continue;
    }
    const filter = filterOf(session, option, request, index + 1);
    if (filter === undefined) throw replyError(ErrorText.syntax);
    filters.push(filter);
  }
  let killed = 0;
  for (const client of clients.all()) {
    if (client === session && skipSelf) continue;
    if (!filters.every((filter) => filter(client))) continue;
    close(session, client);
    killed += 1;
  }
  reply.integer(killed);
}
