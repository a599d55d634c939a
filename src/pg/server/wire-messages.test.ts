import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MessageReader, rowOf, textFields, zeroEnded } from './wire-messages.ts';

function message(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(type, 'latin1');
  head.writeInt32BE(4 + body.length, 1);
  return Buffer.concat([head, body]);
}

test('messages come out whole wherever the bytes were cut', () => {
  const kinds = fc.tuple(fc.constantFrom('T', 'D', 'Z', 'd'), fc.uint8Array({ maxLength: 40 }));
  fc.assert(
    fc.property(fc.array(kinds, { maxLength: 6 }), fc.array(fc.nat(300), { maxLength: 8 }), (messages, cuts) => {
      const bytes = Buffer.concat(messages.map(([type, body]) => message(type, Buffer.from(body))));
      const places = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
      const reader = new MessageReader();
      const read = places.slice(1).flatMap((end, index) => reader.read(bytes.subarray(places[index], end)));
      expect(read.map(({ type, body }) => [type, [...body]])).toEqual(
        messages.map(([type, body]) => [type, [...body]]),
      );
    }),
  );
});

test('a length that cannot be is refused', () => {
  for (const length of [-1, 0, 3, 0x7fff_ffff]) {
    const bytes = message('D', Buffer.alloc(0));
    bytes.writeInt32BE(length, 1);
    expect(() => new MessageReader().read(bytes), String(length)).toThrow(/bytes/);
  }
});

test('a row has texts, empty texts and nulls', () => {
  const body = Buffer.from([0, 3, 0, 0, 0, 2, 0x61, 0x62, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
  expect(rowOf(body)).toEqual(['ab', null, '']);
});

test('texts that end with zero bytes come apart, and none can be written that has one', () => {
  expect(textFields(Buffer.from('SERROR\0Mno\0\0'))).toEqual(['SERROR', 'Mno']);
  expect(textFields(Buffer.from('\0'))).toEqual([]);
  expect(() => zeroEnded('a\0b')).toThrow(/zero byte/);
});
