import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { startDoors, type TestDoors } from './door.test-support.ts';
import { CommandOperation } from './operation.ts';
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

  test('makes few large replies in a turn of the event loop, and all in order beside others', async () => {
    await client.call('SET', 'big', Buffer.alloc(2_500_000, 'b'));
    let turn = 0;
    let timer = setImmediate(function count() {
      turn += 1;
      timer = setImmediate(count);
    });
    const perTurn = new Map<number, number>();
    const run = doors.cluster.run.bind(doors.cluster);
    vi.spyOn(doors.cluster, 'run').mockImplementation((operation) => {
      if (operation instanceof CommandOperation) perTurn.set(turn, (perTurn.get(turn) ?? 0) + 1);
      run(operation);
    });
    const clients = [client, await doors.single()];
    const rounds = 4;
    for (const each of clients) {
      each.write(
        Buffer.concat(Array.from({ length: rounds }, () => [encode(['GET', 'big']), encode(['PING'])]).flat()),
      );
    }
    const expected = Array.from({ length: rounds }, () => [2_500_012, 7]).flat();
    for (const each of clients) {
      const lengths: number[] = [];
      while (lengths.length < expected.length) lengths.push((await each.next()).length);
      expect(lengths).toEqual(expected);
    }
    clearImmediate(timer);
    // Two are what is allowed, and two more when a new turn begins after this one was counted.
    expect(Math.max(...perTurn.values())).toBeLessThanOrEqual(4);
    expect([...perTurn.values()].reduce((sum, count) => sum + count, 0)).toBe(clients.length * rounds);
  });

  test('stores large values from where they came in, each its own', async () => {
    const value = (letter: string): Buffer => Buffer.alloc(1_500_000, letter);
    client.write(
      Buffer.concat([
        encode(['SET', '{x}a', value('a'), 'EX', '1000']),
        encode(['SET', '{x}b', value('b')]),
        encode(['SET', '{x}a', value('c')]),
        encode(['MSET', '{x}d', value('d'), '{x}e', value('e')]),
        encode(['MULTI']),
        encode(['SET', '{x}f', value('f')]),
        encode(['SET', '{x}b', value('g')]),
        encode(['EXEC']),
        encode(['GETEX', '{x}d', 'EX', '1000']),
      ]),
    );
    for (const reply of ['+OK', '+OK', '+OK', '+OK', '+OK', '+QUEUED', '+QUEUED', '*2\r\n+OK\r\n+OK']) {
      expect((await client.next()).latin1Slice()).toBe(`${reply}\r\n`);
    }
    await client.next();
    for (const [key, letter] of Object.entries({ a: 'c', b: 'g', d: 'd', e: 'e', f: 'f' })) {
      expect((await client.call('GET', `{x}${key}`)) === letter.repeat(1_500_000), key).toBe(true);
    }
    expect(await client.call('TTL', '{x}a')).toBe(-1);
    expect(await client.call('TTL', '{x}d')).toBe(1000);
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

  test('gets large replies it is owed, too, which take several turns of the event loop', async () => {
    await client.call('SET', 'big', Buffer.alloc(2_500_000, 'b'));
    client.write(Buffer.concat(Array.from({ length: 6 }, () => encode(['GET', 'big']))));
    client.socket.end();
    for (let index = 0; index < 6; index += 1) expect((await client.next()).length).toBe(2_500_012);
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
    const isRefused = (each: (typeof more)[number]): boolean =>
      each.rest.latin1Slice().startsWith('-ERR max number of clients reached');
    await vi.waitFor(() => expect(more.filter(isRefused)).toHaveLength(6), { timeout: 20_000 });
    const served = more.filter((each) => !isRefused(each));
    expect(await Promise.all(served.map((each) => each.line('PING')))).toEqual(served.map(() => 'PONG'));
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

describe('users', () => {
  test('a password of the default user is asked for once it is set, on every node', async () => {
    expect(await client.line('ACL SETUSER default >secret')).toBe('OK');
    const other = await doors.single();
    expect(await other.line('GET k')).toBe('-NOAUTH Authentication required.');
    expect(await other.line('AUTH wrong')).toBe('-WRONGPASS invalid username-password pair or user is disabled.');
    expect(await other.line('HELLO 3')).toMatch(/^-NOAUTH HELLO must be called/);
    expect(await other.line('AUTH default secret')).toBe('OK');
    expect(await other.line('GET k')).toBeNull();
    expect(await other.line('CONFIG SET requirepass other')).toMatch(/use ACL SETUSER default/);
  });

  test('what follows a log-in in one write is done by that user, and replies keep their order', async () => {
    await client.line('ACL SETUSER anna on >pw ~* +@all');
    const other = await doors.single();
    other.write(
      Buffer.concat(
        [
          ['AUTH', 'anna', 'pw'],
          ['ACL', 'WHOAMI'],
          ['AUTH', 'anna', 'no'],
          ['ACL', 'WHOAMI'],
        ].map(encode),
      ),
    );
    expect((await other.next()).latin1Slice()).toBe('+OK\r\n');
    expect((await other.next()).latin1Slice()).toBe('$4\r\nanna\r\n');
    expect((await other.next()).latin1Slice()).toMatch(/^-WRONGPASS/);
    expect((await other.next()).latin1Slice()).toBe('$4\r\nanna\r\n');
  });

  test('commands, categories and keys are what the rules allow, and refusals are logged', async () => {
    await client.line('ACL SETUSER anna on >pw ~app:* %R~shared:* +@read +@transaction +set -@dangerous +config|get');
    const other = await doors.single();
    expect(await other.line('HELLO 3 AUTH anna pw SETNAME me')).toContain('proto');
    expect(await other.line('SET app:1 v')).toBe('OK');
    expect(await other.line('GET app:1')).toBe('v');
    expect(await other.line('GET shared:1')).toBeNull();
    const key = '-NOPERM this user has no permissions to access one of the keys used as arguments';
    expect(await other.line('SET shared:1 v')).toBe(key);
    expect(await other.line('MGET app:1 other')).toBe(key);
    expect(await other.line('DEL app:1')).toBe("-NOPERM this user has no permissions to run the 'del' command");
    expect(await other.line('KEYS *')).toBe("-NOPERM this user has no permissions to run the 'keys' command");
    expect(await other.line('CONFIG SET hz 10')).toMatch(/^-NOPERM .*'config\|set'/);
    expect(String(await other.line('CONFIG GET hz'))).not.toMatch(/NOPERM/);
    await other.line('MULTI');
    expect(await other.line('SET other 1')).toBe(key);
    expect(await other.line('EXEC')).toMatch(/^-EXECABORT/);
    const [newest] = (await client.line('ACL LOG')) as unknown[][];
    expect(newest?.slice(0, 10)).toEqual([
      'count',
      1,
      'reason',
      'key',
      'context',
      'multi',
      'object',
      'other',
      'username',
      'anna',
    ]);
    expect(await client.line('ACL DRYRUN anna DEL app:1')).toBe(
      "This user has no permissions to run the 'del' command",
    );
  });

  test('changes reach connections that are there; a user who is deleted loses them', async () => {
    await client.line('ACL SETUSER anna on >pw ~* +get');
    const other = await doors.single();
    await other.line('AUTH anna pw');
    expect(await other.line('SET k v')).toMatch(/^-NOPERM/);
    await client.line('ACL SETUSER anna +set');
    expect(await other.line('SET k v')).toBe('OK');
    expect(await client.line('ACL LIST')).toEqual([
      expect.stringMatching(/^user anna on #[0-9a-f]{64} ~\* resetchannels -@all \+get \+set$/),
      'user default on nopass ~* &* +@all',
    ]);
    expect(await client.line('ACL DELUSER anna nobody')).toBe(1);
    await other.closed;
    expect(await client.line('ACL USERS')).toEqual(['default']);
  });

  test('a rule that makes no sense changes nothing, and says why', async () => {
    for (const [rule, why] of [
      ['+nosuch', 'Unknown command or category name in ACL'],
      ['nonsense', 'Syntax error'],
      ['<none', 'The password you are trying to remove from the user does not exist'],
      ['(~a)', 'selectors are not supported'],
    ] as const) {
      const reply = await client.call('ACL', 'SETUSER', 'anna', 'on', rule);
      expect(reply).toContain(`ERR Error in ACL SETUSER modifier '${rule}': ${why}`);
    }
    expect(await client.line('ACL GETUSER anna')).toBeNull();
    expect(await client.line('ACL DELUSER default')).toBe("-ERR The 'default' user cannot be removed");
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
