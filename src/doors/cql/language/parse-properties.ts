/** `WITH name = value AND name = {…}`: the options of keyspaces, tables, views and indexes, and the masks of columns. */
import type { ColumnMask, Properties, PropertyValue, Term } from './ast.ts';
import { NAME_KEYWORDS } from './keywords.ts';
import { parseConstant, parseMap, parseTerm } from './parse-term.ts';
import { printTerm } from './print-expression.ts';
import { CqlSyntaxError } from './syntax-error.ts';
import type { TokenStream } from './token-stream.ts';

export function parseProperties(input: TokenStream): Properties {
  const properties = new Map<string, PropertyValue>();
  do parseProperty(input, properties);
  while (input.accept('AND'));
  return properties;
}

export function parseProperty(input: TokenStream, properties: Map<string, PropertyValue>): void {
  const begin = input.index;
  const name = input.name();
  if (!input.accept('=')) throw input.noViableAlternative(begin, input.index);
  const value = parsePropertyValue(input, begin);
  if (properties.has(name)) throw new CqlSyntaxError(`Multiple definitions for property '${name}'`);
  properties.set(name, value);
}

function parsePropertyValue(input: TokenStream, begin: number): PropertyValue {
  if (input.kind === '{') return parsePropertyMap(input);
  const constant = parseConstant(input);
  if (constant !== undefined) return constant.text;
  if (!NAME_KEYWORDS.has(input.kind)) throw input.noViableAlternative(begin, input.index);
  return input.name();
}

/** A map of constants, of which it keeps the texts. */
export function parsePropertyMap(input: TokenStream): ReadonlyMap<string, string> {
  const map = new Map<string, string>();
  for (const [key, value] of parseMap(input).entries) {
    if (key.kind !== 'constant') {
      throw new CqlSyntaxError(`Invalid property name: ${printTerm(key)}${markerHint(key)}`);
    }
    if (value.kind !== 'constant') {
      throw new CqlSyntaxError(
        `Invalid property value: ${printTerm(value)} for property: ${printTerm(key)}${markerHint(value)}`,
      );
    }
    if (map.has(key.text)) throw new CqlSyntaxError(`Multiple definition for property ${key.text}`);
    map.set(key.text, value.text);
  }
  return map;
}

function markerHint(term: Term): string {
  return term.kind === 'marker' ? ' (bind variables are not supported in DDL queries)' : '';
}

/** `MASKED WITH …`, if it is there. */
export function parseMask(input: TokenStream): ColumnMask | undefined {
  if (!input.accept('MASKED')) return undefined;
  input.expect('WITH');
  if (input.kind === 'DEFAULT' && input.nextKind !== '(' && input.nextKind !== '.') {
    const at = input.offset;
    input.advance();
    return { function: { keyspace: 'system', name: 'mask_default', at }, arguments: [] };
  }
  const name = input.qualifiedFunctionName();
  const args: Term[] = [];
  input.expect('(');
  if (input.kind !== ')') {
    do args.push(parseTerm(input));
    while (input.accept(','));
  }
  input.expect(')');
  return { function: name, arguments: args };
}
