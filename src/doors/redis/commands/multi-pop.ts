/** The arguments of LMPOP and ZMPOP: `numkeys key [key ...] first|last [COUNT count]`. */
import type { CommandContext } from '../context.ts';
import { ErrorText, replyError } from '../errors.ts';

export interface MultiPop {
  readonly keys: readonly string[];
  /** True for the word that names the start of the order. */
  readonly first: boolean;
  readonly count: number;
}

export function parseMultiPop(context: CommandContext, firstWord: string, lastWord: string): MultiPop {
  const { request } = context;
  const numkeys = request.integer(1);
  if (numkeys === undefined || numkeys < 1n) throw replyError(ErrorText.numkeysPositive);
  if (numkeys >= BigInt(request.count - 2)) context.syntaxError();
  const wordIndex = 2 + Number(numkeys);
  const word = request.word(wordIndex);
  if (word !== firstWord && word !== lastWord) context.syntaxError();
  let count: number | undefined;
  for (let index = wordIndex + 1; index < request.count; index += 2) {
    if (count !== undefined || request.word(index) !== 'COUNT' || index + 1 >= request.count) context.syntaxError();
    const value = request.integer(index + 1);
    if (value === undefined || value < 1n) throw replyError(ErrorText.countPositive);
    count = context.number(index + 1);
  }
  const keys: string[] = [];
  for (let index = 2; index < wordIndex; index += 1) keys.push(context.key(index));
  return { keys, first: word === firstWord, count: count ?? 1 };
}
