/** Random commands on bits, and on the strings they are in. */
import fc from 'fast-check';
import type { Words } from './comparison.test-support.ts';
import { type Family, type Step, step } from './family.test-support.ts';

const key = fc.constantFrom('{t}a', '{t}b', '{t}c', '{t}d', '{t}none');
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 24 }).map((array) => Buffer.from(array)),
  fc.constantFrom(Buffer.from(''), Buffer.from('123'), Buffer.alloc(9), Buffer.alloc(13, 0xff), Buffer.from('-17')),
  fc
    .tuple(fc.constantFrom(0, 255), fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 255 }))
    .map(([fill, length, last]) => Buffer.concat([Buffer.alloc(length, fill), Buffer.from([last])])),
);
/** 4294967295 is the last bit of a string of 512 MB: fine to read, too large to write in a test. */
const refusedOffset = fc.constantFrom(
  '-1',
  '4294967296',
  '9223372036854775807',
  '-9223372036854775808',
  'x',
  '',
  '1.5',
  '01',
);
const smallOffset = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 180 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 3_000 }) },
);
const offset = fc.oneof({ weight: 12, arbitrary: smallOffset.map(String) }, { weight: 1, arbitrary: refusedOffset });
const readOffset = fc.oneof({ weight: 20, arbitrary: offset }, { weight: 1, arbitrary: fc.constant('4294967295') });
const bit = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom('0', '1') },
  { weight: 1, arbitrary: fc.constantFrom('2', '-1', 'x', '') },
);
const position = fc.oneof(
  { weight: 10, arbitrary: fc.integer({ min: -200, max: 200 }).map(String) },
  { weight: 5, arbitrary: fc.integer({ min: -25, max: 25 }).map(String) },
  { weight: 1, arbitrary: fc.constantFrom('9223372036854775807', '-9223372036854775808', 'x', '1.5') },
);
const unit = fc.constantFrom('BIT', 'BYTE', 'bit', 'byte', 'BITS', '');

const signedType = fc.integer({ min: 1, max: 64 }).map((width) => `i${width}`);
const unsignedType = fc.integer({ min: 1, max: 63 }).map((width) => `u${width}`);
const type = fc.oneof(
  { weight: 8, arbitrary: signedType },
  { weight: 8, arbitrary: unsignedType },
  { weight: 4, arbitrary: fc.constantFrom('i8', 'u8', 'i64', 'u63', 'i52', 'u52', 'i53', 'u53', 'u1', 'i1') },
  { weight: 1, arbitrary: fc.constantFrom('u64', 'i65', 'u0', 'i', 'x8', 'I8', 'u-1', 'u08', '') },
);
const fieldOffset = fc.oneof(
  { weight: 6, arbitrary: offset },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 30 }).map((index) => `#${index}`) },
  { weight: 1, arbitrary: fc.constantFrom('#', '#-1', '#x', '##1', '#4294967296') },
);
const amount = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: -300, max: 300 }).map(String) },
  { weight: 5, arbitrary: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String) },
  {
    weight: 3,
    arbitrary: fc
      .integer({ min: 0, max: 63 })
      .chain((n) => fc.constantFrom(1n, -1n).map((sign) => String(sign * (2n ** BigInt(n) - (n === 63 ? 1n : 0n))))),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('9223372036854775807', '-9223372036854775808', '9223372036854775808', 'x', ''),
  },
);
const fieldRead = fc.tuple(fc.constantFrom('GET', 'get'), type, fieldOffset);
/**
 * Redis compares with a difference that wraps round below -2^62, and so stores the largest number where SAT asks for the
 * least (SET i8 -9223372036854775808 becomes 127). Here it becomes the least; the comparison stays above.
 */
const storedAmount = amount.map((text) => (/^-\d{19}$/.test(text) ? text.slice(0, -2) : text));
const fieldWrite = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(fc.constantFrom('INCRBY', 'incrby'), type, fieldOffset, amount) },
  { weight: 4, arbitrary: fc.tuple(fc.constant('SET'), type, fieldOffset, storedAmount) },
  { weight: 4, arbitrary: fc.tuple(fc.constant('OVERFLOW'), fc.constantFrom('WRAP', 'SAT', 'FAIL', 'sat', 'fail')) },
  { weight: 8, arbitrary: fieldRead },
);
const brokenField = fc.constantFrom<string[]>(
  ['OVERFLOW', 'NONE'],
  ['OVERFLOW'],
  ['SET', 'u8', '0'],
  ['GET', 'u8'],
  ['FOO', 'u8', '0'],
  ['INCRBY'],
);
const rarely = <T>(rare: fc.Arbitrary<T>, usual: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 15, arbitrary: usual }, { weight: 1, arbitrary: rare });

