/**
 * The cursor that the parsing functions share: looks at tokens, takes them, and words syntax errors as Cassandra does.
 *
 * Two kinds of errors differ in their words. Where one token must follow, it is `mismatched input 'x' expecting K_FROM`;
 * where several could, it is `no viable alternative at input 'x'`. Both show a piece of the text with the token at which
 * the choice began in brackets. The end of the text is at `line 0:-1`.
 */
import type { QualifiedName } from './ast.ts';
import { FUNCTION_NAME_KEYWORDS, NAME_KEYWORDS } from './keywords.ts';
import { type TokenKind, Tokens } from './lexer.ts';
import { CqlSyntaxError, positionOf } from './syntax-error.ts';

/** Deeper values, types and expressions are refused, so that no text overflows the stack of who walks the tree. */
export const NESTING_MAX = 200;

/** How many tokens, white space and comments counted, an error shows before the one where the choice began, and after. */
const SHOWN_BEFORE = 10;
const SHOWN_AFTER = 2;

const NAMES_OF_CLASSES: Partial<Record<TokenKind, string>> = {
  identifier: 'IDENT',
  quoted: 'QUOTED_NAME',
  emptyQuoted: 'EMPTY_QUOTED_NAME',
  string: 'STRING_LITERAL',
  integer: 'INTEGER',
  float: 'FLOAT',
  boolean: 'BOOLEAN',
  duration: 'DURATION',
  uuid: 'UUID',
  hex: 'HEXNUMBER',
  end: 'EOF',
};

/** What some statement has after the name of a table, view or index; anything else is an error of the name's end. */
const FOLLOWS_TABLE: ReadonlySet<TokenKind> = new Set<TokenKind>([
  '(',
  ';',
  'end',
  'ADD',
  'ALLOW',
  'ALTER',
  'AS',
  'DROP',
  'FROM',
  'GROUP',
  'JSON',
  'LIMIT',
  'NORECURSIVE',
  'OF',
  'ON',
  'ORDER',
  'PER',
  'PRIMARY',
  'RENAME',
  'SET',
  'TO',
  'USING',
  'WHERE',
  'WITH',
]);

export class TokenStream {
  readonly #tokens = new Tokens();
  #at = 0;
  #depth = 0;
  #markers: (string | undefined)[] = [];
  /** Kind of the token at the cursor: what most decisions look at. */
  kind: TokenKind = 'end';

  open(text: string): void {
    this.#tokens.read(text);
    this.#at = -1;
    this.#depth = 0;
    this.#markers = [];
    this.advance();
  }

  close(): void {
    this.#tokens.clear();
  }

  get index(): number {
    return this.#at;
  }

  /** Offset in the text of the token at the cursor. */
  get offset(): number {
    return this.#tokens.starts[this.#at] ?? 0;
  }

  /** Names of the markers so far. */
  get markers(): readonly (string | undefined)[] {
    return this.#markers;
  }

  /** The word at the cursor in lower case. */
  get word(): string {
    return this.#tokens.words[this.#at] ?? '';
  }

