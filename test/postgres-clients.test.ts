import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as tlsConnect } from 'node:tls';
import { promisify } from 'node:util';
import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import { integer, pgTable, serial, text } from 'drizzle-orm/pg-core';
import pg from 'pg';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { silentLogger } from '../src/base/log.ts';
import { newRole } from '../src/cluster/access/role.ts';
import { makeVerifier } from '../src/cluster/access/scram.ts';
import type { PostgresDoor } from '../src/doors/postgres/door.ts';
import { PASSWORD, startGateway } from '../src/doors/postgres/gateway.test-support.ts';
import { startup } from '../src/doors/postgres/protocol/messages.ts';
import {
  hasPostgres,
  needsPostgres,
  postgresProgram,
  RealServer,
  TestServers,
} from '../src/doors/postgres/real-servers.test-support.ts';
import { CertificateFiles } from '../src/node/tls/certificate-files.ts';
import { socketUpgrade } from '../src/node/tls/door-server.ts';
import { makeCertificates } from '../src/node/tls/make-certificates.ts';

const execute = promisify(execFile);

describe.skipIf(!hasPostgres)(`unmodified clients of the gateway${needsPostgres}`, () => {
  let folder: string;
  let servers: TestServers;
  let door: PostgresDoor;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'folkmoot-pg-clients-'));
    await makeCertificates({ folder, hosts: ['127.0.0.1'], days: 30 });
    const certificates = new CertificateFiles(join(folder, '127.0.0.1'), silentLogger);
    const primary = await RealServer.primary(1);
    servers = new TestServers([primary, await RealServer.standby(2, primary)]);
    primary.sql('CREATE ROLE anna LOGIN; CREATE DATABASE shop OWNER anna');
    const anna = newRole('anna', { login: true, passwords: [await makeVerifier('old'), await makeVerifier('annas')] });
    const nobody = newRole('nobody', { login: false, passwords: [await makeVerifier('x')] });
    door = await startGateway(servers, {
      roles: [anna, nobody],
      secure: socketUpgrade(certificates, 'postgresql'),
      // A busy machine may take long to ask the standby for the first time, and a read would go to the primary instead.
      limits: { pool_max: 4, replay_ms: 10_000 },
    });
  });

  afterAll(async () => {
    await door?.stop();
    await servers?.stop();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  function psql(connection: string, ...statements: string[]): Promise<{ stdout: string; stderr: string }> {
    const commands = statements.flatMap((statement) => ['-c', statement]);
    const environment = { PATH: process.env['PATH'] ?? '', PGPASSWORD: PASSWORD, PGCONNECT_TIMEOUT: '10' };
    return execute(postgresProgram('psql'), ['-X', '-q', '-A', '-t', connection, ...commands], { env: environment });
  }

  function place(options = ''): string {
    return `host=127.0.0.1 port=${door.port} user=postgres dbname=postgres ${options}`;
  }

  test('psql logs in over TLS and in clear, and runs a script', async () => {
    for (const mode of ['disable', 'prefer', 'require', 'verify-full']) {
      const connection = place(`sslmode=${mode} sslrootcert=${join(folder, 'ca.crt')}`);
      expect((await psql(connection, 'SELECT 1 + 1')).stdout.trim(), mode).toBe('2');
    }
    const { stdout } = await psql(
      place(),
      'BEGIN',
      'CREATE TABLE scripted (a int)',
      'INSERT INTO scripted VALUES (3)',
      'COMMIT',
      'TABLE scripted',
    );
    expect(stdout.trim()).toBe('3');
    await expect(psql(place('sslmode=require').replace('postgres ', 'stranger '), 'SELECT 1')).rejects.toThrow(
      'password authentication failed for user "stranger"',
    );
    await expect(psql(place().replace('user=postgres', 'user=nobody'), 'SELECT 1')).rejects.toThrow(
      'password authentication failed',
    );
  });

  test('TLS without asking first needs the protocol of the name postgresql', async () => {
    const answered = await new Promise<string | undefined>((resolve, reject) => {
      const socket = tlsConnect(
        { host: '127.0.0.1', port: door.port, rejectUnauthorized: false, ALPNProtocols: ['postgresql'] },
        () => {
          socket.write(startup({ user: 'postgres' }));
        },
      );
      socket.on('data', (bytes: Buffer) => {
        resolve(`${socket.alpnProtocol} ${bytes.toString('latin1', 0, 1)}`);
        socket.destroy();
      });
      socket.on('error', reject);
    });
    expect(answered).toBe('postgresql R');
  });

  test('libpq finds the right port by what a session has to be able to do', async () => {
    const both = `host=127.0.0.1,127.0.0.1 port=${door.readPort},${door.port} user=postgres dbname=postgres target_session_attrs=`;
    const port = 'SELECT pg_is_in_recovery()';
    for (const [attributes, isStandby] of [
      ['read-write', 'f'],
      ['primary', 'f'],
      ['read-only', 't'],
      ['standby', 't'],
      ['prefer-standby', 't'],
      ['any', 't'],
    ]) {
      expect((await psql(both + attributes, port)).stdout.trim(), attributes).toBe(isStandby);
    }
    servers.set('serving', { down: [2] });
    expect((await psql(`${both}prefer-standby`, port)).stdout.trim()).toBe('f');
    await expect(psql(`${both}standby`, port)).rejects.toThrow('not in hot standby mode');
    servers.set('serving', { down: [] });
  });

  test('libpq goes on to the next host where the first one does not answer', async () => {
    const dead = createServer();
    await new Promise<void>((resolve) => dead.listen(0, '127.0.0.1', resolve));
    const address = dead.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await new Promise((resolve) => dead.close(resolve));
    const connection = `host=127.0.0.1,127.0.0.1 port=${port},${door.port} user=postgres dbname=postgres`;
    expect((await psql(connection, 'SELECT 5')).stdout.trim()).toBe('5');
  });

  test('psql copies in and out', async () => {
    const file = join(folder, 'rows.csv');
    writeFileSync(file, Array.from({ length: 50_000 }, (_, i) => `${i},name of ${i}\n`).join(''));
    const out = join(folder, 'out.csv');
    await psql(
      place(),
      'CREATE TABLE copied (a int, b text)',
      `\\copy copied FROM '${file}' CSV`,
      `\\copy copied TO '${out}' CSV`,
    );
    expect((await psql(place(), 'SELECT count(*), sum(a) FROM copied')).stdout.trim()).toBe('50000|1249975000');
    expect((await execute('cmp', [file, out])).stdout).toBe('');
    writeFileSync(file, 'no number,x\n');
    await expect(psql(place(), `\\copy copied FROM '${file}' CSV`)).rejects.toThrow('invalid input syntax');
    expect((await psql(place(), 'SELECT 1')).stdout.trim()).toBe('1');
  });

  test('pgbench runs in all its modes, with more clients than connections', async () => {
    const environment = { PATH: process.env['PATH'] ?? '', PGPASSWORD: PASSWORD };
    const common = ['-h', '127.0.0.1', '-p', String(door.port), '-U', 'postgres'];
    await execute(postgresProgram('pgbench'), [...common, '-i', '-q', 'postgres'], { env: environment });
    for (const mode of ['simple', 'extended', 'prepared']) {
      const { stdout } = await execute(
        postgresProgram('pgbench'),
        [...common, '-n', '-M', mode, '-c', '10', '-j', '10', '-t', '20', 'postgres'],
        { env: environment },
      );
      expect(stdout, mode).toContain('number of transactions actually processed: 200/200');
    }
    const total = (
      await psql(place(), 'SELECT sum(abalance) FROM pgbench_accounts', 'SELECT sum(tbalance) FROM pgbench_tellers')
    ).stdout.split('\n');
    expect(total[0]).toBe(total[1]);
  });

  test('pg: a pool, parameters, named statements, transactions, errors, notifications', async () => {
    const options = {
      host: '127.0.0.1',
      port: door.port,
      user: 'anna',
      password: 'annas',
      database: 'shop',
      ssl: { rejectUnauthorized: false },
    };
    const pool = new pg.Pool({ ...options, max: 12 });
    await pool.query('CREATE TABLE numbers (n int PRIMARY KEY)');
    await Promise.all(
      Array.from({ length: 200 }, (_, n) =>
        pool.query({ name: 'put', text: 'INSERT INTO numbers VALUES ($1)', values: [n] }),
      ),
    );
    expect((await pool.query('SELECT sum(n)::int AS total FROM numbers')).rows).toEqual([{ total: 19_900 }]);
    await expect(pool.query('INSERT INTO numbers VALUES (1)')).rejects.toMatchObject({ code: '23505' });
    const client = await pool.connect();
    await client.query('BEGIN');
    await client.query('DELETE FROM numbers');
    await client.query('ROLLBACK');
    const heard = new Promise<string | undefined>((resolve) =>
      client.on('notification', ({ payload }) => resolve(payload)),
    );
    await client.query('LISTEN orders');
    await pool.query("SELECT pg_notify('orders', 'new')");
    expect(await heard).toBe('new');
    client.release();
    expect((await pool.query('SELECT count(*)::int AS n FROM numbers')).rows).toEqual([{ n: 200 }]);
    await pool.end();
    await expect(new pg.Client({ ...options, password: 'old' }).connect()).rejects.toMatchObject({ code: '28P01' });
  });

  test('postgres.js: pipelines, transactions, cursors, COPY, notifications, cancel', async () => {
    const client = postgres({
      host: '127.0.0.1',
      port: door.port,
      user: 'anna',
      password: 'annas',
      database: 'shop',
      max: 6,
      ssl: { rejectUnauthorized: false },
      onnotice: () => undefined,
    });
    await client`CREATE TABLE things (id int, name text)`;
    const rows = Array.from({ length: 100 }, (_, id) => ({ id, name: `thing ${id}` }));
    await client`INSERT INTO things ${client(rows)}`;
    const found = await Promise.all(rows.map(({ id }) => client`SELECT name FROM things WHERE id = ${id}`));
    expect(found.map(([row]) => row?.['name'])).toEqual(rows.map(({ name }) => name));
    await client.begin(async (transaction) => {
      await transaction`UPDATE things SET name = 'changed' WHERE id = 1`;
      await transaction.savepoint((inner) => inner`SELECT 1/0`).catch(() => undefined);
    });
    let count = 0;
    await client`SELECT * FROM things`.cursor(7, (part) => {
      count += part.length;
    });
    expect(count).toBe(100);
    const copy = await client`COPY things TO STDOUT`.readable();
    let lines = 0;
    for await (const part of copy) lines += String(part).split('\n').length - 1;
    expect(lines).toBe(100);
    const heard = new Promise<string>((resolve) => {
      void client.listen('things', resolve).then(() => client.notify('things', 'changed'));
    });
    expect(await heard).toBe('changed');
    const slow = client`SELECT pg_sleep(60)`;
    slow.catch(() => undefined);
    await client`SELECT 1`;
    setTimeout(() => slow.cancel(), 50);
    await expect(slow).rejects.toMatchObject({ code: '57014' });
    await client.end();
  });

  test('pg_dump and psql carry a database over, and it is dropped again', async () => {
    const environment = { PATH: process.env['PATH'] ?? '', PGPASSWORD: PASSWORD };
    const file = join(folder, 'dump.sql');
    await psql(
      place(),
      'CREATE TABLE dumped (id serial PRIMARY KEY, b bytea)',
      "INSERT INTO dumped (b) SELECT decode(md5(i::text), 'hex') FROM generate_series(1, 500) i",
    );
    const common = ['-h', '127.0.0.1', '-p', String(door.port), '-U', 'postgres'];
    await execute(postgresProgram('pg_dump'), [...common, '-t', 'dumped', '-f', file, 'postgres'], {
      env: environment,
    });
    await psql(place(), 'CREATE DATABASE other');
    const other = place().replace('dbname=postgres', 'dbname=other');
    await psql(other, `\\i ${file}`);
    const sum = 'SELECT count(*), md5(string_agg(b::text, id::text ORDER BY id)) FROM dumped';
    expect((await psql(other, sum)).stdout).toBe((await psql(place(), sum)).stdout);
    // The gateway still has connections to it.
    expect(door.poolRows().some(({ database, servers: count }) => database === 'other' && count > 0)).toBe(true);
    await psql(place(), 'DROP DATABASE other');
  });

  test('a program with Drizzle migrates and works', async () => {
    const migrations = join(folder, 'migrations');
    mkdirSync(join(migrations, 'meta'), { recursive: true });
    const entries = [
      'CREATE TABLE authors (id serial PRIMARY KEY, name text NOT NULL);\n--> statement-breakpoint\nCREATE TABLE books (id serial PRIMARY KEY, author integer REFERENCES authors(id), title text NOT NULL);',
      'ALTER TABLE books ADD COLUMN pages integer DEFAULT 1 NOT NULL;',
    ].map((statements, idx) => {
      writeFileSync(join(migrations, `000${idx}_step.sql`), statements);
      return { idx, version: '7', when: 1_700_000_000_000 + idx, tag: `000${idx}_step`, breakpoints: true };
    });
    writeFileSync(
      join(migrations, 'meta', '_journal.json'),
      JSON.stringify({ version: '7', dialect: 'postgresql', entries }),
    );
    const pool = new pg.Pool({
      host: '127.0.0.1',
      port: door.port,
      user: 'anna',
      password: 'annas',
      database: 'shop',
      max: 5,
    });
    const database = drizzle(pool);
    await migrate(database, { migrationsFolder: migrations });
    await migrate(database, { migrationsFolder: migrations });
    const authors = pgTable('authors', { id: serial('id').primaryKey(), name: text('name').notNull() });
    const books = pgTable('books', {
      id: serial('id').primaryKey(),
      author: integer('author'),
      title: text('title').notNull(),
      pages: integer('pages').notNull(),
    });
    const [author] = await database.insert(authors).values({ name: 'Waltari' }).returning();
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        database.insert(books).values({ author: author?.id ?? 0, title: `book ${i}`, pages: i }),
      ),
    );
    await expect(
      database.transaction(async (transaction) => {
        await transaction.delete(books);
        throw new Error('not today');
      }),
    ).rejects.toThrow('not today');
    const found = await database.select({ pages: sql<number>`sum(${books.pages})::int` }).from(books);
    expect(found).toEqual([{ pages: 190 }]);
    await pool.end();
  });
});
