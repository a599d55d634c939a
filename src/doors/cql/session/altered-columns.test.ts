/** What clients of versions without ids of columns hear when a statement that they have prepared gives other columns than before. */
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startDoor, type TestDoor } from '../conformance/test-door.test-support.ts';
import type { WireClient } from '../conformance/wire-client.test-support.ts';
import { ByteReader } from '../protocol/byte-reader.ts';
import { ByteWriter } from '../protocol/byte-writer.ts';
import { FrameFlag, writeFrame } from '../protocol/frames.ts';
import { Consistency, Opcode } from '../protocol/messages.ts';

let door: TestDoor;
let client: WireClient;
beforeAll(async () => {
  door = await startDoor(1);
  client = await door.connect();
});
afterAll(() => door.stop());

const NO_METADATA = 4;

/** The flags of the rows that a version 4 client gets who knows the columns already, and how many columns there are. */
function executeWithoutMetadata(id: Buffer): Promise<{ flags: number; columns: number }> {
  const writer = new ByteWriter();
  const send = (opcode: number, body: (writer: ByteWriter) => void): void =>
    writeFrame(writer, { version: 4, stream: 1, opcode, flags: 0, compression: null }, body);
  send(Opcode.startup, (body) => {
    body.short(1);
    body.string('CQL_VERSION');
    body.string('3.0.0');
  });
  const second = writer.length;
  send(Opcode.execute, (body) => {
    body.shortBytes(id);
    body.short(Consistency.ONE);
    body.byte(2);
  });
  const bytes = writer.take();
  for (const at of [0, second]) bytes[at] = 4;
  return new Promise((resolve) => {
    const received: Buffer[] = [];
    const socket = connect({ host: '127.0.0.1', port: door.door.port });
    socket.on('data', (chunk) => {
      received.push(chunk);
      const all = Buffer.concat(received);
      const ready = 9 + (all.length < 9 ? 0 : all.readInt32BE(5));
      if (all.length < ready + 9 || all.length < ready + 9 + all.readInt32BE(ready + 5)) return;
      socket.destroy();
      expect(all[ready + 1]).not.toBe(FrameFlag.warnings);
      const reader = new ByteReader(all.subarray(ready + 9));
      expect([all[ready + 4], reader.int()]).toEqual([Opcode.result, 2]);
      resolve({ flags: reader.int(), columns: reader.int() });
    });
    socket.write(bytes);
  });
}

it('columns are told again once they are others', async () => {
  for (const text of [
    "CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
    'CREATE TABLE k.t (a int PRIMARY KEY, b int)',
    'INSERT INTO k.t (a, b) VALUES (1, 2)',
  ]) {
    await client.query(text);
  }
  const prepared = await client.prepare('SELECT * FROM k.t');
  if (!('id' in prepared)) throw new Error(prepared.join('\n'));
  expect(await executeWithoutMetadata(prepared.id)).toEqual({ flags: NO_METADATA, columns: 2 });

  await client.query('CREATE TABLE k.other (a int PRIMARY KEY)');
  expect(await executeWithoutMetadata(prepared.id)).toEqual({ flags: NO_METADATA, columns: 2 });

  await client.query('ALTER TABLE k.t ADD c int');
  const altered = await executeWithoutMetadata(prepared.id);
  expect(altered.columns).toBe(3);
  expect(altered.flags & NO_METADATA).toBe(0);

  // Another client knows the new columns; who has prepared before does not.
  await client.prepare('SELECT * FROM k.t');
  expect((await executeWithoutMetadata(prepared.id)).flags & NO_METADATA).toBe(0);
});
