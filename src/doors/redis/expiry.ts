/**
 * Removes keys whose time has come, so that they take no room: reads never see them anyway. Every 100 ms the leader of
 * each tablet looks at the start of its slots' expiry indexes and removes what is due, through the log like any write.
 */
import type { Timer } from '../../base/clock.ts';
import type { TabletView } from '../../cluster/view.ts';
import { Outcome, type TabletOperation, type Transaction } from '../../tablet/operation.ts';
import {
  KEY_MOMENTS,
  momentDueEnd,
  momentOfKey,
  momentRangeEnd,
  momentRangeStart,
  slotOfMomentKey,
  userKeyOfMomentKey,
} from './key-layout.ts';
import { Keyspace } from './keyspace.ts';
import type { DoorServices } from './session-view.ts';

const PERIOD_MS = 100;
/** Bounds of one operation: keys removed, and slots looked at. */
const KEYS_MAX = 200;
const SLOTS_MAX = 64;
/** Time a cycle may take on the main thread; the next cycle goes on where it stopped. */
const BUDGET_MS = 10;

export class ExpiryCycle {
  readonly #door: DoorServices;
  #timer: Timer | undefined;
  #nextTablet = 0;
  /** Where each tablet's next operation begins, by tablet. */
  readonly #nextSlot = new Map<number, number>();
  readonly #underWay = new Set<number>();

  constructor(door: DoorServices) {
    this.#door = door;
  }

  start(): void {
    this.#timer = this.#door.clock.every(PERIOD_MS, () => this.#cycle());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #cycle(): void {
    if (!this.#door.configuration.activeExpire) return;
    const { clock, router, topology, statistics } = this.#door;
    const led = router.ledTablets();
    const byId = new Map(topology.view().tablets.map((tablet) => [tablet.id, tablet]));
    const start_ms = clock.monotonic_ms();
    for (let visited = 0; visited < led.length; visited += 1) {
      const id = led[this.#nextTablet % led.length] as number;
      this.#nextTablet += 1;
      const tablet = byId.get(id);
      if (tablet !== undefined && !this.#underWay.has(id)) this.#submit(tablet);
      if (clock.monotonic_ms() - start_ms > BUDGET_MS) break;
    }
    statistics.expireCycle_ms += clock.monotonic_ms() - start_ms;
  }

  #submit(tablet: TabletView): void {
    const slot = this.#nextSlot.get(tablet.id) ?? tablet.slotFirst;
    this.#underWay.add(tablet.id);
    this.#door.router.submitToTablet(
      tablet.id,
      new ExpiryOperation(tablet, slot, (nextSlot, removed, again) => {
        this.#underWay.delete(tablet.id);
        this.#nextSlot.set(tablet.id, nextSlot);
        this.#door.statistics.expiredKeys += removed;
        if (again && this.#timer !== undefined) this.#submit(tablet);
      }),
    );
  }
}

const keyspace = new Keyspace();

export class ExpiryOperation implements TabletOperation {
  readonly #tablet: { readonly slotFirst: number; readonly slotLast: number };
  readonly #from: number;
  readonly #done: (nextSlot: number, removed: number, again: boolean) => void;
  #next: number;
  #removed = 0;

  constructor(
    tablet: { readonly slotFirst: number; readonly slotLast: number },
    from: number,
    done: (nextSlot: number, removed: number, again: boolean) => void,
  ) {
    this.#tablet = tablet;
    this.#from = from;
    this.#next = from;
    this.#done = done;
  }

  execute(transaction: Transaction): void {
    const { slotFirst, slotLast } = this.#tablet;
    this.#removed = 0;
    let slot = this.#from;
    const due: { slot: number; key: string }[] = [];
    for (let looked = 0; looked < SLOTS_MAX && due.length < KEYS_MAX; looked += 1) {
      // The first entry at or after this slot tells which slot is next to look at: slots without expiry cost nothing.
      let found = -1;
      let soonest_ms = 0;
      transaction.scan(momentRangeStart(KEY_MOMENTS, slot), momentRangeEnd(KEY_MOMENTS, slotLast), false, (key) => {
        found = slotOfMomentKey(key);
        soonest_ms = momentOfKey(key);
        return false;
      });
      if (found < 0) {
        slot = slotFirst;
        break;
      }
      if (soonest_ms <= transaction.now_ms) {
        transaction.scan(
          momentRangeStart(KEY_MOMENTS, found),
          momentDueEnd(KEY_MOMENTS, found, transaction.now_ms),
          false,
          (key) => {
            due.push({ slot: found, key: userKeyOfMomentKey(key) });
            return due.length < KEYS_MAX;
          },
        );
      }
      slot = due.length < KEYS_MAX ? found + 1 : found;
      if (slot > slotLast) {
        slot = slotFirst;
        break;
      }
    }
    this.#next = slot;
    keyspace.bind(transaction);
    for (const entry of due) if (keyspace.removeExpired(entry.slot, entry.key)) this.#removed += 1;
  }

  complete(outcome: Outcome): void {
    const removed = outcome === Outcome.done ? this.#removed : 0;
    this.#done(this.#next, removed, outcome === Outcome.done && removed >= KEYS_MAX);
  }
}
