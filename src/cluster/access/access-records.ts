/**
 * Roles in the catalog: section `access`, one record a role, and the settings. Every change is a comparison and an exchange, so who
 * asks for it decides on what it has read, and the leader needs to know no meaning.
 */
import type { CatalogRecords } from '../catalog/catalog-store.ts';
import type { Role } from './role.ts';

export const ACCESS_SECTION = 'access';
const SETTINGS_KEY = 'settings';

export interface AccessSettings {
  /** False: whoever can connect may do everything. */
  readonly authentication: boolean;
}

export interface AccessExchange {
  readonly name: string;
  readonly before: Role | null;
  readonly after: Role | null;
}

/** What a cluster begins with. */
export interface InitialAccess extends AccessSettings {
  readonly roles: readonly Role[];
}

export function putInitialAccess(records: CatalogRecords, access: InitialAccess): void {
  records.put(SETTINGS_KEY, { authentication: access.authentication });
  for (const role of access.roles) records.put(roleKey(role.name), role);
}

/** The handler of the section. Answers whether all of it was exchanged; otherwise none was. */
export function exchangeRoles(request: unknown, records: CatalogRecords): boolean {
  const exchanges = request as readonly AccessExchange[];
  for (const { name, before } of exchanges) {
    if (JSON.stringify(records.get(roleKey(name)) ?? null) !== JSON.stringify(before)) return false;
  }
  for (const { name, after } of exchanges) {
    if (after === null) records.delete(roleKey(name));
    else records.put(roleKey(name), after);
  }
  return true;
}

export function readSettings(records: ReadonlyMap<string, unknown>): AccessSettings {
  // Clusters of versions that knew no users have none.
  return (records.get(SETTINGS_KEY) as AccessSettings | undefined) ?? { authentication: false };
}

export function readRoles(records: ReadonlyMap<string, unknown>): Map<string, Role> {
  const roles = new Map<string, Role>();
  for (const [key, record] of records) {
    if (key.startsWith(ROLE_PREFIX)) roles.set((record as Role).name, record as Role);
  }
  return roles;
}

const ROLE_PREFIX = 'role/';

function roleKey(name: string): string {
  return ROLE_PREFIX + name;
}
