/**
 * Random commands for the comparison with a real Redis, family by family. A family is a module that exports a `Family`;
 * families.test-support.ts lists them. Everything is drawn by fast-check, so a difference shrinks to the few commands that
 * show it, and a seed repeats a run.
 */
import fc from 'fast-check';

export type Word = string | Buffer;

/** How two replies are compared. */
export const Compare = {
  /** The same bytes. */
  exact: 'exact',
  /** The same elements in any order. */
  unordered: 'unordered',
  /** The same pairs in any order, flat or as a map. */
  pairs: 'pairs',
  /** Numbers are compared as numbers, however they are written: Redis before 7.2 prints 17 digits of them. */
  numeric: 'numeric',
  /** As `pairs`, numbers as numbers. */
  numericPairs: 'numericPairs',
  /** A cursor and elements in any order, or with `scanPairs` pairs. */
  scan: 'scan',
  scanPairs: 'scanPairs',
  /** Only kind and size: what is random. */
  shape: 'shape',
  /** Numbers may differ by one: what depends on the moment. */
  near: 'near',
  /** Nothing: what is sent only for its effect. */
  nothing: 'nothing',
} as const;
export type Compare = (typeof Compare)[keyof typeof Compare];

/** One command, and how its replies are compared. */
export interface Step {
  readonly words: readonly Word[];
  readonly compare: Compare;
}

export interface Family {
  readonly name: string;
  /** Commands that go together are drawn together: what is random is followed by what makes both sides equal again. */
  readonly steps: fc.Arbitrary<readonly Step[]>;
  /** False: not mixed with commands on other types (`disturbed`), which would bring about what the family avoids. */
  readonly mixed?: boolean;
  /** Replies that differ on purpose are made equal here; RESP as latin1 text. */
  readonly normalize?: (step: Step, reply: string) => string;
}

type Part = string | fc.Arbitrary<Word> | fc.Arbitrary<readonly Word[]>;

/** A command of fixed words and drawn ones. */
export function command(...parts: readonly Part[]): fc.Arbitrary<Word[]> {
  return fc
    .tuple(...parts.map((part) => (typeof part === 'string' ? fc.constant(part) : (part as fc.Arbitrary<unknown>))))
    .map((words) => words.flat() as Word[]);
}

export function step(words: fc.Arbitrary<Word[]>, compare: Compare = Compare.exact): fc.Arbitrary<readonly Step[]> {
  return words.map((drawn) => [{ words: drawn, compare }]);
}

/** Steps drawn from several kinds, the weight of each first. */
export function mix(...kinds: readonly (readonly [number, fc.Arbitrary<readonly Step[]>])[]): Family['steps'] {
  return fc.oneof(...kinds.map(([weight, arbitrary]) => ({ weight, arbitrary })));
}

/** All in one slot: the reference is not a cluster. */
export const key = fc.constantFrom('{t}a', '{t}b', '{t}c', '{t}d');

const LONG = 'long'.repeat(20);
const VERY_LONG = 'very long'.repeat(250);

/** Members, fields and elements: few, so that commands meet. */
export const member: fc.Arbitrary<Word> = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom<Word>('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h') },
  { weight: 4, arbitrary: fc.integer({ min: -20, max: 60 }).map(String) },
  {
    weight: 2,
    arbitrary: fc.constantFrom<Word>(
      '',
      '0',
      '-0',
      '007',
      '1.5',
      '9223372036854775807',
      '-9223372036854775808',
      '9223372036854775808',
      ' x',
      LONG,
      `${LONG}1`,
      VERY_LONG,
      `${VERY_LONG}1`,
      Buffer.from([0]),
      Buffer.from([0, 255, 13, 10]),
      Buffer.from([255]),
    ),
  },
);

export const value: fc.Arbitrary<Word> = fc.oneof(
  { weight: 5, arbitrary: member },
  { weight: 1, arbitrary: fc.string({ maxLength: 12 }).map((text) => Buffer.from(text, 'utf8')) },
);

export const integer: fc.Arbitrary<Word> = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: -8, max: 12 }).map(String) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '9223372036854775807',
      '-9223372036854775808',
      '9223372036854775808',
      '-9223372036854775807',
      '4611686018427387904',
      'x',
      '1.5',
      '',
      ' 1',
      '+1',
    ),
  },
);

