/** What one user may run and touch, worked out once from its rules so that a command costs two look-ups. */
import type { KeyFlag } from '../command-shape.ts';
import type { Command } from '../command-table.ts';
import { globMatches } from '../glob.ts';
import type { Request } from '../request.ts';
import type { AclUser, KeyPattern } from './rules.ts';

/** What was refused: the command, or the key named in `object`. */
export interface Denial {
  readonly reason: 'command' | 'key';
  readonly object: string;
}

export class Permissions {
  readonly #commands: ReadonlySet<Command>;
  /** Null: every key. */
  readonly #keys: readonly KeyPattern[] | null;

  private constructor(commands: ReadonlySet<Command>, keys: readonly KeyPattern[] | null) {
    this.#commands = commands;
    this.#keys = keys;
  }

  /** Null for a user who may do everything. `commands`: all of the table, sub-commands included. */
  static of(
    user: AclUser,
    commands: readonly Command[],
    categoriesOf: (command: Command) => readonly string[],
  ): Permissions | null {
    const allKeys = user.keys.some(({ pattern, read, write }) => pattern === '*' && read && write);
    if (allKeys && user.commands.length === 1 && user.commands[0] === '+@all') return null;
    const allowed = new Set<Command>();
    for (const rule of user.commands) {
      for (const command of commands) {
        if (!matches(rule.slice(1), command, categoriesOf)) continue;
        if (rule.startsWith('+')) allowed.add(command);
        else allowed.delete(command);
      }
    }
    return new Permissions(allowed, allKeys ? null : user.keys);
  }

  /** Null when the request may go on. */
  check(command: Command, request: Request): Denial | null {
    // Who is somebody must be able to say so, and to go.
    if (!this.#commands.has(command) && command.needsAuth) return { reason: 'command', object: command.fullName };
    if (this.#keys === null || !command.hasKeys) return null;
    for (const { index, flags } of command.keyIndexes(request) ?? []) {
      const key = request.string(index);
      if (!this.#mayTouch(key, flags)) return { reason: 'key', object: key };
    }
    return null;
  }

  #mayTouch(key: string, flags: readonly KeyFlag[]): boolean {
    if (flags.includes('not_key')) return true;
    const reads = flags.includes('RO') || flags.includes('access');
    const writes = flags.includes('RW') || flags.includes('OW') || flags.includes('RM');
    for (const { pattern, read, write } of this.#keys ?? []) {
      if ((reads && !read) || (writes && !write)) continue;
      if (globMatches(pattern, key)) return true;
    }
    return false;
  }
}

function matches(what: string, command: Command, categoriesOf: (command: Command) => readonly string[]): boolean {
  if (what === '@all') return true;
  if (what.startsWith('@')) return categoriesOf(command).includes(what.slice(1));
  return command.fullName === what || command.parent?.fullName === what;
}
