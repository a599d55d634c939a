/**
 * TCP between simulated machines: ordered, with delays, a window that a slow reader fills, connections that break, directions
 * that are clogged or cut (the kernel keeps what was sent and repeats it), and hosts without power, which say nothing at
 * all. A process that ends leaves a kernel behind that resets its connections; a machine that loses power does not.
 */
import { AddressError, type Connection, formatAddress, type Listener, type Network } from '../../src/base/network.ts';
import type { Prng } from '../../src/base/prng.ts';
import type { Links } from './links.ts';
import { EventKind, type Lane, type Scheduler } from './scheduler.ts';

export interface NetworkShape {
  /** Bytes under way in one direction before a writer has to wait. */
  readonly window_bytes: number;
  /** What arrives is cut into pieces of at most so many bytes; 0 for not at all. */
  readonly piece_bytes: number;
}

interface Listening {
  readonly lane: Lane;
  readonly onConnection: (connection: Connection) => void;
}

const nothing = (): void => undefined;
/** How long the kernel of a sender takes to repeat what was lost, once it gets through again, at most. */
const RETRANSMIT_MS = 50;

export class SimNetwork {
  readonly scheduler: Scheduler;
  readonly links: Links;
  readonly shape: NetworkShape;
  readonly prng: Prng;
  readonly #machines = new Map<string, number>();
  readonly #listeners = new Map<string, Listening>();
  readonly #ends = new Set<StreamEnd>();

  constructor(scheduler: Scheduler, links: Links, shape: NetworkShape, prng: Prng) {
    this.scheduler = scheduler;
    this.links = links;
    this.shape = shape;
    this.prng = prng;
  }

  addMachine(host: string, machine: number): void {
    this.#machines.set(host, machine);
  }

  machineOf(host: string): number {
    return this.#machines.get(host) ?? 0;
  }

  delay_ms(): number {
    const { latency_ms, jitter_ms } = this.links.conditions;
    return latency_ms + this.prng.fraction() * jitter_ms + this.links.extraDelay_ms * this.prng.fraction();
  }

  /** The network as a process on `machine` sees it. */
  forProcess(lane: Lane): Network {
    return {
      listen: (host, port, onConnection) => this.#listen(lane, host, port, onConnection),
      connect: (host, port) => this.#connect(lane, host, port),
    };
  }

