/** Clients of the demo, one kind for each door: they write one key, and say whether that is done or unknown. */
import { slotOfToken, tokenOf } from '../../doors/cql/types/token.ts';
import { slotOfString } from '../../doors/redis/slot.ts';
import { ClusterClient, type Endpoint, OutcomeUnknown } from '../../testing/redis/cluster-client.ts';
import { CqlSession } from '../../testing/torture/cql-session.ts';
import { NotDone, OutcomeOpen } from '../../testing/torture/outcome.ts';

export interface WriteClient {
  /** True: done; false: nobody knows. What was certainly not done is tried again until the client is closed, which rejects. */
  write(key: string, value: string): Promise<boolean>;
  close(): void;
}

/** Of local clusters. */
export const CQL_USER = { user: 'cassandra', password: 'cassandra' };
const TABLE = 'demo.writes';
export const SELECT = `SELECT v FROM ${TABLE} WHERE k = ?`;
const INSERT = `INSERT INTO ${TABLE} (k, v) VALUES (?, ?)`;
const TIMEOUT_MS = 10_000;
const RETRY_MS = 10;

export function redisSlot(key: string): number {
  return slotOfString(key);
}

export function cqlSlot(key: string): number {
  return slotOfToken(tokenOf(Buffer.from(key)));
}

export class RedisWriteClient implements WriteClient {
  readonly #client: ClusterClient;

  constructor(seeds: readonly Endpoint[]) {
    this.#client = new ClusterClient(seeds);
  }

  async write(key: string, value: string): Promise<boolean> {
    try {
      return (await this.#client.execute(key, 'SET', key, value)) === 'OK';
    } catch (error) {
      if (error instanceof OutcomeUnknown) return false;
      throw error;
    }
  }

  close(): void {
    this.#client.close();
  }
}

export class CqlWriteClient implements WriteClient {
  readonly #session: CqlSession;
  #closed = false;

  constructor(seeds: readonly Endpoint[]) {
    const prng = { pick: <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)] as T };
    this.#session = new CqlSession({ endpoints: () => seeds, prng, timeout_ms: TIMEOUT_MS });
  }

  async makeTable(): Promise<void> {
    const replication = "{'class': 'SimpleStrategy', 'replication_factor': 3}";
    await this.#session.execute(`CREATE KEYSPACE demo WITH replication = ${replication}`);
    await this.#session.execute(`CREATE TABLE ${TABLE} (k text PRIMARY KEY, v text)`);
  }

  async write(key: string, value: string): Promise<boolean> {
    for (;;) {
      try {
        await this.#session.execute(INSERT, key, value);
        return true;
      } catch (error) {
        if (error instanceof OutcomeOpen) return false;
        if (!(error instanceof NotDone) || this.#closed) throw error;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  close(): void {
    this.#closed = true;
    this.#session.close();
  }
}
