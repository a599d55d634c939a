import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KEYWORD_OF_WORD, NAME_KEYWORDS } from './keywords.ts';
import { parse, parseTerm, parseType } from './parse.ts';
import { print } from './print.ts';
import { printTerm, printType } from './print-expression.ts';
import { CqlSyntaxError } from './syntax-error.ts';
import { NESTING_MAX } from './token-stream.ts';

/** Statements that Apache Cassandra 5.0 parses, one a line. */
const ACCEPTED = linesOf('accepted.cql').filter((line) => !line.startsWith('--'));

/**
 * Statements that it refuses, each followed by the error. Nearly all errors are its own to the letter; where its generated
 * parser says something odd (a string shown by its first quote, how far behind the error the excerpt goes), ours is plain.
 */
const REFUSED = linesOf('refused.txt');

function linesOf(name: string): string[] {
  return readFileSync(new URL(`testdata/${name}`, import.meta.url), 'utf8')
    .split('\n')
    .slice(0, -1);
}

function errorOf(text: string): string {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof CqlSyntaxError) return error.message;
    throw error;
  }
  return 'accepted';
}

/** Offsets of names are no part of what a statement means. */
function withoutOffsets(tree: unknown): unknown {
  if (tree instanceof Map) return new Map(tree);
  if (Array.isArray(tree)) return tree.map(withoutOffsets);
  if (typeof tree !== 'object' || tree === null) return tree;
  const entries = Object.entries(tree).filter(([name]) => name !== 'at');
  return Object.fromEntries(entries.map(([name, value]) => [name, withoutOffsets(value)]));
}

describe('statements that Cassandra accepts', () => {
  it.each(ACCEPTED)('%s', (text) => {
    const tree = parse(text);
    expect(withoutOffsets(parse(print(tree.statement)))).toEqual(withoutOffsets(tree));
  });
});

describe('statements that Cassandra refuses', () => {
  const pairs = REFUSED.flatMap((line, index) =>
    line.startsWith('    ') ? [[REFUSED[index - 1] ?? '', line.trim()]] : [],
  );
  it.each(pairs)('%s', (text, error) => {
    expect(errorOf(text)).toBe(error);
  });
});

