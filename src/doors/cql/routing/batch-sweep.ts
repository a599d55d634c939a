/** Finds batches in the log that nobody carries to their tablets any more, because the node that did is gone. */
import type { ByteKey } from '../../../storage/ordered-store.ts';
import type { Transaction } from '../../../tablet/operation.ts';
import { openBatches } from './batch-log.ts';
import type { RowServices } from './row-services.ts';
import type { Sweep, TabletRange } from './sweep.ts';

const BATCHES_MAX = 100;

export class BatchSweep implements Sweep {
  readonly #services: RowServices;
  readonly #tablet: TabletRange;
  #found: { id: ByteKey; value: Buffer }[] = [];

  constructor(services: RowServices, tablet: TabletRange) {
    this.#services = services;
    this.#tablet = tablet;
  }

  run(transaction: Transaction): void {
    this.#found = openBatches(transaction, this.#tablet.slotFirst, BATCHES_MAX);
  }

  settle(done: boolean): boolean {
    const [first] = this.#found;
    // What was read is committed now: a batch that this node logs itself has begun to be carried out before.
    if (done && first !== undefined) {
      for (const { id, value } of this.#found) {
        this.#services.batches.resume({ log: this.#tablet.slotFirst, id, open: first.id }, value);
      }
    }
    this.#found = [];
    return false;
  }
}
