/** Types: `int`, `map<text, frozen<list<int>>>`, `keyspace.user_type`, `'a.class.Name'`. */
import type { NativeTypeName, TypeSyntax } from './ast.ts';
import { NATIVE_TYPE_OF_KEYWORD, RESERVED_TYPE_NAMES, TYPE_NAME_KEYWORDS } from './keywords.ts';
import type { TokenKind } from './lexer.ts';
import { CqlSyntaxError } from './syntax-error.ts';
import { NESTING_MAX, type TokenStream } from './token-stream.ts';

export function parseType(input: TokenStream): TypeSyntax {
  input.enter();
  const type = parseAnyType(input);
  input.leave();
  return type;
}

function parseAnyType(input: TokenStream): TypeSyntax {
  const native = NATIVE_TYPE_OF_KEYWORD.get(input.kind);
  if (native !== undefined && input.nextKind !== '.') {
    const begin = input.index;
    input.advance();
    if (!FOLLOWS_TYPE.has(input.kind)) throw input.noViableAlternative(begin, input.index);
    return { kind: 'native', name: native };
  }
  if (input.kind === 'string') return { kind: 'custom', class: input.take() };
  if (input.nextKind === '<' || input.kind === 'SET') return parseParameterized(input);
  return { kind: 'user', name: parseTypeName(input) };
}

/** What can come after a type anywhere: a native type before something else could only have been a keyspace's name. */
const FOLLOWS_TYPE: ReadonlySet<TokenKind> = new Set<TokenKind>([
  ')',
  ',',
  '>',
  ';',
  'end',
  'FINALFUNC',
  'INITCOND',
  'LANGUAGE',
  'MASKED',
  'PRIMARY',
  'STATIC',
]);

function parseParameterized(input: TokenStream): TypeSyntax {
  switch (input.kind) {
    case 'LIST':
      return { kind: 'list', element: parseOnlyParameter(input) };
    case 'SET':
      return { kind: 'set', element: parseOnlyParameter(input) };
    case 'FROZEN':
      return parseFrozen(input);
    case 'MAP':
      return parseMap(input);
    case 'TUPLE':
      return parseTuple(input);
    case 'VECTOR':
      return parseVector(input);
    default:
      // A type of one's own has no parameters: the error is at the `<`, wherever the type ends what may follow.
      return { kind: 'user', name: parseTypeName(input) };
  }
}

function parseOnlyParameter(input: TokenStream): TypeSyntax {
  input.advance();
  input.expect('<');
  const parameter = parseType(input);
  input.expect('>');
  return parameter;
}

function parseFrozen(input: TokenStream): TypeSyntax {
  const type = parseOnlyParameter(input);
  if (type.kind === 'native') {
    throw new CqlSyntaxError(
      `frozen<> is only allowed on collections, tuples, and user-defined types (got ${type.name})`,
    );
  }
  return { kind: 'frozen', type };
}

function parseMap(input: TokenStream): TypeSyntax {
  input.advance();
  input.expect('<');
  const key = parseType(input);
  input.expect(',');
  const value = parseType(input);
  input.expect('>');
  return { kind: 'map', key, value };
}

function parseTuple(input: TokenStream): TypeSyntax {
  input.advance();
  input.expect('<');
  const elements = [parseType(input)];
  while (input.accept(',')) elements.push(parseType(input));
  input.expect('>');
  return { kind: 'tuple', elements };
}

function parseVector(input: TokenStream): TypeSyntax {
  input.advance();
  input.expect('<');
  const element = parseType(input);
  input.expect(',');
  if (input.kind !== 'integer') throw input.mismatch('integer');
  const dimensions = Number(input.take());
  if (dimensions > 0x7fffffff) throw new CqlSyntaxError(`Invalid vector dimension ${dimensions}`);
  input.expect('>');
  return { kind: 'vector', element, dimensions };
}

/** `[keyspace.]name` of a user type. */
export function parseTypeName(input: TokenStream): { keyspace: string | undefined; name: string; at: number } {
  const at = input.offset;
  let keyspace: string | undefined;
  if (input.nextKind === '.') {
    keyspace = input.name();
    input.advance();
  }
  if (input.kind === 'quoted') return { keyspace, name: input.take(), at };
  if (!isTypeName(input.kind)) {
    if (keyspace !== undefined || !input.isName()) throw input.noViableAlternative();
    input.advance();
    throw input.mismatch('.');
  }
  const name = input.word;
  if (input.kind === 'identifier' && RESERVED_TYPE_NAMES.has(name)) {
    throw new CqlSyntaxError(`Invalid (reserved) user type name ${name}`);
  }
  input.advance();
  return { keyspace, name, at };
}

function isTypeName(kind: TokenKind): boolean {
  return kind === 'identifier' || kind === 'quoted' || TYPE_NAME_KEYWORDS.has(kind);
}

export function parseNativeType(input: TokenStream): NativeTypeName {
  const native = NATIVE_TYPE_OF_KEYWORD.get(input.kind);
  if (native === undefined) throw input.noViableAlternative();
  input.advance();
  return native;
}

/** `(type, …)`, which may be empty. */
export function parseTypeList(input: TokenStream): TypeSyntax[] {
  const types: TypeSyntax[] = [];
  input.expect('(');
  if (input.kind !== ')') {
    do types.push(parseType(input));
    while (input.accept(','));
  }
  input.expect(')');
  return types;
}

/**
 * The index of the token after the type that begins at `index`, or -1 when none does: what tells `(type) value` from
 * values in parentheses, without taking anything.
 */
export function endOfType(input: TokenStream, index: number, depth = 0): number {
  if (depth > NESTING_MAX) throw input.tooDeep();
  const kind = input.kindAt(index);
  const next = input.kindAt(index + 1);
  if (kind === 'string') return index + 1;
  if (next === '<' && PARAMETERIZED.has(kind)) return endOfParameters(input, index + 2, depth);
  if (next === '.') return isTypeName(input.kindAt(index + 2)) && input.isName(kind) ? index + 3 : -1;
  return NATIVE_TYPE_OF_KEYWORD.has(kind) || isTypeName(kind) ? index + 1 : -1;
}

const PARAMETERIZED: ReadonlySet<string> = new Set(['LIST', 'SET', 'MAP', 'TUPLE', 'FROZEN', 'VECTOR']);

function endOfParameters(input: TokenStream, begin: number, depth: number): number {
  for (let index = begin; ; index++) {
    index = input.kindAt(index) === 'integer' ? index + 1 : endOfType(input, index, depth + 1);
    if (index < 0) return -1;
    const separator = input.kindAt(index);
    if (separator === '>') return index + 1;
    if (separator !== ',') return -1;
  }
}
