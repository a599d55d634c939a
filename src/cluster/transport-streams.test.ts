import { beforeEach, describe, expect, it } from 'vitest';
import { GuestCallError } from './transport-guest.ts';
import { encodeHello, HelloKind } from './transport-handshake.ts';
import { CLUSTER, Station } from './transport-rig.test-support.ts';
import type { BulkHandler, BulkStream, TransportOptions } from './transport-types.ts';
import { ManualClock, MemoryNetwork } from './transport-world.test-support.ts';

const PORT = 7071;
let clock: ManualClock;
let network: MemoryNetwork;

beforeEach(() => {
  clock = new ManualClock();
  network = new MemoryNetwork(clock);
});

async function pair(options: Partial<TransportOptions> = {}): Promise<[Station, Station]> {
  const [a, b] = [1, 2].map(
    (node) => new Station({ network, clock }, { host: `127.0.0.${node}`, seed: node, options }),
  );
  if (a === undefined || b === undefined) throw new Error('two stations');
  const all = [1, 2].map((node) => ({ node, host: `127.0.0.${node}`, port: PORT }));
  await a.listen(PORT);
  await b.listen(PORT);
  a.join(1, 1, all);
  b.join(2, 1, all);
  clock.advance(100);
  return [a, b];
}

/** Records a stream; answers each chunk at once unless told to hold. */
class Sink implements BulkHandler {
  readonly chunks: Buffer[] = [];
  readonly events: string[] = [];
  hold = false;
  goOn: (error?: Error) => void = () => undefined;
  confirm: (error?: Error) => void = () => undefined;

  onChunk(chunk: Buffer, goOn: (error?: Error) => void): void {
    this.chunks.push(chunk);
    this.goOn = goOn;
    if (!this.hold) goOn();
  }

  onEnd(confirm: (error?: Error) => void): void {
    this.events.push('end');
    this.confirm = confirm;
    if (!this.hold) confirm();
  }

  onAbort(error: Error): void {
    this.events.push(`abort: ${error.message}`);
  }
}

interface Sent {
  readonly stream: BulkStream;
  readonly closed: string[];
  written: number;
}

/** Sends chunks one after the other, then the end. */
function sendAll(from: Station, to: number, chunks: readonly Uint8Array[], header = 'header'): Sent {
  const closed: string[] = [];
  const stream = from.transport.openBulk(to, Buffer.from(header), (error) =>
    closed.push(error?.message ?? 'confirmed'),
  );
  const sent: Sent = { stream, closed, written: 0 };
  const next = (): void => {
    const chunk = chunks[sent.written];
    if (chunk === undefined) {
      stream.end();
      return;
    }
    stream.write(chunk, () => {
      sent.written++;
      next();
    });
  };
  next();
  return sent;
}

const numbered = (count: number, size: number): Buffer[] =>
  Array.from({ length: count }, (_, index) => Buffer.alloc(size, index & 255));

