import { beforeEach, describe, expect, it } from 'vitest';
import { Prng } from '../base/prng.ts';
import { Station } from './transport-rig.test-support.ts';
import type { TransportOptions } from './transport-types.ts';
import { ManualClock, MemoryNetwork } from './transport-world.test-support.ts';

const PORT = 7071;
let clock: ManualClock;
let network: MemoryNetwork;
let seed = 1;

beforeEach(() => {
  clock = new ManualClock();
  network = new MemoryNetwork(clock);
});

const addressOf = (node: number): { node: number; host: string; port: number } => ({
  node,
  host: `127.0.0.${node}`,
  port: PORT,
});

function station(node: number, options: Partial<TransportOptions> = {}): Promise<Station> {
  return new Station({ network, clock }, { host: `127.0.0.${node}`, seed: seed++, options }).listen(PORT);
}

async function pair(options: Partial<TransportOptions> = {}): Promise<[Station, Station]> {
  const a = await station(1, options);
  const b = await station(2, options);
  a.join(1, 1, [addressOf(1), addressOf(2)]);
  b.join(2, 1, [addressOf(1), addressOf(2)]);
  clock.advance(100);
  return [a, b];
}

async function stop(one: Station): Promise<void> {
  const stopped = one.transport.stop();
  clock.advance(600);
  await stopped;
}

const text = (value: string): Buffer => Buffer.from(value);

describe('a pair of nodes', () => {
  it('connects both ways and tells each side once', async () => {
    const [a, b] = await pair();
    expect(a.events).toEqual(['up 2 1']);
    expect(b.events).toEqual(['up 1 1']);
    expect(a.transport.connected(2)).toBe(true);
    expect(a.transport.connected(1)).toBe(false);
  });

  it('hands frames on in order, with their channel and sender', async () => {
    const [a, b] = await pair();
    expect(a.transport.send(2, 1, text('one'))).toBe(true);
    const out = a.transport.begin(2, 2);
    out?.raw(text('two'));
    a.transport.end(2);
    expect(a.transport.send(2, 3, text(''))).toBe(true);
    clock.advance(10);
    expect(b.frames).toEqual([
      { from: 1, channel: 1, text: 'one' },
      { from: 1, channel: 2, text: 'two' },
      { from: 1, channel: 3, text: '' },
    ]);
  });

  it('sends what was written in one turn as one write, at its end or at flush', async () => {
    const [a, b] = await pair();
    const writes = (): number => a.transport.stats().links[0]?.writes ?? 0;
    const before = writes();
    for (let i = 0; i < 100; i++) a.transport.send(2, 1, text(`frame ${i}`));
    expect(writes()).toBe(before);
    clock.advance(0);
    expect(writes()).toBe(before + 1);
    a.transport.send(2, 1, text('now'));
    a.transport.flush();
    expect(writes()).toBe(before + 2);
    clock.advance(10);
    expect(b.frames.length).toBe(101);
  });

  it('does not send a frame that is open or was cancelled', async () => {
    const [a, b] = await pair();
    a.transport.begin(2, 1)?.raw(text('half'));
    a.transport.flush();
    clock.advance(10);
    expect(b.frames).toEqual([]);
    a.transport.cancel(2);
    a.transport.send(2, 1, text('whole'));
    clock.advance(10);
    expect(b.frames.map((frame) => frame.text)).toEqual(['whole']);
  });

  it('sends nothing to who is not connected or not known', async () => {
    const [a, b] = await pair();
    expect(a.transport.send(3, 1, text('x'))).toBe(false);
    expect(a.transport.begin(3, 1)).toBe(null);
    await stop(b);
    expect(a.events).toEqual(['up 2 1', 'down 2']);
    expect(a.transport.send(2, 1, text('x'))).toBe(false);
  });

  it('keeps the reserved channels for itself', async () => {
    const [a] = await pair();
    expect(() => a.transport.send(2, 255, text('x'))).toThrow('reserved');
    expect(() => a.transport.send(2, 0, text('x'))).toThrow('reserved');
  });

  it('can be answered from within a frame, also the first one', async () => {
    const a = await station(1);
    const b = await station(2);
    b.onFrame = (from, channel, payload) => b.transport.send(from, channel, Buffer.concat([text('re: '), payload]));
    a.onPeerUp = () => a.transport.send(2, 1, text('at once'));
    a.join(1, 1, [addressOf(2)]);
    b.join(2, 1, [addressOf(1)]);
    clock.advance(100);
    expect(b.events[0]).toBe('up 1 1');
    expect(a.frames).toEqual([{ from: 2, channel: 1, text: 're: at once' }]);
  });

  it('stays connected while nothing is said', async () => {
    const [a, b] = await pair();
    clock.advance(60_000);
    expect(a.events).toEqual(['up 2 1']);
    expect(b.events).toEqual(['up 1 1']);
    expect(a.frames).toEqual([]);
  });
});