  /** The process is gone. `reset`: its kernel lives and says so. */
  endProcess(lane: Lane, reset: boolean): void {
    for (const [address, listening] of this.#listeners) if (listening.lane === lane) this.#listeners.delete(address);
    for (const end of [...this.#ends]) if (end.lane === lane) end.orphan(reset);
  }

  /** Resets every connection between two machines. */
  breakConnections(a: number, b: number): void {
    for (const end of [...this.#ends]) {
      if (end.machine === a && end.peerMachine === b) {
        end.reset();
        end.other?.reset();
      }
    }
  }

  forget(end: StreamEnd): void {
    this.#ends.delete(end);
  }

  #listen(lane: Lane, host: string, port: number, onConnection: (connection: Connection) => void): Promise<Listener> {
    const key = formatAddress(host, port);
    if (this.#listeners.has(key)) return Promise.reject(new AddressError('EADDRINUSE', host, port, 'TCP'));
    const listening = { lane, onConnection };
    this.#listeners.set(key, listening);
    return Promise.resolve({
      host,
      port,
      close: () => {
        if (this.#listeners.get(key) === listening) this.#listeners.delete(key);
        return Promise.resolve();
      },
    });
  }

  #connect(lane: Lane, host: string, port: number): Connection {
    const address = formatAddress(host, port);
    const near = new StreamEnd(this, lane, this.machineOf(host), address);
    this.#ends.add(near);
    const knock = (): void => {
      if (near.closed || near.orphaned) return;
      if (
        !this.links.passesStream(near.machine, near.peerMachine) ||
        !this.links.passesStream(near.peerMachine, near.machine)
      ) {
        const [from, to] = this.links.passesStream(near.machine, near.peerMachine)
          ? [near.peerMachine, near.machine]
          : [near.machine, near.peerMachine];
        this.links.whenOpen(from, to, () =>
          this.scheduler.plan(this.#retransmit_ms(), EventKind.connection, null, knock),
        );
        return;
      }
      const listening = this.#listeners.get(address);
      if (listening === undefined || listening.lane.over) {
        near.reset(`connect ECONNREFUSED ${address}`);
        return;
      }
      const far = new StreamEnd(this, listening.lane, near.machine, `machine-${near.machine}`);
      this.#ends.add(far);
      near.other = far;
      far.other = near;
      this.scheduler.plan(0, EventKind.connection, listening.lane, () => {
        if (far.closed) return;
        far.established = true;
        listening.onConnection(far);
        far.opened();
      });
      this.scheduler.plan(this.delay_ms(), EventKind.connection, lane, () => {
        if (near.closed) return;
        near.established = true;
        near.onConnect();
        near.opened();
      });
    };
    this.scheduler.plan(this.delay_ms(), EventKind.connection, null, knock);
    return near;
  }

  #retransmit_ms(): number {
    return this.prng.fraction() * RETRANSMIT_MS;
  }
}

interface Segment {
  /** Null: the end of the stream. */
  readonly bytes: Buffer | null;
  readonly error: Error | null;
  arrive_ms: number;
}

/** One side of a connection. */
export class StreamEnd implements Connection {
  onConnect: () => void = nothing;
  onData: (chunk: Buffer) => void = nothing;
  onDrain: () => void = nothing;
  onClose: (error: Error | null) => void = nothing;
  other: StreamEnd | null = null;
  closed = false;
  established = false;
  /** Its process is gone. */
  orphaned = false;
  readonly lane: Lane;
  readonly machine: number;
  readonly peerMachine: number;
  readonly remote: string;
  readonly #network: SimNetwork;
  #queued: Buffer[] = [];
  #queued_bytes = 0;
  /** Sent and not yet read by the other process. */
  #window_bytes = 0;
  #wantsDrain = false;
  #ending = false;
  #endSent = false;
  #paused = false;
  /** On the way to the other side, in order. */
  #flying: Segment[] = [];
  #arrivalPlanned = false;
  /** Arrived and not read. */
  #inbox: Segment[] = [];

  constructor(network: SimNetwork, lane: Lane, peerMachine: number, remote: string) {
    this.#network = network;
    this.lane = lane;
    this.machine = lane.machine;
    this.peerMachine = peerMachine;
    this.remote = remote;
  }

  get bytesQueued(): number {
    return this.#queued_bytes;
  }

  write(bytes: Uint8Array): boolean {
    if (this.closed || this.#ending) return true;
    if (bytes.length > 0) {
      this.#queued.push(Buffer.from(bytes));
      this.#queued_bytes += bytes.length;
    }
    this.#pump();
    if (this.#queued_bytes > 0) this.#wantsDrain = true;
    return this.#queued_bytes === 0;
  }

  opened(): void {
    this.#pump();
    this.#read();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    if (this.#inbox.length > 0) this.#network.scheduler.plan(0, EventKind.data, this.lane, () => this.#read());
  }

  end(): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#pump();
  }

  destroy(error?: Error): void {
    if (this.closed) return;
    this.#fly({ bytes: null, error: null, arrive_ms: 0 });
    this.#close(error ?? null);
  }

  /** The connection is gone for this side. */
  reset(text = 'read ECONNRESET'): void {
    if (this.closed) return;
    this.#close(new Error(text));
  }

  /** The process is gone; with `reset` its kernel tells the other side. */
  orphan(reset: boolean): void {
    if (this.orphaned) return;
    this.orphaned = true;
    this.closed = true;
    this.#network.forget(this);
    // What the process had written is in the kernel: some of it still arrives.
    if (reset) this.#fly({ bytes: null, error: new Error('read ECONNRESET'), arrive_ms: 0 });
    else this.#flying = [];
  }

  #close(error: Error | null): void {
    this.closed = true;
    this.#queued = [];
    this.#queued_bytes = 0;
    this.#inbox = [];
    this.#network.forget(this);
    this.#network.scheduler.plan(0, EventKind.connection, this.lane, () => this.onClose(error));
  }

  #pump(): void {
    if (!this.established || this.closed) return;
    const { window_bytes, piece_bytes } = this.#network.shape;
    while (this.#queued.length > 0 && this.#window_bytes < window_bytes) {
      const chunk = this.#queued.shift() as Buffer;
      this.#queued_bytes -= chunk.length;
      this.#window_bytes += chunk.length;
      if (piece_bytes === 0) {
        this.#fly({ bytes: chunk, error: null, arrive_ms: 0 });
        continue;
      }
      for (let at = 0; at < chunk.length; ) {
        const size = 1 + this.#network.prng.below(piece_bytes);
        this.#fly({ bytes: chunk.subarray(at, at + size), error: null, arrive_ms: 0 });
        at += size;
      }
    }
    if (this.#queued_bytes > 0) return;
    if (this.#wantsDrain) {
      this.#wantsDrain = false;
      this.#network.scheduler.plan(0, EventKind.connection, this.lane, () => {
        if (!this.closed) this.onDrain();
      });
    }
    if (this.#ending && !this.#endSent) {
      this.#endSent = true;
      this.#fly({ bytes: null, error: null, arrive_ms: 0 });
    }
  }

  #fly(segment: Segment): void {
    const last = this.#flying[this.#flying.length - 1];
    segment.arrive_ms = Math.max(this.#network.scheduler.now_ms + this.#network.delay_ms(), last?.arrive_ms ?? 0);
    this.#flying.push(segment);
    if (!this.#arrivalPlanned) this.#planArrival();
  }

  #planArrival(): void {
    const first = this.#flying[0];
    if (first === undefined) return;
    this.#arrivalPlanned = true;
    const { scheduler } = this.#network;
    scheduler.plan(Math.max(0, first.arrive_ms - scheduler.now_ms), EventKind.data, null, this.#arrive);
  }

  readonly #arrive = (): void => {
    const { links, scheduler } = this.#network;
    const { other } = this;
    if (!links.passesStream(this.machine, this.peerMachine)) {
      links.whenOpen(this.machine, this.peerMachine, () => {
        scheduler.plan(this.#network.prng.fraction() * RETRANSMIT_MS, EventKind.data, null, this.#arrive);
      });
      return;
    }
    this.#arrivalPlanned = false;
    if (other === null) {
      this.#flying = [];
      return;
    }
    if (other.orphaned || other.closed) {
      // The kernel over there knows nothing of this connection (any more).
      this.#flying = [];
      if (other.orphaned && !this.closed) this.reset();
      return;
    }
    // What arrives by now arrives together.
    let count = 0;
    while (count < this.#flying.length && (this.#flying[count] as Segment).arrive_ms <= scheduler.now_ms) count += 1;
    const arrived = this.#flying.splice(0, Math.max(1, count));
    other.#inbox.push(...arrived);
    this.#planArrival();
    scheduler.enter(EventKind.data, other.lane, other.#readArrived);
  };

  readonly #readArrived = (): void => this.#read();

  #read(): void {
    while (this.established && !this.#paused && !this.closed && this.#inbox.length > 0) {
      const segment = this.#inbox.shift() as Segment;
      if (segment.bytes === null) {
        this.#close(segment.error);
        return;
      }
      const { other } = this;
      this.#network.scheduler.hash.bytes(segment.bytes);
      if (other !== null) other.#read_bytes(segment.bytes.length);
      this.onData(segment.bytes);
    }
  }

  #read_bytes(count: number): void {
    this.#window_bytes -= count;
    if (this.#queued.length > 0) this.#pump();
  }
}