  advance(): void {
    const next = this.#at + 1;
    if (next < this.#tokens.count) this.#at = next;
    const kind = this.#tokens.kinds[this.#at] ?? 'end';
    if (kind === 'error') throw this.#tokens.error;
    this.kind = kind;
  }

  kindAt(index: number): TokenKind {
    const tokens = this.#tokens;
    return index < tokens.count ? (tokens.kinds[index] ?? 'end') : 'end';
  }

  /** Kind of the token after the one at the cursor. */
  get nextKind(): TokenKind {
    return this.kindAt(this.#at + 1);
  }

  /** True when nothing, not even white space, is between the token at the cursor and the next. */
  get isNextAdjacent(): boolean {
    return this.#tokens.ends[this.#at] === this.#tokens.starts[this.#at + 1];
  }

  accept(kind: TokenKind): boolean {
    if (this.kind !== kind) return false;
    this.advance();
    return true;
  }

  /** Takes two tokens when both are there, else none. */
  acceptPair(first: TokenKind, second: TokenKind): boolean {
    if (this.kind !== first || this.nextKind !== second) return false;
    this.advance();
    this.advance();
    return true;
  }

  expect(kind: TokenKind): void {
    if (this.kind !== kind) throw this.mismatch(kind);
    this.advance();
  }

  // What tokens say

  #textOf(index: number): string {
    const tokens = this.#tokens;
    const start = tokens.starts[index] ?? 0;
    const end = tokens.ends[index] ?? 0;
    switch (tokens.kinds[index]) {
      case 'string':
        return stringText(tokens.text, start, end);
      case 'quoted':
        return tokens.text.slice(start + 1, end - 1).replaceAll('""', '"');
      case 'emptyQuoted':
        return '';
      default:
        return tokens.text.slice(start, end);
    }
  }

  /** The text of the token at the cursor, which it takes: of strings and quoted names what they mean. */
  take(): string {
    const text = this.#textOf(this.#at);
    this.advance();
    return text;
  }

  takeString(): string {
    if (this.kind !== 'string') throw this.mismatch('string');
    return this.take();
  }

  // Names

  /** True when the token may be a name of a table, keyspace, alias or marker; at the cursor when no index is given. */
  isName(kind: TokenKind = this.kind): boolean {
    return kind === 'identifier' || kind === 'quoted' || NAME_KEYWORDS.has(kind);
  }

  isFunctionName(kind: TokenKind): boolean {
    return kind === 'identifier' || kind === 'quoted' || FUNCTION_NAME_KEYWORDS.has(kind);
  }

  name(): string {
    const kind = this.kind;
    if (kind === 'quoted') return this.take();
    if (kind !== 'identifier' && !NAME_KEYWORDS.has(kind)) throw this.noViableAlternative();
    const word = this.word;
    this.advance();
    return word;
  }

  /** Like a name, but the old empty name of a column is one too. */
  column(): string {
    return this.kind === 'emptyQuoted' ? this.take() : this.name();
  }

  isColumn(kind: TokenKind = this.kind): boolean {
    return kind === 'emptyQuoted' || this.isName(kind);
  }

  functionName(): string {
    const kind = this.kind;
    if (kind === 'quoted') return this.take();
    if (!this.isFunctionName(kind)) throw this.noViableAlternative();
    const word = this.word;
    this.advance();
    return word;
  }

  keyspace(): string {
    this.#refuseMarker('keyspace');
    return this.name();
  }

  /** `[keyspace.]name` of a table, view, index or role; `what` is for the error that a marker gets. */
  qualifiedName(what = 'table'): QualifiedName {
    const at = this.offset;
    if (this.nextKind === '.') {
      const keyspace = this.keyspace();
      this.advance();
      this.#refuseMarker(what);
      return { keyspace, name: this.name(), at };
    }
    this.#refuseMarker(what);
    const begin = this.#at;
    const name = this.name();
    if (!FOLLOWS_TABLE.has(this.kind)) throw this.noViableAlternative(begin, this.#at);
    return { keyspace: undefined, name, at };
  }

  qualifiedFunctionName(): QualifiedName {
    const at = this.offset;
    let keyspace: string | undefined;
    if (this.nextKind === '.') {
      keyspace = this.keyspace();
      this.advance();
    }
    return { keyspace, name: this.functionName(), at };
  }

  #refuseMarker(what: string): void {
    if (this.kind === '?') throw new CqlSyntaxError(`Bind variables cannot be used for ${what} names`);
  }

  role(): string {
    if (this.kind === 'string') return this.take();
    this.#refuseMarker('role');
    return this.name();
  }

  // Clauses that many statements have

  ifNotExists(): boolean {
    if (!this.accept('IF')) return false;
    this.expect('NOT');
    this.expect('EXISTS');
    return true;
  }

  ifExists(): boolean {
    if (!this.accept('IF')) return false;
    this.expect('EXISTS');
    return true;
  }

  /** The marker at the cursor, `?` or `:name`; undefined when there is none. */
  marker(): { kind: 'marker'; index: number; name: string | undefined } | undefined {
    const kind = this.kind;
    if (kind !== '?' && kind !== ':') return undefined;
    this.advance();
    const name = kind === ':' ? this.name() : undefined;
    const index = this.#markers.push(name) - 1;
    return { kind: 'marker', index, name };
  }

  // Nesting

  enter(): void {
    if (++this.#depth > NESTING_MAX) throw this.tooDeep();
  }

  leave(): void {
    this.#depth--;
  }

  /** `links` operators in a row make a tree as deep as brackets do. */
  checkChain(links: number): void {
    if (links > NESTING_MAX) throw this.tooDeep();
  }

  tooDeep(): CqlSyntaxError {
    const { line, column } = positionOf(this.#tokens.text, this.offset);
    return new CqlSyntaxError(`line ${line}:${column} more than ${NESTING_MAX} levels of nesting`);
  }

  // Errors

  mismatch(expected: TokenKind): CqlSyntaxError {
    return this.#wrongInput(this.#at, this.#at, ` expecting ${nameOf(expected)}`, 'mismatched input');
  }

  /** One of a set was expected. */
  mismatchedSet(): CqlSyntaxError {
    return this.#wrongInput(this.#at, this.#at, ' expecting set null', 'mismatched input');
  }

  /**
   * No alternative goes on with the token at `wrong`; the choice between them began at `begin`. Without these, both are
   * the token at the cursor.
   */
  noViableAlternative(begin = this.#at, wrong = begin): CqlSyntaxError {
    return this.#wrongInput(begin, wrong, '', 'no viable alternative at input');
  }

  #wrongInput(begin: number, wrong: number, expecting: string, reason: string): CqlSyntaxError {
    const tokens = this.#tokens;
    const index = Math.min(wrong, tokens.count - 1);
    if (tokens.kinds[index] === 'error' && tokens.error !== undefined) return tokens.error;
    if (tokens.kinds[index] === 'end') {
      return new CqlSyntaxError(`line 0:-1 ${reason} '<EOF>'${expecting}${this.#snippet(begin, index)}`);
    }
    const { line, column } = positionOf(tokens.text, tokens.starts[index] ?? 0);
    const text = this.#textOf(index);
    return new CqlSyntaxError(`line ${line}:${column} ${reason} '${text}'${expecting}${this.#snippet(begin, index)}`);
  }

  /** ` (...text [token] text...)`; nothing when the end of the text would be in it. */
  #snippet(begin: number, last: number): string {
    const tokens = this.#tokens;
    const text = tokens.text;
    const beginStart = tokens.starts[begin] ?? 0;
    const beginEnd = tokens.ends[begin] ?? 0;
    const lastIsEnd = tokens.kinds[last] === 'end';
    const pieces = piecesOf(text, tokens, last);
    const beginPiece = pieces.indexOf(beginStart);
    const toPiece = Math.min(beginPiece + SHOWN_AFTER, pieces.length - 1);
    if (tokens.kinds[begin] === 'end' || (lastIsEnd && toPiece === pieces.length - 1)) return '';
    const from = pieces[Math.max(0, beginPiece - SHOWN_BEFORE)] ?? 0;
    const to = pieces[toPiece + 1] ?? tokens.ends[last] ?? text.length;
    const shown = `${text.slice(from, beginStart)}[${text.slice(beginStart, beginEnd)}]${text.slice(beginEnd, to)}`;
    return ` (${from === 0 ? '' : '...'}${shown.replaceAll('\n', '')}${to >= text.length ? '' : '...'})`;
  }
}

/** Where the tokens up to `last` and the white space and comments between them begin. */
function piecesOf(text: string, tokens: Tokens, last: number): number[] {
  const pieces: number[] = [];
  let at = 0;
  for (let index = 0; index <= last; index++) {
    const start = tokens.starts[index] ?? 0;
    while (at < start) {
      pieces.push(at);
      at = hiddenEnd(text, at, start);
    }
    pieces.push(start);
    at = tokens.ends[index] ?? start;
  }
  return pieces;
}

function hiddenEnd(text: string, from: number, limit: number): number {
  let at = from;
  while (at < limit && text.charCodeAt(at) <= 0x20) at++;
  if (at > from) return at;
  if (text.startsWith('/*', at)) return text.indexOf('*/', at + 2) + 2;
  const lineEnd = text.slice(at, limit).search(/[\r\n]/);
  return lineEnd < 0 ? limit : at + lineEnd + 1;
}

function stringText(text: string, start: number, end: number): string {
  if (text[start] === '$') return text.slice(start + 2, end - 2);
  const inner = text.slice(start + 1, end - 1);
  return inner.includes("''") ? inner.replaceAll("''", "'") : inner;
}

function nameOf(kind: TokenKind): string {
  return NAMES_OF_CLASSES[kind] ?? (/^[A-Z]/.test(kind) ? `K_${kind}` : `'${kind}'`);
}
