/** Dates and times as Cassandra reads and writes them. */

const DAY_MS = 86_400_000;
const DATE_ZERO = 0x80000000;

/** Milliseconds since 1970 of `2011-02-03 04:05:06.789+0000` and its shorter forms; undefined for other texts. UTC unless it says otherwise. */
export function parseTimestamp(text: string): number | undefined {
  if (/^-?\d+$/.test(text)) {
    const value = Number(text);
    if (text.length !== 4 && Number.isSafeInteger(value)) return value;
  }
  const match =
    /^(\d{4,})-(\d{1,2})-(\d{1,2})(?:[ T](\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,9}))?)?)? ?(Z|UTC|GMT|[+-]\d{2}:?\d{2}|[+-]\d{2})?$/i.exec(
      text.trim(),
    );
  if (match === null) return undefined;
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', zone = 'Z'] = match;
  const milliseconds = Number(fraction.slice(0, 3).padEnd(3, '0'));
  const parts = [year, month, day, hour, minute, second].map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const [y, mo, d, h, mi, s] = parts;
  if (mo < 1 || mo > 12 || d < 1 || d > daysIn(y, mo) || h > 23 || mi > 59 || s > 59) return undefined;
  const local = Date.UTC(2000, mo - 1, d, h, mi, s, milliseconds) + Date.UTC(y, mo - 1, d) - Date.UTC(2000, mo - 1, d);
  return local - zoneMinutes(zone) * 60_000;
}

function daysIn(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}

function zoneMinutes(zone: string): number {
  const match = /^([+-])(\d{2}):?(\d{2})?$/.exec(zone);
  if (match === null) return 0;
  const minutes = Number(match[2]) * 60 + Number(match[3] ?? 0);
  return match[1] === '-' ? -minutes : minutes;
}

/** As Cassandra's toString and JSON write it: `2011-02-03 04:05:06.789Z`. */
export function timestampText(milliseconds: number): string {
  const date = new Date(milliseconds);
  if (Number.isNaN(date.getTime())) return String(milliseconds);
  return date.toISOString().replace('T', ' ');
}

/** Days, 2^31 being 1970-01-01; undefined for other texts. */
export function parseDate(text: string): number | undefined {
  if (/^\d+$/.test(text)) {
    const days = Number(text);
    return days <= 0xffffffff ? days : undefined;
  }
  const match = /^(-?\d{1,7})-(\d{1,2})-(\d{1,2})$/.exec(text);
  if (match === null) return undefined;
  const [year, month, day] = match.slice(1).map(Number) as [number, number, number];
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return undefined;
  const at = new Date(0);
  at.setUTCFullYear(year, month - 1, day);
  return Math.floor(at.getTime() / DAY_MS) + DATE_ZERO;
}

export function dateText(days: number): string {
  const date = new Date((days - DATE_ZERO) * DAY_MS);
  if (Number.isNaN(date.getTime())) return String(days);
  return date.toISOString().split('T')[0] as string;
}

export function dateOfTimestamp(milliseconds: number): number {
  return Math.floor(milliseconds / DAY_MS) + DATE_ZERO;
}

export function timestampOfDate(days: number): number {
  return (days - DATE_ZERO) * DAY_MS;
}

const NANOSECONDS_A_DAY = 86_400_000_000_000n;

/** Nanoseconds since midnight; undefined for other texts. */
export function parseTime(text: string): bigint | undefined {
  if (/^\d+$/.test(text)) {
    const value = BigInt(text);
    return value < NANOSECONDS_A_DAY ? value : undefined;
  }
  const match = /^(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,9}))?$/.exec(text);
  if (match === null) return undefined;
  const [, hour, minute, second, fraction = ''] = match;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  const seconds = Number(hour) * 3_600 + Number(minute) * 60 + Number(second);
  return BigInt(seconds) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'));
}

export function timeText(nanoseconds: bigint): string {
  const seconds = Number(nanoseconds / 1_000_000_000n);
  const parts = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  const clock = parts.map((part) => String(part).padStart(2, '0')).join(':');
  return `${clock}.${String(nanoseconds % 1_000_000_000n).padStart(9, '0')}`;
}
