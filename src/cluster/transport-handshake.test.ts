import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { judgeHello } from './transport-acceptor.ts';
import {
  commonVersion,
  encodeAnswer,
  encodeHello,
  HandshakeReader,
  type Hello,
  HelloKind,
  Verdict,
} from './transport-handshake.ts';
import { CLUSTER, Station } from './transport-rig.test-support.ts';
import { ManualClock, MemoryNetwork } from './transport-world.test-support.ts';

const hello: Hello = {
  versionMin: 1,
  versionMax: 1,
  kind: HelloKind.member,
  clusterId: CLUSTER,
  from: 2,
  epoch: 7,
  process: 99,
  to: 1,
  extra: Buffer.alloc(0),
};
const identity = { clusterId: CLUSTER, nodeId: 1, epoch: 3 };

function gathered(reader: HandshakeReader, bytes: Buffer, at: number): string {
  const first = reader.push(bytes.subarray(0, at));
  return first === 'partial' ? reader.push(bytes.subarray(at)) : first;
}

describe('the hello and its answer', () => {
  it('read back what was written, split at every position', () => {
    const full: Hello = { ...hello, kind: HelloKind.bulk, extra: Buffer.from('header of a snapshot') };
    const bytes = encodeHello(full);
    for (let at = 1; at < bytes.length; at++) {
      const reader = HandshakeReader.forHello();
      expect(gathered(reader, bytes, at)).toBe('whole');
      expect(reader.hello()).toEqual(full);
      expect(reader.rest.length).toBe(0);
    }
    const answer = { verdict: Verdict.busy, version: 1, node: 4, epoch: 12, reason: 'später vielleicht' };
    const answerBytes = encodeAnswer(answer);
    for (let at = 1; at < answerBytes.length; at++) {
      const reader = HandshakeReader.forAnswer();
      expect(gathered(reader, answerBytes, at)).toBe('whole');
      expect(reader.answer()).toEqual(answer);
    }
  });

  it('see what follows the message', () => {
    const reader = HandshakeReader.forHello();
    expect(reader.push(Buffer.concat([encodeHello(hello), Buffer.from('more')]))).toBe('whole');
    expect(reader.rest.toString()).toBe('more');
  });

  it('call other protocols garbage at the fourth byte', () => {
    for (const stranger of ['GET / HTTP/1.1\r\n', '*1\r\n$4\r\nPING\r\n', '\x16\x03\x01\x02']) {
      expect(HandshakeReader.forHello().push(Buffer.from(stranger, 'latin1'))).toBe('garbage');
      expect(HandshakeReader.forAnswer().push(Buffer.from(stranger, 'latin1'))).toBe('garbage');
    }
    // An answer where a hello is due.
    const answer = encodeAnswer({ verdict: 0, version: 1, node: 1, epoch: 1, reason: '' });
    expect(HandshakeReader.forHello().push(answer)).toBe('garbage');
  });

  it('survive any bytes, also behind a right beginning', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.boolean(), fc.nat(59), (bytes, valid, keep) => {
        const start = valid ? encodeHello(hello).subarray(0, keep) : Buffer.alloc(0);
        const reader = HandshakeReader.forHello();
        if (reader.push(Buffer.concat([start, bytes])) === 'whole') reader.hello();
        const answers = HandshakeReader.forAnswer();
        if (answers.push(Buffer.from(bytes)) === 'whole') answers.answer();
      }),
    );
  });

  it('do not take an epoch that is no count', () => {
    for (const epoch of [Number.NaN, -1, 1.5, 2 ** 60]) {
      const reader = HandshakeReader.forHello();
      reader.push(encodeHello({ ...hello, epoch }));
      expect(reader.hello()).toBe(null);
    }
  });

  it('read only the version range of a version that is not ours', () => {
    const bytes = encodeHello({ ...hello, versionMin: 9, versionMax: 12 });
    const reader = HandshakeReader.forHello();
    reader.push(bytes);
    expect(reader.hello()).toMatchObject({ versionMin: 9, versionMax: 12, from: 0 });
  });
});

