/** Roles: who may log in, with what, and what they may do. One role serves all doors. */
import type { ScramVerifier } from './scram.ts';

/** What may be done to a resource, in CQL's words. */
export const PERMISSIONS = ['CREATE', 'ALTER', 'DROP', 'SELECT', 'MODIFY', 'AUTHORIZE', 'DESCRIBE', 'EXECUTE'] as const;
export type Permission = (typeof PERMISSIONS)[number];

/** A path from the general to the particular: `data`, `data/shop`, `data/shop/orders`, `roles`, `roles/anna`, `functions/shop`. */
export type Resource = string;

/** What a role may do on the Redis door; the door gives the rules their meaning. */
export interface RedisRules {
  /** Logs in with any password, or with none where it is the role of those who give no name. */
  readonly noPassword: boolean;
  /** As ACL LIST prints them: `~* &* +@all`. */
  readonly rules: readonly string[];
}

export interface Role {
  readonly name: string;
  readonly superuser: boolean;
  readonly login: boolean;
  /** Any of them opens the doors; the newest is last and is the one that PostgreSQL clients use. */
  readonly passwords: readonly ScramVerifier[];
  readonly memberOf: readonly string[];
  readonly permissions: Readonly<Record<Resource, readonly Permission[]>>;
  /** Null: nothing but what a superuser may do anyway. */
  readonly redis: RedisRules | null;
}

export function newRole(name: string, fields: Partial<Omit<Role, 'name'>> = {}): Role {
  return {
    name,
    superuser: false,
    login: false,
    passwords: [],
    memberOf: [],
    permissions: {},
    redis: null,
    ...fields,
  };
}

/** The resource itself, then what it lies in: a permission on any of them will do. */
export function resourceChain(resource: Resource): Resource[] {
  const chain: Resource[] = [];
  for (let end = resource.length; end > 0; end = resource.lastIndexOf('/', end - 1)) chain.push(resource.slice(0, end));
  return chain;
}
