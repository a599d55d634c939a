/**
 * A command as data. One table of these serves lookup, routing, COMMAND, the documentation and its check.
 *
 * What runs a command depends on what it touches:
 *   run      keys of one slot: inside a transaction on the tablet's leader, maybe on another node (no session there)
 *   answer   nothing but this node: at once
 *   start    several tablets, nodes or time: answers later
 *   refusal  nothing: the error says what to do instead
 *   control  the session itself (MULTI, EXEC, WATCH ...), handled by the session
 */
import type { CommandContext } from './context.ts';
import type { PendingReply } from './pending-reply.ts';
import type { ReplyWriter } from './reply-writer.ts';
import type { Request } from './request.ts';

export type CommandGroup =
  | 'string'
  | 'generic'
  | 'transactions'
  | 'connection'
  | 'server'
  | 'cluster'
  | 'hash'
  | 'list'
  | 'set'
  | 'sorted_set'
  | 'stream'
  | 'pubsub'
  | 'scripting'
  | 'bitmap'
  | 'hyperloglog'
  | 'geo'
  | 'sentinel';

export type CommandFlag =
  | 'write'
  | 'readonly'
  | 'denyoom'
  | 'admin'
  | 'pubsub'
  | 'noscript'
  | 'loading'
  | 'stale'
  | 'skip_monitor'
  | 'skip_slowlog'
  | 'asking'
  | 'fast'
  | 'no_auth'
  | 'blocking'
  | 'movablekeys'
  | 'no_multi'
  | 'no_async_loading'
  | 'allow_busy';

export type KeyFlag =
  | 'RO'
  | 'RW'
  | 'OW'
  | 'RM'
  | 'access'
  | 'update'
  | 'insert'
  | 'delete'
  | 'variable_flags'
  | 'incomplete'
  | 'not_key';

/** Where keys stand among a command's arguments, in the terms of Redis's key specifications. */
export interface KeySpec {
  readonly flags: readonly KeyFlag[];
  /** Index of the first key, or of the number of keys when `kind` is `count`. */
  readonly index: number;
  readonly kind: 'range' | 'count';
  /** For `range`: relative to the first key; negative counts from the end (-1 is the last argument). */
  readonly last: number;
  readonly step: number;
  /** For `count`: the first key, relative to the number. */
  readonly first: number;
}

/** `Session` is what commands see of their connection: a parameter, so that sessions may know the table of commands. */
export interface CommandShape<Session> {
  /** In capitals; sub-commands without their container's name. */
  readonly name: string;
  readonly group: CommandGroup;
  readonly since: string;
  readonly summary: string;
  readonly complexity?: string;
  /** Number of arguments, the name included; negative: at least. */
  readonly arity: number;
  readonly flags: readonly CommandFlag[];
  /** ACL categories beyond those that follow from the flags. */
  readonly categories?: readonly string[];
  readonly tips?: readonly string[];
  readonly keys?: readonly KeySpec[];
  /**
   * On the single-endpoint port: its keys may be split over slots without changing its meaning. `sum` adds the
   * integers up, `array` puts the elements back in order.
   */
  readonly split?: 'sum' | 'array';
  /** What a user should know that differs from Redis; goes into the documentation. */
  readonly note?: string;
  /** Never offered to clients: a step of the door's own that is routed like a command. */
  readonly internal?: boolean;
  readonly subcommands?: readonly CommandShape<Session>[];
  readonly run?: (context: CommandContext) => void;
  // Methods, since a table of commands for one kind of session has to pass for a table of commands for any.
  answer?(session: Session, request: Request, reply: ReplyWriter): void;
  start?(session: Session, request: Request, pending: PendingReply): void;
  readonly refusal?: string;
  readonly control?: boolean;
}
