/** A command as COMMAND, COMMAND INFO and COMMAND DOCS tell it. */
import type { CommandFlag, KeySpec } from './command-shape.ts';
import type { Command } from './command-table.ts';
import type { ReplyWriter } from './reply-writer.ts';

export const ACL_CATEGORIES: readonly string[] = [
  'keyspace',
  'read',
  'write',
  'set',
  'sortedset',
  'list',
  'hash',
  'string',
  'bitmap',
  'hyperloglog',
  'geo',
  'stream',
  'pubsub',
  'admin',
  'fast',
  'slow',
  'blocking',
  'dangerous',
  'connection',
  'transaction',
  'scripting',
];

/** Categories that follow from flags, and those the command names itself, in Redis's order. */
export function aclCategories(command: Command): string[] {
  const has = (flag: CommandFlag): boolean => command.spec.flags.includes(flag);
  const found = new Set<string>(command.spec.categories ?? []);
  if (has('write')) found.add('write');
  if (has('readonly') && !found.has('scripting')) found.add('read');
  if (has('admin')) {
    found.add('admin');
    found.add('dangerous');
  }
  if (has('pubsub')) found.add('pubsub');
  if (has('fast')) found.add('fast');
  else found.add('slow');
  if (has('blocking')) found.add('blocking');
  return ACL_CATEGORIES.filter((name) => found.has(name));
}

/** First key, last key and step, as COMMAND tells them: they cover the fixed places only. */
export function legacyRange(command: Command): [number, number, number] {
  const ranges = (command.spec.keys ?? []).filter((spec) => spec.kind === 'range');
  const first = ranges[0];
  if (first === undefined) return [0, 0, 0];
  let last = first.last < 0 ? first.last : first.index + first.last;
  for (const range of ranges.slice(1))
    if (last >= 0 && range.last >= 0) last = Math.max(last, range.index + range.last);
  return [first.index, last, first.step];
}

/** COMMAND INFO's array of ten. */
export function writeCommandInfo(reply: ReplyWriter, command: Command): void {
  const [first, last, step] = legacyRange(command);
  reply.array(10);
  reply.text(command.fullName);
  reply.integer(command.arity);
  reply.set(command.spec.flags.length);
  for (const flag of command.spec.flags) reply.status(flag);
  reply.integer(first);
  reply.integer(last);
  reply.integer(step);
  const categories = aclCategories(command);
  reply.set(categories.length);
  for (const category of categories) reply.status(`@${category}`);
  const tips = command.spec.tips ?? [];
  reply.set(tips.length);
  for (const tip of tips) reply.text(tip);
  const keys = command.spec.keys ?? [];
  reply.set(keys.length);
  for (const spec of keys) writeKeySpec(reply, spec);
  const children = [...(command.subcommands?.values() ?? [])];
  reply.array(children.length);
  for (const child of children) writeCommandInfo(reply, child);
}

function writePairs(reply: ReplyWriter, pairs: readonly (readonly [string, number])[]): void {
  reply.map(pairs.length);
  for (const [name, value] of pairs) {
    reply.text(name);
    reply.integer(value);
  }
}

function writeKeySpec(reply: ReplyWriter, spec: KeySpec): void {
  reply.map(3);
  reply.text('flags');
  reply.set(spec.flags.length);
  for (const flag of spec.flags) reply.status(flag);
  reply.text('begin_search');
  reply.map(2);
  reply.text('type');
  reply.text('index');
  reply.text('spec');
  writePairs(reply, [['index', spec.index]]);
  reply.text('find_keys');
  reply.map(2);
  reply.text('type');
  reply.text(spec.kind === 'count' ? 'keynum' : 'range');
  reply.text('spec');
  if (spec.kind === 'count') {
    writePairs(reply, [
      ['keynumidx', 0],
      ['firstkey', spec.first],
      ['keystep', spec.step],
    ]);
  } else {
    writePairs(reply, [
      ['lastkey', spec.last],
      ['keystep', spec.step],
      ['limit', 0],
    ]);
  }
}

/** The name and the map that COMMAND DOCS gives for it. */
export function writeCommandDocs(reply: ReplyWriter, command: Command): void {
  const { spec } = command;
  const children = [...(command.subcommands?.values() ?? [])];
  const pairs: [string, string][] = [
    ['summary', spec.summary],
    ['since', spec.since],
    ['group', spec.group.replace('_', '-')],
  ];
  if (spec.complexity !== undefined) pairs.push(['complexity', spec.complexity]);
  reply.text(command.fullName);
  reply.map(pairs.length + (children.length > 0 ? 1 : 0));
  for (const [name, value] of pairs) {
    reply.text(name);
    reply.text(value);
  }
  if (children.length === 0) return;
  reply.text('subcommands');
  reply.map(children.length);
  for (const child of children) writeCommandDocs(reply, child);
}
