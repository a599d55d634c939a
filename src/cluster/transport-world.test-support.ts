/** A clock that is moved by hand, and a network and datagrams in memory on it. */
import type { Clock, Timer } from '../base/clock.ts';
import { AddressError, type Connection, formatAddress, type Listener, type Network } from '../base/network.ts';
import type { DatagramNetwork, DatagramSocket } from './liveness.ts';

interface PlannedCall {
  at_ms: number;
  readonly order: number;
  readonly interval_ms: number;
  readonly callback: () => void;
}

export class ManualClock implements Clock {
  now_ms = 1_000_000;
  /** Wall clock minus monotonic clock. */
  wallOffset_ms = 1_790_000_000_000;
  #calls: PlannedCall[] = [];
  #order = 0;
  #endOfTurn: (() => void)[] = [];

  monotonic_ms(): number {
    return this.now_ms;
  }

  wall_ms(): number {
    return this.now_ms + this.wallOffset_ms;
  }

  after(delay_ms: number, callback: () => void): Timer {
    return this.#plan(delay_ms, 0, callback);
  }

  every(interval_ms: number, callback: () => void): Timer {
    return this.#plan(interval_ms, interval_ms, callback);
  }

  endOfTurn(callback: () => void): void {
    this.#endOfTurn.push(callback);
  }

  get planned(): number {
    return this.#calls.length;
  }

  /** Runs everything that is due in the next `duration_ms`, in order of time. */
  advance(duration_ms: number): void {
    const end_ms = this.now_ms + duration_ms;
    this.#endTurn();
    for (;;) {
      let next: PlannedCall | null = null;
      for (const call of this.#calls) {
        if (call.at_ms > end_ms) continue;
        if (next === null || call.at_ms < next.at_ms || (call.at_ms === next.at_ms && call.order < next.order))
          next = call;
      }
      if (next === null) break;
      this.now_ms = Math.max(this.now_ms, next.at_ms);
      if (next.interval_ms > 0) next.at_ms = this.now_ms + next.interval_ms;
      else this.#calls.splice(this.#calls.indexOf(next), 1);
      next.callback();
      this.#endTurn();
    }
    this.now_ms = end_ms;
  }

  /** Time passes and nothing runs: the process is suspended. Late intervals are not made up for. */
  sleep(duration_ms: number): void {
    this.now_ms += duration_ms;
  }

  #endTurn(): void {
    while (this.#endOfTurn.length > 0) {
      const callbacks = this.#endOfTurn;
      this.#endOfTurn = [];
      for (const callback of callbacks) callback();
    }
  }

  #plan(delay_ms: number, interval_ms: number, callback: () => void): Timer {
    const call = { at_ms: this.now_ms + delay_ms, order: this.#order++, interval_ms, callback };
    this.#calls.push(call);
    return {
      cancel: () => {
        const at = this.#calls.indexOf(call);
        if (at >= 0) this.#calls.splice(at, 1);
      },
    };
  }
}

const nothing = (): void => undefined;

