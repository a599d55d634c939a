import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { Prng } from '../../base/prng.ts';
import type { RespValue } from '../redis/resp-connection.ts';
import { NotDone, OutcomeOpen, WrongReply } from './outcome.ts';
import { type Sabotage, sabotaged } from './sabotage.ts';
import { type RespLine, Session } from './session.ts';

const servers: Server[] = [];
const sessions: Session[] = [];

/** A node that answers each command by its first word; undefined closes the connection, '' never answers. */
async function node(
  answers: Record<string, string | undefined>,
): Promise<{ host: string; port: number; seen: string[] }> {
  const seen: string[] = [];
  const server = createServer((socket: Socket) => {
    socket.on('error', () => undefined);
    socket.setEncoding('utf8').on('data', (text: string) => {
      for (const [, name = ''] of text.matchAll(/\*\d+\r\n\$\d+\r\n(\w+)\r\n/g)) {
        seen.push(name);
        const answer = name in answers ? answers[name] : '-ERR unknown\r\n';
        if (answer === undefined) socket.destroy();
        else if (!socket.destroyed) socket.write(answer);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push(server);
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port, seen };
}

function sessionTo(...endpoints: { host: string; port: number }[]): Session {
  const session = new Session({ endpoints: () => endpoints, prng: new Prng(1), timeout_ms: 200 });
  sessions.push(session);
  return session;
}

afterEach(() => {
  for (const session of sessions.splice(0)) session.close();
  for (const server of servers.splice(0)) server.close();
});

describe('a command', () => {
  test('that is answered is done', async () => {
    expect(await sessionTo(await node({ GET: '$1\r\nx\r\n' })).command('k', 'GET', 'k')).toBe('x');
  });

  test('follows MOVED, and remembers where the key lives', async () => {
    const leader = await node({ GET: '+here\r\n' });
    const other = await node({ GET: `-MOVED 1 127.0.0.1:${leader.port}\r\n` });
    const session = sessionTo(other);
    for (let n = 0; n < 3; n++) expect(await session.command('k', 'GET', 'k')).toBe('here');
    expect([other.seen.length, leader.seen.length]).toEqual([1, 3]);
  });

  test.each(['CLUSTERDOWN no leader', 'TRYAGAIN later', 'LOADING'])('refused with %s was not done', async (text) => {
    const session = sessionTo(await node({ SET: `-${text}\r\n` }));
    await expect(session.command('k', 'SET', 'k', 'v')).rejects.toBeInstanceOf(NotDone);
  });

  test('sent in circles was not done', async () => {
    const answers: Record<string, string> = {};
    const circle = await node(answers);
    answers['SET'] = `-MOVED 1 127.0.0.1:${circle.port}\r\n`;
    await expect(sessionTo(circle).command('k', 'SET', 'k', 'v')).rejects.toBeInstanceOf(NotDone);
    expect(circle.seen.length).toBeLessThan(10);
  });

  test('has an open outcome when the server says so, does not answer, or closes the connection', async () => {
    for (const answer of ['-TIMEOUT the outcome is unknown\r\n', '', undefined]) {
      const asked = await node({ SET: answer });
      await expect(sessionTo(asked).command('k', 'SET', 'k', 'v')).rejects.toBeInstanceOf(OutcomeOpen);
      expect(asked.seen).toEqual(['SET']);
    }
  });

  test('goes to another node when it did not leave, and was not done when no node runs', async () => {
    const runs = await node({ SET: '+OK\r\n' });
    const gone = { host: '127.0.0.1', port: runs.port };
    const ended = await node({});
    servers.pop()?.close();
    const session = sessionTo({ host: ended.host, port: ended.port }, gone);
    for (let n = 0; n < 8; n++) expect(await session.command(`k${n}`, 'SET', 'k', 'v')).toBe('OK');
    const nowhere = sessionTo({ host: ended.host, port: ended.port });
    await expect(nowhere.command('k', 'SET', 'k', 'v')).rejects.toBeInstanceOf(NotDone);
  });

  test('answered with an error that a working server does not give is told apart', async () => {
    await expect(sessionTo(await node({})).command('k', 'NEW', 'k')).rejects.toBeInstanceOf(WrongReply);
  });
});

describe('a transaction', () => {
  const queued = { MULTI: '+OK\r\n', SET: '+QUEUED\r\n', GET: '+QUEUED\r\n' };
  const commands = [
    ['SET', 'k', 'v'],
    ['GET', 'k'],
  ];

  test('answers with the replies of its commands', async () => {
    const session = sessionTo(await node({ ...queued, EXEC: '*2\r\n+OK\r\n$1\r\nv\r\n' }));
    expect(await session.transaction('k', commands)).toEqual(['OK', 'v']);
  });

  test('goes to the leader when a command could not be queued', async () => {
    const leader = await node({ ...queued, EXEC: '*2\r\n+OK\r\n$1\r\nv\r\n' });
    const moved = `-MOVED 1 127.0.0.1:${leader.port}\r\n`;
    const other = await node({ MULTI: '+OK\r\n', SET: moved, GET: moved, EXEC: '-EXECABORT no\r\n' });
    expect(await sessionTo(other).transaction('k', commands)).toEqual(['OK', 'v']);
  });

  test('whose EXEC is refused was not done; one whose connection breaks may have been', async () => {
    const refused = sessionTo(await node({ ...queued, EXEC: '-CLUSTERDOWN no\r\n' }));
    await expect(refused.transaction('k', commands)).rejects.toBeInstanceOf(NotDone);
    const broken = sessionTo(await node({ ...queued, EXEC: undefined }));
    await expect(broken.transaction('k', commands)).rejects.toBeInstanceOf(OutcomeOpen);
  });
});

describe('compare and set', () => {
  const answers = { WATCH: '+OK\r\n', UNWATCH: '+OK\r\n', GET: '$1\r\na\r\n', MULTI: '+OK\r\n', SET: '+QUEUED\r\n' };
  const set = [['SET', 'k', 'b']];

  test('is done when the key holds what is expected', async () => {
    const session = sessionTo(await node({ ...answers, EXEC: '*1\r\n+OK\r\n' }));
    expect(await session.compareAndExecute('k', 'a', set)).toBe(true);
  });

  test('is false when it holds something else, and leaves nothing watched', async () => {
    const asked = await node({ ...answers, PING: '+PONG\r\n' });
    const session = sessionTo(asked);
    expect(await session.compareAndExecute('k', 'other', set)).toBe(false);
    await session.command('k', 'PING');
    expect(asked.seen).toEqual(['WATCH', 'GET', 'UNWATCH', 'PING']);
  });

  test('was not done when somebody wrote in between, or the connection broke before anything was written', async () => {
    const raced = sessionTo(await node({ ...answers, EXEC: '*-1\r\n' }));
    await expect(raced.compareAndExecute('k', 'a', set)).rejects.toBeInstanceOf(NotDone);
    const broken = sessionTo(await node({ ...answers, GET: undefined }));
    await expect(broken.compareAndExecute('k', 'a', set)).rejects.toBeInstanceOf(NotDone);
    const late = sessionTo(await node({ ...answers, EXEC: undefined }));
    await expect(late.compareAndExecute('k', 'a', set)).rejects.toBeInstanceOf(OutcomeOpen);
  });
});

describe('a lie', () => {
  /** What forty commands are answered, and how many reach the node, which counts them. */
  async function told(
    sabotage: Sabotage,
    ...command: readonly string[]
  ): Promise<{ replies: RespValue[]; sent: number }> {
    let sent = 0;
    const honest: RespLine = {
      lost: false,
      close: () => undefined,
      send: async () => {
        sent += 1;
        return sent;
      },
    };
    const line = sabotaged(sabotage)(honest);
    const replies: RespValue[] = [];
    for (let n = 0; n < 40; n += 1) replies.push(await line.send(...command));
    return { replies, sent };
  }

  test('about a lost write keeps one of five, and nothing else', async () => {
    const { replies, sent } = await told('lost-write', 'SET', 'k', 'v');
    expect(sent).toBe(32);
    expect(replies.filter((reply) => reply === 'OK')).toHaveLength(8);
    expect((await told('lost-write', 'GET', 'k')).sent).toBe(40);
  });

  test('about an increment sends one of five twice', async () => {
    expect((await told('duplicate', 'INCR', 'k')).sent).toBe(48);
    expect((await told('duplicate', 'SET', 'k', 'v')).sent).toBe(40);
  });

  test('about a stale read shows what was read before', async () => {
    const { replies, sent } = await told('stale-read', 'GET', 'k');
    expect(sent).toBe(40);
    expect(replies.filter((reply) => reply === 1)).toHaveLength(8);
    expect((await told('stale-read', 'INCR', 'k')).replies).toEqual(Array.from({ length: 40 }, (_, n) => n + 1));
  });
});
