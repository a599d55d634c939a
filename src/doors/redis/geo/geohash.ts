/**
 * Positions as numbers: the world is halved again and again, by longitude and by latitude in turn, and each half is a bit.
 * A sorted set with these numbers as scores has near positions near each other, and each cell of the grid is one range of
 * scores.
 *
 * Redis's form has 26 halvings of each axis, so 52 bits, which a double holds exactly. Longitude has the higher bit of each
 * pair. Latitudes end where the web Mercator projection does, short of the poles.
 */

export interface Position {
  /** Degrees east, -180 to 180. */
  readonly longitude: number;
  /** Degrees north. */
  readonly latitude: number;
}

export const LONGITUDE_MAX = 180;
export const LATITUDE_MAX = 85.051_128_78;
/** The latitudes of standard geohashes. */
const POLE_LATITUDE = 90;

/** Halvings of each axis in a score. */
export const STEP_MAX = 26;

/** A cell of the grid after `step` halvings of each axis: its column from the west and its row from the south. */
export interface Cell {
  readonly column: number;
  readonly row: number;
  /** 1 to 26. */
  readonly step: number;
}

/** The sides of a cell, in degrees. */
export interface CellArea {
  readonly west: number;
  readonly east: number;
  readonly south: number;
  readonly north: number;
}

export function isPosition({ longitude, latitude }: Position): boolean {
  return Math.abs(longitude) <= LONGITUDE_MAX && Math.abs(latitude) <= LATITUDE_MAX;
}

/** Which of 2^step equal parts of [-max, max] a value is in. The upper end itself counts as one part more. */
function partOf(value: number, max: number, step: number): number {
  return Math.floor(((value - -max) / (max - -max)) * 2 ** step);
}

export function cellOf({ longitude, latitude }: Position, step: number): Cell {
  return { column: partOf(longitude, LONGITUDE_MAX, step), row: partOf(latitude, LATITUDE_MAX, step), step };
}

export function areaOf({ column, row, step }: Cell): CellArea {
  // Written as in Redis, operation by operation: another order would round differently.
  const parts = 2 ** step;
  const degrees = 2 * LONGITUDE_MAX;
  const latitudeDegrees = LATITUDE_MAX - -LATITUDE_MAX;
  return {
    west: -LONGITUDE_MAX + (column / parts) * degrees,
    east: -LONGITUDE_MAX + ((column + 1) / parts) * degrees,
    south: -LATITUDE_MAX + (row / parts) * latitudeDegrees,
    north: -LATITUDE_MAX + ((row + 1) / parts) * latitudeDegrees,
  };
}

const HALF_BITS = 13;
const HALF_SIZE = 2 ** HALF_BITS;

/** Puts a zero above each of the lowest 14 bits. */
function spread(bits: number): number {
  let spreading = (bits | (bits << 8)) & 0x00ff_00ff;
  spreading = (spreading | (spreading << 4)) & 0x0f0f_0f0f;
  spreading = (spreading | (spreading << 2)) & 0x3333_3333;
  return (spreading | (spreading << 1)) & 0x5555_5555;
}

/** Undoes `spread`, whatever the bits between are. */
function gather(bits: number): number {
  let gathered = bits & 0x5555_5555;
  gathered = (gathered | (gathered >>> 1)) & 0x3333_3333;
  gathered = (gathered | (gathered >>> 2)) & 0x0f0f_0f0f;
  gathered = (gathered | (gathered >>> 4)) & 0x00ff_00ff;
  return (gathered | (gathered >>> 8)) & 0x0000_ffff;
}

/** The bits of column and row in turn, as a number: 2 bits a step. */
function interleave(column: number, row: number): number {
  const low = spread(column % HALF_SIZE) * 2 + spread(row % HALF_SIZE);
  const high = spread(Math.floor(column / HALF_SIZE)) * 2 + spread(Math.floor(row / HALF_SIZE));
  return high * HALF_SIZE * HALF_SIZE + low;
}

/** The least score of a position in the cell. Scores end before `scoreEnd`. */
export function scoreStart({ column, row, step }: Cell): number {
  return interleave(column, row) * 4 ** (STEP_MAX - step);
}

/** The first score after the cell. */
export function scoreEnd({ column, row, step }: Cell): number {
  return (interleave(column, row) + 1) * 4 ** (STEP_MAX - step);
}

/** The score of a position. */
export function scoreOf(position: Position): number {
  return scoreStart(cellOf(position, STEP_MAX));
}

/** The middle of the smallest cell that a score means. Any number has one: sorted sets may hold others than scores. */
export function positionOf(score: number): Position {
  const area = areaOf(cellOfScore(score));
  const clamp = (value: number, max: number): number => Math.min(max, Math.max(-max, value));
  return {
    longitude: clamp((area.west + area.east) / 2, LONGITUDE_MAX),
    latitude: clamp((area.south + area.north) / 2, LATITUDE_MAX),
  };
}

const WORD = 2 ** 32;
const HALF_WORD = 2 ** 16;

function cellOfScore(score: number): Cell {
  const isExact = score >= 0 && score <= Number.MAX_SAFE_INTEGER;
  const high = isExact ? Math.floor(score / WORD) : highWord(score);
  const low = isExact ? Math.floor(score % WORD) : 0;
  return {
    column: gather(high >>> 1) * HALF_WORD + gather(low >>> 1),
    row: gather(high) * HALF_WORD + gather(low),
    step: STEP_MAX,
  };
}

/**
 * For numbers that are no scores, and for the scores of positions in the farthest corner, which have one bit more. The lower
 * word does not matter there: the cell is far outside of the world, and its middle is moved to the edge.
 */
function highWord(score: number): number {
  return Number.isFinite(score) ? Number(BigInt.asUintN(64, BigInt(Math.trunc(score))) >> 32n) : 0;
}

const ALPHABET = '0123456789bcdefghjkmnpqrstuvwxyz';
const TEXT_LENGTH = 11;
const BITS_PER_LETTER = 5;

/**
 * The standard geohash of a position, 11 letters. 52 bits fill ten letters; the last one is always `0`, since older versions
 * of Redis had eleven.
 */
export function geohashText({ longitude, latitude }: Position): string {
  const column = partOf(longitude, LONGITUDE_MAX, STEP_MAX);
  const row = partOf(latitude, POLE_LATITUDE, STEP_MAX);
  const bits = BigInt(interleave(column, row));
  let text = '';
  for (let letter = 1; letter < TEXT_LENGTH; letter += 1) {
    text += ALPHABET[Number((bits >> BigInt(2 * STEP_MAX - letter * BITS_PER_LETTER)) & 31n)];
  }
  return `${text}0`;
}
