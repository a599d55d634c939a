import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Interaction } from './interaction.test-support.ts';

/**
 * Each file in testdata/ is a script with the output it must give. RAFT_UPDATE=1 writes the output anew; read the
 * difference before it is kept: a golden file that records a bug is worse than none.
 */
const folder = join(import.meta.dirname, 'testdata');
const update = process.env['RAFT_UPDATE'] === '1';

describe('interaction', () => {
  for (const file of readdirSync(folder).sort()) {
    if (!file.endsWith('.txt')) continue;
    test(file, () => {
      const path = join(folder, file);
      const expected = readFileSync(path, 'utf8');
      const actual = new Interaction().run(expected);
      if (update) writeFileSync(path, actual);
      else expect(actual).toBe(expected);
    });
  }
});
