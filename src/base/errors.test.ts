import { describe, expect, test } from 'vitest';
import { describeError, ERRORS, FolkmootError, folderError, listenError } from './errors.ts';

const systemError = (code: string): Error => Object.assign(new Error(`${code}: text of the system`), { code });

describe('the error table', () => {
  test.each(Object.entries(ERRORS))('%s is complete', (code, kind) => {
    expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
    expect(kind.text).toMatch(/^[A-Z].*[.]$/);
    expect(kind.resp).toMatch(/^[A-Z]+$/);
    expect(kind.sqlstate).toMatch(/^[0-9A-Z]{5}$/);
    expect(kind.http).toBeGreaterThanOrEqual(400);
    expect(kind.cql).toBeGreaterThanOrEqual(0);
  });

  test('an unknown outcome is never retriable', () => {
    expect(ERRORS.OUTCOME_UNKNOWN.retriable).toBe(false);
    expect(ERRORS.OUTCOME_UNKNOWN.sqlstate).toBe('08007');
  });
});

describe('errors of the system become cause and cure', () => {
  test('a taken port names the port, the address and the option', () => {
    const error = listenError(systemError('EADDRINUSE'), '127.0.0.2', 6_379, 'redis-port');
    expect(error.code).toBe('PORT_TAKEN');
    expect(error.message).toBe('port 6379 on 127.0.0.2 is taken by another process');
    expect(error.cure).toContain('--redis-port');
    expect(error.kind.http).toBe(500);
  });

  test('a missing loopback address names the command that adds it', () => {
    const error = listenError(systemError('EADDRNOTAVAIL'), '127.0.0.2', 1, 'redis-port');
    expect(error.code).toBe('ADDRESS_UNAVAILABLE');
    expect(error.cure).toContain('ifconfig lo0 alias 127.0.0.2');
    expect(listenError(systemError('EADDRNOTAVAIL'), '10.1.1.1', 1, 'x').cure).toContain('--listen');
  });

  test('a port that needs rights, and anything else', () => {
    expect(listenError(systemError('EACCES'), 'h', 80, 'admin-port').code).toBe('PORT_REFUSED');
    expect(listenError(systemError('EOTHER'), 'h', 80, 'admin-port').message).toContain('text of the system');
  });

  test.each([
    ['EACCES', 'FOLDER_UNUSABLE'],
    ['EROFS', 'FOLDER_UNUSABLE'],
    ['ENOTDIR', 'FOLDER_UNUSABLE'],
    ['ENOSPC', 'DISK_FULL'],
    ['EIO', 'DISK_FAILED'],
  ])('%s in the data folder is %s', (system, code) => {
    const error = folderError(systemError(system), '/data');
    expect(error).toBeInstanceOf(FolkmootError);
    expect((error as FolkmootError).code).toBe(code);
    expect((error as FolkmootError).message).toContain('/data');
  });

  test('what the log and the store say of a full or failing disk is no bug', () => {
    const full = Object.assign(systemError('WAL_DISK_FULL'), { cause: systemError('ENOSPC') });
    expect(folderError(full, '/data')).toMatchObject({ code: 'DISK_FULL' });
    const failed = Object.assign(systemError('WAL_WRITE_FAILED'), { cause: systemError('EIO') });
    expect(folderError(failed, '/data')).toMatchObject({ code: 'DISK_FAILED' });
    const store = Object.assign(systemError('STORE_WRITE_FAILED'), {
      cause: Object.assign(new Error('of LMDB'), { code: 28 }),
    });
    expect(folderError(store, '/data')).toMatchObject({ code: 'DISK_FULL' });
  });

  test('what is not known passes unchanged, and is told without a cure of its own', () => {
    const bug = new TypeError('x is not a function');
    expect(folderError(bug, '/data')).toBe(bug);
    expect(describeError(bug)).toMatchObject({ code: 'INTERNAL', text: 'x is not a function' });
    expect(describeError('text')).toMatchObject({ text: 'text' });
  });
});
