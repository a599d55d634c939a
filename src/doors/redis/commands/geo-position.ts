/** Positions in sorted sets: GEOADD, GEOPOS, GEOHASH, GEODIST. A position is a score (../geo/geohash.ts). */
import { findSortedSet, openSortedSet } from '../collections/open.ts';
import { type CommandSpec, oneKey } from '../command-spec.ts';
import type { CommandContext } from '../context.ts';
import { coordinateText, distance_m, distanceText } from '../geo/distance.ts';
import { geohashText, type Position, positionOf, scoreOf } from '../geo/geohash.ts';
import { positionArgument, unitArgument } from '../geo/search-arguments.ts';

const shared = { group: 'geo', categories: ['geo'] } as const;

const ADD_OPTIONS: ReadonlySet<string> = new Set(['NX', 'XX', 'CH']);

export const geoadd = {
  ...shared,
  name: 'GEOADD',
  since: '3.2.0',
  summary: 'Adds members with their positions to a sorted set.',
  complexity: 'O(log N) for each member',
  arity: -5,
  flags: ['write', 'denyoom'],
  keys: [oneKey(1, 'RW', 'update')],
  run(context: CommandContext): void {
    const { request } = context;
    const options = new Set<string>();
    let index = 2;
    for (; index < request.count && ADD_OPTIONS.has(request.word(index)); index += 1) options.add(request.word(index));
    const words = request.count - index;
    if (words === 0 || words % 3 !== 0 || (options.has('NX') && options.has('XX'))) context.syntaxError();
    // All positions are looked at before the first is stored.
    const entries: { member: string; score: number }[] = [];
    for (; index < request.count; index += 3) {
      const score = scoreOf(positionArgument(context, index));
      entries.push({ member: context.element(index + 2), score });
    }
    const sortedSet = openSortedSet(context, context.slot, context.key(1));
    let added = 0;
    let moved = 0;
    for (const { member, score } of entries) {
      const before = sortedSet.score(member);
      if (before === score || (before === undefined ? options.has('XX') : options.has('NX'))) continue;
      sortedSet.set(member, score, before);
      if (before === undefined) added += 1;
      else moved += 1;
    }
    if (added + moved > 0) sortedSet.save();
    context.reply.integer(options.has('CH') ? added + moved : added);
  },
} as const satisfies CommandSpec;

/** The positions of the members that the arguments from `first` to `end` name; undefined for those that are not there. */
function positionsAt(context: CommandContext, first: number, end: number): (Position | undefined)[] {
  const sortedSet = findSortedSet(context, context.slot, context.key(1));
  const positions: (Position | undefined)[] = [];
  for (let index = first; index < end; index += 1) {
    const score = sortedSet?.score(context.element(index));
    positions.push(score === undefined ? undefined : positionOf(score));
  }
  return positions;
}

/** Longitude and latitude. */
export function replyPosition(context: CommandContext, { longitude, latitude }: Position): void {
  context.reply.array(2);
  context.reply.decimal(coordinateText(longitude));
  context.reply.decimal(coordinateText(latitude));
}

export const geopos = {
  ...shared,
  name: 'GEOPOS',
  since: '3.2.0',
  summary: 'Returns longitude and latitude of members.',
  complexity: 'O(1) for each member',
  arity: -2,
  flags: ['readonly'],
  keys: [oneKey(1, 'RO', 'access')],
  run(context: CommandContext): void {
    const positions = positionsAt(context, 2, context.request.count);
    context.reply.array(positions.length);
    for (const position of positions) {
      if (position === undefined) context.reply.nullArray();
      else replyPosition(context, position);
    }
  },
} as const satisfies CommandSpec;

export const geohash = {
  ...shared,
  name: 'GEOHASH',
  since: '3.2.0',
  summary: 'Returns the positions of members as geohash strings.',
  complexity: 'O(1) for each member',
  arity: -2,
  flags: ['readonly'],
  keys: [oneKey(1, 'RO', 'access')],
  run(context: CommandContext): void {
    const positions = positionsAt(context, 2, context.request.count);
    context.reply.array(positions.length);
    for (const position of positions) {
      if (position === undefined) context.reply.null();
      else context.reply.text(geohashText(position));
    }
  },
} as const satisfies CommandSpec;

export const geodist = {
  ...shared,
  name: 'GEODIST',
  since: '3.2.0',
  summary: 'Returns the distance between two members.',
  complexity: 'O(1)',
  arity: -4,
  flags: ['readonly'],
  keys: [oneKey(1, 'RO', 'access')],
  run(context: CommandContext): void {
    const { count } = context.request;
    const unit_m = count === 5 ? unitArgument(context, 4) : 1;
    if (count > 5) context.syntaxError();
    const [one, other] = positionsAt(context, 2, 4);
    if (one === undefined || other === undefined) context.reply.null();
    else context.reply.text(distanceText(distance_m(one, other) / unit_m));
  },
} as const satisfies CommandSpec;
