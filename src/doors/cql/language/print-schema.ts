/** Statements on the schema as canonical text. */
import type {
  ClusteringOrder,
  ColumnDefinition,
  ColumnMask,
  CreateAggregate,
  CreateFunction,
  CreateIndex,
  CreateTable,
  CreateView,
  Describe,
  DescribeTarget,
  FieldDefinition,
  FunctionArgument,
  IndexTarget,
  PrimaryKey,
  Properties,
  Rename,
  Statement,
  TableAlteration,
  TypeAlteration,
  TypeSyntax,
} from './ast.ts';
import type { AccessStatement } from './print-access.ts';
import {
  printAll,
  printFunctionName,
  printName,
  printNames,
  printProperty,
  printQualifiedName,
  printSelectors,
  printTerm,
  printType,
  printWhere,
  quoteString,
} from './print-expression.ts';

type DataKind = 'select' | 'insert' | 'insertJson' | 'update' | 'delete' | 'batch' | 'truncate' | 'use';
export type SchemaStatement = Exclude<Statement, AccessStatement | { kind: DataKind }>;

export function printSchemaStatement(statement: SchemaStatement): string {
  switch (statement.kind) {
    case 'createKeyspace': {
      const name = `${ifNotExists(statement.ifNotExists)}${printName(statement.keyspace)}`;
      return `CREATE KEYSPACE ${name}${printWith(statement.properties)}`;
    }
    case 'alterKeyspace': {
      const name = `${ifExists(statement.ifExists)}${printName(statement.keyspace)}`;
      return `ALTER KEYSPACE ${name}${printWith(statement.properties)}`;
    }
    case 'dropKeyspace':
      return `DROP KEYSPACE ${ifExists(statement.ifExists)}${printName(statement.keyspace)}`;
    case 'createTable':
      return printCreateTable(statement);
    case 'alterTable': {
      const table = `${ifExists(statement.ifExists)}${printQualifiedName(statement.table)}`;
      return `ALTER TABLE ${table} ${printTableAlteration(statement.action)}`;
    }
    case 'dropTable':
      return `DROP TABLE ${ifExists(statement.ifExists)}${printQualifiedName(statement.table)}`;
    case 'createType': {
      const name = `${ifNotExists(statement.ifNotExists)}${printType({ kind: 'user', name: statement.type })}`;
      return `CREATE TYPE ${name} (${printAll(statement.fields, printField)})`;
    }
    case 'alterType': {
      const name = `${ifExists(statement.ifExists)}${printType({ kind: 'user', name: statement.type })}`;
      return `ALTER TYPE ${name} ${printTypeAlteration(statement.action)}`;
    }
    case 'dropType':
      return `DROP TYPE ${ifExists(statement.ifExists)}${printType({ kind: 'user', name: statement.type })}`;
    case 'createIndex':
      return printCreateIndex(statement);
    case 'dropIndex':
      return `DROP INDEX ${ifExists(statement.ifExists)}${printQualifiedName(statement.index)}`;
    case 'createView':
      return printCreateView(statement);
    case 'alterView': {
      const name = `${ifExists(statement.ifExists)}${printQualifiedName(statement.view)}`;
      return `ALTER MATERIALIZED VIEW ${name}${printWith(statement.properties)}`;
    }
    case 'dropView':
      return `DROP MATERIALIZED VIEW ${ifExists(statement.ifExists)}${printQualifiedName(statement.view)}`;
    case 'createFunction':
      return printCreateFunction(statement);
    case 'createAggregate':
      return printCreateAggregate(statement);
    case 'dropFunction':
    case 'dropAggregate': {
      const what = statement.kind === 'dropFunction' ? 'FUNCTION' : 'AGGREGATE';
      const types = statement.argumentTypes === undefined ? '' : printTypes(statement.argumentTypes);
      return `DROP ${what} ${ifExists(statement.ifExists)}${printFunctionName(statement.function)}${types}`;
    }
    case 'createTrigger': {
      const name = `${ifNotExists(statement.ifNotExists)}${printName(statement.trigger)}`;
      return `CREATE TRIGGER ${name} ON ${printQualifiedName(statement.table)} USING ${quoteString(statement.class)}`;
    }
    case 'dropTrigger': {
      const name = `${ifExists(statement.ifExists)}${printName(statement.trigger)}`;
      return `DROP TRIGGER ${name} ON ${printQualifiedName(statement.table)}`;
    }
    case 'describe':
      return printDescribe(statement);
  }
}