describe('bulk streams', () => {
  it('carry a header and chunks, as they were written, to their end', async () => {
    const [a, b] = await pair();
    network.piece_bytes = 1000;
    const sink = new Sink();
    b.onBulk = (from, header) => {
      expect([from, header.toString()]).toEqual([1, 'snapshot 7']);
      return sink;
    };
    const chunks = [...numbered(20, 5000), Buffer.alloc(0), Buffer.from('last')];
    const sent = sendAll(a, 2, chunks, 'snapshot 7');
    clock.advance(5000);
    expect(sent.closed).toEqual(['confirmed']);
    expect(sink.chunks).toEqual(chunks);
    expect(sink.events).toEqual(['end']);
    expect(a.transport.stats().bulkStreams + b.transport.stats().bulkStreams).toBe(0);
  });

  it('may be empty', async () => {
    const [a, b] = await pair();
    const sink = new Sink();
    b.onBulk = () => sink;
    const sent = sendAll(a, 2, []);
    clock.advance(1000);
    expect([sent.closed, sink.events]).toEqual([['confirmed'], ['end']]);
  });

  it('wait for a receiver that takes its time, at every chunk and at the end, without giving up', async () => {
    const [a, b] = await pair();
    network.window_bytes = 20_000;
    const sink = new Sink();
    sink.hold = true;
    b.onBulk = () => sink;
    const sent = sendAll(a, 2, numbered(10, 10_000));
    for (let round = 1; round <= 10; round++) {
      clock.advance(60_000);
      expect(sink.chunks.length).toBe(round);
      // A few chunks may be under way, not all.
      expect(sent.written).toBeLessThanOrEqual(round + 4);
      sink.goOn();
    }
    clock.advance(60_000);
    expect(sink.events).toEqual(['end']);
    expect(sent.closed).toEqual([]);
    sink.confirm();
    clock.advance(100);
    expect(sent.closed).toEqual(['confirmed']);
  });

  it('wait for a sender that takes its time', async () => {
    const [a, b] = await pair();
    const sink = new Sink();
    b.onBulk = () => sink;
    const closed: string[] = [];
    const stream = a.transport.openBulk(2, Buffer.alloc(0), (error) => closed.push(error?.message ?? 'confirmed'));
    clock.advance(120_000);
    stream.write(Buffer.from('late'), () => undefined);
    clock.advance(120_000);
    expect(sink.chunks.length).toBe(1);
    stream.end();
    clock.advance(1000);
    expect(closed).toEqual(['confirmed']);
  });

  it('go at the rate that is set, for all streams of the node together', async () => {
    const [a, b] = await pair({ bulk_bytes_per_second: 1_000_000 });
    const sinks = [new Sink(), new Sink()];
    let next = 0;
    b.onBulk = () => sinks[next++] ?? null;
    sendAll(a, 2, numbered(100, 50_000));
    sendAll(a, 2, numbered(100, 50_000));
    clock.advance(4000);
    const received = sinks.reduce((sum, sink) => sum + sink.chunks.length * 50_000, 0);
    expect(received).toBeGreaterThan(3_500_000);
    expect(received).toBeLessThan(4_500_000);
    const [first, second] = sinks.map((sink) => sink.chunks.length);
    expect(Math.abs((first ?? 0) - (second ?? 0))).toBeLessThan(5);
  });

  it('are declined with a reason', async () => {
    const [a, b] = await pair();
    b.onBulk = () => 'two snapshots at a time are enough';
    const sent = sendAll(a, 2, numbered(1, 10));
    clock.advance(1000);
    expect(sent.closed).toEqual(['refused: two snapshots at a time are enough']);
  });

  it('to a node that is not known fail, but not before they were opened', async () => {
    const [a] = await pair();
    const closed: string[] = [];
    const stream = a.transport.openBulk(9, Buffer.alloc(0), (error) => closed.push(error?.message ?? ''));
    expect(closed).toEqual([]);
    stream.write(Buffer.alloc(1), () => undefined);
    stream.end();
    clock.advance(10);
    expect(closed).toEqual(['node 9 cannot be reached']);
  });

  it('that the sender aborts tell the receiver why', async () => {
    const [a, b] = await pair();
    const sink = new Sink();
    b.onBulk = () => sink;
    const closed: string[] = [];
    const stream = a.transport.openBulk(2, Buffer.alloc(0), (error) => closed.push(error?.message ?? ''));
    stream.write(Buffer.from('x'), () => undefined);
    clock.advance(100);
    stream.abort('compacted meanwhile');
    clock.advance(100);
    expect(closed).toEqual(['aborted: compacted meanwhile']);
    expect(sink.events).toEqual(['abort: aborted by the sender: compacted meanwhile']);
  });

  it('that the receiver aborts end for the sender', async () => {
    const [a, b] = await pair();
    const sink = new Sink();
    sink.hold = true;
    b.onBulk = () => sink;
    const sent = sendAll(a, 2, numbered(3, 10));
    clock.advance(100);
    sink.goOn(new Error('no space left'));
    clock.advance(100);
    expect(sent.closed).toEqual(['the receiver closed the stream']);
    expect(sink.events).toEqual(['abort: no space left']);
  });

  it('that fail at the end are not confirmed', async () => {
    const [a, b] = await pair();
    const sink = new Sink();
    sink.hold = true;
    b.onBulk = () => sink;
    const sent = sendAll(a, 2, []);
    clock.advance(100);
    sink.confirm(new Error('checksum'));
    clock.advance(100);
    expect(sent.closed).toEqual(['the receiver closed the stream']);
    expect(sink.events).toEqual(['end']);
  });

  it('that are never confirmed fail after some minutes', async () => {
    const [a, b] = await pair();
    const sink = new Sink();
    sink.hold = true;
    b.onBulk = () => sink;
    const sent = sendAll(a, 2, []);
    clock.advance(240_000);
    expect(sent.closed).toEqual([]);
    clock.advance(120_000);
    expect(sent.closed).toEqual(['the receiver closed the stream']);
  });

  it('are cut by block, and by the end of either node', async () => {
    for (const cut of ['block', 'stop'] as const) {
      clock = new ManualClock();
      network = new MemoryNetwork(clock);
      const [a, b] = await pair();
      const sink = new Sink();
      sink.hold = true;
      b.onBulk = () => sink;
      const closed: string[] = [];
      const stream = a.transport.openBulk(2, Buffer.alloc(0), (error) => closed.push(error?.message ?? 'confirmed'));
      stream.write(Buffer.alloc(10), () => undefined);
      clock.advance(100);
      if (cut === 'block') a.transport.block([2]);
      else void a.transport.stop();
      // Paused by its handler, the receiver learns of it when it goes on.
      clock.advance(100);
      sink.goOn();
      clock.advance(100);
      expect(closed).toEqual([cut === 'block' ? 'blocked' : 'this node stops']);
      expect(sink.events[0]).toMatch(/^abort/);
    }
  });

  it('whose other side is gone without a word end after the stall time', async () => {
    const [a, b] = await pair();
    const sink = new Sink();
    b.onBulk = () => sink;
    const stream = a.transport.openBulk(2, Buffer.alloc(0), () => undefined);
    stream.write(Buffer.alloc(10), () => undefined);
    clock.advance(100);
    network.latency_ms = 10_000_000;
    clock.advance(70_000);
    expect(sink.events).toEqual(['abort: the sender stalled']);
  });

  it('take one chunk at a time, within the limit', async () => {
    const [a, b] = await pair({ bulk_chunk_bytes_max: 100 });
    b.onBulk = () => new Sink();
    const stream = a.transport.openBulk(2, Buffer.alloc(0), () => undefined);
    expect(() => stream.write(Buffer.alloc(101), () => undefined)).toThrow('longer than the limit');
    stream.write(Buffer.alloc(1), () => undefined);
    expect(() => stream.write(Buffer.alloc(1), () => undefined)).toThrow('one chunk at a time');
  });

  it('survive garbage from a sender', async () => {
    const [a, b] = await pair();
    for (let round = 0; round < 30; round++) {
      const sink = new Sink();
      b.onBulk = () => sink;
      const connection = network.connect('127.0.0.2', PORT);
      connection.onConnect = () =>
        connection.write(
          encodeHello({
            versionMin: 1,
            versionMax: 1,
            kind: HelloKind.bulk,
            clusterId: CLUSTER,
            from: 1,
            epoch: 1,
            process: a.transport.process,
            to: 2,
            extra: Buffer.from('h'),
          }),
        );
      connection.onData = () => {
        const bytes = Buffer.alloc(64, round);
        bytes[4] = 1 + (round % 6);
        connection.write(bytes);
      };
      clock.advance(100);
      connection.destroy();
      clock.advance(100);
      expect(sink.events.filter((event) => event.startsWith('abort')).length).toBeLessThanOrEqual(1);
    }
  });
});

