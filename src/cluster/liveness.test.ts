import { beforeEach, describe, expect, it } from 'vitest';
import type { Clock, Timer } from '../base/clock.ts';
import { AddressError } from '../base/network.ts';
import { Prng } from '../base/prng.ts';
import type { LivenessChange, LivenessOptions } from './liveness.ts';
import { GENERATIONS_PER_EPOCH } from './liveness-core.ts';
import {
  DATAGRAM_BYTES,
  DatagramCheck,
  DatagramType,
  decodeDatagram,
  encodeDatagram,
  newDatagram,
} from './liveness-datagram.ts';
import { LocalLiveness } from './liveness-local.ts';
import { ManualClock, MemoryDatagrams } from './transport-world.test-support.ts';

const CLUSTER = 'c0ffee00'.repeat(4);
const PORT = 7071;
const hostOf = (node: number): string => `127.0.0.${node}`;
const peer = (node: number) => ({ node, host: hostOf(node), port: PORT });

/** A clock of its own speed and zero on the common one. Its process can be suspended. */
class NodeClock implements Clock {
  readonly #base: ManualClock;
  readonly #speed: number;
  readonly #zero_ms: number;
  wallJump_ms = 0;
  /** What of real time the monotonic clock has missed (the machine was suspended). */
  missed_ms = 0;
  suspended = false;
  #held: (() => void)[] = [];

  constructor(base: ManualClock, speed = 1, zero_ms = 0) {
    this.#base = base;
    this.#speed = speed;
    this.#zero_ms = zero_ms;
  }

  monotonic_ms(): number {
    return (this.#base.now_ms - this.missed_ms) * this.#speed + this.#zero_ms;
  }

  wall_ms(): number {
    return this.monotonic_ms() + this.missed_ms + this.wallJump_ms;
  }

  after(delay_ms: number, callback: () => void): Timer {
    return this.#base.after(delay_ms / this.#speed, () => this.run(callback));
  }

  every(interval_ms: number, callback: () => void): Timer {
    return this.#base.every(interval_ms / this.#speed, () => {
      if (!this.suspended) callback();
    });
  }

  endOfTurn(callback: () => void): void {
    this.#base.endOfTurn(callback);
  }

  run(callback: () => void): void {
    if (this.suspended) this.#held.push(callback);
    else callback();
  }

  resume(): void {
    this.suspended = false;
    for (const callback of this.#held.splice(0)) callback();
  }
}

let base: ManualClock;
let datagrams: MemoryDatagrams;

beforeEach(() => {
  base = new ManualClock();
  datagrams = new MemoryDatagrams(base);
});

class TestNode {
  readonly clock: NodeClock;
  readonly liveness: LocalLiveness;
  readonly changes: (LivenessChange & { node: number; at_ms: number })[] = [];
  readonly node: number;

  constructor(node: number, options: Partial<LivenessOptions> = {}, clock = new NodeClock(base)) {
    this.node = node;
    this.clock = clock;
    this.liveness = new LocalLiveness(
      clock,
      {
        bind: (host, port, onDatagram) => datagrams.bind(host, port, (bytes) => clock.run(() => onDatagram(bytes))),
      },
      options,
    );
    this.liveness.onChange = (of, change) => this.changes.push({ node: of, at_ms: base.now_ms, ...change });
  }

  async start(epoch: number, peers: readonly number[]): Promise<this> {
    this.liveness.setPeers(peers.map(peer));
    await this.liveness.start({ node: this.node, epoch, clusterId: CLUSTER, host: hostOf(this.node), port: PORT });
    return this;
  }
}

async function pair(options: Partial<LivenessOptions> = {}): Promise<[TestNode, TestNode]> {
  const a = await new TestNode(1, options).start(3, [1, 2]);
  const b = await new TestNode(2, options).start(5, [1, 2]);
  base.advance(250);
  return [a, b];
}

/** The words of `loopAge` are written by a timer; this stops it as a wedged main loop would. */
function wedge(node: TestNode): void {
  node.liveness.mainLoopTurn = () => undefined;
}

