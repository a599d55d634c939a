import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { commandSpecs } from './commands/all.ts';
import { parseKnownCommands, redisDocumentation } from './documentation.ts';

const page = new URL('../../../docs/doors/redis.md', import.meta.url);
const known = parseKnownCommands(readFileSync(new URL('./valkey-commands.tsv', import.meta.url), 'utf8'));

test('docs/doors/redis.md is what the table of commands says (scripts/generate-redis-docs.js writes it)', () => {
  const text = redisDocumentation(commandSpecs, known);
  if (process.env['FOLKMOOT_WRITE_DOCS'] === '1') {
    mkdirSync(new URL('.', page), { recursive: true });
    writeFileSync(page, text);
  }
  expect(readFileSync(page, 'utf8')).toBe(text);
});

test('every command of the data groups that do not wait, and of the groups around them, is answered in some way', () => {
  const names = new Set<string>();
  for (const spec of commandSpecs) {
    names.add(spec.name);
    for (const sub of spec.subcommands ?? []) names.add(`${spec.name}|${sub.name}`);
  }
  const groups = ['string', 'generic', 'hash', 'set', 'list', 'sorted_set', 'bitmap', 'hyperloglog', 'geo'];
  groups.push('transactions', 'connection', 'server', 'cluster');
  const missing = known.filter((command) => groups.includes(command.group) && !names.has(command.name));
  const waiting = ['BLMOVE', 'BLMPOP', 'BLPOP', 'BRPOP', 'BRPOPLPUSH', 'BZMPOP', 'BZPOPMAX', 'BZPOPMIN'];
  expect(missing.map((command) => command.name).sort()).toEqual([...waiting, 'CLUSTERSCAN']);
});
