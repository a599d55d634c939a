/**
 * Histories: what clients asked, when, and what they were told. They are recorded by a test (simulated or real), checked by
 * `checker.ts` and `list-append/`, and kept in files by `history-codec.ts`.
 *
 * Times are numbers of any unit and origin, equal for all processes of a history (milliseconds, by convention). One
 * operation comes before another when it returned *before* the other was called; everything else, equal times included,
 * counts as concurrent.
 */
import { assert } from '../../base/assert.ts';

/**
 * `ok`: done, and `output` is what the client was told. `failed`: certainly never done, now or later. `unknown`: may have
 * happened, may yet happen, or may never happen (a time-out, a broken connection, a crash).
 */
export type Outcome = 'ok' | 'unknown' | 'failed';

/** One operation of one client. `models/` and `list-append/` give the shapes of `input` and `output`. */
export interface Operation<Input = unknown, Output = unknown> {
  /** The client: a small integer. A sequential client is one process; operations of one process may overlap as well. */
  readonly process: number;
  /** What is checked by itself. Operations on different keys do not see each other. */
  readonly key: string;
  /** When the client asked. */
  readonly call: number;
  /** When the client was told; `Infinity` when the outcome is unknown. Not before `call`. */
  readonly return: number;
  readonly input: Input;
  /** undefined: nothing was told, so anything may have been the result. */
  readonly output: Output | undefined;
  readonly outcome: Outcome;
}

export interface History<Input = unknown, Output = unknown> {
  /** In order of call. */
  readonly operations: readonly Operation<Input, Output>[];
  /** The name of the model of each key that occurs in `operations`. */
  readonly models: ReadonlyMap<string, string>;
}

/** What `invoke` returned; the operation's index in `History.operations`. */
export type OperationHandle = number;

/**
 * Records operations as they happen, in one thread. It sees the true order of calls and returns, and keeps it: an event
 * never gets the same time as the one before, however coarse the clock is, nor an earlier one when the clock is set back.
 * Costs one object for each operation.
 */
export class HistoryRecorder<Input = unknown, Output = unknown> {
  readonly #modelOf: (key: string) => string;
  readonly #models = new Map<string, string>();
  readonly #operations: Recorded<Input, Output>[] = [];
  #lastTime = Number.NEGATIVE_INFINITY;

  /** `model` is the name of the one model of all keys, or says which model a key has. */
  constructor(model: string | ((key: string) => string)) {
    this.#modelOf = typeof model === 'string' ? () => model : model;
  }

  /** How many operations were invoked. */
  get size(): number {
    return this.#operations.length;
  }

  /** To be called before the request leaves the client. */
  invoke(process: number, key: string, input: Input, now: number): OperationHandle {
    if (!this.#models.has(key)) this.#models.set(key, this.#modelOf(key));
    const call = this.#tick(now);
    const operation: Recorded<Input, Output> = {
      process,
      key,
      call,
      return: Number.POSITIVE_INFINITY,
      input,
      output: undefined,
      outcome: 'unknown',
    };
    return this.#operations.push(operation) - 1;
  }

  /** It is done. To be called after the reply has arrived. */
  ok(handle: OperationHandle, now: number, output?: Output): void {
    const operation = this.#open(handle);
    operation.outcome = 'ok';
    operation.return = this.#tick(now);
    operation.output = output;
  }

  /** It certainly did not happen and never will. */
  fail(handle: OperationHandle, now: number): void {
    const operation = this.#open(handle);
    operation.outcome = 'failed';
    operation.return = this.#tick(now);
  }

  /** The client gave up. Says the same as never telling the recorder of a return. */
  unknown(handle: OperationHandle, _now?: number): void {
    this.#open(handle);
  }

  /** Everything so far; what has not returned is unknown. A view: it grows while the recorder is used. */
  history(): History<Input, Output> {
    return { operations: this.#operations, models: this.#models };
  }

  #open(handle: OperationHandle): Recorded<Input, Output> {
    const operation = this.#operations[handle];
    assert(operation !== undefined, 'a handle that this recorder did not give out');
    assert(operation.outcome === 'unknown', 'an operation returns once');
    return operation;
  }

  /** An event at which the clock stands still or goes back is put just behind the one before. */
  #tick(now: number): number {
    assert(Number.isFinite(now), 'the time of an event is a finite number');
    // A nanosecond for milliseconds; for numbers so large that adding it changes nothing, the smallest step they have.
    const step = Math.max(1e-6, Math.abs(this.#lastTime) * 2 * Number.EPSILON);
    this.#lastTime = now > this.#lastTime ? now : this.#lastTime + step;
    return this.#lastTime;
  }
}

type Recorded<Input, Output> = { -readonly [Field in keyof Operation<Input, Output>]: Operation<Input, Output>[Field] };