describe('support between two nodes', () => {
  it('is given and received in one generation that carries the epoch of the giver', async () => {
    const [a, b] = await pair();
    expect(b.liveness.supportFor(1)).toBe(5 * GENERATIONS_PER_EPOCH + 1);
    expect(a.liveness.supportFrom(2)).toBe(b.liveness.supportFor(1));
    expect(b.liveness.supportFrom(1)).toBe(a.liveness.supportFor(2));
    expect([a.liveness.epochOf(2), b.liveness.epochOf(1)]).toEqual([5, 3]);
    const before = b.liveness.supportFor(1);
    base.advance(60_000);
    expect(b.liveness.supportFor(1)).toBe(before);
    expect(a.liveness.supportFrom(2)).toBe(before);
  });

  it('is nothing for a node that is not known, and always there for oneself', async () => {
    const [a] = await pair();
    expect([a.liveness.supportFor(9), a.liveness.supportFrom(9), a.liveness.epochOf(9)]).toEqual([0, 0, 0]);
    expect(a.liveness.supportFor(1)).toBeGreaterThan(0);
    expect(a.liveness.supportFrom(1)).toBe(a.liveness.supportFor(1));
  });

  it('ends on both sides when the link is cut, at the holder first', async () => {
    const [a, b] = await pair();
    datagrams.lose = () => true;
    const cut = base.now_ms;
    let holderLost = 0;
    let giverLost = 0;
    for (let i = 0; i < 1000; i++) {
      base.advance(1);
      if (holderLost === 0 && a.liveness.supportFrom(2) === 0) holderLost = base.now_ms - cut;
      if (giverLost === 0 && b.liveness.supportFor(1) === 0) giverLost = base.now_ms - cut;
    }
    expect(holderLost).toBeGreaterThan(430);
    expect(giverLost).toBeGreaterThan(holderLost + 50);
    expect(giverLost).toBeLessThanOrEqual(601);
  });

  it('reports its beginning and its end within a millisecond or two', async () => {
    const [, b] = await pair();
    datagrams.lose = () => true;
    const cut = base.now_ms;
    base.advance(700);
    expect(b.changes.map(({ supported, epoch }) => [supported, epoch])).toEqual([
      [false, 3],
      [true, 3],
      [false, 3],
    ]);
    const ended = (b.changes.at(-1)?.at_ms ?? 0) - cut;
    expect(ended).toBeGreaterThan(490);
    expect(ended).toBeLessThanOrEqual(602);
  });

  it('comes back in a higher generation', async () => {
    const [a, b] = await pair();
    const before = b.liveness.supportFor(1);
    datagrams.lose = () => true;
    base.advance(1000);
    datagrams.lose = () => false;
    base.advance(250);
    expect(b.liveness.supportFor(1)).toBe(before + 1);
    expect(a.liveness.supportFrom(2)).toBe(before + 1);
  });

  it('outlives the loss of a few heartbeats', async () => {
    const [a, b] = await pair();
    const before = a.liveness.supportFrom(2);
    const prng = new Prng(4);
    datagrams.lose = () => prng.chance(0.2);
    for (let i = 0; i < 200; i++) {
      base.advance(50);
      expect(b.liveness.supportFor(1)).toBe(before);
      expect(a.liveness.supportFrom(2)).toBe(before);
    }
  });

  it('begins anew when main has withdrawn it in the moment before', async () => {
    const [a, b] = await pair();
    const before = b.liveness.supportFor(1);
    const delivery = datagrams.lose;
    datagrams.lose = () => true;
    base.advance(590);
    datagrams.lose = delivery;
    // The promise runs out; main asks before the engine's timer or the next heartbeat.
    base.sleep(20);
    expect(b.liveness.supportFor(1)).toBe(0);
    base.advance(200);
    expect(b.liveness.supportFor(1)).toBe(before + 1);
    expect(b.changes.filter((change) => change.supported).length).toBe(2);
    expect(a.liveness.supportFrom(2)).toBe(before + 1);
  });
});