const bitField = fc
  .tuple(
    key,
    rarely<readonly string[]>(brokenField, fieldWrite),
    fc.array(rarely<readonly string[]>(brokenField, fieldWrite), { maxLength: 5 }),
  )
  .map(([name, first, rest]): Words => ['BITFIELD', name, ...first, ...rest.flat()]);
const bitFieldRo = fc
  .tuple(key, fc.array(rarely<readonly string[]>(fieldWrite, fieldRead), { maxLength: 4 }))
  .map(([name, reads]): Words => ['BITFIELD_RO', name, ...reads.flat()]);
const bitOp = fc
  .tuple(fc.constantFrom('AND', 'OR', 'XOR', 'NOT', 'and', 'NAND'), key, fc.array(key, { minLength: 1, maxLength: 4 }))
  .map(([name, target, sources]): Words => ['BITOP', name, target, ...sources]);
const bitOpNot = fc.tuple(fc.constant('BITOP'), fc.constant('NOT'), key, key);

const command: fc.Arbitrary<Words> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(fc.constant('SET'), key, bytes) },
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom('GET', 'STRLEN', 'TTL'), key) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom('DEL', 'PERSIST'), key) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('EXPIRE'), key, fc.constant('1000')) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('APPEND'), key, bytes) },
  { weight: 8, arbitrary: fc.tuple(fc.constant('SETBIT'), key, offset, bit) },
  { weight: 3, arbitrary: fc.tuple(fc.constant('GETBIT'), key, readOffset) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('BITCOUNT'), key) },
  { weight: 4, arbitrary: fc.tuple(fc.constant('BITCOUNT'), key, position, position) },
  { weight: 4, arbitrary: fc.tuple(fc.constant('BITCOUNT'), key, position, position, unit) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('BITPOS'), key, bit) },
  { weight: 3, arbitrary: fc.tuple(fc.constant('BITPOS'), key, bit, position) },
  { weight: 4, arbitrary: fc.tuple(fc.constant('BITPOS'), key, bit, position, position) },
  { weight: 4, arbitrary: fc.tuple(fc.constant('BITPOS'), key, bit, position, position, unit) },
  { weight: 4, arbitrary: bitOp },
  { weight: 2, arbitrary: bitOpNot },
  { weight: 12, arbitrary: bitField },
  { weight: 4, arbitrary: bitFieldRo },
  {
    weight: 1,
    arbitrary: fc.constantFrom<string[]>(
      ['SETBIT', '{t}a', '1'],
      ['GETBIT', '{t}a'],
      ['BITPOS', '{t}a'],
      ['BITPOS', '{t}a', '1', '0', '1', 'BIT', 'x'],
      ['BITCOUNT', '{t}a', '0', '1', 'BIT', 'x'],
      ['BITOP', 'AND', '{t}a'],
      ['BITFIELD', '{t}a'],
    ),
  },
);

/**
 * What Redis 7.0 answers otherwise: it looks at a missing key, or a range that is empty from the start, before it checks the
 * other arguments, and it wants an end where a start is given.
 */
function isDisputed([name, , ...rest]: Words): boolean {
  const words = rest.map(String);
  if (name === 'BITPOS') words.shift();
  else if (name !== 'BITCOUNT') return false;
  if (name === 'BITCOUNT' && words.length === 1) return true;
  const [start = '0', end = '0', unit = 'BIT'] = words;
  const isInteger = (text: string): boolean =>
    /^(0|-?[1-9]\d*)$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text);
  return !isInteger(start) || !isInteger(end) || !/^(bit|byte)$/i.test(unit) || words.length > 3;
}

export const bitmapFamily: Family = {
  name: 'bitmaps',
  steps: step(command.map((words) => [...words])),
  normalize: ({ words }: Step, reply) => (isDisputed(words) ? 'disputed' : reply),
};
