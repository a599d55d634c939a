/** A statement as canonical text: `parse(print(statement))` is the statement again. */
import type {
  Assignment,
  Conditions,
  Delete,
  Deletion,
  Insert,
  InsertJson,
  IntegerTerm,
  Select,
  Statement,
  Update,
  Using,
} from './ast.ts';
import { isAccessStatement, printAccessStatement } from './print-access.ts';
import {
  printAll,
  printCondition,
  printName,
  printNames,
  printQualifiedName,
  printSelectable,
  printSelectors,
  printTerm,
  printWhere,
} from './print-expression.ts';
import { printSchemaStatement } from './print-schema.ts';

export function print(statement: Statement): string {
  switch (statement.kind) {
    case 'select':
      return printSelect(statement);
    case 'insert':
      return printInsert(statement);
    case 'insertJson':
      return printInsertJson(statement);
    case 'update':
      return printUpdate(statement);
    case 'delete':
      return printDelete(statement);
    case 'batch': {
      const type = statement.type === 'logged' ? '' : `${statement.type.toUpperCase()} `;
      const statements = statement.statements.map((part) => `${print(part)}; `).join('');
      return `BEGIN ${type}BATCH ${printUsing(statement.using, '', ' ')}${statements}APPLY BATCH`;
    }
    case 'truncate':
      return `TRUNCATE ${printQualifiedName(statement.table)}`;
    case 'use':
      return `USE ${printName(statement.keyspace)}`;
    default:
      return isAccessStatement(statement) ? printAccessStatement(statement) : printSchemaStatement(statement);
  }
}

function printSelect(select: Select): string {
  const { where, groupBy, orderBy } = select;
  return [
    'SELECT',
    select.isJson ? ' JSON' : '',
    select.isDistinct ? ' DISTINCT' : '',
    ` ${printSelectors(select.selectors)} FROM ${printQualifiedName(select.table)}`,
    where.length > 0 ? ` WHERE ${printWhere(where)}` : '',
    groupBy.length > 0 ? ` GROUP BY ${printAll(groupBy, printSelectable)}` : '',
    orderBy.length > 0 ? ` ORDER BY ${printAll(orderBy, printOrdering)}` : '',
    printClause(' PER PARTITION LIMIT', select.perPartitionLimit),
    printClause(' LIMIT', select.limit),
    select.allowFiltering ? ' ALLOW FILTERING' : '',
  ].join('');
}

function printOrdering({ column, annOf, isDescending }: Select['orderBy'][number]): string {
  const ann = annOf === undefined ? '' : ` ANN OF ${printTerm(annOf)}`;
  return `${printName(column)}${ann}${isDescending ? ' DESC' : ''}`;
}

function printClause(words: string, term: IntegerTerm | undefined): string {
  return term === undefined ? '' : `${words} ${printTerm(term)}`;
}

function printUsing({ timestamp, ttl }: Using, before: string, after: string): string {
  const parts: string[] = [];
  if (timestamp !== undefined) parts.push(`TIMESTAMP ${printTerm(timestamp)}`);
  if (ttl !== undefined) parts.push(`TTL ${printTerm(ttl)}`);
  // The order says nothing, except which of two markers is first.
  if (timestamp?.kind === 'marker' && ttl?.kind === 'marker' && ttl.index < timestamp.index) parts.reverse();
  return parts.length === 0 ? '' : `${before}USING ${parts.join(' AND ')}${after}`;
}

function printConditions(conditions: Conditions): string {
  if (conditions === undefined) return '';
  if (conditions === 'exists') return ' IF EXISTS';
  if (conditions === 'notExists') return ' IF NOT EXISTS';
  return ` IF ${conditions.map(printCondition).join(' AND ')}`;
}

function printInsert({ table, columns, values, conditions, using }: Insert): string {
  const into = `INSERT INTO ${printQualifiedName(table)} (${printNames(columns)})`;
  return `${into} VALUES (${printAll(values, printTerm)})${printConditions(conditions)}${printUsing(using, ' ', '')}`;
}

function printInsertJson({ table, json, isDefaultUnset, conditions, using }: InsertJson): string {
  const into = `INSERT INTO ${printQualifiedName(table)} JSON ${printTerm(json)}`;
  const unset = isDefaultUnset ? ' DEFAULT UNSET' : '';
  return `${into}${unset}${printConditions(conditions)}${printUsing(using, ' ', '')}`;
}

function printUpdate({ table, using, assignments, where, conditions }: Update): string {
  const update = `UPDATE ${printQualifiedName(table)}${printUsing(using, ' ', '')}`;
  const set = printAll(assignments, printAssignment);
  return `${update} SET ${set} WHERE ${printWhere(where)}${printConditions(conditions)}`;
}

function printAssignment(assignment: Assignment): string {
  const column = printName(assignment.column);
  const value = printTerm(assignment.value);
  switch (assignment.kind) {
    case 'set':
      return `${column} = ${value}`;
    case 'add':
      return `${column} = ${column} + ${value}`;
    case 'subtract':
      return `${column} = ${column} - ${value}`;
    case 'prepend':
      return `${column} = ${value} + ${column}`;
    case 'setElement':
      return `${column}[${printTerm(assignment.key)}] = ${value}`;
    case 'setField':
      return `${column}.${printName(assignment.field)} = ${value}`;
  }
}

function printDelete({ deletions, table, using, where, conditions }: Delete): string {
  const columns = deletions.length === 0 ? '' : `${printAll(deletions, printDeletion)} `;
  const from = `DELETE ${columns}FROM ${printQualifiedName(table)}${printUsing(using, ' ', '')}`;
  return `${from} WHERE ${printWhere(where)}${printConditions(conditions)}`;
}

function printDeletion(deletion: Deletion): string {
  const column = printName(deletion.column);
  switch (deletion.kind) {
    case 'column':
      return column;
    case 'element':
      return `${column}[${printTerm(deletion.key)}]`;
    case 'field':
      return `${column}.${printName(deletion.field)}`;
  }
}
