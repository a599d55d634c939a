import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';

const read = (path: string): Promise<string> => readFile(new URL(`../../${path}`, import.meta.url), 'utf8');

test('the example in docs/testing.md is the one that is run as a test', async () => {
  const example = (await read('test/testing-example.test.ts')).replace('../src/testing/index.ts', 'folkmoot/testing');
  const shown = /```ts\n(.*?)```/s.exec(await read('docs/testing.md'))?.[1];
  expect(shown).toBe(example);
});
