/** WHERE and IF. */
import type {
  ComparisonOperator,
  Condition,
  ConditionSubject,
  Conditions,
  Marker,
  Relation,
  RelationOperator,
  Term,
  TupleValue,
} from './ast.ts';
import type { TokenKind } from './lexer.ts';
import { parseMarker, parseTerm, parseTermList, parseTuple } from './parse-term.ts';
import type { TokenStream } from './token-stream.ts';

export function parseWhere(input: TokenStream): Relation[] {
  const relations: Relation[] = [];
  do relations.push(parseRelation(input));
  while (input.accept('AND'));
  return relations;
}

function comparisonOperator(kind: TokenKind): ComparisonOperator | undefined {
  switch (kind) {
    case '=':
    case '<':
    case '<=':
    case '>':
    case '>=':
    case '!=':
      return kind;
    default:
      return undefined;
  }
}

/** The comparison at the cursor; the choice that fails when there is none began at `begin`. */
function parseComparison(input: TokenStream, begin: number): ComparisonOperator {
  const operator = comparisonOperator(input.kind);
  if (operator === undefined) throw input.noViableAlternative(begin, input.index);
  input.advance();
  return operator;
}

function parseContains(input: TokenStream): RelationOperator {
  input.expect('CONTAINS');
  return input.accept('KEY') ? 'CONTAINS KEY' : 'CONTAINS';
}

function parseRelation(input: TokenStream): Relation {
  const begin = input.index;
  if (input.kind === 'TOKEN') return parseTokenRelation(input);
  if (input.kind === '(') return parseParenthesized(input);
  if (input.kind === 'identifier' && input.word === 'expr' && input.nextKind === '(' && input.isNextAdjacent) {
    return parseCustomIndex(input);
  }
  const column = input.column();
  switch (input.kind) {
    case 'IN':
      input.advance();
      return { kind: 'in', column, values: parseInValues(input, begin) };
    case 'CONTAINS':
      return { kind: 'column', column, operator: parseContains(input), value: parseTerm(input) };
    case 'LIKE':
      input.advance();
      return { kind: 'column', column, operator: 'LIKE', value: parseTerm(input) };
    case 'BETWEEN':
      return parseBetween(input, column);
    case 'IS':
      input.advance();
      input.expect('NOT');
      input.expect('NULL');
      return { kind: 'notNull', column };
    case '[':
      return parseElementRelation(input, column);
    default:
      return { kind: 'column', column, operator: parseComparison(input, begin), value: parseTerm(input) };
  }
}

function parseBetween(input: TokenStream, column: string): Relation {
  input.advance();
  const low = parseTerm(input);
  input.expect('AND');
  return { kind: 'between', column, low, high: parseTerm(input) };
}

function parseElementRelation(input: TokenStream, column: string): Relation {
  input.advance();
  const key = parseTerm(input);
  input.expect(']');
  return { kind: 'element', column, key, operator: parseComparison(input, input.index), value: parseTerm(input) };
}

function parseTokenRelation(input: TokenStream): Relation {
  input.advance();
  const columns = parseColumns(input);
  return { kind: 'token', columns, operator: parseComparison(input, input.index), value: parseTerm(input) };
}

function parseCustomIndex(input: TokenStream): Relation {
  input.advance();
  input.expect('(');
  const index = input.name();
  input.expect(',');
  const value = parseTerm(input);
  input.expect(')');
  return { kind: 'customIndex', index, value };
}

function parseColumns(input: TokenStream): string[] {
  input.expect('(');
  const columns: string[] = [];
  do columns.push(input.column());
  while (input.accept(','));
  input.expect(')');
  return columns;
}

/** `(a, b) > (1, 2)`, or a relation in parentheses. */
function parseParenthesized(input: TokenStream): Relation {
  const following = input.kindAt(input.index + 2);
  if (input.isColumn(input.nextKind) && (following === ',' || following === ')')) return parseTupleRelation(input);
  input.enter();
  input.advance();
  const relation = parseRelation(input);
  input.expect(')');
  input.leave();
  return relation;
}

function parseTupleRelation(input: TokenStream): Relation {
  const columns = parseColumns(input);
  if (input.accept('IN')) return { kind: 'tupleIn', columns, values: parseTupleInValues(input) };
  const begin = input.index;
  return { kind: 'tuple', columns, operator: parseComparison(input, begin), value: parseTupleValue(input, begin) };
}

function isMarkerBegin(kind: TokenKind): boolean {
  return kind === '?' || kind === ':';
}

function parseTupleValue(input: TokenStream, begin: number): TupleValue {
  if (isMarkerBegin(input.kind)) return parseMarker(input);
  if (input.kind !== '(') throw input.noViableAlternative(begin, input.index);
  return parseTuple(input);
}

function parseTupleInValues(input: TokenStream): TupleValue[] | Marker {
  if (isMarkerBegin(input.kind)) return parseMarker(input);
  const values: TupleValue[] = [];
  const begin = input.index;
  input.expect('(');
  if (input.accept(')')) return values;
  do values.push(parseTupleValue(input, begin));
  while (input.accept(','));
  input.expect(')');
  return values;
}

function parseInValues(input: TokenStream, begin: number): Term[] | Marker {
  if (isMarkerBegin(input.kind)) return parseMarker(input);
  if (input.kind !== '(') throw input.noViableAlternative(begin, input.index);
  return parseTermList(input);
}

/** `IF EXISTS` or `IF condition AND …` of UPDATE and DELETE, if it is there. */
export function parseConditions(input: TokenStream): Conditions {
  if (!input.accept('IF')) return undefined;
  // A column may have the name `exists`.
  if (input.kind === 'EXISTS' && !isAfterSubject(input.nextKind)) {
    input.advance();
    return 'exists';
  }
  const conditions: Condition[] = [];
  do conditions.push(parseCondition(input));
  while (input.accept('AND'));
  return conditions;
}

function isAfterSubject(kind: TokenKind): boolean {
  return comparisonOperator(kind) !== undefined || kind === 'IN' || kind === 'CONTAINS' || kind === '[' || kind === '.';
}

function parseCondition(input: TokenStream): Condition {
  const begin = input.index;
  const column = input.column();
  let key: Term | undefined;
  let field: string | undefined;
  if (input.accept('[')) {
    key = parseTerm(input);
    input.expect(']');
  } else if (input.accept('.')) field = input.name();
  const subject: ConditionSubject = { column, key, field };
  if (input.accept('IN')) return { kind: 'in', subject, values: parseInValues(input, input.index) };
  const isWhole = key === undefined && field === undefined;
  const operator = isWhole && input.kind === 'CONTAINS' ? parseContains(input) : parseComparison(input, begin);
  return { kind: 'comparison', subject, operator, value: parseTerm(input) };
}
