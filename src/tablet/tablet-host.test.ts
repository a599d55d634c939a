import { describe, expect, it } from 'vitest';
import { ConfChangeType, Role } from '../raft/types.ts';
import { get, increment, Outcome, Probe, put, Rig, TABLET, turns } from './host-rig.test-support.ts';
import { replicaId } from './replica-id.ts';
import { decodeTabletMeta } from './tablet-meta.ts';

async function threeNodes(options: ConstructorParameters<typeof Rig>[1] = {}): Promise<Rig> {
  const rig = new Rig(3, options);
  await rig.found([1, 2, 3]);
  await rig.elect(1);
  return rig;
}

describe('writes', () => {
  it('are done when a quorum has them, and reach every replica', async () => {
    const rig = await threeNodes();
    const write = await rig.run(rig.leader(), put('k', 'v'));
    expect(write.outcome).toBe(Outcome.done);
    await rig.until(() => rig.appliedAt(2, 'k') === 'v' && rig.appliedAt(3, 'k') === 'v');
  });

  it('of one turn become one log entry, in the order in which they were submitted', async () => {
    const rig = await threeNodes();
    const { tablet } = rig.leader();
    const before = tablet.raft.lastIndex;
    const probes = Array.from({ length: 50 }, () => increment('n'));
    for (const probe of probes) tablet.submit(probe);
    await rig.until(() => probes.every((probe) => probe.outcome === Outcome.done));
    expect(tablet.raft.lastIndex).toBe(before + 1);
    expect(probes.map((probe) => probe.seen)).toEqual(probes.map((_, i) => String(i + 1)));
    await rig.until(() => rig.appliedAt(2, 'n') === '50');
  });

  it('see the writes in flight before them', async () => {
    const rig = await threeNodes();
    const { tablet } = rig.leader();
    const first = increment('n');
    tablet.submit(first);
    tablet.seal();
    const second = increment('n');
    tablet.submit(second);
    expect(second.seen).toBe('2');
    await rig.until(() => second.outcome === Outcome.done);
    expect(first.outcome).toBe(Outcome.done);
  });

  it('are not done while the leader is cut off, and their outcome is then unknown', async () => {
    const rig = await threeNodes();
    const { tablet } = rig.leader();
    rig.partition([1], [2, 3]);
    const write = put('k', 'lost?');
    tablet.submit(write);
    await rig.pass(300);
    expect(write.outcome).toBe(null);
    await rig.until(() => write.outcome !== null);
    expect(write.outcome).toBe(Outcome.unknown);
  });

  it('that another leader has overwritten certainly did not happen', async () => {
    const rig = await threeNodes();
    const old = rig.leader();
    rig.partition([1], [2, 3]);
    const write = put('k', 'never');
    old.tablet.submit(write);
    await rig.until(() => rig.stations.some((other) => other.node !== 1 && other.tablet.serving));
    const next = rig.stations.find((other) => other.node !== 1 && other.tablet.serving);
    expect(next).toBeDefined();
    if (next !== undefined) expect((await rig.run(next, put('k', 'new'))).outcome).toBe(Outcome.done);
    rig.heal();
    await rig.until(() => write.outcome !== null);
    expect(write.outcome).toBe(Outcome.notLeader);
    await rig.until(() => rig.appliedAt(1, 'k') === 'new');
  });

  it('that commit under the next leader are done, although their own leader was deposed', async () => {
    const rig = await threeNodes();
    const old = rig.leader();
    // The entry reaches node 2; the acknowledgements are lost.
    rig.cut.add('1-3').add('2-1').add('3-1');
    const before = old.tablet.raft.lastIndex;
    const write = put('k', 'kept');
    old.tablet.submit(write);
    await rig.until(() => rig.station(2).tablet.raft.lastIndex === before + 1);
    expect(write.outcome).toBe(null);
    rig.partition([1], [2, 3]);
    await rig.until(() => rig.stations.some((other) => other.node !== 1 && other.tablet.serving));
    rig.heal();
    await rig.until(() => write.outcome !== null);
    expect(write.outcome).toBe(Outcome.done);
    expect(rig.appliedAt(1, 'k')).toBe('kept');
  });

  it('past the limit of bytes in flight are refused and have no effect', async () => {
    const rig = await threeNodes({ inFlightBytesMax: 1_000 });
    const { tablet } = rig.leader();
    rig.partition([1], [2, 3]);
    const large = put('large', 'x'.repeat(2_000));
    tablet.submit(large);
    const refused = put('k', 'v');
    tablet.submit(refused);
    expect(refused.outcome).toBe(Outcome.overloaded);
    expect(refused.executions).toBe(0);
  });
});

