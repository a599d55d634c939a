/**
 * A command on one slot on its way: submitted to the router, run in a transaction on the tablet's leader here or on
 * another node, and its reply put in its place. One object per command and nothing else, no promise and no closure.
 *
 *   submit -> execute -> complete(done)      reply in place
 *          -> complete(notLeader)            again after a moment, until the deadline
 *          -> elsewhere(node)                cluster port: MOVED; single port: forwarded; forwarded already: told back
 *          -> complete(unknown)              an error that says so; never tried again
 */
import type { Clock } from '../../base/clock.ts';
import type { Prng } from '../../base/prng.ts';
import type { NodeId, RoutedOperation, Router } from '../../cluster/view.ts';
import { Outcome, type Transaction } from '../../tablet/operation.ts';
import type { Command, CommandTable } from './command-table.ts';
import { CommandContext, type CommandLimits, type RunnableCommand } from './context.ts';
import { ErrorText, ReplyError, unavailableText } from './errors.ts';
import { PendingReply, type ReplyOwner } from './pending-reply.ts';
import { ReplyForm } from './reply-writer.ts';
import type { Request } from './request.ts';
import type { DoorStatistics } from './statistics.ts';
import type { Topology } from './topology.ts';
import type { TurnBudget } from './turn-budget.ts';

export const WhenElsewhere = {
  /** Answer MOVED. */
  redirect: 0,
  /** Send the command to the leader and relay its reply. */
  forward: 1,
  /** This command was forwarded to us: tell the node that did. */
  tellOrigin: 2,
} as const;
export type WhenElsewhere = (typeof WhenElsewhere)[keyof typeof WhenElsewhere];

/** Sends commands to other nodes (forward.ts). */
export interface CommandForwarder {
  forward(operation: CommandOperation, node: NodeId): void;
}

/** How an operation ended other than with a reply; for commands forwarded by another node. */
export const Ending = { replied: 0, notExecuted: 1, unknown: 2, overloaded: 3, unavailable: 4 } as const;
export type Ending = (typeof Ending)[keyof typeof Ending];

/** A pause before an operation is tried again: long enough not to spin, short against an election. */
const RETRY_DELAY_MS = 10;

export class CommandOperation extends PendingReply implements RoutedOperation {
  readonly slot: number;
  readonly staleRead: boolean;
  readonly command: Command;
  readonly request: Request;
  readonly resp3: boolean;
  readonly whenElsewhere: WhenElsewhere;
  readonly #executor: Executor;
  /** Set when it is tried a second time: asking the clock for every command costs too much. */
  #deadline_ms = 0;
  /** How it ended, for the node that forwarded it. */
  ending: Ending = Ending.replied;

  constructor(
    owner: ReplyOwner,
    executor: Executor,
    command: Command,
    request: Request,
    slot: number,
    resp3: boolean,
    staleRead: boolean,
    whenElsewhere: WhenElsewhere,
  ) {
    super(owner);
    this.#executor = executor;
    this.command = command;
    this.request = request;
    this.slot = slot;
    this.resp3 = resp3;
    this.staleRead = staleRead;
    this.whenElsewhere = whenElsewhere;
  }

  submit(): void {
    this.#executor.router.submit(this);
  }

  execute(transaction: Transaction): void {
    this.#executor.run(this, transaction);
  }

  complete(outcome: Outcome): void {
    if (outcome === Outcome.done) {
      this.finish();
      return;
    }
    if (outcome === Outcome.notLeader) this.again();
    else if (outcome === Outcome.unknown) this.endUnknown();
    else if (outcome === Outcome.overloaded) this.#end(Ending.overloaded, ErrorText.overloaded);
    else this.endUnavailable();
  }

  elsewhere(node: NodeId): void {
    if (this.whenElsewhere === WhenElsewhere.redirect) this.#redirect(node);
    else if (this.whenElsewhere === WhenElsewhere.forward) this.#executor.forwarder.forward(this, node);
    else this.#end(Ending.notExecuted, ErrorText.overloaded);
  }

  /** Certainly not executed: tries again, or ends when the deadline has passed. */
  again(): void {
    if (this.whenElsewhere === WhenElsewhere.tellOrigin) {
      this.#end(Ending.notExecuted, ErrorText.overloaded);
      return;
    }
    const clock = this.#executor.clock;
    const now_ms = clock.monotonic_ms();
    if (this.#deadline_ms === 0) this.#deadline_ms = now_ms + this.#executor.deadline_ms;
    if (now_ms >= this.#deadline_ms) this.endUnavailable();
    else clock.after(RETRY_DELAY_MS, () => this.submit());
  }

  endUnknown(): void {
    this.#executor.statistics.unknownOutcomes += 1;
    this.#end(Ending.unknown, ErrorText.unknownOutcome);
  }

  endOverloaded(): void {
    this.#end(Ending.overloaded, ErrorText.overloaded);
  }

  endUnavailable(): void {
    this.#end(Ending.unavailable, unavailableText(this.slot, this.#executor.deadline_ms));
  }

  #redirect(node: NodeId): void {
    const address = this.#executor.topology.clusterAddress(node);
    if (address === undefined) {
      this.again();
      return;
    }
    this.#executor.statistics.movedReplies += 1;
    this.finishError(`MOVED ${this.slot} ${address}`);
  }

  #end(ending: Ending, text: string): void {
    this.ending = ending;
    this.finishError(text);
  }
}

/** Runs commands inside transactions; what all operations of a door share. */
export class Executor {
  readonly router: Router;
  readonly clock: Clock;
  readonly deadline_ms: number;
  readonly topology: Topology;
  readonly statistics: DoorStatistics;
  readonly forwarder: CommandForwarder;
  readonly #turn: TurnBudget;
  readonly #context: CommandContext;

  constructor(parts: {
    router: Router;
    clock: Clock;
    deadline_ms: number;
    topology: Topology;
    statistics: DoorStatistics;
    forwarder: CommandForwarder;
    turn: TurnBudget;
    limits: CommandLimits;
    prng: Prng;
    table: CommandTable;
  }) {
    this.router = parts.router;
    this.clock = parts.clock;
    this.deadline_ms = parts.deadline_ms;
    this.topology = parts.topology;
    this.statistics = parts.statistics;
    this.forwarder = parts.forwarder;
    this.#turn = parts.turn;
    this.#context = new CommandContext(parts.limits, parts.prng, (request) => runnable(parts.table, request));
  }

  run(operation: CommandOperation, transaction: Transaction): void {
    const context = this.#context;
    const reply = context.reply;
    const command = operation.command;
    context.request = operation.request;
    context.slot = operation.slot;
    context.commandName = command.fullName;
    context.keyspace.bind(transaction);
    reply.begin(operation.resp3);
    operation.replyForm = ReplyForm.none;
    try {
      (command.spec.run as (context: CommandContext) => void)(context);
    } catch (error) {
      if (!(error instanceof ReplyError)) throw error;
      reply.rewind(0);
      reply.error(error.message);
    }
    reply.takeInto(operation);
    this.#turn.spend(operation.replyBytes);
    if (command.isReadOnly) {
      this.statistics.keyspaceHits += context.keyspace.hits;
      this.statistics.keyspaceMisses += context.keyspace.misses;
    }
  }
}

function runnable(table: CommandTable, request: Request): RunnableCommand | undefined {
  const command = table.resolve(request);
  const run = command?.spec.run;
  return command === undefined || run === undefined ? undefined : { fullName: command.fullName, run };
}
