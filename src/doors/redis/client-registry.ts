/** The open connections of this node, for CLIENT LIST, KILL, PAUSE and the limits. */
import type { Clock, Timer } from '../../base/clock.ts';

export type PauseMode = 'none' | 'write' | 'all';

/** What the registry needs of a connection. */
export interface RegisteredClient {
  readonly id: number;
  resume(): void;
}

export class ClientRegistry<Client extends RegisteredClient> {
  readonly #clock: Clock;
  readonly #sessions = new Map<number, Client>();
  #lastId = 0;
  #pauseMode: PauseMode = 'none';
  #pauseEnd_ms = 0;
  #pauseTimer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  add(session: Client): void {
    this.#sessions.set(session.id, session);
  }

  remove(session: Client): void {
    this.#sessions.delete(session.id);
  }

  get(id: number): Client | undefined {
    return this.#sessions.get(id);
  }

  all(): Client[] {
    return [...this.#sessions.values()];
  }

  get size(): number {
    return this.#sessions.size;
  }

  get pauseMode(): PauseMode {
    return this.#pauseMode;
  }

  /** CLIENT PAUSE. A pause under way is never made shorter or weaker, as in Redis. */
  pause(mode: 'write' | 'all', duration_ms: number): void {
    const end_ms = this.#clock.monotonic_ms() + duration_ms;
    this.#pauseMode = this.#pauseMode === 'all' ? 'all' : mode;
    this.#pauseEnd_ms = Math.max(this.#pauseEnd_ms, end_ms);
    this.#pauseTimer?.cancel();
    this.#pauseTimer = this.#clock.after(this.#pauseEnd_ms - this.#clock.monotonic_ms(), () => this.unpause());
  }

  unpause(): void {
    if (this.#pauseMode === 'none') return;
    this.#pauseMode = 'none';
    this.#pauseEnd_ms = 0;
    this.#pauseTimer?.cancel();
    this.#pauseTimer = undefined;
    for (const session of this.all()) session.resume();
  }
}