describe('judging a hello', () => {
  it('picks the highest common version', () => {
    expect(commonVersion(1, 1)).toBe(1);
    expect(commonVersion(1, 9)).toBe(1);
    expect(commonVersion(0, 0)).toBe(0);
    expect(commonVersion(2, 3)).toBe(0);
  });

  it.each([
    ['a member', hello, identity, Verdict.accepted, ''],
    ['a bulk stream', { ...hello, kind: HelloKind.bulk }, identity, Verdict.accepted, ''],
    ['a guest', { ...hello, kind: HelloKind.guest, clusterId: '0'.repeat(32) }, null, Verdict.accepted, ''],
    ['an old version', { ...hello, versionMin: 0, versionMax: 0 }, identity, Verdict.version, 'offered 0 to 0'],
    ['a member before the cluster', hello, null, Verdict.notReady, 'belongs to no cluster'],
    ['another cluster', { ...hello, clusterId: 'ab'.repeat(16) }, identity, Verdict.wrongCluster, 'wrong cluster'],
    ['another receiver', { ...hello, to: 5 }, identity, Verdict.wrongNode, 'this is node 1, not node 5'],
    ['itself', { ...hello, from: 1 }, identity, Verdict.identityTaken, 'two processes use one identity'],
  ] as const)('%s', (_name, greeting, self, verdict, reason) => {
    const judgement = judgeHello(greeting, self, true);
    expect(judgement.verdict).toBe(verdict);
    expect(judgement.reason).toContain(reason);
  });

  it('refuses guests where none are served', () => {
    expect(judgeHello({ ...hello, kind: HelloKind.guest }, identity, false).verdict).toBe(Verdict.notReady);
  });
});

