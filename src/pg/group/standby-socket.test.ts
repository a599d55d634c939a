import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLogger } from '../../base/log.ts';
import { RealClock } from '../../node/real-clock.ts';
import type { LocalServer } from '../server/local-server.ts';
import { until } from '../server/postgres.test-support.ts';
import { joinWhenPrimary, StandbySocket } from './standby-socket.ts';

let folder = '';
let primary: Server;
let socket: StandbySocket;
let reached: string[] = [];
/** By node; a node that is not in it refuses. */
const places = new Map<number, string>();

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fm-sb-'));
  reached = [];
  primary = createServer((connection) => {
    connection.on('error', () => undefined);
    connection.on('data', (chunk) => {
      reached.push(String(chunk));
      connection.write(`hello, ${chunk}`);
    });
  });
  await new Promise<void>((resolve) => primary.listen(join(folder, 'primary'), resolve));
  places.clear();
  places.set(1, join(folder, 'primary'));
  socket = new StandbySocket({
    folder: join(folder, 'socket'),
    user: null,
    connect: (node) => connect(places.get(node) ?? join(folder, 'nowhere')),
    clock: new RealClock(),
    logger: silentLogger,
  });
  await socket.start();
});

afterEach(async () => {
  await socket.stop();
  await new Promise((resolve) => primary.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

async function standby(): Promise<Socket> {
  const client = connect(join(socket.folder, '.s.PGSQL.5432'));
  await new Promise((resolve) => client.once('connect', resolve));
  return client;
}

const answer = (client: Socket): Promise<string> =>
  new Promise((resolve) => client.once('data', (chunk) => resolve(String(chunk))));
const end = (client: Socket): Promise<void> => new Promise((resolve) => client.once('close', () => resolve()));

test('who comes while there is no primary is kept, and led to the next one with what it has said', async () => {
  const client = await standby();
  client.write('n2.e7');
  const other = await standby();
  other.write('again');
  const answers = [answer(client), answer(other)];
  socket.lead(1);
  expect(await Promise.all(answers)).toEqual(['hello, n2.e7', 'hello, again']);
});

test('whose primary is one no more is cut off, and a new connection waits', async () => {
  socket.lead(1);
  const client = await standby();
  client.write('one');
  expect(await answer(client)).toBe('hello, one');
  const ended = end(client);
  socket.lead(0);
  await ended;
  const waiting = await standby();
  waiting.write('two');
  socket.lead(1);
  expect(await answer(waiting)).toBe('hello, two');
  expect(reached).toEqual(['one', 'two']);
});

test('whose primary cannot be reached is let go, and so is who is kept at the end', async () => {
  socket.lead(2);
  await end(await standby());
  socket.lead(0);
  const kept = await standby();
  const ended = end(kept);
  await socket.stop();
  await ended;
  await socket.start();
});

test('what a primary that was shut down in order still sends is let through, and who comes anew waits for the next one', async () => {
  socket.lead(1);
  const client = await standby();
  client.write('one');
  expect(await answer(client)).toBe('hello, one');
  socket.letEnd();
  const next = await standby();
  next.write('two');
  client.write('rest');
  expect(await answer(client)).toBe('hello, rest');
  expect(reached).toEqual(['one', 'rest']);
  const ended = end(client);
  socket.lead(0);
  await ended;
  socket.lead(1);
  expect(await answer(next)).toBe('hello, two');
});

test('who waits and is told to follow as somebody else is let go', async () => {
  const client = await standby();
  const ended = end(client);
  // Until it has been accepted, there is nobody to drop.
  const dropping = setInterval(() => socket.dropWaiting(), 1);
  await ended;
  clearInterval(dropping);
});

test('nobody is led to a standby before that is primary', async () => {
  const listeners = new Set<() => void>();
  const server = {
    state: 'standby' as LocalServer['state'],
    socketPath: join(folder, 'primary'),
    watch: (listener: () => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const joined: Socket[] = [];
  const far = createServer((connection) => {
    joined.push(connection);
    joinWhenPrimary(connection, server);
  });
  await new Promise<void>((resolve) => far.listen(join(folder, 'far'), resolve));
  const gone = connect(join(folder, 'far'));
  await until(() => listeners.size === 1);
  gone.on('error', () => undefined);
  joined[0]?.destroy(new Error('the tunnel was lost'));
  await until(() => listeners.size === 0);
  const client = connect(join(folder, 'far'));
  client.write('n2.e8');
  const reply = answer(client);
  await until(() => listeners.size === 1);
  expect(reached).toEqual([]);
  server.state = 'primary';
  for (const listener of [...listeners]) listener();
  expect(await reply).toBe('hello, n2.e8');
  expect(listeners.size).toBe(0);
  client.destroy();
  await new Promise((resolve) => far.close(resolve));
});
