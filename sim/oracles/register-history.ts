/** What clients saw of the slots' registers, for the linearizability checker (src/testing/linearizability). */
import { Outcome } from '../../src/tablet/operation.ts';
import { checkHistory } from '../../src/testing/linearizability/checker.ts';
import { HistoryRecorder, type OperationHandle } from '../../src/testing/linearizability/history.ts';
import type { RegisterInput, RegisterOutput } from '../../src/testing/linearizability/models/register.ts';
import { expectedOf, isRead, type SlotOperation } from '../load/slot-operation.ts';
import type { Attempt, AttemptHistory } from './slot-history.ts';
import { Violation } from './violation.ts';

/** A verdict that takes longer than this is not waited for. */
const STEPS_MAX = 2_000_000;

export class RegisterHistory implements AttemptHistory {
  /** Keys on which the checker gave up. */
  unknown = 0;
  readonly #recorder = new HistoryRecorder<RegisterInput, RegisterOutput>('register');
  readonly #handles = new Map<number, OperationHandle>();

  add(attempt: Attempt): void {
    const { id, slot, operation, called } = attempt;
    this.#handles.set(id, this.#recorder.invoke(id, String(slot), inputOf(operation), called));
  }

  returned(attempt: Attempt, outcome: Outcome, stamp: number): void {
    attempt.outcome = outcome;
    const handle = this.#handles.get(attempt.id) as OperationHandle;
    if (outcome === Outcome.done) this.#recorder.ok(handle, stamp, outputOf(attempt));
    else if (outcome !== Outcome.unknown || isRead(attempt.operation)) this.#recorder.fail(handle, stamp);
  }

  late(attempt: Attempt, outcome: Outcome, stamp: number): void {
    if (!isRead(attempt.operation)) this.returned(attempt, outcome, stamp);
  }

  check(): void {
    for (const { verdict, key, blocked, operations } of checkHistory(this.#recorder.history(), { maxSteps: STEPS_MAX })
      .keys) {
      if (verdict === 'unknown') this.unknown += 1;
      if (verdict !== 'violation') continue;
      throw new Violation(
        'not-linearizable',
        `the register of slot ${key}: ${operations.length} operations, none fits before ${JSON.stringify(blocked)}`,
      );
    }
  }
}

function inputOf(operation: SlotOperation): RegisterInput {
  if (operation.kind === 'registerGet') return ['get'];
  if (operation.kind === 'registerDelete') return ['delete'];
  if (operation.kind === 'registerSet') return ['set', operation.value];
  const expected = expectedOf(operation);
  return ['cas', expected === '-' ? null : expected, operation.value];
}

function outputOf({ operation, result }: Attempt): RegisterOutput | undefined {
  if (operation.kind === 'registerSet') return undefined;
  if (operation.kind === 'registerGet') return result === '-' ? null : result;
  return result === 'true';
}
