import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Outcome } from '../../tablet/operation.ts';
import { startDoors, type TestDoors } from './door.test-support.ts';
import { encode, type RawClient } from './raw-client.test-support.ts';

describe('MULTI and WATCH', () => {
  let doors: TestDoors;
  let client: RawClient;
  let other: RawClient;

  beforeEach(async () => {
    doors = await startDoors(3);
    client = await doors.single(1);
    other = await doors.single(2);
  });
  afterEach(() => doors.stop());

  /** A key whose tablet the node leads. */
  const keyOf = async (node: number): Promise<string> => {
    for (let index = 0; ; index += 1) {
      const slot = (await (await doors.clustered(1)).call('CLUSTER', 'KEYSLOT', `k${index}`)) as number;
      if (doors.cluster.tabletOf(slot).leader === node) return `k${index}`;
    }
  };

  test.each([1, 2])('a transaction runs on the leader, here or elsewhere (node %i)', async (node) => {
    const key = await keyOf(node);
    expect(await client.line('MULTI')).toBe('OK');
    expect(await client.line(`SET ${key} 5`)).toBe('QUEUED');
    expect(await client.line(`INCR ${key}`)).toBe('QUEUED');
    expect(await client.line('PING')).toBe('QUEUED');
    expect(await client.line(`GET ${key}`)).toBe('QUEUED');
    expect(await client.line('EXEC')).toEqual(['OK', 6, 'PONG', '6']);
  });

  test.each([1, 2])('EXEC refuses after a watched key was written (node %i)', async (node) => {
    const key = await keyOf(node);
    await client.line(`WATCH ${key}`);
    await other.line(`SET ${key} x`);
    await client.line('MULTI');
    await client.line(`SET ${key} y`);
    expect(await client.line('EXEC')).toBeNull();
    expect(await client.line(`GET ${key}`)).toBe('x');
  });

  test('EXEC refuses after a watched key was removed and made again with the same value', async () => {
    await client.line('SET k v');
    await client.line('WATCH k');
    await other.line('DEL k');
    await other.line('SET k v');
    await client.line('MULTI');
    await client.line('GET k');
    expect(await client.line('EXEC')).toBeNull();
  });

  test('EXEC refuses after a watched key has expired', async () => {
    await client.line('SET k v PX 10000');
    await client.line('WATCH k');
    doors.clock.offset_ms += 20_000;
    await client.line('MULTI');
    await client.line('GET k');
    expect(await client.line('EXEC')).toBeNull();
  });

  test('WATCH holds across a change of leader', async () => {
    const key = await keyOf(2);
    await client.line(`SET ${key} 1`);
    await client.line(`WATCH ${key}`);
    const slot = (await (await doors.clustered(1)).call('CLUSTER', 'KEYSLOT', key)) as number;
    doors.cluster.setLeader(doors.cluster.tabletOf(slot).id, 3);
    await client.line('MULTI');
    await client.line(`INCR ${key}`);
    expect(await client.line('EXEC')).toEqual([2]);
    await client.line(`WATCH ${key}`);
    await other.line(`INCR ${key}`);
    doors.cluster.setLeader(doors.cluster.tabletOf(slot).id, 1);
    await client.line('MULTI');
    await client.line(`INCR ${key}`);
    expect(await client.line('EXEC')).toBeNull();
  });

  test('commands sent without waiting behind WATCH see its effect', async () => {
    client.write(Buffer.concat([['WATCH', 'k'], ['MULTI'], ['SET', 'k', '1'], ['EXEC'], ['GET', 'k']].map(encode)));
    const replies: string[] = [];
    for (let index = 0; index < 5; index += 1) replies.push((await client.next()).latin1Slice());
    expect(replies).toEqual(['+OK\r\n', '+OK\r\n', '+QUEUED\r\n', '*1\r\n+OK\r\n', '$1\r\n1\r\n']);
  });

  test('keys of several slots are refused at EXEC, and nothing is done', async () => {
    await client.line('MULTI');
    await client.line('SET a 1');
    await client.line('SET b 1');
    expect(await client.line('EXEC')).toMatch(/^-CROSSSLOT/);
    expect(await client.line('EXISTS a b')).toBe(0);
  });

  test('a command on the whole keyspace spoils the transaction', async () => {
    await client.line('MULTI');
    expect(await client.line('DBSIZE')).toBe('-ERR Command not allowed inside a transaction');
    expect(await client.line('EXEC')).toMatch(/^-EXECABORT/);
  });

  test('an error in one command leaves the others done', async () => {
    await client.line('SET {k}a text');
    await client.line('MULTI');
    await client.line('SET {k}b 1');
    await client.line('INCR {k}a');
    await client.line('INCR {k}b');
    expect(await client.line('EXEC')).toEqual(['OK', '-ERR value is not an integer or out of range', 2]);
  });

  test('on the cluster port a command for another node is redirected when it is queued', async () => {
    const clustered = await doors.clustered(1);
    const key = await keyOf(2);
    await clustered.line('MULTI');
    expect(await clustered.line(`SET ${key} 1`)).toMatch(/^-MOVED \d+ 127\.0\.0\.1:\d+/);
    expect(await clustered.line('EXEC')).toMatch(/^-EXECABORT/);
  });

  test('an unknown outcome of EXEC is told as one', async () => {
    const key = await keyOf(1);
    await client.line('MULTI');
    await client.line(`SET ${key} 1`);
    doors.cluster.nextOutcome = Outcome.unknown;
    expect(await client.line('EXEC')).toMatch(/^-TIMEOUT the outcome is unknown/);
  });
});
