/** What the package says of itself, and where it is. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * Two folders up, seen from src/base/ as from dist/base/, and from dist/cli/, where the command is one file
 * (scripts/build.js). Nothing else may look for files of the package by where its own file is, unless it is two folders deep, too.
 */
const ROOT = new URL('../../', import.meta.url);

export const VERSION: string = (JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8')) as { version: string })
  .version;

/** The program `folkmoot`. */
export const COMMAND = fileURLToPath(new URL('bin/folkmoot.js', ROOT));
