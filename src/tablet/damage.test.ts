import { describe, expect, it } from 'vitest';
import { ConfChangeType } from '../raft/types.ts';
import { MemoryStore } from '../storage/memory-store.test-support.ts';
import { CHECKPOINT_AT, segmentName } from '../storage/wal-format.ts';
import type { RecoveredGroup } from '../storage/wal-types.ts';
import { lostReplicas } from './damage.ts';
import { get, Outcome, Probe, put, Rig, TABLET } from './host-rig.test-support.ts';
import { replicaId } from './replica-id.ts';
import { SOUND, type TabletMeta } from './tablet-meta.ts';

const FIRST_SEGMENT = `/wal/${segmentName(1)}`;

async function threeNodes(): Promise<Rig> {
  const rig = new Rig(3, { flushInterval_ms: 40 });
  await rig.found([1, 2, 3]);
  await rig.elect(1);
  for (let i = 0; i < 20; i++) await rig.run(rig.leader(), put(`k${i}`, `v${i}`));
  await rig.until(() => rig.appliedAt(2, 'k19') === 'v19' && rig.appliedAt(3, 'k19') === 'v19');
  await rig.pass(100);
  return rig;
}

/** Replaces the lost replica of a node by one of the next generation, as the metadata would have it. */
async function replace(rig: Rig, node: number): Promise<void> {
  const { tablet } = rig.leader();
  const old = replicaId(node, 1);
  const next = replicaId(node, 2);
  tablet.proposeConfChange({ transition: 'auto', changes: [{ type: ConfChangeType.remove, replica: old }] });
  await rig.until(() => !rig.leader().tablet.confState.voters.includes(old));
  const { host } = rig.station(node);
  const removed = host.remove(TABLET);
  await rig.until(() => !host.lost.has(TABLET));
  await removed;
  const created = host.create([{ id: TABLET, replica: next, founders: null }]);
  await rig.until(() => host.get(TABLET) !== undefined);
  await created;
  for (const type of [ConfChangeType.addLearner, ConfChangeType.addVoter]) {
    await rig.until(() => !rig.leader().tablet.raft.hasPendingConfChange);
    rig.leader().tablet.proposeConfChange({ transition: 'auto', changes: [{ type, replica: next }] });
    await rig.until(() => rig.appliedAt(node, 'k19') === 'v19');
  }
  await rig.until(() => rig.leader().tablet.confState.voters.includes(next));
}

describe('a replica whose log is damaged', () => {
  it('is silent from then on, in every later life, until it is replaced', async () => {
    const rig = await threeNodes();
    rig.crash(3);
    // Not the last batch: later ones vouch for it.
    rig.station(3).disk.flipBit(FIRST_SEGMENT, CHECKPOINT_AT + 512 * 4 + 100);
    await rig.start(rig.station(3));
    expect(rig.station(3).host.get(TABLET)).toBeUndefined();
    expect(rig.station(3).host.lost.get(TABLET)).toMatchObject({
      replica: replicaId(3, 1),
      reason: expect.stringMatching(/wal-0+1\.log at byte \d+: a durable batch is damaged/),
    });
    // With it alone there is no majority.
    rig.crash(2);
    const write = put('k', 'v');
    rig.leader().tablet.submit(write);
    await rig.pass(1_000);
    expect(write.outcome).toBe(null);
    await rig.start(rig.station(2));
    rig.crash(3);
    await rig.start(rig.station(3));
    expect(rig.station(3).host.lost.has(TABLET)).toBe(true);

    await rig.elect();
    await replace(rig, 3);
    expect(rig.station(3).host.counters.replicasRebuilt).toBe(1);
    rig.crash(3);
    await rig.start(rig.station(3));
    expect(rig.station(3).host.lost.size).toBe(0);
    rig.crash(rig.leader().node);
    await rig.elect();
    for (let i = 0; i < 20; i++) expect((await rig.run(rig.leader(), get(`k${i}`))).seen).toBe(`v${i}`);
  });

  it('is known as lost when all of its log is gone, or all after the store was written last', async () => {
    const rig = await threeNodes();
    rig.crash(3);
    const early = rig.station(3).disk.clone();
    await rig.start(rig.station(3));
    for (let i = 20; i < 40; i++) await rig.run(rig.leader(), put(`k${i}`, `v${i}`));
    await rig.until(() => rig.appliedAt(3, 'k39') === 'v39');
    await rig.pass(200);
    rig.crash(3);
    const { disk } = rig.station(3);
    const newest = new Map(disk.files);
    for (const files of [early.files, new Map()]) {
      disk.files.clear();
      for (const [path, contents] of files) disk.files.set(path, contents);
      const store = new MemoryStore();
      store.apply([], rig.station(3).store.entries);
      const before = rig.station(3).store;
      rig.station(3).store = store;
      await rig.start(rig.station(3));
      expect(rig.station(3).host.lost.has(TABLET)).toBe(true);
      rig.crash(3);
      rig.station(3).store = before;
    }
    disk.files.clear();
    for (const [path, contents] of newest) disk.files.set(path, contents);
    await rig.start(rig.station(3));
    expect(rig.station(3).host.lost.size).toBe(0);
  });

  it('is known as lost when its store is gone, or has gone back', async () => {
    const rig = await threeNodes();
    rig.crash(3);
    rig.station(3).store = new MemoryStore();
    await rig.start(rig.station(3));
    expect(rig.station(3).host.lost.get(TABLET)).toMatchObject({ replica: 0, reason: 'the store has lost it' });
    expect(rig.station(3).host.get(TABLET)).toBeUndefined();
  });
});

