/** What a family of commands gives to the comparison with redis-server (compare.test-support.ts): one module a family. */
import type { Arbitrary } from 'fast-check';

/** A command as its words; text is latin1, one byte a char. */
export type Words = readonly (string | Buffer)[];

export interface CommandGenerator {
  readonly family: string;
  readonly command: Arbitrary<Words>;
  /**
   * Both replies as they are to be compared: where the door differs on purpose, with the difference taken out. Each such
   * place says why.
   */
  readonly normalize?: (words: Words, reply: string, theirs: string) => string;
}
