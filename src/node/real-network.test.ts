import { afterEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../base/log.ts';
import { AddressError, type Connection } from '../base/network.ts';
import { PeerCalls } from '../cluster/transport-calls.ts';
import { Station } from '../cluster/transport-rig.test-support.ts';
import { Channel, type TransportOptions } from '../cluster/transport-types.ts';
import { RealClock } from './real-clock.ts';
import { RealNetwork } from './real-network.ts';

const clock = new RealClock();
const network = new RealNetwork();
const stations: Station[] = [];

afterEach(async () => {
  await Promise.all(stations.splice(0).map((station) => station.transport.stop()));
});

async function until(condition: () => boolean, timeout_ms = 5000): Promise<void> {
  const end = performance.now() + timeout_ms;
  while (!condition()) {
    if (performance.now() > end) throw new Error('it did not happen in time');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

async function station(options: Partial<TransportOptions> = {}): Promise<Station> {
  const one = new Station({ network, clock }, { host: '127.0.0.1', seed: stations.length + 1, options });
  stations.push(one);
  return one.listen(0);
}

async function pair(options: Partial<TransportOptions> = {}): Promise<[Station, Station]> {
  const a = await station(options);
  const b = await station(options);
  a.join(1, 1, [{ node: 2, host: '127.0.0.1', port: b.port }]);
  b.join(2, 1, [{ node: 1, host: '127.0.0.1', port: a.port }]);
  await until(() => a.transport.connected(2) && b.transport.connected(1));
  return [a, b];
}

describe('RealNetwork', () => {
  it('names a taken address', async () => {
    const listener = await network.listen('127.0.0.1', 0, () => undefined);
    const error = await network.listen('127.0.0.1', listener.port, () => undefined).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(AddressError);
    const { message, code, port } = error as AddressError;
    expect(message).toBe(`TCP 127.0.0.1:${listener.port} is already in use by another process`);
    expect([code, port]).toEqual(['EADDRINUSE', listener.port]);
    await listener.close();
    const again = await network.listen('127.0.0.1', listener.port, () => undefined);
    await again.close();
  });

  it('names an address that is not of this machine', async () => {
    const error = await network.listen('192.0.2.1', 7071, () => undefined).catch((caught: unknown) => caught);
    expect((error as AddressError).message).toBe('TCP 192.0.2.1:7071 is not an address of this machine');
  });

  it('reports a refused connection, and a good end', async () => {
    const closes: (Error | null)[] = [];
    const listener = await network.listen('127.0.0.1', 0, (connection) => {
      connection.onData = (chunk) => {
        connection.write(chunk);
        connection.end();
      };
    });
    const echoed: Buffer[] = [];
    const good = network.connect('127.0.0.1', listener.port);
    good.onConnect = () => good.write(Buffer.from('hello'));
    good.onData = (chunk) => echoed.push(chunk);
    good.onClose = (error) => closes.push(error);
    await until(() => closes.length === 1);
    expect([closes, Buffer.concat(echoed).toString()]).toEqual([[null], 'hello']);
    await listener.close();
    const refused = network.connect('127.0.0.1', listener.port);
    refused.onClose = (error) => closes.push(error);
    await until(() => closes.length === 2);
    expect(closes[1]?.message).toContain('ECONNREFUSED');
  });

  it('takes small writes at once, and tells when a queue of large ones has left', async () => {
    let far: Connection | null = null;
    const listener = await network.listen('127.0.0.1', 0, (connection) => {
      far = connection;
      connection.pause();
    });
    const near = network.connect('127.0.0.1', listener.port);
    let connected = false;
    let drained = 0;
    near.onConnect = () => {
      connected = true;
    };
    near.onDrain = () => {
      drained++;
      expect(near.bytesQueued).toBe(0);
    };
    await until(() => connected && far !== null);
    expect(near.write(Buffer.from('small'))).toBe(true);
    expect(near.bytesQueued).toBe(0);
    const block = Buffer.alloc(1024 * 1024);
    let writes = 0;
    while (near.write(block)) writes++;
    while (writes++ < 40) near.write(block);
    expect(near.bytesQueued).toBeGreaterThan(0);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(drained).toBe(0);
    (far as Connection | null)?.resume();
    await until(() => drained === 1);
    near.destroy();
    (far as Connection | null)?.destroy();
    await listener.close();
  });

  it('writes what is large in slices, in order with all else, and ends after it', async () => {
    const received: Buffer[] = [];
    let isOver = false;
    const listener = await network.listen('127.0.0.1', 0, (connection) => {
      connection.onData = (chunk) => received.push(chunk);
      connection.onClose = () => {
        isOver = true;
      };
    });
    const near = network.connect('127.0.0.1', listener.port);
    const sent = [10, 5_000_000, 3, 2_000_000, 700_000, 700_000, 1, 1_048_576, 1_048_577, 20].map((length, index) =>
      Buffer.alloc(length, `${index}.`),
    );
    await new Promise<void>((resolve) => {
      near.onConnect = resolve;
    });
    for (const bytes of sent) near.write(bytes);
    // The system has taken a slice at most of what is large.
    expect(near.bytesQueued).toBeGreaterThan(9_000_000);
    near.end();
    near.write(Buffer.from('after the end'));
    await until(() => isOver);
    expect(Buffer.concat(received).equals(Buffer.concat(sent))).toBe(true);
    await listener.close();
  });
});

describe('the transport on real sockets', () => {
  it('carries frames of all sizes both ways, in order', async () => {
    const [a, b] = await pair();
    const sizes = [0, 1, 5, 100, 65_536, 65_531, 1_000_000, 3, 20_000_000, 7];
    const seen: number[] = [];
    b.onFrame = (_from, _channel, payload) => {
      seen.push(payload.length);
      expect(payload.every((byte) => byte === (payload.length & 255))).toBe(true);
      b.transport.send(1, 2, payload);
    };
    for (const size of sizes) expect(a.transport.send(2, 1, Buffer.alloc(size, size & 255))).toBe(true);
    await until(() => a.frames.length === sizes.length);
    expect(seen).toEqual(sizes);
  });

  it('reconnects after the peer was restarted', async () => {
    const [a, b] = await pair();
    const port = b.port;
    await b.transport.stop();
    await until(() => !a.transport.connected(2));
    const again = new Station({ network, clock }, { host: '127.0.0.1', seed: 9 });
    stations.push(again);
    await again.listen(port);
    again.join(2, 2, [{ node: 1, host: '127.0.0.1', port: a.port }]);
    await until(() => a.transport.connected(2) && again.transport.connected(1));
    expect(a.events).toEqual(['up 2 1', 'down 2', 'up 2 2']);
  });

  it('blocks and unblocks', async () => {
    const [a, b] = await pair();
    a.transport.block([2]);
    await until(() => !b.transport.connected(1));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(b.transport.connected(1)).toBe(false);
    a.transport.block([]);
    await until(() => a.transport.connected(2) && b.transport.connected(1));
  });

  it('survives random bytes from strangers', async () => {
    const [a, b] = await pair();
    let closed = 0;
    for (let round = 0; round < 30; round++) {
      const connection = network.connect('127.0.0.1', a.port);
      connection.onClose = () => closed++;
      connection.onConnect = () =>
        connection.write(Buffer.from(Array.from({ length: 500 }, () => Math.random() * 256)));
    }
    await until(() => closed === 30);
    b.transport.send(1, 1, Buffer.from('still here'));
    await until(() => a.frames.length === 1);
  });

  it('holds a sender back when the receiver does not keep up', async () => {
    const [a, b] = await pair({ queue_bytes_max: 4 * 1024 * 1024 });
    // Stop b from reading at all: its loop is blocked while a writes.
    const frame = Buffer.alloc(100_000);
    let taken = 0;
    while (a.transport.send(2, 1, frame)) {
      taken++;
      a.transport.flush();
      if (taken > 1000) break;
    }
    expect(taken).toBeLessThan(200);
    await until(() => b.frames.length === taken);
    expect(a.transport.send(2, 1, frame)).toBe(true);
  });

  it('moves 50 MB in a bulk stream with bounded memory', async () => {
    const [a, b] = await pair({ bulk_bytes_per_second: 1e9 });
    const chunk_bytes = 256 * 1024;
    const count = 200;
    let received = 0;
    let waiting = 0;
    let largest = 0;
    b.onBulk = () => ({
      onChunk: (chunk, goOn) => {
        expect(chunk.length).toBe(chunk_bytes);
        expect(chunk[chunk_bytes - 1]).toBe(received & 255);
        received++;
        waiting++;
        largest = Math.max(largest, waiting, process.memoryUsage().arrayBuffers);
        // Every few chunks the receiver is slower than the sender.
        const next = (): void => {
          waiting--;
          goOn();
        };
        if (received % 10 === 0) setTimeout(next, 3);
        else next();
      },
      onEnd: (confirm) => setTimeout(() => confirm(), 20),
      onAbort: (error) => expect.unreachable(error.message),
    });
    global.gc?.();
    const before = process.memoryUsage().arrayBuffers;
    let outcome: string | null = null;
    const stream = a.transport.openBulk(2, Buffer.from('header'), (error) => {
      outcome = error === null ? 'confirmed' : error.message;
    });
    let written = 0;
    const next = (): void => {
      if (written === count) stream.end();
      else stream.write(Buffer.alloc(chunk_bytes, written++ & 255), next);
    };
    next();
    await until(() => outcome !== null, 20_000);
    expect([outcome, received]).toEqual(['confirmed', count]);
    // Garbage of past chunks is collected when it suits the engine; what may pile up is far below the transfer.
    expect(largest - before).toBeLessThan(48 * 1024 * 1024);
  });

  it('serves guests', async () => {
    const host = await station();
    const guest = await station();
    host.onGuest = (request, respond) => setImmediate(() => respond(Buffer.concat([request, request])));
    const reply = await guest.transport.guestCall('127.0.0.1', host.port, Buffer.alloc(300_000, 'x'), 2000);
    expect(reply.length).toBe(600_000);
    await host.transport.stop();
    await expect(guest.transport.guestCall('127.0.0.1', host.port, Buffer.alloc(1), 500)).rejects.toThrow(
      'ECONNREFUSED',
    );
  });

  it('answers calls', async () => {
    const [a, b] = await pair();
    const ends = [a, b].map((one) => {
      const calls = new PeerCalls(one.transport, silentLogger);
      one.onFrame = (from, channel, payload) => channel === Channel.calls && calls.frame(from, payload);
      return calls;
    });
    ends[0]?.peerUp(2);
    ends[1]?.peerUp(1);
    ends[1]?.serve(1, (_from, request, respond) => respond(request));
    let replies = 0;
    for (let i = 0; i < 10_000; i++) {
      ends[0]?.call(2, 1, Buffer.from(`${i}`), (reply) => {
        if (reply?.toString() === `${i}`) replies++;
      });
    }
    await until(() => replies === 10_000);
  });
});

describe('RealClock', () => {
  it('reads the time of process.hrtime', () => {
    const hrtime_ms = (): number => {
      const [seconds, nanoseconds] = process.hrtime();
      return seconds * 1000 + nanoseconds / 1e6;
    };
    for (let i = 0; i < 1000; i++) {
      const before = hrtime_ms();
      const now = clock.monotonic_ms();
      const after = hrtime_ms();
      expect(now).toBeGreaterThan(before - 0.05);
      expect(now).toBeLessThan(after + 0.05);
    }
  });

  it('never goes back', () => {
    let last = clock.monotonic_ms();
    for (let i = 0; i < 100_000; i++) {
      const now = clock.monotonic_ms();
      if (now < last) expect.unreachable('the clock went back');
      last = now;
    }
  });

  it('runs timers no earlier than asked, and not after they were cancelled', async () => {
    const began = clock.monotonic_ms();
    let cancelled = 0;
    clock.after(5, () => cancelled++).cancel();
    const every = clock.every(5, () => cancelled++);
    every.cancel();
    await new Promise<void>((resolve) => clock.after(20.5, resolve));
    expect(clock.monotonic_ms() - began).toBeGreaterThanOrEqual(20.5);
    expect(cancelled).toBe(0);
  });

  it('runs callbacks at the end of the turn in order, and new ones in the next turn', async () => {
    const seen: string[] = [];
    const nextTurn = new Promise<void>((resolve) => {
      clock.endOfTurn(() => {
        seen.push('a');
        clock.endOfTurn(() => seen.push('c'));
        setImmediate(() => {
          seen.push('turn');
          resolve();
        });
      });
    });
    clock.endOfTurn(() => seen.push('b'));
    expect(seen).toEqual([]);
    await nextTurn;
    expect(seen).toEqual(['a', 'b', 'c', 'turn']);
  });
});
