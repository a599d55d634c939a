/**
 * Users, as every door asks for them: who somebody is, and what they may do. Answers come from this node's own memory; changes go
 * through the catalog and are true on every live node when they are answered.
 */
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { ACCESS_SECTION, type AccessExchange, exchangeRoles, readRoles, readSettings } from './access-records.ts';
import { LoginThrottle } from './login-throttle.ts';
import { type Permission, type Resource, type Role, resourceChain } from './role.ts';
import { isPasswordOf, makeVerifier, type ScramVerifier } from './scram.ts';

/** `throttled`: too many wrong passwords came from there; this one was not looked at. */
export type LoginResult = Role | 'wrong' | 'throttled';

/** Takes the roles as they are and says what they are to be; called again when somebody else was faster. Throws to refuse. */
export type RoleEdit = (roles: ReadonlyMap<string, Role>) => readonly AccessExchange[];

export interface AccessOptions {
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class AccessControl {
  readonly #options: AccessOptions;
  readonly #throttle: LoginThrottle;
  #roles: ReadonlyMap<string, Role> = new Map();
  #isRequired = false;
  #version = -1;
  #decoy: ScramVerifier | null = null;

  constructor(options: AccessOptions) {
    this.#options = options;
    this.#throttle = new LoginThrottle(options.clock);
    options.catalog.serve(ACCESS_SECTION, exchangeRoles);
  }

  /** Whether anybody has to say who they are. */
  get isRequired(): boolean {
    this.#refresh();
    return this.#isRequired;
  }

  /** Goes up with every change. */
  get version(): number {
    this.#refresh();
    return this.#version;
  }

  get roles(): ReadonlyMap<string, Role> {
    this.#refresh();
    return this.#roles;
  }

  /** Calls `listener` after every change of roles on this node. Returns what ends that. */
  watch(listener: () => void): () => void {
    return this.#options.catalog.watch(ACCESS_SECTION, listener);
  }

  /** `from`: the client's address without its port. The password is never kept nor logged. */
  async authenticate(name: string, password: string, from: string): Promise<LoginResult> {
    const { logger } = this.#options;
    if (!this.#throttle.isOpen(from)) {
      logger.warn({ user: name, from }, 'a log-in was not looked at: too many failed from there');
      return 'throttled';
    }
    const role = this.roles.get(name);
    if (role?.login && (await this.#isRight(role.passwords, password))) return role;
    // A name that nobody has must not be told from a wrong password, by the time that the answer takes either.
    if (!role?.login || role.passwords.length === 0) await this.#isRight([await this.#decoyVerifier()], password);
    this.noteFailure(name, from);
    return 'wrong';
  }

  /** For a door that checks passwords itself (SCRAM): whether it may go on now. */
  mayTry(from: string): boolean {
    return this.#throttle.isOpen(from);
  }

  /** For a door that checks passwords itself: somebody was refused. */
  noteFailure(name: string, from: string): void {
    this.#throttle.noteFailure(from);
    this.#options.logger.warn({ user: name, from }, 'a log-in was refused');
  }

  /** The role itself and all that it is a member of, directly or not. Empty when there is no such role. */
  rolesOf(name: string): Set<string> {
    const found = new Set<string>();
    const visit = (member: string): void => {
      const role = this.roles.get(member);
      if (role === undefined || found.has(member)) return;
      found.add(member);
      for (const parent of role.memberOf) visit(parent);
    };
    visit(name);
    return found;
  }

  /** Superusers are also those who are members of one, as in Cassandra. */
  isSuperuser(name: string): boolean {
    for (const member of this.rolesOf(name)) if (this.roles.get(member)?.superuser) return true;
    return false;
  }

  /** Whether the role, or one that it is a member of, has the permission on the resource or on what it lies in. */
  isAllowed(name: string, permission: Permission, resource: Resource): boolean {
    const chain = resourceChain(resource);
    for (const member of this.rolesOf(name)) {
      const role = this.roles.get(member);
      if (role?.superuser) return true;
      if (chain.some((part) => role?.permissions[part]?.includes(permission))) return true;
    }
    return false;
  }

  /** Changes roles. Rejects with what `edit` throws, or as `Catalog.change` does. */
  async change(edit: RoleEdit): Promise<void> {
    const { catalog, clock } = this.#options;
    for (;;) {
      const { version } = catalog.section(ACCESS_SECTION);
      const exchanges = edit(this.roles);
      if (exchanges.length === 0) return;
      if ((await catalog.change(ACCESS_SECTION, exchanges)) === true) return;
      // Somebody else was faster, and this node will hear of it soon if it has not yet.
      if (catalog.section(ACCESS_SECTION).version === version) {
        await new Promise<void>((resolve) => clock.after(RETRY_MS, resolve));
      }
    }
  }

  #refresh(): void {
    const { version, records } = this.#options.catalog.section(ACCESS_SECTION);
    if (version === this.#version) return;
    this.#version = version;
    this.#roles = readRoles(records);
    this.#isRequired = readSettings(records).authentication;
  }

  async #isRight(verifiers: readonly ScramVerifier[], password: string): Promise<boolean> {
    // The newest first: it is the one in use.
    for (const verifier of [...verifiers].reverse()) if (await isPasswordOf(verifier, password)) return true;
    return false;
  }

  async #decoyVerifier(): Promise<ScramVerifier> {
    this.#decoy ??= await makeVerifier('');
    return this.#decoy;
  }
}

const RETRY_MS = 10;
