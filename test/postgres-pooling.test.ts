import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { PostgresDoor } from '../src/doors/postgres/door.ts';
import { startGateway } from '../src/doors/postgres/gateway.test-support.ts';
import {
  ask,
  bind,
  closeStatement,
  describeStatement,
  execute,
  flush,
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

describe.skipIf(!hasPostgres)(`sessions over pooled connections${needsPostgres}`, () => {
  let servers: TestServers;
  let door: PostgresDoor;
  const clients: RawClient[] = [];

  beforeAll(async () => {
    servers = new TestServers([await RealServer.primary(1)]);
    door = await startGateway(servers, { authentication: false, limits: { pool_max: 2, wait_ms: 1_000 } });
  });

  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
  });

  afterAll(async () => {
    await door?.stop();
    await servers?.stop();
  });

  async function open(parameters: Record<string, string> = {}): Promise<RawClient> {
    const client = await RawClient.open(door.port, parameters);
    clients.push(client);
    return client;
  }

  /** Holds one connection, so that the next session gets another one. */
  async function busy(): Promise<RawClient> {
    const client = await open();
    await client.ask(ask('BEGIN'));
    return client;
  }

  test('more sessions than connections share them, transaction by transaction', async () => {
    const sessions = await Promise.all(Array.from({ length: 20 }, () => open()));
    const pids = await Promise.all(sessions.map((session) => session.value('SELECT pg_backend_pid()')));
    expect(new Set(pids).size).toBeLessThanOrEqual(2);
    const [first] = sessions as [RawClient];
    await first.ask(ask('BEGIN'));
    const pid = await first.value('SELECT pg_backend_pid()');
    await Promise.all(sessions.slice(1).map((session) => session.value('SELECT pg_backend_pid()')));
    expect(await first.value('SELECT pg_backend_pid()')).toBe(pid);
    expect(await first.ask(ask('COMMIT'))).toBe('CZ');
  });

  test('a session that has waited too long is told that nothing was done, and goes on', async () => {
    const [one, two, late] = await Promise.all([busy(), busy(), open()]);
    expect(await late.ask(ask('SELECT 1'))).toBe('E53300 Z');
    expect(await late.ask(parse('', 'SELECT 1'), bind(''), execute, sync)).toBe('E53300 Z');
    await Promise.all([one.ask(ask('ROLLBACK')), two.ask(ask('ROLLBACK'))]);
    expect(await late.ask(ask('SELECT 1'))).toBe('TDCZ');
  });

  test('a named statement goes with its session from connection to connection', async () => {
    const session = await open();
    expect(await session.ask(parse('mine', 'SELECT $1::int + 1'), sync)).toBe('1Z');
    const pids = new Set<string>();
    for (const holdsOther of [false, true]) {
      const other = holdsOther ? await busy() : null;
      const answer = await session.ask(bind('mine', '41'), execute, sync);
      expect(answer).toBe('2DCZ');
      pids.add(await session.value('SELECT pg_backend_pid()'));
      await other?.ask(ask('ROLLBACK'));
    }
    expect(await session.ask(describeStatement('mine'), sync)).toBe('tTZ');
    expect(await session.ask(closeStatement('mine'), sync)).toBe('3Z');
    expect(await session.ask(bind('mine', '1'), execute, sync)).toBe('E26000 Z');
  });

  test('what one session has prepared is answered in its place for another one', async () => {
    const text = 'SELECT $1::text';
    const [one, two] = await Promise.all([open(), open()]);
    expect(await one.ask(parse('a', text), bind('a', 'x'), execute, sync)).toBe('12DCZ');
    expect(
      await two.ask(parse('b', text), bind('b', 'x'), execute, parse('c', text), bind('c', 'y'), execute, sync),
    ).toBe('12DC12DCZ');
    expect(await two.ask(parse('b', 'SELECT 1'), sync)).toBe('E42P05 Z');
    expect(await one.ask(bind('b', 'x'), execute, sync)).toBe('E26000 Z');
  });

  test('a statement with an error is not kept', async () => {
    const session = await open();
    expect(await session.ask(parse('bad', 'SELECT FROM WHERE'), bind('bad'), execute, sync)).toBe('E42601 Z');
    expect(await session.ask(bind('bad'), execute, sync)).toBe('E26000 Z');
    expect(await session.ask(parse('bad', 'SELECT 1'), bind('bad'), execute, sync)).toBe('12DCZ');
  });

  test('the statement without a name is the session\u2019s own, whoever had the connection since', async () => {
    const [one, two] = await Promise.all([open(), open()]);
    expect(await one.ask(parse('', "SELECT 'one'"), sync)).toBe('1Z');
    expect(await two.ask(parse('', "SELECT 'two'"), sync)).toBe('1Z');
    one.send(bind(''), execute, sync);
    const row = (await one.until('Z')).find(({ type }) => type === 'D');
    expect(row?.bytes.toString()).toContain('one');
    expect(await (await open()).ask(bind(''), execute, sync)).toBe('E26000 Z');
  });

  test('DEALLOCATE reaches statements of the protocol, one or all', async () => {
    const session = await open();
    await session.ask(parse('one', 'SELECT 1'), parse('two', 'SELECT 2'), sync);
    const other = await busy();
    expect(await session.ask(ask('DEALLOCATE one'))).toBe('CZ');
    expect(await session.ask(bind('one'), execute, sync)).toBe('E26000 Z');
    expect(await session.ask(bind('two'), execute, sync)).toBe('2DCZ');
    expect(await session.ask(ask('DEALLOCATE ALL'))).toBe('CZ');
    expect(await session.ask(bind('two'), execute, sync)).toBe('E26000 Z');
    expect(await session.ask(parse('two', 'SELECT 2'), bind('two'), execute, sync)).toBe('12DCZ');
    await other.ask(ask('ROLLBACK'));
  });

  test('a changed table makes plans new, for a statement that is prepared again as well', async () => {
    const session = await open();
    await session.ask(
      ask('DROP TABLE IF EXISTS planned; CREATE TABLE planned (a int); INSERT INTO planned VALUES (1)'),
    );
    expect(await session.ask(parse('p', 'SELECT * FROM planned'), bind('p'), execute, sync)).toBe('12DCZ');
    await session.ask(ask('ALTER TABLE planned ADD COLUMN b int'));
    expect(await session.ask(bind('p'), execute, sync)).toMatch(/^(2)?E0A000 Z$/);
    await session.ask(closeStatement('p'), sync);
    expect(await session.ask(parse('p', 'SELECT * FROM planned'), bind('p'), execute, sync)).toBe('12DCZ');
  });

  test('settings go with their session, and nobody else has them', async () => {
    const [one, two] = await Promise.all([open({ application_name: 'one' }), open({ options: '-c search_path=two' })]);
    await one.ask(ask("SET statement_timeout = '7s'; SET app.tenant = 'blue'"));
    await one.ask(ask("SELECT set_config('work_mem', '5MB', false)"));
    for (const holdsOther of [false, true]) {
      const other = holdsOther ? await busy() : null;
      expect(
        await one.value(
          "SELECT current_setting('statement_timeout') || current_setting('work_mem') || current_setting('app.tenant')",
        ),
      ).toBe('7s5MBblue');
      expect(await one.value('SHOW application_name')).toBe('one');
      expect(await two.value('SHOW search_path')).toBe('two');
      expect(await two.value('SHOW statement_timeout')).toBe('0');
      expect(await two.value("SELECT coalesce(nullif(current_setting('app.tenant', true), ''), 'none')")).toBe('none');
      await other?.ask(ask('ROLLBACK'));
    }
    expect(door.statistics.pinned.setting).toBe(0);
  });

  test('an empty setting is one, too, and is not left to the next session', async () => {
    const one = await open();
    await one.ask(ask("SELECT set_config('search_path', '', false)"));
    const other = await busy();
    expect(await one.value("SELECT '<' || current_setting('search_path') || '>'")).toBe('<>');
    await other.ask(ask('ROLLBACK'));
    one.close();
    const two = await open();
    for (let i = 0; i < 4; i += 1) expect(await two.value('SHOW search_path')).toBe('"$user", public');
  });

  test('a setting that is rolled back, or local, is not kept', async () => {
    const session = await open();
    await session.ask(ask('BEGIN'));
    await session.ask(ask("SET search_path = 'gone'"));
    await session.ask(ask('ROLLBACK'));
    expect(await session.value('SHOW search_path')).toBe('"$user", public');
    await session.ask(ask("BEGIN; SET LOCAL search_path = 'gone'; COMMIT"));
    expect(await session.value('SHOW search_path')).toBe('"$user", public');
  });

  test('a reported setting is told to the session that set it, and is right for all', async () => {
    const [one, two] = await Promise.all([open(), open()]);
    expect(await one.ask(ask("SET DateStyle = 'German'"))).toBe('CSZ');
    expect(await two.value("SELECT date '2026-11-27'")).toBe('2026-11-27');
    expect(await one.value("SELECT date '2026-11-27'")).toBe('27.11.2026');
    expect(await two.ask(ask('SELECT 1'))).toBe('TDCZ');
  });

  test('an invalid setting at the start is PostgreSQL\u2019s own error', async () => {
    await expect(open({ options: '-c work_mem=much' })).rejects.toThrow('E22023');
    await expect(open({ database: 'nowhere' })).rejects.toThrow('E3D000');
    await expect(open({ user: 'stranger' })).rejects.toThrow('E28000');
  });

  test('DISCARD ALL makes a session as it was, and the connection, too', async () => {
    const session = await open({ application_name: 'begun' });
    await session.ask(ask('CREATE TEMP TABLE mine (a int)'));
    await session.ask(ask("SET application_name = 'other'; SET work_mem = '9MB'"));
    await session.ask(parse('kept', 'SELECT 1'), sync);
    expect(await session.ask(ask('DISCARD ALL'))).toBe('CSZ');
    expect(await session.value('SHOW application_name')).toBe('begun');
    expect(await session.value('SHOW work_mem')).toBe('4MB');
    expect(await session.ask(bind('kept'), execute, sync)).toBe('E26000 Z');
    expect(await session.ask(ask('TABLE mine'))).toBe('E42P01 Z');
  });

  test('what was sent ahead of the end of a DISCARD ALL that fails comes after it', async () => {
    const session = await open();
    await session.ask(ask("SET work_mem = '9MB'"));
    expect(await session.askAll(2, ask('DISCARD ALL at once'), ask('SHOW work_mem'))).toBe('E42601 ZTDCZ');
    expect(await session.value('SHOW work_mem')).toBe('9MB');
  });

  test('what cannot be pooled keeps its connection until the session ends, and then nothing of it is left', async () => {
    for (const [reason, sql] of [
      ['temporary', 'CREATE TEMP TABLE pinned_one (a int)'],
      ['advisory', 'SELECT pg_advisory_lock(77)'],
      ['prepare', 'PREPARE own AS SELECT 1'],
      ['hold', 'BEGIN; DECLARE held CURSOR WITH HOLD FOR SELECT 1; COMMIT'],
      ['role', 'CREATE ROLE other_role; SET ROLE other_role'],
    ] as const) {
      const before = door.statistics.pinned[reason];
      const session = await open();
      await session.ask(ask(sql));
      expect(door.statistics.pinned[reason], reason).toBe(before + 1);
      const pid = await session.value('SELECT pg_backend_pid()');
      const others = await Promise.all([open(), open(), open()]);
      for (const other of others) expect(await other.value('SELECT pg_backend_pid()')).not.toBe(pid);
      expect(await session.value('SELECT pg_backend_pid()')).toBe(pid);
      session.close();
    }
    const sessions = await Promise.all([open(), open()]);
    for (const session of sessions) {
      expect(await session.value('SELECT current_user::text')).toBe('postgres');
      expect(await session.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")).toBe('0');
    }
  });

  test('session pooling is asked for at the start, or set for a role', async () => {
    const session = await open({ options: '-c folkmoot.pool_mode=session' });
    await session.ask(ask('SET enable_seqscan = off'));
    const pid = await session.value('SELECT pg_backend_pid()');
    const other = await open();
    expect(await other.value('SELECT pg_backend_pid()')).not.toBe(pid);
    expect(await session.value('SHOW enable_seqscan')).toBe('off');
    expect(await session.ask(parse('own', 'SELECT 1'), ask('SELECT name FROM pg_prepared_statements'))).toBe('1TDCZ');
    session.close();
    await other.ask(
      ask("CREATE ROLE pooled_by_session LOGIN; ALTER ROLE pooled_by_session SET folkmoot.pool_mode = 'session'"),
    );
    const set = await open({ user: 'pooled_by_session' });
    await set.ask(ask('SELECT 1'));
    expect(door.poolRows().find(({ user }) => user === 'pooled_by_session')).toMatchObject({
      mode: 'session',
      clientsPinned: 1,
    });
  });

  test('requests that are sent ahead are answered in order, errors up to their Sync', async () => {
    const session = await open();
    const good = [parse('', 'SELECT 1'), bind(''), execute];
    const bad = [parse('', 'SELECT 1/0'), bind(''), execute];
    expect(await session.askAll(3, ...good, sync, ...bad, ...good, sync, ...good, sync)).toBe('12DCZ1E22012 Z12DCZ');
    expect(await session.askAll(2, ask('SELECT 1'), ask('SELECT 2'))).toBe('TDCZTDCZ');
    session.send(...good, flush);
    await session.until('C');
    expect(await session.ask(sync)).toBe('Z');
    expect(await session.ask(sync)).toBe('Z');
  });

  test('synchronous_commit is refused in every form, in its place', async () => {
    const session = await open();
    for (const sql of [
      'SET synchronous_commit = off',
      'set  session /* now */ SYNCHRONOUS_COMMIT to local',
      'SET LOCAL synchronous_commit TO off',
      'SET "synchronous_commit" = off',
      "SELECT set_config('synchronous_commit', 'off', false)",
      "UPDATE pg_settings SET setting = 'off' WHERE name = 'synchronous_commit'",
      'ALTER ROLE postgres SET synchronous_commit = off',
      'ALTER DATABASE postgres SET synchronous_commit TO off',
      'ALTER SYSTEM SET synchronous_commit = off',
      "ALTER SYSTEM SET synchronous_standby_names = ''",
      'ALTER SYSTEM SET fsync = off',
      'CREATE FUNCTION f() RETURNS int LANGUAGE sql SET synchronous_commit = off AS $$SELECT 1$$',
      'DO $$BEGIN SET LOCAL synchronous_commit = off; END$$',
      'SELECT 1; SET synchronous_commit = off',
    ]) {
      expect(await session.ask(ask(sql)), sql).toBe('E55P02 Z');
      expect(await session.ask(parse('', sql), bind(''), execute, sync), sql).toBe(
        sql.startsWith('SELECT 1;') ? '12E55P02 Z' : '12E55P02 Z',
      );
      expect(await session.ask(parse('named', sql), bind('named'), execute, sync), sql).toBe('12E55P02 Z');
      await session.ask(closeStatement('named'), sync);
    }
    await expect(open({ options: '-c synchronous_commit=off' })).rejects.toThrow('E55P02');
    expect(await session.value('SHOW synchronous_commit')).toBe('on');
    expect(await session.value("SELECT setting FROM pg_settings WHERE name = 'synchronous_commit'")).toBe('on');
    expect(await session.ask(ask('SET synchronous_commit TO DEFAULT'))).toBe('CZ');
    expect(await session.ask(ask("ALTER SYSTEM SET work_mem = '5MB'"))).toBe('CZ');
    expect(await session.ask(ask('ALTER SYSTEM RESET work_mem'))).toBe('CZ');
    await session.ask(ask('BEGIN'));
    expect(await session.ask(ask('SET synchronous_commit = off'))).toBe('E55P02 Z');
    expect(await session.ask(ask('SELECT 1'))).toBe('E25P02 Z');
    await session.ask(ask('ROLLBACK'));
  });

  test('a session that ends within a transaction leaves nothing open', async () => {
    const session = await open();
    await session.ask(ask('DROP TABLE IF EXISTS left_open; CREATE TABLE left_open (a int)'));
    const other = await open();
    await other.ask(ask('BEGIN'));
    await other.ask(ask('INSERT INTO left_open VALUES (1)'));
    other.close();
    expect(await session.ask(ask('LOCK TABLE left_open'))).toContain('Z');
    expect(await session.value('SELECT count(*) FROM left_open')).toBe('0');
  });

  test('a large parameter and a large row pass in pieces', async () => {
    const session = await open();
    const large = 'x'.repeat(3_000_000);
    expect(await session.ask(parse('big', 'SELECT length($1::text)'), bind('big', large), execute, sync)).toBe('12DCZ');
    expect(await session.ask(parse('row', "SELECT repeat('y', 5000000)"), bind('row'), execute, sync)).toBe('12DCZ');
    expect(await session.value(`SELECT length('${large}')`)).toBe('3000000');
    expect(door.statistics.pinned.unseen).toBe(1);
  });
});

