/** The rows of the comparison, and how each is measured: closed-loop clients on two connections to each node. */
import type { Endpoint } from '../load/client.ts';
import { Histogram } from '../load/histogram.ts';
import { pause } from '../load/run.ts';
import { cpuOf_ms } from '../measure/processes.ts';
import { sum } from '../statistics.ts';
import { type Answered, BenchClient, intValue, textValue } from './client.ts';
import { Ring } from './ring.ts';

export const CQL_POINTS = ['insert', 'select', 'batch', 'lwt'] as const;
export type CqlPoint = (typeof CQL_POINTS)[number];

export const WHAT: Readonly<Record<CqlPoint, string>> = {
  insert: 'INSERT of one row',
  select: 'SELECT of one row',
  batch: 'batch of 10 INSERTs into one partition',
  lwt: 'INSERT ... IF NOT EXISTS of a new row',
};

export interface CqlResult {
  readonly opsPerSecond: number;
  readonly p50_us: number;
  readonly p99_us: number;
  /** CPU time of all servers, and of this program, for each operation. */
  readonly serverCpu_us: number;
  readonly clientCpu_us: number;
  readonly errors: number;
  readonly errorSample: string | undefined;
}

const KEYS = 10_000;
const BATCH_ROWS = 10;
const CONNECTIONS_PER_NODE = 2;
const TEXT = textValue('x'.repeat(100));
const KEYSPACE = 'bench';

export interface LoadSettings {
  readonly clients: number;
  readonly warmup_ms: number;
  readonly window_ms: number;
}

/** Of each node. */
type Connections = readonly (readonly BenchClient[])[];
type Ids = Readonly<Record<CqlPoint, Buffer>>;

interface Key {
  readonly value: Buffer;
  readonly node: number;
}

export class CqlLoad {
  readonly #connections: Connections;
  readonly #ids: Ids;
  readonly #ring: Ring;
  /** Keys that exist, with the node of each. */
  readonly #keys: readonly Key[];
  #fresh = 0;

