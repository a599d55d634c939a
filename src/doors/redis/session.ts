/**
 * One client connection: takes requests off its bytes, sends each on its way, and writes the replies in the order of the
 * requests.
 *
 * Invariants:
 * 1. Replies leave in the order of their requests, whatever order they are finished in.
 * 2. At most IN_FLIGHT_MAX requests and IN_FLIGHT_BYTES_MAX bytes of them are unanswered; past that the socket is paused.
 * 3. When the door has made enough large replies in this turn of the event loop, no request is taken until the next one.
 * 4. While `#holds` is above zero (WATCH under way, CLIENT PAUSE) no request is taken, so what follows sees its effect.
 */
import type { Socket } from 'node:net';
import { DEFAULT_REDIS_USER } from './acl/acl.ts';
import type { AclLogEntry } from './acl/acl-log.ts';
import type { Denial, Permissions } from './acl/permissions.ts';
import { type Command, CommandKind } from './command-table.ts';
import { clientLine } from './commands/client-line.ts';
import { arityText, ErrorText, oneLine, ReplyError, unknownCommandText, unknownSubcommandText } from './errors.ts';
import { startSplit } from './fan-out.ts';
import { CommandOperation, WhenElsewhere } from './operation.ts';
import type { OutputAssembler } from './output.ts';
import { PendingReply, type ReplyOwner } from './pending-reply.ts';
import { Constant, ReplyForm, type ReplyWriter } from './reply-writer.ts';
import type { Request } from './request.ts';
import { ProtocolError, RespParser } from './resp-parser.ts';
import { CROSS_SLOT, commonSlot } from './routing.ts';
import type { ClientSession, DoorServices, PortKind, ReplyMode } from './session-view.ts';
import { type TransactionHost, TransactionState } from './transaction-state.ts';
import type { TurnBudget, Waiter } from './turn-budget.ts';

type SessionCommand = Command<ClientSession>;

/** A command becomes one log entry, which has to fit into one frame between nodes (1 GiB): the largest value, and its key. */
const REQUEST_BYTES_MAX = 513 * 1_048_576;
export const IN_FLIGHT_MAX = 16_384;
export const IN_FLIGHT_BYTES_MAX = 64 * 1_048_576;

/** What all connections of a door share. */
export interface ConnectionHost {
  readonly door: DoorServices;
  readonly output: OutputAssembler;
  readonly turn: TurnBudget;
  /** For replies of commands that this node answers itself. */
  readonly writer: ReplyWriter;
  /** Asks for `connection.flush()` at the end of this turn. */
  flushLater(connection: Connection): void;
  closed(connection: Connection): void;
}

export class Connection implements TransactionHost, ReplyOwner, Waiter {
  readonly id: number;
  readonly kind: PortKind;
  readonly door: DoorServices;
  readonly remote: string;
  readonly remoteHost: string;
  readonly local: string;
  readonly created_ms: number;
  name = '';
  libraryName = '';
  libraryVersion = '';
  resp3 = false;
  readOnly = false;
  authenticated = false;
  user: string = DEFAULT_REDIS_USER;
  noEvict = false;
  noTouch = false;
  replyMode: ReplyMode = 'on';
  lastCommand = 'NULL';
  lastActive_ms: number;
  commandCount = 0;
  bytesIn = 0;
  bytesOut = 0;
  /** Set while it is in the door's list of connections to flush. */
  flushPending = false;

  readonly #host: ConnectionHost;
  readonly #socket: Socket;
  readonly #parser: RespParser;
  readonly #transaction: TransactionState;
  /** Null: whatever there is. */
  #permissions: Permissions | null = null;
  #head: PendingReply | undefined;
  #tail: PendingReply | undefined;
  #inFlight = 0;
  #inFlightBytes = 0;
  #holds = 0;
  /** A request that CLIENT PAUSE holds back. */
  #held: Request | undefined;
  #paused = false;
  #waitsForTurn = false;
  /** The client has closed its side. */
  #ended = false;
  /** Set while input is taken: replies are written when it is over. */
  #taking = false;
  #skipReplies = 0;
  #closing = false;
  #closed = false;