describe('incarnations', () => {
  it('a restart of the holder ends its support at once and begins a higher generation', async () => {
    const [a, b] = await pair();
    const before = b.liveness.supportFor(1);
    await a.liveness.stop();
    const again = await new TestNode(1).start(4, [2]);
    base.advance(10);
    expect(b.liveness.epochOf(1)).toBe(4);
    expect(b.liveness.supportFor(1)).toBe(before + 1);
    expect(again.liveness.supportFrom(2)).toBe(before + 1);
    expect(b.changes.slice(-2).map(({ supported, epoch }) => [supported, epoch])).toEqual([
      [false, 4],
      [true, 4],
    ]);
  });

  it('a restart of the giver begins a higher generation, and it may not vote until old promises have run out', async () => {
    const [a, b] = await pair();
    const before = a.liveness.supportFrom(2);
    await b.liveness.stop();
    const again = new TestNode(2);
    expect(again.liveness.mayVote()).toBe(false);
    await again.start(6, [1]);
    base.advance(110);
    expect(again.liveness.supportFor(1)).toBe(6 * GENERATIONS_PER_EPOCH + 1);
    expect(a.liveness.supportFrom(2)).toBe(6 * GENERATIONS_PER_EPOCH + 1);
    expect(again.liveness.supportFor(1)).toBeGreaterThan(before);
    expect(again.liveness.mayVote()).toBe(false);
    base.advance(480);
    expect(again.liveness.mayVote()).toBe(false);
    base.advance(20);
    expect(again.liveness.mayVote()).toBe(true);
  });

  it('late datagrams of an older incarnation change nothing', async () => {
    const [a, b] = await pair();
    const old: { to: string; bytes: Buffer }[] = [];
    datagrams.lose = (from, to, bytes) => {
      if (from.startsWith(hostOf(1))) old.push({ to, bytes });
      return false;
    };
    base.advance(300);
    await a.liveness.stop();
    datagrams.lose = () => false;
    const again = await new TestNode(1).start(4, [2]);
    base.advance(150);
    const generation = b.liveness.supportFor(1);
    const changes = b.changes.length;
    const replay = await datagrams.bind('127.0.0.99', 1, () => undefined);
    for (const { bytes } of old) replay.send(hostOf(2), PORT, bytes);
    base.advance(20);
    expect(b.liveness.supportFor(1)).toBe(generation);
    expect(b.liveness.epochOf(1)).toBe(4);
    expect(b.changes.length).toBe(changes);
    expect(b.liveness.stats().stale).toBeGreaterThanOrEqual(old.length);
    // Nor does a replay keep up the support of a node that is gone.
    await again.liveness.stop();
    base.advance(700);
    for (const { bytes } of old) replay.send(hostOf(2), PORT, bytes);
    base.advance(20);
    expect(b.liveness.supportFor(1)).toBe(0);
  });

  it('an answer for an older incarnation does not count for the newer one', async () => {
    const [a] = await pair();
    const answers: Buffer[] = [];
    datagrams.lose = (from, to, bytes) => {
      if (from.startsWith(hostOf(2)) && to.startsWith(hostOf(1)) && bytes[5] === DatagramType.support)
        answers.push(bytes);
      return false;
    };
    base.advance(150);
    await a.liveness.stop();
    datagrams.lose = () => true;
    const again = await new TestNode(1).start(4, [2]);
    base.advance(310);
    datagrams.lose = () => false;
    const replay = await datagrams.bind('127.0.0.99', 1, () => undefined);
    for (const bytes of answers) replay.send(hostOf(1), PORT, bytes);
    base.advance(5);
    expect(answers.length).toBeGreaterThan(0);
    expect(again.liveness.supportFrom(2)).toBe(0);
  });
});

