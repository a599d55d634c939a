/** Bytes that no driver would send: the door answers or closes, lives on, and leaves no connection stuck. */
import { connect } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startDoor, type TestDoor } from '../conformance/test-door.test-support.ts';
import type { WireClient } from '../conformance/wire-client.test-support.ts';
import { ByteWriter } from '../protocol/byte-writer.ts';
import { encodeSegment } from '../protocol/segments.ts';

let door: TestDoor;
let witness: WireClient;
beforeAll(async () => {
  door = await startDoor(1);
  witness = await door.connect();
});
afterAll(() => door.stop());

function frame(version: number, opcode: number, write: (writer: ByteWriter) => void = () => undefined): Buffer {
  const body = new ByteWriter();
  write(body);
  const bytes = Buffer.concat([Buffer.alloc(9), body.written]);
  bytes[0] = version;
  bytes[3] = 1;
  bytes[4] = opcode;
  bytes.writeInt32BE(body.length, 5);
  return bytes;
}

function startup(version: number, compression?: string): Buffer {
  return frame(version, 0x01, (writer) => {
    writer.short(compression === undefined ? 1 : 2);
    writer.string('CQL_VERSION');
    writer.string('3.0.0');
    if (compression === undefined) return;
    writer.string('COMPRESSION');
    writer.string(compression);
  });
}

/** One of every request, with everything that it may carry. */
function requests(version: number): Buffer[] {
  const flags = (writer: ByteWriter, value: number): void => (version >= 5 ? writer.int(value) : writer.byte(value));
  return [
    frame(version, 0x05),
    frame(version, 0x07, (writer) => {
      writer.longString('SELECT key, data_center FROM system.local WHERE key = ?');
      writer.short(4);
      flags(writer, 0x01 | 0x02 | 0x04 | 0x08 | 0x10 | 0x20);
      writer.short(1);
      writer.bytes(Buffer.from('local'));
      writer.int(100);
      writer.bytes(Buffer.from('0102030405', 'hex'));
      writer.short(8);
      writer.raw(Buffer.alloc(8, 1));
    }),
    frame(version, 0x09, (writer) => {
      writer.longString('SELECT * FROM system.local WHERE key = :k');
      if (version >= 5) writer.int(0);
    }),
    frame(version, 0x0a, (writer) => {
      writer.shortBytes(Buffer.alloc(16, 7));
      if (version >= 5) writer.shortBytes(Buffer.alloc(16, 8));
      writer.short(1);
      flags(writer, 0x41);
      writer.short(1);
      writer.string('k');
      writer.bytes(null);
    }),
    frame(version, 0x0d, (writer) => {
      writer.byte(0);
      writer.short(2);
      writer.byte(0);
      writer.longString('INSERT INTO a.b (c) VALUES (?)');
      writer.short(1);
      writer.int(-2);
      writer.byte(1);
      writer.shortBytes(Buffer.alloc(16, 7));
      writer.short(0);
      writer.short(1);
      flags(writer, 0x10);
      writer.short(9);
    }),
    frame(version, 0x0b, (writer) => writer.stringList(['SCHEMA_CHANGE', 'STATUS_CHANGE'])),
    frame(version, 0x0f, (writer) => writer.bytes(Buffer.from('\0user\0word'))),
  ];
}

/** Sends the bytes and the end of them; resolves with what came back when the door has closed its side too. */
function exchange(bytes: Buffer): Promise<Buffer> {
  return new Promise((resolve) => {
    const received: Buffer[] = [];
    const socket = connect({ host: '127.0.0.1', port: door.door.port });
    const done = (): void => resolve(Buffer.concat(received));
    socket.on('data', (chunk) => received.push(chunk));
    // A door that closes before everything was read resets.
    socket.on('error', () => undefined);
    socket.on('close', done);
    socket.end(bytes);
  });
}

/** Sends the bytes and keeps its side open. */
function exchangeOpen(bytes: Buffer): { first: Promise<unknown>; closed: Promise<unknown> } {
  const socket = connect({ host: '127.0.0.1', port: door.door.port });
  socket.on('error', () => undefined);
  socket.write(bytes);
  const once = (event: string): Promise<unknown> => new Promise((resolve) => socket.once(event, resolve));
  return { first: once('data'), closed: once('close') };
}

