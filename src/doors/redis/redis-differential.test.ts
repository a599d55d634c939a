/**
 * The door against a real Redis of this machine, byte for byte: every string, generic, connection and server command with
 * its options and its errors. differential/ does the same with random commands of all data types.
 */
import type { ChildProcess } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CommandTable } from './command-table.ts';
import { commandSpecs } from './commands/all.ts';
import { hasRedis, startRedis } from './differential/redis-server.test-support.ts';
import { startDoors, type TestDoors } from './door.test-support.ts';
import type { RawClient } from './raw-client.test-support.ts';
import { Request } from './request.ts';

/** Lines whose replies must be the same bytes, in this order, on the same keys. */
const SCRIPT = `
SET a 1|GET a|SET a 2 NX|SET a 2 XX|GET a|SET nokey 2 XX|SET a 3 GET|SET b 3 GET|SET b 4 NX GET|GET b|SET a 1 NX XX
SET a 1 XX NX|SET a 1 EX|SET a 1 EX 0|SET a 1 EX -1|SET a 1 EX abc|SET a 1 EX 10 PX 10|SET a 1 KEEPTTL EX 10
SET a 1 EX 10 KEEPTTL|SET a 1 FOO|SET a 1 EX 9223372036854775807|SET a 1 PX 9223372036854775807|SET a 1 EX 100|TTL a
SET a 2 KEEPTTL|TTL a|SET a 3|TTL a|SET a|SET|GET|GET a b|SETNX a 1|SETNX c 1|SETEX d 100 v|SETEX d 0 v|SETEX d abc v
SETEX d -5 v|PSETEX d 100000 v|PSETEX d 0 v|PSETEX d abc v|GETSET d w|TTL d|GETSET e w|GETDEL e|GETDEL e|GETEX d|GETEX d EX 100
GETEX d PERSIST|TTL d|GETEX d EX 0|GETEX d FOO|GETEX d EX|GETEX d PERSIST EX 1|GETEX nokey EX 10|GETEX d EX 10 PERSIST
APPEND f abc|APPEND f def|GET f|OBJECT ENCODING f|STRLEN f|STRLEN nokey|GETRANGE f 0 -1|GETRANGE f 1 3|GETRANGE f -3 -1
GETRANGE f -1 -3|GETRANGE f 5 100|GETRANGE f 100 200|GETRANGE f a b|GETRANGE nokey 0 1|SUBSTR f 0 1|SETRANGE f 1 XY|GET f
SETRANGE f 10 Z|GET f|SETRANGE f -1 Z|SETRANGE f abc Z|SETRANGE g 3 x|GET g|SETRANGE h 3 |EXISTS h|SETRANGE f 536870911 xx
GETRANGE f -100 2|GETRANGE f 0 -100|GETRANGE f -100 -200
INCR n|INCR n|DECR n|INCRBY n 10|DECRBY n 3|INCRBY n abc|INCRBY n 9223372036854775807|INCR f|SET n 9223372036854775807|INCR n
DECRBY n 1|SET n -9223372036854775808|DECR n|INCRBY n -1|DECRBY n -9223372036854775808|SET n 9007199254740990|INCR n|INCR n|INCR n
SET n 007|INCR n|SET n -0|INCR n|SET n +1|INCR n|SET n |INCR n|SET n 1.5|INCR n|INCRBYFLOAT n 1|INCRBYFLOAT n abc
SET n 10.50|INCRBYFLOAT n 0.1|GET n|SET n 5.0e3|INCRBYFLOAT n 2.0e2|INCRBYFLOAT n -5200|INCRBYFLOAT nf 3|INCRBYFLOAT nf 1e300
SET n 3|INCRBYFLOAT n 1.23456789|INCRBYFLOAT n inf|INCRBYFLOAT n nan|SET n abc|INCRBYFLOAT n 1|SET n 1|INCRBYFLOAT n -1.1
INCRBYFLOAT n2 0.5|INCRBYFLOAT n2 -0.5|SET n 100|INCRBYFLOAT n 1e-5|INCRBYFLOAT n 1 2
MSET k1 a k2 b|MGET k1 k2 nokey|MSET k1|MSET k1 a k2|MSETNX k3 a k4 b|MSETNX k4 a k5 b|EXISTS k5|MSETNX k5|MGET|MGET k1 k1
LCS lc1 lc2|SET lc1 ohmytext|SET lc2 mynewtext|LCS lc1 lc2|LCS lc1 lc2 LEN|LCS lc1 lc2 IDX|LCS lc1 lc2 IDX MINMATCHLEN 4
LCS lc1 lc2 IDX WITHMATCHLEN|LCS lc1 lc2 IDX MINMATCHLEN 4 WITHMATCHLEN|LCS lc1 lc2 LEN IDX|LCS lc1 lc2 FOO|LCS lc1 nokey|LCS lc1
DEL a b c nokey|DEL a|DEL|UNLINK k1 k2|UNLINK|EXISTS d d f|EXISTS|TOUCH d f nokey|TYPE d|TYPE nokey|TYPE
EXPIRE d 100|TTL d|EXPIRE nokey 100|EXPIRE d abc|EXPIRE d 100 NX|EXPIRE d 200 XX|EXPIRE d 100 GT|EXPIRE d 300 GT|EXPIRE d 100 LT
EXPIRE d 100 NX XX|EXPIRE d 100 GT LT|EXPIRE d 100 FOO|EXPIRE d 9223372036854775807|EXPIRE d -9223372036854775808|PERSIST d|PERSIST d
PERSIST nokey|EXPIRE d 100 GT|EXPIRE d 100 LT|PERSIST d|EXPIRE d 100 XX|EXPIREAT d 33177117420|TTL nokey|EXPIRETIME d|PEXPIRETIME d
EXPIRETIME nokey|PEXPIRETIME f|PEXPIREAT d 33177117420000|PEXPIRETIME d|PEXPIRE d 100000|PEXPIRE d abc|EXPIRE d 0|EXISTS d|SET d 1
EXPIRE d -1|EXISTS d|SET d 1|EXPIREAT d 1|EXISTS d|SET d 1|PEXPIREAT d 0|EXISTS d|PEXPIREAT d 9223372036854770000|EXPIRE d|EXPIREAT d
RENAME f f2|RENAME f f2|GET f2|RENAMENX f2 g|RENAMENX f2 f3|RENAMENX nokey x|RENAME f3 f3|RENAMENX f3 f3|RENAME f3
COPY f3 f4|COPY f3 f4|COPY f3 f4 REPLACE|COPY f3 f3|COPY nokey f9|COPY f3 f4 FOO|COPY f3 f4 DB|COPY f3 f4 DB abc|COPY f3
SET t 1 EX 100|RENAME t t2|TTL t2|COPY t2 t3|TTL t3|SET o 12345678901234567890|OBJECT ENCODING o|SET o 123|OBJECT ENCODING o
SET o 0123|OBJECT ENCODING o|SET o aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa|OBJECT ENCODING o
SET o aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa|OBJECT ENCODING o|OBJECT ENCODING nokey|OBJECT FREQ o|OBJECT FREQ nokey|OBJECT REFCOUNT o
OBJECT IDLETIME o|OBJECT IDLETIME nokey|OBJECT FOO o|OBJECT ENCODING|OBJECT|OBJECT HELP x|MEMORY USAGE nokey|MEMORY USAGE o SAMPLES
MEMORY USAGE o SAMPLES -1|MEMORY USAGE o FOO 1|SCAN abc|SCAN 0 COUNT 0|SCAN 0 COUNT abc|SCAN 0 FOO 1|SCAN 0 COUNT|SCAN|KEYS
KEYS nokey*|KEYS o|RANDOMKEY x|DBSIZE x|WAIT a 1|WAIT 0 -1|WAIT 0 abc
MULTI|SET m 1|INCR m|GET m|INCR o|EXEC|MULTI|MULTI|DISCARD|DISCARD|EXEC|MULTI|FOO|EXEC|MULTI|GET|EXEC|MULTI|EXEC|WATCH m|MULTI
GET m|EXEC|WATCH m|SET m 5|MULTI|GET m|EXEC|GET m|WATCH m|UNWATCH|SET m 6|MULTI|GET m|EXEC|MULTI|WATCH m|EXEC|MULTI|PING|ECHO x|EXEC
WATCH|MULTI x|EXEC x|MULTI|SET m a|DISCARD|GET m|MULTI|UNWATCH|SET m 7|EXEC|MULTI|SELECT abc|GET m|EXEC
PING|PING x|PING x y|ECHO|ECHO x|ECHO x y|SELECT 0|SELECT abc|SELECT|AUTH x|AUTH x y|AUTH default y|AUTH a b c|FOO|FOO a b c|HELLO abc|HELLO 4
HELLO 3 FOO|CLIENT GETNAME|CLIENT SETNAME x|CLIENT GETNAME|CLIENT SETNAME a\\nb|CLIENT FOO|CLIENT|CLIENT KILL 1.2.3.4:5|CLIENT KILL ID abc
CLIENT KILL ID 99999|CLIENT KILL FOO bar|CLIENT KILL TYPE foo|CLIENT LIST ID a|CLIENT LIST TYPE foo|CLIENT LIST FOO|CLIENT NO-EVICT foo|CLIENT REPLY foo
CLIENT PAUSE abc|CLIENT PAUSE 1 foo|CLIENT PAUSE -1|CLIENT UNPAUSE|CLIENT UNBLOCK abc|CLIENT UNBLOCK 1 foo|CLIENT UNBLOCK 99999|CLIENT TRACKING foo
CLIENT CACHING yes|CLIENT CACHING foo|CLIENT GETREDIR|CLIENT TRACKINGINFO|CONFIG GET nosetting|CONFIG SET foo bar|CONFIG SET hz abc|CONFIG SET hz|CONFIG FOO
CONFIG SET appendfsync foo|CONFIG SET appendonly foo|CONFIG GET hz|CONFIG SET hz 20 hz 30|CONFIG SET databases 3|CONFIG RESETSTAT
COMMAND FOO|COMMAND GETKEYS FOO a|COMMAND GETKEYS SET a b|COMMAND GETKEYS MSET a b c d|COMMAND GETKEYS MGET a b|COMMAND GETKEYSANDFLAGS MSET a b c d
COMMAND GETKEYS PING x|COMMAND GETKEYS GET a b|COMMAND INFO foo|COMMAND LIST FILTERBY foo bar|COMMAND LIST FILTERBY MODULE x|LATENCY LATEST|LATENCY FOO
LATENCY RESET|SLOWLOG LEN|SLOWLOG FOO|SLOWLOG GET abc|SLOWLOG RESET|ACL WHOAMI|ACL USERS|ACL CAT foo|ACL FOO|ACL GETUSER foo|ACL CAT
MODULE LIST|MEMORY FOO|MEMORY PURGE|TIME x|LASTSAVE x|ROLE x|FLUSHALL FOO|FLUSHDB SYNC x|SWAPDB 0|MOVE a|INFO nosection|FLUSHALL|DBSIZE|RANDOMKEY|SCAN 0
SCAN 0 MATCH x* COUNT 100 TYPE string|SCAN 0 TYPE foo|FLUSHDB ASYNC|RESET
`;

