/**
 * The replicas of this node that have been given up because of damage. They are silent: not driven, not asked, not removed
 * until the group works without them, and known as lost in every later life of the node. What follows is in
 * docs/internals/damage.md.
 */
import type { Logger } from '../base/log.ts';
import type { DamagedError } from '../storage/errors.ts';
import type { ByteKey, OrderedStore } from '../storage/ordered-store.ts';
import type { Wal } from '../storage/wal.ts';
import type { LostReplica } from './damage.ts';
import type { StoreQueue } from './store-queue.ts';
import type { Tablet } from './tablet.ts';
import type { HostCounters, TabletHostEvents } from './tablet-host-options.ts';
import { encodeLostMeta, logWitness, metaKey, metaOf } from './tablet-meta.ts';

export interface LostReplicasOptions {
  readonly store: OrderedStore;
  readonly wal: Wal;
  readonly queue: StoreQueue;
  readonly tablets: ReadonlyMap<number, Tablet>;
  readonly events: TabletHostEvents;
  readonly counters: HostCounters;
  readonly logger: Logger;
  /** Drives the replica no longer. */
  readonly forget: (tablet: Tablet) => void;
  readonly markDirty: (tablet: Tablet) => void;
}

export class LostReplicas {
  readonly #options: LostReplicasOptions;
  readonly #log: Logger;
  readonly #lost = new Map<number, LostReplica>();
  /** Damaged, and still leading. */
  readonly #ailing = new Map<Tablet, string>();

  constructor(options: LostReplicasOptions) {
    this.#options = options;
    this.#log = options.logger;
  }

  get byTablet(): ReadonlyMap<number, LostReplica> {
    return this.#lost;
  }

  /** Found when the node started, or while it runs. */
  add(id: number, lost: LostReplica): void {
    this.#lost.set(id, lost);
    this.#options.counters.replicasLost += 1;
    this.#log.error({ tablet: id, reason: lost.reason }, 'a replica is lost; it is to be rebuilt from its peers');
    this.#options.events.lost(id);
  }

  loseAll(reason: string): void {
    for (const tablet of [...this.#options.tablets.values()]) this.#lose(tablet, reason);
  }

  /** It has become known which replica it was. */
  name(id: number, replica: number): void {
    const lost = this.#lost.get(id);
    if (lost !== undefined) this.#lost.set(id, { ...lost, replica });
  }

  /** The replica has been removed with its data. */
  removed(id: number): void {
    this.#lost.delete(id);
  }

  /**
   * Gives up every replica that holds one of the keys that were found damaged when the store was opened, and makes durable that
   * all lost ones are. Before any message.
   */
  async settle(): Promise<void> {
    for (const tablet of [...this.#options.tablets.values()]) {
      const key = this.#damagedKeyIn(tablet);
      if (key !== undefined)
        this.#lose(tablet, `the value of key ${Buffer.from(key, 'latin1').toString('hex')} is damaged`);
    }
    await this.#write([...this.#lost.keys()]);
  }

  /** Reading the replica's state has found damage. */
  found(tablet: Tablet, error: DamagedError): void {
    if (tablet.damaged || this.#options.tablets.get(tablet.id) !== tablet) return;
    this.#log.error({ tablet: tablet.id, error: error.message }, 'a replica is damaged and serves nothing any more');
    tablet.becomeDamaged();
    this.#giveUp(tablet, error.message);
  }

  /** Called at every tick. */
  tick(): void {
    for (const [tablet, reason] of this.#ailing) this.#giveUp(tablet, reason);
  }

  /** A leader that fell silent would keep its followers waiting for as long as this node lives: it hands over first. */
  #giveUp(tablet: Tablet, reason: string): void {
    if (this.#options.tablets.get(tablet.id) !== tablet) {
      this.#ailing.delete(tablet);
      return;
    }
    if (tablet.raft.isLeader) {
      this.#ailing.set(tablet, reason);
      this.#options.events.handOver(tablet);
      this.#options.markDirty(tablet);
      return;
    }
    this.#ailing.delete(tablet);
    this.#lose(tablet, reason);
    this.#write([tablet.id]).catch((error: unknown) => {
      this.#options.events.failed(error instanceof Error ? error : new Error(String(error)));
    });
  }

  #lose(tablet: Tablet, reason: string): void {
    this.#options.forget(tablet);
    this.add(tablet.id, { replica: tablet.replica, reason, meta: metaOf(tablet, tablet.installing) });
  }

  /** What is lost must be known as lost in the next life, however the log goes on. */
  #write(ids: readonly number[]): Promise<void> {
    if (ids.length === 0) return Promise.resolve();
    const { store, wal, queue } = this.#options;
    return queue.run(() => {
      const metas: [ByteKey, Uint8Array][] = [logWitness(wal.durableBatch)];
      for (const id of ids) {
        const lost = this.#lost.get(id);
        if (lost !== undefined) metas.push([metaKey(id), encodeLostMeta(lost.meta)]);
      }
      return store.write([], [], metas);
    });
  }

  #damagedKeyIn(tablet: Tablet): ByteKey | undefined {
    const { store } = this.#options;
    const { damagedKeys } = store;
    if (damagedKeys.length === 0) return undefined;
    const ranges = tablet.ranges(store);
    // Which keys are whose is not known: any of them may be this replica's.
    if (ranges === null) return damagedKeys[0];
    return damagedKeys.find((key) => ranges.some(({ lo, hi }) => lo <= key && key < hi));
  }
}
