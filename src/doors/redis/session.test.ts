import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startDoors, type TestDoors } from './door.test-support.ts';
import { encode, type RawClient } from './raw-client.test-support.ts';

let doors: TestDoors;
let client: RawClient;

beforeEach(async () => {
  doors = await startDoors(1, 1, { configuration: { maxclients: '20' } });
  client = await doors.single();
});
afterEach(() => doors.stop());

const pause = (delay_ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, delay_ms));

describe('a connection', () => {
  test('answers pipelined commands in order, in few writes', async () => {
    const count = 5_000;
    const batch = Array.from({ length: count }, (_, index) =>
      encode(index % 2 === 0 ? ['INCR', 'n'] : ['ECHO', String(index)]),
    );
    client.write(Buffer.concat(batch));
    for (let index = 0; index < count; index += 1) {
      const expected = index % 2 === 0 ? `:${index / 2 + 1}\r\n` : `$${String(index).length}\r\n${index}\r\n`;
      expect((await client.next()).latin1Slice()).toBe(expected);
    }
    expect(doors.doors[0]?.statistics.writesProcessed).toBeLessThan(count / 10);
  });

  test('is held back when it does not read its replies, and loses none', async () => {
    await client.call('SET', 'k', Buffer.alloc(100_000, 0x61));
    client.socket.pause();
    const count = 400;
    client.write(Buffer.concat(Array.from({ length: count }, () => encode(['GET', 'k']))));
    await pause(300);
    client.socket.resume();
    for (let index = 0; index < count; index += 1) expect((await client.next()).length).toBe(100_000 + 11);
  });

  test('takes inline commands', async () => {
    client.write('SET key "a b"\r\n');
    expect((await client.next()).latin1Slice()).toBe('+OK\r\n');
    client.write('GET key\n');
    expect((await client.next()).latin1Slice()).toBe('$3\r\na b\r\n');
  });

  test('is told what is wrong with its protocol, and closed', async () => {
    client.write('*1\r\n$abc\r\n');
    expect((await client.next()).latin1Slice()).toBe('-ERR Protocol error: invalid bulk length\r\n');
    await client.closed;
  });

  test('gets the replies it is owed after it has closed its side', async () => {
    client.write(Buffer.concat([encode(['SET', 'k', 'v']), encode(['GET', 'k'])]));
    client.socket.end();
    expect((await client.next()).latin1Slice()).toBe('+OK\r\n');
    expect((await client.next()).latin1Slice()).toBe('$1\r\nv\r\n');
    await client.closed;
  });

  test('QUIT answers and closes', async () => {
    expect(await client.line('QUIT')).toBe('OK');
    await client.closed;
  });

  test('RESET puts everything back', async () => {
    await client.line('HELLO 3 SETNAME me');
    await client.line('MULTI');
    expect(await client.line('RESET')).toBe('RESET');
    expect(await client.raw('GET', 'none')).toBe('$-1\r\n');
    expect(await client.line('CLIENT GETNAME')).toBeNull();
    expect(await client.line('EXEC')).toBe('-ERR EXEC without MULTI');
  });

  test('is refused beyond maxclients', async () => {
    const more = await Promise.all(Array.from({ length: 25 }, () => doors.single()));
    await pause(50);
    const refused = more.filter((each) => each.rest.latin1Slice().startsWith('-ERR max number of clients reached'));
    expect(refused).toHaveLength(6);
  });
});

describe('CLIENT', () => {
  test('LIST shows the connections with name and library', async () => {
    await client.line('CLIENT SETNAME me');
    await client.line('CLIENT SETINFO lib-name mine');
    await client.line('CLIENT SETINFO lib-ver 1.0');
    await doors.clustered();
    await pause(20);
    const lines = ((await client.line('CLIENT LIST')) as string).trim().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(
      /^id=1 addr=127\.0\.0\.1:\d+ laddr=127\.0\.0\.1:\d+ .*name=me .*cmd=client\|list .*lib-name=mine lib-ver=1\.0$/,
    );
    expect(await client.line('CLIENT SETINFO lib-foo x')).toBe("-ERR Unrecognized option 'lib-foo'");
  });

  test('KILL closes by id', async () => {
    const other = await doors.single();
    const id = await other.line('CLIENT ID');
    expect(await client.line(`CLIENT KILL ID ${id}`)).toBe(1);
    await other.closed;
  });

  test('REPLY OFF and SKIP keep silent, ON answers again', async () => {
    client.write(
      Buffer.concat(
        [
          ['CLIENT', 'REPLY', 'SKIP'],
          ['SET', 'k', '1'],
          ['GET', 'k'],
        ].map(encode),
      ),
    );
    expect((await client.next()).latin1Slice()).toBe('$1\r\n1\r\n');
    client.write(
      Buffer.concat(
        [['CLIENT', 'REPLY', 'OFF'], ['SET', 'k', '2'], ['PING'], ['FOO'], ['CLIENT', 'REPLY', 'ON'], ['GET', 'k']].map(
          encode,
        ),
      ),
    );
    expect((await client.next()).latin1Slice()).toBe('+OK\r\n');
    expect((await client.next()).latin1Slice()).toBe('$1\r\n2\r\n');
  });

  test('PAUSE WRITE holds writes back, not reads, until UNPAUSE', async () => {
    const other = await doors.single();
    expect(await client.line('CLIENT PAUSE 60000 WRITE')).toBe('OK');
    expect(await client.line('GET k')).toBeNull();
    let done = false;
    const write = other.line('SET k 1').then((reply) => {
      done = true;
      return reply;
    });
    await pause(50);
    expect(done).toBe(false);
    expect(await client.line('CLIENT UNPAUSE')).toBe('OK');
    expect(await write).toBe('OK');
  });

  test('PAUSE ends by itself', async () => {
    await client.line('CLIENT PAUSE 50');
    expect(await client.line('PING')).toBe('PONG');
  });
});

describe('a password', () => {
  test('is asked for once it is set', async () => {
    await client.line('CONFIG SET requirepass secret');
    const other = await doors.single();
    expect(await other.line('GET k')).toBe('-NOAUTH Authentication required.');
    expect(await other.line('AUTH wrong')).toBe('-WRONGPASS invalid username-password pair or user is disabled.');
    expect(await other.line('HELLO 3')).toMatch(/^-NOAUTH HELLO must be called/);
    expect(await other.line('AUTH default secret')).toBe('OK');
    expect(await other.line('GET k')).toBeNull();
  });
});

test('a door that drains answers what was asked and takes no new connections', async () => {
  const door = doors.doors[0];
  client.write(encode(['SET', 'k', 'v']));
  await pause(20);
  await door?.drain(1_000);
  expect((await client.next()).latin1Slice()).toBe('+OK\r\n');
  await client.closed;
  await expect(doors.single()).rejects.toThrow();
});

test('every command can be described: COMMAND, COMMAND DOCS and COMMAND INFO in both protocols', async () => {
  for (const version of ['2', '3']) {
    await client.line(`HELLO ${version}`);
    const all = (await client.line('COMMAND')) as unknown[][];
    expect(all.length).toBe(await client.line('COMMAND COUNT'));
    for (const entry of all) expect(entry).toHaveLength(10);
    expect(((await client.line('COMMAND DOCS')) as unknown[]).length).toBe(all.length * 2);
  }
});
