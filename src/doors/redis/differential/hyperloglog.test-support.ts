/** Random commands on HyperLogLogs of all sizes, few elements to far past the change to dense. */
import fc from 'fast-check';
import type { Words } from './comparison.test-support.ts';
import { type Family, type Step, step } from './family.test-support.ts';

const key = fc.constantFrom('{t}a', '{t}b', '{t}c', '{t}d', '{t}none');
const element = fc.oneof(
  fc.integer({ min: 0, max: 400 }).map(String),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  fc.constantFrom('', 'a', 'abcdefg', 'abcdefgh', 'abcdefghi'),
);
/** Many elements that follow on each other. */
function block(count_max: number): fc.Arbitrary<string[]> {
  return fc
    .tuple(fc.integer({ min: 0, max: 5_000 }), fc.integer({ min: 0, max: count_max }))
    .map(([from, count]) => Array.from({ length: count }, (_, index) => `e${from + index}`));
}

const command: fc.Arbitrary<Words> = fc.oneof(
  {
    weight: 20,
    arbitrary: fc
      .tuple(key, fc.array(element, { maxLength: 8 }))
      .map(([name, elements]): Words => ['PFADD', name, ...elements]),
  },
  { weight: 4, arbitrary: fc.tuple(key, block(150)).map(([name, elements]): Words => ['PFADD', name, ...elements]) },
  { weight: 1, arbitrary: fc.tuple(key, block(2_500)).map(([name, elements]): Words => ['PFADD', name, ...elements]) },
  { weight: 12, arbitrary: fc.tuple(fc.constant('PFCOUNT'), key) },
  { weight: 4, arbitrary: fc.array(key, { minLength: 1, maxLength: 4 }).map((keys): Words => ['PFCOUNT', ...keys]) },
  { weight: 4, arbitrary: fc.array(key, { minLength: 1, maxLength: 4 }).map((keys): Words => ['PFMERGE', ...keys]) },
  { weight: 6, arbitrary: fc.tuple(fc.constant('GET'), key) },
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom('STRLEN', 'TTL'), key) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom('DEL', 'PERSIST'), key) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('EXPIRE'), key, fc.constant('1000')) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom('COPY', 'RENAME'), key, key) },
  {
    weight: 1,
    arbitrary: fc.tuple(
      fc.constant('SET'),
      key,
      fc.constantFrom('', 'x', 'HYLL', 'HYLL\x02567890123456789', 'HYLL\x2e7890123456789'),
    ),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(fc.constant('PFDEBUG'), fc.constantFrom('ENCODING', 'DECODE', 'decode', 'FOO'), key),
  },
  { weight: 1, arbitrary: fc.tuple(fc.constant('PFDEBUG'), fc.constantFrom('TODENSE', 'GETREG'), key) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<string[]>(
      ['PFADD'],
      ['PFCOUNT'],
      ['PFMERGE'],
      ['PFDEBUG', 'GETREG'],
      ['PFDEBUG', 'GETREG', 'a', 'b'],
      ['PFSELFTEST', 'x'],
    ),
  },
);

/** Where the estimate lies in a HyperLogLog, with which GET answers. */
const CACHED_ESTIMATE = /^(\$\d+\r\nHYLL....).{8}/s;

/** A reply without the stored estimate: PFCOUNT does not store its estimate here, since a read is no write. */
export function withoutEstimate(reply: string): string {
  return reply.replace(CACHED_ESTIMATE, '$1');
}

export const hyperloglogFamily: Family = {
  name: 'HyperLogLogs',
  steps: step(command.map((words) => [...words])),
  normalize: ({ words }: Step, reply) => (words[0] === 'GET' ? withoutEstimate(reply) : reply),
};
