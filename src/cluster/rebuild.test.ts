import { describe, expect, test } from 'vitest';
import { silentLogger } from '../base/log.ts';
import { Administration } from './administration.ts';
import { type Identity, NOBODY_YET } from './identity.ts';
import { EMPTY_METADATA } from './metadata.ts';
import { MetadataGroup } from './metadata-group.ts';
import { Rebuild } from './rebuild.ts';
import { PeerCalls } from './transport-calls.ts';
import { CLUSTER, Station } from './transport-rig.test-support.ts';
import { ManualClock, MemoryNetwork } from './transport-world.test-support.ts';

const PORT = 7071;
const VOTERS = [1, 2, 3, 4, 5];

const seedOf = (node: number): { node: number; host: string; port: number } => ({
  node,
  host: `node-${node}`,
  port: PORT,
});

/** A member without any replica: it asks to be taken back, or, when it is not asked to, only answers. */
class Member {
  readonly node: number;
  readonly rebuild: Rebuild;
  /** How waiting to be taken back has ended. */
  ended: 'not yet' | 'taken back' | { readonly code: unknown } = 'not yet';
  readonly #station: Station;

  constructor(world: { clock: ManualClock; network: MemoryNetwork }, node: number, voters: readonly number[]) {
    this.node = node;
    const identity: Identity = {
      ...NOBODY_YET,
      clusterId: CLUSTER,
      node,
      epoch: 2,
      seeds: voters.map(seedOf),
      voters,
      begun: true,
    };
    const { clock } = world;
    const logger = silentLogger;
    this.#station = new Station(world, { host: seedOf(node).host, seed: node });
    const administration = new Administration({
      clock,
      logger,
      metadata: new MetadataGroup(
        () => null,
        () => undefined,
      ),
      identity: () => identity,
      host: () => null,
      leaderOf: () => 0,
      isAlive: () => true,
      isDamaged: () => this.rebuild.isDamaged,
      heardDamaged: (other) => this.rebuild.heardDamaged(other),
      calls: new PeerCalls(this.#station.transport, logger),
      seeds: () => [],
    });
    this.#station.onGuest = (request, respond) => administration.guest(request, respond);
    this.rebuild = new Rebuild({
      clock,
      logger,
      identity: () => identity,
      host: () => null,
      metadata: () => EMPTY_METADATA,
      administration,
      others: () => identity.seeds.filter((seed) => seed.node !== node),
      ask: (address, request) => administration.ask(this.#station.transport, address, request),
      lostNamed: () => undefined,
      discardDamaged: () => Promise.resolve(),
      failed: () => undefined,
    });
  }

  async listen(): Promise<void> {
    await this.#station.listen(PORT);
  }

  /** Waits to be taken back, and goes on answering for `stopping_ms` when it has given up, as a node does that stops. */
  restore(clock: ManualClock, stopping_ms: number): void {
    this.rebuild.restoreMetadata().then(
      () => {
        this.ended = 'taken back';
      },
      (error: unknown) => {
        this.ended = { code: (error as { code?: unknown }).code };
        clock.after(stopping_ms, () => void this.#station.transport.stop());
      },
    );
  }
}

/** Lets simulated time pass, a millisecond at a time, with all promises in between. */
async function pass(clock: ManualClock, duration_ms: number): Promise<void> {
  for (let i = 0; i < duration_ms; i += 1) {
    clock.advance(1);
    await new Promise(setImmediate);
  }
}

interface Story {
  readonly voters: number;
  /** When each damaged node begins to wait, after it has begun to answer. */
  readonly begin_ms: readonly number[];
  readonly stopping_ms: number;
}

/** The first nodes are damaged, the others are sound. Returns what becomes of the damaged ones. */
async function run(story: Story): Promise<Member['ended'][]> {
  const clock = new ManualClock();
  const world = { clock, network: new MemoryNetwork(clock) };
  const voters = VOTERS.slice(0, story.voters);
  const members = voters.map((node) => new Member(world, node, voters));
  for (const member of members) await member.listen();
  const damaged = members.slice(0, story.begin_ms.length);
  for (const [i, member] of damaged.entries()) {
    clock.after(story.begin_ms[i] ?? 0, () => member.restore(clock, story.stopping_ms));
  }
  await pass(clock, Math.max(...story.begin_ms) + 4_000);
  const ends = damaged.map(({ ended }) => ended);
  for (const { rebuild } of members) rebuild.stop();
  await pass(clock, 300);
  return ends;
}

const UNRECOVERABLE = { code: 'UNRECOVERABLE' };

describe('damaged nodes that are too many', () => {
  test.each([0, 1, 30, 100, 170, 199, 200, 201, 1_000, 5_000])(
    'all give up, also when the first waits for %i ms before the second does',
    async (later_ms) => {
      for (const stopping_ms of [0, 20, 250]) {
        const ends = await run({ voters: 3, begin_ms: [0, later_ms], stopping_ms });
        expect(ends).toEqual([UNRECOVERABLE, UNRECOVERABLE]);
      }
    },
  );

  test('give up also when one finds out about itself only when the others are gone', async () => {
    const ends = await run({ voters: 5, begin_ms: [0, 40, 90, 6_000], stopping_ms: 50 });
    expect(ends).toEqual([UNRECOVERABLE, UNRECOVERABLE, UNRECOVERABLE, UNRECOVERABLE]);
  });

  test('are not too many while a majority is sound: they wait', async () => {
    expect(await run({ voters: 5, begin_ms: [0, 40], stopping_ms: 50 })).toEqual(['not yet', 'not yet']);
  });

  test('wait for a voter that has not been heard', async () => {
    const clock = new ManualClock();
    const world = { clock, network: new MemoryNetwork(clock) };
    const [first, second] = [new Member(world, 1, [1, 2, 3]), new Member(world, 2, [1, 2, 3])];
    for (const member of [first, second]) {
      await member.listen();
      member.restore(clock, 0);
    }
    await pass(clock, 5_000);
    expect([first.ended, second.ended]).toEqual(['not yet', 'not yet']);
    for (const { rebuild } of [first, second]) rebuild.stop();
    await pass(clock, 300);
  });
});
