/**
 * The liveness worker thread: `LivenessEngine` on a UDP socket. Started by `WorkerLiveness` (src/node). It has a loop and a
 * heap of its own, so that a busy or collecting main thread does not delay heartbeats; it must stay free of other work.
 */

import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns';
import { isIP } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { AddressError } from '../base/network.ts';
import type { DatagramNetwork, DatagramSocket } from './liveness.ts';
import { LivenessEngine } from './liveness-engine.ts';
import { LivenessMemory } from './liveness-memory.ts';
import type { FromLivenessWorker, LivenessWorkerData, ToLivenessWorker } from './liveness-messages.ts';

const STATS_INTERVAL_MS = 1000;
const LOOKUP_INTERVAL_MS = 10_000;

/** `process.hrtime`, as the main thread's `RealClock`: the same in all threads. */
const clock = {
  monotonic_ms: (): number => {
    const [seconds, nanoseconds] = process.hrtime();
    return seconds * 1000 + nanoseconds / 1e6;
  },
  after: (delay_ms: number, callback: () => void) => {
    const handle = setTimeout(callback, Math.ceil(delay_ms));
    return { cancel: () => clearTimeout(handle) };
  },
  every: (interval_ms: number, callback: () => void) => {
    const handle = setInterval(callback, interval_ms);
    return { cancel: () => clearInterval(handle) };
  },
};

class UdpSocket implements DatagramSocket {
  readonly port: number;
  readonly #socket: Socket;
  readonly #family: 4 | 6;
  /** Addresses of host names; asking the resolver per datagram would queue behind its slow answers. */
  readonly #resolved = new Map<string, { address: string | null; askedAt_ms: number }>();
  #closed = false;

  constructor(socket: Socket, family: 4 | 6) {
    this.#socket = socket;
    this.#family = family;
    this.port = socket.address().port;
  }

  send(host: string, port: number, bytes: Uint8Array): void {
    if (this.#closed) return;
    const address = isIP(host) !== 0 ? host : this.#resolve(host);
    // A datagram that cannot be sent is a lost one.
    if (address !== null) this.#socket.send(bytes, port, address, ignore);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
  }

  #resolve(host: string): string | null {
    const now_ms = clock.monotonic_ms();
    let entry = this.#resolved.get(host);
    if (entry === undefined) {
      entry = { address: null, askedAt_ms: Number.NEGATIVE_INFINITY };
      this.#resolved.set(host, entry);
    }
    const known = entry;
    if (now_ms - known.askedAt_ms > LOOKUP_INTERVAL_MS) {
      known.askedAt_ms = now_ms;
      lookup(host, { family: this.#family }, (error, address) => {
        if (error === null) known.address = address;
        // Ask again soon while nothing is known.
        else if (known.address === null) known.askedAt_ms = clock.monotonic_ms() - LOOKUP_INTERVAL_MS + 1000;
      });
    }
    return known.address;
  }
}

const ignore = (): void => undefined;

const udp: DatagramNetwork = {
  bind(host, port, onDatagram) {
    return new Promise((resolve, reject) => {
      const family = host.includes(':') ? 6 : 4;
      const socket = createSocket({ type: family === 6 ? 'udp6' : 'udp4' });
      socket.on('message', onDatagram);
      socket.once('error', (error: NodeJS.ErrnoException) => {
        socket.close();
        reject(new AddressError(error.code ?? 'unknown', host, port, 'UDP', error));
      });
      socket.bind({ port, address: host, exclusive: true }, () => {
        socket.removeAllListeners('error');
        // ICMP refusals of a peer that is down.
        socket.on('error', ignore);
        resolve(new UdpSocket(socket, family));
      });
    });
  },
};

function run(): void {
  const port = parentPort;
  if (port === null) throw new Error('liveness-worker is started by WorkerLiveness');
  const post = (message: FromLivenessWorker): void => port.postMessage(message);
  const { memory, start, options } = workerData as LivenessWorkerData;
  const engine = new LivenessEngine({
    clock,
    datagrams: udp,
    memory: new LivenessMemory(memory),
    start,
    options,
    onChange: (node, change) => post({ kind: 'changed', node, change }),
  });
  const reporter = setInterval(() => post({ kind: 'stats', stats: engine.stats() }), STATS_INTERVAL_MS);
  port.on('message', (message: ToLivenessWorker) => {
    if (message.kind === 'peers') engine.setPeers(message.peers);
    else if (message.kind === 'block') engine.block(message.nodes, message.deafTo);
    else {
      clearInterval(reporter);
      engine.stop();
      port.close();
    }
  });
  engine.start().then(
    (started) => post({ kind: 'started', port: started.port }),
    (error: unknown) => {
      clearInterval(reporter);
      const code = error instanceof AddressError ? error.code : '';
      post({ kind: 'refused', code, text: error instanceof Error ? error.message : String(error) });
      port.close();
    },
  );
}

run();
