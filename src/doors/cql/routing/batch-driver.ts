/** Carries the parts of logged batches to their tablets, on the node that leads the log. */
import type { CqlError } from '../errors.ts';
import { CodecError } from '../rows/byte-codec.ts';
import { decodeCommand } from '../rows/command-codec.ts';
import type { BatchName, BatchWritePart } from '../rows/commands.ts';
import { decodeParts } from './batch-log.ts';
import { type BatchDone, Ending, type RowHost } from './row-host.ts';
import { RowOperation, type RowOwner } from './row-operation.ts';

/** Between attempts at a part whose tablet cannot be reached. */
const RETRY_DELAY_MS = 200;

export class BatchDriver {
  readonly #services: RowHost;
  readonly #running = new Set<string>();

  constructor(services: RowHost) {
    this.#services = services;
  }

  get count(): number {
    return this.#running.size;
  }

  /** A batch that was logged just now. `parts`: without the one that was done with its record. */
  start(batch: BatchName, parts: readonly BatchWritePart[], done: BatchDone): void {
    this.#run(
      batch,
      parts.map((part, i) => ({ ...part, index: i + 1 })),
      done,
    );
  }

  /** A batch that was found in the log: its coordinator or its leader is gone. Nothing happens when it is under way here. */
  resume(batch: BatchName, value: Buffer): void {
    if (this.#running.has(nameOf(batch))) return;
    const parts: (BatchWritePart & { index: number })[] = [];
    for (const { index, slot, command } of decodeParts(value)) {
      try {
        const write = decodeCommand(command, this.#services.tables);
        if (write.kind === 'write') parts.push({ index, slot, write });
      } catch (error) {
        // Its table has been dropped: there is nothing to be done.
        if (!(error instanceof CodecError)) throw error;
      }
    }
    this.#run(batch, parts, null);
  }

  #run(batch: BatchName, parts: readonly (BatchWritePart & { index: number })[], done: BatchDone | null): void {
    const name = nameOf(batch);
    if (this.#running.has(name)) return;
    this.#running.add(name);
    new RunningBatch(this.#services, batch, parts, done, () => this.#running.delete(name)).start();
  }
}

function nameOf({ log, id }: BatchName): string {
  return `${log} ${id}`;
}

class RunningBatch implements RowOwner {
  readonly #services: RowHost;
  readonly #batch: BatchName;
  readonly #parts: readonly (BatchWritePart & { index: number })[];
  readonly #ended: () => void;
  readonly #deadline_ms: number;
  #done: BatchDone | null;
  #left: number;
  #error: CqlError | null = null;

  constructor(
    services: RowHost,
    batch: BatchName,
    parts: readonly (BatchWritePart & { index: number })[],
    done: BatchDone | null,
    ended: () => void,
  ) {
    this.#services = services;
    this.#batch = batch;
    this.#parts = parts;
    this.#done = done;
    this.#ended = ended;
    this.#left = parts.length;
    this.#deadline_ms = services.clock.monotonic_ms() + services.deadline_ms;
  }

  start(): void {
    if (this.#parts.length === 0) this.#finish();
    for (const part of this.#parts) this.#send(part.index, part);
  }

  #send(index: number, { slot, write }: BatchWritePart): void {
    new RowOperation(this.#services, { kind: 'part', batch: this.#batch, index, write }, slot, this).submit();
  }

  rowsDone(operation: RowOperation): void {
    const { command, ending, error } = operation;
    if (command.kind !== 'part') {
      // The record is gone; or it is not, and whoever leads the log then finds it and that all of it is done.
      this.#ended();
      return;
    }
    if (ending !== Ending.done && ending !== Ending.refused) {
      this.#tellIfLate();
      this.#services.clock.after(RETRY_DELAY_MS, () => {
        this.#send(command.index, { slot: operation.slot, write: command.write });
      });
      return;
    }
    this.#error ??= error;
    this.#left -= 1;
    if (this.#left === 0) this.#finish();
  }

  #tellIfLate(): void {
    if (this.#done === null || this.#services.clock.monotonic_ms() < this.#deadline_ms) return;
    this.#done.batchLate();
    this.#done = null;
  }

  #finish(): void {
    this.#done?.batchDone(this.#error);
    this.#done = null;
    // The log's tablet: its first slot is one of its slots.
    const { log } = this.#batch;
    new RowOperation(this.#services, { kind: 'batchEnd', batch: this.#batch }, log, this).submit();
  }
}
