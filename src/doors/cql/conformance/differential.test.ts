/**
 * Statements by chance. Without Cassandra: none of them makes the door fail. With CASSANDRA=host:port (and SEED and STATEMENTS): Cassandra
 * answers each of them the same.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RANDOM_SCHEMA, RandomStatements } from './random-statements.test-support.ts';
import { runStep } from './script.test-support.ts';
import { startDoor, type TestDoor } from './test-door.test-support.ts';
import { WireClient } from './wire-client.test-support.ts';

const CASSANDRA = process.env['CASSANDRA'];
const SEED = Number(process.env['SEED'] ?? 1);
const STATEMENTS = Number(process.env['STATEMENTS'] ?? 1_500);
const KEYSPACE = 'conformance_random';

let door: TestDoor;
beforeAll(async () => {
  door = await startDoor();
});
afterAll(() => door.stop());

async function prepared(client: WireClient): Promise<WireClient> {
  await client.query(`DROP KEYSPACE IF EXISTS ${KEYSPACE}`);
  await client.query(
    `CREATE KEYSPACE ${KEYSPACE} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
  );
  await client.query(`USE ${KEYSPACE}`);
  for (const statement of RANDOM_SCHEMA) await client.query(statement);
  return client;
}

it('no statement makes the door fail, and most are carried out', { timeout: 60_000 + 40 * STATEMENTS }, async () => {
  const client = await prepared(await door.connect());
  const statements = new RandomStatements(SEED);
  let errors = 0;
  for (let left = STATEMENTS; left > 0; left -= 1) {
    const command = statements.next();
    const [first = ''] = await runStep(client, command);
    expect(first, command).not.toMatch(/^error (0000|1)/);
    if (first.startsWith('error')) errors += 1;
  }
  expect(errors).toBeLessThan(STATEMENTS / 2);
});

it.runIf(CASSANDRA !== undefined)('Cassandra answers the same', { timeout: 3_600_000 }, async () => {
  const [host = '', port = ''] = (CASSANDRA ?? '').split(':');
  const ours = await prepared(await door.connect());
  const theirs = await prepared(await WireClient.connect(host, Number(port)));
  const statements = new RandomStatements(SEED);
  const history: string[] = [];
  for (let left = STATEMENTS; left > 0; left -= 1) {
    const command = statements.next();
    const expected = await runStep(theirs, command);
    const answer = await runStep(ours, command);
    history.push(command);
    // What Cassandra cannot answer is nothing to compare with.
    if (expected.some((line) => line.startsWith('error 1300'))) continue;
    expect({ command, answer, history: history.slice(-20) }).toEqual({
      command,
      answer: expected,
      history: history.slice(-20),
    });
  }
  theirs.close();
});
