/** LCS key1 key2 [LEN] [IDX] [MINMATCHLEN n] [WITHMATCHLEN]: the longest common subsequence of two strings. */

import { type CommandSpec, keyRange } from '../command-spec.ts';
import type { CommandContext } from '../context.ts';
import { replyError } from '../errors.ts';
import { payloadStart, typeOf, ValueType } from '../value.ts';

interface Options {
  length: boolean;
  indexes: boolean;
  withLength: boolean;
  shortest: number;
}

interface Match {
  readonly a: readonly [number, number];
  readonly b: readonly [number, number];
}

function parseOptions(context: CommandContext): Options {
  const { request } = context;
  const options: Options = { length: false, indexes: false, withLength: false, shortest: 0 };
  for (let index = 3; index < request.count; index += 1) {
    const word = request.word(index);
    if (word === 'LEN') options.length = true;
    else if (word === 'IDX') options.indexes = true;
    else if (word === 'WITHMATCHLEN') options.withLength = true;
    else if (word === 'MINMATCHLEN' && index + 1 < request.count) {
      index += 1;
      options.shortest = Math.max(0, context.number(index));
    } else context.syntaxError();
  }
  if (options.length && options.indexes) {
    throw replyError('ERR If you want both the length and indexes, please just use IDX.');
  }
  return options;
}

function stringAt(context: CommandContext, index: number): Buffer {
  const value = context.keyspace.find(context.slot, context.key(index));
  if (value === undefined) return Buffer.alloc(0);
  if (typeOf(value) !== ValueType.string) throw replyError('ERR The specified keys must contain string values');
  return value.subarray(payloadStart(value));
}

/** lengths[i * (b.length + 1) + j]: length of the answer for the first i bytes of `a` and the first j of `b`. */
function fillTable(a: Buffer, b: Buffer): Uint32Array {
  const width = b.length + 1;
  const lengths = new Uint32Array((a.length + 1) * width);
  for (let i = 1; i <= a.length; i += 1) {
    for (let j = 1; j <= b.length; j += 1) {
      const at = i * width + j;
      if (a[i - 1] === b[j - 1]) lengths[at] = (lengths[at - width - 1] as number) + 1;
      else lengths[at] = Math.max(lengths[at - width] as number, lengths[at - 1] as number);
    }
  }
  return lengths;
}

/** Walks the table back and collects the subsequence and its runs, from the end, in the order in which Redis lists them. */
function walkBack(a: Buffer, b: Buffer, lengths: Uint32Array): { text: Buffer; matches: Match[] } {
  const width = b.length + 1;
  let left = lengths[a.length * width + b.length] as number;
  const text = Buffer.alloc(left);
  const matches: Match[] = [];
  let run: { aFrom: number; aTo: number; bFrom: number; bTo: number } | undefined;
  let i = a.length;
  let j = b.length;
  const close = (): void => {
    if (run !== undefined) matches.push({ a: [run.aFrom, run.aTo], b: [run.bFrom, run.bTo] });
    run = undefined;
  };
  while (i > 0 && j > 0) {
    if (a[i - 1] === b[j - 1]) {
      left -= 1;
      text[left] = a[i - 1] as number;
      if (run === undefined) run = { aFrom: i - 1, aTo: i - 1, bFrom: j - 1, bTo: j - 1 };
      else if (run.aFrom === i && run.bFrom === j) {
        run.aFrom -= 1;
        run.bFrom -= 1;
      } else {
        close();
        run = { aFrom: i - 1, aTo: i - 1, bFrom: j - 1, bTo: j - 1 };
      }
      i -= 1;
      j -= 1;
    } else {
      const up = lengths[(i - 1) * width + j] as number;
      const before = lengths[i * width + j - 1] as number;
      if (up > before) i -= 1;
      else j -= 1;
      close();
    }
  }
  close();
  return { text, matches };
}

function writeIndexes(context: CommandContext, matches: readonly Match[], total: number, options: Options): void {
  const { reply } = context;
  const listed = matches.filter((match) => match.a[1] - match.a[0] + 1 >= options.shortest);
  reply.map(2);
  reply.text('matches');
  reply.array(listed.length);
  for (const match of listed) {
    reply.array(options.withLength ? 3 : 2);
    for (const [from, to] of [match.a, match.b]) {
      reply.array(2);
      reply.integer(from);
      reply.integer(to);
    }
    if (options.withLength) reply.integer(match.a[1] - match.a[0] + 1);
  }
  reply.text('len');
  reply.integer(total);
}

export const lcs = {
  name: 'LCS',
  group: 'string',
  since: '7.0.0',
  summary: 'Finds the longest common subsequence of two strings.',
  complexity: 'O(N*M), N and M their lengths',
  arity: -3,
  flags: ['readonly'],
  categories: ['string'],
  keys: [keyRange(1, 1, 'RO', 'access')],
  run(context: CommandContext): void {
    // Redis looks at the keys before the options.
    const a = stringAt(context, 1);
    const b = stringAt(context, 2);
    const options = parseOptions(context);
    if ((a.length + 1) * (b.length + 1) * 4 > context.limits.bulkBytes_max) {
      throw replyError('ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len');
    }
    const lengths = fillTable(a, b);
    const total = lengths[lengths.length - 1] as number;
    if (options.length) {
      context.reply.integer(total);
      return;
    }
    const { text, matches } = walkBack(a, b, lengths);
    if (options.indexes) writeIndexes(context, matches, total, options);
    else context.reply.bulk(text);
  },
} as const satisfies CommandSpec;
