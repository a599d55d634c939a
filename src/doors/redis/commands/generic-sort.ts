/** SORT and SORT_RO. */
import { findHash, findList, findSet, findSortedSet, newList } from '../collections/open.ts';
import { type CommandSpec, oneKey } from '../command-spec.ts';
import { type CommandContext, ELEMENT_BYTES_MAX } from '../context.ts';
import { ErrorText, replyError } from '../errors.ts';
import { parseLooseFloat } from '../number-format.ts';
import { slotOfString } from '../slot.ts';
import { payloadStart, typeOf, ValueType } from '../value.ts';

interface SortOptions {
  descending: boolean;
  alpha: boolean;
  offset: number;
  count: number;
  by: string | undefined;
  gets: string[];
  target: string | undefined;
}

const PATTERN_ERROR =
  'ERR BY option of SORT denied in cluster mode when keys formed by the pattern may be in different slots.';
const GET_ERROR =
  'ERR GET option of SORT denied in cluster mode when keys formed by the pattern may be in different slots.';

function parse(context: CommandContext, storing: boolean): SortOptions {
  const { request } = context;
  const options: SortOptions = {
    descending: false,
    alpha: false,
    offset: 0,
    count: -1,
    by: undefined,
    gets: [],
    target: undefined,
  };
  for (let index = 2; index < request.count; index += 1) {
    const word = request.word(index);
    const rest = request.count - index - 1;
    if (word === 'ASC') options.descending = false;
    else if (word === 'DESC') options.descending = true;
    else if (word === 'ALPHA') options.alpha = true;
    else if (word === 'LIMIT' && rest >= 2) {
      options.offset = context.number(index + 1);
      options.count = context.number(index + 2);
      index += 2;
    } else if (storing && word === 'STORE' && rest >= 1) {
      index += 1;
      options.target = context.key(index);
      if (context.slotAt(index) !== context.slot) throw replyError(ErrorText.crossSlot);
    } else if (word === 'BY' && rest >= 1) {
      index += 1;
      options.by = request.string(index);
      if (options.by.includes('*')) checkPattern(context, options.by, PATTERN_ERROR);
    } else if (word === 'GET' && rest >= 1) {
      index += 1;
      const pattern = request.string(index);
      if (pattern !== '#') checkPattern(context, pattern, GET_ERROR);
      options.gets.push(pattern);
    } else context.syntaxError();
  }
  return options;
}

/** Keys made from a pattern have to be in the slot of the command: its hash tag has to say so. */
function checkPattern(context: CommandContext, pattern: string, text: string): void {
  const tag = /^[^{]*\{([^}]+)\}/.exec(pattern);
  if (tag === null || (tag[1] as string).includes('*') || slotOfString(`{${tag[1] as string}}`) !== context.slot) {
    throw replyError(text);
  }
}

/** What a pattern names for an element: a string, or with `->` a field of a hash. undefined when it is not there. */
function lookUp(context: CommandContext, pattern: string, element: string): string | undefined {
  if (pattern === '#') return element;
  const star = pattern.indexOf('*');
  if (star < 0) return undefined;
  const arrow = pattern.indexOf('->', star + 1);
  const hasField = arrow >= 0 && arrow + 2 < pattern.length;
  const key = pattern.slice(0, star) + element + pattern.slice(star + 1, hasField ? arrow : undefined);
  const { keyspace, slot } = context;
  const value = keyspace.find(slot, key);
  if (value === undefined) return undefined;
  if (hasField) {
    return typeOf(value) === ValueType.hash ? findHash(context, slot, key)?.get(pattern.slice(arrow + 2)) : undefined;
  }
  if (typeOf(value) !== ValueType.string) return undefined;
  // A string may be a little longer than an element, which goes through JavaScript's own texts.
  if (value.length - payloadStart(value) > ELEMENT_BYTES_MAX) throw replyError(ErrorText.stringTooLong);
  return value.latin1Slice(payloadStart(value));
}

