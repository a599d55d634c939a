import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Comparison, scriptCommands } from '../differential/comparison.test-support.ts';
import { hasRedis } from '../differential/redis-server.test-support.ts';

/** Edge cases by name; random-commands.test.ts finds the rest. */
const SCRIPT = `
SETBIT a 7 1|SETBIT a 7 0|GET a|SETBIT a 100 0|STRLEN a|SETBIT a 0 1|OBJECT ENCODING a|GETBIT a 4294967295|GETBIT a 4294967296
GETBIT none 1|SETBIT b 4294967296 1|SETBIT b -1 1|SETBIT b 1 2|SETBIT b x 1|SETBIT b 1 x|EXISTS b
SET n 12|SETBIT n 6 1|GET n|OBJECT ENCODING n|EXPIRE n 100|SETBIT n 5 0|TTL n|BITOP NOT n n|TTL n
SET s foobar|BITCOUNT s|BITCOUNT s 0 0|BITCOUNT s 1 1|BITCOUNT s 5 30 BIT|BITCOUNT s -2 -1|BITCOUNT s -1 -2|BITCOUNT s 0 -1 FOO
BITCOUNT s 0 -1 BIT x|BITCOUNT s x 1|BITCOUNT none|BITCOUNT none 0 -1|BITCOUNT s 10 20|BITCOUNT s -100 -90
BITPOS s 1|BITPOS s 0|BITPOS s 2|BITPOS s x|BITPOS none 1|BITPOS none 0|BITPOS s 1 100|BITPOS s 1 2 -1 BIT|BITPOS s 0 1 2 FOO
BITFIELD f SET u8 0 255 GET u4 0 GET i4 4|BITFIELD f INCRBY u8 0 10|BITFIELD f OVERFLOW SAT INCRBY i8 0 -1000|BITFIELD f OVERFLOW FAIL INCRBY u2 100 5|STRLEN f
BITFIELD f GET u64 0|BITFIELD f GET i64 0|BITFIELD f SET i64 #1 -9223372036854775808|BITFIELD f INCRBY i64 #1 -1|BITFIELD f GET u63 64
BITFIELD f OVERFLOW FOO|BITFIELD f|BITFIELD g|EXISTS g|BITFIELD f SET u8 4294967296 1|BITFIELD f SET u8 #536870912 1|BITFIELD_RO f GET u8 0
BITFIELD_RO f SET u8 0 1|BITFIELD_RO none GET u8 0|BITFIELD f SET u8 0|BITFIELD f GET u8 0 SET u8 0 x|OBJECT ENCODING f
BITOP AND x none none|EXISTS x|SET x 1|BITOP OR x none|EXISTS x|BITOP NOT x s s|BITOP FOO x s|BITOP XOR x s n|GET x|BITOP AND x s|GET x|OBJECT ENCODING x
`;

describe.skipIf(!hasRedis())('bitmaps against redis-server 7 (skipped where it is not installed)', () => {
  let comparison: Comparison;
  beforeAll(async () => {
    comparison = await Comparison.start();
  });
  afterAll(() => comparison.stop());

  const commands = scriptCommands(SCRIPT).map((words) => inOneSlot(words.map(String)));

  test.each([2, 3] as const)('answer a script of edge cases with the same bytes in RESP%i', async (version) => {
    await comparison.call('HELLO', String(version));
    expect(await comparison.differences(commands)).toBe('');
  });
});

function inOneSlot(words: string[]): string[] {
  return words.map((word) => (/^[a-z]+$/.test(word) && word.length < 5 ? `{t}${word}` : word));
}
