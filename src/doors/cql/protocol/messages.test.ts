/** Requests as drivers write them, with every combination of what they may carry, are read as what was meant. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UNSET, type Value } from '../types/value.ts';
import { ByteWriter } from './byte-writer.ts';
import {
  type BatchRequest,
  Consistency,
  type QueryOptions,
  readBatch,
  readExecute,
  readPrepare,
  readQuery,
} from './messages.ts';

const version = fc.constantFrom(3, 4, 5);
const bytes = fc.uint8Array({ maxLength: 40 }).map((part) => Buffer.from(part));
const value: fc.Arbitrary<Value> = fc.oneof(bytes, fc.constant(null), fc.constant(UNSET));
const consistency = fc.constantFrom(...Object.values(Consistency));
const text = fc.string({ unit: 'binary', maxLength: 30 });
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(arbitrary, { nil: null });

/** What a driver says; null is left out, flag and all. */
interface Said {
  readonly consistency: number;
  readonly values: readonly (readonly [name: string, value: Value])[];
  readonly isNamed: boolean;
  readonly skipMetadata: boolean;
  readonly pageSize: number | null;
  readonly pagingState: Buffer | null;
  readonly serialConsistency: number | null;
  readonly timestamp: number | null;
  readonly keyspace: string | null;
  readonly nowInSeconds: number | null;
}

const said: fc.Arbitrary<Said> = fc.record({
  consistency,
  values: fc.array(fc.tuple(text, value), { maxLength: 5 }),
  isNamed: fc.boolean(),
  skipMetadata: fc.boolean(),
  pageSize: maybe(fc.integer({ min: -1, max: 2 ** 31 - 1 })),
  pagingState: maybe(bytes),
  serialConsistency: maybe(consistency),
  timestamp: maybe(fc.integer()),
  keyspace: maybe(text),
  nowInSeconds: maybe(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })),
});

function writeValue(writer: ByteWriter, bound: Value): void {
  if (bound === UNSET) writer.int(-2);
  else writer.bytes(bound as Buffer | null);
}

function writeFlags(writer: ByteWriter, version: number, flags: number): void {
  if (version >= 5) writer.int(flags);
  else writer.byte(flags & 0xff);
}

/** What comes after the values, as far as the version knows it. */
function writeTail(
  writer: ByteWriter,
  version: number,
  { serialConsistency, timestamp, keyspace, nowInSeconds }: Said,
): void {
  if (serialConsistency !== null) writer.short(serialConsistency);
  if (timestamp !== null) {
    writer.int(timestamp < 0 ? -1 : 0);
    writer.int(timestamp);
  }
  if (version < 5) return;
  if (keyspace !== null) writer.string(keyspace);
  if (nowInSeconds !== null) writer.int(nowInSeconds);
}

function tailFlags(version: number, { serialConsistency, timestamp, keyspace, nowInSeconds }: Said): number {
  const later = version < 5 ? 0 : (keyspace === null ? 0 : 0x80) | (nowInSeconds === null ? 0 : 0x100);
  return (serialConsistency === null ? 0 : 0x10) | (timestamp === null ? 0 : 0x20) | later;
}

function writeOptions(writer: ByteWriter, version: number, options: Said): void {
  const { values, isNamed, skipMetadata, pageSize, pagingState } = options;
  writer.short(options.consistency);
  const has = values.length > 0;
  writeFlags(
    writer,
    version,
    (has ? 0x01 : 0) |
      (skipMetadata ? 0x02 : 0) |
      (pageSize === null ? 0 : 0x04) |
      (pagingState === null ? 0 : 0x08) |
      (has && isNamed ? 0x40 : 0) |
      tailFlags(version, options),
  );
  if (has) {
    writer.short(values.length);
    for (const [name, bound] of values) {
      if (isNamed) writer.string(name);
      writeValue(writer, bound);
    }
  }
  if (pageSize !== null) writer.int(pageSize);
  if (pagingState !== null) writer.bytes(pagingState);
  writeTail(writer, version, options);
}

