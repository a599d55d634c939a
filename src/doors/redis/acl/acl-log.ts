/** The last refusals on this node, for ACL LOG. Equal ones within a minute are counted together, as in Redis. */
import type { Clock } from '../../../base/clock.ts';

export interface AclLogEntry {
  count: number;
  readonly reason: 'auth' | 'command' | 'key' | 'channel';
  readonly context: 'toplevel' | 'multi';
  readonly object: string;
  readonly username: string;
  client: string;
  readonly id: number;
  readonly created_ms: number;
  updated_ms: number;
}

const ENTRIES_MAX = 128;
const TOGETHER_MS = 60_000;

export class AclLog {
  readonly #clock: Clock;
  /** The newest first. */
  #entries: AclLogEntry[] = [];
  #nextId = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get entries(): readonly AclLogEntry[] {
    return this.#entries;
  }

  reset(): void {
    this.#entries = [];
  }

  add(entry: Pick<AclLogEntry, 'reason' | 'context' | 'object' | 'username' | 'client'>): void {
    const now_ms = Math.floor(this.#clock.wall_ms());
    const same = this.#entries.find(
      (other) =>
        other.reason === entry.reason &&
        other.context === entry.context &&
        other.object === entry.object &&
        other.username === entry.username &&
        now_ms - other.updated_ms < TOGETHER_MS,
    );
    if (same !== undefined) {
      same.count += 1;
      same.client = entry.client;
      same.updated_ms = now_ms;
      this.#entries = [same, ...this.#entries.filter((other) => other !== same)];
      return;
    }
    const added = { ...entry, count: 1, id: this.#nextId, created_ms: now_ms, updated_ms: now_ms };
    this.#nextId += 1;
    this.#entries = [added, ...this.#entries].slice(0, ENTRIES_MAX);
  }
}