describe('reads', () => {
  it('of a leader with a lease are answered at once', async () => {
    const rig = await threeNodes();
    await rig.run(rig.leader(), put('k', 'v'));
    await rig.until(() => rig.leader().tablet.raft.hasLease());
    const read = get('k');
    rig.leader().tablet.submit(read);
    expect(read.outcome).toBe(Outcome.done);
    expect(read.seen).toBe('v');
  });

  it('of a write in flight wait for it', async () => {
    const rig = await threeNodes();
    await rig.until(() => rig.leader().tablet.raft.hasLease());
    const { tablet } = rig.leader();
    const write = put('k', 'v');
    const read = get('k');
    tablet.submit(write);
    tablet.submit(read);
    tablet.seal();
    const afterSeal = get('k');
    tablet.submit(afterSeal);
    expect([read.outcome, afterSeal.outcome]).toEqual([null, null]);
    await rig.until(() => read.outcome !== null && afterSeal.outcome !== null);
    expect([read.seen, afterSeal.seen]).toEqual(['v', 'v']);
    expect(write.outcome).toBe(Outcome.done);
  });

  it('without a lease ask a quorum first', async () => {
    const rig = await threeNodes();
    await rig.run(rig.leader(), put('k', 'v'));
    const { tablet } = rig.leader();
    // Node 2 alone keeps its promise: a leader with it has a lease, so both are taken back for a moment.
    rig.endSupport(2, 1);
    rig.endSupport(3, 1);
    expect(tablet.raft.hasLease()).toBe(false);
    const read = get('k');
    tablet.submit(read);
    expect(read.outcome).toBe(null);
    await rig.until(() => read.outcome !== null);
    expect(read.outcome).toBe(Outcome.done);
    expect(read.seen).toBe('v');
  });

  it('of a leader that is cut off are never answered', async () => {
    const rig = await threeNodes();
    const old = rig.leader();
    await rig.run(old, put('k', 'old'));
    rig.partition([1], [2, 3]);
    const read = get('k');
    old.tablet.submit(read);
    await rig.until(() => rig.stations.some((other) => other.node !== 1 && other.tablet.serving));
    await rig.pass(1_500);
    expect(read.outcome).toBe(Outcome.notLeader);
  });

  it('of a write in flight without a lease run again later instead of trusting its commit', async () => {
    const rig = await threeNodes();
    const { tablet } = rig.leader();
    rig.endSupport(2, 1);
    rig.endSupport(3, 1);
    const write = put('k', 'v');
    tablet.submit(write);
    tablet.seal();
    const read = get('k');
    tablet.submit(read);
    await rig.until(() => read.outcome !== null);
    expect(write.outcome).toBe(Outcome.done);
    expect(read.executions).toBeGreaterThan(1);
  });

  it('of a replica that does not lead are refused, or stale by request', async () => {
    const rig = await threeNodes();
    await rig.run(rig.leader(), put('k', 'v'));
    await rig.until(() => rig.appliedAt(2, 'k') === 'v');
    const strict = get('k');
    rig.station(2).tablet.submit(strict);
    expect(strict.outcome).toBe(Outcome.notLeader);
    const stale = get('k');
    expect(rig.station(2).tablet.readApplied(stale)).toBe(true);
    expect(stale.seen).toBe('v');
  });
});