  constructor(host: ConnectionHost, socket: Socket, kind: PortKind, now_ms: number) {
    this.#host = host;
    this.door = host.door;
    this.#socket = socket;
    this.kind = kind;
    this.id = host.door.clients.nextId();
    this.remoteHost = socket.remoteAddress ?? '';
    this.remote = `${bracketed(socket.remoteAddress)}:${socket.remotePort ?? 0}`;
    this.local = `${bracketed(socket.localAddress)}:${socket.localPort ?? 0}`;
    this.created_ms = now_ms;
    this.lastActive_ms = now_ms;
    this.#beNobody();
    const configuration = host.door.configuration;
    this.#parser = new RespParser(configuration);
    this.#transaction = new TransactionState(this);
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('end', () => this.#onEnd());
    socket.on('error', () => this.destroy());
    socket.on('close', () => this.#onClose());
    socket.on('drain', () => this.#take());
  }

  get queuedCount(): number {
    return this.#transaction.queuedCount;
  }

  get watchedCount(): number {
    return this.#transaction.watchedCount;
  }

  get inFlightCount(): number {
    return this.#inFlight;
  }

  get inputBytes(): number {
    return this.#parser.heldBytes;
  }

  get outputBytes(): number {
    return this.#socket.writableLength;
  }

  // --- input

  #onData(chunk: Buffer): void {
    if (this.#closing) return;
    this.bytesIn += chunk.length;
    this.lastActive_ms = this.door.clock.wall_ms();
    const statistics = this.door.statistics;
    statistics.bytesIn += chunk.length;
    statistics.readsProcessed += 1;
    this.#parser.push(chunk);
    if (this.#parser.heldBytes > this.door.configuration.queryBytes_max) {
      this.destroy();
      return;
    }
    this.#take();
  }

  /** It may be told while requests that have arrived still wait to be taken. */
  #onEnd(): void {
    this.#ended = true;
    if (!this.#paused) this.closeAfterReplies();
  }

  /** Takes requests while there are any and the limits allow. */
  #take(): void {
    if (this.#taking || this.#closed) return;
    this.#taking = true;
    if (this.#host.turn.isSpent) this.#waitForTurn();
    try {
      while (this.#holds === 0 && !this.#closing && !this.#isFull() && !this.#waitsForTurn) {
        const request = this.#held ?? this.#parser.next();
        if (request === undefined) break;
        this.#held = undefined;
        this.#dispatch(request);
        if (this.#host.turn.isSpent) this.#waitForTurn();
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.replyError(`ERR Protocol error: ${oneLine(error.message)}`);
      this.closeAfterReplies();
    } finally {
      this.#taking = false;
    }
    this.#regulate();
    if (this.#ended && !this.#paused) this.#closing = true;
    this.flush();
  }

  #waitForTurn(): void {
    if (this.#waitsForTurn) return;
    this.#waitsForTurn = true;
    this.#host.turn.wait(this);
  }

  nextTurn(): void {
    this.#waitsForTurn = false;
    this.#take();
  }

  #isFull(): boolean {
    return (
      this.#inFlight >= IN_FLIGHT_MAX ||
      this.#inFlightBytes >= IN_FLIGHT_BYTES_MAX ||
      this.#socket.writableLength > this.#socket.writableHighWaterMark * 64
    );
  }

  /** Back-pressure: reads from the socket only while requests are being taken. */
  #regulate(): void {
    const stop = this.#holds > 0 || this.#waitsForTurn || this.#isFull();
    if (stop === this.#paused) return;
    this.#paused = stop;
    if (stop) this.#socket.pause();
    else this.#socket.resume();
  }

  #dispatch(request: Request): void {
    const table = this.door.table;
    this.commandCount += 1;
    this.door.statistics.commandsProcessed += 1;
    let command = table.find(request);
    if (command === undefined) {
      this.#refuse(unknownCommandText(request.string(0), request.rest(1).map(latin1)));
      return;
    }
    if (command.subcommands !== undefined && request.count >= 2) {
      const sub = command.subcommands.get(request.word(1));
      if (sub !== undefined) command = sub;
      else if (command.kind === CommandKind.container) {
        this.#refuse(unknownSubcommandText(request.string(1), command.spec.name));
        return;
      }
    }
    if (!command.arityFits(request.count)) {
      this.#refuseArity(command);
      return;
    }
    if (!this.authenticated && command.needsAuth) {
      this.#refuse('NOAUTH Authentication required.');
      return;
    }
    const denial = this.#permissions === null ? null : this.#permissions.check(command, request);
    if (denial !== null) {
      this.noteDenial(denial.reason, denial.object);
      this.#refuse(deniedText(denial));
      return;
    }
    if (this.#isPausedFor(command)) {
      this.commandCount -= 1;
      this.door.statistics.commandsProcessed -= 1;
      this.#held = request;
      this.hold();
      return;
    }
    command.calls += 1;
    this.lastCommand = command.fullName;
    if (this.#transaction.active && command.kind !== CommandKind.control) this.#transaction.queue(command, request);
    else this.#perform(command, request);
    if (this.#skipReplies > 0) this.#skipReplies -= 1;
  }

  /** An error before the command is run: it also spoils a transaction under way. */
  #refuse(text: string): void {
    this.#transaction.spoil();
    this.replyError(text);
  }

  #refuseArity(command: SessionCommand): void {
    const text = arityText(command.fullName);
    if (command.fullName !== 'exec') {
      this.#refuse(text);
      return;
    }
    // An EXEC that is itself wrong ends the transaction, as in Redis.
    this.#transaction.reset();
    this.replyError(`EXECABORT Transaction discarded because of: ${text.slice('ERR '.length)}`);
  }

  #isPausedFor(command: SessionCommand): boolean {
    const mode = this.door.clients.pauseMode;
    if (mode === 'none' || command.fullName.startsWith('client|')) return false;
    return mode === 'all' || command.isWrite || command.fullName === 'exec';
  }

  #perform(command: SessionCommand, request: Request): void {
    if (command.kind === CommandKind.keyed) this.#submit(command, request);
    else if (command.kind === CommandKind.here) this.#answer(command, request);
    else if (command.kind === CommandKind.later) this.#start(command, request);
    else if (command.kind === CommandKind.refused) this.replyError(command.spec.refusal as string);
    else if (command.kind === CommandKind.control) this.#transaction.control(command, request);
    else this.replyError(arityText(command.fullName));
  }

  #submit(command: SessionCommand, request: Request): void {
    if (request.weight() > REQUEST_BYTES_MAX) {
      this.#refuse(
        `ERR the command has ${request.weight()} bytes, the limit is ${REQUEST_BYTES_MAX}; nothing was executed`,
      );
      return;
    }
    const slot = commonSlot(command, request);
    if (slot === CROSS_SLOT) {
      if (this.kind === 'single' && command.spec.split !== undefined) {
        startSplit(this, command, request, this.newReply(request.weight()));
      } else this.replyError(ErrorText.crossSlot);
      return;
    }
    const operation = new CommandOperation(
      this,
      this.door.executor,
      command,
      request,
      slot,
      this.resp3,
      this.readOnly && command.isReadOnly && this.#isLedElsewhere(slot),
      this.kind === 'cluster' ? WhenElsewhere.redirect : WhenElsewhere.forward,
    );
    operation.weight = request.weight();
    this.#append(operation);
    operation.submit();
  }

  /** The leader itself answers readers of replicas as it answers all others: with what is newest. */
  #isLedElsewhere(slot: number): boolean {
    const { topology } = this.door;
    return topology.tabletOf(slot)?.leader !== topology.view().self;
  }

