/** Functions on timestamps, dates and time-based uuids. */
import { Native, type NativeName } from '../data-type.ts';
import type { FunctionEnvironment, ScalarFunction } from '../function.ts';
import { dateOfTimestamp, timestampOfDate } from '../time.ts';
import { maxTimeUuid, minTimeUuid, timeUuid_ms } from '../time-uuid.ts';
import { eightBytes, fourBytes, makeFunction, nativeFunction } from './native.ts';

export function timeFunctions(): ScalarFunction[] {
  return [
    ...['now', 'currenttimeuuid', 'current_timeuuid'].map((name) =>
      current(name, 'timeuuid', (environment) => environment.timeUuid()),
    ),
    ...['currenttimestamp', 'current_timestamp'].map((name) =>
      current(name, 'timestamp', ({ now_ms }) => eightBytes(BigInt(now_ms))),
    ),
    ...['currentdate', 'current_date'].map((name) =>
      current(name, 'date', ({ now_ms }) => fourBytes(dateOfTimestamp(now_ms))),
    ),
    ...['currenttime', 'current_time'].map((name) =>
      current(name, 'time', ({ now_ms }) => eightBytes(BigInt(now_ms % 86_400_000) * 1_000_000n)),
    ),
    current('uuid', 'uuid', (environment) => environment.randomUuid()),
    ...['mintimeuuid', 'min_timeuuid'].map((name) =>
      nativeFunction(name, ['timestamp'], 'timeuuid', (value) =>
        isPresent(value) ? minTimeUuid(value.readBigInt64BE(0)) : null,
      ),
    ),
    ...['maxtimeuuid', 'max_timeuuid'].map((name) =>
      nativeFunction(name, ['timestamp'], 'timeuuid', (value) =>
        isPresent(value) ? maxTimeUuid(value.readBigInt64BE(0)) : null,
      ),
    ),
    ...['todate', 'to_date'].flatMap((name) => [toDate(name, 'timeuuid'), toDate(name, 'timestamp')]),
    ...['totimestamp', 'to_timestamp'].flatMap((name) => [toTimestamp(name, 'timeuuid'), toTimestamp(name, 'date')]),
    ...['tounixtimestamp', 'to_unix_timestamp'].flatMap((name) =>
      (['timeuuid', 'timestamp', 'date'] as const).map((from) =>
        nativeFunction(name, [from], 'bigint', (value) =>
          isPresent(value) ? eightBytes(milliseconds(from, value)) : null,
        ),
      ),
    ),
    // Names of release 4, which release 5 has taken away.
    toTimestamp('dateof', 'timeuuid'),
    nativeFunction('unixtimestampof', ['timeuuid'], 'bigint', (value) =>
      isPresent(value) ? eightBytes(milliseconds('timeuuid', value)) : null,
    ),
  ];
}

function current(name: string, type: NativeName, make: (environment: FunctionEnvironment) => Buffer): ScalarFunction {
  return makeFunction(name, [], Native[type], (_args, environment) => make(environment), false);
}

export function toDate(name: string, from: 'timeuuid' | 'timestamp'): ScalarFunction {
  return nativeFunction(name, [from], 'date', (value) =>
    isPresent(value) ? fourBytes(dateOfTimestamp(Number(milliseconds(from, value)))) : null,
  );
}

export function toTimestamp(name: string, from: 'timeuuid' | 'date'): ScalarFunction {
  return nativeFunction(name, [from], 'timestamp', (value) =>
    isPresent(value) ? eightBytes(milliseconds(from, value)) : null,
  );
}

function milliseconds(type: 'timeuuid' | 'timestamp' | 'date', value: Buffer): bigint {
  switch (type) {
    case 'timeuuid':
      return timeUuid_ms(value);
    case 'timestamp':
      return value.readBigInt64BE(0);
    case 'date':
      return BigInt(timestampOfDate(value.readUInt32BE(0)));
  }
}

function isPresent(value: Buffer | undefined): value is Buffer {
  return value !== undefined && value.length > 0;
}