describe('a crash', () => {
  it('of every node at once loses nothing that was acknowledged', async () => {
    const rig = await threeNodes({ flushInterval_ms: 40 });
    const done: string[] = [];
    for (let i = 0; i < 60; i++) {
      const probe = await rig.run(rig.leader(), put(`k${i}`, `v${i}`));
      if (probe.outcome === Outcome.done) done.push(`k${i}`);
    }
    expect(done.length).toBe(60);
    for (const node of [1, 2, 3]) rig.crash(node);
    for (const station of rig.stations) await rig.start(station);
    const leader = await rig.elect();
    for (const [i, key] of done.entries()) expect((await rig.run(leader, get(key))).seen).toBe(`v${i}`);
  });

  it('of the leader moves leadership, and the old one catches up when it is back', async () => {
    const rig = await threeNodes();
    await rig.run(rig.leader(), put('k', '1'));
    rig.crash(1);
    const next = await rig.elect();
    expect(next.node).not.toBe(1);
    expect((await rig.run(next, get('k'))).seen).toBe('1');
    expect((await rig.run(next, put('k', '2'))).outcome).toBe(Outcome.done);
    await rig.start(rig.station(1));
    await rig.until(() => rig.appliedAt(1, 'k') === '2');
  });

  it('may take the applied state back, and the replica knows until it has caught up', async () => {
    const rig = await threeNodes();
    await rig.run(rig.leader(), put('k', '1'));
    await rig.until(() => rig.appliedAt(2, 'k') === '1');
    for (const node of [1, 2, 3]) rig.crash(node);
    await rig.start(rig.station(2));
    expect(rig.station(2).tablet.isCurrent).toBe(rig.appliedAt(2, 'k') === '1');
    await rig.start(rig.station(3));
    await rig.elect();
    await rig.until(() => rig.station(2).tablet.isCurrent);
    expect(rig.appliedAt(2, 'k')).toBe('1');
  });

  it('leaves a vote standing: the restarted replica does not vote twice in a term', async () => {
    const rig = await threeNodes();
    const term = rig.leader().tablet.raft.term;
    rig.crash(2);
    await rig.start(rig.station(2));
    const status = rig.station(2).tablet.raft.status();
    expect(status.term).toBe(term);
    expect(status.vote).toBe(replicaId(1, 1));
  });

  it('is followed by silence: no vote and no campaign while a promise of the earlier life may hold', async () => {
    const rig = await threeNodes();
    for (const node of [1, 2, 3]) rig.crash(node);
    const until_ms = rig.clock.monotonic_ms() + 3_000;
    rig.silentUntil_ms = until_ms;
    for (const station of rig.stations) await rig.start(station);
    await rig.until(() => rig.stations.some((station) => station.tablet.serving));
    expect(rig.clock.monotonic_ms()).toBeGreaterThan(until_ms);
  });

  it('of the disk ends the node', async () => {
    const rig = await threeNodes();
    rig.station(1).disk.failNextWrite = 'EIO';
    const write = put('k', 'v');
    rig.leader().tablet.submit(write);
    await rig.until(() => rig.station(1).failures.length > 0);
    expect(String(rig.station(1).failures[0])).toMatch(/write|EIO/i);
  });
});

