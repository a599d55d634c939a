import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DamagedError } from './errors.ts';
import { MemoryStore } from './memory-store.test-support.ts';
import type { ByteKey } from './ordered-store.ts';
import { type FlushSet, Overlay, type PendingBatch } from './overlay.ts';
import { decodeSnapshotChunk, encodeSnapshotChunk, SnapshotReader, SnapshotReceiver } from './snapshot.ts';

const key = (i: number): ByteKey => `k${String(i).padStart(6, '0')}`;

function filled(count: number, size = 10): Overlay {
  const store = new MemoryStore();
  store.apply(
    [],
    Array.from({ length: count }, (_, i) => [key(i), Buffer.alloc(size, `${i};`)] as const),
  );
  return new Overlay(store, 7);
}

function collect(reader: SnapshotReader): { entries: Map<ByteKey, string>; chunks: number } {
  const receiver = new SnapshotReceiver();
  const entries = new Map<ByteKey, string>();
  let chunks = 0;
  while (!reader.done) {
    expect(receiver.nextNumber).toBe(chunks);
    for (const [one, value] of receiver.accept(reader.next()).entries) entries.set(one, value.toString());
    chunks += 1;
  }
  expect(receiver.done).toBe(true);
  return { entries, chunks };
}

describe('a snapshot stream', () => {
  it('carries all entries of its ranges, in chunks of limited size', () => {
    const overlay = filled(2_500);
    const { entries, chunks } = collect(
      new SnapshotReader(overlay, [
        { lo: key(0), hi: key(1_500) },
        { lo: key(2_000), hi: key(2_001) },
        { lo: key(3_000), hi: key(4_000) },
      ]),
    );
    expect(entries.size).toBe(1_501);
    expect(chunks).toBe(2);
    const large = collect(new SnapshotReader(filled(10, 200_000), [{ lo: '', hi: '\xff' }]));
    expect(large.entries.size).toBe(10);
    expect(large.chunks).toBeGreaterThanOrEqual(5);
  });

  it('of nothing is one last chunk', () => {
    for (const ranges of [[], [{ lo: 'a', hi: 'b' }]]) {
      const { entries, chunks } = collect(new SnapshotReader(new Overlay(new MemoryStore(), 3), ranges));
      expect(entries.size).toBe(0);
      expect(chunks).toBe(1);
    }
  });

  it('ends with a chunk of its own when the entries fill the last one exactly', () => {
    const { entries, chunks } = collect(new SnapshotReader(filled(1_000), [{ lo: '', hi: '\xff' }]));
    expect(entries.size).toBe(1_000);
    expect(chunks).toBe(2);
  });

  it('goes on where it was interrupted', () => {
    const overlay = filled(2_500);
    const ranges = [
      { lo: '', hi: key(1_200) },
      { lo: key(1_200), hi: '\xff' },
    ];
    let reader = new SnapshotReader(overlay, ranges);
    const receiver = new SnapshotReceiver();
    let count = 0;
    while (!reader.done) {
      count += receiver.accept(reader.next()).entries.length;
      if (!reader.done) reader = new SnapshotReader(overlay, ranges, reader.position);
      expect(reader.startIndex).toBe(7);
    }
    expect(count).toBe(2_500);
    expect(receiver.done).toBe(true);
    expect(() => reader.next()).toThrow('after the last one');
  });

  it('with the log replayed over it is the state of the sender, whatever was written meanwhile', () => {
    const keyArbitrary = fc.nat(2_999).map(key);
    const commandArbitrary = fc.record({
      key: keyArbitrary,
      lo: keyArbitrary,
      hi: keyArbitrary,
      kind: fc.constantFrom('put', 'put', 'delete', 'range', 'flush', 'chunk'),
    });
    fc.assert(
      fc.property(fc.array(commandArbitrary, { minLength: 5, maxLength: 40 }), (commands) => {
        const store = new MemoryStore();
        store.apply(
          [],
          Array.from({ length: 3_000 }, (_, i) => [key(i), Buffer.from('old')] as const),
        );
        const sender = new Overlay(store, 10);
        const reader = new SnapshotReader(sender, [{ lo: '', hi: '\xff' }]);
        const target = new MemoryStore();
        const receiver = new SnapshotReceiver();
        const log: Buffer[] = [];
        let index = 10;
        let consistentFrom = 0;
        const write = (fill: (batch: PendingBatch) => void): void => {
          const batch = sender.openBatch(index);
          fill(batch);
          log.push(batch.seal());
          index += 1;
          sender.commit(batch, index);
        };
        const chunk = (): void => {
          if (reader.done) return;
          const { entries, appliedIndex } = receiver.accept(reader.next());
          target.apply([], entries);
          consistentFrom = appliedIndex;
        };
        for (const command of commands) {
          if (command.kind === 'put') write((batch) => batch.put(command.key, Buffer.from(`new${index}`)));
          else if (command.kind === 'delete') write((batch) => batch.delete(command.key));
          else if (command.kind === 'range') write((batch) => batch.deleteRange(command.lo, command.hi));
          else if (command.kind === 'chunk') chunk();
          else {
            const set = sender.beginFlush();
            if (set !== null) {
              store.apply(set.ranges, set.entries());
              sender.endFlush(set);
            }
          }
        }
        while (!reader.done) chunk();
        expect(consistentFrom).toBeLessThanOrEqual(index);
        const copy = new Overlay(target, reader.startIndex);
        for (const [at, data] of log.entries()) copy.applyEncoded(data, reader.startIndex + at + 1);
        expect(stateOf(copy)).toEqual(stateOf(sender));
        const set = copy.beginFlush() as FlushSet | null;
        if (set !== null) {
          target.apply(set.ranges, set.entries());
          copy.endFlush(set);
        }
        expect(stateOf(copy)).toEqual(stateOf(sender));
      }),
      { numRuns: 60 },
    );
  });

  it('refuses chunks that are missing, repeated, cut off, changed or wrongly counted', () => {
    const reader = new SnapshotReader(filled(1_500), [{ lo: '', hi: '\xff' }]);
    const first = reader.next();
    const second = reader.next();
    expect(() => new SnapshotReceiver().accept(second)).toThrow('missing or comes twice');
    const receiver = new SnapshotReceiver();
    receiver.accept(first);
    expect(() => receiver.accept(first)).toThrow('missing or comes twice');
    receiver.accept(second);
    expect(() => receiver.accept(second)).toThrow('after the last one');
    const wrong = encodeSnapshotChunk(0, 1, [['a', Buffer.from('b')]], { entries: 2, bytes: 2 });
    expect(() => new SnapshotReceiver().accept(wrong)).toThrow('totals are wrong');

    const small = encodeSnapshotChunk(
      0,
      1,
      [
        ['a', Buffer.from('b')],
        ['cc', Buffer.alloc(0)],
      ],
      { entries: 2, bytes: 4 },
    );
    expect(decodeSnapshotChunk(small).entries.length).toBe(2);
    for (let length = 0; length < small.length; length += 1) {
      expect(() => decodeSnapshotChunk(small.subarray(0, length))).toThrow(DamagedError);
    }
    for (let at = 0; at < small.length; at += 1) {
      for (let bit = 0; bit < 8; bit += 1) {
        const copy = Buffer.from(small);
        copy[at] = (copy[at] as number) ^ (1 << bit);
        expect(() => decodeSnapshotChunk(copy)).toThrow(DamagedError);
      }
    }
  });

  it('refuses bytes with a right checksum that make no sense', () => {
    const cases: [string, (chunk: Buffer) => Buffer][] = [
      ['unknown version', (chunk) => chunk.fill(9, 4, 5)],
      ['unknown flags', (chunk) => chunk.fill(2, 5, 6)],
      ['unknown flags', (chunk) => chunk.fill(1, 7, 8)],
      ['count is too large', (chunk) => chunk.fill(0xff, 20, 24)],
      ['cut off in a key', (chunk) => chunk.fill(0x70, 24, 25)],
      ['cut off in a key', (chunk) => chunk.fill(0xff, 24)],
      ['cut off in a value', (chunk) => chunk.fill(0x70, 26, 27)],
      ['left over', (chunk) => Buffer.concat([chunk, Buffer.alloc(3)])],
      ['count is too large', (chunk) => chunk.fill(1, 5, 6).subarray(0, 30)],
    ];
    for (const [text, change] of cases) {
      const chunk = change(encodeSnapshotChunk(0, 1, [['a', Buffer.from('b'.repeat(20))]], null));
      const sum = withRightSum(chunk);
      expect(() => decodeSnapshotChunk(sum)).toThrow(text);
    }
  });
});

function withRightSum(chunk: Buffer): Buffer {
  const copy = Buffer.from(chunk);
  copy.writeUInt32LE(crc32(copy.subarray(4)), 0);
  return copy;
}

function stateOf(overlay: Overlay): Map<ByteKey, string> {
  const state = new Map<ByteKey, string>();
  overlay.scan('', '\xff', false, false, (one, value) => {
    state.set(one, value.toString());
    return true;
  });
  return state;
}
