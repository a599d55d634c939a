/**
 * Finds the tablet of a slot and brings an operation to its leader: evaluates it here, says where else it belongs, or keeps it
 * waiting while there is no leader.
 */
import type { Clock, Timer } from '../base/clock.ts';
import { Outcome } from '../tablet/operation.ts';
import type { Tablet } from '../tablet/tablet.ts';
import type { LeaderTable } from './leader-table.ts';
import { type NodeId, type RoutedOperation, SLOT_COUNT, type TabletId } from './view.ts';

export interface Place {
  readonly tablet: TabletId;
  /** This node's replica, if it has one. */
  readonly replica: Tablet | undefined;
}

interface Waiting {
  readonly operation: RoutedOperation;
  readonly until_ms: number;
}

/** Operations that wait for leaders on one node; more are refused, because they hold memory and clients' patience. */
const WAITING_MAX = 100_000;
const EXPIRE_INTERVAL_MS = 20;

export class SlotRouter {
  readonly #clock: Clock;
  readonly #self: () => NodeId;
  readonly #leaders: LeaderTable;
  readonly #reachable: (node: NodeId) => boolean;
  readonly #patience_ms: number;
  /** Runs only while something waits: an idle node does not wake up for it. */
  #timer: Timer | null = null;
  /** Index: slot. Undefined before the cluster is formed. */
  #places: (Place | undefined)[] = new Array(SLOT_COUNT).fill(undefined);
  /** By tablet; key 0 holds what came before the slots were known. */
  readonly #waiting = new Map<TabletId, Waiting[]>();
  #waitingCount = 0;
  #draining = false;

  constructor(options: {
    clock: Clock;
    self: () => NodeId;
    leaders: LeaderTable;
    reachable: (node: NodeId) => boolean;
    patience_ms: number;
  }) {
    this.#clock = options.clock;
    this.#self = options.self;
    this.#leaders = options.leaders;
    this.#reachable = options.reachable;
    this.#patience_ms = options.patience_ms;
  }

  get waitingCount(): number {
    return this.#waitingCount;
  }

  place(slot: number): Place | undefined {
    return this.#places[slot];
  }

  /** The slots' tablets have changed. */
  setPlaces(places: (Place | undefined)[]): void {
    this.#places = places;
    for (const tablet of [...this.#waiting.keys()]) this.leaderChanged(tablet);
  }

  submit(operation: RoutedOperation): void {
    const place = this.#places[operation.slot];
    if (place === undefined) {
      this.#wait(0, operation);
      return;
    }
    const replica = place.replica;
    if (replica?.serving) {
      replica.submit(operation);
      return;
    }
    if (operation.staleRead && replica?.readApplied(operation)) return;
    const leader = this.#leaders.get(place.tablet)?.node ?? 0;
    if (leader !== 0 && leader !== this.#self() && this.#reachable(leader)) operation.elsewhere(leader);
    else this.#wait(place.tablet, operation);
  }

  /** Tries again what waits for this tablet, because its leader may be known now. */
  leaderChanged(tablet: TabletId): void {
    const waiting = this.#waiting.get(tablet);
    if (waiting === undefined) return;
    this.#waiting.delete(tablet);
    this.#waitingCount -= waiting.length;
    for (const { operation, until_ms } of waiting) this.#again(operation, until_ms);
  }

  /** Refuses what waits and whatever would have to wait from now on. */
  drain(): void {
    this.#draining = true;
    this.#timer?.cancel();
    this.#timer = null;
    for (const waiting of this.#waiting.values()) {
      for (const { operation } of waiting) operation.complete(Outcome.unavailable);
    }
    this.#waiting.clear();
    this.#waitingCount = 0;
  }

  #again(operation: RoutedOperation, until_ms: number): void {
    const place = this.#places[operation.slot];
    const leader = place === undefined ? 0 : (this.#leaders.get(place.tablet)?.node ?? 0);
    const known = leader !== 0 && leader !== this.#self() && this.#reachable(leader);
    if (place === undefined || (!place.replica?.serving && !known)) {
      this.#push(place?.tablet ?? 0, { operation, until_ms });
    } else {
      this.submit(operation);
    }
  }

  #wait(tablet: TabletId, operation: RoutedOperation): void {
    if (this.#draining || this.#waitingCount >= WAITING_MAX) {
      operation.complete(this.#draining ? Outcome.unavailable : Outcome.overloaded);
      return;
    }
    this.#push(tablet, { operation, until_ms: this.#clock.monotonic_ms() + this.#patience_ms });
  }

  #push(tablet: TabletId, waiting: Waiting): void {
    const list = this.#waiting.get(tablet);
    if (list === undefined) this.#waiting.set(tablet, [waiting]);
    else list.push(waiting);
    this.#waitingCount += 1;
    this.#timer ??= this.#clock.every(EXPIRE_INTERVAL_MS, () => this.#expire());
  }

  #expire(): void {
    if (this.#waitingCount === 0) {
      this.#timer?.cancel();
      this.#timer = null;
      return;
    }
    const now_ms = this.#clock.monotonic_ms();
    for (const [tablet, list] of [...this.#waiting]) {
      // A node that was thought dead may be back without a new leader: that is no event, so it is looked at here.
      this.#waiting.delete(tablet);
      this.#waitingCount -= list.length;
      for (const waiting of list) {
        if (waiting.until_ms <= now_ms) waiting.operation.complete(Outcome.unavailable);
        else this.#again(waiting.operation, waiting.until_ms);
      }
    }
  }
}
