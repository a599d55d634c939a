/**
 * The rules of ACL SETUSER: what each does to a user, and a user told in rules. Redis's words and its texts of errors; without
 * selectors, and without hashes of passwords, because one password serves all doors and is kept in another form.
 */
import type { Role } from '../../../cluster/access/role.ts';

export interface KeyPattern {
  readonly pattern: string;
  readonly read: boolean;
  readonly write: boolean;
}

/** A role as the Redis door sees it. */
export interface AclUser {
  readonly enabled: boolean;
  readonly noPassword: boolean;
  /** In order: `+@all` or `-@all` first, then what adds and takes away. */
  readonly commands: readonly string[];
  readonly keys: readonly KeyPattern[];
  readonly channels: readonly string[];
}

/** What a rule asks for beyond the user's own state. */
export type AclStep =
  | { readonly type: 'edit'; readonly edit: (user: AclUser) => AclUser }
  | { readonly type: 'addPassword' | 'removePassword'; readonly password: string }
  | { readonly type: 'removeHash'; readonly hash: string }
  | { readonly type: 'clearPasswords'; readonly noPassword: boolean }
  | { readonly type: 'reset' };

/** Says whether `name` is a command, a `container|sub`, or a category with `@`. */
export type KnowsCommand = (name: string) => boolean;

const ALL_KEYS: KeyPattern = { pattern: '*', read: true, write: true };
export const NEW_USER: AclUser = { enabled: false, noPassword: false, commands: ['-@all'], keys: [], channels: [] };
export const FULL_USER: AclUser = {
  enabled: true,
  noPassword: false,
  commands: ['+@all'],
  keys: [ALL_KEYS],
  channels: ['*'],
};

export class AclRuleError extends Error {
  override readonly name = 'AclRuleError';
}

/** Throws AclRuleError with the reason, in Redis's words. */
export function parseRule(rule: string, knows: KnowsCommand): AclStep {
  const word = WORDS[rule.toLowerCase()];
  if (word !== undefined) return word;
  const rest = rule.slice(1);
  switch (rule[0]) {
    case '>':
      return { type: 'addPassword', password: rest };
    case '<':
      return { type: 'removePassword', password: rest };
    case '!':
      if (!/^[0-9a-f]{64}$/.test(rest)) throw new AclRuleError(BAD_HASH);
      return { type: 'removeHash', hash: rest };
    case '#':
      throw new AclRuleError(
        'hashes are not supported, because one password serves all doors and is kept in another form; use >password',
      );
    case '~':
      return addKeys({ pattern: rest, read: true, write: true });
    case '%':
      return addKeys(limitedPattern(rest));
    case '&':
      return addChannel(rest);
    case '+':
    case '-':
      return commandRule(rule.toLowerCase(), knows);
    case '(':
      throw new AclRuleError('selectors are not supported; give the role its rules without them');
    default:
      throw new AclRuleError('Syntax error');
  }
}

/** The rules of a user as ACL LIST prints them, without passwords and without on and off. */
export function rulesOf(user: AclUser): string[] {
  const keys = user.keys.map(({ pattern, read, write }) => {
    if (read && write) return `~${pattern}`;
    return `%${read ? 'R' : 'W'}~${pattern}`;
  });
  const channels = user.channels.length === 0 ? ['resetchannels'] : user.channels.map((pattern) => `&${pattern}`);
  return [...keys, ...channels, ...user.commands];
}

/** `knows` as for `parseRule`: rules about commands that this version does not have are left out. */
export function userOfRole(role: Role, knows: KnowsCommand): AclUser {
  if (role.redis === null)
    return role.superuser ? { ...FULL_USER, enabled: role.login } : { ...NEW_USER, enabled: role.login };
  let user: AclUser = { ...NEW_USER, enabled: role.login, noPassword: role.redis.noPassword };
  for (const rule of role.redis.rules) {
    try {
      const step = parseRule(rule, knows);
      if (step.type === 'edit') user = step.edit(user);
    } catch (error) {
      // A newer version's rule gives nothing here; one that takes something away takes nothing that exists.
      if (!(error instanceof AclRuleError)) throw error;
    }
  }
  return user;
}

const BAD_HASH = 'The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters';

function edit(change: Partial<AclUser>): AclStep {
  return { type: 'edit', edit: (user) => ({ ...user, ...change }) };
}

const WORDS: Readonly<Record<string, AclStep>> = {
  on: edit({ enabled: true }),
  off: edit({ enabled: false }),
  allkeys: edit({ keys: [ALL_KEYS] }),
  resetkeys: edit({ keys: [] }),
  allchannels: edit({ channels: ['*'] }),
  resetchannels: edit({ channels: [] }),
  allcommands: edit({ commands: ['+@all'] }),
  '+@all': edit({ commands: ['+@all'] }),
  nocommands: edit({ commands: ['-@all'] }),
  '-@all': edit({ commands: ['-@all'] }),
  nopass: { type: 'clearPasswords', noPassword: true },
  resetpass: { type: 'clearPasswords', noPassword: false },
  // There are no selectors to clear, nor payloads to check.
  clearselectors: edit({}),
  'sanitize-payload': edit({}),
  'skip-sanitize-payload': edit({}),
  reset: { type: 'reset' },
};

function addKeys(added: KeyPattern): AclStep {
  return {
    type: 'edit',
    edit: (user) => {
      if (user.keys.some(isAllKeys)) {
        if (isAllKeys(added)) return user;
        throw new AclRuleError(
          "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try 'resetkeys' to start with an empty list of patterns",
        );
      }
      const same = user.keys.find(({ pattern }) => pattern === added.pattern);
      if (same === undefined) return { ...user, keys: isAllKeys(added) ? [added] : [...user.keys, added] };
      const both = { pattern: added.pattern, read: same.read || added.read, write: same.write || added.write };
      return { ...user, keys: user.keys.map((key) => (key === same ? both : key)) };
    },
  };
}

function isAllKeys({ pattern, read, write }: KeyPattern): boolean {
  return pattern === '*' && read && write;
}

/** `R~pattern`, `W~pattern`, `RW~pattern`. */
function limitedPattern(rest: string): KeyPattern {
  const at = rest.indexOf('~');
  const letters = rest.slice(0, Math.max(0, at)).toUpperCase();
  if (!/^(R|W|RW|WR)$/.test(letters)) throw new AclRuleError('Syntax error');
  return { pattern: rest.slice(at + 1), read: letters.includes('R'), write: letters.includes('W') };
}

function addChannel(pattern: string): AclStep {
  return {
    type: 'edit',
    edit: (user) => {
      if (user.channels.includes(pattern)) return user;
      if (user.channels.includes('*')) {
        throw new AclRuleError(
          "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. Try 'resetchannels' to start with an empty list of channels",
        );
      }
      return { ...user, channels: pattern === '*' ? ['*'] : [...user.channels, pattern] };
    },
  };
}

function commandRule(rule: string, knows: KnowsCommand): AclStep {
  const name = rule.slice(1);
  if (!knows(name)) throw new AclRuleError('Unknown command or category name in ACL');
  return {
    type: 'edit',
    // A rule that follows takes the place of the one about the same thing, and of those about parts of it.
    edit: (user) => ({
      ...user,
      commands: [
        ...user.commands.filter(
          (other, index) => index === 0 || (other.slice(1) !== name && !other.slice(1).startsWith(`${name}|`)),
        ),
        rule,
      ],
    }),
  };
}
