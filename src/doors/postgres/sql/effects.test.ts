import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { analyse } from './analyse.ts';
import { effectsOf } from './effects.ts';
import type { Effects } from './statement-effects.ts';

const MANAGED = new Set(['fsync', 'synchronous_commit']);

function effects(sql: string): Effects | null {
  const bytes = Buffer.from(`xx${sql}\0`);
  return effectsOf(bytes, 2, bytes.length - 1, MANAGED);
}

describe('what a statement does beside its transaction', () => {
  test('is nothing for what nearly all statements are', () => {
    for (const sql of [
      '',
      ';',
      'SELECT abalance FROM pgbench_accounts WHERE aid = 1;',
      'UPDATE t SET a = 1 WHERE b = 2',
      "INSERT INTO t VALUES ('set role x; listen y')",
      'SELECT "set", "listen" FROM "load" -- ; SET x = 1\n',
      'SELECT /* ; SET x = 1 /* ; LOAD */ */ 1',
      "SELECT $1, $tag$ ; SET a = 1; $tag$, E'\\'; SET a = 1'",
      'BEGIN; SAVEPOINT a; ROLLBACK TO a; ROLLBACK',
      'SET LOCAL search_path = a',
      'SET TRANSACTION ISOLATION LEVEL SERIALIZABLE',
      'SET CONSTRAINTS ALL DEFERRED',
      'SELECT pg_advisory_xact_lock(1)',
      'CREATE TEMP TABLE t (a int) ON COMMIT DROP',
      'CREATE TABLE temperatures (temp int)',
      'DECLARE c CURSOR FOR SELECT 1',
      'EXPLAIN SELECT * FROM pg_settings',
    ]) {
      expect(effects(sql), sql).toBeNull();
    }
  });

  test('is seen for each kind, in any case, after comments and other statements', () => {
    const cases: [string, Partial<Effects>][] = [
      ['commit', { mayCommit: true }],
      ['SELECT 1; END', { mayCommit: true }],
      ["PREPARE TRANSACTION 'x'", { mayCommit: true, pin: null }],
      ['CALL p()', { mayCommit: true }],
      ['/* c */ SET search_path TO a, b', { settings: true }],
      ['set session time zone 0', { settings: true }],
      ['SELECT 1;\nreset all', { settings: true }],
      ["SET app.user = '1'", { settings: true, custom: ['app.user'] }],
      ["SELECT set_config('app.user', $1, false)", { settings: true, custom: ['app.user'] }],
      ['SELECT set_config(name, value, false) FROM t', { pin: 'setting' }],
      ['create temporary table t (a int)', { pin: 'temporary' }],
      ['SELECT 1 INTO TEMP t', { pin: 'temporary' }],
      ['CREATE TABLE pg_temp.t (a int)', { pin: 'temporary' }],
      ['SELECT pg_try_advisory_lock(1, 2)', { pin: 'advisory' }],
      ['DECLARE c CURSOR WITH HOLD FOR SELECT 1', { pin: 'hold' }],
      ['PREPARE p AS SELECT 1', { pin: 'prepare' }],
      ['SET ROLE x', { pin: 'role' }],
      ["SET SESSION AUTHORIZATION 'x'", { pin: 'role' }],
      ["LOAD 'x'", { pin: 'load' }],
      ['DEALLOCATE PREPARE "A"', { deallocate: 'A' }],
      ['DEALLOCATE a', { deallocate: 'a' }],
      ['DEALLOCATE ALL', { deallocate: '' }],
      ['DISCARD ALL', { discardAll: true }],
      ['DROP DATABASE IF EXISTS "Shop"', { leaves: 'Shop' }],
      ['ALTER DATABASE shop RENAME TO store', { leaves: 'shop' }],
      ['CREATE DATABASE a WITH OWNER b TEMPLATE = c', { leaves: 'c' }],
      ['LISTEN Abc; LISTEN "Abc"; UNLISTEN *', { listen: ['abc', 'Abc'], unlisten: ['*'] }],
      ['SET "Synchronous_Commit" = off', { refused: 'synchronous_commit' }],
      ["SELECT pg_catalog.set_config('synchronous_commit', 'off', true)", { refused: 'synchronous_commit' }],
      ['ALTER SYSTEM SET fsync = off', { refused: 'fsync' }],
      ['ALTER USER x IN DATABASE y SET synchronous_commit = off', { refused: 'synchronous_commit' }],
    ];
    for (const [sql, expected] of cases) expect(effects(sql), sql).toMatchObject(expected);
  });

  test('the quick look never misses what the tokens say, and neither fails on anything', () => {
    const words = fc.constantFrom(
      'SET',
      'x',
      'LOCAL',
      ';',
      "'",
      '"',
      '$$',
      '/*',
      '*/',
      '--',
      '\n',
      'temp',
      'CREATE',
      'LISTEN',
      'E',
      '\\',
      '=',
      ' ',
      'set_config',
      '(',
      'commit',
      '\u00e9',
    );
    fc.assert(
      fc.property(fc.array(words, { maxLength: 25 }), (parts) => {
        const sql = parts.join(' ');
        const seen = effects(sql);
        const told = analyse(sql, MANAGED);
        if (told !== null) expect(seen, sql).not.toBeNull();
      }),
      { numRuns: 3_000 },
    );
  });
});
