/** CREATE, ALTER and DROP of everything, and the statements on indexes, views, functions, aggregates and triggers. */
import type {
  CreateAggregate,
  CreateFunction,
  CreateIndex,
  CreateTrigger,
  CreateView,
  DropFunction,
  DropTrigger,
  FunctionArgument,
  IndexTarget,
  QualifiedName,
  Statement,
} from './ast.ts';
import { parseProperties } from './parse-properties.ts';
import {
  parseAlterRole,
  parseAlterUser,
  parseChangeIdentity,
  parseCreateRole,
  parseCreateUser,
  parseDropRole,
} from './parse-roles.ts';
import { parseSelectors } from './parse-selectable.ts';
import {
  parseAlterKeyspace,
  parseAlterTable,
  parseAlterType,
  parseCreateKeyspace,
  parseCreateTable,
  parseCreateType,
  parsePrimaryKey,
  parseTableOptions,
} from './parse-table.ts';
import { parseTerm } from './parse-term.ts';
import { parseType, parseTypeList, parseTypeName } from './parse-type.ts';
import { parseWhere } from './parse-where.ts';
import { CqlSyntaxError } from './syntax-error.ts';
import type { TokenStream } from './token-stream.ts';

export function parseCreate(input: TokenStream): Statement {
  const begin = input.index;
  input.expect('CREATE');
  switch (input.kind) {
    case 'KEYSPACE':
    case 'SCHEMA':
      return parseCreateKeyspace(input);
    case 'COLUMNFAMILY':
      return parseCreateTable(input);
    case 'TYPE':
      return parseCreateType(input);
    case 'CUSTOM':
    case 'INDEX':
      return parseCreateIndex(input);
    case 'MATERIALIZED':
      return parseCreateView(input);
    case 'OR':
    case 'FUNCTION':
    case 'AGGREGATE':
      return parseCreateFunctionOrAggregate(input, begin);
    case 'TRIGGER':
      return parseCreateTrigger(input);
    case 'ROLE':
      return parseCreateRole(input);
    case 'USER':
      return parseCreateUser(input);
    default:
      throw input.noViableAlternative(begin, input.index);
  }
}

export function parseAlter(input: TokenStream): Statement {
  const begin = input.index;
  input.expect('ALTER');
  switch (input.kind) {
    case 'KEYSPACE':
    case 'SCHEMA':
      return parseAlterKeyspace(input);
    case 'COLUMNFAMILY':
      return parseAlterTable(input);
    case 'TYPE':
      return parseAlterType(input);
    case 'MATERIALIZED': {
      const ifExists = expectView(input) && input.ifExists();
      const view = input.qualifiedName();
      input.expect('WITH');
      return { kind: 'alterView', ifExists, view, properties: parseProperties(input) };
    }
    case 'ROLE':
      return parseAlterRole(input);
    case 'USER':
      return parseAlterUser(input);
    default:
      throw input.noViableAlternative(begin, input.index);
  }
}

export function parseDrop(input: TokenStream): Statement {
  const begin = input.index;
  input.expect('DROP');
  switch (input.kind) {
    case 'KEYSPACE':
    case 'SCHEMA': {
      input.advance();
      const ifExists = input.ifExists();
      return { kind: 'dropKeyspace', ifExists, keyspace: input.keyspace() };
    }
    case 'COLUMNFAMILY': {
      input.advance();
      const ifExists = input.ifExists();
      return { kind: 'dropTable', ifExists, table: input.qualifiedName() };
    }
    case 'TYPE': {
      input.advance();
      const ifExists = input.ifExists();
      return { kind: 'dropType', ifExists, type: parseTypeName(input) };
    }
    case 'INDEX': {
      input.advance();
      const ifExists = input.ifExists();
      return { kind: 'dropIndex', ifExists, index: input.qualifiedName('index') };
    }
    case 'MATERIALIZED': {
      const ifExists = expectView(input) && input.ifExists();
      return { kind: 'dropView', ifExists, view: input.qualifiedName() };
    }
    case 'FUNCTION':
      return parseDropFunction(input, 'dropFunction');
    case 'AGGREGATE':
      return parseDropFunction(input, 'dropAggregate');
    case 'TRIGGER':
      return parseDropTrigger(input);
    case 'ROLE':
    case 'USER':
      return parseDropRole(input);
    case 'IDENTITY':
      return parseChangeIdentity(input, 'dropIdentity');
    default:
      throw input.noViableAlternative(begin, input.index);
  }
}

function expectView(input: TokenStream): true {
  input.expect('MATERIALIZED');
  input.expect('VIEW');
  return true;
}

