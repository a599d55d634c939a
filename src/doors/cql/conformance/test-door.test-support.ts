/** A door of one node in one process: real tablets in memory, a catalog in memory, and a port that clients connect to. */
import { assert } from '../../../base/assert.ts';
import type { Timer } from '../../../base/clock.ts';
import { silentLogger } from '../../../base/log.ts';
import { AccessControl } from '../../../cluster/access/access-control.ts';
import { MemoryCatalog } from '../../../cluster/catalog/memory-catalog.test-support.ts';
import {
  type ClusterView,
  type RoutedOperation,
  type Router,
  SLOT_COUNT,
  type TabletView,
} from '../../../cluster/view.ts';
import { Outcome, type TabletOperation } from '../../../tablet/operation.ts';
import type { CqlDoor } from '../door.ts';
import { makeCqlDoor } from '../make-door.ts';
import { StillClock, TestTablet } from '../rows/test-tablet.test-support.ts';
import { WireClient } from './wire-client.test-support.ts';

/** The wall clock with an offset that the test moves. */
export class MovableClock extends StillClock {
  offset_ms = 0;
  monotonicOffset_ms = 0;

  override monotonic_ms(): number {
    return performance.now() + this.monotonicOffset_ms;
  }

  override wall_ms(): number {
    return Date.now() + this.offset_ms;
  }

  override after(delay_ms: number, callback: () => void): Timer {
    const timer = setTimeout(callback, delay_ms);
    return { cancel: () => clearTimeout(timer) };
  }

  override every(interval_ms = 0, callback = (): void => undefined): Timer {
    const timer = setInterval(callback, interval_ms);
    return { cancel: () => clearInterval(timer) };
  }
}

/** The router of a node that leads every tablet. Writes complete in a later turn, as a commit would. */
export class OneNodeRouter implements Router {
  readonly #tablets: readonly TestTablet[];
  readonly #view: ClusterView;

  constructor(tabletCount: number, clock: MovableClock) {
    const size = SLOT_COUNT / tabletCount;
    assert(Number.isInteger(size), 'tablets have the same number of slots');
    this.#tablets = Array.from({ length: tabletCount }, (_, index) => new TestTablet(index * size, clock));
    const tablets = this.#tablets.map(
      ({ slotFirst }, index): TabletView => ({
        id: index + 1,
        slotFirst,
        slotLast: slotFirst + size - 1,
        leader: 1,
        term: 1,
        replicas: [1],
        rebuilding: [],
      }),
    );
    const node = {
      id: 1,
      redisId: '1'.padStart(40, '0'),
      name: 'n1',
      host: '127.0.0.1',
      zone: 'a',
      ports: { redis: 0, redisSingle: 0, cql: 9042, admin: 0, peer: 0 },
      alive: true,
      connected: true,
      leaving: false,
    };
    this.#view = { version: 1, clusterId: 'test', self: 1, nodes: [node], tablets };
  }

  view(): ClusterView {
    return this.#view;
  }

  submit(operation: RoutedOperation): void {
    const tablet = this.#view.tablets.find(({ slotFirst, slotLast }) => {
      return slotFirst <= operation.slot && operation.slot <= slotLast;
    });
    assert(tablet !== undefined, 'every slot has a tablet');
    this.submitToTablet(tablet.id, operation);
  }

  submitToTablet(id: number, operation: TabletOperation): void {
    const tablet = this.#tablets[id - 1];
    assert(tablet !== undefined, 'tablets that are led are there');
    tablet.run((transaction) => operation.execute(transaction));
    if (tablet.wrote) setImmediate(() => operation.complete(Outcome.done));
    else operation.complete(Outcome.done);
  }

  ledTablets(): readonly number[] {
    return this.#view.tablets.map(({ id }) => id);
  }

  call(_node: number, _service: number, _request: Uint8Array, onReply: (reply: null, sent: boolean) => void): void {
    setImmediate(() => onReply(null, false));
  }

  serve(): void {}

  readLocal(): boolean {
    return false;
  }
}

export interface TestDoor {
  readonly clock: MovableClock;
  readonly door: CqlDoor;
  connect(): Promise<WireClient>;
  stop(): Promise<void>;
}

export async function startDoor(tablets = 8): Promise<TestDoor> {
  const clock = new MovableClock();
  const catalog = new MemoryCatalog();
  const access = new AccessControl({ catalog, clock, logger: silentLogger });
  const door = makeCqlDoor({
    catalog,
    router: new OneNodeRouter(tablets, clock),
    access,
    clock,
    logger: silentLogger,
    host: '127.0.0.1',
    port: 0,
    clients_max: 100,
    deadline_ms: 5_000,
  });
  await door.start();
  const clients: WireClient[] = [];
  return {
    clock,
    door,
    connect: async () => {
      const client = await WireClient.connect('127.0.0.1', door.port);
      clients.push(client);
      return client;
    },
    stop: async () => {
      for (const client of clients) client.close();
      await door.stop();
    },
  };
}