const table = new CommandTable(commandSpecs);

/** Puts all keys into one slot: other differences than CROSSSLOT are what this is about. */
function oneSlot(words: string[]): string[] {
  const request = Request.of(...words);
  const command = table.resolve(request);
  const keys = command?.arityFits(request.count) === true ? (command.keyIndexes(request) ?? []) : [];
  for (const { index } of keys) words[index] = `{t}${words[index]}`;
  return words;
}

const commands = SCRIPT.trim()
  .split(/[|\n]/)
  .map((line) => oneSlot(line.split(' ').map((word) => word.replaceAll('\\n', '\n'))));

// Where the server is missing the suite is counted as skipped, and its name says why.
describe.skipIf(!hasRedis())('against redis-server 7 (skipped where it is not installed)', () => {
  let server: ChildProcess;
  let doors: TestDoors;
  let theirs: RawClient;
  let ours: RawClient;

  beforeAll(async () => {
    ({ server, client: theirs } = await startRedis());
    doors = await startDoors();
    ours = await doors.single();
  });

  afterAll(async () => {
    theirs.close();
    await doors.stop();
    server.kill('SIGKILL');
  });

  /** Texts where the door differs on purpose. */
  const EXPECTED_DIFFERENCES = new Set<string>([]);

  test.each([2, 3])('answers every command of the script with the same bytes in RESP%i', async (version) => {
    await theirs.call('FLUSHALL');
    await ours.call('FLUSHALL');
    if (version === 3) {
      await theirs.call('HELLO', '3');
      await ours.call('HELLO', '3');
    }
    const differences: string[] = [];
    for (const command of commands) {
      const expected = await theirs.raw(...command);
      const actual = await ours.raw(...command);
      if (expected !== actual && !EXPECTED_DIFFERENCES.has(command.join(' '))) {
        differences.push(
          `${command.join(' ')}\n   redis: ${JSON.stringify(expected)}\n   door:  ${JSON.stringify(actual)}`,
        );
      }
    }
    expect(differences.join('\n')).toBe('');
  });
});