function parseCreateIndex(input: TokenStream): CreateIndex {
  const isCustom = input.accept('CUSTOM');
  input.expect('INDEX');
  const ifNotExists = input.ifNotExists();
  if (input.kind === '?') throw new CqlSyntaxError('Bind variables cannot be used for index names');
  const name = input.isName() ? input.name() : undefined;
  input.expect('ON');
  const table = input.qualifiedName();
  const targets: IndexTarget[] = [];
  input.expect('(');
  if (input.kind !== ')') {
    do targets.push(parseIndexTarget(input));
    while (input.accept(','));
  }
  input.expect(')');
  const indexClass = input.accept('USING') ? input.takeString() : undefined;
  const properties = input.accept('WITH') ? parseProperties(input) : new Map();
  return { kind: 'createIndex', ifNotExists, isCustom, name, table, targets, class: indexClass, properties };
}

function parseIndexTarget(input: TokenStream): IndexTarget {
  const kind = targetKind(input);
  if (kind === undefined) return { kind: 'simple', column: input.column() };
  input.advance();
  input.expect('(');
  const column = input.column();
  input.expect(')');
  return { kind, column };
}

function targetKind(input: TokenStream): IndexTarget['kind'] | undefined {
  switch (input.kind) {
    case 'FULL':
      return 'full';
    case 'ENTRIES':
      return 'entries';
    case 'KEYS':
      return input.nextKind === '(' ? 'keys' : undefined;
    case 'VALUES':
      return input.nextKind === '(' ? 'values' : undefined;
    default:
      return undefined;
  }
}

function parseCreateView(input: TokenStream): CreateView {
  const ifNotExists = expectView(input) && input.ifNotExists();
  const view = input.qualifiedName();
  input.expect('AS');
  input.expect('SELECT');
  const selectors = parseSelectors(input);
  input.expect('FROM');
  const table = input.qualifiedName();
  const where = input.accept('WHERE') ? parseWhere(input) : [];
  const primaryKey = parsePrimaryKey(input);
  const { clusteringOrder, properties } = parseTableOptions(input, false);
  return { kind: 'createView', ifNotExists, view, selectors, table, where, primaryKey, clusteringOrder, properties };
}

function parseCreateFunctionOrAggregate(input: TokenStream, begin: number): CreateFunction | CreateAggregate {
  const orReplace = input.accept('OR');
  if (orReplace && !input.accept('REPLACE')) throw input.noViableAlternative(begin, input.index);
  if (input.accept('AGGREGATE')) return parseCreateAggregate(input, orReplace);
  input.expect('FUNCTION');
  const ifNotExists = input.ifNotExists();
  const name = input.qualifiedFunctionName();
  const args = parseFunctionArguments(input);
  const isCalledOnNull = input.accept('CALLED');
  if (!isCalledOnNull) {
    input.expect('RETURNS');
    input.expect('NULL');
  }
  input.expect('ON');
  input.expect('NULL');
  input.expect('INPUT');
  input.expect('RETURNS');
  const returnType = parseType(input);
  input.expect('LANGUAGE');
  if (input.kind !== 'identifier') throw input.mismatch('identifier');
  const language = input.name();
  input.expect('AS');
  return {
    kind: 'createFunction',
    orReplace,
    ifNotExists,
    function: name,
    arguments: args,
    isCalledOnNull,
    returnType,
    language,
    body: input.takeString(),
  };
}

function parseFunctionArguments(input: TokenStream): FunctionArgument[] {
  const args: FunctionArgument[] = [];
  input.expect('(');
  if (input.kind !== ')') {
    do {
      const name = input.name();
      args.push({ name, type: parseType(input) });
    } while (input.accept(','));
  }
  input.expect(')');
  return args;
}

function parseCreateAggregate(input: TokenStream, orReplace: boolean): CreateAggregate {
  const ifNotExists = input.ifNotExists();
  const name: QualifiedName = input.qualifiedFunctionName();
  const argumentTypes = parseTypeList(input);
  input.expect('SFUNC');
  const stateFunction = input.functionName();
  input.expect('STYPE');
  const stateType = parseType(input);
  const finalFunction = input.accept('FINALFUNC') ? input.functionName() : undefined;
  const initialCondition = input.accept('INITCOND') ? parseTerm(input) : undefined;
  return {
    kind: 'createAggregate',
    orReplace,
    ifNotExists,
    function: name,
    argumentTypes,
    stateFunction,
    stateType,
    finalFunction,
    initialCondition,
  };
}

function parseDropFunction(input: TokenStream, kind: DropFunction['kind']): DropFunction {
  input.advance();
  const ifExists = input.ifExists();
  const name = input.qualifiedFunctionName();
  const argumentTypes = input.kind === '(' ? parseTypeList(input) : undefined;
  return { kind, ifExists, function: name, argumentTypes };
}

function parseCreateTrigger(input: TokenStream): CreateTrigger {
  input.advance();
  const ifNotExists = input.ifNotExists();
  const trigger = input.name();
  input.expect('ON');
  const table = input.qualifiedName();
  input.expect('USING');
  return { kind: 'createTrigger', ifNotExists, trigger, table, class: input.takeString() };
}

function parseDropTrigger(input: TokenStream): DropTrigger {
  input.advance();
  const ifExists = input.ifExists();
  const trigger = input.name();
  input.expect('ON');
  return { kind: 'dropTrigger', ifExists, trigger, table: input.qualifiedName() };
}
