/** Timestamps and dates plus and minus durations, by the calendar in UTC. */

import { ArithmeticError } from './decimal.ts';
import { type Duration, durationText } from './duration.ts';
import { addMonthsToDay, dateOfTimestamp, timestampOfDate } from './time.ts';

const DAY_MS = 86_400_000n;

/** Milliseconds since 1970. Throws ArithmeticError for durations with a part of a millisecond. */
export function addToTimestamp(timestamp_ms: bigint, duration: Duration, sign: 1 | -1): bigint {
  const { months, days, nanoseconds } = duration;
  if (nanoseconds % 1_000_000n !== 0n) {
    throw new ArithmeticError(`The duration must have a millisecond precision. Was: ${durationText(duration)}`);
  }
  const clock_ms = ((timestamp_ms % DAY_MS) + DAY_MS) % DAY_MS;
  const day = addMonthsToDay(Number((timestamp_ms - clock_ms) / DAY_MS), sign * months) + sign * days;
  return BigInt.asIntN(64, BigInt(day) * DAY_MS + clock_ms + BigInt(sign) * (nanoseconds / 1_000_000n));
}

/** Days with 2^31 for 1970-01-01. Throws ArithmeticError for durations with a part of a day. */
export function addToDate(date: number, duration: Duration, sign: 1 | -1): number {
  if (duration.nanoseconds !== 0n) {
    throw new ArithmeticError(`The duration must have a day precision. Was: ${durationText(duration)}`);
  }
  return dateOfTimestamp(Number(addToTimestamp(BigInt(timestampOfDate(date)), duration, sign)));
}
