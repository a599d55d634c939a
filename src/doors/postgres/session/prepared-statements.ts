/**
 * Named statements of all sessions, by what they say: two sessions that prepare the same text share one, whatever they call it, and a
 * connection of a pool that has it serves both. It is forgotten when no session has it any more.
 */
import { effectsOf } from '../sql/effects.ts';
import type { Effects } from '../sql/statement-effects.ts';

export interface Prepared {
  /** Its name on every connection to PostgreSQL. */
  readonly serverName: string;
  /** Text and types of parameters, as in the message that makes it. */
  readonly body: Buffer;
  readonly effects: Effects | null;
  readonly key: string;
  sessions: number;
}

export class PreparedStatements {
  readonly #statements = new Map<string, Prepared>();
  readonly #managed: ReadonlySet<string>;
  #made = 0;

  constructor(managed: ReadonlySet<string>) {
    this.#managed = managed;
  }

  get size(): number {
    return this.#statements.size;
  }

  /** What a Parse says after the name, from `start`. The caller has it then, until it calls `drop`. */
  take(chunk: Buffer, start: number, end: number): Prepared {
    const key = chunk.latin1Slice(start, end);
    let prepared = this.#statements.get(key);
    if (prepared === undefined) {
      this.#made += 1;
      const body = Buffer.from(chunk.subarray(start, end));
      const textEnd = Math.max(0, body.indexOf(0));
      const effects = effectsOf(body, 0, textEnd, this.#managed);
      prepared = { serverName: `S_folkmoot_${this.#made}`, body, effects, key, sessions: 0 };
      this.#statements.set(key, prepared);
    }
    prepared.sessions += 1;
    return prepared;
  }

  drop(prepared: Prepared): void {
    prepared.sessions -= 1;
    if (prepared.sessions === 0) this.#statements.delete(prepared.key);
  }
}
