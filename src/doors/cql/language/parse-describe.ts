/** DESCRIBE, which the server answers since Cassandra 4.0. */
import type { Describe, DescribeTarget } from './ast.ts';
import { parseTypeName } from './parse-type.ts';
import type { TokenStream } from './token-stream.ts';

export function parseDescribe(input: TokenStream): Describe {
  input.advance();
  const target = parseTarget(input);
  const withInternals = input.accept('WITH');
  if (withInternals) input.expect('INTERNALS');
  return { kind: 'describe', target, withInternals };
}

/** A word that is also a name means the name when something follows that only a name has. */
function parseTarget(input: TokenStream): DescribeTarget {
  const next = input.nextKind;
  const isNamed = input.isName(next) || input.isFunctionName(next);
  switch (input.kind) {
    case 'CLUSTER':
    case 'KEYSPACES':
    case 'TABLES':
    case 'TYPES':
    case 'FUNCTIONS':
    case 'AGGREGATES':
      if (next !== '.') return parsePlural(input);
      break;
    case 'FULL':
      input.advance();
      input.expect('SCHEMA');
      return { kind: 'schema', isFull: true };
    case 'SCHEMA':
      input.advance();
      return { kind: 'schema', isFull: false };
    case 'KEYSPACE':
      return parseKeyspaceTarget(input, false);
    case 'ONLY':
      if (next !== 'KEYSPACE') break;
      input.advance();
      return parseKeyspaceTarget(input, true);
    case 'COLUMNFAMILY':
      input.advance();
      return { kind: 'table', name: input.qualifiedName() };
    case 'INDEX':
      input.advance();
      return { kind: 'index', name: input.qualifiedName() };
    case 'MATERIALIZED':
      input.advance();
      input.expect('VIEW');
      return { kind: 'view', name: input.qualifiedName() };
    case 'TYPE':
      if (!isNamed) break;
      input.advance();
      return { kind: 'type', name: parseTypeName(input) };
    case 'FUNCTION':
      if (!isNamed) break;
      input.advance();
      return { kind: 'function', name: input.qualifiedFunctionName() };
    case 'AGGREGATE':
      if (!isNamed) break;
      input.advance();
      return { kind: 'aggregate', name: input.qualifiedFunctionName() };
    default:
  }
  return { kind: 'any', name: input.qualifiedName() };
}

function parsePlural(input: TokenStream): DescribeTarget {
  const word = input.word;
  input.advance();
  switch (word) {
    case 'cluster':
    case 'keyspaces':
    case 'types':
    case 'functions':
    case 'aggregates':
      return { kind: word };
    default:
      return { kind: 'tables' };
  }
}

function parseKeyspaceTarget(input: TokenStream, isOnly: boolean): DescribeTarget {
  input.expect('KEYSPACE');
  return { kind: 'keyspace', keyspace: input.isName() ? input.keyspace() : undefined, isOnly };
}
