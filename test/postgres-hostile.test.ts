import { connect } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PostgresDoor } from '../src/doors/postgres/door.ts';
import { startGateway } from '../src/doors/postgres/gateway.test-support.ts';
import { Client } from '../src/doors/postgres/protocol/codes.ts';
import { message, query, startup } from '../src/doors/postgres/protocol/messages.ts';
import { ask, RawClient, sync } from '../src/doors/postgres/raw-client.test-support.ts';
import {
  hasPostgres,
  needsPostgres,
  RealServer,
  TestServers,
} from '../src/doors/postgres/real-servers.test-support.ts';

describe.skipIf(!hasPostgres)(`bytes of anybody${needsPostgres}`, () => {
  let servers: TestServers;
  let door: PostgresDoor;

  beforeAll(async () => {
    servers = new TestServers([await RealServer.primary(1)]);
    door = await startGateway(servers, { authentication: false, limits: { startup_ms: 700, pool_max: 3 } });
  });

  afterAll(async () => {
    await door?.stop();
    await servers?.stop();
  });

  /** Sends bytes, ends its side when asked to; resolves with what came back once the gateway has closed. */
  function throwAt(bytes: Buffer, ends: boolean): Promise<Buffer> {
    return new Promise((resolve) => {
      const received: Buffer[] = [];
      const socket = connect({ port: door.port, host: '127.0.0.1' }, () => {
        if (ends) socket.end(bytes);
        else socket.write(bytes);
      });
      socket.on('data', (chunk) => received.push(chunk));
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(Buffer.concat(received)));
    });
  }

  async function expectHealthy(): Promise<void> {
    const client = await RawClient.open(door.port);
    expect(await client.ask(ask('SELECT 1'))).toBe('TDCZ');
    client.close();
  }

  test('before a log-in are answered or end the connection, at the latest when its time is over', async () => {
    const begin = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.uint8Array({ maxLength: 60 }).map((rest) => Buffer.concat([Buffer.from([0, 0, 0, 60, 0, 3, 0, 0]), rest])),
      fc.uint8Array({ maxLength: 30 }).map((rest) => Buffer.concat([Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]), rest])),
      fc.uint8Array({ maxLength: 30 }).map((rest) => Buffer.concat([Buffer.from([0, 0, 0, 16, 4, 210, 22, 46]), rest])),
    );
    await fc.assert(
      fc.asyncProperty(begin, fc.boolean(), async (bytes, ends) => {
        await throwAt(Buffer.from(bytes), ends);
      }),
      { numRuns: 40 },
    );
    await expectHealthy();
  });

  test('after a log-in end at most the connection, and leave the others and the pool as they were', async () => {
    const letters = Object.values(Client);
    const oneMessage = fc.oneof(
      fc
        .tuple(fc.constantFrom(...letters), fc.uint8Array({ maxLength: 30 }))
        .map(([type, body]) => message(type, Buffer.from(body))),
      fc
        .constantFrom(
          'SELECT 1',
          'BEGIN',
          'COMMIT',
          'SELECT 1/0',
          '',
          "SET search_path = 'x'",
          'COPY (SELECT 1) TO STDOUT',
          'CREATE TEMP TABLE IF NOT EXISTS f (a int)',
          'COPY f FROM STDIN',
          'DISCARD ALL',
          'DEALLOCATE ALL',
        )
        .map((sql) => query(sql)),
      fc.constant(sync),
      fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
    );
    const login = startup({ user: 'postgres', database: 'postgres' });
    await fc.assert(
      fc.asyncProperty(fc.array(oneMessage, { maxLength: 8 }), async (messages) => {
        await throwAt(Buffer.concat([login, ...messages, message(Client.copyDone), sync]), true);
      }),
      { numRuns: 150 },
    );
    await expectHealthy();
    expect(door.clients).toBeLessThanOrEqual(1);
  });

  test('a client that reads nothing costs no more memory than its buffers', async () => {
    const [client, other] = await Promise.all([RawClient.open(door.port), RawClient.open(door.port)]);
    const before = process.memoryUsage().rss;
    client.socket.pause();
    client.send(query("SELECT repeat('x', 10000) FROM generate_series(1, 20000)"));
    for (let i = 0; i < 300; i += 1) await other.ask(ask('SELECT 1'));
    expect(process.memoryUsage().rss - before).toBeLessThan(80 * 1_024 * 1_024);
    client.socket.resume();
    expect((await client.until('Z')).length).toBe(20_003);
    client.close();
    other.close();
  });
});