describe('a value that is not what was written', () => {
  it('is never served: another node leads, and the replica is given up', async () => {
    const rig = await threeNodes();
    const { host, store } = rig.leader();
    store.rotten.add('k7');
    const read = await rig.run(rig.leader(), get('k7'));
    expect(read.outcome).toBe(Outcome.notLeader);
    expect(read.seen).toBeUndefined();
    expect(host.get(TABLET)?.serving ?? false).toBe(false);
    await rig.until(() => host.lost.has(TABLET));
    const next = await rig.elect();
    expect(next.node).not.toBe(1);
    expect((await rig.run(next, get('k7'))).seen).toBe('v7');
    await rig.pass(100);
    rig.crash(1);
    await rig.start(rig.station(1));
    expect(rig.station(1).host.lost.has(TABLET)).toBe(true);
    await replace(rig, 1);
    expect(rig.appliedAt(1, 'k7')).toBe('v7');
  });

  it('leaves nothing of the transaction that met it', async () => {
    const rig = await threeNodes();
    const old = rig.leader();
    old.store.rotten.add('k7');
    const half = new Probe((transaction) => {
      transaction.put('first', Buffer.from('half'));
      return transaction.get('k7')?.toString();
    });
    const earlier = put('earlier', 'x');
    old.tablet.submit(earlier);
    old.tablet.submit(half);
    expect(half.outcome).toBe(Outcome.notLeader);
    await rig.until(() => earlier.outcome !== null);
    expect(earlier.outcome).toBe(Outcome.notLeader);
    await rig.until(() => old.host.lost.has(TABLET));
    const next = await rig.elect();
    expect((await rig.run(next, get('first'))).seen).toBeUndefined();
    expect((await rig.run(next, get('earlier'))).seen).toBeUndefined();
  });

  it('on a follower costs that replica only, and stale reads are refused', async () => {
    const rig = await threeNodes();
    rig.station(2).store.rotten.add('k3');
    expect(rig.station(2).tablet.readApplied(get('k3'))).toBe(false);
    expect(rig.station(2).host.lost.has(TABLET)).toBe(true);
    expect((await rig.run(rig.leader(), put('k', 'v'))).outcome).toBe(Outcome.done);
  });

  it('found when the store is opened costs the replica that holds it', async () => {
    const rig = await threeNodes();
    rig.crash(2);
    rig.station(2).store.damagedKeys = ['k3'];
    await rig.start(rig.station(2));
    expect(rig.station(2).host.lost.get(TABLET)?.reason).toBe('the value of key 6b33 is damaged');
  });

  it('in a record about a replica costs that replica', async () => {
    const rig = await threeNodes();
    rig.crash(2);
    const { store } = rig.station(2);
    const [meta] = [...store.entries.keys()].filter(
      (key) => key.startsWith('\xff\xff\xff\xff') && key.endsWith('\x07'),
    );
    store.rotten.add(meta as string);
    await rig.start(rig.station(2));
    expect(rig.station(2).host.lost.get(TABLET)).toMatchObject({ replica: 0 });
  });

  it('does not travel: a snapshot that meets it is broken off', async () => {
    const rig = new Rig(4, { flushInterval_ms: 40 });
    await rig.found([1, 2, 3]);
    await rig.elect(1);
    for (let i = 0; i < 20; i++) await rig.run(rig.leader(), put(`k${i}`, `v${i}`));
    await rig.pass(200);
    rig.leader().store.rotten.add('k7');
    const fourth = replicaId(4, 1);
    const created = rig.station(4).host.create([{ id: TABLET, replica: fourth, founders: null }]);
    await rig.until(() => rig.station(4).host.get(TABLET) !== undefined);
    await created;
    rig.leader().tablet.proposeConfChange({
      transition: 'auto',
      changes: [{ type: ConfChangeType.addLearner, replica: fourth }],
    });
    await rig.until(() => rig.station(1).host.lost.has(TABLET));
    await rig.elect();
    // The next leader has it whole.
    await rig.until(() => rig.appliedAt(4, 'k7') === 'v7');
  });
});