describe('guests', () => {
  const call = (from: Station, request: string, timeout_ms = 1000): Promise<string> =>
    from.transport.guestCall('127.0.0.2', PORT, Buffer.from(request), timeout_ms).then(
      (reply) => reply.toString(),
      (error: unknown) => {
        expect(error).toBeInstanceOf(GuestCallError);
        const failure = error as GuestCallError;
        return `${failure.sent ? 'sent' : 'not sent'}: ${failure.message}`;
      },
    );

  it('are answered before and after there is a cluster', async () => {
    const guest = new Station({ network, clock }, { host: '127.0.0.9', seed: 9 });
    const host = await new Station({ network, clock }, { host: '127.0.0.2', seed: 2 }).listen(PORT);
    host.onGuest = (request, respond) => respond(Buffer.from(`hello ${request.toString()}`));
    const first = call(guest, 'early');
    clock.advance(100);
    expect(await first).toBe('hello early');
    host.join(2, 1, []);
    const second = call(guest, 'late');
    clock.advance(100);
    expect(await second).toBe('hello late');
    expect(host.transport.stats().strangers).toBe(0);
  });

  it('may be answered later, and once', async () => {
    const [a, b] = await pair();
    let respond: (reply: Uint8Array) => void = () => undefined;
    b.onGuest = (_request, answer) => {
      respond = answer;
    };
    const reply = call(a, 'x', 5000);
    clock.advance(3000);
    respond(Buffer.from('first'));
    respond(Buffer.from('second'));
    clock.advance(100);
    expect(await reply).toBe('first');
    respond(Buffer.from('third'));
  });

  it('learn whether their request may have been acted on', async () => {
    const [a, b] = await pair({ guest_bytes_max: 1000 });
    b.onGuest = () => undefined;
    const slow = call(a, 'x');
    clock.advance(1100);
    expect(await slow).toBe('sent: 127.0.0.2:7071: no reply within 1000 ms');
    const long = call(a, 'x'.repeat(1001));
    clock.advance(10);
    expect(await long).toBe('not sent: 127.0.0.2:7071: the request is too long');
    b.onGuest = (_request, respond) => respond(Buffer.alloc(1001));
    const longReply = call(a, 'x');
    clock.advance(100);
    expect(await longReply).toBe('sent: 127.0.0.2:7071: the connection was closed');
    const stopped = b.transport.stop();
    clock.advance(600);
    await stopped;
    const gone = call(a, 'x');
    clock.advance(100);
    expect(await gone).toBe('not sent: 127.0.0.2:7071: connect ECONNREFUSED 127.0.0.2:7071');
  });

  it('that say nothing are closed after a while', async () => {
    const [, b] = await pair();
    const connection = network.connect('127.0.0.2', PORT);
    let closed = false;
    connection.onClose = () => {
      closed = true;
    };
    connection.onConnect = () =>
      connection.write(
        encodeHello({
          versionMin: 1,
          versionMax: 1,
          kind: HelloKind.guest,
          clusterId: '0'.repeat(32),
          from: 0,
          epoch: 0,
          process: 0,
          to: 0,
          extra: Buffer.alloc(0),
        }),
      );
    clock.advance(50_000);
    expect([closed, b.transport.stats().strangers]).toEqual([false, 1]);
    clock.advance(20_000);
    expect([closed, b.transport.stats().strangers]).toEqual([true, 0]);
  });
});