describe('trees', () => {
  const treeOf = (text: string) => parse(text).statement;
  const termOf = (text: string) => parseTerm(text);
  const constant = (type: string, text: string) => ({ kind: 'constant', type, text });

  it('have identifiers in lower case unless quoted, and know where names are', () => {
    expect(treeOf('SELECT A, "B""b" FROM Ks."T"')).toMatchObject({
      selectors: [{ selectable: { name: 'a' } }, { selectable: { name: 'B"b' } }],
      table: { keyspace: 'ks', name: 'T', at: 22 },
    });
  });

  it('number the markers in the order of the text', () => {
    const { statement, markers } = parse('UPDATE t USING TTL ? SET a = :a, l[?] = :"B" WHERE k IN ? IF a = :a');
    expect(markers).toEqual([undefined, 'a', undefined, 'B', undefined, 'a']);
    expect(statement).toMatchObject({
      using: { ttl: { kind: 'marker', index: 0 } },
      assignments: [{ value: { index: 1, name: 'a' } }, { key: { index: 2 }, value: { index: 3, name: 'B' } }],
      where: [{ values: { kind: 'marker', index: 4 } }],
      conditions: [{ value: { index: 5 } }],
    });
  });

  it('keep the text of constants as their types want it', () => {
    expect(termOf("'it''s'")).toEqual(constant('string', "it's"));
    expect(termOf("$$it's$$")).toEqual(constant('string', "it's"));
    expect(termOf('-12')).toEqual(constant('integer', '-12'));
    expect(termOf('1.5E3')).toEqual(constant('float', '1.5E3'));
    expect(termOf('-nan')).toEqual(constant('float', 'NaN'));
    expect(termOf('-INFINITY')).toEqual(constant('float', '-Infinity'));
    expect(termOf('TRUE')).toEqual(constant('boolean', 'true'));
    expect(termOf('0XAB')).toEqual(constant('hex', '0xab'));
    expect(termOf('-1h30m')).toEqual(constant('duration', '-1h30m'));
    expect(termOf('P1Y2DT3H')).toEqual(constant('duration', 'P1Y2DT3H'));
    expect(termOf('ABCDEF00-0000-0000-0000-00000000000A')).toEqual(
      constant('uuid', 'abcdef00-0000-0000-0000-00000000000a'),
    );
  });

  it('follow the precedence of operators, from the left', () => {
    const one = constant('integer', '1');
    const operation = (operator: string, left: unknown, right: unknown) => ({
      kind: 'operation',
      operator,
      left,
      right,
    });
    expect(termOf('1 + 1 * 1 - 1')).toEqual(operation('-', operation('+', one, operation('*', one, one)), one));
    expect(termOf('1 / 1 % 1')).toEqual(operation('%', operation('/', one, one), one));
    expect(termOf('(1 + 1) * 1')).toEqual(operation('*', { kind: 'tuple', items: [operation('+', one, one)] }, one));
  });

  it('tell types in parentheses from tuples', () => {
    expect(termOf('(int) 1')).toMatchObject({ kind: 'typeHint', type: { kind: 'native', name: 'int' } });
    expect(termOf("('x')")).toMatchObject({ kind: 'tuple' });
    expect(treeOf('SELECT (a), (a, b), (a) b FROM t')).toMatchObject({
      selectors: [
        { selectable: { kind: 'tuple' } },
        { selectable: { kind: 'tuple' } },
        { selectable: { kind: 'typeHint', type: { kind: 'user' } } },
      ],
    });
  });

  it('tell maps, sets and user types in braces apart', () => {
    expect(termOf('{}')).toEqual({ kind: 'set', items: [] });
    expect(termOf("{'a': 1}")).toMatchObject({ kind: 'map' });
    expect(termOf('{f(): 1}')).toMatchObject({ kind: 'map' });
    expect(termOf('{a: 1}')).toMatchObject({ kind: 'userType', fields: [['a', constant('integer', '1')]] });
  });

  it('say what an assignment does', () => {
    const kindOf = (assignment: string) => {
      const statement = treeOf(`UPDATE t SET ${assignment} WHERE k = 1`);
      return statement.kind === 'update' ? statement.assignments[0] : undefined;
    };
    const one = constant('integer', '1');
    expect(kindOf('c = c + 1')).toEqual({ kind: 'add', column: 'c', value: one });
    expect(kindOf('c += 1')).toEqual({ kind: 'add', column: 'c', value: one });
    expect(kindOf('c = c -1')).toEqual({ kind: 'add', column: 'c', value: constant('integer', '-1') });
    expect(kindOf('c = c - 1')).toEqual({ kind: 'subtract', column: 'c', value: one });
    expect(kindOf('c -= 1')).toEqual({ kind: 'subtract', column: 'c', value: one });
    expect(kindOf('c = 1 + c')).toEqual({ kind: 'prepend', column: 'c', value: one });
    expect(kindOf('c[1] = 1')).toEqual({ kind: 'setElement', column: 'c', key: one, value: one });
    expect(kindOf('c.f = 1')).toEqual({ kind: 'setField', column: 'c', field: 'f', value: one });
  });

  it('of CREATE TABLE have every primary key that the text has', () => {
    expect(treeOf('CREATE TABLE t (a int PRIMARY KEY, b int, PRIMARY KEY ((a, b), c))')).toMatchObject({
      columns: [{ name: 'a' }, { name: 'b' }],
      primaryKeys: [
        { partition: ['a'], clustering: [] },
        { partition: ['a', 'b'], clustering: ['c'] },
      ],
    });
  });

  it('of properties have texts, whatever their constants were', () => {
    expect(treeOf("ALTER TABLE t WITH a = 1.5 AND b = 'x' AND c = true AND d = {'k': 2}")).toMatchObject({
      action: {
        properties: new Map<string, unknown>([
          ['a', '1.5'],
          ['b', 'x'],
          ['c', 'true'],
          ['d', new Map([['k', '2']])],
        ]),
      },
    });
  });

  it('of USER statements are those of roles, with names in their case', () => {
    expect(treeOf("CREATE USER Jo WITH PASSWORD 'p' SUPERUSER")).toMatchObject({
      kind: 'createRole',
      role: 'Jo',
      options: { password: 'p', isSuperuser: true, canLogin: true },
    });
    expect(treeOf('CREATE ROLE Jo')).toMatchObject({ role: 'jo', options: { isSuperuser: false, canLogin: false } });
  });

  it('of GRANT name the permissions that the resource has', () => {
    expect(treeOf('GRANT ALL ON ROLE r TO s')).toMatchObject({ permissions: ['ALTER', 'DROP', 'AUTHORIZE'] });
    expect(treeOf('GRANT EXECUTE, ALTER ON FUNCTION f() TO s')).toMatchObject({ permissions: ['ALTER', 'EXECUTE'] });
  });
});

describe('keywords', () => {
  const words = [...KEYWORD_OF_WORD].filter(([, keyword]) => NAME_KEYWORDS.has(keyword)).map(([word]) => word);
  const reserved = [...KEYWORD_OF_WORD].filter(([, keyword]) => !NAME_KEYWORDS.has(keyword)).map(([word]) => word);

  it.each(words)('%s is a name of columns, tables, keyspaces, fields, aliases and markers', (word) => {
    for (const text of [
      `SELECT a, ${word}, ${word}.f, b AS ${word} FROM ${word}.${word} WHERE ${word} = :${word} ORDER BY ${word}`,
      `SELECT ${word} FROM t`,
      `SELECT ${word} - 1 FROM t`,
      `INSERT INTO ${word} (${word}) VALUES ({${word}: 1})`,
      `UPDATE ${word} SET ${word} = ${word} + 1 WHERE ${word} = 1 IF ${word} = 1`,
      `DELETE ${word}, ${word}.${word} FROM t WHERE k = 1`,
      `CREATE TABLE ${word} (${word} int PRIMARY KEY)`,
      `CREATE INDEX ${word} ON ${word} (${word})`,
      `CREATE ROLE ${word} WITH OPTIONS = {}`,
      `ALTER TABLE t DROP ${word}`,
      `DESCRIBE ${word}`,
    ]) {
      const tree = parse(text);
      expect(withoutOffsets(parse(print(tree.statement))), text).toEqual(withoutOffsets(tree));
    }
  });

  it.each(reserved)('%s is no name unless quoted', (word) => {
    expect(errorOf(`SELECT a AS ${word} FROM t`)).toMatch(/^line 1:12 no viable alternative at input/);
    expect(errorOf(`SELECT a AS "${word}" FROM "${word}"`)).toBe('accepted');
    expect(print(parse(`SELECT a AS "${word}" FROM t`).statement)).toBe(`SELECT a AS "${word}" FROM t`);
  });
});

