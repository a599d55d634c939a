/** OBJECT and MEMORY USAGE: what is known about a value beside what it is. */

import { ENCODING_NAMES, encodingOfCollection, readLargeHead } from '../collections/payload.ts';
import { type CommandSpec, oneKey } from '../command-spec.ts';
import type { CommandContext } from '../context.ts';
import { ErrorText, replyError } from '../errors.ts';
import { helpCommand } from '../help.ts';
import { ELEMENT_PREFIX_BYTES } from '../key-layout.ts';
import { parseInteger } from '../request.ts';
import { hasFlag, payloadStart, typeOf, ValueFlag, ValueType } from '../value.ts';

/** Redis stores shorter strings in one piece with their header. */
const EMBEDDED_BYTES_MAX = 44;

/** The name by which Redis knows a value's encoding. */
export function encodingOf(value: Buffer): string {
  const type = typeOf(value);
  if (type === ValueType.stream) return 'stream';
  if (type !== ValueType.string) return ENCODING_NAMES[encodingOfCollection(value)];
  const from = payloadStart(value);
  if (hasFlag(value, ValueFlag.changedInPlace)) return 'raw';
  if (parseInteger(value, from, value.length) !== undefined) return 'int';
  return value.length - from <= EMBEDDED_BYTES_MAX ? 'embstr' : 'raw';
}

function findKey(context: CommandContext): Buffer | undefined {
  return context.keyspace.find(context.slot, context.key(2));
}

const shared = {
  group: 'generic',
  complexity: 'O(1)',
  arity: 3,
  flags: ['readonly'],
  categories: ['keyspace'],
  tips: ['nondeterministic_output'],
  keys: [oneKey(2, 'RO')],
} as const;

const encoding = {
  ...shared,
  name: 'ENCODING',
  since: '2.2.3',
  summary: 'Names the encoding that Redis would use.',
  run(context: CommandContext): void {
    const value = findKey(context);
    if (value === undefined) context.reply.null();
    else context.reply.text(encodingOf(value));
  },
} as const satisfies CommandSpec;

const freq = {
  ...shared,
  name: 'FREQ',
  since: '4.0.0',
  summary: 'Access frequency: not recorded.',
  run(context: CommandContext): void {
    if (findKey(context) === undefined) context.reply.null();
    else {
      throw replyError(
        'ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.',
      );
    }
  },
} as const satisfies CommandSpec;

const idletime = {
  ...shared,
  name: 'IDLETIME',
  since: '2.2.3',
  summary: 'Seconds since the last access: not recorded, always 0.',
  note: 'Always 0: reads are not recorded.',
  run(context: CommandContext): void {
    if (findKey(context) === undefined) context.reply.null();
    else context.reply.integer(0);
  },
} as const satisfies CommandSpec;

const refcount = {
  ...shared,
  name: 'REFCOUNT',
  since: '2.2.3',
  summary: 'References to the value: always 1.',
  run(context: CommandContext): void {
    if (findKey(context) === undefined) context.reply.null();
    else context.reply.integer(1);
  },
} as const satisfies CommandSpec;

export const object = {
  name: 'OBJECT',
  group: 'generic',
  since: '2.2.3',
  summary: 'Tells about the value at a key.',
  complexity: 'Depends on subcommand.',
  arity: -2,
  flags: [],
  subcommands: [
    encoding,
    freq,
    helpCommand(
      'OBJECT',
      'generic',
      '6.2.0',
      ['ENCODING <key>', 'Name the encoding that Redis would use for the value.'],
      ['FREQ <key>', 'Access frequency: not recorded.'],
      ['IDLETIME <key>', 'Seconds since the last access: not recorded, always 0.'],
      ['REFCOUNT <key>', 'References to the value: always 1.'],
    ),
    idletime,
    refcount,
  ],
} as const satisfies CommandSpec;

/** Bytes that a key takes in a node's memory and store, roughly: overlay or LMDB entry, key, value. */
const ENTRY_OVERHEAD_BYTES = 56;

export const memoryUsage = {
  name: 'USAGE',
  group: 'server',
  since: '4.0.0',
  summary: 'Estimates the bytes that a key and its value take on each replica.',
  complexity: 'O(1)',
  arity: -3,
  flags: ['readonly'],
  keys: [oneKey(2, 'RO')],
  run(context: CommandContext): void {
    const { request } = context;
    if (request.count > 3) {
      if (request.count !== 5 || request.word(3) !== 'SAMPLES') context.syntaxError();
      if (context.integer(4) < 0n) throw replyError(ErrorText.syntax);
    }
    const value = findKey(context);
    if (value === undefined) {
      context.reply.null();
      return;
    }
    let bytes = ENTRY_OVERHEAD_BYTES + request.length(2) + value.length;
    if (hasFlag(value, ValueFlag.elementsOutside)) {
      const head = readLargeHead(value);
      bytes += head.bytes + head.count * (ENTRY_OVERHEAD_BYTES + ELEMENT_PREFIX_BYTES);
    }
    context.reply.integer(bytes);
  },
} as const satisfies CommandSpec;
