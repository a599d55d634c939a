/**
 * The commands, found by the bytes of their name. The table is open-addressed over a hash of the bytes with the case
 * folded: making a string of the name and asking a Map costs twelve times as much, for every command.
 */
import { assert } from '../../base/assert.ts';
import type { CommandShape, KeyFlag } from './command-shape.ts';
import type { Request } from './request.ts';

export const CommandKind = {
  /** `run` */
  keyed: 0,
  /** `answer` */
  here: 1,
  /** `start` */
  later: 2,
  /** `refusal` */
  refused: 3,
  /** `control` */
  control: 4,
  /** Has sub-commands and does nothing itself. */
  container: 5,
} as const;
export type CommandKind = (typeof CommandKind)[keyof typeof CommandKind];

/** A command as the table holds it, with what routing needs worked out. */
export class Command<Session = unknown> {
  readonly spec: CommandShape<Session>;
  readonly parent: Command<Session> | undefined;
  readonly kind: CommandKind;
  /** In small letters; sub-commands as `client|list`. */
  readonly fullName: string;
  readonly arity: number;
  readonly isWrite: boolean;
  readonly isReadOnly: boolean;
  readonly needsAuth: boolean;
  readonly noMulti: boolean;
  readonly hasKeys: boolean;
  /** Index of the key when there is exactly one at a fixed place, otherwise 0. */
  readonly singleKeyIndex: number;
  readonly subcommands: ReadonlyMap<string, Command<Session>> | undefined;
  readonly nameBytes: Buffer;
  calls = 0;

  constructor(spec: CommandShape<Session>, parent: Command<Session> | undefined) {
    this.spec = spec;
    this.parent = parent;
    this.kind = kindOf(spec);
    const own = spec.name.toLowerCase();
    this.fullName = parent === undefined ? own : `${parent.fullName}|${own}`;
    this.arity = spec.arity;
    this.isWrite = spec.flags.includes('write');
    this.isReadOnly = spec.flags.includes('readonly');
    this.needsAuth = !spec.flags.includes('no_auth');
    // What answers later works on several tablets: it cannot be part of a transaction on one.
    this.noMulti = spec.flags.includes('no_multi') || (this.kind === CommandKind.later && spec.keys === undefined);
    const keys = spec.keys ?? [];
    this.hasKeys = keys.length > 0;
    const first = keys[0];
    const single = keys.length === 1 && first !== undefined && first.kind === 'range' && first.last === 0;
    this.singleKeyIndex = single ? first.index : 0;
    this.nameBytes = Buffer.from(own, 'latin1');
    this.subcommands =
      spec.subcommands === undefined
        ? undefined
        : new Map(spec.subcommands.map((sub) => [sub.name, new Command(sub, this)]));
  }

  /** True when so many arguments fit. */
  arityFits(count: number): boolean {
    return this.arity >= 0 ? count === this.arity : count >= -this.arity;
  }

  /** Indexes of the arguments that are keys. undefined when the arguments do not make sense. */
  keyIndexes(request: Request): { index: number; flags: readonly KeyFlag[] }[] | undefined {
    const found: { index: number; flags: readonly KeyFlag[] }[] = [];
    for (const spec of this.spec.keys ?? []) {
      let first = spec.index;
      let last = 0;
      if (spec.kind === 'count') {
        const count = first < request.count ? Number(request.string(first)) : Number.NaN;
        if (!Number.isInteger(count) || count < 0) return undefined;
        first += spec.first;
        last = first + (count - 1) * spec.step;
      } else {
        last = spec.last < 0 ? request.count + spec.last : first + spec.last;
      }
      if (last >= request.count) return undefined;
      for (let index = first; index <= last; index += spec.step) found.push({ index, flags: spec.flags });
    }
    return found;
  }
}

function kindOf(spec: CommandShape<unknown>): CommandKind {
  if (spec.run !== undefined) return CommandKind.keyed;
  if (spec.answer !== undefined) return CommandKind.here;
  if (spec.start !== undefined) return CommandKind.later;
  if (spec.refusal !== undefined) return CommandKind.refused;
  if (spec.control === true) return CommandKind.control;
  assert(spec.subcommands !== undefined, 'a command does something');
  return CommandKind.container;
}

export class CommandTable<Session = unknown> {
  readonly #cells: (Command<Session> | undefined)[];
  readonly #mask: number;
  readonly #byName = new Map<string, Command<Session>>();
  readonly #internal = new Map<string, Command<Session>>();

  constructor(specs: readonly CommandShape<Session>[]) {
    let size = 64;
    while (size < specs.length * 4) size *= 2;
    this.#mask = size - 1;
    this.#cells = new Array<Command<Session> | undefined>(size).fill(undefined);
    for (const spec of specs) this.#add(new Command(spec, undefined));
  }

  #add(command: Command<Session>): void {
    const names = command.spec.internal === true ? this.#internal : this.#byName;
    assert(!names.has(command.spec.name), 'a command is in the table once');
    names.set(command.spec.name, command);
    if (command.spec.internal === true) return;
    let cell = hashName(command.nameBytes, 0, command.nameBytes.length) & this.#mask;
    while (this.#cells[cell] !== undefined) cell = (cell + 1) & this.#mask;
    this.#cells[cell] = command;
  }

  /** The command that a request names in its first argument, sub-commands not resolved. */
  find(request: Request): Command<Session> | undefined {
    const start = request.start(0);
    const end = request.end(0);
    let cell = hashName(request.buffer, start, end) & this.#mask;
    for (;;) {
      const command = this.#cells[cell];
      if (command === undefined) return undefined;
      if (sameName(command.nameBytes, request.buffer, start, end)) return command;
      cell = (cell + 1) & this.#mask;
    }
  }

  /** As `find`, with the sub-command resolved and the door's own steps included: for requests of other nodes. */
  resolve(request: Request): Command<Session> | undefined {
    const command = this.find(request) ?? this.#internal.get(request.string(0));
    if (command?.subcommands === undefined || request.count < 2) return command;
    return command.subcommands.get(request.word(1)) ?? command;
  }

  /** A command or `CONTAINER|SUB` by name, in any case. */
  byName(name: string): Command<Session> | undefined {
    const [container, sub] = name.toUpperCase().split('|');
    const command = this.#byName.get(container as string);
    return sub === undefined ? command : command?.subcommands?.get(sub);
  }

  internal(name: string): Command<Session> {
    const command = this.#internal.get(name);
    assert(command !== undefined, 'an internal command is in the table');
    return command;
  }

  /** All commands that clients may send, without sub-commands. */
  all(): Command<Session>[] {
    return [...this.#byName.values()];
  }

  get size(): number {
    return this.#byName.size;
  }
}

/** FNV-1a over the bytes with bit 5 set, which folds the case of letters and keeps digits and signs apart. */
function hashName(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5 ^ (end - start);
  for (let at = start; at < end; at += 1) hash = Math.imul(hash ^ ((bytes[at] as number) | 0x20), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** `name` is in small letters. */
function sameName(name: Buffer, bytes: Uint8Array, start: number, end: number): boolean {
  if (name.length !== end - start) return false;
  for (let index = 0; index < name.length; index += 1) {
    let byte = bytes[start + index] as number;
    if (byte >= 0x41 && byte <= 0x5a) byte |= 0x20;
    if (byte !== name[index]) return false;
  }
  return true;
}
