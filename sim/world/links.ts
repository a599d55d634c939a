/** What stands between each two machines: cut and clogged directions, delays and losses, as faults set them. */

export interface LinkConditions {
  /** One way, for what is sent without trouble. */
  readonly latency_ms: number;
  /** The most that a delay varies by. */
  readonly jitter_ms: number;
}

export class Links {
  /** Added to every delay between two machines, and the share of datagrams lost or repeated, while a fault lasts. */
  extraDelay_ms = 0;
  lossRate = 0;
  duplicateRate = 0;
  readonly conditions: LinkConditions;
  /** Faults that block a direction now; by `from * 256 + to`. */
  readonly #blocks = new Map<number, number>();
  readonly #clogs = new Map<number, number>();
  readonly #waiting = new Map<number, (() => void)[]>();
  readonly #powerless = new Set<number>();

  constructor(conditions: LinkConditions) {
    this.conditions = conditions;
  }

  /** Nothing gets through from `from` to `to` until `restore` has been called as often. */
  block(from: number, to: number): void {
    const key = from * 256 + to;
    this.#blocks.set(key, (this.#blocks.get(key) ?? 0) + 1);
  }

  restore(from: number, to: number): void {
    const key = from * 256 + to;
    const left = (this.#blocks.get(key) ?? 0) - 1;
    if (left > 0) this.#blocks.set(key, left);
    else this.#blocks.delete(key);
    this.#wake(from, to);
  }

  /** Streams stand still from `from` to `to`; datagrams pass. */
  clog(from: number, to: number): void {
    const key = from * 256 + to;
    this.#clogs.set(key, (this.#clogs.get(key) ?? 0) + 1);
  }

  unclog(from: number, to: number): void {
    const key = from * 256 + to;
    const left = (this.#clogs.get(key) ?? 0) - 1;
    if (left > 0) this.#clogs.set(key, left);
    else this.#clogs.delete(key);
    this.#wake(from, to);
  }

  powerOff(machine: number): void {
    this.#powerless.add(machine);
  }

  powerOn(machine: number): void {
    if (!this.#powerless.delete(machine)) return;
    for (const key of [...this.#waiting.keys()]) this.#wake(Math.floor(key / 256), key % 256);
  }

  passesDatagram(from: number, to: number): boolean {
    return !this.#blocks.has(from * 256 + to) && !this.#powerless.has(to);
  }

  passesStream(from: number, to: number): boolean {
    const key = from * 256 + to;
    return !this.#blocks.has(key) && !this.#clogs.has(key) && !this.#powerless.has(to) && !this.#powerless.has(from);
  }

  /** Calls `callback` when the direction may be open for streams again. */
  whenOpen(from: number, to: number, callback: () => void): void {
    const key = from * 256 + to;
    const list = this.#waiting.get(key);
    if (list === undefined) this.#waiting.set(key, [callback]);
    else list.push(callback);
  }

  #wake(from: number, to: number): void {
    if (!this.passesStream(from, to)) return;
    const key = from * 256 + to;
    const list = this.#waiting.get(key);
    if (list === undefined) return;
    this.#waiting.delete(key);
    for (const callback of list) callback();
  }
}
