/** A running hash over everything that happens: two runs of a seed must agree in it. */
import { crc32 } from 'node:zlib';

export class TraceHash {
  #a = 0x811c9dc5;
  #b = 0x1b873593;
  readonly #time = new Float64Array(1);
  readonly #words = new Uint32Array(this.#time.buffer);

  event(at_ms: number, kind: number, node: number): void {
    this.#time[0] = at_ms;
    this.#mix((this.#words[0] as number) ^ Math.imul(kind, 0x9e3779b1));
    this.#mix((this.#words[1] as number) ^ Math.imul(node, 0x85ebca77));
  }

  bytes(bytes: Uint8Array): void {
    this.#mix(crc32(bytes));
  }

  digest(): string {
    return (this.#a >>> 0).toString(16).padStart(8, '0') + (this.#b >>> 0).toString(16).padStart(8, '0');
  }

  #mix(word: number): void {
    this.#a = Math.imul(this.#a ^ word, 0x01000193);
    this.#b = Math.imul((this.#b << 13) | (this.#b >>> 19), 5) ^ this.#a ^ word;
  }
}
