/**
 * From the text of a statement to its syntax tree; `CqlSyntaxError` says in Cassandra's words what is wrong with it.
 *
 * Who calls it: the session, once for each text that is prepared or queried. Nothing is asynchronous, so all calls share
 * one stream of tokens and its arrays.
 */
import type { ParsedStatement, Statement, Term, TypeSyntax } from './ast.ts';
import {
  parseBatch,
  parseDelete,
  parseInsert,
  parseSelect,
  parseTruncate,
  parseUpdate,
  parseUse,
} from './parse-data.ts';
import { parseDescribe } from './parse-describe.ts';
import { parseChangeIdentity, parseGrant, parseList, parseRevoke } from './parse-roles.ts';
import { parseAlter, parseCreate, parseDrop } from './parse-schema.ts';
import { parseTerm as parseTermFrom } from './parse-term.ts';
import { parseType as parseTypeFrom } from './parse-type.ts';
import { TokenStream } from './token-stream.ts';

const shared = new TokenStream();

/** One statement, after which there may be semicolons. */
export function parse(text: string): ParsedStatement {
  return parseWhole(text, (input) => {
    const statement = parseStatement(input);
    while (input.accept(';'));
    return { statement, markers: input.markers };
  });
}

/** A type by itself, as schemas write it: `map<text, frozen<address>>`. */
export function parseType(text: string): TypeSyntax {
  return parseWhole(text, parseTypeFrom);
}

/** A term by itself, as a literal of a type. */
export function parseTerm(text: string): Term {
  return parseWhole(text, parseTermFrom);
}

function parseWhole<Tree>(text: string, parser: (input: TokenStream) => Tree): Tree {
  try {
    shared.open(text);
    const tree = parser(shared);
    if (shared.kind !== 'end') throw shared.mismatch('end');
    return tree;
  } finally {
    shared.close();
  }
}

function parseStatement(input: TokenStream): Statement {
  switch (input.kind) {
    case 'SELECT':
      return parseSelect(input);
    case 'INSERT':
      return parseInsert(input);
    case 'UPDATE':
      return parseUpdate(input);
    case 'DELETE':
      return parseDelete(input);
    case 'BEGIN':
      return parseBatch(input);
    case 'USE':
      return parseUse(input);
    case 'TRUNCATE':
      return parseTruncate(input);
    case 'CREATE':
      return parseCreate(input);
    case 'ALTER':
      return parseAlter(input);
    case 'DROP':
      return parseDrop(input);
    case 'GRANT':
      return parseGrant(input);
    case 'REVOKE':
      return parseRevoke(input);
    case 'LIST':
      return parseList(input);
    case 'DESCRIBE':
    case 'DESC':
      return parseDescribe(input);
    case 'ADD':
      input.advance();
      return parseChangeIdentity(input, 'addIdentity');
    default:
      throw input.noViableAlternative();
  }
}