describe('a node that is stuck', () => {
  it('loses its support when its main loop does not turn, although its engine goes on', async () => {
    const [a, b] = await pair();
    wedge(a);
    base.advance(900);
    expect(b.liveness.supportFor(1)).toBeGreaterThan(0);
    base.advance(900);
    expect(b.liveness.supportFor(1)).toBe(0);
    expect(a.liveness.supportFrom(2)).toBe(0);
    expect(a.liveness.supportFor(2)).toBeGreaterThan(0);
    expect(b.liveness.stats().peers[0]?.refused).toBeGreaterThan(0);
    Reflect.deleteProperty(a.liveness, 'mainLoopTurn');
    base.advance(300);
    expect(b.liveness.supportFor(1)).toBeGreaterThan(0);
  });

  it('loses its support when its disk does not sync', async () => {
    const [a, b] = await pair();
    a.liveness.syncStarted();
    base.advance(4900);
    expect(b.liveness.supportFor(1)).toBeGreaterThan(0);
    base.advance(900);
    expect(b.liveness.supportFor(1)).toBe(0);
    a.liveness.syncFinished();
    base.advance(300);
    expect(b.liveness.supportFor(1)).toBeGreaterThan(0);
  });

  it('counts on nothing after it was suspended, and finds out what it gave', async () => {
    const [a, b] = await pair();
    const generation = b.liveness.supportFor(1);
    a.clock.suspended = true;
    base.advance(3000);
    expect(b.liveness.supportFor(1)).toBe(0);
    // The first thing that runs after the resume asks, before any datagram or timer.
    expect(a.liveness.supportFrom(2)).toBe(0);
    expect(a.liveness.supportFor(2)).toBe(0);
    a.clock.resume();
    base.advance(300);
    expect(a.liveness.supportFrom(2)).toBe(generation + 1);
    expect(a.liveness.stats().stalls).toBe(1);
    expect(a.liveness.stats().stall_ms_worst).toBeGreaterThan(2500);
  });

  it('counts on nothing after its machine slept, although the monotonic clock did not move', async () => {
    const [a, b] = await pair();
    a.clock.suspended = true;
    const slept = 3000;
    base.advance(slept);
    a.clock.missed_ms += slept;
    expect(b.liveness.supportFor(1)).toBe(0);
    expect(a.liveness.supportFrom(2)).toBe(0);
    expect(a.liveness.clockJumps).toBe(1);
    a.clock.resume();
    base.advance(300);
    expect(a.liveness.supportFrom(2)).toBe(b.liveness.supportFor(1));
    expect(a.liveness.supportFrom(2)).toBeGreaterThan(0);
  });

  it('goes on through small corrections of the wall clock, and loses one answer to a large one', async () => {
    const [a] = await pair();
    for (let i = 0; i < 100; i++) {
      a.clock.wallJump_ms += 20;
      base.advance(30);
      expect(a.liveness.supportFrom(2)).toBeGreaterThan(0);
    }
    a.clock.wallJump_ms -= 3_600_000;
    expect(a.liveness.supportFrom(2)).toBe(0);
    base.advance(150);
    expect(a.liveness.supportFrom(2)).toBeGreaterThan(0);
  });
});

describe('peers and blocks', () => {
  it('block drops datagrams of both directions until it is lifted', async () => {
    const [a, b] = await pair();
    const c = await new TestNode(3).start(1, [1, 2]);
    for (const node of [a, b]) node.liveness.setPeers([1, 2, 3].map(peer));
    base.advance(300);
    a.liveness.block([2]);
    base.advance(1000);
    expect([a.liveness.supportFor(2), a.liveness.supportFrom(2)]).toEqual([0, 0]);
    expect([b.liveness.supportFor(1), b.liveness.supportFrom(1)]).toEqual([0, 0]);
    expect(a.liveness.supportFrom(3)).toBeGreaterThan(0);
    expect(c.liveness.supportFrom(1)).toBeGreaterThan(0);
    a.liveness.block([]);
    base.advance(300);
    expect(a.liveness.supportFrom(2)).toBe(b.liveness.supportFor(1));
  });

  it('a promise to a removed peer is kept to its end, and not renewed', async () => {
    const [, b] = await pair();
    const generation = b.liveness.supportFor(1);
    b.liveness.setPeers([]);
    base.advance(300);
    expect(b.liveness.supportFor(1)).toBe(generation);
    base.advance(400);
    expect(b.liveness.supportFor(1)).toBe(0);
    expect(b.changes.at(-1)?.supported).toBe(false);
    b.liveness.setPeers([peer(1)]);
    base.advance(300);
    expect(b.liveness.supportFor(1)).toBe(generation + 1);
  });

  it('peers set before the start are known from the start', async () => {
    const a = new TestNode(1);
    a.liveness.setPeers([peer(2)]);
    a.liveness.block([2]);
    await a.start(1, [2]);
    await new TestNode(2).start(1, [1]);
    base.advance(500);
    expect(a.liveness.supportFrom(2)).toBe(0);
    a.liveness.block([]);
    base.advance(300);
    expect(a.liveness.supportFrom(2)).toBeGreaterThan(0);
  });

  it('a taken port is an error that names it', async () => {
    await pair();
    const error = await new TestNode(1).start(9, []).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(AddressError);
    expect((error as AddressError).message).toBe('UDP 127.0.0.1:7071 is already in use by another process');
  });

  it('stops without a timer left', async () => {
    const [a, b] = await pair();
    await a.liveness.stop();
    await b.liveness.stop();
    base.advance(100);
    expect(base.planned).toBe(0);
  });

  it('knows round trips and gaps', async () => {
    const [a, b] = await pair();
    datagrams.delay_ms = () => 7;
    base.advance(1000);
    const [stats] = a.liveness.stats().peers;
    expect(stats?.node).toBe(2);
    expect(stats?.rtt_ms).toBeCloseTo(14, 0);
    expect(stats?.generationFrom).toBe(b.liveness.supportFor(1));
    datagrams.lose = () => true;
    base.advance(400);
    datagrams.lose = () => false;
    base.advance(200);
    expect(a.liveness.stats().peers[0]?.gap_ms_max).toBeGreaterThanOrEqual(400);
    expect(a.liveness.stats().peers[0]?.gap_ms_max).toBe(0);
    expect(a.liveness.stats().peers[0]?.gap_ms_worst).toBeGreaterThanOrEqual(400);
  });
});

