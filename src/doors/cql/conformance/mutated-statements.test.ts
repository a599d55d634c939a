/**
 * Statements that are nearly right: those of the scripts with words left out, doubled, swapped or taken from elsewhere. Whatever is
 * answered, no statement may meet a defect (0x0000).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Prng } from '../../../base/prng.ts';
import { readScript, runStep } from './script.test-support.ts';
import { startDoor, type TestDoor } from './test-door.test-support.ts';

const SEED = Number(process.env['SEED'] ?? 1);
/** Of each statement. */
const MUTATIONS = Number(process.env['MUTATIONS'] ?? 1);

const folder = new URL('scripts/', import.meta.url);
const scripts = readdirSync(folder)
  .filter((name) => name.endsWith('.txt'))
  .map((name) => readScript(readFileSync(new URL(name, folder), 'utf8')).map(({ command }) => command));
/** Every word that occurs, as often as it does. */
const words = scripts.flat().flatMap(wordsOf);

let door: TestDoor;
beforeAll(async () => {
  door = await startDoor();
});
afterAll(() => door.stop());

function wordsOf(command: string): string[] {
  return command.slice(2).match(/'[^']*'|"[^"]*"|\w+|\s+|[^\w\s]/g) ?? [];
}

function mutated(command: string, prng: Prng): string {
  const parts = wordsOf(command);
  for (let left = 1 + prng.below(3); left > 0 && parts.length > 0; left -= 1) {
    const at = prng.below(parts.length);
    const there = parts[at] as string;
    const other = prng.below(parts.length);
    switch (prng.below(5)) {
      case 0:
        parts.splice(at, 1);
        break;
      case 1:
        parts.splice(at, 0, there, ' ');
        break;
      case 2:
        parts[at] = parts[other] as string;
        parts[other] = there;
        break;
      case 3:
        parts[at] = prng.pick(words);
        break;
      default:
        parts.splice(at, 1, ...parts.slice(other, other + 6), ' ');
    }
  }
  return command.slice(0, 2) + parts.join('');
}

it('no statement that is nearly right meets a defect', { timeout: 120_000 * (1 + MUTATIONS) }, async () => {
  const prng = new Prng(SEED);
  const defects: string[] = [];
  for (const [index, commands] of scripts.entries()) {
    const client = await door.connect();
    const keyspace = `mutated_${index}`;
    const replication = "{'class': 'SimpleStrategy', 'replication_factor': 1}";
    await client.query(`CREATE KEYSPACE ${keyspace} WITH replication = ${replication}`);
    await client.query(`USE ${keyspace}`);
    for (const command of commands) {
      for (let left = MUTATIONS; left > 0; left -= 1) {
        // As text only: values of markers would have to be mutated with them.
        const text = `${prng.chance(0.3) ? '?' : '>'} ${mutated(command, prng).slice(2)}`;
        const [first = ''] = await runStep(client, text);
        if (first.startsWith('error 0000')) defects.push(text);
      }
      await runStep(client, command);
    }
    client.close();
  }
  expect(defects).toEqual([]);
});
