/** Lists: pushing, popping and moving at the ends. */

import type { RedisList } from '../collections/list.ts';
import { findList, openList } from '../collections/open.ts';
import { type CommandSpec, countedKeys, oneKey } from '../command-spec.ts';
import type { CommandContext } from '../context.ts';
import { arityText, ErrorText, replyError } from '../errors.ts';
import { Constant } from '../reply-writer.ts';
import { parseMultiPop } from './multi-pop.ts';

const shared = { group: 'list', categories: ['list'] } as const;

function push(context: CommandContext, left: boolean, onlyIfThere: boolean): void {
  const key = context.key(1);
  const list = onlyIfThere ? findList(context, context.slot, key) : openList(context, context.slot, key);
  if (list === undefined) {
    context.reply.constant(Constant.zero);
    return;
  }
  for (const element of context.elements(2)) list.push(element, left);
  list.save();
  context.reply.integer(list.count);
}

const pushing = {
  ...shared,
  complexity: 'O(N log M), N elements added to M',
  arity: -3,
  flags: ['write', 'denyoom', 'fast'],
  keys: [oneKey(1, 'RW', 'insert')],
} as const;

export const lpush = {
  ...pushing,
  name: 'LPUSH',
  since: '1.0.0',
  summary: 'Adds elements at the start of a list.',
  run: (context: CommandContext): void => push(context, true, false),
} as const satisfies CommandSpec;

export const rpush = {
  ...pushing,
  name: 'RPUSH',
  since: '1.0.0',
  summary: 'Adds elements at the end of a list.',
  run: (context: CommandContext): void => push(context, false, false),
} as const satisfies CommandSpec;

export const lpushx = {
  ...pushing,
  name: 'LPUSHX',
  since: '2.2.0',
  summary: 'Adds elements at the start of a list that is there.',
  run: (context: CommandContext): void => push(context, true, true),
} as const satisfies CommandSpec;

export const rpushx = {
  ...pushing,
  name: 'RPUSHX',
  since: '2.2.0',
  summary: 'Adds elements at the end of a list that is there.',
  run: (context: CommandContext): void => push(context, false, true),
} as const satisfies CommandSpec;

/** Removes up to `count` elements from an end, writing them as an array. */
function popMany(context: CommandContext, list: RedisList, count: number, left: boolean): void {
  const { reply } = context;
  const size = list.count;
  const wanted = Math.min(count, size);
  reply.array(wanted);
  let rest = wanted;
  list.visit(left ? 0 : size - 1, !left, (buffer, start, end) => {
    reply.bulkSlice(buffer, start, end);
    rest -= 1;
    return rest > 0;
  });
  if (wanted === size) {
    context.keyspace.remove(context.slot, list.key);
    return;
  }
  list.trim(left ? wanted : 0, left ? size : size - wanted);
  list.save();
}

function pop(context: CommandContext, left: boolean): void {
  const { request, reply } = context;
  if (request.count > 3) throw replyError(arityText(context.commandName));
  const counted = request.count === 3;
  if (counted && context.integer(2, ErrorText.notPositive) < 0n) throw replyError(ErrorText.notPositive);
  const list = findList(context, context.slot, context.key(1));
  if (list === undefined) {
    if (counted) reply.nullArray();
    else reply.null();
  } else if (!counted) {
    const element = list.pop(left);
    list.save();
    reply.text(element);
  } else if (context.number(2) === 0) reply.constant(Constant.emptyArray);
  else popMany(context, list, context.number(2), left);
}

const popping = {
  ...shared,
  since: '1.0.0',
  complexity: 'O(N log M), N elements removed of M',
  arity: -2,
  flags: ['write', 'fast'],
  keys: [oneKey(1, 'RW', 'access', 'delete')],
} as const;

export const lpop = {
  ...popping,
  name: 'LPOP',
  summary: 'Removes elements from the start of a list and returns them.',
  run: (context: CommandContext): void => pop(context, true),
} as const satisfies CommandSpec;

export const rpop = {
  ...popping,
  name: 'RPOP',
  summary: 'Removes elements from the end of a list and returns them.',
  run: (context: CommandContext): void => pop(context, false),
} as const satisfies CommandSpec;

export const lmpop = {
  ...shared,
  name: 'LMPOP',
  since: '7.0.0',
  summary: 'Removes elements from an end of the first list that has any, and returns them.',
  complexity: 'O(K + N log M), N elements removed of M, K keys',
  arity: -4,
  flags: ['write', 'movablekeys'],
  keys: [countedKeys(1, 1, 'RW', 'access', 'delete')],
  run(context: CommandContext): void {
    const { reply, slot } = context;
    const { keys, first, count } = parseMultiPop(context, 'LEFT', 'RIGHT');
    for (const key of keys) {
      const list = findList(context, slot, key);
      if (list === undefined) continue;
      reply.array(2);
      reply.text(key);
      popMany(context, list, count, first);
      return;
    }
    reply.nullArray();
  },
} as const satisfies CommandSpec;

function move(context: CommandContext, fromLeft: boolean, toLeft: boolean): void {
  const { reply, slot } = context;
  const target = context.key(2);
  const from = findList(context, slot, context.key(1));
  if (from === undefined) {
    reply.null();
    return;
  }
  const to = from.key === target ? from : openList(context, slot, target);
  const element = from.pop(fromLeft);
  if (to !== from) from.save();
  to.push(element, toLeft);
  to.save();
  reply.text(element);
}

/** True for LEFT. */
function sideAt(context: CommandContext, index: number): boolean {
  const word = context.request.word(index);
  if (word !== 'LEFT' && word !== 'RIGHT') context.syntaxError();
  return word === 'LEFT';
}

const moving = {
  ...shared,
  complexity: 'O(log M), M elements',
  flags: ['write', 'denyoom'],
  keys: [oneKey(1, 'RW', 'access', 'delete'), oneKey(2, 'RW', 'insert')],
} as const;

export const lmove = {
  ...moving,
  name: 'LMOVE',
  since: '6.2.0',
  summary: 'Moves an element from an end of a list to an end of another, and returns it.',
  arity: 5,
  run: (context: CommandContext): void => move(context, sideAt(context, 3), sideAt(context, 4)),
} as const satisfies CommandSpec;

export const rpoplpush = {
  ...moving,
  name: 'RPOPLPUSH',
  since: '1.2.0',
  summary: 'Moves an element from the end of a list to the start of another, and returns it.',
  arity: 3,
  run: (context: CommandContext): void => move(context, false, true),
} as const satisfies CommandSpec;