async function isAlive(): Promise<void> {
  expect(await witness.query('SELECT key FROM system.local')).toEqual(['key text', "= 'local'"]);
}

/** More for a longer search. */
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 300);
const versions = fc.constantFrom(3, 4, 5);

it('random bytes', { timeout: 60_000 + 100 * RUNS }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.boolean(), versions, fc.uint8Array({ maxLength: 200 }), async (isStarted, version, noise) => {
      await exchange(Buffer.concat([isStarted ? startup(version) : Buffer.alloc(0), Buffer.from(noise)]));
    }),
    { numRuns: RUNS },
  );
  await isAlive();
});

it('requests of which some bytes were changed, left out or doubled', { timeout: 60_000 + 100 * RUNS }, async () => {
  const change = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    byte: fc.nat({ max: 255 }),
    kind: fc.nat({ max: 2 }),
  });
  await fc.assert(
    fc.asyncProperty(
      versions,
      fc.constantFrom(undefined, 'lz4', 'snappy'),
      fc.array(fc.record({ index: fc.nat({ max: 6 }), changes: fc.array(change, { maxLength: 3 }) }), { maxLength: 5 }),
      async (version, compression, picked) => {
        const all = requests(version);
        const sent = picked.map(({ index, changes }) => {
          let bytes = all[index] as Buffer;
          for (const { at, byte, kind } of changes) {
            const place = Math.floor(at * (bytes.length - 1));
            const kept = kind === 0 ? place + 1 : kind === 1 ? Math.min(bytes.length, place + byte) : place;
            bytes = Buffer.concat([bytes.subarray(0, place), Buffer.from([byte]), bytes.subarray(kept)]);
          }
          return bytes;
        });
        // Version 5 has its checksums right, so that what is in the segments gets through.
        const framed =
          version === 5 && compression !== 'snappy'
            ? sent.map((bytes) => encodeSegment(bytes, true, compression === 'lz4'))
            : sent;
        await exchange(Buffer.concat([startup(version, compression), ...framed]));
      },
    ),
    { numRuns: 2 * RUNS },
  );
  await isAlive();
});

it('names and aliases that are longer than the protocol can say are cut', async () => {
  const name = 'x'.repeat(70_000);
  const [columns] = await witness.query(`SELECT key AS "${name}" FROM system.local`);
  expect(columns).toMatch(/^x{21845} text$/);
  await witness.prepare(`SELECT * FROM system.local WHERE key = :"${name}"`);
  await isAlive();
});

it('more markers than the protocol can count are refused', async () => {
  const markers = Array.from({ length: 70_000 }, () => '?').join(', ');
  const [refusal] = (await witness.prepare(`SELECT key FROM system.local WHERE key IN (${markers})`)) as string[];
  expect(refusal).toBe('error 2200 Too many markers(?). 70000 markers exceed the allowed maximum of 65535');
  await isAlive();
});

it('a connection that never starts up is closed', { timeout: 60_000 }, async () => {
  const answer = exchangeOpen(frame(4, 0x05));
  const { clock } = door;
  await answer.first;
  clock.monotonicOffset_ms += 31_000;
  await answer.closed;
  await isAlive();
});

it.each(['lz4', 'snappy'])(
  'a small %s message that promises to be huge is refused before it is unpacked',
  async (compression) => {
    const body = compression === 'lz4' ? Buffer.from('0fffffff1000', 'hex') : Buffer.from('ffffff7f00', 'hex');
    const bomb = frame(4, 0x07, (writer) => writer.raw(body));
    bomb[1] = 1;
    expect((await exchange(Buffer.concat([startup(4, compression), bomb]))).toString('latin1')).toContain(
      'Invalid length of a compressed message: ',
    );
  },
);

it('a version that nobody knows is answered in the highest known one, with the text that drivers look for', async () => {
  const answer = await exchange(frame(66, 0x05));
  expect(answer[0]).toBe(0x85);
  expect(answer.readInt32BE(9)).toBe(0x0a);
  expect(answer.toString('utf8', 15)).toBe(
    'Invalid or unsupported protocol version (66); supported versions are (3/v3, 4/v4, 5/v5)',
  );
});
