/** Rows of a result that are made here: values as [bytes], one after the other. */
import { ByteWriter } from '../protocol/byte-writer.ts';
import type { Cell } from '../types/composite.ts';

/** What one row takes: small enough for Node's pool of buffers. */
const FIRST_BYTES = 256;

export class ResultWriter {
  rowCount = 0;
  readonly #writer = new ByteWriter(FIRST_BYTES);

  get byteCount(): number {
    return this.#writer.length;
  }

  row(values: readonly Cell[]): void {
    for (const value of values) this.#writer.bytes(value);
    this.rowCount += 1;
  }

  take(): Buffer {
    return this.#writer.take();
  }
}
