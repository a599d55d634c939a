/**
 * The clocks of one machine: a monotonic one that runs at its own rate and stands still while the machine is suspended, and a
 * wall clock that may be wrong and jump. `ProcessClock` is what a process on the machine sees.
 */
import type { Clock, Timer } from '../../src/base/clock.ts';
import type { Prng } from '../../src/base/prng.ts';
import { EventKind, type Lane, type Scheduler, type SimEvent } from './scheduler.ts';

const WALL_START_MS = 1_790_000_000_000;

export class MachineClock {
  /** Local milliseconds for each simulated one. */
  readonly rate: number;
  /** Wall clock minus the truth. */
  wallError_ms: number;
  readonly #scheduler: Scheduler;
  #localBase_ms: number;
  #base_ms = 0;
  #suspended = false;

  constructor(scheduler: Scheduler, rate: number, start_ms: number, wallError_ms: number) {
    this.#scheduler = scheduler;
    this.rate = rate;
    this.#localBase_ms = start_ms;
    this.wallError_ms = wallError_ms;
  }

  monotonic_ms(): number {
    if (this.#suspended) return this.#localBase_ms;
    return this.#localBase_ms + (this.#scheduler.now_ms - this.#base_ms) * this.rate;
  }

  wall_ms(): number {
    return WALL_START_MS + this.#scheduler.now_ms + this.wallError_ms;
  }

  suspend(): void {
    this.#localBase_ms = this.monotonic_ms();
    this.#suspended = true;
  }

  resume(): void {
    this.#suspended = false;
    this.#base_ms = this.#scheduler.now_ms;
  }
}

export class ProcessClock implements Clock {
  readonly #scheduler: Scheduler;
  readonly #machine: MachineClock;
  readonly #lane: Lane;
  readonly #prng: Prng;
  readonly #turn_ms: number;
  #callbacks: (() => void)[] = [];

  /** `turn_ms`: how long a turn of the event loop takes at most: what arrives meanwhile is handled in the same one. */
  constructor(scheduler: Scheduler, machine: MachineClock, lane: Lane, prng: Prng, turn_ms: number) {
    this.#scheduler = scheduler;
    this.#machine = machine;
    this.#lane = lane;
    this.#prng = prng;
    this.#turn_ms = turn_ms;
  }

  monotonic_ms(): number {
    return this.#machine.monotonic_ms();
  }

  wall_ms(): number {
    return this.#machine.wall_ms();
  }

  after(delay_ms: number, callback: () => void): Timer {
    return new SimTimer(this.#scheduler, this.#machine, this.#lane, delay_ms, false, callback);
  }

  every(interval_ms: number, callback: () => void): Timer {
    return new SimTimer(this.#scheduler, this.#machine, this.#lane, interval_ms, true, callback);
  }

  endOfTurn(callback: () => void): void {
    this.#callbacks.push(callback);
    if (this.#callbacks.length > 1) return;
    this.#scheduler.plan(this.#prng.fraction() * this.#turn_ms, EventKind.turn, this.#lane, this.#runCallbacks);
  }

  readonly #runCallbacks = (): void => {
    const callbacks = this.#callbacks;
    this.#callbacks = [];
    for (const callback of callbacks) callback();
  };
}

class SimTimer implements Timer {
  readonly #scheduler: Scheduler;
  readonly #machine: MachineClock;
  readonly #lane: Lane;
  readonly #delay_ms: number;
  readonly #repeats: boolean;
  readonly #callback: () => void;
  #due_ms = 0;
  #event: SimEvent | null;
  #cancelled = false;
  readonly #fire = (): void => this.#fired();

  constructor(
    scheduler: Scheduler,
    machine: MachineClock,
    lane: Lane,
    delay_ms: number,
    repeats: boolean,
    callback: () => void,
  ) {
    this.#scheduler = scheduler;
    this.#machine = machine;
    this.#lane = lane;
    this.#delay_ms = Math.max(repeats ? 0.1 : 0, delay_ms);
    this.#repeats = repeats;
    this.#callback = callback;
    this.#event = this.#plan(this.#delay_ms);
  }

  cancel(): void {
    this.#cancelled = true;
    this.#event?.cancel();
    this.#event = null;
  }

  #plan(delay_ms: number): SimEvent {
    this.#due_ms = this.#machine.monotonic_ms() + delay_ms;
    return this.#scheduler.plan(delay_ms / this.#machine.rate, EventKind.timer, this.#lane, this.#fire);
  }

  #fired(): void {
    // The machine was suspended meanwhile: its clock stood still.
    const left_ms = this.#due_ms - this.#machine.monotonic_ms();
    if (left_ms > 1e-6) {
      this.#event = this.#plan(left_ms);
      return;
    }
    this.#event = null;
    this.#callback();
    if (this.#repeats && !this.#cancelled) this.#event = this.#plan(this.#delay_ms);
  }
}
