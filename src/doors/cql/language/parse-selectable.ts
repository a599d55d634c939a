/** What SELECT and GROUP BY name: columns, their parts, functions of them, arithmetic, and values. */
import type { CellProperty, Selectable, Selector, Sequence, SliceSelection, Term } from './ast.ts';
import type { TokenKind } from './lexer.ts';
import { factorOperator, isConstantBegin, isTypeHint, parseConstant, parseMarker, parseTerm } from './parse-term.ts';
import { parseNativeType, parseType } from './parse-type.ts';
import type { TokenStream } from './token-stream.ts';

/** `*` gives an empty list. */
export function parseSelectors(input: TokenStream): Selector[] {
  if (input.accept('*')) return [];
  const selectors: Selector[] = [];
  do {
    const selectable = parseSelectable(input);
    const alias = input.accept('AS') ? input.name() : undefined;
    selectors.push({ selectable, alias });
  } while (input.accept(','));
  return selectors;
}

export function parseSelectable(input: TokenStream): Selectable {
  input.enter();
  let left = parseProduct(input);
  let links = 0;
  while (input.kind === '+' || input.kind === '-') {
    input.checkChain(++links);
    const operator = input.kind;
    input.advance();
    left = { kind: 'operation', operator, left, right: parseProduct(input) };
  }
  input.leave();
  return left;
}

function parseProduct(input: TokenStream): Selectable {
  let left = parseSigned(input);
  let links = 0;
  for (let operator = factorOperator(input.kind); operator !== undefined; operator = factorOperator(input.kind)) {
    input.checkChain(++links);
    input.advance();
    left = { kind: 'operation', operator, left, right: parseSigned(input) };
  }
  return left;
}

function parseSigned(input: TokenStream): Selectable {
  if (input.kind !== '-') return parseParts(input, parsePrimary(input));
  input.enter();
  input.advance();
  const operand = parseSigned(input);
  input.leave();
  return { kind: 'negation', operand };
}

/** `.field`, `[key]` and `[from..to]` after what they are parts of. */
function parseParts(input: TokenStream, whole: Selectable): Selectable {
  let operand = whole;
  for (let links = 1; ; links++) {
    input.checkChain(links);
    if (input.accept('.')) operand = { kind: 'field', operand, field: input.name() };
    else if (input.accept('[')) operand = parseElementOrSlice(input, operand);
    else return operand;
  }
}

function parseElementOrSlice(input: TokenStream, operand: Selectable): Selectable {
  const from = input.kind === '..' ? undefined : parseTerm(input);
  if (from !== undefined && input.accept(']')) return { kind: 'element', operand, key: from };
  input.expect('..');
  const to: Term | undefined = from !== undefined && input.kind === ']' ? undefined : parseTerm(input);
  input.expect(']');
  return { kind: 'slice', operand, from, to } satisfies SliceSelection;
}

/** `true` also for what could only be part of a wrong statement, which is then told where it is wrong. */
export function isSelectableBegin(input: TokenStream, kind: TokenKind): boolean {
  if (isConstantBegin(kind) || input.isName(kind) || input.isFunctionName(kind)) return true;
  return kind === '?' || kind === ':' || kind === 'NULL' || kind === '[' || kind === '{' || kind === '(';
}

function isItemBegin(input: TokenStream): boolean {
  return input.kind === '-' || isSelectableBegin(input, input.kind);
}

function parsePrimary(input: TokenStream): Selectable {
  const constant = parseConstant(input);
  if (constant !== undefined) return constant;
  switch (input.kind) {
    case '?':
    case ':':
      return parseMarker(input);
    case 'NULL':
      input.advance();
      return { kind: 'null' };
    case '(':
      return isTypeHint(input, isSelectableBegin) ? parseTypeHint(input) : parseSequence(input, 'tuple', ')');
    case '[':
      return parseSequence(input, 'list', ']');
    case '{':
      return parseBraces(input);
    default:
      return parseNamed(input);
  }
}

