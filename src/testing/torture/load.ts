/** The clients of a run: each does one operation after the other, and everything is recorded. */
import type { Prng } from '../../base/prng.ts';
import { HistoryRecorder } from '../linearizability/history.ts';
import type { Meter } from './meter.ts';
import { NotDone, OutcomeOpen, WrongReply } from './outcome.ts';
import { type AnySession, TOKEN_LENGTH, type Workload } from './workload.ts';
import { workloadNamed } from './workloads/all.ts';

/** Which door a client uses. */
export type Door = 'cluster' | 'single' | 'cql';

export interface Tally {
  operations: number;
  /** Writes that were said to be done. */
  acknowledged: number;
  /** Operations, reads too, whose outcome nobody knows. */
  unknown: number;
  /** Operations that were certainly not done. */
  failed: number;
}

export interface LoadClient {
  readonly workload: Workload;
  readonly door: Door;
  readonly session: AnySession;
  readonly prng: Prng;
}

export interface LoadOptions {
  readonly clients: readonly LoadClient[];
  readonly meter: Meter;
  /** Hot keys of a workload at a time. */
  readonly hotKeys: number;
  /** Mean time between the beginnings of two operations of a client; it waits when it is faster. */
  readonly pace_ms: number;
  readonly now: () => number;
}

/** After so many operations a hot key is left for a new one: checking a key takes longer than linearly in its operations. */
const OPERATIONS_PER_HOT_KEY = 1_500;
/** After a refusal: the cluster has said that it is not ready, and says so again at once. */
const REFUSED_PAUSE_MS = 20;
const WRONG_REPLIES_KEPT = 20;

export class Load {
  readonly recorder: HistoryRecorder;
  /** By workload and door. */
  readonly tallies = new Map<string, Tally>();
  /** Answers that a working server does not give. */
  readonly wrongReplies: string[] = [];
  /** Why operations were not done or remained open, and how often. */
  readonly reasons = new Map<string, number>();
  readonly #options: LoadOptions;
  readonly #hotOperations = new Map<string, number>();
  #running: Promise<void>[] = [];
  #stopping = false;
  #processes = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.recorder = new HistoryRecorder((key) => workloadNamed(key).model);
  }

  get total(): Tally {
    const total: Tally = { operations: 0, acknowledged: 0, unknown: 0, failed: 0 };
    for (const tally of this.tallies.values()) {
      total.operations += tally.operations;
      total.acknowledged += tally.acknowledged;
      total.unknown += tally.unknown;
      total.failed += tally.failed;
    }
    return total;
  }

  /** The keys that clients share now. */
  hotKeys(): string[] {
    return [...this.#hotOperations].map(([name, operations]) => hotKey(name, operations));
  }

  start(): void {
    this.#running = this.#options.clients.map((client) => this.#run(client, ++this.#processes));
  }

  /** Resolves when every operation has its outcome. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#running);
    for (const { session } of this.#options.clients) session.close();
  }

  async #run(client: LoadClient, process: number): Promise<void> {
    const { workload, prng } = client;
    const { now, pace_ms, hotKeys } = this.#options;
    const seen = new Map<string, unknown>();
    for (let sequence = 0; !this.#stopping; sequence++) {
      const begin_ms = now();
      const token = tokenOf(process, sequence);
      const key = workload.keys === 'fresh' ? `${workload.name}:${token}` : this.#hotKey(workload, prng.below(hotKeys));
      const input = workload.draw({ prng, token, seen: seen.get(key) });
      seen.delete(key);
      const wait_ms = 2 * pace_ms * prng.fraction();
      const result = await this.perform(client, process, key, input);
      const told = result === undefined ? undefined : workload.seen?.(input, result.output);
      if (told !== undefined) seen.set(key, told);
      const left_ms = begin_ms + (result === undefined ? Math.max(wait_ms, REFUSED_PAUSE_MS) : wait_ms) - now();
      await new Promise((resolve) => (left_ms > 1 ? setTimeout(resolve, left_ms) : setImmediate(resolve)));
    }
  }

  /** One operation, recorded; undefined when it has no output. */
  async perform(
    client: Omit<LoadClient, 'prng'>,
    process: number,
    key: string,
    input: unknown,
  ): Promise<{ output: unknown } | undefined> {
    const { workload, door, session } = client;
    const { now, meter } = this.#options;
    const tally = this.#tally(`${workload.name} ${door}`);
    tally.operations += 1;
    const handle = this.recorder.invoke(process, key, input, now());
    try {
      const output = await workload.perform(session, key, input);
      this.recorder.ok(handle, now(), output);
      if (workload.isWrite(input)) {
        tally.acknowledged += 1;
        meter.acknowledge(now());
      }
      return { output };
    } catch (error) {
      if (!(error instanceof NotDone || error instanceof OutcomeOpen || error instanceof WrongReply)) throw error;
      this.#countReason(error);
      if (error instanceof NotDone) {
        tally.failed += 1;
        this.recorder.fail(handle, now());
        return undefined;
      }
      tally.unknown += 1;
      if (error instanceof WrongReply && this.wrongReplies.length < WRONG_REPLIES_KEPT) {
        this.wrongReplies.push(`${workload.name}, ${door} port, ${JSON.stringify(input)}: ${error.message}`);
      }
      return undefined;
    }
  }

  #hotKey(workload: Workload, index: number): string {
    const name = `${workload.name}:${index}`;
    const operations = (this.#hotOperations.get(name) ?? 0) + 1;
    this.#hotOperations.set(name, operations);
    return hotKey(name, operations);
  }

  #tally(name: string): Tally {
    let tally = this.tallies.get(name);
    if (tally === undefined) {
      tally = { operations: 0, acknowledged: 0, unknown: 0, failed: 0 };
      this.tallies.set(name, tally);
    }
    return tally;
  }

  #countReason(error: Error): void {
    const kind = error.message.replaceAll(/\b\d[\d.:]*/g, '#').slice(0, 200);
    this.reasons.set(kind, (this.reasons.get(kind) ?? 0) + 1);
  }
}

function hotKey(name: string, operations: number): string {
  return `{${name}:${Math.floor(operations / OPERATIONS_PER_HOT_KEY)}}`;
}

/** Two characters for the client, the others for its operation. */
function tokenOf(process: number, sequence: number): string {
  return process.toString(36).padStart(2, '0') + sequence.toString(36).padStart(TOKEN_LENGTH - 2, '0');
}