/** TCP in memory: ordered, with latency, a window that a paused reader fills, and host pairs that can be cut. */
export class MemoryNetwork implements Network {
  latency_ms = 1;
  /** Bytes under way in one direction before `write` returns false. */
  window_bytes = 256 * 1024;
  /** Cuts what is delivered into pieces of this size at most. */
  piece_bytes = Number.POSITIVE_INFINITY;
  connects = 0;
  readonly #clock: ManualClock;
  readonly #listeners = new Map<string, (connection: Connection) => void>();
  readonly #silenced = new Set<string>();
  #nextPort = 40_000;

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  listen(host: string, port: number, onConnection: (connection: Connection) => void): Promise<Listener> {
    const actual = port === 0 ? this.#nextPort++ : port;
    const key = formatAddress(host, actual);
    if (this.#listeners.has(key)) return Promise.reject(new AddressError('EADDRINUSE', host, port, 'TCP'));
    this.#listeners.set(key, onConnection);
    return Promise.resolve({
      host,
      port: actual,
      close: () => {
        this.#listeners.delete(key);
        return Promise.resolve();
      },
    });
  }

  connect(host: string, port: number): Connection {
    this.connects++;
    const key = formatAddress(host, port);
    const near = new MemoryConnection(this, this.#clock, key);
    this.#clock.after(this.latency_ms, () => {
      if (near.closed || this.#silenced.has(key)) return;
      const onConnection = this.#listeners.get(key);
      if (onConnection === undefined) {
        near.closeWith(new Error(`connect ECONNREFUSED ${key}`));
        return;
      }
      const far = new MemoryConnection(this, this.#clock, 'dialler');
      near.other = far;
      far.other = near;
      onConnection(far);
      near.onConnect();
      near.pump();
    });
    return near;
  }

  /** Packets to this listener vanish: no answer, no refusal. */
  silence(host: string, port: number, silent: boolean): void {
    const key = formatAddress(host, port);
    if (silent) this.#silenced.add(key);
    else this.#silenced.delete(key);
  }
}

class MemoryConnection implements Connection {
  onConnect: () => void = nothing;
  onData: (chunk: Buffer) => void = nothing;
  onDrain: () => void = nothing;
  onClose: (error: Error | null) => void = nothing;
  readonly remote: string;
  other: MemoryConnection | null = null;
  closed = false;
  readonly #network: MemoryNetwork;
  readonly #clock: ManualClock;
  #queued: Buffer[] = [];
  #queued_bytes = 0;
  #flying_bytes = 0;
  #inbox: Buffer[] = [];
  #paused = false;
  #ending = false;
  #finReceived = false;
  #wantsDrain = false;

  constructor(network: MemoryNetwork, clock: ManualClock, remote: string) {
    this.#network = network;
    this.#clock = clock;
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
    this.pump();
    if (this.#queued_bytes > 0) this.#wantsDrain = true;
    return this.#queued_bytes === 0;
  }

  /** Sends as much as the window takes. */
  pump(): void {
    const other = this.other;
    if (other === null || this.closed) return;
    while (this.#queued.length > 0 && this.#flying_bytes < this.#network.window_bytes) {
      const chunk = this.#queued.shift() as Buffer;
      this.#queued_bytes -= chunk.length;
      for (let at = 0; at < chunk.length; at += this.#network.piece_bytes) {
        const piece = chunk.subarray(at, Math.min(chunk.length, at + this.#network.piece_bytes));
        this.#flying_bytes += piece.length;
        this.#clock.after(this.#network.latency_ms, () => other.#arrive(piece));
      }
    }
    if (this.#queued_bytes > 0) return;
    if (this.#wantsDrain) {
      this.#wantsDrain = false;
      this.#clock.after(0, () => {
        if (!this.closed) this.onDrain();
      });
    }
    if (!this.#ending) return;
    this.#clock.after(this.#network.latency_ms, () => other.#fin());
  }

  #arrive(piece: Buffer): void {
    if (this.closed) return;
    this.#inbox.push(piece);
    this.#read();
  }

  #fin(): void {
    this.#finReceived = true;
    this.#read();
  }

  #read(): void {
    while (!this.#paused && !this.closed && this.#inbox.length > 0) {
      const piece = this.#inbox.shift() as Buffer;
      const other = this.other;
      if (other !== null) {
        other.#flying_bytes -= piece.length;
        other.pump();
      }
      this.onData(piece);
    }
    if (!this.#paused && this.#finReceived && this.#inbox.length === 0) this.closeWith(null);
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#clock.after(0, () => this.#read());
  }

  end(): void {
    if (this.#ending) return;
    this.#ending = true;
    this.pump();
  }

  destroy(error?: Error): void {
    this.closeWith(error ?? null);
  }

  closeWith(error: Error | null): void {
    if (this.closed) return;
    this.closed = true;
    const other = this.other;
    if (other !== null) this.#clock.after(this.#network.latency_ms, () => other.#fin());
    this.#clock.after(0, () => this.onClose(error));
  }
}

/** UDP in memory. `lose` decides on each datagram; `delay_ms` may vary. */
export class MemoryDatagrams implements DatagramNetwork {
  delay_ms: () => number = () => 1;
  lose: (from: string, to: string, bytes: Buffer) => boolean = () => false;
  readonly #clock: ManualClock;
  readonly #bound = new Map<string, (bytes: Buffer) => void>();

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  bind(host: string, port: number, onDatagram: (bytes: Buffer) => void): Promise<DatagramSocket> {
    const key = formatAddress(host, port);
    if (this.#bound.has(key)) return Promise.reject(new AddressError('EADDRINUSE', host, port, 'UDP'));
    this.#bound.set(key, onDatagram);
    return Promise.resolve({
      port,
      send: (toHost: string, toPort: number, bytes: Uint8Array) => {
        const to = formatAddress(toHost, toPort);
        const copy = Buffer.from(bytes);
        if (this.lose(key, to, copy)) return;
        this.#clock.after(this.delay_ms(), () => this.#bound.get(to)?.(copy));
      },
      close: () => this.#bound.delete(key),
    });
  }
}
