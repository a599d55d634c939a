import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { PostgresDoor } from '../src/doors/postgres/door.ts';
import { startGateway, TestNodes } from '../src/doors/postgres/gateway.test-support.ts';
import { cancelRequest } from '../src/doors/postgres/protocol/messages.ts';
import {
  ask,
  bind,
  execute,
  describe as letters,
  parse,
  RawClient,
  sync,
} from '../src/doors/postgres/raw-client.test-support.ts';
import {
  hasPostgres,
  needsPostgres,
  RealServer,
  TestServers,
} from '../src/doors/postgres/real-servers.test-support.ts';

function cancel(port: number, client: RawClient): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' }, () =>
      socket.write(cancelRequest(client.processId, client.key)),
    );
    socket.resume();
    socket.on('close', () => resolve());
  });
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setImmediate(resolve));
}

describe.skipIf(!hasPostgres)(`when the servers change, a client${needsPostgres}`, () => {
  let primary: RealServer;
  let standby: RealServer;
  let servers: TestServers;
  let door: PostgresDoor;
  let other: PostgresDoor;
  const clients: RawClient[] = [];

  beforeAll(async () => {
    primary = await RealServer.primary(1);
    standby = await RealServer.standby(2, primary);
    servers = new TestServers([primary, standby]);
    const nodes = new TestNodes([1, 2]);
    const limits = { wait_ms: 1_500, replay_ms: 1_000 };
    door = await startGateway(servers, { authentication: false, router: nodes.router(1), limits });
    other = await startGateway(servers, { authentication: false, router: nodes.router(2), limits });
  });

  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
    servers.set('serving', { primary: 1, down: [] });
  });

  afterAll(async () => {
    await door?.stop();
    await other?.stop();
    await servers?.stop();
  });

  async function open(port = door.port, parameters: Record<string, string> = {}): Promise<RawClient> {
    const client = await RawClient.open(port, parameters);
    clients.push(client);
    return client;
  }

  test('at a switch-over waits with new transactions, ends those that are open, and sees no error', async () => {
    const [open1, idle] = await Promise.all([open(), open()]);
    await open1.ask(ask('BEGIN'));
    servers.set('switching');
    let left = -1;
    const quiesced = door.quiesce(5_000).then((running) => {
      left = running;
    });
    let isAnswered = false;
    const waiting = idle.ask(ask('SELECT 1')).then((answer) => {
      isAnswered = true;
      return answer;
    });
    expect(await open1.value('SELECT 7')).toBe('7');
    expect(left).toBe(-1);
    expect(await open1.ask(ask('COMMIT'))).toBe('CZ');
    await quiesced;
    expect(left).toBe(0);
    expect(isAnswered).toBe(false);
    servers.set('serving', { epoch: 2 });
    expect(await waiting).toBe('TDCZ');
    expect(await open1.ask(ask('SELECT 1'))).toBe('TDCZ');
  });

  test('finds connections when the new primary serves, one for each that waits, and is served only then', async () => {
    const sessions = await Promise.all([open(), open()]);
    servers.set('failing-over', { primary: 0, epoch: 3 });
    const answers = sessions.map((session) => session.ask(ask('SELECT pg_backend_pid()')));
    const states = (): string => {
      const [row] = door.poolRows().filter(({ port }) => port === 'primary');
      return `${row?.clientsWaiting} wait, ${row?.servers} connections, ${row?.serversIdle} free`;
    };
    await until(() => states() === '2 wait, 0 connections, 0 free');
    servers.set('failing-over', { primary: 0, upcoming: 1, epoch: 3 });
    await until(() => states() === '2 wait, 2 connections, 2 free');
    const opened = door.poolRows().reduce((sum, row) => sum + row.servers, 0);
    servers.set('serving', { primary: 1, epoch: 3 });
    expect(await Promise.all(answers)).toEqual(['TDCZ', 'TDCZ']);
    expect(door.poolRows().reduce((sum, row) => sum + row.servers, 0)).toBe(opened);
  });

  test('gives up waiting for a primary with 57P03 and its reason, and the session goes on', async () => {
    const client = await open();
    servers.set('failing-over', { primary: 0, reason: 'two of three nodes are needed' });
    client.send(ask('SELECT 1'));
    const [error] = await client.until('Z');
    expect(error?.bytes.toString()).toContain('C57P03');
    expect(error?.bytes.toString()).toContain('two of three nodes are needed');
    servers.set('serving', { primary: 1 });
    expect(await client.ask(ask('SELECT 1'))).toBe('TDCZ');
  });

  test('is not led to a standby by a view that is out of date', async () => {
    const client = await open();
    servers.set('serving', { epoch: 7, primary: 2 });
    client.send(ask('SELECT pg_is_in_recovery()'));
    expect(letters((await client.until('Z'))[0] as never)).toBe('E53300 ');
    servers.set('serving', { epoch: 8, primary: 1 });
    expect(await client.value('SELECT pg_is_in_recovery()')).toBe('f');
  });

  test('in a transaction that cannot have committed is told 57P01, else 08007', async () => {
    const [resting, running, committing, idle] = await Promise.all([open(), open(), open(), open()]);
    await idle.ask(ask('SELECT 1'));
    await resting.ask(ask('BEGIN'));
    await running.ask(ask('BEGIN'));
    running.send(ask('SELECT pg_sleep(60)'));
    committing.send(ask('SELECT pg_sleep(60)'));
    const sleepers = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)' AND state = 'active'";
    await until(() => primary.sql(sleepers) === '2');
    servers.set('serving', { epoch: 10 });
    expect((await resting.ended()).map(letters)).toEqual(['E57P01 ']);
    expect((await running.ended()).map(letters).join('')).toMatch(/^T?E57P01 $/);
    expect((await committing.ended()).map(letters).join('')).toMatch(/^T?E08007 $/);
    expect(await idle.ask(ask('SELECT 1'))).toBe('TDCZ');
    primary.sql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)' AND pid <> pg_backend_pid()",
    );
  });

  test('gets PostgreSQL\u2019s own last words where there are some', async () => {
    const client = await open();
    client.send(ask('SELECT pg_sleep(60) /* last words */'));
    const find = "SELECT pid FROM pg_stat_activity WHERE query LIKE '%last words%' AND pid <> pg_backend_pid()";
    await until(() => primary.sql(find) !== '');
    primary.sql(`SELECT pg_terminate_backend((${find}))`);
    expect((await client.ended()).map(letters).join('')).toMatch(/^T?E57P01 $/);
  });

  test('can cancel a statement, from any node, and nobody else\u2019s', async () => {
    for (const port of [door.port, other.port]) {
      const client = await open();
      client.send(ask('SELECT pg_sleep(60) /* to cancel */'));
      await until(
        () =>
          primary.sql(
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%to cancel%' AND pid <> pg_backend_pid()",
          ) === '1',
      );
      await cancel(port, client);
      expect((await client.until('Z')).map(letters).join('')).toMatch(/^T?E57014 Z$/);
      await cancel(port, client);
      expect(await client.ask(ask('SELECT 1'))).toBe('TDCZ');
      const { key } = client;
      client.key = Buffer.alloc(key.length);
      await cancel(port, client);
      expect(await client.ask(ask('SELECT 1'))).toBe('TDCZ');
    }
  });

  test('can cancel a statement that still waits', async () => {
    const client = await open();
    servers.set('switching');
    client.send(ask('SELECT 1'));
    await until(() => door.poolRows().some(({ clientsWaiting }) => clientsWaiting === 1));
    await cancel(door.port, client);
    expect((await client.until('Z')).map(letters).join('')).toBe('E57014 Z');
  });

  test('whose commit was cancelled while it waited for standbys is told that the outcome is unknown', async () => {
    primary.sql('CREATE TABLE alone (a int)');
    primary.sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    primary.sql('SELECT pg_reload_conf()');
    try {
      for (const statement of [
        [ask('INSERT INTO alone VALUES (1)')],
        [parse('', 'INSERT INTO alone VALUES (2)'), bind(''), execute, sync],
      ]) {
        const client = await open();
        client.send(...statement);
        await until(() => primary.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'") === '1');
        await cancel(door.port, client);
        const said = (await client.ended()).map(letters).join('');
        expect(said).toMatch(/^(12C)?E08007 $/);
      }
      const ended = await open();
      ended.send(ask('INSERT INTO alone VALUES (3)'));
      await until(() => primary.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'") === '1');
      primary.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
      expect((await ended.ended()).map(letters).join('')).toBe('E08007 ');
      const silent = await open(door.port, { client_min_messages: 'error' });
      silent.send(ask('INSERT INTO alone VALUES (4)'));
      await until(() => primary.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'") === '1');
      await cancel(door.port, silent);
      expect((await silent.ended()).map(letters).join('')).toBe('E08007 ');
    } finally {
      primary.sql('ALTER SYSTEM RESET synchronous_standby_names');
      primary.sql('SELECT pg_reload_conf()');
    }
    expect(primary.sql('SELECT count(*) FROM alone')).toBe('4');
  });

  test('on the port for reading reads a standby, never older than what was acknowledged before', async () => {
    primary.sql('CREATE TABLE seen (a int)');
    const [writer, reader] = await Promise.all([open(), open(door.readPort)]);
    for (let i = 1; i <= 50; i += 1) {
      await writer.ask(ask(`INSERT INTO seen VALUES (${i})`));
      expect(await reader.value('SELECT max(a) FROM seen')).toBe(String(i));
    }
    expect(await reader.value('SELECT pg_is_in_recovery()::text')).toBe('true');
    expect(await reader.ask(ask('INSERT INTO seen VALUES (0)'))).toBe('E25006 Z');
    expect(door.statistics.standbyTransactions).toBeGreaterThan(40);
  });

  test('on the port for reading goes to the primary when the standby does not follow, and cannot write there', async () => {
    const reader = await open(door.readPort);
    const writer = await open();
    standby.sql('SELECT pg_wal_replay_pause()');
    try {
      await writer.ask(ask('CREATE TABLE paused AS SELECT 5 AS a'));
      expect(await reader.value('SELECT a FROM paused')).toBe('5');
      expect(await reader.value('SELECT pg_is_in_recovery()::text')).toBe('false');
      expect(await reader.ask(ask('DELETE FROM paused'))).toBe('E25006 Z');
      const relaxed = await open(door.readPort, { options: '-c folkmoot.causal_reads=off' });
      expect(await relaxed.ask(ask('SELECT a FROM paused'))).toBe('E42P01 Z');
    } finally {
      standby.sql('SELECT pg_wal_replay_resume()');
    }
    servers.set('serving', { down: [2] });
    expect(await reader.value('SELECT a FROM paused')).toBe('5');
  });

  test('whose read was cancelled while a server was looked for reads anew, and only once', async () => {
    const [reader, writer] = await Promise.all([open(door.readPort, { database: 'template1' }), open()]);
    standby.sql('SELECT pg_wal_replay_pause()');
    try {
      await writer.ask(ask('CREATE TABLE unread (a int)'));
      for (let i = 0; i < 10; i += 1) {
        const { bytesIn } = door.statistics;
        reader.send(ask('SELECT 1'));
        await until(() => door.statistics.bytesIn > bytesIn);
        await cancel(door.port, reader);
        expect((await reader.until('Z')).map(letters).join('')).toBe('E57014 Z');
      }
      expect(await reader.value('SELECT 2')).toBe('2');
      expect(await reader.value('SELECT 3')).toBe('3');
    } finally {
      standby.sql('SELECT pg_wal_replay_resume()');
    }
  });

  test('is not kept by a standby or a primary that is frozen, once that is known', async () => {
    const [reader, writer] = await Promise.all([open(door.readPort), open()]);
    expect(await reader.value('SELECT pg_is_in_recovery()::text')).toBe('true');
    const freeze = (server: RealServer, name: NodeJS.Signals): void => {
      // The processes that serve, too.
      const pids = server.backends();
      server.signal(name);
      for (const pid of pids) process.kill(pid, name);
    };
    freeze(standby, 'SIGSTOP');
    try {
      await writer.ask(ask('CREATE TABLE frozen AS SELECT 6 AS a'));
      servers.set('serving', { down: [2] });
      expect(await reader.value('SELECT a FROM frozen')).toBe('6');
    } finally {
      freeze(standby, 'SIGCONT');
    }
    servers.set('serving', { down: [] });
    expect(await reader.value('SELECT a FROM frozen')).toBe('6');
  });

  test('LISTENs without a connection of its own, also after a change of the primary\u2019s reign', async () => {
    const [listener, notifier] = await Promise.all([open(), open()]);
    expect(await listener.ask(ask('LISTEN "News"; LISTEN plain'))).toBe('CCZ');
    expect(await listener.ask(ask('BEGIN'))).toBe('CZ');
    expect(await listener.ask(ask('LISTEN never'))).toBe('CZ');
    expect(await listener.ask(ask('ROLLBACK'))).toBe('CZ');
    expect(door.poolRows()[0]).toMatchObject({ clientsPinned: 0 });
    await notifier.ask(ask(`NOTIFY never, 'x'; NOTIFY "News", 'hello'`));
    const [first] = await listener.until('A');
    expect(first?.bytes.toString('utf8', 9)).toBe('News\0hello\0');
    servers.set('serving', { epoch: 20 });
    expect(await listener.ask(ask('LISTEN again'))).toBe('CZ');
    await notifier.ask(ask("NOTIFY plain, 'there'"));
    expect((await listener.until('A')).at(-1)?.bytes.toString('utf8', 9)).toBe('plain\0there\0');
    expect(await listener.ask(ask('UNLISTEN plain'))).toBe('CZ');
    await notifier.ask(ask("NOTIFY plain, 'lost'; NOTIFY again, 'last'"));
    expect((await listener.until('A')).at(-1)?.bytes.toString('utf8', 9)).toBe('again\0last\0');
  });
});
