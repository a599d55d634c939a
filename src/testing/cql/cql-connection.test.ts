import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startDoor, type TestDoor } from '../../doors/cql/conformance/test-door.test-support.ts';
import { CqlConnection, type CqlReply, CqlServerError } from './cql-connection.ts';
import type { CqlValue } from './values.ts';

let door: TestDoor;
let connection: CqlConnection;

beforeEach(async () => {
  door = await startDoor();
  connection = new CqlConnection('127.0.0.1', door.door.port, { user: 'cassandra', password: 'cassandra' });
  await run("CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
  await run('CREATE TABLE k.t (a text PRIMARY KEY, b int, c bigint, d boolean, e list<text>, f set<int>)');
});

afterEach(async () => {
  connection.close();
  await door.stop();
});

function run(text: string, ...values: CqlValue[]): Promise<CqlReply> {
  return connection.send({ statement: { text, values } });
}

describe('a connection', () => {
  test('brings values there and back', async () => {
    const insert = 'INSERT INTO k.t (a, b, c, d, e, f) VALUES (?, ?, ?, ?, ?, ?)';
    expect(await run(insert, 'höher', -5, 2 ** 40, true, ['x', 'y'], [3, 1])).toEqual([]);
    expect(await run(insert, 'nothing', null, null, null, null, null)).toEqual([]);
    expect(await run('SELECT a, b, c, d, e, f FROM k.t WHERE a = ?', 'höher')).toEqual([
      { a: 'höher', b: -5, c: 2 ** 40, d: true, e: ['x', 'y'], f: [1, 3] },
    ]);
    expect(await run('SELECT b, e FROM k.t WHERE a = ?', 'nothing')).toEqual([{ b: null, e: null }]);
  });

  test('has many requests under way, each with its own answer', async () => {
    const keys = Array.from({ length: 200 }, (_, n) => `key ${n}`);
    await Promise.all(keys.map((key, n) => run('INSERT INTO k.t (a, b) VALUES (?, ?)', key, n)));
    const rows = await Promise.all(keys.map((key) => run('SELECT b FROM k.t WHERE a = ?', key)));
    expect(rows).toEqual(keys.map((_, n) => [{ b: n }]));
  });

  test('sends batches', async () => {
    const text = 'INSERT INTO k.t (a, b) VALUES (?, ?)';
    const statements = ['x', 'y', 'z'].map((key, n) => ({ text, values: [key, n] }));
    expect(await connection.send({ batch: 'logged', statements })).toEqual([]);
    expect(await run('SELECT b FROM k.t WHERE a = ?', 'z')).toEqual([{ b: 2 }]);
  });

  test('is told what is wrong, and goes on', async () => {
    const refused = await run('SELECT nothing FROM k.t');
    expect(refused).toBeInstanceOf(CqlServerError);
    expect(refused).toMatchObject({ code: 0x2200, text: expect.stringContaining('Undefined column name nothing') });
    expect(await run('SELECT b FROM k.t')).toEqual([]);
  });

  test('that ends before the answer has perhaps done something, and one that was never there has not', async () => {
    const late = run('INSERT INTO k.t (a, b) VALUES (?, ?)', 'late', 1);
    // What is prepared is sent at once; this takes one more round.
    await run('SELECT b FROM k.t');
    connection.close();
    await expect(late.then(() => connection.send({ statement: { text: 'x', values: [] } }))).rejects.toMatchObject({
      name: 'ConnectionLost',
      sent: false,
    });
    const text = 'SELECT b FROM k.t WHERE a = ?';
    const other = new CqlConnection('127.0.0.1', door.door.port, { user: 'cassandra', password: 'cassandra' });
    await other.send({ statement: { text, values: ['late'] } });
    const open = other.send({ statement: { text, values: ['late'] } });
    // The request leaves at the end of this turn of the microtasks.
    await new Promise((resolve) => queueMicrotask(() => queueMicrotask(() => queueMicrotask(() => resolve(null)))));
    other.close();
    await expect(open).rejects.toMatchObject({ name: 'ConnectionLost', sent: true });
    const nowhere = new CqlConnection('127.0.0.1', 1, { user: '', password: '' });
    await expect(nowhere.send({ statement: { text, values: ['late'] } })).rejects.toMatchObject({ sent: false });
  });
});
