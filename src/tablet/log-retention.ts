/**
 * How much of a group's log stays in memory after it has been flushed into the store: enough for a follower that was away
 * for a moment, bounded by bytes. One that needs more gets a snapshot.
 */
export class LogRetention {
  readonly #bytesMax: number;
  /** Marks (index, bytes of log up to it since the mark before), oldest first. */
  #marks: { index: number; bytes: number }[] = [];
  #bytes = 0;
  #appended = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Entries of this many bytes were appended to the log. */
  appended(bytes: number): void {
    this.#appended += bytes;
  }

  /** The store holds everything up to `index`. Returns the index up to which the log may be dropped. */
  flushed(index: number): number {
    this.#marks.push({ index, bytes: this.#appended });
    this.#bytes += this.#appended;
    this.#appended = 0;
    let dropThrough = 0;
    while (this.#bytes > this.#bytesMax && this.#marks.length > 0) {
      const mark = this.#marks.shift();
      if (mark === undefined) break;
      this.#bytes -= mark.bytes;
      dropThrough = mark.index;
    }
    return dropThrough;
  }

  reset(): void {
    this.#marks = [];
    this.#bytes = 0;
    this.#appended = 0;
  }
}
