/** SELECT, INSERT, UPDATE, DELETE, BATCH, TRUNCATE and USE. */
import type {
  Assignment,
  Batch,
  ColumnAssignment,
  Constant,
  Delete,
  Deletion,
  Insert,
  InsertJson,
  IntegerTerm,
  Marker,
  Modification,
  Ordering,
  QualifiedName,
  Relation,
  Select,
  Selectable,
  Truncate,
  Update,
  Use,
  Using,
} from './ast.ts';
import { isSelectableBegin, parseSelectable, parseSelectors } from './parse-selectable.ts';
import { parseIntegerTerm, parseMarker, parseTerm } from './parse-term.ts';
import { parseConditions, parseWhere } from './parse-where.ts';
import { CqlSyntaxError } from './syntax-error.ts';
import type { TokenStream } from './token-stream.ts';

export function parseSelect(input: TokenStream): Select {
  input.expect('SELECT');
  const isJson = acceptSelectWord(input, 'JSON');
  const isDistinct = acceptSelectWord(input, 'DISTINCT');
  const selectors = parseSelectors(input);
  input.expect('FROM');
  const table = input.qualifiedName();
  const where: Relation[] = input.accept('WHERE') ? parseWhere(input) : [];
  const groupBy = parseGroupBy(input);
  const orderBy = parseOrderBy(input);
  let perPartitionLimit: IntegerTerm | undefined;
  if (input.accept('PER')) {
    input.expect('PARTITION');
    input.expect('LIMIT');
    perPartitionLimit = parseIntegerTerm(input);
  }
  const limit = input.accept('LIMIT') ? parseIntegerTerm(input) : undefined;
  const allowFiltering = input.accept('ALLOW');
  if (allowFiltering) input.expect('FILTERING');
  return {
    kind: 'select',
    isJson,
    isDistinct,
    selectors,
    table,
    where,
    groupBy,
    orderBy,
    perPartitionLimit,
    limit,
    allowFiltering,
  };
}

/** JSON and DISTINCT are columns' names too: they are words of SELECT when selectors follow. */
function acceptSelectWord(input: TokenStream, word: 'JSON' | 'DISTINCT'): boolean {
  if (input.kind !== word) return false;
  const next = input.nextKind;
  const following = input.kindAt(input.index + 2);
  let isWord: boolean;
  if (next === '*') isWord = following === 'FROM';
  else if (next === 'AS') isWord = !input.isName(following);
  else isWord = next === '-' || isSelectableBegin(input, next);
  if (isWord) input.advance();
  return isWord;
}

function parseGroupBy(input: TokenStream): Selectable[] {
  const groups: Selectable[] = [];
  if (!input.accept('GROUP')) return groups;
  input.expect('BY');
  do groups.push(parseSelectable(input));
  while (input.accept(','));
  return groups;
}

function parseOrderBy(input: TokenStream): Ordering[] {
  const orderings: Ordering[] = [];
  if (!input.accept('ORDER')) return orderings;
  input.expect('BY');
  do orderings.push(parseOrdering(input));
  while (input.accept(','));
  return orderings;
}

function parseOrdering(input: TokenStream): Ordering {
  const column = input.column();
  const annOf = input.acceptPair('ANN', 'OF') ? parseTerm(input) : undefined;
  const isDescending = input.accept('DESC');
  if (!isDescending) input.accept('ASC');
  return { column, annOf, isDescending };
}

const NOTHING: Using = { timestamp: undefined, ttl: undefined };

/** Saying one of them twice is refused, although Cassandra takes the last: a marker would belong to nothing. */
function parseUsing(input: TokenStream): Using {
  if (!input.accept('USING')) return NOTHING;
  let timestamp: IntegerTerm | undefined;
  let ttl: IntegerTerm | undefined;
  do {
    if (timestamp === undefined && input.accept('TIMESTAMP')) timestamp = parseIntegerTerm(input);
    else if (ttl === undefined && input.accept('TTL')) ttl = parseIntegerTerm(input);
    else throw input.noViableAlternative();
  } while (input.accept('AND'));
  return { timestamp, ttl };
}

export function parseInsert(input: TokenStream): Insert | InsertJson {
  input.expect('INSERT');
  input.expect('INTO');
  const table = input.qualifiedName();
  if (input.accept('JSON')) return parseInsertJson(input, table);
  if (input.kind !== '(') throw input.noViableAlternative();
  input.advance();
  const columns: string[] = [];
  do columns.push(input.column());
  while (input.accept(','));
  input.expect(')');
  input.expect('VALUES');
  input.expect('(');
  const values = [parseTerm(input)];
  while (input.accept(',')) values.push(parseTerm(input));
  input.expect(')');
  const conditions = input.ifNotExists() ? 'notExists' : undefined;
  return { kind: 'insert', table, columns, values, conditions, using: parseUsing(input) };
}

function parseInsertJson(input: TokenStream, table: QualifiedName): InsertJson {
  const json: Constant | Marker =
    input.kind === 'string' ? { kind: 'constant', type: 'string', text: input.take() } : parseMarker(input);
  let isDefaultUnset = false;
  if (input.accept('DEFAULT')) {
    isDefaultUnset = input.accept('UNSET');
    if (!isDefaultUnset && !input.accept('NULL')) throw input.noViableAlternative();
  }
  const conditions = input.ifNotExists() ? 'notExists' : undefined;
  return { kind: 'insertJson', table, json, isDefaultUnset, conditions, using: parseUsing(input) };
}