describe('options', () => {
  it.each([
    [{ promise_ms: 150 }, 'outlasts one lost heartbeat'],
    [{ promise_ms: 100_000 }, 'a minute at most'],
    [{ promise_used: 1 }, 'kept for clock drift'],
  ])('that contradict each other are refused: %o', (options, text) => {
    expect(() => new TestNode(1, options)).toThrow(text);
  });
});

describe('datagrams', () => {
  const sample = {
    ...newDatagram(),
    from: 1,
    to: 2,
    epoch: 3,
    sequence: 4,
    sentAt_us: 5e9,
    loopAge_ms: 6,
    syncAge_ms: 7,
  };
  const cluster = Buffer.from(CLUSTER, 'hex');

  it('read back what was written', () => {
    const into = newDatagram();
    expect(decodeDatagram(encodeDatagram(sample, cluster), cluster, into)).toBe(0);
    expect(into).toEqual(sample);
    const support = {
      ...sample,
      type: DatagramType.support,
      supportedEpoch: 8,
      generation: 2 ** 50,
      promise_ms: 600,
      loopAge_ms: 0,
      syncAge_ms: 0,
    };
    expect(decodeDatagram(encodeDatagram(support, cluster), cluster, into)).toBe(0);
    expect(into).toEqual(support);
  });

  it('count only with the seal of the cluster, when it has one', () => {
    const key = Buffer.alloc(32, 7);
    const into = newDatagram();
    const sealed = encodeDatagram(sample, cluster, key);
    expect(decodeDatagram(sealed, cluster, into, key)).toBe(DatagramCheck.good);
    expect(decodeDatagram(encodeDatagram(sample, cluster), cluster, into, key)).toBe(DatagramCheck.badSeal);
    expect(decodeDatagram(encodeDatagram(sample, cluster, Buffer.alloc(32, 8)), cluster, into, key)).toBe(
      DatagramCheck.badSeal,
    );
    for (let at = 24; at < sealed.length; at += 1) {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] as number) ^ 1;
      expect(decodeDatagram(changed, cluster, into, key)).toBe(DatagramCheck.badSeal);
    }
  });

  it('that are cut, strange or random are counted and dropped', async () => {
    const [, b] = await pair();
    const before = b.liveness.stats();
    const stranger = await datagrams.bind('127.0.0.99', 1, () => undefined);
    const send = (bytes: Buffer): void => stranger.send(hostOf(2), PORT, bytes);
    const good = encodeDatagram({ ...sample, epoch: 3, sequence: 1e6 }, cluster);
    for (let length = 0; length < DATAGRAM_BYTES; length++) send(good.subarray(0, length));
    const prng = new Prng(9);
    for (let i = 0; i < 1000; i++) send(Buffer.from(Array.from({ length: prng.below(200) }, () => prng.below(256))));
    for (const [at, value] of [
      [0, 1],
      [4, 2],
      [5, 9],
      [39, 0x7f],
      [39, 0xff],
      [47, 0xff],
    ] as const) {
      const damaged = Buffer.from(good);
      damaged[at] = value;
      send(damaged);
    }
    base.advance(5);
    expect(b.liveness.stats().malformed - before.malformed).toBe(DATAGRAM_BYTES + 1000 + 6);
    send(encodeDatagram({ ...sample, sequence: 1e6 }, Buffer.alloc(16)));
    send(encodeDatagram({ ...sample, from: 77, sequence: 1e6 }, cluster));
    send(encodeDatagram({ ...sample, to: 1, sequence: 1e6 }, cluster));
    base.advance(5);
    expect(b.liveness.stats().strange - before.strange).toBe(3);
    // An answer to a heartbeat that was never sent, and one from the future.
    const answer = { ...sample, type: DatagramType.support, supportedEpoch: 5, generation: 2 ** 40, promise_ms: 600 };
    send(encodeDatagram({ ...answer, sequence: 1e6 }, cluster));
    send(encodeDatagram({ ...answer, sequence: 2, sentAt_us: 2 ** 52 }, cluster));
    base.advance(5);
    expect(b.liveness.supportFrom(1)).not.toBe(2 ** 40);
  });

  it('take any bytes behind a right head', async () => {
    const [, b] = await pair();
    const stranger = await datagrams.bind('127.0.0.99', 1, () => undefined);
    const prng = new Prng(10);
    for (let i = 0; i < 2000; i++) {
      const bytes = encodeDatagram({ ...sample, type: prng.chance(0.5) ? 1 : 2 }, cluster);
      for (let at = 32 + prng.below(20); at < 80; at += 1 + prng.below(4)) bytes[at] = prng.below(256);
      stranger.send(hostOf(2), PORT, bytes);
    }
    base.advance(5);
    expect(b.liveness.stats().malformed).toBeGreaterThan(0);
  });
});

