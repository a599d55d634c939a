/**
 * Statements beside Apache Cassandra: what the scripts expect is what Cassandra 5.0 answered. To record answers anew, or those of a new
 * script, run this file with CASSANDRA=host:port; keyspaces whose names begin with `conformance_` are made and dropped there.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readScript, runStep, writeScript } from './script.test-support.ts';
import { startDoor, type TestDoor } from './test-door.test-support.ts';
import { WireClient } from './wire-client.test-support.ts';

const CASSANDRA = process.env['CASSANDRA'];
const folder = new URL('scripts/', import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith('.txt'));

function keyspaceOf(script: string): string {
  return `conformance_${script.replace('.txt', '').replaceAll('-', '_')}`;
}

/** Every script has a keyspace to itself, so that they may run in any order. */
async function connected(client: WireClient, script: string): Promise<WireClient> {
  const keyspace = keyspaceOf(script);
  await client.query(`DROP KEYSPACE IF EXISTS ${keyspace}`);
  await client.query(
    `CREATE KEYSPACE ${keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
  );
  await client.query(`USE ${keyspace}`);
  return client;
}

if (CASSANDRA !== undefined) {
  const [host = '', port = ''] = CASSANDRA.split(':');
  describe('answers are recorded', () => {
    it.each(names)('%s', { timeout: 300_000 }, async (name) => {
      const text = readFileSync(new URL(name, folder), 'utf8');
      const client = await connected(await WireClient.connect(host, Number(port)), name);
      const answers: (readonly string[])[] = [];
      for (const { command } of readScript(text)) answers.push(await runStep(client, command));
      await client.query(`DROP KEYSPACE ${keyspaceOf(name)}`);
      client.close();
      writeFileSync(new URL(name, folder), writeScript(text, answers));
    });
  });
} else {
  describe('answers are those of Cassandra', () => {
    let door: TestDoor;
    beforeAll(async () => {
      door = await startDoor();
    });
    afterAll(() => door.stop());

    describe.each(names)('%s', (name) => {
      const steps = readScript(readFileSync(new URL(name, folder), 'utf8'));
      let client: WireClient;
      beforeAll(async () => {
        client = await connected(await door.connect(), name);
      });
      it.each(steps)('$command', async ({ command, answer, own }) => {
        expect(await runStep(client, command)).toEqual(own.length > 0 ? own : answer);
      });
    });
  });
}
