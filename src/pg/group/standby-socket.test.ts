import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLogger } from '../../base/log.ts';
import { RealClock } from '../../node/real-clock.ts';
import { StandbySocket } from './standby-socket.ts';

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