function ifNotExists(isSaid: boolean): string {
  return isSaid ? 'IF NOT EXISTS ' : '';
}

function ifExists(isSaid: boolean): string {
  return isSaid ? 'IF EXISTS ' : '';
}

function printWith(properties: Properties): string {
  return printOptions([...properties].map(printProperty));
}

function printOptions(options: readonly string[]): string {
  return options.length === 0 ? '' : ` WITH ${options.join(' AND ')}`;
}

function printTypes(types: readonly TypeSyntax[]): string {
  return `(${printAll(types, printType)})`;
}

function printColumn({ name, type, isStatic, mask }: ColumnDefinition): string {
  return `${printName(name)} ${printType(type)}${isStatic ? ' STATIC' : ''}${printMask(mask)}`;
}

function printMask(mask: ColumnMask | undefined): string {
  if (mask === undefined) return '';
  return ` MASKED WITH ${printFunctionName(mask.function)}(${printAll(mask.arguments, printTerm)})`;
}

function printPrimaryKey({ partition, clustering }: PrimaryKey): string {
  return `PRIMARY KEY (${[`(${printNames(partition)})`, ...clustering.map(printName)].join(', ')})`;
}

function printClusteringOrder(order: readonly ClusteringOrder[]): string[] {
  if (order.length === 0) return [];
  const columns = printAll(
    order,
    ({ column, isDescending }) => `${printName(column)} ${isDescending ? 'DESC' : 'ASC'}`,
  );
  return [`CLUSTERING ORDER BY (${columns})`];
}

function printCreateTable(statement: CreateTable): string {
  const { table, columns, primaryKeys, clusteringOrder, isCompactStorage, properties } = statement;
  const definitions = [...columns.map(printColumn), ...primaryKeys.map(printPrimaryKey)].join(', ');
  const options = [
    ...(isCompactStorage ? ['COMPACT STORAGE'] : []),
    ...printClusteringOrder(clusteringOrder),
    ...[...properties].map(printProperty),
  ];
  const name = `${ifNotExists(statement.ifNotExists)}${printQualifiedName(table)}`;
  return `CREATE TABLE ${name} (${definitions})${printOptions(options)}`;
}

function printTableAlteration(action: TableAlteration): string {
  switch (action.kind) {
    case 'add':
      return `ADD ${ifNotExists(action.ifNotExists)}(${printAll(action.columns, printColumn)})`;
    case 'drop': {
      const using = action.timestamp === undefined ? '' : ` USING TIMESTAMP ${action.timestamp}`;
      return `DROP ${ifExists(action.ifExists)}(${printNames(action.columns)})${using}`;
    }
    case 'rename':
      return `RENAME ${ifExists(action.ifExists)}${printRenames(action.renames)}`;
    case 'alterType':
      return `ALTER ${printName(action.column)} TYPE ${printType(action.type)}`;
    case 'mask': {
      const mask = action.mask === undefined ? ' DROP MASKED' : printMask(action.mask);
      return `ALTER ${ifExists(action.ifExists)}${printName(action.column)}${mask}`;
    }
    case 'dropCompactStorage':
      return 'DROP COMPACT STORAGE';
    case 'with':
      return `WITH ${[...action.properties].map(printProperty).join(' AND ')}`;
  }
}

function printRenames(renames: readonly Rename[]): string {
  return renames.map(({ from, to }) => `${printName(from)} TO ${printName(to)}`).join(' AND ');
}

function printField({ name, type }: FieldDefinition | FunctionArgument): string {
  return `${printName(name)} ${printType(type)}`;
}

function printTypeAlteration(action: TypeAlteration): string {
  switch (action.kind) {
    case 'add':
      return `ADD ${ifNotExists(action.ifNotExists)}${printField(action.field)}`;
    case 'rename':
      return `RENAME ${ifExists(action.ifExists)}${printRenames(action.renames)}`;
    case 'alter':
      return `ALTER ${printName(action.field.name)} TYPE ${printType(action.field.type)}`;
  }
}