  private constructor(connections: Connections, ids: Ids, ring: Ring) {
    this.#connections = connections;
    this.#ids = ids;
    this.#ring = ring;
    this.#keys = Array.from({ length: KEYS }, (_, index) => {
      const key = `user${index}`;
      return { value: textValue(key), node: ring.nodeOf(key) };
    });
  }

  /** Makes the tables and fills the one that is read. */
  static async open(nodes: readonly Endpoint[], root: string): Promise<CqlLoad> {
    const connections = await Promise.all(
      nodes.map((node) => Promise.all(Array.from({ length: CONNECTIONS_PER_NODE }, () => BenchClient.connect(node)))),
    );
    const firsts = connections.map(([first]) => first as BenchClient);
    const [one] = firsts;
    if (one === undefined) throw new Error('there is no node');
    const replication = `{'class': 'SimpleStrategy', 'replication_factor': ${nodes.length}}`;
    await one.query(`CREATE KEYSPACE ${KEYSPACE} WITH replication = ${replication}`);
    for (const table of ['rows (k text, c int, v text, PRIMARY KEY (k, c))', 'cas (k text PRIMARY KEY, v text)']) {
      await one.query(`CREATE TABLE ${KEYSPACE}.${table}`);
    }
    const texts: Record<CqlPoint, string> = {
      insert: `INSERT INTO ${KEYSPACE}.rows (k, c, v) VALUES (?, ?, ?)`,
      select: `SELECT k, c, v FROM ${KEYSPACE}.rows WHERE k = ? AND c = ?`,
      batch: `INSERT INTO ${KEYSPACE}.rows (k, c, v) VALUES (?, ?, ?)`,
      lwt: `INSERT INTO ${KEYSPACE}.cas (k, v) VALUES (?, ?) IF NOT EXISTS`,
    };
    const ids: Partial<Record<CqlPoint, Buffer>> = {};
    for (const point of CQL_POINTS) {
      // On every node; the id is the same everywhere.
      for (const client of firsts) {
        ids[point] = await client.prepare(texts[point]);
      }
    }
    const load = new CqlLoad(connections, ids as Ids, await Ring.of(firsts, root));
    await load.#fill();
    return load;
  }

  async measure(
    point: CqlPoint,
    pids: readonly number[],
    { clients, warmup_ms, window_ms }: LoadSettings,
  ): Promise<CqlResult> {
    const latencies = new Histogram();
    const state = { recording: false, running: true, errors: 0, errorSample: undefined as string | undefined };
    const lanes = Array.from({ length: clients }, () => this.#lane(point, state, latencies));
    await pause(warmup_ms);
    const cpuBefore = sum(pids.map(cpuOf_ms));
    const ownBefore = process.cpuUsage();
    const begin_ms = performance.now();
    state.recording = true;
    await pause(window_ms);
    state.recording = false;
    const seconds = (performance.now() - begin_ms) / 1_000;
    const own = process.cpuUsage(ownBefore);
    const cpu_ms = sum(pids.map(cpuOf_ms)) - cpuBefore;
    state.running = false;
    await Promise.all(lanes);
    const operations = latencies.total;
    return {
      opsPerSecond: operations / seconds,
      p50_us: latencies.percentile_us(0.5),
      p99_us: latencies.percentile_us(0.99),
      serverCpu_us: (cpu_ms * 1_000) / operations,
      clientCpu_us: (own.user + own.system) / operations,
      errors: state.errors,
      errorSample: state.errorSample,
    };
  }

  close(): void {
    for (const client of this.#connections.flat()) client.close();
  }

  async #fill(): Promise<void> {
    for (let at = 0; at < KEYS; at += 100) {
      await Promise.all(
        this.#keys.slice(at, at + 100).map(
          ({ value, node }) =>
            new Promise<void>((resolve, reject) => {
              this.#connection(node).execute(this.#ids.insert, [value, intValue(0), TEXT], (error) =>
                error === undefined ? resolve() : reject(new Error(error)),
              );
            }),
        ),
      );
    }
  }

  /** One operation after the other. */
  #lane(
    point: CqlPoint,
    state: { readonly recording: boolean; readonly running: boolean; errors: number; errorSample: string | undefined },
    latencies: Histogram,
  ): Promise<void> {
    return new Promise((resolve) => {
      let sent_ms = 0;
      const answered: Answered = (error) => {
        if (error !== undefined) {
          state.errors += 1;
          state.errorSample ??= error;
        } else if (state.recording) latencies.record((performance.now() - sent_ms) * 1_000, 1);
        if (state.running) next();
        else resolve();
      };
      const next = (): void => {
        sent_ms = performance.now();
        this.#send(point, answered);
      };
      next();
    });
  }

  #send(point: CqlPoint, answered: Answered): void {
    const id = this.#ids[point];
    if (point === 'lwt') {
      this.#fresh += 1;
      const key = `fresh${this.#fresh}`;
      this.#connection(this.#ring.nodeOf(key)).execute(id, [textValue(key), TEXT], answered);
      return;
    }
    const { value, node } = this.#keys[Math.floor(Math.random() * KEYS)] as Key;
    const connection = this.#connection(node);
    if (point === 'batch')
      connection.batch(
        id,
        BATCH_ROW_NUMBERS.map((row) => [value, row, TEXT]),
        answered,
      );
    else if (point === 'select') connection.execute(id, [value, FIRST_ROW], answered);
    else connection.execute(id, [value, FIRST_ROW, TEXT], answered);
  }

  #connection(node: number): BenchClient {
    const connections = this.#connections[node] ?? [];
    return connections[Math.random() < 0.5 ? 0 : connections.length - 1] as BenchClient;
  }
}

const FIRST_ROW = intValue(0);
const BATCH_ROW_NUMBERS = Array.from({ length: BATCH_ROWS }, (_, row) => intValue(row));
