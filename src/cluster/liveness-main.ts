/**
 * The main thread's side of liveness: answers from the shared memory, and says how the main loop is doing. The engine is
 * reached through the subclass: `WorkerLiveness` (src/node) or `LocalLiveness`.
 */
import { assert } from '../base/assert.ts';
import type { Clock, Timer } from '../base/clock.ts';
import {
  defaultLivenessOptions,
  emptyLivenessStats,
  LIVENESS_EPOCH_MAX,
  type Liveness,
  type LivenessChange,
  type LivenessOptions,
  type LivenessPeer,
  type LivenessStart,
  type LivenessStats,
} from './liveness.ts';
import { GENERATIONS_PER_EPOCH, validateLivenessOptions } from './liveness-core.ts';
import type { EnginePeer } from './liveness-engine.ts';
import { LIVENESS_PEERS_MAX, LivenessMemory, type ReceivedSupport } from './liveness-memory.ts';
import type { NodeId } from './view.ts';

const LOOP_INTERVAL_MS = 50;
/** The wall clock and the monotonic one drift apart by less than this between two looks, unless the machine slept. */
const CLOCK_JUMP_MS_MAX = 50;
/** Readings of both clocks that are further apart than this do not count. */
const CLOCK_READING_MS_MAX = 5;
const CLOCK_READINGS_MAX = 4;

/** What main keeps of a peer: where its words are, and what it last read there. */
interface PeerWords extends ReceivedSupport {
  readonly slot: number;
}

/** The engine as main reaches it, in this thread or another one. */
export interface EngineHandle {
  setPeers(peers: readonly EnginePeer[]): void;
  block(nodes: readonly NodeId[], deafTo: readonly NodeId[]): void;
  stats(): LivenessStats;
  stop(): Promise<void>;
}

export type StartEngine = (
  memory: LivenessMemory,
  start: LivenessStart,
  options: LivenessOptions,
  onChange: (node: NodeId, change: LivenessChange) => void,
  onFailed: (error: Error) => void,
) => Promise<{ port: number; engine: EngineHandle }>;

export class LivenessMain implements Liveness {
  onChange: (node: NodeId, change: LivenessChange) => void = () => undefined;
  onFailed: (error: Error) => void = (error) => {
    throw error;
  };

  readonly #clock: Clock;
  readonly #options: LivenessOptions;
  readonly #startEngine: StartEngine;
  readonly #memory = new LivenessMemory();
  /** Also of nodes that are no peers any more: promises to them run on, and slots are not used twice. */
  readonly #words = new Map<NodeId, PeerWords>();
  #engine: EngineHandle | null = null;
  #peers: readonly LivenessPeer[] = [];
  #blocked: readonly NodeId[] = [];
  #deafTo: readonly NodeId[] = [];
  #ticker: Timer | null = null;
  #self = 0;
  #selfGeneration = 0;
  #mayVoteAt_ms = Number.POSITIVE_INFINITY;
  /** Wall clock minus monotonic clock at the last look. */
  #clockOffset_ms: number;
  /** Support for heartbeats from before this does not count. */
  #ignoreSentBefore_ms = Number.NEGATIVE_INFINITY;
  #clockJumps = 0;

