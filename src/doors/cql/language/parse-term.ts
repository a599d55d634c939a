/** Terms: values of statements, without columns. `1 + 2`, `{'a': ?}`, `now()`, `(int) 3`, `[1, 2]`. */
import type {
  ArithmeticOperator,
  Constant,
  ConstantType,
  IntegerTerm,
  MapLiteral,
  Marker,
  Sequence,
  Term,
  UserTypeLiteral,
} from './ast.ts';
import type { TokenKind } from './lexer.ts';
import { endOfType, parseNativeType, parseType } from './parse-type.ts';
import type { TokenStream } from './token-stream.ts';

export function parseTerm(input: TokenStream): Term {
  input.enter();
  let left = parseProduct(input);
  let links = 0;
  while ((input.kind === '+' && !isColumnAfterPlus(input)) || input.kind === '-') {
    input.checkChain(++links);
    const operator = input.kind;
    if (operator === '+' && input.nextKind !== '-' && !isSimpleTermBegin(input, input.nextKind)) {
      throw input.noViableAlternative(input.index, input.index + 1);
    }
    input.advance();
    left = { kind: 'operation', operator, left, right: parseProduct(input) };
  }
  if (!FOLLOWS_TERM.has(input.kind)) throw input.noViableAlternative();
  input.leave();
  return left;
}

/** What can come after a term anywhere; anything else is an error of the term's end, whatever surrounds the term. */
const FOLLOWS_TERM: ReadonlySet<TokenKind> = new Set<TokenKind>([
  ')',
  ',',
  ']',
  '}',
  ':',
  '..',
  '+',
  ';',
  'end',
  'ALLOW',
  'AND',
  'APPLY',
  'AS',
  'ASC',
  'DELETE',
  'DESC',
  'GROUP',
  'IF',
  'INSERT',
  'LIMIT',
  'ORDER',
  'PER',
  'PRIMARY',
  'UPDATE',
  'WHERE',
]);

/** In `SET c = value + c` the column does not belong to the value. */
function isColumnAfterPlus(input: TokenStream): boolean {
  if (!input.isColumn(input.nextKind)) return false;
  const following = input.kindAt(input.index + 2);
  return following !== '(' && following !== '.';
}

function parseProduct(input: TokenStream): Term {
  let left = parseSigned(input);
  let links = 0;
  for (let operator = factorOperator(input.kind); operator !== undefined; operator = factorOperator(input.kind)) {
    input.checkChain(++links);
    input.advance();
    left = { kind: 'operation', operator, left, right: parseSigned(input) };
  }
  return left;
}

export function factorOperator(kind: TokenKind): ArithmeticOperator | undefined {
  return kind === '*' || kind === '/' || kind === '%' ? kind : undefined;
}

function parseSigned(input: TokenStream): Term {
  if (!input.accept('-')) return parseSimpleTerm(input);
  return { kind: 'negation', operand: parseSimpleTerm(input) };
}

function parseSimpleTerm(input: TokenStream): Term {
  const constant = parseConstant(input);
  if (constant !== undefined) return constant;
  switch (input.kind) {
    case '?':
    case ':':
      return parseMarker(input);
    case 'NULL':
      input.advance();
      return { kind: 'null' };
    case '[':
      return parseList(input);
    case '{':
      return parseBraces(input);
    case '(':
      return isTypeHint(input, isSimpleTermBegin) ? parseTypeHint(input) : parseTuple(input);
    case 'CAST':
      if (input.nextKind === '(') return parseCast(input);
      break;
    default:
  }
  return parseCall(input);
}

/** The constant at the cursor, undefined when there is none. */
export function parseConstant(input: TokenStream): Constant | undefined {
  switch (input.kind) {
    case 'string':
    case 'integer':
    case 'float':
    case 'duration':
      return constantOf(input.kind, input.take());
    case 'boolean':
    case 'uuid':
    case 'hex':
      return constantOf(input.kind, input.take().toLowerCase());
    case 'NAN':
    case 'negativeNan':
      input.advance();
      return constantOf('float', 'NaN');
    case 'INFINITY':
      input.advance();
      return constantOf('float', 'Infinity');
    case 'negativeInfinity':
      input.advance();
      return constantOf('float', '-Infinity');
    default:
      return undefined;
  }
}

function constantOf(type: ConstantType, text: string): Constant {
  return { kind: 'constant', type, text };
}

export function isConstantBegin(kind: TokenKind): boolean {
  switch (kind) {
    case 'string':
    case 'integer':
    case 'float':
    case 'boolean':
    case 'duration':
    case 'uuid':
    case 'hex':
    case 'NAN':
    case 'negativeNan':
    case 'INFINITY':
    case 'negativeInfinity':
      return true;
    default:
      return false;
  }
}

