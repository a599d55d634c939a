/**
 * MULTI, EXEC, DISCARD, WATCH and UNWATCH of one connection.
 *
 * A transaction runs as one operation on the leader of its one slot: the watched keys' stamps are compared and the
 * commands run in it, so it is atomic and isolated. WATCH keeps nothing on the server: it reads each key's stamp, and
 * EXEC brings the stamps along, so both work whichever node leads by then.
 *
 * Commands that touch no key (PING, TIME ...) are answered by the connection's own node when the rest is done.
 */
import { type Command, CommandKind } from './command-table.ts';
import { ErrorText } from './errors.ts';
import { CommandOperation, WhenElsewhere } from './operation.ts';
import type { PendingReply, ReplyOwner } from './pending-reply.ts';
import { Constant, ReplyWriter, replyBytes } from './reply-writer.ts';
import { Request } from './request.ts';
import { arrayElements, bulkPayload } from './resp-reader.ts';
import { CROSS_SLOT, commonSlot } from './routing.ts';
import type { ClientSession } from './session-view.ts';
import { slotOf } from './slot.ts';

type SessionCommand = Command<ClientSession>;

/** What a transaction needs of its connection. */
export interface TransactionHost extends ClientSession {
  replyBytes(bytes: Buffer): void;
  replyError(text: string): void;
  newReply(weight: number): PendingReply;
  answerInto(command: SessionCommand, request: Request, writer: ReplyWriter): void;
  /** Takes no more requests until `release`. */
  hold(): void;
  release(): void;
}

interface Queued {
  readonly command: SessionCommand;
  readonly request: Request;
}

interface Watched {
  readonly slot: number;
  readonly key: Buffer;
  readonly stamp: Buffer;
}

const QUEUED_MAX = 65_536;
const QUEUED_BYTES_MAX = 256 * 1_048_576;

/** For assembling EXEC's replies: the connections' own writer may be in use by then. */
const assembly = new ReplyWriter();

export class TransactionState {
  readonly #connection: TransactionHost;
  #active = false;
  #spoiled = false;
  #queue: Queued[] = [];
  #queueBytes = 0;
  #watched: Watched[] = [];

  constructor(connection: TransactionHost) {
    this.#connection = connection;
  }

  get active(): boolean {
    return this.#active;
  }

  get queuedCount(): number {
    return this.#active ? this.#queue.length : -1;
  }

  get watchedCount(): number {
    return this.#watched.length;
  }

