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

test('every command of the groups that are complete is answered in some way', () => {
  const names = new Set<string>();
  for (const spec of commandSpecs) {
    names.add(spec.name);
    for (const sub of spec.subcommands ?? []) names.add(`${spec.name}|${sub.name}`);
  }
  const groups = ['string', 'bitmap', 'hyperloglog', 'geo', 'transactions', 'connection', 'server', 'cluster'];
  const missing = known.filter((command) => groups.includes(command.group) && !names.has(command.name));
  expect(missing.map((command) => command.name)).toEqual(['CLUSTERSCAN']);
});

test('of the generic group only SORT, SORT_RO, DUMP and RESTORE are missing', () => {
  const names = new Set(commandSpecs.map((spec) => spec.name));
  const missing = known
    .filter((command) => command.group === 'generic' && !command.name.includes('|') && !names.has(command.name))
    .map((command) => command.name);
  expect(missing).toEqual(['DUMP', 'RESTORE', 'SORT', 'SORT_RO']);
});
