import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { INSERTION_BYTES_MIN, piecesOf } from '../base/insertions.ts';
import { newMessage } from '../raft/messages.ts';
import { EntryType, type Message, MessageType } from '../raft/types.ts';
import { RaftFrameWriter, readRaftFrame } from './raft-frame.ts';

function append(sizes: readonly number[], index: number): Message {
  const message = newMessage(MessageType.append, 1, 2, 3);
  message.index = index;
  message.entries = sizes.map((size, i) => ({
    term: 3,
    index: index + 1 + i,
    type: EntryType.normal,
    data: Buffer.alloc(size, String.fromCharCode(97 + i)),
  }));
  return message;
}

function frameOf(writer: RaftFrameWriter): Buffer {
  const bytes = writer.bytes();
  return Buffer.concat(piecesOf(bytes, 0, bytes.length, writer.insertions));
}

function read(frame: Buffer): [number, Message][] {
  const seen: [number, Message][] = [];
  expect(readRaftFrame(frame, (group, message) => seen.push([group, message]))).toBe(true);
  return seen;
}

function brief([group, message]: [number, Message]): unknown {
  return [group, { ...message, entries: message.entries.map(({ data, ...entry }) => [entry, data.length]) }];
}

describe('a frame of Raft messages', () => {
  it('holds what was written, whatever is large', () => {
    const size = fc.oneof(fc.nat(300), fc.constantFrom(INSERTION_BYTES_MIN - 1, INSERTION_BYTES_MIN, 200_000));
    const writer = new RaftFrameWriter();
    fc.assert(
      fc.property(fc.array(fc.array(size, { maxLength: 4 }), { minLength: 1, maxLength: 4 }), (messages) => {
        const written = messages.map((sizes, i): [number, Message] => [i + 1, append(sizes, 10 * i)]);
        for (const [group, message] of written) writer.add(group, message);
        const frame = frameOf(writer);
        expect(writer.length).toBe(frame.length);
        writer.reset();
        const seen = read(frame);
        expect(seen.map(brief)).toEqual(written.map(brief));
        const data = ([, { entries }]: [number, Message]): readonly Uint8Array[] => entries.map((entry) => entry.data);
        // Not by `toEqual`, which looks at bytes one by one.
        const wanted = written.flatMap(data);
        expect(seen.flatMap(data).every((bytes, i) => Buffer.compare(bytes, wanted[i] as Uint8Array) === 0)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  it('keeps the data of an entry in the frame only where it is most of it', () => {
    const writer = new RaftFrameWriter();
    writer.add(1, append([100, 100_000], 1));
    writer.add(2, append([60_000], 1));
    const frame = frameOf(writer);
    const shares = read(frame).flatMap(([, { entries }]) => entries.map(({ data }) => data.buffer === frame.buffer));
    expect(shares).toEqual([false, true, false]);
  });
});
