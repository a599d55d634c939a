/**
 * Cuts a text into tokens, all of them before parsing begins: the parser looks ahead as far as it needs to by an index.
 *
 * The arrays of a `Tokens` are used again for the next text. A character that begins no token ends the list with a token
 * of kind `error`; whoever reaches it throws what `errorAt` says, so that a syntax error before it is told first.
 */
import { KEYWORD_OF_WORD, type Keyword } from './keywords.ts';
import { CqlSyntaxError, positionOf } from './syntax-error.ts';

export type Punctuation =
  | '('
  | ')'
  | '['
  | ']'
  | '{'
  | '}'
  | ','
  | ';'
  | ':'
  | '.'
  | '..'
  | '='
  | '<'
  | '<='
  | '>'
  | '>='
  | '!='
  | '+'
  | '-'
  | '*'
  | '/'
  | '%'
  | '+='
  | '-='
  | '?';

export type TokenClass =
  | 'identifier'
  | 'quoted'
  | 'emptyQuoted'
  | 'string'
  | 'integer'
  | 'float'
  | 'boolean'
  | 'duration'
  | 'uuid'
  | 'hex'
  | 'negativeNan'
  | 'negativeInfinity'
  | 'end'
  | 'error';

/** Keywords are in capitals, which tells them from classes such as `uuid`. */
export type TokenKind = Keyword | Punctuation | TokenClass;

const LETTER = 1;
const DIGIT = 2;
const UNDERSCORE = 4;
const HEX = 8;
const SPACE = 16;
const CAPITAL = 32;
const WORD = LETTER | DIGIT | UNDERSCORE;

const CLASS_OF_CHARACTER = new Uint8Array(128);
for (let code = 0; code < 128; code++) {
  const character = String.fromCharCode(code);
  CLASS_OF_CHARACTER[code] =
    (/[a-z]/i.test(character) ? LETTER : 0) |
    (/[0-9]/.test(character) ? DIGIT : 0) |
    (character === '_' ? UNDERSCORE : 0) |
    (/[0-9a-f]/i.test(character) ? HEX : 0) |
    (/[ \t\n\r]/.test(character) ? SPACE : 0) |
    (/[A-Z]/.test(character) ? CAPITAL : 0);
}

/** Beyond the text and beyond ASCII there is no class: `charCodeAt` gives NaN, the table gives undefined. */
function classOf(code: number): number {
  return CLASS_OF_CHARACTER[code] ?? 0;
}

const TAB = 0x09;
const QUOTE = 0x27;
const DOUBLE_QUOTE = 0x22;
const DOLLAR = 0x24;
const STAR = 0x2a;
const PLUS = 0x2b;
const MINUS = 0x2d;
const DOT = 0x2e;
const SLASH = 0x2f;
const ZERO = 0x30;
const EQUALS = 0x3d;
const CAPITAL_P = 0x50;

const SINGLES = new Map<number, Punctuation>(
  (['(', ')', '[', ']', '{', '}', ',', ';', ':', '=', '*', '%', '?'] as const).map((mark) => [
    mark.charCodeAt(0),
    mark,
  ]),
);

/** Only tried where a digit, or a `P` with a digit or `T`, begins a token: not on the path of common statements. */
const DURATION = /-?\d+(?:mo|ms|us|µs|ns|[ywdhms])(?:\d+(?:mo|ms|us|µs|ns|[ywdhms]))*/iy;
const ISO_DURATION =
  /-?P(?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d|\d+W|T(?:\d+H(?:\d+M)?(?:\d+S)?|\d+M(?:\d+S)?|\d+S)|(?:\d+Y(?:\d+M)?(?:\d+D)?|\d+M(?:\d+D)?|\d+D)(?:T(?:\d+H(?:\d+M)?(?:\d+S)?|\d+M(?:\d+S)?|\d+S))?)(?![A-Za-z0-9_])/y;
const NEGATIVE_WORD = /-(nan|infinity)(?![a-z0-9_])/iy;

const UUID_LENGTH = 36;
/** Arrays that grew beyond this for one text are not kept for the next. */
const KEPT_TOKENS_MAX = 4_096;

export class Tokens {
  text = '';
  /** How many there are, the one of kind `end` or `error` included. */
  count = 0;
  kinds: TokenKind[] = [];
  starts: number[] = [];
  ends: number[] = [];
  /** Of words: in lower case. */
  words: string[] = [];
  #error: CqlSyntaxError | undefined;

  read(text: string): void {
    this.text = text;
    this.count = 0;
    this.#error = undefined;
    let at = 0;
    do at = this.#next(at);
    while (at >= 0);
  }

  /** Lets go of the text and of large arrays. */
  clear(): void {
    this.text = '';
    this.#error = undefined;
    if (this.kinds.length <= KEPT_TOKENS_MAX) return;
    this.kinds = [];
    this.starts = [];
    this.ends = [];
    this.words = [];
  }