  /** An error while commands are queued: EXEC will refuse. */
  spoil(): void {
    if (this.#active) this.#spoiled = true;
  }

  reset(): void {
    this.#active = false;
    this.#spoiled = false;
    this.#queue = [];
    this.#queueBytes = 0;
    this.#watched = [];
  }

  /** MULTI and its kind, at once also within a transaction. */
  control(command: SessionCommand, request: Request): void {
    const connection = this.#connection;
    switch (command.spec.name) {
      case 'MULTI':
        if (this.#active) {
          connection.replyError(ErrorText.nestedMulti);
          return;
        }
        this.#active = true;
        connection.replyBytes(Constant.ok);
        return;
      case 'DISCARD':
        if (!this.#active) {
          connection.replyError(ErrorText.discardWithoutMulti);
          return;
        }
        this.reset();
        connection.replyBytes(Constant.ok);
        return;
      case 'UNWATCH':
        // Inside of a transaction it is queued in Redis, where it has no effect any more by the time it runs.
        if (this.#active) this.queue(command, request);
        else {
          this.#watched = [];
          connection.replyBytes(Constant.ok);
        }
        return;
      case 'WATCH':
        this.#watch(request);
        return;
      case 'RESET':
        connection.resetState();
        connection.replyBytes(RESET_REPLY);
        return;
      case 'QUIT':
        connection.replyBytes(Constant.ok);
        connection.closeAfterReplies();
        return;
      default:
        this.#execute();
    }
  }

  queue(command: SessionCommand, request: Request): void {
    const connection = this.#connection;
    const refusal = this.#queueRefusal(command, request);
    if (refusal !== undefined) {
      this.#spoiled = true;
      connection.replyError(refusal);
      return;
    }
    this.#queueBytes += request.weight();
    this.#queue.push({ command, request });
    connection.replyBytes(Constant.queued);
  }

  #queueRefusal(command: SessionCommand, request: Request): string | undefined {
    if (command.noMulti) return ErrorText.notInMulti;
    if (this.#queue.length >= QUEUED_MAX || this.#queueBytes >= QUEUED_BYTES_MAX) {
      return 'ERR too many commands or bytes in one transaction';
    }
    if (!command.hasKeys) return undefined;
    const slot = commonSlot(command, request);
    if (slot === CROSS_SLOT) return ErrorText.crossSlot;
    if (this.#connection.kind !== 'cluster') return undefined;
    // As Redis does: a command of another node's slot is redirected before EXEC.
    const { topology } = this.#connection.door;
    const leader = topology.tabletOf(slot)?.leader ?? 0;
    const address = leader === 0 || leader === topology.view().self ? undefined : topology.clusterAddress(leader);
    return address === undefined ? undefined : `MOVED ${slot} ${address}`;
  }

  // --- WATCH

  #watch(request: Request): void {
    const connection = this.#connection;
    if (this.#active) {
      connection.replyError(ErrorText.watchInMulti);
      return;
    }
    const keys = request.rest(1).map((key) => Buffer.from(key));
    const slots = keys.map((key) => slotOf(key, 0, key.length));
    const slot = slots[0] as number;
    if (slots.some((other) => other !== slot)) {
      connection.replyError(ErrorText.crossSlot);
      return;
    }
    const reply = connection.newReply(0);
    connection.hold();
    this.#submit('@WATCH', Request.of('@WATCH', ...keys), slot, (result) => {
      const stamps = arrayElements(result);
      if (stamps === undefined) reply.finishWith(result);
      else {
        for (const [index, element] of stamps.entries()) {
          const stamp = Buffer.from(bulkPayload(element) as Buffer);
          this.#watched.push({ slot, key: keys[index] as Buffer, stamp });
        }
        reply.finishWith(Constant.ok);
      }
      connection.release();
    });
  }

  #submit(name: string, request: Request, slot: number, done: (result: Buffer) => void): void {
    const { door, kind } = this.#connection;
    const owner: ReplyOwner = { replyReady: (reply: PendingReply) => done(replyBytes(reply)) };
    new CommandOperation(
      owner,
      door.executor,
      door.table.internal(name),
      request,
      slot,
      this.#connection.resp3,
      false,
      kind === 'cluster' ? WhenElsewhere.redirect : WhenElsewhere.forward,
    ).submit();
  }

  // --- EXEC

  #execute(): void {
    const connection = this.#connection;
    if (!this.#active) {
      connection.replyError(ErrorText.execWithoutMulti);
      return;
    }
    const queue = this.#queue;
    const watched = this.#watched;
    const spoiled = this.#spoiled;
    this.reset();
    if (spoiled) {
      connection.replyError(ErrorText.execAbort);
      return;
    }
    const slot = transactionSlot(queue, watched);
    if (slot === CROSS_SLOT) {
      connection.replyError(ErrorText.crossSlot);
      return;
    }
    const weight = queue.reduce((sum, { request }) => sum + request.weight(), 0);
    const reply = connection.newReply(weight);
    if (slot === NO_SLOT) {
      this.#assemble(queue, [], reply);
      return;
    }
    this.#submit('@EXEC', packTransaction(queue, watched), slot, (result) => {
      const parts = arrayElements(result);
      // Not an array: a watched key was changed (null), or an error.
      if (parts === undefined || result[1] === MINUS) reply.finishWith(result);
      else this.#assemble(queue, parts, reply);
    });
  }

  /** The transaction's reply: the tablet's replies in their places, and the rest answered now. */
  #assemble(queue: readonly Queued[], parts: readonly Buffer[], reply: PendingReply): void {
    assembly.begin(this.#connection.resp3);
    assembly.array(queue.length);
    let part = 0;
    for (const { command, request } of queue) {
      if (command.kind === CommandKind.keyed) {
        assembly.append(bulkPayload(parts[part] as Buffer) as Buffer);
        part += 1;
      } else if (command.kind === CommandKind.here) this.#connection.answerInto(command, request, assembly);
      else if (command.kind === CommandKind.refused) assembly.error(command.spec.refusal as string);
      else assembly.ok();
    }
    reply.finishFrom(assembly);
  }
}

const RESET_REPLY = Buffer.from('+RESET\r\n');
const MINUS = 0x2d;
const NO_SLOT = -2;

/** The one slot of a transaction; NO_SLOT when it touches no key; CROSS_SLOT when it touches several. */
function transactionSlot(queue: readonly Queued[], watched: readonly Watched[]): number {
  let slot = NO_SLOT;
  for (const entry of watched) {
    if (slot !== NO_SLOT && entry.slot !== slot) return CROSS_SLOT;
    slot = entry.slot;
  }
  for (const { command, request } of queue) {
    if (command.kind !== CommandKind.keyed) continue;
    const its = commonSlot(command, request);
    if (slot !== NO_SLOT && its !== slot) return CROSS_SLOT;
    slot = its;
  }
  return slot;
}

/** Arguments of `@EXEC`: number of watched keys, key and stamp of each, then number of arguments and arguments of each command. */
function packTransaction(queue: readonly Queued[], watched: readonly Watched[]): Request {
  const parts: (string | Uint8Array)[] = ['@EXEC', String(watched.length)];
  for (const { key, stamp } of watched) parts.push(key, stamp);
  for (const { command, request } of queue) {
    if (command.kind !== CommandKind.keyed) continue;
    parts.push(String(request.count), ...request.rest(0));
  }
  return Request.of(...parts);
}