  constructor(clock: Clock, options: Partial<LivenessOptions>, startEngine: StartEngine) {
    this.#clock = clock;
    this.#options = { ...defaultLivenessOptions, ...options };
    validateLivenessOptions(this.#options);
    this.#startEngine = startEngine;
    this.#clockOffset_ms = clock.wall_ms() - clock.monotonic_ms();
  }

  async start(start: LivenessStart): Promise<{ port: number }> {
    assert(this.#self === 0, 'liveness is started once');
    assert(start.epoch >= 1 && start.epoch <= LIVENESS_EPOCH_MAX, 'the epoch of a node is in its range');
    this.#self = start.node;
    this.#selfGeneration = start.epoch * GENERATIONS_PER_EPOCH;
    // The earlier incarnation may have promised until one promise after its last moment, which is before now.
    this.#mayVoteAt_ms = this.#clock.monotonic_ms() + this.#options.promise_ms + 1;
    this.mainLoopTurn();
    this.#ticker = this.#clock.every(LOOP_INTERVAL_MS, () => this.mainLoopTurn());
    const started = await this.#startEngine(
      this.#memory,
      start,
      this.#options,
      (node, change) => this.onChange(node, change),
      (error) => this.onFailed(error),
    ).catch((error: unknown) => {
      this.#ticker?.cancel();
      throw error;
    });
    this.#engine = started.engine;
    this.setPeers(this.#peers);
    this.block(this.#blocked, this.#deafTo);
    return { port: started.port };
  }

  setPeers(peers: readonly LivenessPeer[]): void {
    this.#peers = peers;
    if (this.#engine === null) return;
    const list: EnginePeer[] = [];
    for (const { node, host, port } of peers) {
      if (node === this.#self) continue;
      list.push({ node, host, port, slot: this.#wordsOf(node).slot });
    }
    this.#engine.setPeers(list);
  }

  supportFor(node: NodeId): number {
    if (node === this.#self) return this.#selfGeneration;
    const words = this.#words.get(node);
    return words === undefined ? 0 : this.#memory.supportFor(words.slot, this.#clock.monotonic_ms());
  }

  supportFrom(node: NodeId): number {
    if (node === this.#self) return this.#selfGeneration;
    const words = this.#words.get(node);
    if (words === undefined) return 0;
    const now_ms = this.#clock.monotonic_ms();
    this.#watchClocks(now_ms);
    this.#memory.read(words.slot, words);
    if (now_ms >= words.until_ms || words.until_ms - words.length_ms < this.#ignoreSentBefore_ms) return 0;
    return words.generation;
  }

  epochOf(node: NodeId): number {
    const words = this.#words.get(node);
    return words === undefined ? 0 : this.#memory.epoch(words.slot);
  }

  mayVote(): boolean {
    return this.#clock.monotonic_ms() >= this.#mayVoteAt_ms;
  }

  mainLoopTurn(): void {
    const now_ms = this.#clock.monotonic_ms();
    this.#watchClocks(now_ms);
    this.#memory.loopTurned(now_ms);
  }

  syncStarted(): void {
    this.#memory.syncStarted(this.#clock.monotonic_ms());
  }

  syncFinished(): void {
    this.#memory.syncFinished();
  }

  block(nodes: Iterable<NodeId>, deafTo: Iterable<NodeId> = []): void {
    this.#blocked = [...nodes];
    this.#deafTo = [...deafTo];
    this.#engine?.block(this.#blocked, this.#deafTo);
  }

  stats(): LivenessStats {
    return this.#engine?.stats() ?? emptyLivenessStats;
  }

  /** How often the machine was found to have slept, or its wall clock to have been set. */
  get clockJumps(): number {
    return this.#clockJumps;
  }

  async stop(): Promise<void> {
    this.#ticker?.cancel();
    const engine = this.#engine;
    this.#engine = null;
    await engine?.stop();
  }

  #wordsOf(node: NodeId): PeerWords {
    let words = this.#words.get(node);
    if (words === undefined) {
      assert(this.#words.size < LIVENESS_PEERS_MAX, 'a node has had more peers than liveness has room for');
      const slot = this.#words.size + 1;
      words = { slot, sequence: 0, generation: 0, until_ms: 0, length_ms: 0 };
      this.#words.set(node, words);
    }
    return words;
  }

  /**
   * The monotonic clock stands still while the machine is suspended, and the promises of others run on. Then the wall clock
   * has moved against it, unless both were stopped. Nothing rests on the wall clock being right: a jump can only end support
   * that stands, until the next answer.
   */
  #watchClocks(now_ms: number): void {
    const offset_ms = this.#clock.wall_ms() - now_ms;
    if (Math.abs(offset_ms - this.#clockOffset_ms) <= CLOCK_JUMP_MS_MAX) this.#clockOffset_ms = offset_ms;
    else this.#confirmJump();
  }

  /** This thread may just not have been scheduled between its two readings: read again, close together. */
  #confirmJump(): void {
    for (let attempt = 0; attempt < CLOCK_READINGS_MAX; attempt++) {
      const before_ms = this.#clock.monotonic_ms();
      const wall_ms = this.#clock.wall_ms();
      const after_ms = this.#clock.monotonic_ms();
      if (after_ms - before_ms > CLOCK_READING_MS_MAX) continue;
      const offset_ms = wall_ms - before_ms;
      if (Math.abs(offset_ms - this.#clockOffset_ms) > CLOCK_JUMP_MS_MAX) {
        this.#clockJumps++;
        this.#ignoreSentBefore_ms = after_ms;
      }
      this.#clockOffset_ms = offset_ms;
      return;
    }
    // Too busy to tell: what was measured before stays, and the next look compares with that.
  }
}
