/**
 * Names, types, terms, selectables and relations as canonical text: what `parse` makes of it is the same tree.
 *
 * Trees come from `parse`, so that an operation never needs parentheses: those of the text are tuples in the tree.
 */
import type {
  Condition,
  Marker,
  PropertyValue,
  QualifiedName,
  Relation,
  Selectable,
  Selector,
  Term,
  TypeSyntax,
} from './ast.ts';
import {
  FUNCTION_NAME_KEYWORDS,
  isReservedWord,
  KEYWORD_OF_WORD,
  RESERVED_TYPE_NAMES,
  TYPE_NAME_KEYWORDS,
} from './keywords.ts';

const PLAIN_NAME = /^[a-z][a-z0-9_]*$/;

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function quoteString(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** Quoted where it must be: upper case, other characters, reserved words, and the constants true and false. */
export function printName(name: string): string {
  const isPlain = PLAIN_NAME.test(name) && !isReservedWord(name) && name !== 'true' && name !== 'false';
  return isPlain ? name : quoteName(name);
}

export function printQualifiedName({ keyspace, name }: QualifiedName): string {
  return keyspace === undefined ? printName(name) : `${printName(keyspace)}.${printName(name)}`;
}

export function printFunctionName({ keyspace, name }: QualifiedName): string {
  const keyword = KEYWORD_OF_WORD.get(name);
  const isAllowed = keyword === undefined || FUNCTION_NAME_KEYWORDS.has(keyword);
  const printed = isAllowed && PLAIN_NAME.test(name) && name !== 'true' && name !== 'false' ? name : quoteName(name);
  // `expr(` without a keyspace begins another kind of relation.
  if (keyspace === undefined) return name === 'expr' ? quoteName(name) : printed;
  return `${printName(keyspace)}.${printed}`;
}

function printTypeName({ keyspace, name }: QualifiedName): string {
  const keyword = KEYWORD_OF_WORD.get(name);
  const isAllowed = keyword === undefined ? !RESERVED_TYPE_NAMES.has(name) : TYPE_NAME_KEYWORDS.has(keyword);
  const printed = isAllowed ? printName(name) : quoteName(name);
  return keyspace === undefined ? printed : `${printName(keyspace)}.${printed}`;
}

export function printType(type: TypeSyntax): string {
  switch (type.kind) {
    case 'native':
      return type.name;
    case 'list':
    case 'set':
      return `${type.kind}<${printType(type.element)}>`;
    case 'map':
      return `map<${printType(type.key)}, ${printType(type.value)}>`;
    case 'tuple':
      return `tuple<${printAll(type.elements, printType)}>`;
    case 'vector':
      return `vector<${printType(type.element)}, ${type.dimensions}>`;
    case 'frozen':
      return `frozen<${printType(type.type)}>`;
    case 'user':
      return printTypeName(type.name);
    case 'custom':
      return quoteString(type.class);
  }
}

export function printAll<Item>(items: readonly Item[], print: (item: Item) => string): string {
  return items.map(print).join(', ');
}

export function printMarker({ name }: Marker): string {
  return name === undefined ? '?' : `:${printName(name)}`;
}

export function printTerm(term: Term): string {
  return term.kind === 'userType'
    ? `{${printAll(term.fields, ([name, value]) => `${printName(name)}: ${printTerm(value)}`)}}`
    : printExpression(term);
}

/** What has no column in it is a term in the places where only terms can be, so one function prints both. */
export function printSelectable(selectable: Selectable): string {
  return printExpression(selectable);
}

const BRACKETS = { list: ['[', ']'], set: ['{', '}'], tuple: ['(', ')'] } as const;

function printExpression(expression: Selectable | Term): string {
  switch (expression.kind) {
    case 'constant':
      return expression.type === 'string' ? quoteString(expression.text) : expression.text;
    case 'null':
      return 'null';
    case 'marker':
      return printMarker(expression);
    case 'list':
    case 'set':
    case 'tuple': {
      const [open, close] = BRACKETS[expression.kind];
      return `${open}${printAll<Selectable | Term>(expression.items, printExpression)}${close}`;
    }
    case 'map':
      return `{${printAll<readonly [Selectable | Term, Selectable | Term]>(
        expression.entries,
        ([key, value]) => `${printExpression(key)}: ${printExpression(value)}`,
      )}}`;
    case 'userType':
      return printTerm(expression);
    case 'call':
      return `${printFunctionName(expression.function)}(${printAll<Selectable | Term>(expression.arguments, printExpression)})`;
    case 'operation':
      return `${printExpression(expression.left)} ${expression.operator} ${printExpression(expression.right)}`;
    case 'negation':
      // Without the space a number would take the sign, and a second sign would begin a comment.
      return `- ${printExpression(expression.operand)}`;
    case 'typeHint':
      return `(${printType(expression.type)}) ${printExpression(expression.operand)}`;
    case 'cast':
      return `CAST(${printExpression(expression.operand)} AS ${expression.type})`;
    case 'column':
      return printSelectedName(expression.name);
    case 'field':
      return `${printExpression(expression.operand)}.${printName(expression.field)}`;
    case 'element':
      return `${printExpression(expression.operand)}[${printTerm(expression.key)}]`;
    case 'slice': {
      const from = expression.from === undefined ? '' : printTerm(expression.from);
      // A number before two dots takes none of them, but three dots after a number are one for it and a range.
      const to = expression.to === undefined ? '' : printTerm(expression.to);
      return `${printExpression(expression.operand)}[${from}..${to}]`;
    }
    case 'writetime':
    case 'maxwritetime':
    case 'ttl':
      return `${expression.kind}(${printExpression(expression.operand)})`;
    case 'countRows':
      return 'count(*)';
  }
}

/** The first selector must not be taken for a word of SELECT. */
function printSelectedName(name: string): string {
  return name === 'json' || name === 'distinct' ? quoteName(name) : printName(name);
}

export function printSelectors(selectors: readonly Selector[]): string {
  if (selectors.length === 0) return '*';
  return printAll(selectors, ({ selectable, alias }) => {
    const printed = printSelectable(selectable);
    return alias === undefined ? printed : `${printed} AS ${printName(alias)}`;
  });
}

export function printNames(names: readonly string[]): string {
  return printAll(names, printName);
}

export function printWhere(relations: readonly Relation[]): string {
  return relations.map(printRelation).join(' AND ');
}

export function printRelation(relation: Relation): string {
  switch (relation.kind) {
    case 'column':
      return `${printName(relation.column)} ${relation.operator} ${printTerm(relation.value)}`;
    case 'element':
      return `${printName(relation.column)}[${printTerm(relation.key)}] ${relation.operator} ${printTerm(relation.value)}`;
    case 'in':
      return `${printName(relation.column)} IN ${printInValues(relation.values)}`;
    case 'between':
      return `${printName(relation.column)} BETWEEN ${printTerm(relation.low)} AND ${printTerm(relation.high)}`;
    case 'notNull':
      return `${printName(relation.column)} IS NOT NULL`;
    case 'token':
      return `token(${printNames(relation.columns)}) ${relation.operator} ${printTerm(relation.value)}`;
    case 'tuple':
      return `(${printNames(relation.columns)}) ${relation.operator} ${printTerm(relation.value)}`;
    case 'tupleIn':
      return `(${printNames(relation.columns)}) IN ${printInValues(relation.values)}`;
    case 'customIndex':
      return `expr(${printName(relation.index)}, ${printTerm(relation.value)})`;
  }
}

function printInValues(values: readonly Term[] | Marker): string {
  return isMarker(values) ? printMarker(values) : `(${printAll(values, printTerm)})`;
}

function isMarker(values: readonly Term[] | Marker): values is Marker {
  return !Array.isArray(values);
}

export function printCondition(condition: Condition): string {
  const { column, key, field } = condition.subject;
  const part = key !== undefined ? `[${printTerm(key)}]` : field !== undefined ? `.${printName(field)}` : '';
  const subject = `${printName(column)}${part}`;
  if (condition.kind === 'in') return `${subject} IN ${printInValues(condition.values)}`;
  return `${subject} ${condition.operator} ${printTerm(condition.value)}`;
}

export function printPropertyMap(map: ReadonlyMap<string, string>): string {
  return `{${printAll([...map], ([key, value]) => `${quoteString(key)}: ${quoteString(value)}`)}}`;
}

export function printProperty([name, value]: readonly [string, PropertyValue]): string {
  return `${printName(name)} = ${typeof value === 'string' ? quoteString(value) : printPropertyMap(value)}`;
}
