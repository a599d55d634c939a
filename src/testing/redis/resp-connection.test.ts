import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { ConnectionLost } from '../connection-lost.ts';
import { ClusterClient, OutcomeUnknown } from './cluster-client.ts';
import { encode, parseReply, RespConnection, RespError, type RespValue } from './resp-connection.ts';

const REPLIES: readonly [string, RespValue][] = [
  ['+OK\r\n', 'OK'],
  ['-ERR no\r\n', new RespError('ERR no')],
  [':42\r\n', 42],
  ['$3\r\na\r\n\r\n', 'a\r\n'],
  ['$5\r\nh\u00e9llo\r\n'.replace('$5', '$6'), 'h\u00e9llo'],
  ['$-1\r\n', null],
  ['*-1\r\n', null],
  ['_\r\n', null],
  ['#t\r\n', true],
  [',1.5\r\n', 1.5],
  ['*2\r\n:1\r\n*1\r\n$1\r\nx\r\n', [1, ['x']]],
  ['%1\r\n+a\r\n:1\r\n', ['a', 1]],
  ['~1\r\n+a\r\n', ['a']],
];

describe('replies', () => {
  test.each(REPLIES)('%j', (text, value) => {
    const bytes = Buffer.from(text);
    expect(parseReply(bytes, 0)).toEqual({ value, end: bytes.length, push: false });
  });

  test.each(REPLIES)('%j is not complete before its last byte', (text) => {
    const bytes = Buffer.from(text);
    for (let length = 0; length < bytes.length; length++) {
      expect(parseReply(bytes.subarray(0, length), 0)).toBeUndefined();
    }
  });

  test('out-of-band data is marked, and other bytes are refused', () => {
    expect(parseReply(Buffer.from('>1\r\n+x\r\n'), 0)).toMatchObject({ push: true });
    expect(() => parseReply(Buffer.from('HTTP/1.1 400\r\n'), 0)).toThrow(RangeError);
  });
});

const open: { close(): void }[] = [];

/** A server that answers whole reads with what `answer` returns; undefined closes the connection. */
async function serve(answer: (text: string, socket: Socket) => string | undefined): Promise<number> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.setEncoding('utf8').on('data', (text: string) => {
      const reply = answer(text, socket);
      if (reply === undefined) socket.destroy();
      else socket.write(reply);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(server);
  return (server.address() as AddressInfo).port;
}

/** Answers each command by its first word. */
function each(text: string, answers: Record<string, string>): string {
  return [...text.matchAll(/\*\d+\r\n\$\d+\r\n(\w+)\r\n/g)]
    .map(([, name]) => answers[name ?? ''] ?? '-ERR\r\n')
    .join('');
}

afterEach(() => {
  for (const item of open.splice(0)) item.close();
});

describe('a connection', () => {
  test('sends the commands of one turn in one write, and gives replies in order', async () => {
    const writes: string[] = [];
    const port = await serve((text) => {
      writes.push(text);
      return '+1\r\n>1\r\n+push\r\n+2\r\n';
    });
    const connection = new RespConnection('127.0.0.1', port);
    open.push(connection);
    expect(await Promise.all([connection.send('A'), connection.send('B', 'x')])).toEqual(['1', '2']);
    expect(writes).toEqual([encode(['A']) + encode(['B', 'x'])]);
  });

  test('that breaks does not know the outcome; one that never came about does', async () => {
    const port = await serve(() => undefined);
    const broken = new RespConnection('127.0.0.1', port);
    await expect(broken.send('A')).rejects.toMatchObject({ sent: true });
    await expect(broken.send('B')).rejects.toMatchObject({ sent: false });
    const server = open.pop();
    server?.close();
    const refused = new RespConnection('127.0.0.1', port);
    await expect(refused.send('A')).rejects.toBeInstanceOf(ConnectionLost);
    await expect(refused.send('A')).rejects.toMatchObject({ sent: false });
  });
});

test('a connection that is not answered in time is closed, and says that the command left', async () => {
  const port = await serve(() => '');
  const connection = new RespConnection('127.0.0.1', port, { timeout_ms: 20 });
  open.push(connection);
  await expect(connection.send('A')).rejects.toMatchObject({ sent: true, message: 'no answer within 20 ms' });
  expect(connection.lost).toBe(true);
});

describe('the cluster client', () => {
  test('follows MOVED and tries again what was refused', async () => {
    let refusals = 2;
    const leader = await serve((text) => {
      const set = refusals > 0 ? '-CLUSTERDOWN wait\r\n' : '+OK\r\n';
      if (text.includes('SET')) refusals -= 1;
      return each(text, { HELLO: '%0\r\n', CLUSTER: '*0\r\n', SET: set });
    });
    const other = await serve((text) =>
      each(text, { HELLO: '%0\r\n', CLUSTER: '*0\r\n', SET: `-MOVED 1 127.0.0.1:${leader}\r\n` }),
    );
    const client = new ClusterClient([{ host: '127.0.0.1', port: other }]);
    open.push(client);
    expect(await client.execute('k', 'SET', 'k', 'v')).toBe('OK');
    expect(refusals).toBe(-1);
  });

  test('never sends a command again whose outcome is unknown', async () => {
    let sets = 0;
    const port = await serve((text) => {
      if (text.includes('SET\r\n')) {
        sets += 1;
        return undefined;
      }
      return each(text, { HELLO: '%0\r\n', CLUSTER: '*0\r\n' });
    });
    const client = new ClusterClient([{ host: '127.0.0.1', port }]);
    open.push(client);
    await expect(client.execute('k', 'SET', 'k', 'v')).rejects.toBeInstanceOf(OutcomeUnknown);
    expect(sets).toBe(1);
  });

  test('uses another node when one is gone', async () => {
    const port = await serve((text) => each(text, { HELLO: '%0\r\n', CLUSTER: '*0\r\n', SET: '+OK\r\n' }));
    const gone = await serve(() => undefined);
    open.pop()?.close();
    const client = new ClusterClient([
      { host: '127.0.0.1', port: gone },
      { host: '127.0.0.1', port },
    ]);
    open.push(client);
    for (let i = 0; i < 4; i++) expect(await client.execute(`k${i}`, 'SET', `k${i}`, 'v')).toBe('OK');
  });
});