describe('handshakes between transports', () => {
  const PORT = 7071;
  let clock: ManualClock;
  let network: MemoryNetwork;

  beforeEach(() => {
    clock = new ManualClock();
    network = new MemoryNetwork(clock);
  });

  const open = (last: number, seed = last): Promise<Station> =>
    new Station({ network, clock }, { host: `127.0.0.${last}`, seed }).listen(PORT);
  const at = (node: number, last = node) => ({ node, host: `127.0.0.${last}`, port: PORT });

  it('refuses a node of another cluster and tells it why', async () => {
    const a = await open(1);
    const b = await open(2);
    a.join(1, 1, [at(2)]);
    b.join(2, 1, [at(1)], 'ab'.repeat(16));
    clock.advance(500);
    expect(a.refusals[0]).toContain('2: wrong cluster');
    expect(b.refusals[0]).toContain(`1: wrong cluster: this node belongs to ${CLUSTER}`);
    expect(b.logs.filter((line) => line.startsWith('peer: no connection')).length).toBe(1);
    expect([...a.events, ...b.events]).toEqual([]);
  });

  it('refuses who wants another node, for example after addresses were mixed up', async () => {
    const a = await open(1);
    const b = await open(2);
    a.join(1, 1, [at(3, 2)]);
    b.join(2, 1, [at(1)]);
    clock.advance(500);
    expect(a.refusals[0]).toBe('3: this is node 2, not node 3');
  });

  it('refuses members until it has an identity, then takes them', async () => {
    const a = await open(1);
    const b = await open(2);
    a.join(1, 1, [at(2)]);
    clock.advance(500);
    expect(a.refusals[0]).toContain('belongs to no cluster yet');
    b.join(2, 1, [at(1)]);
    clock.advance(500);
    expect(a.transport.connected(2)).toBe(true);
  });

  it('dials nobody before it has an identity', async () => {
    const a = await open(1);
    a.transport.setPeers([at(2)]);
    clock.advance(5000);
    expect(network.connects).toBe(0);
  });

  it('refuses an older incarnation of a node, and says that two processes use one identity', async () => {
    const a = await open(1);
    const current = await open(2);
    a.join(1, 1, [at(2)]);
    current.join(2, 4, [at(1)]);
    clock.advance(500);
    const old = await open(3);
    old.join(2, 3, [at(1)]);
    clock.advance(500);
    expect(old.refusals[0]).toContain(
      'node 2 is known at epoch 4, this process has epoch 3: two processes use one identity',
    );
    expect(a.events).toEqual(['up 2 4']);
  });

  it('refuses another process with the same identity and epoch', async () => {
    const a = await open(1);
    const first = await open(2);
    a.join(1, 1, [at(2)]);
    first.join(2, 4, [at(1)]);
    clock.advance(500);
    const copy = await open(3);
    copy.join(2, 4, [at(1)]);
    clock.advance(3000);
    expect(copy.refusals[0]).toContain('two processes use one identity (a copied data folder?)');
    expect(a.events).toEqual(['up 2 4']);
  });

  it('takes a newer incarnation in the place of the older one', async () => {
    const a = await open(1);
    const first = await open(2);
    a.join(1, 1, [at(2)]);
    first.join(2, 4, [at(1)]);
    clock.advance(500);
    const second = await open(3);
    second.join(2, 5, [at(1)]);
    clock.advance(100);
    a.transport.setPeers([at(2, 3)]);
    clock.advance(3000);
    expect(a.events).toEqual(['up 2 4', 'down 2', 'up 2 5']);
    expect(first.events.at(-1)).toBe('down 1');
  });

  it('notices when an older incarnation answers at the address of a newer one', async () => {
    const a = await open(1);
    const newer = await open(3);
    const older = await open(2);
    a.join(1, 1, [at(2)]);
    newer.join(2, 5, [at(1)]);
    clock.advance(50);
    older.join(2, 3, [at(1)]);
    clock.advance(500);
    expect(a.refusals.join()).toContain('two processes use one identity');
    expect(a.events).toEqual([]);
  });

  it('closes connections that say something else, or nothing', async () => {
    const a = await open(1);
    a.join(1, 1, [at(2)]);
    let closed = 0;
    for (const bytes of ['GET / HTTP/1.1\r\n\r\n', '']) {
      const connection = network.connect('127.0.0.1', PORT);
      connection.onClose = () => closed++;
      connection.onConnect = () => connection.write(Buffer.from(bytes));
    }
    const early = network.connect('127.0.0.1', PORT);
    early.onClose = () => closed++;
    early.onConnect = () => early.write(Buffer.concat([encodeHello(hello), Buffer.from('frames before the answer')]));
    clock.advance(100);
    expect(closed).toBe(2);
    clock.advance(6000);
    expect(closed).toBe(3);
    expect(a.transport.stats().strangers).toBe(0);
  });

  it('has a limit on strangers', async () => {
    const a = await new Station(
      { network, clock },
      { host: '127.0.0.1', seed: 1, options: { strangers_max: 3 } },
    ).listen(PORT);
    let closed = 0;
    for (let i = 0; i < 5; i++) {
      const connection = network.connect('127.0.0.1', PORT);
      connection.onClose = () => closed++;
    }
    clock.advance(100);
    expect(closed).toBe(2);
    expect(a.transport.stats().strangers).toBe(3);
  });

  it('survives peers that send garbage after a good handshake', async () => {
    const a = await open(1);
    a.join(1, 1, [at(2)]);
    for (let round = 0; round < 20; round++) {
      const connection = network.connect('127.0.0.1', PORT);
      const from = { ...hello, process: 5 };
      connection.onConnect = () => connection.write(encodeHello(from));
      connection.onData = () => {
        const bytes = Buffer.alloc(200);
        for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 31 + round * 17) & 255;
        connection.write(bytes);
      };
      clock.advance(50);
      connection.destroy();
    }
    clock.advance(100);
    expect(a.frames).toEqual([]);
    const b = await open(2);
    b.join(2, 8, [at(1)]);
    clock.advance(1500);
    expect(a.transport.connected(2)).toBe(true);
  });
});
