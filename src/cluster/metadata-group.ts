/**
 * The metadata group as the rest of the cluster layer uses it: the newest state that this node has applied, and changes to it
 * as transactions on the leader. Nothing here is hot, so promises are fine.
 */
import type { Clock } from '../base/clock.ts';
import { FolkmootError } from '../base/errors.ts';
import { DamagedError } from '../storage/errors.ts';
import { Outcome, type TabletOperation, type Transaction } from '../tablet/operation.ts';
import type { TabletHost } from '../tablet/tablet-host.ts';
import { EMPTY_METADATA, METADATA_TABLET, type Metadata, readMetadata } from './metadata.ts';

export class MetadataGroup {
  readonly #host: () => TabletHost | null;
  #state: Metadata = EMPTY_METADATA;
  #changed: (state: Metadata) => void;

  constructor(host: () => TabletHost | null, changed: (state: Metadata) => void) {
    this.#host = host;
    this.#changed = changed;
  }

  /** What this node has applied. */
  get state(): Metadata {
    return this.#state;
  }

  get leading(): boolean {
    return this.#host()?.get(METADATA_TABLET)?.serving ?? false;
  }

  /** The group's replica on this node has applied something: reads everything again. */
  refresh(): void {
    const tablet = this.#host()?.get(METADATA_TABLET);
    if (tablet === undefined) return;
    tablet.readLocal((transaction) => {
      this.#state = readMetadata(transaction);
    });
    this.#changed(this.#state);
  }

  /**
   * Runs `change` on this node, which must lead the group, over the newest state. Resolves with what it returned when that is
   * committed and applied here. `change` validates first and throws to refuse.
   */
  write<T>(change: (transaction: Transaction, state: Metadata) => T): Promise<T> {
    return this.transact((transaction) => change(transaction, readMetadata(transaction)));
  }

  /** As `write`, for who reads what it needs itself. */
  transact<T>(change: (transaction: Transaction) => T): Promise<T> {
    const tablet = this.#host()?.get(METADATA_TABLET);
    if (tablet === undefined || !tablet.serving) return Promise.reject(new NotMetadataLeader());
    return new Promise<T>((resolve, reject) => {
      tablet.submit(new MetadataChange(change, resolve, reject));
    });
  }
}

/** Certainly nothing was changed; ask the leader. */
export class NotMetadataLeader extends Error {
  override readonly name = 'NotMetadataLeader';
  constructor() {
    super('this node does not lead the metadata group');
  }
}

/** The change may have been made, or may still be. */
export class OutcomeUnknown extends FolkmootError {
  constructor() {
    super(
      'OUTCOME_UNKNOWN',
      'the change of the cluster may have been made, or may still be: its leader lost the majority meanwhile',
      'See "folkmoot status"; when it is not done, try again.',
    );
  }
}

class MetadataChange<T> implements TabletOperation {
  readonly #change: (transaction: Transaction) => T;
  readonly #resolve: (result: T) => void;
  readonly #reject: (error: unknown) => void;
  #result: { value: T } | null = null;
  #error: unknown = null;

  constructor(change: (transaction: Transaction) => T, resolve: (result: T) => void, reject: (error: unknown) => void) {
    this.#change = change;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  execute(transaction: Transaction): void {
    try {
      this.#result = { value: this.#change(transaction) };
    } catch (error) {
      // That is no refusal: the replica has to be given up.
      if (error instanceof DamagedError) throw error;
      this.#error = error;
    }
  }

  complete(outcome: Outcome): void {
    if (this.#error !== null) this.#reject(this.#error);
    else if (outcome === Outcome.done && this.#result !== null) this.#resolve(this.#result.value);
    else if (outcome === Outcome.unknown) this.#reject(new OutcomeUnknown());
    else this.#reject(new NotMetadataLeader());
  }
}

/** Resolves after `delay_ms` of the given clock. */
export function delay(clock: Clock, delay_ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delay_ms, resolve);
  });
}
