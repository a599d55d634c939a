/** BITOP: AND, OR, XOR and NOT over whole strings. */
import { payloadAt } from '../bitmap/bit-arguments.ts';
import { allKeys, type CommandSpec, oneKey } from '../command-spec.ts';
import type { CommandContext } from '../context.ts';
import { replyError } from '../errors.ts';
import { headerBytes, ValueFlag, ValueType } from '../value.ts';

/** Each changes `target` in place. `source` is as long as `target` or shorter, and goes on in zeros. */
const operations: Readonly<Record<string, (target: Buffer, source: Buffer) => void>> = {
  AND(target, source) {
    for (let at = 0; at < source.length; at += 1) target[at] = (target[at] as number) & (source[at] as number);
    target.fill(0, source.length);
  },
  OR(target, source) {
    for (let at = 0; at < source.length; at += 1) target[at] = (target[at] as number) | (source[at] as number);
  },
  XOR(target, source) {
    for (let at = 0; at < source.length; at += 1) target[at] = (target[at] as number) ^ (source[at] as number);
  },
};

export const bitop = {
  name: 'BITOP',
  group: 'bitmap',
  since: '2.6.0',
  summary: 'Combines strings bit by bit (AND, OR, XOR, NOT) and stores the result at a key.',
  complexity: 'O(N), N bytes of all strings',
  arity: -4,
  flags: ['write', 'denyoom'],
  categories: ['bitmap'],
  keys: [oneKey(2, 'OW', 'update'), allKeys(3, 1, 'RO', 'access')],
  run(context: CommandContext): void {
    const { keyspace, reply, request, slot } = context;
    const name = request.word(1);
    const operation = operations[name];
    if (operation === undefined && name !== 'NOT') context.syntaxError();
    if (name === 'NOT' && request.count !== 4) {
      throw replyError('ERR BITOP NOT must be called with a single source key.');
    }
    const target = context.key(2);
    const sources: Buffer[] = [];
    for (let index = 3; index < request.count; index += 1) sources.push(payloadAt(context, index));
    const length = sources.reduce((longest, source) => Math.max(longest, source.length), 0);
    if (length === 0) keyspace.remove(slot, target);
    else {
      const value = keyspace.newValue(ValueType.string, ValueFlag.changedInPlace, 0, length);
      const payload = value.subarray(headerBytes(0));
      const [first, ...others] = sources as [Buffer, ...Buffer[]];
      payload.set(first);
      payload.fill(0, first.length);
      for (const other of others) operation?.(payload, other);
      if (name === 'NOT') for (let at = 0; at < length; at += 1) payload[at] = ~(payload[at] as number);
      keyspace.put(slot, target, value, 0);
    }
    reply.integer(length);
  },
} as const satisfies CommandSpec;