describe('a snapshot stream in which a bit has flipped', () => {
  it('is not installed; the next one is', async () => {
    const rig = new Rig(4, { flushInterval_ms: 40 });
    await rig.found([1, 2, 3]);
    await rig.elect(1);
    for (let i = 0; i < 3_000; i++) rig.leader().tablet.submit(put(`k${i}`, 'x'.repeat(300)));
    await rig.until(() => rig.leader().tablet.openOperationCount === 0);
    rig.flipInSnapshotChunk = 2;
    const fourth = replicaId(4, 1);
    const created = rig.station(4).host.create([{ id: TABLET, replica: fourth, founders: null }]);
    await rig.until(() => rig.station(4).host.get(TABLET) !== undefined);
    await created;
    rig.leader().tablet.proposeConfChange({
      transition: 'auto',
      changes: [{ type: ConfChangeType.addLearner, replica: fourth }],
    });
    await rig.until(() => rig.appliedAt(4, 'k2999') !== undefined);
    expect(rig.snapshotsOpened).toBe(2);
    for (let i = 0; i < 3_000; i++) expect(rig.appliedAt(4, `k${i}`)).toBe('x'.repeat(300));
  });
});

describe('log and store compared', () => {
  const confState = { voters: [1], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };
  const meta = (changes: Partial<TabletMeta> = {}): TabletMeta => ({
    replica: 65_537,
    appliedIndex: 10,
    appliedTerm: 2,
    consistentIndex: 0,
    confState,
    ...SOUND,
    ...changes,
  });
  const group = (from: number, to: number, changes: Partial<RecoveredGroup> = {}): RecoveredGroup => ({
    group: 5,
    hardState: { term: 2, vote: 0, commit: to },
    base: null,
    entries: Array.from({ length: to - from + 1 }, (_, i) => ({
      index: from + i,
      term: 2,
      type: 0,
      data: Buffer.alloc(0),
    })),
    releasedThrough: from - 1,
    damaged: false,
    ...changes,
  });
  const judge = (stored: TabletMeta | null | undefined, logged: RecoveredGroup | undefined, logWitness = 0) => {
    const groups = new Map(logged === undefined ? [] : [[5, logged]]);
    const metas = new Map(stored === undefined ? [] : [[5, stored]]);
    const recovery = { groups, damage: [], tornTail: false };
    return lostReplicas({ metas, recovery, logWitness, lastBatch: 7 }).get(5)?.reason ?? 'sound';
  };

  it('agree in all ordinary cases', () => {
    expect(judge(meta(), group(5, 10))).toBe('sound');
    expect(judge(meta(), group(8, 20))).toBe('sound');
    expect(judge(meta(), group(11, 10))).toBe('sound');
    expect(judge(meta({ appliedIndex: 0 }), group(1, 0))).toBe('sound');
    expect(judge(meta({ appliedIndex: 1 }), group(2, 1, { base: { index: 1, term: 1, data: Buffer.alloc(0) } }))).toBe(
      'sound',
    );
    expect(judge(meta({ installing: true, appliedIndex: 0 }), group(5, 20))).toBe('sound');
    expect(judge(meta({ logFollows: true, appliedIndex: 90 }), group(5, 20))).toBe('sound');
    expect(judge(meta(), group(5, 10), 7)).toBe('sound');
    // It was being made: nothing was promised.
    expect(judge(undefined, group(1, 0, { hardState: { term: 1, vote: 0, commit: 1 } }))).toBe('sound');
  });

  it('disagree in all that damage can do', () => {
    expect(judge(null, group(5, 10))).toBe('its record in the store is damaged');
    expect(judge(meta({ damaged: true }), group(5, 10))).toBe('it was found damaged before');
    expect(judge(meta(), undefined)).toBe('the log has lost it');
    expect(judge(meta(), group(5, 10, { damaged: true }))).toBe('the log is damaged');
    expect(judge(meta(), group(5, 9))).toBe('the log ends before what the store has applied');
    expect(judge(meta({ appliedIndex: 3 }), group(5, 10))).toBe('the store has lost what the log has let go of');
    expect(judge(meta(), group(12, 20, { releasedThrough: 0 }))).toBe(
      'entries between the store and the log are missing',
    );
    expect(judge(meta(), group(5, 10), 8)).toBe('the newest part of the log is gone');
    expect(judge(undefined, group(2, 4))).toBe('the store has lost it');
    expect(judge(undefined, group(1, 0, { hardState: { term: 1, vote: 65_537, commit: 0 } }))).toBe(
      'the store has lost it',
    );
  });
});