  /** Why the list ends with a token of kind `error`. */
  get error(): CqlSyntaxError | undefined {
    return this.#error;
  }

  #add(kind: TokenKind, start: number, end: number): number {
    const index = this.count++;
    this.kinds[index] = kind;
    this.starts[index] = start;
    this.ends[index] = end;
    this.words[index] = '';
    return end;
  }

  #fail(at: number, reason: string): number {
    const { line, column } = positionOf(this.text, at);
    this.#error = new CqlSyntaxError(`line ${line}:${column} ${reason}`);
    this.#add('error', at, at);
    return -1;
  }

  /** Adds the token that begins at or after `at`; returns where it ends, -1 when it was the last. */
  #next(from: number): number {
    const text = this.text;
    let at = from;
    let code = text.charCodeAt(at);
    while (code <= 0x20 && classOf(code) === SPACE) code = text.charCodeAt(++at);
    const charClass = classOf(code);
    if ((charClass & LETTER) !== 0) return this.#word(at, code, charClass);
    if ((charClass & DIGIT) !== 0) return this.#number(at, at);
    const single = SINGLES.get(code);
    if (single !== undefined) return this.#add(single, at, at + 1);
    switch (code) {
      case QUOTE:
        return this.#string(at);
      case DOUBLE_QUOTE:
        return this.#quotedName(at);
      case DOLLAR:
        return this.#dollarString(at);
      case DOT:
        if (text.charCodeAt(at + 1) === DOT) return this.#add('..', at, at + 2);
        return this.#add('.', at, at + 1);
      case MINUS:
        return this.#minus(at);
      case SLASH:
        return this.#slash(at);
      case PLUS:
        if (text.charCodeAt(at + 1) === EQUALS) return this.#add('+=', at, at + 2);
        return this.#add('+', at, at + 1);
      default:
        return this.#comparisonOrEnd(at);
    }
  }

  #comparisonOrEnd(at: number): number {
    const text = this.text;
    if (at >= text.length) {
      this.#add('end', at, at);
      return -1;
    }
    const character = text[at];
    const isWithEquals = text.charCodeAt(at + 1) === EQUALS;
    if (character === '<') return isWithEquals ? this.#add('<=', at, at + 2) : this.#add('<', at, at + 1);
    if (character === '>') return isWithEquals ? this.#add('>=', at, at + 2) : this.#add('>', at, at + 1);
    if (character === '!' && isWithEquals) return this.#add('!=', at, at + 2);
    if (character === '!') return this.#fail(at + 1, `mismatched character ${this.#character(at + 1)} expecting '='`);
    return this.#fail(at, `no viable alternative at character ${this.#character(at)}`);
  }

  #character(at: number): string {
    const code = this.text.codePointAt(at);
    if (code === undefined) return "'<EOF>'";
    if (code === 0x0a) return "'\\n'";
    if (code === 0x0d) return "'\\r'";
    if (code === TAB) return "'\\t'";
    return `'${String.fromCodePoint(code)}'`;
  }

  #word(at: number, first: number, firstClass: number): number {
    const text = this.text;
    if ((firstClass & HEX) !== 0 && this.#isUuid(at)) return this.#add('uuid', at, at + UUID_LENGTH);
    let seen = 0;
    let end = at;
    let charClass = firstClass;
    do {
      seen |= charClass;
      charClass = classOf(text.charCodeAt(++end));
    } while ((charClass & WORD) !== 0);
    // Only with a capital P, and before an identifier: Cassandra reads P1D as a duration too.
    if (first === CAPITAL_P && (seen & DIGIT) !== 0) {
      ISO_DURATION.lastIndex = at;
      if (ISO_DURATION.test(text)) return this.#add('duration', at, ISO_DURATION.lastIndex);
    }
    const slice = text.slice(at, end);
    const word = (seen & CAPITAL) === 0 ? slice : slice.toLowerCase();
    let kind: TokenKind = KEYWORD_OF_WORD.get(word) ?? 'identifier';
    if (kind === 'identifier' && (word === 'true' || word === 'false')) kind = 'boolean';
    const index = this.count;
    this.#add(kind, at, end);
    this.words[index] = word;
    return end;
  }

  #isUuid(at: number): boolean {
    const text = this.text;
    if (text.charCodeAt(at + 8) !== MINUS) return false;
    for (let offset = 0; offset < UUID_LENGTH; offset++) {
      const code = text.charCodeAt(at + offset);
      const isDash = offset === 8 || offset === 13 || offset === 18 || offset === 23;
      if (isDash ? code !== MINUS : (classOf(code) & HEX) === 0) return false;
    }
    return true;
  }

  /** A number, duration, uuid or blob; `start` is at its sign if it has one, `at` at its first digit. */
  #number(start: number, at: number): number {
    const text = this.text;
    if (start === at && this.#isUuid(at)) return this.#add('uuid', at, at + UUID_LENGTH);
    let end = this.#digits(at);
    const after = text.charCodeAt(end);
    if (start === at && end === at + 1 && text.charCodeAt(at) === ZERO && (after | 0x20) === 0x78) {
      do end++;
      while ((classOf(text.charCodeAt(end)) & HEX) !== 0);
      return this.#add('hex', start, end);
    }
    let kind: TokenKind = 'integer';
    if (after === DOT) {
      // `1..2` is a range and `1...2` a range from `1.`.
      const isRange = text.charCodeAt(end + 1) === DOT && text.charCodeAt(end + 2) !== DOT;
      if (isRange) return this.#add(kind, start, end);
      kind = 'float';
      end = this.#digits(end + 1);
    } else if ((classOf(after) & LETTER) !== 0 || after === 0xb5) {
      DURATION.lastIndex = start;
      if (DURATION.test(text)) return this.#add('duration', start, DURATION.lastIndex);
    }
    const exponentEnd = this.#exponent(end);
    if (exponentEnd > end) kind = 'float';
    return this.#add(kind, start, exponentEnd);
  }

  #digits(from: number): number {
    let at = from;
    while ((classOf(this.text.charCodeAt(at)) & DIGIT) !== 0) at++;
    return at;
  }

  #exponent(at: number): number {
    const text = this.text;
    if ((text.charCodeAt(at) | 0x20) !== 0x65) return at;
    const sign = text.charCodeAt(at + 1);
    const digits = sign === PLUS || sign === MINUS ? at + 2 : at + 1;
    const end = this.#digits(digits);
    return end > digits ? end : at;
  }

  #minus(at: number): number {
    const text = this.text;
    const next = text.charCodeAt(at + 1);
    if (next === MINUS) return this.#lineComment(at);
    if (next === EQUALS) return this.#add('-=', at, at + 2);
    const nextClass = classOf(next);
    if ((nextClass & DIGIT) !== 0) return this.#number(at, at + 1);
    if ((nextClass & LETTER) !== 0) {
      NEGATIVE_WORD.lastIndex = at;
      const match = NEGATIVE_WORD.exec(text);
      if (match !== null) {
        const isNan = match[0].length === '-nan'.length;
        return this.#add(isNan ? 'negativeNan' : 'negativeInfinity', at, NEGATIVE_WORD.lastIndex);
      }
      ISO_DURATION.lastIndex = at;
      if (ISO_DURATION.test(text)) return this.#add('duration', at, ISO_DURATION.lastIndex);
    }
    return this.#add('-', at, at + 1);
  }

  #slash(at: number): number {
    const next = this.text.charCodeAt(at + 1);
    if (next === SLASH) return this.#lineComment(at);
    if (next !== STAR) return this.#add('/', at, at + 1);
    const end = this.text.indexOf('*/', at + 2);
    if (end < 0) return this.#fail(this.text.length, "mismatched character '<EOF>' expecting '*'");
    return end + 2;
  }

  /** Ends with the line or, unlike Cassandra's, with the text. */
  #lineComment(at: number): number {
    const text = this.text;
    let end = at + 2;
    for (let code = text.charCodeAt(end); end < text.length && code !== 0x0a && code !== 0x0d; ) {
      code = text.charCodeAt(++end);
    }
    return end;
  }

  #string(at: number): number {
    const text = this.text;
    let end = text.indexOf("'", at + 1);
    while (end >= 0 && text.charCodeAt(end + 1) === QUOTE) end = text.indexOf("'", end + 2);
    if (end < 0) return this.#fail(text.length, "mismatched character '<EOF>' expecting '''");
    return this.#add('string', at, end + 1);
  }

  #dollarString(at: number): number {
    const text = this.text;
    if (text.charCodeAt(at + 1) !== DOLLAR) {
      return this.#fail(at + 1, `mismatched character ${this.#character(at + 1)} expecting '$'`);
    }
    const end = text.indexOf('$$', at + 2);
    if (end < 0) return this.#fail(text.length, "mismatched character '<EOF>' expecting '$'");
    return this.#add('string', at, end + 2);
  }

  #quotedName(at: number): number {
    const text = this.text;
    let end = text.indexOf('"', at + 1);
    while (end >= 0 && text.charCodeAt(end + 1) === DOUBLE_QUOTE) end = text.indexOf('"', end + 2);
    if (end < 0) return this.#fail(text.length, `mismatched character '<EOF>' expecting '"'`);
    return this.#add(end === at + 1 ? 'emptyQuoted' : 'quoted', at, end + 1);
  }
}