function printCreateIndex(statement: CreateIndex): string {
  const { isCustom, name, table, targets, properties } = statement;
  const custom = isCustom ? 'CUSTOM ' : '';
  const index = name === undefined ? '' : `${printName(name)} `;
  const on = `ON ${printQualifiedName(table)} (${printAll(targets, printIndexTarget)})`;
  const using = statement.class === undefined ? '' : ` USING ${quoteString(statement.class)}`;
  return `CREATE ${custom}INDEX ${ifNotExists(statement.ifNotExists)}${index}${on}${using}${printWith(properties)}`;
}

function printIndexTarget({ kind, column }: IndexTarget): string {
  return kind === 'simple' ? printName(column) : `${kind}(${printName(column)})`;
}

function printCreateView(statement: CreateView): string {
  const { view, selectors, table, where, primaryKey, clusteringOrder, properties } = statement;
  const select = `SELECT ${printSelectors(selectors)} FROM ${printQualifiedName(table)}`;
  const whereClause = where.length === 0 ? '' : ` WHERE ${printWhere(where)}`;
  const options = [...printClusteringOrder(clusteringOrder), ...[...properties].map(printProperty)];
  const name = `${ifNotExists(statement.ifNotExists)}${printQualifiedName(view)}`;
  return `CREATE MATERIALIZED VIEW ${name} AS ${select}${whereClause} ${printPrimaryKey(primaryKey)}${printOptions(options)}`;
}

function orReplace(isSaid: boolean): string {
  return isSaid ? 'OR REPLACE ' : '';
}

function printCreateFunction(statement: CreateFunction): string {
  const name = `${ifNotExists(statement.ifNotExists)}${printFunctionName(statement.function)}`;
  const onNull = statement.isCalledOnNull ? 'CALLED' : 'RETURNS NULL';
  const head = `CREATE ${orReplace(statement.orReplace)}FUNCTION ${name}(${printAll(statement.arguments, printField)})`;
  const returns = `${onNull} ON NULL INPUT RETURNS ${printType(statement.returnType)}`;
  return `${head} ${returns} LANGUAGE ${statement.language} AS ${printBody(statement.body)}`;
}

function printBody(body: string): string {
  return body.includes('$$') || body.endsWith('$') ? quoteString(body) : `$$${body}$$`;
}

function printCreateAggregate(statement: CreateAggregate): string {
  const { argumentTypes, stateFunction, stateType, finalFunction, initialCondition } = statement;
  const name = `${ifNotExists(statement.ifNotExists)}${printFunctionName(statement.function)}`;
  return [
    `CREATE ${orReplace(statement.orReplace)}AGGREGATE ${name}${printTypes(argumentTypes)}`,
    ` SFUNC ${printOwnFunction(stateFunction)} STYPE ${printType(stateType)}`,
    finalFunction === undefined ? '' : ` FINALFUNC ${printOwnFunction(finalFunction)}`,
    initialCondition === undefined ? '' : ` INITCOND ${printTerm(initialCondition)}`,
  ].join('');
}

function printOwnFunction(name: string): string {
  return printFunctionName({ keyspace: undefined, name, at: 0 });
}

function printDescribe({ target, withInternals }: Describe): string {
  return `DESCRIBE ${printDescribeTarget(target)}${withInternals ? ' WITH INTERNALS' : ''}`;
}

function printDescribeTarget(target: DescribeTarget): string {
  switch (target.kind) {
    case 'schema':
      return target.isFull ? 'FULL SCHEMA' : 'SCHEMA';
    case 'keyspace': {
      const name = target.keyspace === undefined ? '' : ` ${printName(target.keyspace)}`;
      return `${target.isOnly ? 'ONLY ' : ''}KEYSPACE${name}`;
    }
    case 'table':
    case 'index':
      return `${target.kind.toUpperCase()} ${printQualifiedName(target.name)}`;
    case 'view':
      return `MATERIALIZED VIEW ${printQualifiedName(target.name)}`;
    case 'type':
      return `TYPE ${printType({ kind: 'user', name: target.name })}`;
    case 'function':
    case 'aggregate':
      return `${target.kind.toUpperCase()} ${printFunctionName(target.name)}`;
    case 'any': {
      // A name that is a word of DESCRIBE must not be taken for it.
      const { keyspace, name } = target.name;
      return keyspace === undefined ? `"${name.replaceAll('"', '""')}"` : printQualifiedName(target.name);
    }
    default:
      return target.kind.toUpperCase();
  }
}