/** Counts that do not ask for more than a machine can give. */
export const count: fc.Arbitrary<Word> = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: 0, max: 12 }).map(String) },
  { weight: 1, arbitrary: fc.constantFrom('-1', '9223372036854775807', 'x', '', '-9223372036854775808') },
);

/** Scores of sorted sets. */
export const score: fc.Arbitrary<Word> = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: -6, max: 6 }).map(String) },
  { weight: 3, arbitrary: fc.integer({ min: -40, max: 40 }).map((number) => String(number / 8)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'inf',
      '-inf',
      '+inf',
      'nan',
      'x',
      '',
      '1e300',
      '-1e300',
      '0',
      '-0',
      '1e-7',
      '0.1',
      '1e400',
      '1e17',
      '123456789012345678',
      ' 1',
      '1 ',
    ),
  },
);

/** Between `min` and `max` words of a kind. */
export function some(word: fc.Arbitrary<Word>, min: number, max: number): fc.Arbitrary<Word[]> {
  return fc.array(word, { minLength: min, maxLength: max });
}

/** Several drawn side by side, for instance a field and a value, between `min` and `max` times. */
export function someOf(min: number, max: number, ...parts: readonly fc.Arbitrary<Word>[]): fc.Arbitrary<Word[]> {
  return fc.array(fc.tuple(...parts), { minLength: min, maxLength: max }).map((list) => list.flat() as Word[]);
}

export function maybe(...parts: readonly Part[]): fc.Arbitrary<Word[]> {
  return fc.oneof({ weight: 3, arbitrary: fc.constant<Word[]>([]) }, { weight: 2, arbitrary: command(...parts) });
}

/** The words in capitals, small letters or wrongly written. */
export function word(...choices: readonly string[]): fc.Arbitrary<Word> {
  return fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom(...choices) },
    { weight: 2, arbitrary: fc.constantFrom(...choices).map((choice) => choice.toLowerCase()) },
    { weight: 1, arbitrary: fc.constant('FOO') },
  );
}

/** `numkeys key [key ...]`, now and then with a number that is not true. */
export const countedKeys: fc.Arbitrary<Word[]> = fc
  .tuple(fc.array(key, { minLength: 1, maxLength: 3 }), fc.integer({ min: 0, max: 40 }))
  .map(([keys, draw]) => {
    const odd = ['0', '-1', 'x', '40', '9223372036854775807'];
    return [odd[draw] ?? String(keys.length), ...keys];
  });

/** Keys of other types, missing and wrong arguments: what every family is mixed with. */
export function disturbed(steps: Family['steps']): Family['steps'] {
  const others = mix(
    [3, step(command('DEL', key))],
    [1, step(command('SET', key, value))],
    [1, step(command('RPUSH', key, some(value, 1, 3)))],
    [1, step(command('SADD', key, some(member, 1, 3)))],
    [1, step(command('HSET', key, member, value))],
    [1, step(command('ZADD', key, '1', member))],
    [1, step(command('TYPE', key))],
    [1, step(command('EXISTS', key, key))],
    [1, step(command(word('RENAME', 'RENAMENX', 'COPY'), key, key))],
    [1, step(command('EXPIRE', key, fc.constantFrom('1000', '-1')))],
    [1, step(command('TTL', key), Compare.near)],
    [1, step(command('PERSIST', key))],
  );
  const damaged = fc
    .tuple(steps, fc.integer({ min: 0, max: 2 }), fc.nat())
    .map(([drawn, kind, at]) => drawn.map((each, index) => (index === 0 ? damage(each, kind, at) : each)));
  return fc.oneof(
    { weight: 30, arbitrary: steps },
    { weight: 4, arbitrary: others },
    { weight: 1, arbitrary: damaged },
  );
}

function damage(each: Step, kind: number, at: number): Step {
  const words = [...each.words];
  // A command of no words has no reply.
  if (kind === 0 && words.length > 1) words.pop();
  else if (kind === 1) words.push('{t}x');
  else if (words.length > 1) words[1 + (at % (words.length - 1))] = '{t}x';
  return { words, compare: each.compare };
}

/** Negative counts allow repetitions: the reference would answer with any number of them. */
export function isSmall(words: readonly (string | Buffer)[]): boolean {
  const number = Number(words[2]);
  return Number.isNaN(number) || number > -1_000 || words[2] === '-9223372036854775808';
}
