/**
 * The simulated world's only source of order: a queue of events in simulated time. One event at a time runs, with all promise
 * reactions that follow from it; events at the same time run in the order in which they were planned.
 *
 * An event may belong to a lane, the thread of a simulated process. A frozen lane keeps its events for later (SIGSTOP, a
 * stalled main loop); what a lane that is over had planned never happens.
 */
import { runMicrotasks } from './microtasks.ts';
import { TraceHash } from './trace-hash.ts';

export const EventKind = {
  timer: 1,
  turn: 2,
  data: 3,
  connection: 4,
  datagram: 5,
  disk: 6,
  store: 7,
  client: 8,
  fault: 9,
  oracle: 10,
  process: 11,
  message: 12,
} as const;
export type EventKind = (typeof EventKind)[keyof typeof EventKind];

export class SimEvent {
  at_ms: number;
  readonly order: number;
  readonly kind: EventKind;
  readonly lane: Lane | null;
  callback: (() => void) | null;

  constructor(at_ms: number, order: number, kind: EventKind, lane: Lane | null, callback: () => void) {
    this.at_ms = at_ms;
    this.order = order;
    this.kind = kind;
    this.lane = lane;
    this.callback = callback;
  }

  cancel(): void {
    this.callback = null;
  }
}

/** A thread of a simulated process. */
export class Lane {
  readonly machine: number;
  /** Called after every event of the lane. */
  readonly after: (() => void) | null;
  over = false;
  #frozen = 0;
  #held: SimEvent[] = [];

  constructor(machine: number, after: (() => void) | null) {
    this.machine = machine;
    this.after = after;
  }

  get frozen(): boolean {
    return this.#frozen > 0;
  }

  hold(event: SimEvent): void {
    this.#held.push(event);
  }

  /** Freezes nest: the lane goes on when each has been thawed. */
  freeze(): void {
    this.#frozen += 1;
  }

  thaw(scheduler: Scheduler): void {
    this.#frozen -= 1;
    if (this.#frozen > 0) return;
    const held = this.#held;
    this.#held = [];
    for (const event of held) {
      if (event.callback !== null) scheduler.again(event);
    }
  }
}

export class Scheduler {
  now_ms = 0;
  events = 0;
  readonly hash = new TraceHash();
  /** Called before each event when a trace is wanted. */
  onEvent: ((event: SimEvent) => void) | null = null;
  readonly #heap: SimEvent[] = [];
  #order = 0;

  /** A number that is higher than all given out before: for ordering what happens within one event. */
  stamp(): number {
    this.#order += 1;
    return this.#order;
  }

  plan(delay_ms: number, kind: EventKind, lane: Lane | null, callback: () => void): SimEvent {
    const event = new SimEvent(this.now_ms + delay_ms, this.stamp(), kind, lane, callback);
    this.#push(event);
    return event;
  }

  /** Runs `callback` on the lane: within the present event, or when the lane is thawed. */
  enter(kind: EventKind, lane: Lane, callback: () => void): void {
    if (lane.over) return;
    if (lane.frozen) {
      lane.hold(new SimEvent(this.now_ms, this.stamp(), kind, lane, callback));
      return;
    }
    callback();
    runMicrotasks();
    if (lane.after !== null && !lane.over) lane.after();
  }

  /** Plans an event anew that its lane has held back. */
  again(event: SimEvent): void {
    const copy = new SimEvent(this.now_ms, this.stamp(), event.kind, event.lane, () => {
      const callback = event.callback;
      event.callback = null;
      callback?.();
    });
    this.#push(copy);
  }

  /** Runs one event; false when there is none before `until_ms`. */
  step(until_ms: number): boolean {
    for (;;) {
      const event = this.#heap[0];
      if (event === undefined || event.at_ms > until_ms) {
        this.now_ms = until_ms;
        return false;
      }
      this.#pop();
      const { callback, lane } = event;
      if (callback === null) continue;
      if (lane !== null) {
        if (lane.over) continue;
        if (lane.frozen) {
          lane.hold(event);
          continue;
        }
      }
      this.now_ms = event.at_ms;
      this.events += 1;
      this.hash.event(event.at_ms, event.kind, lane === null ? 0 : lane.machine);
      if (this.onEvent !== null) this.onEvent(event);
      event.callback = null;
      callback();
      runMicrotasks();
      if (lane?.after != null && !lane.over) lane.after();
      return true;
    }
  }

  #push(event: SimEvent): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = heap[up] as SimEvent;
      if (!isBefore(event, parent)) break;
      heap[at] = parent;
      at = up;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as SimEvent;
    const length = heap.length;
    if (length === 0) return;
    let at = 0;
    for (;;) {
      let down = 2 * at + 1;
      if (down >= length) break;
      if (down + 1 < length && isBefore(heap[down + 1] as SimEvent, heap[down] as SimEvent)) down += 1;
      const child = heap[down] as SimEvent;
      if (!isBefore(child, last)) break;
      heap[at] = child;
      at = down;
    }
    heap[at] = last;
  }
}

function isBefore(a: SimEvent, b: SimEvent): boolean {
  return a.at_ms < b.at_ms || (a.at_ms === b.at_ms && a.order < b.order);
}
