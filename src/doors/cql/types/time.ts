/** Dates and times as Cassandra reads and writes them, over all years that their bytes can say. */

const DAY_MS = 86_400_000;
/** The number that stands for 1970-01-01. */
const DATE_ZERO = 0x80000000;

/**
 * Milliseconds since 1970 of `2011-02-03 04:05:06.789+0000`, and of its shorter forms; undefined for other texts and
 * for what no timestamp can say. UTC unless the text says otherwise.
 */
export function parseTimestamp(text: string): bigint | undefined {
  const match =
    /^(-?\d{4}|[+-]\d{5,9})-(\d{2})-(\d{2})(?:[ T](\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,9}))?)?)?(?: ?(Z|[A-Za-z]{3,4}|[+-]\d{2}(?::?\d{2})?))?$/.exec(
      text,
    );
  if (match === null) return undefined;
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', zone = 'Z'] = match;
  const date = lenientDayOf(Number(year), Number(month), Number(day));
  const zone_minutes = minutesOfZone(zone);
  if (date === undefined || zone_minutes === undefined) return undefined;
  const [h, m, s] = [Number(hour), Number(minute), Number(second)];
  if (h > 24 || m > 59 || s > 59) return undefined;
  const clock_ms = ((h * 60 + m) * 60 + s) * 1_000 + Number(fraction.padEnd(3, '0').slice(0, 3));
  // 24:00 is the end of a day.
  if (clock_ms > DAY_MS) return undefined;
  return inLong(BigInt(date) * BigInt(DAY_MS) + BigInt(clock_ms - zone_minutes * 60_000));
}

/** A day that the month does not have is its last one. */
function lenientDayOf(year: number, month: number, day: number): number | undefined {
  return day > 31 ? undefined : dayOf(year, month, Math.min(day, daysIn(year, month)));
}

function inLong(value: bigint): bigint | undefined {
  return BigInt.asIntN(64, value) === value ? value : undefined;
}

/** Of those names that mean the same everywhere. */
function minutesOfZone(zone: string): number | undefined {
  const match = /^([+-])(\d{2}):?(\d{2})?$/.exec(zone);
  if (match === null) return /^(z|utc|gmt|ut)$/i.test(zone) ? 0 : undefined;
  const [, sign, hours, minutes = '0'] = match;
  if (Number(hours) > 18 || Number(minutes) > 59) return undefined;
  const total = Number(hours) * 60 + Number(minutes);
  return sign === '-' ? -total : total;
}

/** As JSON has it: `2011-02-03 04:05:06.789Z`. */
export function timestampText(timestamp_ms: bigint): string {
  return timestampLiteral(timestamp_ms).replace('T', ' ');
}

/** As CQL has it: `2011-02-03T04:05:06.789Z`. */
export function timestampLiteral(timestamp_ms: bigint): string {
  const day = Number(floorDivide(timestamp_ms, BigInt(DAY_MS)));
  const rest = Number(timestamp_ms - BigInt(day) * BigInt(DAY_MS));
  const clock = [Math.floor(rest / 3_600_000), Math.floor(rest / 60_000) % 60, Math.floor(rest / 1_000) % 60];
  return `${dayText(day)}T${clock.map(twoDigits).join(':')}.${String(rest % 1_000).padStart(3, '0')}Z`;
}

/** Days, 2^31 being 1970-01-01; undefined for other texts. */
export function parseDate(text: string): number | undefined {
  const match = /^(-?\d{4}|[+-]\d{5,9})-(\d{2})-(\d{2})$/.exec(text);
  if (match === null) return undefined;
  const day = dayOf(Number(match[1]), Number(match[2]), Number(match[3]));
  if (day === undefined || day < -DATE_ZERO || day >= DATE_ZERO) return undefined;
  return day + DATE_ZERO;
}

export function dateText(days: number): string {
  return dayText(days - DATE_ZERO);
}

/** Days before and after the ends of a date wrap, as its bytes do. */
export function dateOfTimestamp(timestamp_ms: number): number {
  return (Math.floor(timestamp_ms / DAY_MS) + DATE_ZERO) % 2 ** 32;
}

export function timestampOfDate(days: number): number {
  return (days - DATE_ZERO) * DAY_MS;
}

const NANOSECONDS_A_DAY = 86_400_000_000_000n;

/** Nanoseconds since midnight; undefined for other texts. */
export function parseTime(text: string): bigint | undefined {
  const match = /^(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,9}))?$/.exec(text);
  if (match === null) return undefined;
  const [, hour, minute, second, fraction = ''] = match;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  const seconds = Number(hour) * 3_600 + Number(minute) * 60 + Number(second);
  return BigInt(seconds) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'));
}

export function isTime(nanoseconds: bigint): boolean {
  return nanoseconds >= 0n && nanoseconds < NANOSECONDS_A_DAY;
}

export function timeText(nanoseconds: bigint): string {
  const seconds = Number(nanoseconds / 1_000_000_000n);
  const parts = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  return `${parts.map(twoDigits).join(':')}.${String(nanoseconds % 1_000_000_000n).padStart(9, '0')}`;
}

/** Days since 1970-01-01 of a date of the calendar that has no gaps; undefined when there is no such date. */
function dayOf(year: number, month: number, day: number): number | undefined {
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return undefined;
  // Years that begin in March have their leap day at the end, and eras of 400 years have all the same number of days.
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

function daysIn(year: number, month: number): number {
  if (month !== 2) return [4, 6, 9, 11].includes(month) ? 30 : 31;
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
}

/** Year, month and day of a day since 1970-01-01. */
export function calendarOf(day: number): readonly [year: number, month: number, day: number] {
  const shifted = day + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  return [year, month, dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1];
}

/** The day so many months later; a day that the month does not have becomes its last one. */
export function addMonthsToDay(day: number, months: number): number {
  const [year, month, dayOfMonth] = calendarOf(day);
  const total = year * 12 + month - 1 + months;
  const newYear = Math.floor(total / 12);
  const newMonth = total - newYear * 12 + 1;
  return dayOf(newYear, newMonth, Math.min(dayOfMonth, daysIn(newYear, newMonth))) ?? day;
}

function dayText(day: number): string {
  const [year, month, dayOfMonth] = calendarOf(day);
  const digits = String(Math.abs(year)).padStart(4, '0');
  const sign = year < 0 ? '-' : year > 9_999 ? '+' : '';
  return `${sign}${digits}-${twoDigits(month)}-${twoDigits(dayOfMonth)}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}

function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b < 0n ? quotient - 1n : quotient;
}
