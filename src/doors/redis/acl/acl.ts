/**
 * Users of the Redis door: the cluster's roles with the rules that Redis knows. `default` is whom connections are that have not
 * said who they are; where the cluster has no such role it may do everything if nobody is asked, and nothing otherwise.
 */
import type { Clock } from '../../../base/clock.ts';
import type { AccessControl } from '../../../cluster/access/access-control.ts';
import { DEFAULT_REDIS_USER } from '../../../cluster/access/first-users.ts';
import { newRole, type Role } from '../../../cluster/access/role.ts';
import { isPasswordOf, makeVerifier, type ScramVerifier } from '../../../cluster/access/scram.ts';
import { ACL_CATEGORIES, aclCategories } from '../command-reply.ts';
import type { Command, CommandTable } from '../command-table.ts';
import { replyError } from '../errors.ts';
import { AclLog } from './acl-log.ts';
import { Permissions } from './permissions.ts';
import {
  AclRuleError,
  type AclStep,
  type AclUser,
  FULL_USER,
  NEW_USER,
  parseRule,
  rulesOf,
  userOfRole,
} from './rules.ts';

export { DEFAULT_REDIS_USER } from '../../../cluster/access/first-users.ts';

export class Acl<Session> {
  readonly access: AccessControl;
  readonly log: AclLog;
  readonly #table: CommandTable<Session>;
  readonly #commands: Command<Session>[] = [];
  /** By user, of the version of the roles that `#version` names. */
  readonly #permissions = new Map<string, Permissions | null>();
  #version = -1;
  #isOpen = false;

  constructor(access: AccessControl, table: CommandTable<Session>, clock: Clock) {
    this.access = access;
    this.log = new AclLog(clock);
    this.#table = table;
    const visit = (command: Command<Session>): void => {
      this.#commands.push(command);
      for (const child of command.subcommands?.values() ?? []) visit(child);
    };
    for (const command of table.all()) visit(command);
  }

  /** Whether a connection is the default user without a word. */
  get isOpen(): boolean {
    this.#refresh();
    return this.#isOpen;
  }

  names(): string[] {
    return [...new Set([DEFAULT_REDIS_USER, ...this.access.roles.keys()])].sort();
  }

  user(name: string): AclUser | undefined {
    const role = this.access.roles.get(name);
    if (role !== undefined) return userOfRole(role, this.knows);
    if (name !== DEFAULT_REDIS_USER) return undefined;
    return this.access.isRequired ? NEW_USER : { ...FULL_USER, noPassword: true };
  }

  /** As hexadecimal digits, as ACL LIST and GETUSER show them: of what is kept, not of the password. */
  passwordsOf(name: string): string[] {
    const passwords = this.access.roles.get(name)?.passwords ?? [];
    return passwords.map(({ storedKey }) => Buffer.from(storedKey, 'base64').toString('hex'));
  }

  /** Null: everything. Undefined: there is no such user any more. */
  permissionsOf(name: string): Permissions | null | undefined {
    this.#refresh();
    const known = this.#permissions.get(name);
    if (known !== undefined) return known;
    const user = this.user(name);
    if (user === undefined) return undefined;
    const categories = new Map<Command, readonly string[]>();
    const categoriesOf = (command: Command): readonly string[] => {
      const found = categories.get(command) ?? aclCategories(command);
      categories.set(command, found);
      return found;
    };
    const permissions = Permissions.of(user, this.#commands as Command[], categoriesOf);
    this.#permissions.set(name, permissions);
    return permissions;
  }

  /** Resolves with whether the user may come in. `from`: the client's address. */
  async authenticate(name: string, password: string, from: string): Promise<boolean> {
    if (this.needsNoPassword(name)) return true;
    const result = await this.access.authenticate(name, password, from);
    return typeof result === 'object';
  }

  needsNoPassword(name: string): boolean {
    const user = this.user(name);
    return user?.enabled === true && user.noPassword;
  }

  readonly knows = (name: string): boolean => {
    if (name.startsWith('@')) return name === '@all' || ACL_CATEGORIES.includes(name.slice(1));
    return this.#table.byName(name) !== undefined;
  };

  /** ACL SETUSER. Rejects with a ReplyError, or as the catalog does. */
  async setUser(name: string, rules: readonly string[]): Promise<void> {
    const steps = rules.map((rule) => ({ rule, step: inWords(rule, () => parseRule(rule, this.knows)) }));
    const added = new Map<AclStep, ScramVerifier>();
    for (const { step } of steps) if (step.type === 'addPassword') added.set(step, await makeVerifier(step.password));
    const removed = new Map<AclStep, string[]>();
    for (const { step } of steps) {
      if (step.type === 'removePassword') removed.set(step, await this.#keysOfPassword(name, step.password));
    }
    await this.access.change((roles) => {
      const before = roles.get(name) ?? null;
      let role = before ?? newRole(name);
      let user = this.user(name) ?? NEW_USER;
      for (const { rule, step } of steps) {
        [role, user] = inWords(rule, () => apply(step, role, user, added.get(step), removed.get(step)));
      }
      const redis = { noPassword: user.noPassword, rules: rulesOf(user) };
      return [{ name, before, after: { ...role, login: user.enabled, redis } }];
    });
  }

  /** ACL DELUSER: how many there were. */
  async deleteUsers(names: readonly string[]): Promise<number> {
    let count = 0;
    await this.access.change((roles) => {
      const found = [...new Set(names)].flatMap((name) => roles.get(name) ?? []);
      count = found.length;
      return found.map((role) => ({ name: role.name, before: role, after: null }));
    });
    return count;
  }

  async #keysOfPassword(name: string, password: string): Promise<string[]> {
    const keys: string[] = [];
    for (const verifier of this.access.roles.get(name)?.passwords ?? []) {
      if (await isPasswordOf(verifier, password)) keys.push(verifier.storedKey);
    }
    return keys;
  }

  #refresh(): void {
    const { version } = this.access;
    if (version === this.#version) return;
    this.#version = version;
    this.#permissions.clear();
    this.#isOpen = this.needsNoPassword(DEFAULT_REDIS_USER);
  }
}

const NO_SUCH_PASSWORD = 'The password you are trying to remove from the user does not exist';

function apply(
  step: AclStep,
  role: Role,
  user: AclUser,
  added: ScramVerifier | undefined,
  removed: readonly string[] | undefined,
): [Role, AclUser] {
  switch (step.type) {
    case 'edit':
      return [role, step.edit(user)];
    case 'addPassword':
      return [
        { ...role, passwords: added === undefined ? role.passwords : [...role.passwords, added] },
        { ...user, noPassword: false },
      ];
    case 'clearPasswords':
      return [
        { ...role, passwords: [] },
        { ...user, noPassword: step.noPassword },
      ];
    case 'reset':
      return [{ ...role, passwords: [] }, NEW_USER];
    case 'removePassword':
    case 'removeHash': {
      const gone = (stored: string): boolean =>
        step.type === 'removeHash'
          ? Buffer.from(stored, 'base64').toString('hex') === step.hash
          : removed?.includes(stored) === true;
      const passwords = role.passwords.filter(({ storedKey }) => !gone(storedKey));
      if (passwords.length === role.passwords.length) throw new AclRuleError(NO_SUCH_PASSWORD);
      return [{ ...role, passwords }, user];
    }
  }
}

function inWords<T>(rule: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof AclRuleError)) throw error;
    throw replyError(`ERR Error in ACL SETUSER modifier '${rule}': ${error.message}`);
  }
}