  #answer(command: SessionCommand, request: Request): void {
    const writer = this.#host.writer;
    const reply = this.newReply(0);
    writer.begin(this.resp3);
    this.answerInto(command, request, writer);
    // Decided before the command may have changed it: CLIENT REPLY OFF is silent, ON is not.
    reply.silent = this.isSilent;
    if (writer.isEmpty) reply.finishWith(Constant.empty);
    else reply.finishFrom(writer);
  }

  /** Runs a command that this node answers itself and writes its reply, or its error. */
  answerInto(command: SessionCommand, request: Request, writer: ReplyWriter): void {
    const mark = writer.mark();
    try {
      command.spec.answer?.(this, request, writer);
    } catch (error) {
      if (!(error instanceof ReplyError)) throw error;
      writer.rewind(mark);
      writer.error(error.message);
    }
  }

  #start(command: SessionCommand, request: Request): void {
    const reply = this.newReply(request.weight());
    try {
      command.spec.start?.(this, request, reply);
    } catch (error) {
      if (!(error instanceof ReplyError)) throw error;
      reply.finishError(error.message);
    }
  }

  // --- replies

  /** Takes the next place in the order of replies. */
  newReply(weight: number): PendingReply {
    const reply = new PendingReply(this);
    reply.weight = weight;
    this.#append(reply);
    return reply;
  }

  #append(reply: PendingReply): void {
    reply.silent = this.isSilent;
    if (this.#tail === undefined) this.#head = reply;
    else this.#tail.next = reply;
    this.#tail = reply;
    this.#inFlight += 1;
    this.#inFlightBytes += reply.weight;
  }

  get isSilent(): boolean {
    return this.replyMode === 'off' || this.#skipReplies > 0;
  }

  /** CLIENT REPLY SKIP: this command and the next are silent. */
  skipNext(): void {
    this.#skipReplies = 2;
  }

  replyBytes(bytes: Buffer): void {
    this.newReply(0).finishWith(bytes);
  }

  replyError(text: string): void {
    this.newReply(0).finishError(oneLine(text));
  }

  replyReady(reply: PendingReply): void {
    if (this.#taking || this.flushPending || this.#head !== reply) return;
    this.flushPending = true;
    this.#host.flushLater(this);
  }

  /** Writes the replies that are due. */
  flush(): void {
    this.flushPending = false;
    let reply = this.#head;
    if (reply?.done !== true || this.#closed) {
      this.#endIfDue();
      return;
    }
    const output = this.#host.output;
    const statistics = this.door.statistics;
    output.begin(this.#socket);
    while (reply?.done === true) {
      this.#inFlight -= 1;
      this.#inFlightBytes -= reply.weight;
      if (reply.replyForm === ReplyForm.bytes && reply.replyBuffer[0] === 0x2d) statistics.errorReplies += 1;
      if (!reply.silent) output.add(reply);
      reply = reply.next;
    }
    this.#head = reply;
    if (reply === undefined) this.#tail = undefined;
    const bytes = output.end();
    this.bytesOut += bytes;
    statistics.bytesOut += bytes;
    statistics.writesProcessed += 1;
    const limit = this.door.configuration.outputBytes_max;
    if (limit > 0 && this.#socket.writableLength > limit) {
      statistics.outputLimitDisconnections += 1;
      this.destroy();
      return;
    }
    this.#endIfDue();
    if (this.#paused) this.#take();
  }

  // --- holding and closing

  /** Takes no more requests until `release`. */
  hold(): void {
    this.#holds += 1;
  }

  release(): void {
    this.#holds -= 1;
    if (!this.#taking) this.#take();
  }

  resume(): void {
    if (this.#held !== undefined) this.release();
  }

  resetState(): void {
    this.#transaction.reset();
    this.name = '';
    this.resp3 = false;
    this.readOnly = false;
    this.noEvict = false;
    this.noTouch = false;
    this.replyMode = 'on';
    this.#beNobody();
  }

  // --- users

  becomeUser(name: string): void {
    this.user = name;
    this.authenticated = true;
    this.#permissions = this.door.acl.permissionsOf(name) ?? null;
  }

  /** Roles have changed. A user who is gone has nothing left to do here. */
  accessChanged(): void {
    if (!this.authenticated) {
      this.#beNobody();
      return;
    }
    const permissions = this.door.acl.permissionsOf(this.user);
    if (permissions === undefined) this.closeAfterReplies();
    else this.#permissions = permissions;
  }

  #beNobody(): void {
    this.user = DEFAULT_REDIS_USER;
    this.authenticated = this.door.acl.isOpen;
    this.#permissions = this.door.acl.permissionsOf(DEFAULT_REDIS_USER) ?? null;
  }

  noteDenial(reason: AclLogEntry['reason'], object: string, user = this.user): void {
    const context = this.#transaction.active ? 'multi' : 'toplevel';
    const client = clientLine(this, this.door.clock.wall_ms());
    this.door.acl.log.add({ reason, context, object, username: user, client });
  }

  closeAfterReplies(): void {
    this.#closing = true;
    if (!this.#taking) this.flush();
  }

  #endIfDue(): void {
    if (this.#closing && this.#head === undefined && !this.#closed) this.#socket.end(() => this.#socket.destroy());
  }

  destroy(): void {
    this.#closing = true;
    this.#socket.destroy();
  }

  #onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closing = true;
    this.#transaction.reset();
    this.#host.closed(this);
  }
}

function deniedText({ reason, object }: Denial): string {
  if (reason === 'command') return `NOPERM this user has no permissions to run the '${object}' command`;
  return 'NOPERM this user has no permissions to access one of the keys used as arguments';
}

function latin1(bytes: Buffer): string {
  return bytes.latin1Slice();
}

function bracketed(address: string | undefined): string {
  if (address === undefined) return '';
  return address.includes(':') ? `[${address}]` : address;
}
