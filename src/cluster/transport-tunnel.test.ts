import { beforeEach, expect, test } from 'vitest';
import type { Connection } from '../base/network.ts';
import { Station } from './transport-rig.test-support.ts';
import { ManualClock, MemoryNetwork } from './transport-world.test-support.ts';

const PORT = 7071;
let clock: ManualClock;
let network: MemoryNetwork;
let a: Station;
let b: Station;

beforeEach(async () => {
  clock = new ManualClock();
  network = new MemoryNetwork(clock);
  const all = [1, 2].map((node) => ({ node, host: `127.0.0.${node}`, port: PORT }));
  [a, b] = [1, 2].map((node) => new Station({ network, clock }, { host: `127.0.0.${node}`, seed: node })) as [
    Station,
    Station,
  ];
  await a.listen(PORT);
  await b.listen(PORT);
  a.join(1, 1, all);
  b.join(2, 1, all);
  clock.advance(100);
});

interface End {
  readonly connection: Connection;
  received: string;
  readonly events: string[];
}

function endOf(connection: Connection): End {
  const end: End = { connection, received: '', events: [] };
  connection.onConnect = () => end.events.push('open');
  connection.onData = (chunk) => {
    end.received += chunk.toString();
  };
  connection.onClose = (error) => end.events.push(error?.message ?? 'closed');
  return end;
}

/** Both ends of a tunnel from a to b. */
function tunnel(): { near: End; far: () => End } {
  let far: End | null = null;
  b.onTunnel = (from, header) => {
    expect([from, header.toString()]).toEqual([1, 'postgres']);
    return (connection) => {
      far = endOf(connection);
    };
  };
  const near = endOf(a.transport.openTunnel(2, Buffer.from('postgres')));
  return {
    near,
    far: () => {
      if (far === null) throw new Error('nobody has taken the tunnel');
      return far;
    },
  };
}

test('a tunnel carries bytes in both directions, what was written early included, until one side ends it', () => {
  const { near, far } = tunnel();
  near.connection.write(Buffer.from('early '));
  clock.advance(100);
  expect(near.events).toEqual(['open']);
  near.connection.write(Buffer.from('bird'));
  far().connection.write(Buffer.from('worm'));
  clock.advance(100);
  expect([near.received, far().received]).toEqual(['worm', 'early bird']);
  far().connection.end();
  clock.advance(100);
  expect(near.events).toEqual(['open', 'closed']);
  expect(far().events).toEqual(['closed']);
  expect([a.transport.stats().bulkStreams, b.transport.stats().bulkStreams]).toEqual([0, 0]);
});

test('who reads no more stops the writer, and nothing is lost', () => {
  const { near, far } = tunnel();
  clock.advance(100);
  far().connection.pause();
  for (let i = 0; i < 100; i++) near.connection.write(Buffer.alloc(1_000, 'x'));
  clock.advance(100);
  expect(far().received).toBe('');
  far().connection.resume();
  clock.advance(100);
  expect(far().received).toHaveLength(100_000);
});

test('a tunnel that nobody takes ends with the reason', () => {
  b.onTunnel = () => 'no PostgreSQL here';
  const refused = endOf(a.transport.openTunnel(2, Buffer.from('postgres')));
  const nowhere = endOf(a.transport.openTunnel(3, Buffer.from('postgres')));
  clock.advance(100);
  expect(refused.events).toEqual(['no tunnel to node 2: no PostgreSQL here']);
  expect(nowhere.events).toEqual(['node 3 cannot be reached']);
});

test('a blocked node is cut off from tunnels, open ones and new ones', () => {
  const { near, far } = tunnel();
  clock.advance(100);
  a.transport.block([2]);
  clock.advance(100);
  expect(near.events).toEqual(['open', 'the tunnel to node 2 was cut: blocked']);
  expect(far().events).toHaveLength(1);
  const late = endOf(a.transport.openTunnel(2, Buffer.from('postgres')));
  clock.advance(100);
  expect(late.events).toEqual(['node 2 cannot be reached']);
  a.transport.block([]);
  b.transport.block([1]);
  const refused = endOf(a.transport.openTunnel(2, Buffer.from('postgres')));
  clock.advance(2_000);
  expect(refused.events).toHaveLength(1);
  expect(refused.events).not.toContain('open');
});