describe('reconnecting', () => {
  it('dials with growing pauses up to a second, and at once when the peer comes by itself', async () => {
    const a = await station(1);
    a.join(1, 1, [addressOf(2)]);
    clock.advance(300);
    const early = network.connects;
    expect(early).toBeGreaterThanOrEqual(3);
    clock.advance(60_000);
    const perMinute = network.connects - early;
    expect(perMinute).toBeGreaterThanOrEqual(55);
    expect(perMinute).toBeLessThanOrEqual(125);
    const b = await station(2);
    b.join(2, 1, [addressOf(1)]);
    clock.advance(20);
    expect(a.events).toEqual(['up 2 1']);
    expect(b.events).toEqual(['up 1 1']);
  });

  it('comes back after a restart of the peer with a higher epoch', async () => {
    const [a, b] = await pair();
    await stop(b);
    clock.advance(1000);
    const again = await station(2);
    again.join(2, 2, [addressOf(1)]);
    clock.advance(2000);
    expect(a.events).toEqual(['up 2 1', 'down 2', 'up 2 2']);
    expect(a.transport.send(2, 1, text('hello again'))).toBe(true);
    clock.advance(10);
    expect(again.frames.map((frame) => frame.text)).toEqual(['hello again']);
  });

  it('replaces the connections of an incarnation that vanished without a word', async () => {
    const [a, b] = await pair();
    b.transport.block([1]);
    // a has not noticed yet when the new incarnation dials.
    const newer = new Station({ network, clock }, { host: '127.0.0.3', seed: 77 });
    await newer.listen(PORT);
    a.transport.setPeers([{ node: 2, host: '127.0.0.3', port: PORT }]);
    newer.join(2, 5, [addressOf(1)]);
    clock.advance(1000);
    expect(a.events.at(-1)).toBe('up 2 5');
    expect(a.transport.send(2, 1, text('x'))).toBe(true);
    clock.advance(10);
    expect(newer.frames.length).toBe(1);
  });

  it('gives up an attempt that is not answered within the time-out', async () => {
    const a = await station(1);
    const b = await station(2);
    network.silence('127.0.0.2', PORT, true);
    a.join(1, 1, [addressOf(2)]);
    b.transport.setIdentity({ clusterId: 'c0ffee00'.repeat(4), nodeId: 2, epoch: 1 });
    clock.advance(990);
    expect(network.connects).toBe(1);
    clock.advance(100);
    expect(a.logs.join()).toContain('no answer within 1000 ms');
    expect(network.connects).toBe(2);
    network.silence('127.0.0.2', PORT, false);
    b.transport.setPeers([addressOf(1)]);
    clock.advance(3000);
    expect(a.transport.connected(2)).toBe(true);
  });

  it('drops a peer from which nothing comes any more', async () => {
    const [a, b] = await pair();
    // b's process is wedged: its timers do not run, so nothing is sent.
    b.transport.stats();
    b.transport.flush = () => undefined;
    clock.advance(10_000);
    expect(a.logs.join()).toContain('the peer is silent');
  });

  it('follows a peer to another address', async () => {
    const [a] = await pair();
    const moved = new Station({ network, clock }, { host: '127.0.0.9', seed: 5 });
    await moved.listen(PORT);
    moved.join(2, 2, [addressOf(1)]);
    a.transport.setPeers([{ node: 2, host: '127.0.0.9', port: PORT }]);
    clock.advance(2000);
    expect(a.events.at(-1)).toBe('up 2 2');
  });

  it('drops a peer that is no member any more, and refuses it from then on', async () => {
    const [a, b] = await pair();
    a.transport.setPeers([]);
    clock.advance(100);
    expect(a.events).toEqual(['up 2 1', 'down 2']);
    expect(b.events).toEqual(['up 1 1', 'down 1']);
    expect(b.refusals[0]).toBe('1: node 2 is not a member that this node knows of');
    a.transport.setPeers([addressOf(2)]);
    clock.advance(2000);
    expect(a.transport.connected(2)).toBe(true);
  });

  it('resets on request', async () => {
    const [a, b] = await pair();
    a.transport.reconnect(2);
    expect(a.transport.connected(2)).toBe(false);
    clock.advance(1000);
    expect(a.transport.connected(2)).toBe(true);
    expect(b.events).toEqual(['up 1 1', 'down 1', 'up 1 1']);
  });

  it('settles after both sides lose each other at the same moment, again and again', async () => {
    const [a, b] = await pair();
    for (let round = 0; round < 50; round++) {
      a.transport.reconnect(2);
      if (round % 3 !== 0) b.transport.reconnect(1);
      if (round % 2 === 0) clock.advance(round % 7);
      clock.advance(500);
      expect(a.transport.connected(2)).toBe(true);
      expect(b.transport.connected(1)).toBe(true);
    }
    const before = network.connects;
    clock.advance(30_000);
    expect(network.connects).toBe(before);
  });
});

