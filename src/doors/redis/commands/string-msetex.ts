/** MSETEX numkeys key value [key value ...] [NX | XX] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL] */

import { type CommandSpec, countedKeys } from '../command-spec.ts';
import type { CommandContext } from '../context.ts';
import { arityText, replyError } from '../errors.ts';
import { Constant } from '../reply-writer.ts';
import { expireOf } from '../value.ts';
import { expireOption, isExpireOption } from './expire-options.ts';
import { putArgument } from './string-set.ts';

interface Options {
  condition: string;
  keepExpire: boolean;
  /** 0: none given. */
  expire_ms: number;
}

function parseOptions(context: CommandContext, from: number): Options {
  const { request } = context;
  const options: Options = { condition: '', keepExpire: false, expire_ms: 0 };
  for (let index = from; index < request.count; index += 1) {
    const word = request.word(index);
    const untimed = options.expire_ms === 0 && !options.keepExpire;
    if ((word === 'NX' || word === 'XX') && options.condition === '') options.condition = word;
    else if (word === 'KEEPTTL' && untimed) options.keepExpire = true;
    else if (isExpireOption(word) && untimed) {
      index += 1;
      options.expire_ms = expireOption(context, word, index);
    } else context.syntaxError();
  }
  return options;
}

export const msetex = {
  name: 'MSETEX',
  group: 'string',
  since: '9.1.0',
  summary: 'Sets several keys to strings with one expiry time, on a condition if asked.',
  complexity: 'O(N), N keys',
  arity: -4,
  flags: ['write', 'denyoom', 'movablekeys'],
  categories: ['string'],
  keys: [countedKeys(1, 2, 'OW', 'update')],
  run(context: CommandContext): void {
    const { keyspace, request, slot } = context;
    const count = request.integer(1);
    if (count === undefined || count < 1n || count > 1_000_000n) throw replyError('ERR invalid numkeys value');
    const after = 2 + Number(count) * 2;
    if (after > request.count) throw replyError(arityText('msetex'));
    const options = parseOptions(context, after);
    const keys: string[] = [];
    for (let index = 2; index < after; index += 2) keys.push(context.key(index));
    const fits = keys.every((key) => {
      const there = keyspace.find(slot, key) !== undefined;
      return options.condition === '' || there === (options.condition === 'XX');
    });
    if (!fits) {
      context.reply.constant(Constant.zero);
      return;
    }
    for (const [position, key] of keys.entries()) {
      const before = options.keepExpire ? keyspace.find(slot, key) : undefined;
      const expire_ms = before === undefined ? options.expire_ms : expireOf(before);
      if (options.expire_ms !== 0 && expire_ms <= context.now_ms) keyspace.remove(slot, key);
      else putArgument(context, slot, key, 3 + position * 2, expire_ms);
    }
    context.reply.constant(Constant.one);
  },
} as const satisfies CommandSpec;