function isSimpleTermBegin(input: TokenStream, kind: TokenKind): boolean {
  if (isConstantBegin(kind) || input.isFunctionName(kind)) return true;
  return (
    kind === '?' || kind === ':' || kind === 'NULL' || kind === '[' || kind === '{' || kind === '(' || kind === 'CAST'
  );
}

/** True when a type in parentheses and then something that it could be the type of are at the cursor. */
export function isTypeHint(
  input: TokenStream,
  isOperandBegin: (input: TokenStream, kind: TokenKind) => boolean,
): boolean {
  const end = endOfType(input, input.index + 1);
  return end >= 0 && input.kindAt(end) === ')' && isOperandBegin(input, input.kindAt(end + 1));
}

function parseTypeHint(input: TokenStream): Term {
  input.enter();
  input.expect('(');
  const type = parseType(input);
  input.expect(')');
  const operand = parseSimpleTerm(input);
  input.leave();
  return { kind: 'typeHint', type, operand };
}

function parseCast(input: TokenStream): Term {
  input.enter();
  input.advance();
  input.expect('(');
  const operand = parseSimpleTerm(input);
  input.expect('AS');
  const type = parseNativeType(input);
  input.expect(')');
  input.leave();
  return { kind: 'cast', operand, type };
}

function parseCall(input: TokenStream): Term {
  const begin = input.index;
  if (!input.isFunctionName(input.kind)) {
    const isOtherName = input.isName() && input.nextKind !== '.';
    if (isOtherName || !input.isName()) throw input.noViableAlternative(begin, isOtherName ? begin + 1 : begin);
  }
  const name = input.qualifiedFunctionName();
  if (!input.accept('(')) throw input.noViableAlternative(begin, input.index);
  return { kind: 'call', function: name, arguments: parseTermsOrNoneUntil(input, ')') };
}

function isTermBegin(input: TokenStream): boolean {
  return input.kind === '-' || isSimpleTermBegin(input, input.kind) || input.isName();
}

/** At least one term. */
function parseTermsUntil(input: TokenStream, close: TokenKind): Term[] {
  const items: Term[] = [];
  do items.push(parseTerm(input));
  while (input.accept(','));
  input.expect(close);
  return items;
}

function parseTermsOrNoneUntil(input: TokenStream, close: TokenKind): Term[] {
  if (isTermBegin(input)) return parseTermsUntil(input, close);
  input.expect(close);
  return [];
}

function parseList(input: TokenStream): Sequence<Term> {
  input.advance();
  return { kind: 'list', items: parseTermsOrNoneUntil(input, ']') };
}

export function parseTuple(input: TokenStream): Sequence<Term> {
  input.expect('(');
  return { kind: 'tuple', items: parseTermsUntil(input, ')') };
}

/** `(…)` of IN, which may be empty. */
export function parseTermList(input: TokenStream): Term[] {
  input.expect('(');
  return parseTermsOrNoneUntil(input, ')');
}

function parseBraces(input: TokenStream): Term {
  input.advance();
  if (input.accept('}')) return { kind: 'set', items: [] };
  if (input.nextKind === ':' && input.isName()) return parseUserType(input);
  const first = parseTerm(input);
  if (input.kind === ':') return parseMapFrom(input, first);
  const items = [first];
  while (input.accept(',')) items.push(parseTerm(input));
  input.expect('}');
  return { kind: 'set', items };
}

function parseMapFrom(input: TokenStream, firstKey: Term): MapLiteral<Term> {
  const entries: [Term, Term][] = [];
  let key = firstKey;
  for (;;) {
    input.expect(':');
    entries.push([key, parseTerm(input)]);
    if (!input.accept(',')) break;
    key = parseTerm(input);
  }
  input.expect('}');
  return { kind: 'map', entries };
}

/** The map of a property, which may be empty. */
export function parseMap(input: TokenStream): MapLiteral<Term> {
  input.expect('{');
  if (input.accept('}')) return { kind: 'map', entries: [] };
  return parseMapFrom(input, parseTerm(input));
}

function parseUserType(input: TokenStream): UserTypeLiteral {
  const fields: [string, Term][] = [];
  do {
    const name = input.name();
    input.expect(':');
    fields.push([name, parseTerm(input)]);
  } while (input.accept(','));
  input.expect('}');
  return { kind: 'userType', fields };
}

export function parseMarker(input: TokenStream): Marker {
  const marker = input.marker();
  if (marker === undefined) throw input.noViableAlternative();
  return marker;
}

/** An integer or a marker, as in LIMIT and USING. */
export function parseIntegerTerm(input: TokenStream): IntegerTerm {
  if (input.kind === 'integer') return constantOf('integer', input.take());
  return parseMarker(input);
}