describe('back-pressure', () => {
  it('refuses frames when too much waits, and takes them again when it has left', async () => {
    const [a, b] = await pair({ queue_bytes_max: 1_000_000 });
    network.window_bytes = 100_000;
    network.latency_ms = 50;
    const frame = Buffer.alloc(10_000);
    let taken = 0;
    while (a.transport.send(2, 1, frame)) {
      taken++;
      a.transport.flush();
    }
    expect(taken).toBeGreaterThanOrEqual(95);
    expect(taken).toBeLessThanOrEqual(110);
    expect(a.transport.queued_bytes(2)).toBeLessThanOrEqual(1_000_000);
    expect(a.transport.stats().links[0]?.rejected_full).toBeGreaterThan(0);
    clock.advance(20_000);
    expect(b.frames.length).toBe(taken);
    expect(a.transport.queued_bytes(2)).toBe(0);
    expect(a.transport.send(2, 1, frame)).toBe(true);
  });

  it('takes one frame that is longer than the whole queue', async () => {
    const [a, b] = await pair({ queue_bytes_max: 1000 });
    expect(a.transport.send(2, 1, Buffer.alloc(50_000))).toBe(true);
    expect(a.transport.send(2, 1, Buffer.alloc(1))).toBe(false);
    clock.advance(1000);
    expect(b.frames.length).toBe(1);
  });

  it('keeps order across buffers that wait, and pieces of any size', async () => {
    const [a, b] = await pair();
    network.window_bytes = 5000;
    network.piece_bytes = 777;
    const expected: string[] = [];
    for (let i = 0; i < 500; i++) {
      const value = `frame ${i} ${'x'.repeat(i % 91)}`;
      expected.push(value);
      a.transport.send(2, 1, text(value));
      if (i % 10 === 0) clock.advance(i % 3);
    }
    clock.advance(10_000);
    expect(b.frames.map((frame) => frame.text)).toEqual(expected);
  });
});

describe('block', () => {
  it('cuts both directions at once and lets them heal', async () => {
    const [a, b] = await pair();
    a.transport.send(2, 1, text('lost'));
    a.transport.block([2]);
    expect(a.events).toEqual(['up 2 1', 'down 2']);
    expect(a.transport.send(2, 1, text('x'))).toBe(false);
    clock.advance(10_000);
    expect(b.events).toEqual(['up 1 1', 'down 1']);
    expect(b.frames).toEqual([]);
    expect(a.events).toEqual(['up 2 1', 'down 2']);
    a.transport.block([]);
    clock.advance(1500);
    expect(a.events).toEqual(['up 2 1', 'down 2', 'up 2 1']);
    expect(b.events).toEqual(['up 1 1', 'down 1', 'up 1 1']);
  });

  it('loses one direction only: the deaf side hears nothing, the other learns of it by missing answers', async () => {
    const [a, b] = await pair();
    a.transport.block([], [2]);
    b.transport.send(1, 1, text('lost'));
    a.transport.send(2, 1, text('heard'));
    clock.advance(100);
    expect(a.frames).toEqual([]);
    expect(b.frames.map((frame) => frame.text)).toEqual(['heard']);
    expect(b.events).toEqual(['up 1 1']);
    clock.advance(30_000);
    expect([a.transport.connected(2), b.transport.connected(1)]).toEqual([false, false]);
    a.transport.block([]);
    clock.advance(5_000);
    expect([a.transport.connected(2), b.transport.connected(1)]).toEqual([true, true]);
    b.transport.send(1, 1, text('whole'));
    clock.advance(100);
    expect(a.frames.map((frame) => frame.text)).toEqual(['whole']);
  });

  it('begins a new connection when a deaf side hears again, since the old one has a hole', async () => {
    const [a, b] = await pair();
    a.transport.block([], [2]);
    b.transport.send(1, 1, text('lost'));
    clock.advance(10);
    a.transport.block([]);
    clock.advance(5_000);
    b.transport.send(1, 1, text('whole'));
    clock.advance(100);
    expect(a.frames.map((frame) => frame.text)).toEqual(['whole']);
    expect(a.events).toEqual(['up 2 1', 'down 2', 'up 2 1']);
  });

  it('leaves other peers alone', async () => {
    const [a, b] = await pair();
    const c = await station(3);
    const all = [addressOf(1), addressOf(2), addressOf(3)];
    c.join(3, 1, all);
    a.transport.setPeers(all);
    b.transport.setPeers(all);
    clock.advance(2000);
    a.transport.block([2]);
    clock.advance(5000);
    expect(a.transport.connected(3)).toBe(true);
    expect(b.transport.connected(3)).toBe(true);
    expect(a.transport.connected(2)).toBe(false);
    expect(b.transport.connected(1)).toBe(false);
  });
});

