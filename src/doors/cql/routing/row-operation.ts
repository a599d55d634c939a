/**
 * A row command on its way: submitted to the router, evaluated in a transaction on the leader of its tablet, here or on another node, and
 * its result given to its owner. One object per command and nothing else, no promise and no closure.
 *
 *   submit -> execute -> complete(done)      page or result
 *          -> complete(notLeader)            again after a moment, until the deadline
 *          -> elsewhere(node)                sent to the leader (forward.ts); sent to us already: told back
 *          -> complete(unknown)              a write: an error that says so, never tried again; a read: again
 */
import { unreachable } from '../../../base/assert.ts';
import type { NodeId, RoutedOperation } from '../../../cluster/view.ts';
import { Outcome, type Transaction } from '../../../tablet/operation.ts';
import { CqlError, ErrorCode, type WriteType } from '../errors.ts';
import type { BatchName, RowCommand, RowPage, WriteResult } from '../rows/commands.ts';
import { readRows } from '../rows/read.ts';
import { writeRows } from '../rows/write.ts';
import { beginBatch, doPart, endBatch } from './batch-log.ts';
import { type BatchDone, Ending, type RowHost } from './row-host.ts';

export interface RowOwner {
  /** `page`, `result` or `error` of the operation is set. Called once. */
  rowsDone(operation: RowOperation): void;
}

/** A pause before an operation is tried again: long enough not to spin, short against an election. */
const RETRY_DELAY_MS = 10;

const APPLIED: WriteResult = { applied: true, current: null };

export class RowOperation implements RoutedOperation, BatchDone {
  readonly slot: number;
  readonly staleRead: boolean;
  readonly command: RowCommand;
  /** Of a read. */
  page: RowPage | null = null;
  /** Of a write. */
  result: WriteResult | null = null;
  error: CqlError | null = null;
  ending: Ending = Ending.done;
  readonly #owner: RowOwner;
  readonly #services: RowHost;
  /** Sent by another node, which tries again itself. */
  readonly #isForwarded: boolean;
  /** The leader that evaluates has not applied the schema that its tablet asks for. */
  #lags = false;
  /** As it was logged. */
  #batch: BatchName | null = null;
  /** Set when it is tried a second time: asking the clock for every command costs too much. */
  #deadline_ms = 0;

  /** `slot`: any slot of the tablet that the command is about. */
  constructor(
    services: RowHost,
    command: RowCommand,
    slot: number,
    owner: RowOwner,
    staleRead = false,
    isForwarded = false,
  ) {
    this.#services = services;
    this.command = command;
    this.slot = slot;
    this.#owner = owner;
    this.staleRead = staleRead;
    this.#isForwarded = isForwarded;
  }

  submit(): void {
    this.#services.router.submit(this);
  }

  execute(transaction: Transaction): void {
    const { command } = this;
    const slotFirst = this.#services.slots.firstSlot(this.slot);
    this.error = null;
    this.#batch = null;
    this.#lags = !this.staleRead && !this.#services.isSchemaCurrent(transaction, slotFirst);
    if (this.#lags) return;
    try {
      this.#evaluate(transaction, command, slotFirst);
    } catch (error) {
      if (!(error instanceof CqlError)) throw error;
      this.error = error;
    }
  }

  #evaluate(transaction: Transaction, command: RowCommand, slotFirst: number): void {
    switch (command.kind) {
      case 'read':
        this.#services.checkTable(command.table);
        this.page = readRows(transaction, command, slotFirst);
        return;
      case 'write':
        this.#services.checkTables(command);
        this.result = writeRows(transaction, command, slotFirst);
        return;
      case 'batch':
        for (const { write } of command.parts) this.#services.checkTables(write);
        this.#batch = beginBatch(transaction, command, slotFirst);
        this.result = APPLIED;
        return;
      case 'part':
        this.#services.checkTables(command.write);
        doPart(transaction, command, slotFirst);
        this.result = APPLIED;
        return;
      default:
        endBatch(transaction, command.batch);
        this.result = APPLIED;
    }
  }

  complete(outcome: Outcome): void {
    switch (outcome) {
      case Outcome.done:
        if (this.#lags) this.again();
        else if (this.error !== null) this.finish(Ending.refused);
        else if (this.command.kind === 'batch' && this.#batch !== null) {
          this.#services.startBatch(this.#batch, this.command.parts.slice(1), this);
        } else this.finish(Ending.done);
        return;
      case Outcome.notLeader:
        this.again();
        return;
      case Outcome.unknown:
        this.endUnknown();
        return;
      case Outcome.overloaded:
        this.end(Ending.overloaded);
        return;
      case Outcome.unavailable:
        this.end(Ending.unavailable);
        return;
      default:
        unreachable('an outcome is one of five');
    }
  }

  elsewhere(node: NodeId): void {
    if (this.#isForwarded) this.end(Ending.notExecuted);
    else this.#services.forward(this, node);
  }

  /** Certainly without effect: tries again, or ends when the deadline has passed. */
  again(): void {
    if (this.#isForwarded) {
      this.end(Ending.notExecuted);
      return;
    }
    const { clock, deadline_ms } = this.#services;
    const now_ms = clock.monotonic_ms();
    if (this.#deadline_ms === 0) this.#deadline_ms = now_ms + deadline_ms;
    if (now_ms >= this.#deadline_ms) this.end(Ending.unavailable);
    else clock.after(RETRY_DELAY_MS, () => this.submit());
  }

  endUnknown(): void {
    const { kind } = this.command;
    // A read has no effect, whatever became of it; a part of a batch has its effect once, and its end makes no difference.
    if (kind === 'read' || kind === 'part' || kind === 'batchEnd') this.again();
    else this.end(Ending.unknown);
  }

  batchDone(error: CqlError | null): void {
    this.error = error;
    this.finish(error === null ? Ending.done : Ending.refused);
  }

  batchLate(): void {
    this.end(Ending.unknown);
  }

  end(ending: Ending): void {
    this.error = errorOf(ending, this.command);
    this.finish(ending);
  }

  finish(ending: Ending): void {
    this.ending = ending;
    this.#owner.rowsDone(this);
  }
}

function errorOf(ending: Ending, command: RowCommand): CqlError {
  switch (ending) {
    case Ending.unknown:
      return unknownOutcome(writeTypeOf(command));
    case Ending.overloaded:
      return new CqlError(ErrorCode.overloaded, 'The queue of writes in flight is full; nothing was done');
    default:
      return new CqlError(ErrorCode.unavailable, 'No leader could be reached; nothing was done');
  }
}

/** May or may not have its effect, now or later. */
export function unknownOutcome(writeType: WriteType): CqlError {
  if (writeType === 'CAS') {
    return new CqlError(
      ErrorCode.casWriteUnknown,
      'CAS operation result is unknown - proposal accepted by 0 but not a quorum.',
      { writeType },
    );
  }
  return new CqlError(ErrorCode.writeTimeout, 'Operation timed out - received only 0 responses.', { writeType });
}

function writeTypeOf(command: RowCommand): WriteType {
  if (command.kind === 'batch') return 'BATCH';
  if (command.kind !== 'write') return 'SIMPLE';
  const { mutations, conditions } = command;
  if (conditions !== null) return 'CAS';
  if (mutations[0]?.table.isCounter === true) return 'COUNTER';
  return mutations.length > 1 ? 'UNLOGGED_BATCH' : 'SIMPLE';
}
