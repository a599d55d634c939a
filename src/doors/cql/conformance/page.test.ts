/** docs/doors/cql.md says what works: its examples are run, and it names every function. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NATIVE_FUNCTIONS } from '../types/functions/all.ts';
import { startDoor, type TestDoor } from './test-door.test-support.ts';
import type { WireClient } from './wire-client.test-support.ts';

const page = readFileSync(new URL('../../../../docs/doors/cql.md', import.meta.url), 'utf8');
/** The last column of tables with three, where it is code. */
const examples = [...page.matchAll(/^\|[^|]+\|[^|]+\| `([^|]+)` \|$/gm)].map((match) => match[1] ?? '');

describe('examples of the page about this door', () => {
  let door: TestDoor;
  let client: WireClient;
  beforeAll(async () => {
    door = await startDoor();
    client = await door.connect();
  });
  afterAll(() => door.stop());

  it('are all found', () => expect(examples.length).toBeGreaterThan(20));

  it.each(examples)('%s', async (example) => {
    const answer = await client.query(example);
    expect(answer.filter((line) => line.startsWith('error'))).toEqual([]);
  });
});

it('names every function', () => {
  const functions = page.slice(page.indexOf('## Functions'), page.indexOf('## Limits'));
  const spelt = functions.replaceAll('_', '');
  const missing = NATIVE_FUNCTIONS.map(({ name }) => name).filter((name) => {
    return !/asblob$|^blobas|_as_blob$|^blob_as/.test(name) && !spelt.includes(`\`${name.replaceAll('_', '')}\``);
  });
  expect(missing).toEqual([]);
});
