/** Clients that write as fast as they are answered, and remember what was acknowledged. */
import type { WriteClient } from './write-clients.ts';

/** Commands that one writer has under way at a time. */
const LANES = 4;
/** What the demo can read back in reasonable time, through each door. */
const WRITES_MAX = 30_000;

export interface WriteLog {
  /** Key to value; every key is written once. */
  readonly acknowledged: Map<string, string>;
  unknown: number;
  /** The longest time in which no write to some tablet was acknowledged. */
  longestGap_ms: number;
}

export class Writers {
  readonly log: WriteLog = { acknowledged: new Map(), unknown: 0, longestGap_ms: 0 };
  readonly #clients: readonly WriteClient[];
  readonly #tabletOf: (key: string) => number;
  readonly #lastAcknowledged_ms = new Map<number, number>();
  #lanes: Promise<void>[] = [];
  #stopping = false;
  /** Set while a gap is nobody's fault: all nodes are down. */
  #measuring = true;

  constructor(clients: readonly WriteClient[], tabletOf: (key: string) => number) {
    this.#clients = clients;
    this.#tabletOf = tabletOf;
  }

  /** Writes for about `seconds`; the pace keeps the number of writes within what can be read back. */
  start(prefix: string, seconds: number): void {
    this.#stopping = false;
    this.#measuring = true;
    this.#lastAcknowledged_ms.clear();
    const lanes = this.#clients.length * LANES;
    const pace_ms = (seconds * 1_000 * lanes) / WRITES_MAX;
    this.#lanes = this.#clients.flatMap((client, writer) =>
      Array.from({ length: LANES }, (_, lane) => this.#write(client, `${prefix}:${writer}:${lane}`, pace_ms)),
    );
  }

  /** No gap is counted from here on; writing goes on. */
  stopMeasuring(): void {
    this.#measuring = false;
  }

  /** Resolves when the last write has been answered or given up. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#lanes);
  }

  /** For when no node is left to answer. */
  async abandon(): Promise<void> {
    this.#stopping = true;
    for (const client of this.#clients) client.close();
    await Promise.all(this.#lanes);
  }

  async #write(client: WriteClient, prefix: string, pace_ms: number): Promise<void> {
    const begin = performance.now();
    for (let sequence = 0; !this.#stopping; sequence++) {
      // What was missed in a gap is not made up for: the load after it stays the same as before.
      const ahead_ms = Math.min(pace_ms, begin + sequence * pace_ms - performance.now());
      if (ahead_ms > 1) await new Promise((resolve) => setTimeout(resolve, ahead_ms));
      await this.#writeOne(client, `${prefix}:${sequence}`);
    }
  }

  async #writeOne(client: WriteClient, key: string): Promise<void> {
    const value = `${key}=${Math.random().toString(36).slice(2)}`;
    try {
      if (await client.write(key, value)) this.#acknowledge(key, value);
      else this.log.unknown += 1;
    } catch (error) {
      if (!this.#stopping) throw error;
    }
  }

  #acknowledge(key: string, value: string): void {
    this.log.acknowledged.set(key, value);
    if (!this.#measuring) return;
    const tablet = this.#tabletOf(key);
    const now_ms = performance.now();
    const gap_ms = now_ms - (this.#lastAcknowledged_ms.get(tablet) ?? now_ms);
    this.#lastAcknowledged_ms.set(tablet, now_ms);
    if (gap_ms > this.log.longestGap_ms) this.log.longestGap_ms = gap_ms;
  }
}
