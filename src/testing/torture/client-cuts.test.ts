import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ClientCuts } from './client-cuts.ts';
import { connectTo } from './session.ts';

const PATIENCE_MS = 150;

let server: Server;
let port = 0;
let seen = 0;
let answering = true;

beforeEach(async () => {
  seen = 0;
  answering = true;
  server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', () => {
      seen += 1;
      if (answering) socket.write('+OK\r\n');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});

afterEach(() => server.close());

describe.each([
  ['silently', true],
  ['at once', false],
] as const)('a client that is cut off %s', (_, silently) => {
  test('does not know what became of what it had sent', async () => {
    const cuts = new ClientCuts();
    const line = cuts.connect('127.0.0.1', port, PATIENCE_MS, connectTo);
    expect(await line.send('PING')).toBe('OK');
    answering = false;
    const answer = line.send('PING');
    await expect.poll(() => seen).toBe(2);
    cuts.cut([`127.0.0.1:${port}`], silently);
    await expect(answer).rejects.toMatchObject({ name: 'ConnectionLost', sent: true });
    expect(line.lost).toBe(true);
  });

  test('knows that nothing has left on a connection that does not come about, until it is healed', async () => {
    const cuts = new ClientCuts();
    cuts.cut([`127.0.0.1:${port}`], silently);
    const unreachable = cuts.connect('127.0.0.1', port, PATIENCE_MS, connectTo);
    await expect(unreachable.send('PING')).rejects.toMatchObject({ name: 'ConnectionLost', sent: false });
    expect(seen).toBe(0);
    cuts.heal();
    const line = cuts.connect('127.0.0.1', port, PATIENCE_MS, connectTo);
    expect(await line.send('PING')).toBe('OK');
    line.close();
  });
});

test('others are reached all the time', async () => {
  const cuts = new ClientCuts();
  const line = cuts.connect('127.0.0.1', port, PATIENCE_MS, connectTo);
  cuts.cut(['127.0.0.2:1'], false);
  expect(await line.send('PING')).toBe('OK');
  line.close();
});
