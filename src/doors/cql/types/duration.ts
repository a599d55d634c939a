/** Durations: months, days and nanoseconds, each a variable-length integer in zigzag form. */
import { MarshalError, readUnsignedVintBig, unsignedVint } from './composite.ts';

export interface Duration {
  readonly months: number;
  readonly days: number;
  readonly nanoseconds: bigint;
}

export function encodeDuration({ months, days, nanoseconds }: Duration): Buffer {
  return Buffer.concat([BigInt(months), BigInt(days), nanoseconds].map((part) => unsignedVint(zigzag(part))));
}

export function decodeDuration(bytes: Buffer): Duration {
  let at = 0;
  const parts: bigint[] = [];
  for (let i = 0; i < 3; i += 1) {
    const [value, next] = readUnsignedVintBig(bytes, at);
    parts.push((value >> 1n) ^ -(value & 1n));
    at = next;
  }
  if (at !== bytes.length) throw new MarshalError('Unexpected bytes after a duration');
  const [months, days, nanoseconds] = parts as [bigint, bigint, bigint];
  return { months: Number(months), days: Number(days), nanoseconds };
}

function zigzag(value: bigint): bigint {
  return BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
}

const UNITS: Readonly<Record<string, Duration>> = {
  y: { months: 12, days: 0, nanoseconds: 0n },
  mo: { months: 1, days: 0, nanoseconds: 0n },
  w: { months: 0, days: 7, nanoseconds: 0n },
  d: { months: 0, days: 1, nanoseconds: 0n },
  h: { months: 0, days: 0, nanoseconds: 3_600_000_000_000n },
  m: { months: 0, days: 0, nanoseconds: 60_000_000_000n },
  s: { months: 0, days: 0, nanoseconds: 1_000_000_000n },
  ms: { months: 0, days: 0, nanoseconds: 1_000_000n },
  us: { months: 0, days: 0, nanoseconds: 1_000n },
  µs: { months: 0, days: 0, nanoseconds: 1_000n },
  ns: { months: 0, days: 0, nanoseconds: 1n },
};

/**
 * `1y2mo3w4d5h6m7s8ms9us10ns`, and the forms of ISO 8601 (`P1Y2M3DT4H5M6S`, `P2W`, `P0001-02-03T04:05:06`); undefined for other texts.
 * Throws MarshalError for parts out of order and for what is too long.
 */
export function parseDuration(text: string): Duration | undefined {
  const negative = text.startsWith('-');
  const rest = negative ? text.slice(1) : text;
  const parts = rest.startsWith('P') ? isoParts(rest) : standardParts(rest);
  if (parts === undefined || parts.length === 0) return undefined;
  const sum = sumOf(parts);
  return negative ? { months: -sum.months, days: -sum.days, nanoseconds: -sum.nanoseconds } : sum;
}

const INT_MAX = 2 ** 31 - 1;
const LONG_MAX = 2n ** 63n - 1n;

function sumOf(parts: readonly (readonly [number, string])[]): Duration {
  let months = 0;
  let days = 0;
  let nanoseconds = 0n;
  for (const [count, unit] of parts) {
    const one = UNITS[unit] as Duration;
    months += one.months * count;
    days += one.days * count;
    nanoseconds += one.nanoseconds * BigInt(count);
  }
  for (const [what, value] of [
    ['months', months],
    ['days', days],
  ] as const) {
    if (value > INT_MAX) {
      throw new MarshalError(`Invalid duration. The total number of ${what} must be less or equal to ${INT_MAX}`);
    }
  }
  if (nanoseconds > LONG_MAX) {
    throw new MarshalError(`Invalid duration. The total number of nanoseconds must be less or equal to ${LONG_MAX}`);
  }
  return { months, days, nanoseconds };
}

/** From the longest to the shortest, as they must follow each other. */
const UNIT_NAMES: Readonly<Record<string, string>> = {
  y: 'years',
  mo: 'months',
  w: 'weeks',
  d: 'days',
  h: 'hours',
  m: 'minutes',
  s: 'seconds',
  ms: 'milliseconds',
  us: 'microseconds',
  µs: 'microseconds',
  ns: 'nanoseconds',
};
const UNIT_ORDER = [...new Set(Object.values(UNIT_NAMES))];

function checkOrder(parts: readonly (readonly [number, string])[]): void {
  for (const [i, [, unit]] of parts.entries()) {
    if (i === 0) continue;
    const name = UNIT_NAMES[unit] as string;
    const previous = UNIT_NAMES[parts[i - 1]?.[1] as string] as string;
    if (name === previous) throw new MarshalError(`Invalid duration. The ${name} are specified multiple times`);
    if (UNIT_ORDER.indexOf(name) < UNIT_ORDER.indexOf(previous)) {
      throw new MarshalError(`Invalid duration. The ${previous} should be after ${name}`);
    }
  }
}

function standardParts(text: string): [number, string][] | undefined {
  if (!/^(\d+(y|mo|w|d|h|m|s|ms|us|µs|ns))+$/i.test(text)) return undefined;
  const parts = [...text.toLowerCase().matchAll(/(\d+)(y|mo|ms|m|w|d|h|s|us|µs|ns)/g)].map(
    ([, count, unit]): [number, string] => [Number(count), unit as string],
  );
  checkOrder(parts);
  return parts;
}

function isoParts(text: string): [number, string][] | undefined {
  const alternative = /^P(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})$/.exec(text);
  if (alternative !== null) {
    return ['y', 'mo', 'd', 'h', 'm', 's'].map((unit, i) => [Number(alternative[i + 1]), unit]);
  }
  const weeks = /^P(\d+)W$/.exec(text);
  if (weeks !== null) return [[Number(weeks[1]), 'w']];
  const match = /^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/.exec(text);
  if (match === null) return undefined;
  const units = ['y', 'mo', 'd', 'h', 'm', 's'];
  return units.flatMap((unit, i): [number, string][] =>
    match[i + 1] === undefined ? [] : [[Number(match[i + 1]), unit]],
  );
}

/** As CQL writes it: `1y2mo3d4h5m6s7ms8us9ns`, `-` before all of it. */
export function durationText({ months, days, nanoseconds }: Duration): string {
  const negative = months < 0 || days < 0 || nanoseconds < 0n;
  let text = '';
  const add = (count: number | bigint, unit: string): void => {
    if (count > 0) text += `${count}${unit}`;
  };
  const absoluteMonths = Math.abs(months);
  add(Math.floor(absoluteMonths / 12), 'y');
  add(absoluteMonths % 12, 'mo');
  add(Math.abs(days), 'd');
  let left = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  for (const unit of ['h', 'm', 's', 'ms', 'us', 'ns']) {
    const one = (UNITS[unit] as Duration).nanoseconds;
    add(left / one, unit);
    left %= one;
  }
  return negative ? `-${text}` : text;
}
