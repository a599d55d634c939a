/**
 * Runs `LivenessCore` on timers and datagrams: in the worker thread on real ones, in the simulator on simulated ones.
 */
import type { Timer } from '../base/clock.ts';
import type {
  DatagramNetwork,
  DatagramSocket,
  LivenessChange,
  LivenessOptions,
  LivenessStart,
  LivenessStats,
} from './liveness.ts';
import { LivenessCore } from './liveness-core.ts';
import type { LivenessMemory } from './liveness-memory.ts';
import type { NodeId } from './view.ts';

/** The part of `Clock` that the engine needs; the worker thread brings its own. */
export interface LivenessClock {
  monotonic_ms(): number;
  after(delay_ms: number, callback: () => void): Timer;
  every(interval_ms: number, callback: () => void): Timer;
}

/** A peer with its words in the memory. */
export interface EnginePeer {
  readonly node: NodeId;
  readonly host: string;
  readonly port: number;
  readonly slot: number;
}

export interface LivenessEngineConfig {
  readonly clock: LivenessClock;
  readonly datagrams: DatagramNetwork;
  readonly memory: LivenessMemory;
  readonly start: LivenessStart;
  readonly options: LivenessOptions;
  readonly onChange: (node: NodeId, change: LivenessChange) => void;
}

export class LivenessEngine {
  readonly #config: LivenessEngineConfig;
  readonly #core: LivenessCore;
  readonly #addresses = new Map<NodeId, EnginePeer>();
  #socket: DatagramSocket | null = null;
  #ticker: Timer | null = null;
  #sweeper: Timer | null = null;
  #stopped = false;

  constructor(config: LivenessEngineConfig) {
    this.#config = config;
    const world = {
      now_ms: () => config.clock.monotonic_ms(),
      send: (node: NodeId, bytes: Uint8Array) => this.#send(node, bytes),
      changed: (node: NodeId, change: LivenessChange) => config.onChange(node, change),
    };
    this.#core = new LivenessCore(config.memory, world, config.start, config.options);
  }

  /** Rejects with `AddressError`. */
  async start(): Promise<{ port: number }> {
    const { clock, datagrams, start, options } = this.#config;
    const socket = await datagrams.bind(start.host, start.port, (bytes) => {
      this.#core.receive(bytes);
      if (this.#sweeper === null) this.#sweep();
    });
    if (this.#stopped) {
      socket.close();
      return { port: socket.port };
    }
    this.#socket = socket;
    this.#ticker = clock.every(options.heartbeat_interval_ms, () => this.#core.tick());
    this.#core.tick();
    return { port: socket.port };
  }

  setPeers(peers: readonly EnginePeer[]): void {
    const hasNew = peers.some((peer) => !this.#addresses.has(peer.node));
    this.#addresses.clear();
    for (const peer of peers) this.#addresses.set(peer.node, peer);
    this.#core.setPeers(peers);
    // A new peer is not made to wait for the next interval.
    if (hasNew && this.#socket !== null) this.#core.tick();
  }

  block(nodes: Iterable<NodeId>, deafTo: Iterable<NodeId>): void {
    this.#core.block(nodes, deafTo);
  }

  stats(): LivenessStats {
    return this.#core.stats();
  }

  stop(): void {
    this.#stopped = true;
    this.#ticker?.cancel();
    this.#sweeper?.cancel();
    this.#socket?.close();
    this.#socket = null;
  }

  #send(node: NodeId, bytes: Uint8Array): void {
    const address = this.#addresses.get(node);
    if (address !== undefined) this.#socket?.send(address.host, address.port, bytes);
  }

  /** Looks at the promises when the first of them may have run out; most were extended by then, so this is a few times a second. */
  #sweep(): void {
    this.#sweeper = null;
    if (this.#stopped) return;
    const next_ms = this.#core.sweep();
    if (next_ms === Number.POSITIVE_INFINITY) return;
    this.#sweeper = this.#config.clock.after(next_ms, () => this.#sweep());
  }
}