/**
 * The one rule that matters, under everything at once: when main of B has said that it does not support A, A does not count
 * on a generation from before.
 */
describe('safety under loss, delay, reordering, drift, suspension and wedging', () => {
  it.each(Array.from({ length: 30 }, (_, seed) => seed + 1))('seed %i', async (seed) => {
    const prng = new Prng(seed);
    const count = 3;
    // Speeds within the margin: 0.9 of the promise covers two clocks that differ by a tenth.
    const nodes: TestNode[] = [];
    for (let node = 1; node <= count; node++) {
      const clock = new NodeClock(base, 0.96 + 0.08 * prng.fraction(), prng.below(1_000_000));
      nodes.push(await new TestNode(node, {}, clock).start(1, [1, 2, 3]));
    }
    const lossRate = prng.fraction() * 0.6;
    datagrams.lose = () => prng.chance(lossRate);
    datagrams.delay_ms = () => (prng.chance(0.1) ? prng.below(800) : prng.below(5));
    /** Highest generation of support for a node (second) that a node (first) has acted against. */
    const broken = new Map<string, number>();
    let acted = 0;
    let counted = 0;
    for (let step = 0; step < 4000; step++) {
      base.advance(prng.below(25));
      const b = prng.pick(nodes);
      const a = prng.pick(nodes);
      if (a === b) continue;
      const key = `${b.node}>${a.node}`;
      if (!b.clock.suspended && prng.chance(0.5)) {
        if (b.liveness.supportFor(a.node) === 0) {
          acted++;
          const last = b.changes.findLast((change) => change.node === a.node && change.supported)?.generation ?? 0;
          broken.set(key, last);
        }
      }
      if (!a.clock.suspended) {
        const generation = a.liveness.supportFrom(b.node);
        if (generation > 0) {
          counted++;
          expect(generation).toBeGreaterThan(broken.get(key) ?? 0);
        }
      }
      if (prng.chance(0.01)) {
        const node = prng.pick(nodes);
        if (node.clock.suspended) node.clock.resume();
        else node.clock.suspended = true;
      }
    }
    expect(acted).toBeGreaterThan(0);
    expect(counted).toBeGreaterThan(0);
  });
});