/** The elements of a list, set or sorted set, and what they are ordered by when nothing sorts them. */
function elementsOf(context: CommandContext, key: string): { elements: string[]; type: number } {
  const { keyspace, slot } = context;
  const value = keyspace.find(slot, key);
  let elements: string[] = [];
  if (value === undefined) return { elements, type: ValueType.list };
  const type = typeOf(value);
  if (type === ValueType.list) {
    findList(context, slot, key)?.visit(0, false, (buffer, start, end) => {
      return elements.push(buffer.latin1Slice(start, end)) > 0;
    });
  } else if (type === ValueType.set) elements = findSet(context, slot, key)?.members() ?? [];
  else if (type === ValueType.sortedSet) {
    const set = findSortedSet(context, slot, key);
    set?.visitRanks(0, set.count, false, (member) => elements.push(member) > 0);
  } else throw replyError(ErrorText.wrongType);
  return { elements, type };
}

/** Sorts by number or by bytes of the weight; equal ones by the element's bytes, as Redis does. */
function sorted(context: CommandContext, elements: readonly string[], options: SortOptions): string[] {
  const { by, alpha, descending } = options;
  const weights = elements.map((element) => {
    const text = by === undefined ? element : lookUp(context, by, element);
    if (alpha) return { element, text, number: 0 };
    const number = text === undefined ? 0 : parseLooseFloat(text);
    if (number === undefined) throw replyError("ERR One or more scores can't be converted into double");
    return { element, text: undefined, number };
  });
  const sign = descending ? -1 : 1;
  weights.sort((a, b) => {
    if (!alpha && a.number !== b.number) return a.number < b.number ? -sign : sign;
    if (alpha) {
      // One that is not there comes before all others. Elements of equal texts stay in their order.
      return compareTexts(a.text, b.text) * sign;
    }
    return compareTexts(a.element, b.element) * sign;
  });
  return weights.map(({ element }) => element);
}

function compareTexts(a: string | undefined, b: string | undefined): number {
  if (a === b) return 0;
  if (a === undefined) return -1;
  if (b === undefined) return 1;
  return a < b ? -1 : 1;
}

function runSort(context: CommandContext, storing: boolean): void {
  const { keyspace, reply, slot } = context;
  const options = parse(context, storing);
  const { target, gets } = options;
  const { elements, type } = elementsOf(context, context.key(1));
  // A pattern without a star sorts nothing: the order is the collection's own. A set that is stored has to be sorted.
  const given = options.by !== undefined && !options.by.includes('*');
  const unsorted = given && !(type === ValueType.set && target !== undefined);
  let ordered = unsorted
    ? elements
    : sorted(context, elements, given ? { ...options, by: undefined, alpha: true } : options);
  if (unsorted && options.descending && type !== ValueType.set) ordered = [...elements].reverse();
  const start = Math.max(0, options.offset);
  const end = options.count < 0 ? ordered.length : Math.min(ordered.length, start + options.count);
  const chosen = ordered.slice(Math.min(start, ordered.length), Math.max(start, end));
  const output: (string | undefined)[] =
    gets.length === 0 ? chosen : chosen.flatMap((element) => gets.map((pattern) => lookUp(context, pattern, element)));
  if (target === undefined) {
    reply.array(output.length);
    for (const text of output) {
      if (text === undefined) reply.null();
      else reply.text(text);
    }
    return;
  }
  if (output.length === 0) keyspace.remove(slot, target);
  else {
    const list = newList(context, slot, target);
    list.replace(output.map((text) => text ?? ''));
    list.save();
  }
  reply.integer(output.length);
}

const shared = {
  group: 'generic',
  complexity: 'O(N + M log M), N elements of which M are sorted',
  arity: -2,
  categories: ['set', 'sortedset', 'list', 'dangerous'],
} as const;

export const sort = {
  ...shared,
  name: 'SORT',
  since: '1.0.0',
  summary: 'Sorts a list, a set or a sorted set, and returns or stores what comes out.',
  flags: ['write', 'denyoom', 'movablekeys'],
  keys: [oneKey(1, 'RO', 'access')],
  note: 'Patterns of BY and GET need the hash tag of the key, as in Redis Cluster since 8.0.',
  run: (context: CommandContext): void => runSort(context, true),
} as const satisfies CommandSpec;

export const sortRo = {
  ...shared,
  name: 'SORT_RO',
  since: '7.0.0',
  summary: 'Sorts a list, a set or a sorted set, and returns what comes out.',
  flags: ['readonly', 'movablekeys'],
  keys: [oneKey(1, 'RO', 'access')],
  note: 'Patterns of BY and GET need the hash tag of the key, as in Redis Cluster since 8.0.',
  run: (context: CommandContext): void => runSort(context, false),
} as const satisfies CommandSpec;