function optionsOf(version: number, options: Said): QueryOptions {
  const { values, isNamed, serialConsistency } = options;
  return {
    consistency: options.consistency,
    values: values.map(([, bound]) => bound),
    names: values.length > 0 && isNamed ? values.map(([name]) => name) : null,
    skipMetadata: options.skipMetadata,
    pageSize: Math.max(0, options.pageSize ?? 0),
    pagingState: options.pagingState,
    serialConsistency: serialConsistency ?? Consistency.SERIAL,
    keyspace: version >= 5 ? options.keyspace : null,
    nowInSeconds: version >= 5 ? options.nowInSeconds : null,
  };
}

function written(write: (writer: ByteWriter) => void): Buffer {
  const writer = new ByteWriter();
  write(writer);
  return writer.take();
}

/** Whatever is missing at the end is noticed, and never read from elsewhere. */
function expectCut(body: Buffer, read: (body: Buffer) => unknown): void {
  for (let length = 0; length < body.length; length += 1) {
    expect(() => read(body.subarray(0, length))).toThrow(/Not enough bytes/);
  }
}

describe('what is read', () => {
  it('of QUERY is what was written', () => {
    fc.assert(
      fc.property(version, text, said, (version, query, options) => {
        const body = written((writer) => {
          writer.longString(query);
          writeOptions(writer, version, options);
        });
        expect(readQuery(body, version)).toEqual({ text: query, options: optionsOf(version, options) });
        expectCut(body, (cut) => readQuery(cut, version));
      }),
    );
  });

  it('of PREPARE is what was written', () => {
    fc.assert(
      fc.property(version, text, maybe(text), (version, query, keyspace) => {
        const body = written((writer) => {
          writer.longString(query);
          if (version >= 5) writer.int(keyspace === null ? 0 : 1);
          if (version >= 5 && keyspace !== null) writer.string(keyspace);
        });
        expect(readPrepare(body, version)).toEqual({ text: query, keyspace: version >= 5 ? keyspace : null });
      }),
    );
  });

  it('of EXECUTE is what was written', () => {
    fc.assert(
      fc.property(version, bytes, bytes, said, (version, id, metadataId, options) => {
        const body = written((writer) => {
          writer.shortBytes(id);
          if (version >= 5) writer.shortBytes(metadataId);
          writeOptions(writer, version, options);
        });
        const expected = { id, metadataId: version >= 5 ? metadataId : null, options: optionsOf(version, options) };
        expect(readExecute(body, version)).toEqual(expected);
        expectCut(body, (cut) => readExecute(cut, version));
      }),
    );
  });

  it('of BATCH is what was written', () => {
    const entry = fc.record({ query: fc.oneof(text, bytes), values: fc.array(value, { maxLength: 4 }) });
    const type = fc.constantFrom('logged' as const, 'unlogged' as const, 'counter' as const);
    fc.assert(
      fc.property(version, type, fc.array(entry, { maxLength: 4 }), said, (version, type, entries, options) => {
        const body = written((writer) => {
          writer.byte(['logged', 'unlogged', 'counter'].indexOf(type));
          writer.short(entries.length);
          for (const { query, values } of entries) {
            writer.byte(typeof query === 'string' ? 0 : 1);
            if (typeof query === 'string') writer.longString(query);
            else writer.shortBytes(query);
            writer.short(values.length);
            for (const bound of values) writeValue(writer, bound);
          }
          writer.short(options.consistency);
          writeFlags(writer, version, tailFlags(version, options));
          writeTail(writer, version, options);
        });
        const { consistency, serialConsistency, keyspace, nowInSeconds } = optionsOf(version, options);
        const expected: BatchRequest = {
          type,
          entries: entries.map(({ query, values }) =>
            typeof query === 'string' ? { kind: 'text', text: query, values } : { kind: 'prepared', id: query, values },
          ),
          consistency,
          serialConsistency,
          keyspace,
          nowInSeconds,
        };
        expect(readBatch(body, version)).toEqual(expected);
        expectCut(body, (cut) => readBatch(cut, version));
      }),
    );
  });
});
