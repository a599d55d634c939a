/**
 * Replaces a replica's state by the content of a snapshot. Steps, each durable before the next, so that a crash in between
 * leaves a replica that knows that it is not whole:
 *   1. mark the replica as installing;
 *   2. wipe its ranges, which the store does in any number of transactions;
 *   3. write the chunks;
 *   4. write the new applied index and members, without the mark.
 */
import type { Logger } from '../base/log.ts';
import { type ByteKey, type KeyRange, type OrderedStore, storeChange } from '../storage/ordered-store.ts';
import { SnapshotReceiver } from '../storage/snapshot.ts';
import type { SnapshotSink } from './peer-link.ts';
import type { StoreQueue } from './store-queue.ts';

export interface SnapshotInstallerOptions {
  readonly store: OrderedStore;
  readonly queue: StoreQueue;
  /** What is to be wiped; asked when nothing else is on its way to the store any more. */
  readonly ranges: () => readonly KeyRange[] | null;
  /** Forgets what is in memory above the store. */
  readonly clearState: () => void;
  readonly metaKey: ByteKey;
  readonly metaWhileInstalling: Uint8Array;
  /** `consistentIndex`: the newest state that a chunk shows. */
  readonly metaWhenInstalled: (consistentIndex: number) => Uint8Array;
  /** Called once. */
  readonly done: (complete: boolean, consistentIndex: number) => void;
  readonly logger: Logger;
}

export class SnapshotInstaller implements SnapshotSink {
  readonly #options: SnapshotInstallerOptions;
  #started: Promise<void>;
  readonly #receiver = new SnapshotReceiver();
  #consistentIndex = 0;
  #over = false;

  constructor(options: SnapshotInstallerOptions) {
    this.#options = options;
    const { queue, store, ranges, metaKey, metaWhileInstalling } = options;
    this.#started = queue.run(async () => {
      options.clearState();
      await store.write([], [], [[metaKey, metaWhileInstalling]]);
      const wiped = ranges();
      // The metadata may have gone back since; the leader tries again.
      if (wiped === null) throw new Error('the metadata does not know the tablet');
      await store.write(wiped, [], []);
    });
    this.#started.catch((error: unknown) => this.#fail(error));
  }

  chunk(chunk: Buffer, taken: (error?: Error) => void): void {
    if (this.#over) {
      taken(new Error('the snapshot is not installed any more'));
      return;
    }
    this.#write(chunk).then(
      () => taken(),
      (error: unknown) => {
        this.#fail(error);
        taken(error instanceof Error ? error : new Error(String(error)));
      },
    );
  }

  end(finished: (complete: boolean) => void): void {
    if (this.#over) {
      finished(false);
      return;
    }
    if (!this.#receiver.done) {
      this.abort();
      finished(false);
      return;
    }
    const { queue, store, metaKey, metaWhenInstalled } = this.#options;
    queue
      .run(() => store.write([], [], [[metaKey, metaWhenInstalled(this.#consistentIndex)]]))
      .then(
        () => {
          this.#finish(true);
          finished(true);
        },
        (error: unknown) => {
          this.#fail(error);
          finished(false);
        },
      );
  }

  abort(): void {
    this.#finish(false);
  }

  async #write(chunk: Buffer): Promise<void> {
    await this.#started;
    if (this.#over) return;
    const decoded = this.#receiver.accept(chunk);
    const changes = decoded.entries.map(([key, value]) => storeChange(key, value));
    this.#consistentIndex = Math.max(this.#consistentIndex, decoded.appliedIndex);
    // Another snapshot may have begun while this waited for its turn: what is over writes nothing into its successor's state.
    await this.#options.queue.run(() => (this.#over ? Promise.resolve() : this.#options.store.write([], changes, [])));
  }

  #fail(error: unknown): void {
    this.#options.logger.warn({ error: String(error) }, 'a snapshot could not be installed');
    this.#finish(false);
  }

  #finish(complete: boolean): void {
    if (this.#over) return;
    this.#over = true;
    this.#options.done(complete, this.#consistentIndex);
  }
}