describe('stop', () => {
  it('lets the last frames leave', async () => {
    const [a, b] = await pair();
    a.transport.send(2, 1, text('goodbye'));
    const stopped = a.transport.stop();
    clock.advance(100);
    await stopped;
    expect(b.frames.map((frame) => frame.text)).toEqual(['goodbye']);
    expect(b.events).toEqual(['up 1 1', 'down 1']);
  });

  it('leaves no timer behind', async () => {
    const [a, b] = await pair();
    const stopped = Promise.all([a.transport.stop(), b.transport.stop()]);
    clock.advance(10_000);
    await stopped;
    expect(clock.planned).toBe(0);
  });

  it('does not wait long for a peer that reads nothing', async () => {
    const [a] = await pair();
    network.window_bytes = 10;
    network.latency_ms = 1_000_000;
    a.transport.send(2, 1, Buffer.alloc(100_000));
    const stopped = a.transport.stop();
    clock.advance(600);
    await stopped;
  });
});

describe('three nodes under blocks, resets, restarts, latency and small pieces', () => {
  it.each(Array.from({ length: 20 }, (_, index) => index + 1))('seed %i', async (chaosSeed) => {
    const prng = new Prng(chaosSeed);
    const all = [1, 2, 3].map(addressOf);
    const nodes: Station[] = [];
    const epochs = [0, 1, 1, 1];
    const open = async (node: number): Promise<void> => {
      const one = await station(node, { queue_bytes_max: 20_000 });
      one.join(node, epochs[node] ?? 1, all);
      // Between two ups of a peer its frames come in order, none twice; never while it is down.
      const last = new Map<number, number>();
      one.onPeerUp = (from) => last.set(from, -1);
      one.onPeerDown = (from) => last.delete(from);
      one.onFrame = (from, _channel, payload) => {
        const number = payload.readUInt32LE(0);
        expect(last.get(from)).toBeLessThan(number);
        last.set(from, number);
      };
      nodes[node] = one;
    };
    for (const { node } of all) await open(node);
    let number = 0;
    for (let step = 0; step < 600; step++) {
      const node = 1 + prng.below(3);
      const one = nodes[node] as Station;
      const other = 1 + prng.below(3);
      const payload = Buffer.alloc(4 + prng.below(3000));
      payload.writeUInt32LE(number++, 0);
      one.transport.send(other, 1, payload);
      const choice = prng.below(60);
      if (choice === 0) one.transport.reconnect(other);
      else if (choice === 1) one.transport.block([other]);
      else if (choice === 2) for (const { node: each } of all) nodes[each]?.transport.block([]);
      else if (choice === 3) network.latency_ms = prng.below(40);
      else if (choice === 4) network.piece_bytes = 1 + prng.below(5000);
      else if (choice === 5) network.window_bytes = 1000 + prng.below(50_000);
      else if (choice === 6) {
        await stop(one);
        epochs[node] = (epochs[node] ?? 1) + 1;
        await open(node);
      }
      clock.advance(prng.below(40));
    }
    for (const { node } of all) nodes[node]?.transport.block([]);
    clock.advance(15_000);
    const connects = network.connects;
    clock.advance(15_000);
    expect(network.connects).toBe(connects);
    for (const { node } of all) {
      for (const { node: other } of all) if (node !== other) expect(nodes[node]?.transport.connected(other)).toBe(true);
      expect(nodes[node]?.transport.stats().strangers).toBe(0);
    }
  });
});

describe('two nodes that have tried each other over a network that was too slow', () => {
  it('come together when it is fast again, although each then takes calls that the other has given up', async () => {
    for (let slow_ms = 1_000; slow_ms < 4_000; slow_ms += 100) {
      clock = new ManualClock();
      network = new MemoryNetwork(clock);
      network.latency_ms = 450;
      const [a, b] = await pair();
      clock.advance(slow_ms);
      network.latency_ms = 8;
      clock.advance(8_000);
      a.events.length = 0;
      b.events.length = 0;
      clock.advance(1_000);
      expect({ slow_ms, a: a.events, b: b.events }).toEqual({ slow_ms, a: [], b: [] });
      expect([a.transport.connected(2), b.transport.connected(1)]).toEqual([true, true]);
    }
  });
});
