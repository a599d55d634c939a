/**
 * Breaks a copy of the sources in one way after the other and counts how many seeds it takes until a run fails. A mutation that no
 * seed catches says that an oracle or a fault is missing. The shipped sources are never touched.
 *
 *   npm run sim:mutations [-- NAME ...] [--seeds=300]
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { MUTATIONS, type Mutation } from './mutation-list.ts';

/** From sim/dist/sim/. */
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const FIRST_SEED = 1;

function tryMutation(mutation: Mutation, seeds: number): string {
  const copy = mkdtempSync(join(tmpdir(), 'folkmoot-mutation-'));
  try {
    for (const part of ['src', 'sim', 'package.json', 'tsconfig.json', 'tsconfig.build.json']) {
      cpSync(join(ROOT, part), join(copy, part), {
        recursive: true,
        filter: (source) => !source.endsWith('/sim/dist'),
      });
    }
    symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
    for (const { file, find, replace } of mutation.edits) {
      const path = join(copy, file);
      const text = readFileSync(path, 'utf8');
      if (text.split(find).length !== 2)
        return `NOT APPLIED: ${file} does not hold the text to be replaced exactly once`;
      writeFileSync(
        path,
        text.replace(find, () => replace),
      );
    }
    // What a mutation leaves unused is no error that matters here; it compiles all the same.
    const compiler = join(ROOT, 'node_modules/@typescript/native/bin/tsc');
    spawnSync(process.execPath, [compiler, '-p', 'sim/tsconfig.json'], { cwd: copy });
    const run = spawnSync(
      process.execPath,
      ['sim/dist/sim/main.js', `--from=${FIRST_SEED}`, `--seeds=${seeds}`, '--first'],
      { cwd: copy, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
    );
    const failure = /^Seed (\d+) failed.*\n(.*)/m.exec(run.stdout);
    if (failure !== null) return `caught by seed ${failure[1]}: ${(failure[2] ?? '').trim().slice(0, 110)}`;
    return run.status === 0 ? `NOT CAUGHT by ${seeds} seeds` : `did not run: ${run.stderr.slice(0, 300)}`;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

const { values, positionals } = parseArgs({
  args: process.argv.slice(2),
  options: { seeds: { type: 'string', default: '400' } },
  allowPositionals: true,
});
let missed = 0;
for (const mutation of MUTATIONS) {
  if (positionals.length > 0 && !positionals.includes(mutation.name)) continue;
  const verdict = tryMutation(mutation, Number(values.seeds));
  if (!verdict.startsWith('caught')) missed += 1;
  console.log(`${mutation.name.padEnd(36)} ${verdict}`);
}
process.exitCode = missed === 0 ? 0 : 1;
