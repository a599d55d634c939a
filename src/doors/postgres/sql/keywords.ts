/** The words that can begin or give away a statement that does more than its transaction; found by a hash, so that others cost nothing. */

export const Word = {
  /** Looked at wherever it stands. */
  anywhere: 1,
  /** Looked at as the first word of a statement. */
  first: 2,
  /** As the first word: it may end a transaction. */
  commits: 4,
} as const;

const ANYWHERE = [
  'set_config',
  'pg_settings',
  'pg_advisory_lock',
  'pg_advisory_lock_shared',
  'pg_try_advisory_lock',
  'pg_try_advisory_lock_shared',
  'temp',
  'temporary',
  'pg_temp',
];
const FIRST = [
  'set',
  'reset',
  'declare',
  'prepare',
  'deallocate',
  'discard',
  'listen',
  'unlisten',
  'load',
  'alter',
  'create',
  'drop',
  'do',
];
const COMMITS = ['commit', 'end', 'call'];

const FILTER_SIZE = 2_048;
/** By the last bits of a hash: whether there is a word at all. Almost every word of a statement ends here. */
const FILTER = new Uint8Array(FILTER_SIZE);
const WORDS = new Map<number, { readonly word: string; readonly kind: number }>();

for (const [words, kind] of [
  [ANYWHERE, Word.anywhere],
  [FIRST, Word.first],
  [COMMITS, Word.commits],
] as const) {
  for (const word of words) {
    let hash = 0;
    for (let i = 0; i < word.length; i += 1) hash = hashStep(hash, word.charCodeAt(i));
    WORDS.set(hash, { word, kind });
    FILTER[hash & (FILTER_SIZE - 1)] = 1;
  }
}

/** The hash of a word with one more byte; upper and lower case are the same. */
export function hashStep(hash: number, byte: number): number {
  return (Math.imul(hash, 31) + (byte | 0x20)) | 0;
}

/** Which kind of word it is; 0 when it is none of these. */
export function kindOfWord(hash: number, bytes: Buffer, start: number, end: number): number {
  if (FILTER[hash & (FILTER_SIZE - 1)] === 0) return 0;
  const found = WORDS.get(hash);
  if (found === undefined || found.word.length !== end - start) return 0;
  return bytes.latin1Slice(start, end).toLowerCase() === found.word ? found.kind : 0;
}