describe.skipIf(!hasPostgres)(`the limits of a gateway${needsPostgres}`, () => {
  let servers: TestServers;
  let door: PostgresDoor;

  beforeAll(async () => {
    servers = new TestServers([await RealServer.primary(1)]);
    door = await startGateway(servers, {
      authentication: false,
      clients_max: 3,
      limits: { idleInTransaction_ms: 300, serverIdle_ms: 200, statements_max: 2 },
    });
  });

  afterAll(async () => {
    await door?.stop();
    await servers?.stop();
  });

  test('end a session that does nothing within its transaction', async () => {
    const client = await RawClient.open(door.port);
    await client.ask(ask('BEGIN'));
    expect((await client.ended()).map(letters)).toEqual(['E25P03 ']);
    const idle = await RawClient.open(door.port);
    await idle.ask(ask('SELECT 1'));
    expect(await idle.ask(ask('SELECT 1'))).toBe('TDCZ');
    idle.close();
  });

  test('close connections that nobody uses, and forget the pool', async () => {
    const client = await RawClient.open(door.port);
    await client.ask(ask('SELECT 1'));
    while (door.poolRows()[0]?.servers !== 0) await new Promise((resolve) => setImmediate(resolve));
    expect(await client.ask(ask('SELECT 1'))).toBe('TDCZ');
    client.close();
    while (door.poolRows().length > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(door.prepared.size).toBe(0);
  });

  test('refuse one client too many, and statements without end', async () => {
    servers.servers[0]?.sql('CREATE ROLE plain LOGIN');
    const plain = { user: 'plain' };
    const clients = await Promise.all([1, 2, 3].map(() => RawClient.open(door.port, plain)));
    await expect(RawClient.open(door.port, plain)).rejects.toThrow('E53300');
    // A superuser still gets in, to see what is wrong.
    (await RawClient.open(door.port)).close();
    const [first, second] = clients as [RawClient, RawClient];
    first.send(parse('a', 'SELECT 1'), parse('b', 'SELECT 2'), parse('c', 'SELECT 3'), sync);
    expect((await first.ended()).map(letters).join('')).toContain('E53400');
    expect(await second.ask(ask('SELECT 1'))).toBe('TDCZ');
    for (const client of clients) client.close();
  });

  test('a newer minor version is negotiated down, and keys are longer from 3.2 on', async () => {
    const client = await RawClient.openVersion(door.port, 9, { '_pq_.unheard': 'of' });
    const said = client.greeting.find(({ type }) => type === 'v');
    expect(said?.bytes.readInt32BE(5)).toBe((3 << 16) | 2);
    expect(said?.bytes.toString('latin1', 13)).toBe('_pq_.unheard\0');
    expect(client.key.length).toBe(32);
    expect(await client.ask(ask('SELECT 1'))).toBe('TDCZ');
    client.close();
    const old = await RawClient.openVersion(door.port, 0, {});
    expect(old.key.length).toBe(4);
    old.close();
  });

  test('a node that stops lets transactions end and then its clients go', async () => {
    const [idle, busy] = await Promise.all([RawClient.open(door.port), RawClient.open(door.port)]);
    await busy.ask(ask('BEGIN'));
    const drained = door.drain(5_000);
    expect((await idle.ended()).map(letters)).toEqual(['E57P01 ']);
    expect(await busy.ask(ask('COMMIT'))).toBe('CZ');
    expect((await busy.ended()).map(letters)).toEqual(['E57P01 ']);
    await drained;
    expect(door.clients).toBe(0);
  });
});