export function parseUpdate(input: TokenStream): Update {
  input.expect('UPDATE');
  const table = input.qualifiedName();
  const using = parseUsing(input);
  input.expect('SET');
  const assignments: Assignment[] = [];
  do addAssignment(assignments, parseAssignment(input));
  while (input.accept(','));
  input.expect('WHERE');
  const where = parseWhere(input);
  return { kind: 'update', table, using, assignments, where, conditions: parseConditions(input) };
}

/** Several of one column must be of one kind, and not be plain values. */
function addAssignment(assignments: Assignment[], added: Assignment): void {
  for (const other of assignments) {
    if (other.column === added.column && (other.kind !== added.kind || added.kind === 'set')) {
      throw new CqlSyntaxError(`Multiple incompatible setting of column ${added.column}`);
    }
  }
  assignments.push(added);
}

function parseAssignment(input: TokenStream): Assignment {
  const begin = input.index;
  const column = input.column();
  if (input.accept('=')) return parseColumnAssignment(input, column);
  if (input.accept('+=')) return { kind: 'add', column, value: parseTerm(input) };
  if (input.accept('-=')) return { kind: 'subtract', column, value: parseTerm(input) };
  if (input.accept('[')) {
    const key = parseTerm(input);
    input.expect(']');
    input.expect('=');
    return { kind: 'setElement', column, key, value: parseTerm(input) };
  }
  if (input.accept('.')) {
    const field = input.name();
    input.expect('=');
    return { kind: 'setField', column, field, value: parseTerm(input) };
  }
  throw input.noViableAlternative(begin + 1);
}

/** `= value`, `= value + column`, `= column + value`, `= column - value`, `= column -3`. */
function parseColumnAssignment(input: TokenStream, column: string): ColumnAssignment {
  const begin = input.index;
  const next = input.nextKind;
  if (!input.isColumn() || next === '(' || next === '.') {
    const value = parseTerm(input);
    if (!input.accept('+')) return { kind: 'set', column, value };
    if (input.column() !== column) throw onlyForm('X = <value> + X');
    return { kind: 'prepend', column, value };
  }
  const other = input.column();
  if (input.kind === 'integer') {
    // `c = c -3`: the sign belongs to the number.
    const text = input.take();
    if (other !== column) throw onlyForm(`X = X ${text.startsWith('-') ? '-' : '+'} <value>`);
    return { kind: 'add', column, value: { kind: 'constant', type: 'integer', text } };
  }
  const sign = input.kind;
  if (sign !== '+' && sign !== '-') throw input.noViableAlternative(begin, input.index);
  input.advance();
  const value = parseTerm(input);
  if (other !== column) throw onlyForm(`X = X ${sign}<value>`);
  return { kind: sign === '+' ? 'add' : 'subtract', column, value };
}

function onlyForm(form: string): CqlSyntaxError {
  return new CqlSyntaxError(`Only expressions of the form ${form} are supported.`);
}

export function parseDelete(input: TokenStream): Delete {
  input.expect('DELETE');
  const deletions: Deletion[] = [];
  if (input.isColumn()) {
    do deletions.push(parseDeletion(input));
    while (input.accept(','));
  }
  input.expect('FROM');
  const table = input.qualifiedName();
  let using = NOTHING;
  if (input.accept('USING')) {
    input.expect('TIMESTAMP');
    using = { timestamp: parseIntegerTerm(input), ttl: undefined };
  }
  input.expect('WHERE');
  const where = parseWhere(input);
  return { kind: 'delete', deletions, table, using, where, conditions: parseConditions(input) };
}

function parseDeletion(input: TokenStream): Deletion {
  const column = input.column();
  if (input.accept('.')) return { kind: 'field', column, field: input.name() };
  if (!input.accept('[')) return { kind: 'column', column };
  const key = parseTerm(input);
  input.expect(']');
  return { kind: 'element', column, key };
}

export function parseBatch(input: TokenStream): Batch {
  input.expect('BEGIN');
  let type: Batch['type'] = 'logged';
  if (input.accept('UNLOGGED')) type = 'unlogged';
  else if (input.accept('COUNTER')) type = 'counter';
  input.expect('BATCH');
  const using = parseUsing(input);
  const statements: Modification[] = [];
  for (let statement = parseModification(input); statement !== undefined; statement = parseModification(input)) {
    statements.push(statement);
    input.accept(';');
  }
  input.expect('APPLY');
  input.expect('BATCH');
  return { kind: 'batch', type, using, statements };
}

function parseModification(input: TokenStream): Modification | undefined {
  switch (input.kind) {
    case 'INSERT':
      return parseInsert(input);
    case 'UPDATE':
      return parseUpdate(input);
    case 'DELETE':
      return parseDelete(input);
    default:
      return undefined;
  }
}

export function parseTruncate(input: TokenStream): Truncate {
  input.expect('TRUNCATE');
  input.accept('COLUMNFAMILY');
  return { kind: 'truncate', table: input.qualifiedName() };
}

export function parseUse(input: TokenStream): Use {
  input.expect('USE');
  return { kind: 'use', keyspace: input.keyspace() };
}
