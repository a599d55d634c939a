import { beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../base/log.ts';
import { PeerCalls } from './transport-calls.ts';
import { Station } from './transport-rig.test-support.ts';
import { Channel, type TransportOptions } from './transport-types.ts';
import { ManualClock, MemoryNetwork } from './transport-world.test-support.ts';

const PORT = 7071;
const ECHO = 1;
let clock: ManualClock;
let network: MemoryNetwork;

beforeEach(() => {
  clock = new ManualClock();
  network = new MemoryNetwork(clock);
});

class Caller {
  readonly station: Station;
  readonly calls: PeerCalls;
  readonly outcomes: string[] = [];

  constructor(node: number, options: Partial<TransportOptions> = {}, outstanding_max = 100) {
    this.station = new Station({ network, clock }, { host: `127.0.0.${node}`, seed: node, options });
    this.calls = new PeerCalls(this.station.transport, silentLogger, { outstanding_max });
    this.station.onFrame = (from, channel, payload) => {
      if (channel === Channel.calls) expect(this.calls.frame(from, payload)).toBe(true);
    };
    this.station.onPeerUp = (node) => this.calls.peerUp(node);
    this.station.onPeerDown = (node) => this.calls.peerDown(node);
  }

  ask(node: number, request: string, service = ECHO): void {
    this.calls.call(node, service, Buffer.from(request), (reply, sent) =>
      this.outcomes.push(reply === null ? `none ${sent}` : reply.toString('latin1', 0, 40)),
    );
  }
}

async function pair(options: Partial<TransportOptions> = {}, outstanding_max = 100): Promise<[Caller, Caller]> {
  const a = new Caller(1, options, outstanding_max);
  const b = new Caller(2, options, outstanding_max);
  const all = [1, 2].map((node) => ({ node, host: `127.0.0.${node}`, port: PORT }));
  await a.station.listen(PORT);
  await b.station.listen(PORT);
  a.station.join(1, 1, all);
  b.station.join(2, 1, all);
  clock.advance(100);
  return [a, b];
}

const echo = (_from: number, request: Buffer, respond: (reply: Uint8Array) => void): void =>
  respond(Buffer.concat([Buffer.from('re: '), request]));

describe('calls between members', () => {
  it('are answered, in any order', async () => {
    const [a, b] = await pair();
    const late: (() => void)[] = [];
    b.calls.serve(ECHO, (from, request, respond) => {
      expect(from).toBe(1);
      const copy = Buffer.from(request);
      late.push(() => echo(from, copy, respond));
    });
    a.ask(2, 'one');
    a.ask(2, 'two');
    clock.advance(10);
    expect(a.outcomes).toEqual([]);
    for (const answer of late.reverse()) answer();
    clock.advance(10);
    expect(a.outcomes).toEqual(['re: two', 're: one']);
    expect(a.calls.stats()).toEqual({ outstanding: 0, serving: 0, calls: 2, failed: 0 });
  });

  it('to a service that nobody serves did nothing', async () => {
    const [a] = await pair();
    a.ask(2, 'x', 99);
    clock.advance(10);
    expect(a.outcomes).toEqual(['none false']);
  });

  it('to a node that is not connected were not sent', async () => {
    const [a] = await pair();
    a.ask(7, 'x');
    expect(a.outcomes).toEqual(['none false']);
  });

  it('are unknown when the peer goes down before its reply', async () => {
    const [a, b] = await pair();
    let served = 0;
    b.calls.serve(ECHO, () => served++);
    a.ask(2, 'x');
    clock.advance(10);
    b.station.transport.block([1]);
    clock.advance(10);
    expect(served).toBe(1);
    expect(a.outcomes).toEqual(['none true']);
  });

  it('ignore a reply that comes after the connection was lost and found again', async () => {
    const [a, b] = await pair();
    const late: ((reply: Uint8Array) => void)[] = [];
    b.calls.serve(ECHO, (_from, _request, respond) => late.push(respond));
    a.ask(2, 'old');
    clock.advance(10);
    a.station.transport.reconnect(2);
    clock.advance(2000);
    expect(a.station.transport.connected(2)).toBe(true);
    a.ask(2, 'new');
    clock.advance(10);
    late[0]?.(Buffer.from('reply to old'));
    late[1]?.(Buffer.from('reply to new'));
    late[1]?.(Buffer.from('again'));
    clock.advance(10);
    expect(a.outcomes).toEqual(['none true', 'reply to new']);
  });

  it('have a limit for each peer', async () => {
    const [a, b] = await pair({}, 3);
    b.calls.serve(ECHO, () => undefined);
    for (let i = 0; i < 5; i++) a.ask(2, 'x');
    expect(a.outcomes).toEqual(['none false', 'none false']);
    expect(a.calls.stats().outstanding).toBe(3);
  });

  it('that start a call from their reply do not go in circles when the peer is gone', async () => {
    const [a, b] = await pair();
    b.calls.serve(ECHO, () => undefined);
    let tries = 0;
    const again = (): void => {
      tries++;
      if (tries < 1000) a.calls.call(2, ECHO, Buffer.alloc(1), (_reply, sent) => sent && again());
    };
    again();
    clock.advance(10);
    b.station.transport.block([1]);
    clock.advance(10);
    expect(tries).toBe(2);
  });

  it('whose reply does not fit into the queue are reported as unknown, not forgotten', async () => {
    const [a, b] = await pair({ queue_bytes_max: 50_000 });
    network.window_bytes = 10_000;
    const wait: ((reply: Uint8Array) => void)[] = [];
    b.calls.serve(ECHO, (_from, _request, respond) => wait.push(respond));
    for (let i = 0; i < 20; i++) a.ask(2, `${i}`);
    clock.advance(10);
    for (const respond of wait) respond(Buffer.alloc(20_000, 'r'));
    clock.advance(5000);
    expect(a.outcomes.length).toBe(20);
    expect(a.outcomes).toContain('none true');
    expect(a.outcomes.filter((outcome) => outcome.startsWith('rrr')).length).toBeGreaterThan(0);
    expect(a.calls.stats().outstanding).toBe(0);
  });

  it('survive malformed frames', async () => {
    const [a] = await pair();
    for (const bytes of [[], [1], [1, 0, 0, 0, 0], [9, 0, 0, 0, 0], [0, 1, 2, 3, 4, 5, 6, 7]]) {
      expect(a.calls.frame(2, Buffer.from(bytes))).toBe(false);
    }
    expect(a.calls.frame(2, Buffer.from([2, 1, 2, 3, 4]))).toBe(true);
    expect(a.calls.frame(9, Buffer.from([2, 1, 2, 3, 4]))).toBe(false);
  });

  it('have one handler for each service', async () => {
    const [a] = await pair();
    a.calls.serve(ECHO, echo);
    expect(() => a.calls.serve(ECHO, echo)).toThrow('one handler');
  });
});