function parseTypeHint(input: TokenStream): Selectable {
  input.enter();
  input.expect('(');
  const type = parseType(input);
  input.expect(')');
  const operand = parsePrimary(input);
  input.leave();
  return { kind: 'typeHint', type, operand };
}

function parseSequence(input: TokenStream, kind: 'list' | 'tuple', close: TokenKind): Sequence<Selectable> {
  const items: Selectable[] = [];
  input.advance();
  if (kind === 'tuple' || isItemBegin(input)) parseItems(input, items);
  input.expect(close);
  return { kind, items };
}

function parseItems(input: TokenStream, items: Selectable[]): void {
  do items.push(parseSelectable(input));
  while (input.accept(','));
}

function parseBraces(input: TokenStream): Selectable {
  input.advance();
  if (input.accept('}')) return { kind: 'set', items: [] };
  const first = parseSelectable(input);
  if (input.kind === ':') return parseMapFrom(input, first);
  const items = [first];
  if (input.accept(',')) parseItems(input, items);
  input.expect('}');
  return { kind: 'set', items };
}

function parseMapFrom(input: TokenStream, firstKey: Selectable): Selectable {
  const entries: [Selectable, Selectable][] = [];
  let key = firstKey;
  for (;;) {
    input.expect(':');
    entries.push([key, parseSelectable(input)]);
    if (!input.accept(',')) break;
    key = parseSelectable(input);
  }
  input.expect('}');
  return { kind: 'map', entries };
}

/** A column or a function, whichever the name at the cursor is. */
function parseNamed(input: TokenStream): Selectable {
  const begin = input.index;
  if (input.nextKind === '(') {
    switch (input.kind) {
      case 'WRITETIME':
        return parseCellProperty(input, 'writetime');
      case 'MAXWRITETIME':
        return parseCellProperty(input, 'maxwritetime');
      case 'TTL':
        return parseCellProperty(input, 'ttl');
      case 'CAST':
        return parseCast(input);
      default:
        if (input.isName() && !input.isFunctionName(input.kind)) throw input.noViableAlternative(begin, begin + 1);
        return parseCall(input);
    }
  }
  if (input.kind === 'TOKEN') {
    input.advance();
    throw input.mismatch('(');
  }
  if (input.nextKind === '.' && input.kindAt(begin + 3) === '(') return parseCall(input);
  if (!input.isName()) throw input.noViableAlternative();
  const name = input.name();
  if (!mayFollowColumn(input.kind)) throw input.noViableAlternative(begin, input.index);
  return { kind: 'column', name };
}

function mayFollowColumn(kind: TokenKind): boolean {
  switch (kind) {
    case 'FROM':
    case 'AS':
    case ',':
    case '.':
    case '[':
    case ']':
    case ')':
    case '}':
    case ':':
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
    // After GROUP BY:
    case 'ORDER':
    case 'PER':
    case 'LIMIT':
    case 'ALLOW':
    case ';':
    case 'end':
      return true;
    default:
      return false;
  }
}

function parseCellProperty(input: TokenStream, kind: CellProperty['kind']): Selectable {
  input.advance();
  input.expect('(');
  const operand = parseParts(input, { kind: 'column', name: input.name() });
  input.expect(')');
  return { kind, operand };
}

function parseCast(input: TokenStream): Selectable {
  input.advance();
  input.expect('(');
  const operand = parseSelectable(input);
  input.expect('AS');
  const type = parseNativeType(input);
  input.expect(')');
  return { kind: 'cast', operand, type };
}

function parseCall(input: TokenStream): Selectable {
  if (input.kind === 'COUNT' && input.kindAt(input.index + 2) === '*') {
    input.advance();
    input.advance();
    input.advance();
    input.expect(')');
    return { kind: 'countRows' };
  }
  const name = input.qualifiedFunctionName();
  input.expect('(');
  const args: Selectable[] = [];
  if (isItemBegin(input)) parseItems(input, args);
  input.expect(')');
  return { kind: 'call', function: name, arguments: args };
}