describe('types by themselves', () => {
  it.each([
    'int',
    'varchar',
    'frozen<map<text, list<frozen<ks.address>>>>',
    'tuple<int, "Address", address>',
    'vector<float, 3>',
    "'org.apache.cassandra.db.marshal.UTF8Type'",
    'set<frozen<tuple<uuid, "int">>>',
  ])('%s', (text) => {
    expect(printType(parseType(text))).toBe(text);
  });
});

describe('any text at all', () => {
  function parsesOrRefuses(text: string): void {
    const error = errorOf(text);
    if (error === 'accepted') {
      const tree = parse(text);
      expect(withoutOffsets(parse(print(tree.statement)))).toEqual(withoutOffsets(tree));
    } else expect(error).not.toBe('');
  }

  const statement = fc.constantFrom(...ACCEPTED);
  const pieces = fc.constantFrom(
    ...`SELECT FROM WHERE a b t ks 1 -1 1.5 'x' "Q" ? :n ( ) [ ] { } , . .. ; = < > + - * / % += IN AND IF EXISTS NOT NULL
    token count ttl json distinct CAST AS int list<int> TOKEN KEY $$y$$ 0xff 1h -- /* */ // expr( é ! $ ' "`.split(
      /\s+/,
    ),
  );

  it('of random characters', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 60 }), parsesOrRefuses), { numRuns: 300 });
  });

  it('of random tokens', () => {
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 30 }), (parts) => parsesOrRefuses(parts.join(' '))),
      { numRuns: 500 },
    );
  });

  it('of a statement with something taken out, put in or written over', () => {
    fc.assert(
      fc.property(statement, fc.nat(), fc.nat(8), pieces, (text, at, length, piece) => {
        const begin = at % (text.length + 1);
        parsesOrRefuses(text.slice(0, begin) + text.slice(begin + length));
        parsesOrRefuses(`${text.slice(0, begin)} ${piece} ${text.slice(begin + length)}`);
        parsesOrRefuses(text.slice(0, begin));
      }),
      { numRuns: 1_000 },
    );
  });

  it('of deep nesting is refused before the stack ends', () => {
    const deep = 20_000;
    const tooDeep = /more than 200 levels of nesting$/;
    for (const [open, close] of [
      ['(', ')'],
      ['[', ']'],
      ['{', '}'],
      ['{1:', '}'],
      ['{a:', '}'],
      ['f(', ')'],
      ['(int)', ''],
      ['1 + ', ''],
      ['1 * ', ''],
      ['CAST(', ' AS int)'],
    ] as const) {
      const value = `${open.repeat(deep)}1${close.repeat(deep)}`;
      expect(errorOf(`INSERT INTO t (a) VALUES (${value})`)).toMatch(tooDeep);
      expect(errorOf(`SELECT ${value} FROM t`)).toMatch(tooDeep);
    }
    expect(errorOf(`SELECT ${'- '.repeat(deep)}a FROM t`)).toMatch(tooDeep);
    expect(errorOf(`SELECT a${'.a'.repeat(deep)} FROM t`)).toMatch(tooDeep);
    expect(errorOf(`SELECT a${'[1]'.repeat(deep)} FROM t`)).toMatch(tooDeep);
    expect(errorOf(`SELECT * FROM t WHERE ${'('.repeat(deep)}a = 1`)).toMatch(tooDeep);
    expect(errorOf(`CREATE TABLE t (a ${'list<'.repeat(deep)}int`)).toMatch(tooDeep);
    expect(errorOf(`SELECT (${'list<'.repeat(deep)}int FROM t`)).toMatch(tooDeep);
  });

  it('of nesting up to the limit is accepted, and printed', () => {
    const levels = NESTING_MAX - 1;
    const term = parseTerm(`${'['.repeat(levels)}1${']'.repeat(levels)}`);
    expect(printTerm(term)).toHaveLength(2 * levels + 1);
  });

  it('may be long', () => {
    const values = Array.from({ length: 50_000 }, (_, index) => `(${index}, '${index}')`).join(', ');
    expect(errorOf(`SELECT * FROM t WHERE (a, b) IN (${values})`)).toBe('accepted');
    const inserts = 'INSERT INTO t (a) VALUES (1); '.repeat(5_000);
    expect(errorOf(`BEGIN BATCH ${inserts} APPLY BATCH`)).toBe('accepted');
  });
});
