/**
 * The append messages that are on the way to one follower: a ring of their last indexes and sizes. It bounds what a slow
 * follower can make a leader queue (thesis 10.2.1, pipelining).
 */
import { assert } from '../base/assert.ts';
import type { LogIndex } from './types.ts';

const initialCapacity = 8;

export class Inflights {
  readonly #maxMessages: number;
  readonly #maxBytes: number;
  #start = 0;
  #count = 0;
  #bytes = 0;
  #indexes: number[];
  #sizes: number[];

  constructor(maxMessages: number, maxBytes: number) {
    this.#maxMessages = maxMessages;
    this.#maxBytes = maxBytes;
    const capacity = Math.min(initialCapacity, maxMessages);
    this.#indexes = new Array<number>(capacity).fill(0);
    this.#sizes = new Array<number>(capacity).fill(0);
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get full(): boolean {
    return this.#count === this.#maxMessages || this.#bytes >= this.#maxBytes;
  }

  /** Notes a message whose last entry is `index`. */
  add(index: LogIndex, bytes: number): void {
    assert(!this.full, 'raft: nothing is sent past the in-flight limit');
    if (this.#count === this.#indexes.length) this.#grow();
    let slot = this.#start + this.#count;
    if (slot >= this.#indexes.length) slot -= this.#indexes.length;
    this.#indexes[slot] = index;
    this.#sizes[slot] = bytes;
    this.#count++;
    this.#bytes += bytes;
  }

  /** Frees every message whose last entry is at most `index`. */
  freeTo(index: LogIndex): void {
    while (this.#count > 0 && (this.#indexes[this.#start] as number) <= index) {
      this.#bytes -= this.#sizes[this.#start] as number;
      this.#count--;
      this.#start++;
      if (this.#start === this.#indexes.length) this.#start = 0;
    }
  }

  reset(): void {
    this.#start = 0;
    this.#count = 0;
    this.#bytes = 0;
  }

  #grow(): void {
    const capacity = Math.min(this.#indexes.length * 2, this.#maxMessages);
    const indexes = new Array<number>(capacity).fill(0);
    const sizes = new Array<number>(capacity).fill(0);
    for (let i = 0; i < this.#count; i++) {
      const slot = (this.#start + i) % this.#indexes.length;
      indexes[i] = this.#indexes[slot] as number;
      sizes[i] = this.#sizes[slot] as number;
    }
    this.#indexes = indexes;
    this.#sizes = sizes;
    this.#start = 0;
  }
}
