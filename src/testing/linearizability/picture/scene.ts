/**
 * What a picture of a key's history shows, in columns instead of times: one column for each call and return in a window
 * before the violation, since real times differ by too much to be drawn to scale.
 */
import { assert } from '../../../base/assert.ts';
import type { KeyResult } from '../checker.ts';
import type { Operation } from '../history.ts';

export interface Bar {
  readonly operation: Operation;
  readonly label: string;
  /** `placed`: has a number. `late`: not needed any more before the violation. `blocked`: fits nowhere. */
  readonly role: 'placed' | 'late' | 'blocked';
  readonly isRead: boolean;
  /** Column of the call; -1 when it was called before the window. */
  readonly from: number;
  /** Column of the return; the number of columns when it returned after the window or never. */
  readonly to: number;
  /** Position in the linearization, from 1; 0 when it has none. */
  readonly number: number;
}

/** An operation that takes effect, and what the state is then. */
export interface Point {
  readonly bar: Bar;
  /** It happens between this column and the next. */
  readonly after: number;
  readonly state: string;
  readonly changesState: boolean;
}

export interface Scene {
  readonly bars: readonly Bar[];
  /** In order. */
  readonly points: readonly Point[];
  /** The time of each column. */
  readonly times: readonly number[];
  /** Before the first point. */
  readonly firstState: string;
  /** Operations that are not shown: placed before the window, and of unknown outcome, called before it and not needed. */
  readonly hiddenPlaced: number;
  readonly hiddenUnknown: number;
}

/** `maxPlaced`: how many operations of the linearization are shown. */
export function sceneOf(result: KeyResult, maxPlaced: number): Scene {
  const { model, linearization, blocked } = result;
  const numbers = new Map(linearization.map((operation, index) => [operation, index + 1]));
  const shownPlaced = new Set(linearization.slice(-Math.max(1, maxPlaced)));
  const [start, end] = windowOf([...shownPlaced], blocked);
  const isShown = (operation: Operation): boolean => {
    if (operation.outcome === 'failed' || operation.call > end) return false;
    if (numbers.has(operation)) return shownPlaced.has(operation);
    return operation.outcome === 'ok' ? operation.return >= start : operation.call >= start;
  };
  const shown = result.operations.filter(isShown);
  const columns = columnsOf(shown, start, end);
  const bars = shown.map((operation): Bar => {
    const { input, output, outcome } = operation;
    return {
      operation,
      label: model.describe(input, outcome === 'ok' ? output : undefined),
      role: operation === blocked ? 'blocked' : numbers.has(operation) ? 'placed' : 'late',
      isRead: model.isRead(input, output),
      from: columns.calls.get(operation) ?? -1,
      to: columns.returns.get(operation) ?? columns.times.length,
      number: numbers.get(operation) ?? 0,
    };
  });
  const unknown = result.operations.filter(({ outcome }) => outcome === 'unknown');
  return {
    bars,
    ...replay(result, bars),
    times: columns.times,
    hiddenPlaced: linearization.length - bars.filter(({ number }) => number > 0).length,
    hiddenUnknown: unknown.filter((operation) => !numbers.has(operation) && !shown.includes(operation)).length,
  };
}

/** From the first return among the operations that are shown, to the return of the one that fits nowhere. */
function windowOf(shown: readonly Operation[], blocked: Operation | undefined): [start: number, end: number] {
  const ended = shown.filter(({ outcome }) => outcome === 'ok').map((operation) => operation.return);
  const end = blocked?.return ?? Math.max(...ended, Number.NEGATIVE_INFINITY);
  const begun = blocked === undefined ? ended : [...ended, blocked.return];
  return [Math.min(...begun, Number.POSITIVE_INFINITY), end];
}

interface Columns {
  readonly times: readonly number[];
  readonly calls: ReadonlyMap<Operation, number>;
  readonly returns: ReadonlyMap<Operation, number>;
}

function columnsOf(operations: readonly Operation[], start: number, end: number): Columns {
  const earliest = Math.min(
    start,
    ...operations.filter(({ call }) => call >= start - (end - start)).map(({ call }) => call),
  );
  const events: { readonly time: number; readonly isReturn: boolean; readonly operation: Operation }[] = [];
  for (const operation of operations) {
    if (operation.call >= earliest) events.push({ time: operation.call, isReturn: false, operation });
    if (operation.outcome === 'ok' && operation.return <= end) {
      events.push({ time: operation.return, isReturn: true, operation });
    }
  }
  events.sort((a, b) => a.time - b.time || Number(a.isReturn) - Number(b.isReturn));
  const calls = new Map<Operation, number>();
  const returns = new Map<Operation, number>();
  for (const [column, { isReturn, operation }] of events.entries()) (isReturn ? returns : calls).set(operation, column);
  return { times: events.map(({ time }) => time), calls, returns };
}

/** Runs the linearization again to learn the states, and puts each operation as early as its place in the order allows. */
function replay({ model, linearization }: KeyResult, bars: readonly Bar[]): Pick<Scene, 'points' | 'firstState'> {
  const byOperation = new Map(bars.map((bar) => [bar.operation, bar]));
  const points: Point[] = [];
  let state = model.init();
  let firstState = state;
  let after = -1;
  for (const operation of linearization) {
    const before = model.key(state);
    const output = operation.outcome === 'ok' ? operation.output : undefined;
    const next = model.step(state, operation.input, output);
    assert(next !== undefined, 'the order explains every output in it');
    state = next;
    const bar = byOperation.get(operation);
    if (bar !== undefined) {
      after = Math.max(after, bar.from);
      points.push({ bar, after, state: model.describeState(state), changesState: model.key(state) !== before });
    } else if (points.length === 0) {
      firstState = state;
    }
  }
  return { points, firstState: model.describeState(firstState) };
}
