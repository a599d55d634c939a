/** Searching sorted sets by position: GEOSEARCH, GEOSEARCHSTORE, and the older GEORADIUS commands. */
import { findSortedSet, newSortedSet } from '../collections/open.ts';
import type { RedisSortedSet } from '../collections/sorted-set.ts';
import { type CommandSpec, oneKey } from '../command-spec.ts';
import type { CommandContext } from '../context.ts';
import { ErrorText, replyError } from '../errors.ts';
import { coveringRanges } from '../geo/covering-cells.ts';
import { distanceText } from '../geo/distance.ts';
import { type Position, positionOf } from '../geo/geohash.ts';
import { type GeoSearch, parseGeoSearch, type SearchForm } from '../geo/search-arguments.ts';
import { distanceWithin } from '../geo/shape.ts';
import { Constant } from '../reply-writer.ts';
import { replyPosition } from './geo-position.ts';

interface Found {
  readonly member: string;
  readonly score: number;
  readonly position: Position;
  readonly distance_m: number;
}

/** Members inside the shape, in the order of its cells. With ANY no more than asked for. */
function findMembers(sortedSet: RedisSortedSet, { shape, any, count }: GeoSearch): Found[] {
  const found: Found[] = [];
  const wanted = any ? count : Number.POSITIVE_INFINITY;
  for (const { start, end } of coveringRanges(shape)) {
    const first = sortedSet.rankOfScore(start, false);
    sortedSet.visitRanks(first, sortedSet.rankOfScore(end, false), false, (member, score) => {
      const position = positionOf(score);
      const distance = distanceWithin(shape, position);
      if (distance !== undefined) found.push({ member, score, position, distance_m: distance });
      return found.length < wanted;
    });
    if (found.length >= wanted) break;
  }
  return found;
}

function inOrder(found: Found[], { order, count }: GeoSearch): Found[] {
  if (order === 'ascending') found.sort((a, b) => a.distance_m - b.distance_m);
  if (order === 'descending') found.sort((a, b) => b.distance_m - a.distance_m);
  return count === 0 ? found : found.slice(0, count);
}

function replyFound(context: CommandContext, found: readonly Found[], search: GeoSearch): void {
  const { reply } = context;
  const extras = Number(search.withDistance) + Number(search.withHash) + Number(search.withCoordinates);
  reply.array(found.length);
  for (const { member, score, position, distance_m } of found) {
    if (extras > 0) reply.array(extras + 1);
    reply.text(member);
    if (search.withDistance) reply.text(distanceText(distance_m / search.unit_m));
    if (search.withHash) reply.integer(Math.trunc(score));
    if (search.withCoordinates) replyPosition(context, position);
  }
}

function storeFound(context: CommandContext, found: readonly Found[], search: GeoSearch): void {
  const { keyspace, reply, slot } = context;
  // Where the options name the key, the router has not seen it.
  if (context.slotAt(search.storeIndex) !== slot) throw replyError(ErrorText.crossSlot);
  const key = context.key(search.storeIndex);
  if (found.length === 0) keyspace.remove(slot, key);
  else {
    const target = newSortedSet(context, slot, key);
    target.replace(
      found.map(({ member, score, distance_m }) => ({
        member,
        score: search.storeDistance ? distance_m / search.unit_m : score,
      })),
    );
    target.save();
  }
  reply.integer(found.length);
}

/** `keyIndex` is where the searched key stands. */
function runSearch(context: CommandContext, form: SearchForm, keyIndex: number): void {
  const sortedSet = findSortedSet(context, context.slot, context.key(keyIndex));
  const search = parseGeoSearch(context, form, {
    exists: sortedSet !== undefined,
    position(index) {
      const score = sortedSet?.score(context.element(index));
      return score === undefined ? undefined : positionOf(score);
    },
  });
  const found = sortedSet === undefined ? [] : inOrder(findMembers(sortedSet, search), search);
  if (search.storeIndex > 0) storeFound(context, found, search);
  else if (found.length === 0) context.reply.constant(Constant.emptyArray);
  else replyFound(context, found, search);
}

const shared = {
  group: 'geo',
  complexity: 'O(N + log M), N members in the cells around the shape, M in the sorted set',
  categories: ['geo'],
} as const;

export const geosearch = {
  ...shared,
  name: 'GEOSEARCH',
  since: '6.2.0',
  summary: 'Finds the members inside a circle, a box or a polygon.',
  arity: -7,
  flags: ['readonly'],
  keys: [oneKey(1, 'RO', 'access')],
  note: 'Members at the same distance keep the order in which they were found; Redis sorts them by chance. BYPOLYGON is Valkey 9.0.',
  run: (context: CommandContext): void => runSearch(context, { kind: 'search', canStore: false }, 1),
} as const satisfies CommandSpec;

export const geosearchstore = {
  ...shared,
  name: 'GEOSEARCHSTORE',
  since: '6.2.0',
  summary: 'Finds the members inside a circle, a box or a polygon and stores them in another sorted set.',
  arity: -8,
  flags: ['write', 'denyoom'],
  keys: [oneKey(1, 'OW', 'update'), oneKey(2, 'RO', 'access')],
  run: (context: CommandContext): void => runSearch(context, { kind: 'searchStore', canStore: false }, 2),
} as const satisfies CommandSpec;

export const georadius = {
  ...shared,
  name: 'GEORADIUS',
  since: '3.2.0',
  summary: 'Finds the members inside a circle; stores them if asked. The old form of GEOSEARCH.',
  arity: -6,
  flags: ['write', 'denyoom', 'movablekeys'],
  keys: [oneKey(1, 'RO', 'access')],
  note: 'COMMAND GETKEYS does not tell the key of STORE.',
  run: (context: CommandContext): void => runSearch(context, { kind: 'radius', canStore: true }, 1),
} as const satisfies CommandSpec;

export const georadiusRo = {
  ...shared,
  name: 'GEORADIUS_RO',
  since: '3.2.10',
  summary: 'As GEORADIUS, without storing.',
  arity: -6,
  flags: ['readonly'],
  keys: [oneKey(1, 'RO', 'access')],
  run: (context: CommandContext): void => runSearch(context, { kind: 'radius', canStore: false }, 1),
} as const satisfies CommandSpec;

export const georadiusbymember = {
  ...shared,
  name: 'GEORADIUSBYMEMBER',
  since: '3.2.0',
  summary: 'Finds the members inside a circle around one of them; stores them if asked. The old form of GEOSEARCH.',
  arity: -5,
  flags: ['write', 'denyoom', 'movablekeys'],
  keys: [oneKey(1, 'RO', 'access')],
  note: 'COMMAND GETKEYS does not tell the key of STORE.',
  run: (context: CommandContext): void => runSearch(context, { kind: 'radiusByMember', canStore: true }, 1),
} as const satisfies CommandSpec;

export const georadiusbymemberRo = {
  ...shared,
  name: 'GEORADIUSBYMEMBER_RO',
  since: '3.2.10',
  summary: 'As GEORADIUSBYMEMBER, without storing.',
  arity: -5,
  flags: ['readonly'],
  keys: [oneKey(1, 'RO', 'access')],
  run: (context: CommandContext): void => runSearch(context, { kind: 'radiusByMember', canStore: false }, 1),
} as const satisfies CommandSpec;
