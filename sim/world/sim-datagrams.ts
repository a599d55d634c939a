/** UDP between simulated machines: lost, repeated, late and out of order, as the links say. */
import { AddressError, formatAddress } from '../../src/base/network.ts';
import type { Prng } from '../../src/base/prng.ts';
import type { DatagramNetwork } from '../../src/cluster/liveness.ts';
import type { Links } from './links.ts';
import { EventKind, type Lane, type Scheduler } from './scheduler.ts';

interface Bound {
  readonly lane: Lane;
  readonly onDatagram: (bytes: Buffer) => void;
}

export class SimDatagrams {
  readonly #scheduler: Scheduler;
  readonly #links: Links;
  readonly #prng: Prng;
  readonly #bound = new Map<string, Bound>();

  constructor(scheduler: Scheduler, links: Links, prng: Prng) {
    this.#scheduler = scheduler;
    this.#links = links;
    this.#prng = prng;
  }

  /** Datagrams as a process sees them, on the lane of its liveness thread. */
  forProcess(lane: Lane): DatagramNetwork {
    return {
      bind: (host, port, onDatagram) => {
        const key = formatAddress(host, port);
        const before = this.#bound.get(key);
        if (before !== undefined && !before.lane.over) {
          return Promise.reject(new AddressError('EADDRINUSE', host, port, 'UDP'));
        }
        const bound = { lane, onDatagram };
        this.#bound.set(key, bound);
        return Promise.resolve({
          port,
          send: (toHost: string, toPort: number, bytes: Uint8Array) =>
            this.#send(lane.machine, formatAddress(toHost, toPort), Buffer.from(bytes)),
          close: () => {
            if (this.#bound.get(key) === bound) this.#bound.delete(key);
          },
        });
      },
    };
  }

  #send(from: number, address: string, bytes: Buffer): void {
    const links = this.#links;
    if (this.#prng.chance(links.lossRate)) return;
    this.#deliver(from, address, bytes);
    if (links.duplicateRate > 0 && this.#prng.chance(links.duplicateRate)) this.#deliver(from, address, bytes);
  }

  #deliver(from: number, address: string, bytes: Buffer): void {
    const { conditions, extraDelay_ms } = this.#links;
    const delay_ms =
      conditions.latency_ms +
      this.#prng.fraction() * conditions.jitter_ms +
      (extraDelay_ms > 0 ? this.#prng.fraction() * extraDelay_ms : 0);
    this.#scheduler.plan(delay_ms, EventKind.datagram, null, () => {
      const bound = this.#bound.get(address);
      if (bound === undefined || !this.#links.passesDatagram(from, bound.lane.machine)) return;
      this.#scheduler.hash.bytes(bytes);
      this.#scheduler.enter(EventKind.datagram, bound.lane, () => bound.onDatagram(bytes));
    });
  }
}
