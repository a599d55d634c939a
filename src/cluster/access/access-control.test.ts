import { createHmac } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../../base/log.ts';
import { MemoryCatalog } from '../catalog/memory-catalog.test-support.ts';
import { ManualClock } from '../transport-world.test-support.ts';
import { AccessControl } from './access-control.ts';
import { ACCESS_SECTION, putInitialAccess } from './access-records.ts';
import { localAccess } from './first-users.ts';
import { newRole, type Role, resourceChain } from './role.ts';
import { isPasswordOf, makeVerifier, parseVerifier, verifierText } from './scram.ts';

let catalog: MemoryCatalog;
let clock: ManualClock;
let access: AccessControl;

beforeEach(() => {
  catalog = new MemoryCatalog();
  clock = new ManualClock();
  access = new AccessControl({ catalog, clock, logger: silentLogger });
});

function create(...roles: Role[]): Promise<void> {
  return access.change(() => roles.map((role) => ({ name: role.name, before: null, after: role })));
}

describe('passwords', () => {
  test('a verifier makes the signature of the example in RFC 7677', async () => {
    const nonce = 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0';
    const server = `r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`;
    const exchange = `n=user,r=rOprNGfwEbeRWgbNEkqO,${server},c=biws,r=${nonce}`;
    const verifier = await makeVerifier('pencil', Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'));
    const signature = createHmac('sha256', Buffer.from(verifier.serverKey, 'base64')).update(exchange).digest('base64');
    expect(signature).toBe('6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=');
    expect(parseVerifier(verifierText(verifier))).toEqual(verifier);
  });

  test('only the password opens, whatever its Unicode form', async () => {
    const verifier = await makeVerifier('caf\u00e9');
    expect(await isPasswordOf(verifier, 'cafe\u0301')).toBe(true);
    expect(await isPasswordOf(verifier, 'cafe')).toBe(false);
    expect(parseVerifier('SCRAM-SHA-256$4096:x$y:z')).toBeNull();
  });

  test('a role logs in with any of its passwords; who may not log in, or is nobody, does not', async () => {
    const passwords = [await makeVerifier('old'), await makeVerifier('new')];
    await create(newRole('anna', { login: true, passwords }), newRole('staff', { passwords }));
    expect(await access.authenticate('anna', 'old', '10.0.0.9')).toMatchObject({ name: 'anna' });
    expect(await access.authenticate('anna', 'new', '10.0.0.9')).toMatchObject({ name: 'anna' });
    expect(await access.authenticate('anna', 'other', '10.0.0.9')).toBe('wrong');
    expect(await access.authenticate('staff', 'new', '10.0.0.9')).toBe('wrong');
    expect(await access.authenticate('nobody', '', '10.0.0.9')).toBe('wrong');
  });

  test('who guesses is slowed down, and nobody else', async () => {
    await create(newRole('anna', { login: true, passwords: [await makeVerifier('right')] }));
    for (let i = 0; i < 10; i += 1) expect(await access.authenticate('anna', `guess ${i}`, '10.0.0.9')).toBe('wrong');
    expect(await access.authenticate('anna', 'right', '10.0.0.9')).toBe('throttled');
    expect(await access.authenticate('anna', 'right', '10.0.0.8')).toMatchObject({ name: 'anna' });
    clock.advance(1_001);
    expect(await access.authenticate('anna', 'right', '10.0.0.9')).toMatchObject({ name: 'anna' });
    expect(await access.authenticate('anna', 'guess', '10.0.0.9')).toBe('wrong');
    expect(await access.authenticate('anna', 'right', '10.0.0.9')).toBe('throttled');
  });
});

describe('permissions', () => {
  test('hold on a resource, on what lies in it, and for members of members', async () => {
    await create(
      newRole('readers', { permissions: { 'data/shop': ['SELECT'] } }),
      newRole('staff', { memberOf: ['readers'] }),
      newRole('anna', { memberOf: ['staff'], permissions: { 'data/shop/orders': ['MODIFY'] } }),
    );
    expect(access.isAllowed('anna', 'SELECT', 'data/shop/orders')).toBe(true);
    expect(access.isAllowed('anna', 'MODIFY', 'data/shop/orders')).toBe(true);
    expect(access.isAllowed('anna', 'MODIFY', 'data/shop/items')).toBe(false);
    expect(access.isAllowed('anna', 'SELECT', 'data/shopping')).toBe(false);
    expect(access.isAllowed('nobody', 'SELECT', 'data/shop')).toBe(false);
    expect(resourceChain('data/shop/orders')).toEqual(['data/shop/orders', 'data/shop', 'data']);
  });

  test('superusers and their members may do everything; circles end', async () => {
    await create(
      newRole('root', { superuser: true }),
      newRole('admin', { memberOf: ['root', 'other'] }),
      newRole('other', { memberOf: ['admin'] }),
    );
    expect(access.isSuperuser('admin')).toBe(true);
    expect(access.isAllowed('other', 'DROP', 'data')).toBe(true);
    expect([...access.rolesOf('other')].sort()).toEqual(['admin', 'other', 'root']);
  });
});

describe('changes', () => {
  test('of two that read the same role, the second one looks again', async () => {
    await create(newRole('anna'));
    let looked = 0;
    const add = (group: string): Promise<void> =>
      access.change((roles) => {
        looked += 1;
        const anna = roles.get('anna') as Role;
        return [{ name: 'anna', before: anna, after: { ...anna, memberOf: [...anna.memberOf, group] } }];
      });
    await Promise.all([add('one'), add('two')]);
    expect([...(access.roles.get('anna')?.memberOf ?? [])].sort()).toEqual(['one', 'two']);
    expect(looked).toBeGreaterThanOrEqual(2);
  });

  test('a cluster asks nobody who they are until it is told to begin with users', async () => {
    expect(access.isRequired).toBe(false);
    const first = await localAccess();
    catalog.serve(ACCESS_SECTION, (_request, records) => putInitialAccess(records, first));
    await catalog.change(ACCESS_SECTION, null);
    expect(access.isRequired).toBe(true);
    expect(await access.authenticate('cassandra', 'cassandra', '127.0.0.1')).toMatchObject({ superuser: true });
  });
});
