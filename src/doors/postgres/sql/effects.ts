/**
 * What a statement does beyond its transaction: changes of the session that a connection of a pool must not keep, or that must be there
 * when the session goes on on another connection; and what is refused. Nothing here decides where a statement runs.
 *
 * Two steps: `effectsOf` walks over the bytes once and finds in nearly every statement that there is nothing to look at; only else the
 * text is cut into tokens (`analyse`). What is hidden in functions cannot be seen; docs/doors/postgres.md says what that means.
 */
import { analyse } from './analyse.ts';
import { hashStep, kindOfWord, Word } from './keywords.ts';
import { COMMITS, type Effects } from './statement-effects.ts';

const Class = { other: 0, word: 1, quote: 2, identifier: 3, minus: 4, slash: 5, dollar: 6, semicolon: 7 } as const;
const CLASSES = new Uint8Array(256);
for (let byte = 0; byte < 256; byte += 1) {
  const isWord = /[A-Za-z0-9_]/.test(String.fromCharCode(byte)) || byte >= 0x80;
  CLASSES[byte] = isWord ? Class.word : Class.other;
}
CLASSES["'".charCodeAt(0)] = Class.quote;
CLASSES['"'.charCodeAt(0)] = Class.identifier;
CLASSES['-'.charCodeAt(0)] = Class.minus;
CLASSES['/'.charCodeAt(0)] = Class.slash;
CLASSES['$'.charCodeAt(0)] = Class.dollar;
CLASSES[';'.charCodeAt(0)] = Class.semicolon;

/** Null: nothing. `managed`: settings that are the cluster's own. The text begins at `start` and ends before `end`. */
export function effectsOf(bytes: Buffer, start: number, end: number, managed: ReadonlySet<string>): Effects | null {
  const kinds = kindsIn(bytes, start, end);
  if (kinds === 0) return null;
  if (kinds === Word.commits) return COMMITS;
  return analyse(bytes.toString('utf8', start, end), managed);
}

/** The kinds of all words that have to be looked at. */
function kindsIn(bytes: Buffer, start: number, end: number): number {
  let kinds = 0;
  let isFirst = true;
  let position = start;
  while (position < end) {
    switch (CLASSES[bytes[position] as number]) {
      case Class.word: {
        const begin = position;
        let hash = 0;
        do {
          hash = hashStep(hash, bytes[position] as number);
          position += 1;
        } while (position < end && CLASSES[bytes[position] as number] === Class.word);
        const kind = kindOfWord(hash, bytes, begin, position);
        if (kind !== 0 && (kind === Word.anywhere || isFirst)) kinds |= kind;
        isFirst = false;
        break;
      }
      case Class.quote:
        position = endOfQuoted(bytes, position, end);
        break;
      case Class.identifier: {
        // What is in quotes may be one of the words, too.
        const begin = position + 1;
        let hash = 0;
        for (position = begin; position < end && bytes[position] !== 0x22; position += 1) {
          hash = hashStep(hash, bytes[position] as number);
        }
        if (kindOfWord(hash, bytes, begin, position) === Word.anywhere) kinds |= Word.anywhere;
        isFirst = false;
        position += 1;
        break;
      }
      case Class.minus:
        position = bytes[position + 1] === 0x2d ? endOfLine(bytes, position, end) : position + 1;
        break;
      case Class.slash:
        position = bytes[position + 1] === 0x2a ? endOfComment(bytes, position, end) : position + 1;
        break;
      case Class.dollar:
        // Parameters are many, bodies in dollars are few.
        if (!isDigit(bytes[position + 1])) kinds |= Word.anywhere;
        position += 1;
        break;
      case Class.semicolon:
        isFirst = true;
        position += 1;
        break;
      default:
        position += 1;
    }
  }
  return kinds;
}

function endOfQuoted(bytes: Buffer, start: number, end: number): number {
  const before = bytes[start - 1];
  const hasEscapes = before === 0x45 || before === 0x65;
  let position = start + 1;
  while (position < end) {
    const byte = bytes[position];
    if (byte === 0x27) return position + 1;
    position += hasEscapes && byte === 0x5c ? 2 : 1;
  }
  return end;
}

function endOfLine(bytes: Buffer, start: number, end: number): number {
  const close = bytes.indexOf(0x0a, start);
  return close < 0 || close >= end ? end : close + 1;
}

/** Comments lie in each other in PostgreSQL. */
function endOfComment(bytes: Buffer, start: number, end: number): number {
  let depth = 0;
  let position = start;
  while (position < end - 1) {
    if (bytes[position] === 0x2f && bytes[position + 1] === 0x2a) {
      depth += 1;
      position += 2;
    } else if (bytes[position] === 0x2a && bytes[position + 1] === 0x2f) {
      depth -= 1;
      position += 2;
      if (depth === 0) return position;
    } else position += 1;
  }
  return end;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}