describe('membership', () => {
  async function withFourth(options: ConstructorParameters<typeof Rig>[1] = {}): Promise<Rig> {
    const rig = new Rig(4, options);
    await rig.found([1, 2, 3]);
    await rig.elect(1);
    return rig;
  }

  const fourth = replicaId(4, 1);

  async function addFourth(rig: Rig): Promise<void> {
    const created = rig.station(4).host.create([{ id: TABLET, replica: fourth, founders: null }]);
    await rig.until(() => rig.station(4).host.get(TABLET) !== undefined);
    await created;
    rig.leader().tablet.proposeConfChange({
      transition: 'auto',
      changes: [{ type: ConfChangeType.addLearner, replica: fourth }],
    });
  }

  it('a replica that is added gets a snapshot and then the log', async () => {
    const rig = await withFourth();
    for (let i = 0; i < 20; i++) await rig.run(rig.leader(), put(`k${i}`, `v${i}`));
    await addFourth(rig);
    await rig.until(() => rig.appliedAt(4, 'k19') === 'v19');
    expect(rig.snapshotsOpened).toBe(1);
    // Its Raft is a new one, which does not know what the one before had promised.
    expect(rig.station(4).tablet.raft.votesWithheld).toBe(true);
    await rig.until(() => !rig.station(4).tablet.raft.votesWithheld);
    await rig.run(rig.leader(), put('after', 'snapshot'));
    await rig.until(() => rig.appliedAt(4, 'after') === 'snapshot');
  });

  it('writes go on during the snapshot, and the result is the same on all replicas', async () => {
    const rig = await withFourth();
    for (let i = 0; i < 3_000; i++) rig.leader().tablet.submit(put(`k${String(i).padStart(5, '0')}`, 'x'.repeat(200)));
    await rig.until(() => rig.leader().tablet.openOperationCount === 0);
    await addFourth(rig);
    const probes: Probe[] = [];
    for (let round = 0; round < 40; round++) {
      for (let i = 0; i < 20; i++) {
        const key = `k${String((round * 97 + i * 131) % 3_000).padStart(5, '0')}`;
        const probe =
          i % 5 === 0
            ? new Probe((transaction) => {
                transaction.delete(key);
                return undefined;
              })
            : put(key, `${round}-${i}`);
        probes.push(probe);
        rig.leader().tablet.submit(probe);
      }
      await rig.pass(5);
    }
    await rig.until(() => probes.every((probe) => probe.outcome === Outcome.done));
    const { raft } = rig.leader().tablet;
    await rig.until(() => rig.stations.every((station) => station.tablet.raft.appliedIndex === raft.appliedIndex));
    const contents = rig.stations.map((station) => {
      const entries: string[] = [];
      station.tablet.readLocal((transaction) =>
        transaction.scan('a', 'z', false, (key, value) => {
          entries.push(`${key}=${value.toString()}`);
          return true;
        }),
      );
      return entries.join('\n');
    });
    expect(contents[3]).toBe(contents[0]);
    expect(contents[1]).toBe(contents[0]);
  });

  it('a replica that crashes in the middle of a snapshot knows that it is not whole and asks for another', async () => {
    const rig = await withFourth();
    for (let i = 0; i < 3_000; i++) rig.leader().tablet.submit(put(`k${i}`, 'x'.repeat(300)));
    await rig.until(() => rig.leader().tablet.openOperationCount === 0);
    rig.breakSnapshotAfter = 1;
    await addFourth(rig);
    await rig.until(() => rig.station(4).tablet.installing);
    await turns(5);
    rig.crash(4);
    rig.breakSnapshotAfter = Number.POSITIVE_INFINITY;
    await rig.start(rig.station(4));
    expect(rig.station(4).tablet.installing).toBe(true);
    expect(rig.station(4).tablet.readApplied(get('k1'))).toBe(false);
    await rig.until(() => !rig.station(4).tablet.installing);
    await rig.until(() => rig.appliedAt(4, 'k2999') !== undefined);
  });

  it('a snapshot whose confirmation was lost is confirmed when it is offered again', async () => {
    const rig = await withFourth();
    for (let i = 0; i < 20; i++) await rig.run(rig.leader(), put(`k${i}`, `v${i}`));
    rig.loseNextConfirmation = true;
    await addFourth(rig);
    await rig.until(() => rig.appliedAt(4, 'k19') === 'v19');
    await rig.run(rig.leader(), put('after', 'snapshot'));
    await rig.until(() => rig.appliedAt(4, 'after') === 'snapshot');
    expect(rig.snapshotsOpened).toBe(2);
  });

  it('a follower that the log has left behind gets a snapshot', async () => {
    const rig = await threeNodes({ retainedLogBytes: 1, flushInterval_ms: 20 });
    rig.crash(3);
    for (let i = 0; i < 40; i++) {
      for (let j = 0; j < 10; j++) rig.leader().tablet.submit(put(`k${i}-${j}`, 'x'.repeat(4_000)));
      await rig.pass(20);
    }
    await rig.until(() => rig.leader().tablet.raft.firstIndex > rig.station(1).tablet.raft.lastIndex - 30);
    await rig.start(rig.station(3));
    await rig.until(() => rig.appliedAt(3, 'k39-9') !== undefined);
    expect(rig.snapshotsOpened).toBeGreaterThan(0);
  });

  it('a replica that crashes when a snapshot is in the store, before the log knows of it, goes on from there', async () => {
    const rig = await threeNodes({ retainedLogBytes: 1, flushInterval_ms: 20 });
    rig.crash(3);
    for (let i = 0; i < 40; i++) {
      for (let j = 0; j < 10; j++) rig.leader().tablet.submit(put(`k${i}-${j}`, 'x'.repeat(4_000)));
      await rig.pass(20);
    }
    const third = rig.station(3);
    await rig.start(third);
    const { store } = third;
    const write = store.write.bind(store);
    let crashed = false;
    store.write = async (ranges, entries, trailer) => {
      await write(ranges, entries, trailer);
      const meta = decodeTabletMeta(Buffer.from(trailer[0]?.[1] ?? []));
      if (
        crashed ||
        ranges.length > 0 ||
        trailer.length !== 1 ||
        meta?.installing !== false ||
        !third.tablet.installing
      )
        return;
      crashed = true;
      rig.crash(3);
      // The dead process hears of it no more.
      await new Promise(() => undefined);
    };
    await rig.until(() => crashed);
    await rig.start(third);
    expect(third.tablet.installing).toBe(false);
    expect((await rig.run(rig.leader(), put('after', 'crash'))).outcome).toBe(Outcome.done);
    await rig.until(() => rig.appliedAt(3, 'after') === 'crash');
    // And once more, from what the log says now.
    rig.crash(3);
    await rig.start(third);
    expect((await rig.run(rig.leader(), put('after', 'both'))).outcome).toBe(Outcome.done);
    await rig.until(() => rig.appliedAt(3, 'after') === 'both');
    expect(third.failures).toEqual([]);
  });

  it('a replica is replaced by a joint change, and the group goes on without it', async () => {
    const rig = await withFourth();
    await addFourth(rig);
    await rig.until(() => rig.station(4).tablet.confState.learners.includes(fourth));
    rig.leader().tablet.proposeConfChange({
      transition: 'auto',
      changes: [
        { type: ConfChangeType.addVoter, replica: fourth },
        { type: ConfChangeType.remove, replica: replicaId(3, 1) },
      ],
    });
    await rig.until(() => {
      const { voters, votersOutgoing } = rig.leader().tablet.confState;
      return votersOutgoing.length === 0 && voters.includes(fourth) && !voters.includes(replicaId(3, 1));
    });
    await rig.until(() => rig.station(4).tablet.confState.voters.includes(fourth));
    await rig.station(3).host.remove(TABLET);
    expect(rig.station(3).host.get(TABLET)).toBeUndefined();
    rig.crash(2);
    expect((await rig.run(rig.leader(), put('k', 'v'))).outcome).toBe(Outcome.done);
    await rig.until(() => rig.appliedAt(4, 'k') === 'v');
  });

  it('leadership is handed over without a lost or failed write', async () => {
    const rig = await threeNodes();
    const old = rig.leader();
    const before = increment('n');
    old.tablet.submit(before);
    await rig.until(() => before.outcome === Outcome.done);
    await rig.until(() => rig.station(2).tablet.raft.lastIndex === old.tablet.raft.lastIndex);
    old.tablet.raft.transferLeader(replicaId(2, 1));
    old.host.markDirty(old.tablet);
    const refused = increment('n');
    old.tablet.submit(refused);
    expect(refused.outcome).toBe(Outcome.notLeader);
    await rig.until(() => rig.station(2).tablet.serving);
    expect((await rig.run(rig.station(2), increment('n'))).seen).toBe('2');
    expect(old.tablet.raft.role).toBe(Role.follower);
  });

  it('followers wait for a leader that is gone from a living node, until they hear what that node leads', async () => {
    const rig = await threeNodes();
    rig.cut.add('1-2').add('1-3');
    await rig.station(1).host.remove(TABLET);
    rig.cut.clear();
    await rig.pass(5_000);
    const [second, third] = [rig.station(2), rig.station(3)];
    expect([second, third].map(({ tablet }) => tablet.raft.promisedTo)).toEqual([replicaId(1, 1), replicaId(1, 1)]);
    // Of a leader that is named they think nothing bad.
    for (const { host } of [second, third]) host.heardLed(1, new Set([TABLET]));
    await rig.pass(1_000);
    expect(second.tablet.raft.promisedTo).toBe(replicaId(1, 1));
    for (const { host } of [second, third]) host.heardLed(1, new Set());
    await rig.until(() => second.tablet.serving || third.tablet.serving);
  });
});
