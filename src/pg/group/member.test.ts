import { describe, expect, test } from 'vitest';
import { type GroupRecord, voterName } from './group-record.ts';
import { changeGroup, type GroupRequest } from './group-rules.ts';
import { type MemberView, nextStep, type ServerView } from './member.ts';
import { type MemberState, NEW_MEMBER } from './member-state.ts';

const VOTERS = [1, 2, 3].map((node) => ({ node, name: `node-${node}` }));

/** Epoch 7 serves on node 1; before that, node 2 in epoch 4. */
const SERVING: GroupRecord = {
  epoch: 7,
  phase: 'serving',
  primary: 1,
  deposed: 0,
  released: true,
  target: 0,
  lastRecord: '',
  voters: VOTERS,
  k: 1,
  chain: [
    { epoch: 4, timeline: 2, fork: '500' },
    { epoch: 7, timeline: 3, fork: '1000' },
  ],
  hasServed: true,
  systemIdentifier: '42',
  pledges: [],
  settings: {},
  overrides: [],
};

const SERVER: ServerView = {
  is: 'standby',
  follows: '',
  replayed: 900n,
  lastRecord: null,
  reigns: 0,
  timeline: 0,
  fork: 0n,
  systemIdentifier: '42',
  rule: '',
  flushedBy: -1,
  failures: 0,
};

const STATE: MemberState = {
  ...NEW_MEMBER,
  pledged: 7,
  base: 1,
  branch: { epoch: 4, fork: '500' },
  voted: 4,
  systemIdentifier: '42',
};

function view(
  changes: Partial<Omit<MemberView, 'server' | 'state'>> & { server?: object; state?: object },
): MemberView {
  return {
    self: 3,
    record: SERVING,
    supportsDeposed: false,
    phaseFor_ms: 0,
    othersSuffice: false,
    holdsLease: true,
    preparesFor: 0,
    ...changes,
    server: { ...SERVER, ...changes.server },
    state: { ...STATE, ...changes.state },
  };
}

function change(record: GroupRecord, ...requests: GroupRequest[]): GroupRecord {
  return requests.reduce((before, request) => {
    const after = changeGroup(before, request, 0);
    if (after === null || typeof after === 'string') throw new Error(String(after));
    return after;
  }, record);
}

describe('a server that comes back', () => {
  test('follows when its data is a beginning of the history, after it has written that down', () => {
    const step = nextStep(view({}));
    expect(step).toMatchObject({ do: 'remember', state: { base: 4, branch: { epoch: 7, fork: '1000' }, voted: 7 } });
    const state = step.do === 'remember' ? step.state : STATE;
    expect(nextStep(view({ state }))).toEqual({ do: 'follow', as: 'n3.e7' });
  });

  test('is replaced when it goes beyond where its reign was left, or is of a reign that is no part of the history', () => {
    expect(nextStep(view({ server: { replayed: 1_001n } }))).toMatchObject({
      state: { emptied: 7, rebuild: { epoch: 7, by: 'rewind' } },
    });
    expect(nextStep(view({ state: { branch: { epoch: 6, fork: '800' } } }))).toMatchObject({
      state: { emptied: 7, rebuild: { epoch: 7, by: 'clone' } },
    });
  });

  test('is replaced only when the group serves, or cannot without it, and then by a clone', () => {
    const record: GroupRecord = { ...SERVING, phase: 'opening' };
    expect(nextStep(view({ record, server: { replayed: 1_001n } }))).toMatchObject({ do: 'nothing' });
    expect(nextStep(view({ record, server: { replayed: 1_001n }, phaseFor_ms: 2_001 }))).toMatchObject({
      state: { emptied: 0, rebuild: { by: 'clone' } },
    });
  });

  test('that was primary is fenced, whatever it thinks', () => {
    expect(nextStep(view({ server: { is: 'primary', reigns: 4 } }))).toMatchObject({ do: 'fence' });
    // Of this epoch, but not promoted in this life: it was restarted by somebody.
    expect(nextStep(view({ self: 1, server: { is: 'primary', reigns: 0 } }))).toMatchObject({ do: 'fence' });
    expect(nextStep(view({ self: 1, server: { is: 'primary', reigns: 7 }, holdsLease: false }))).toMatchObject({
      do: 'fence',
    });
  });

  test('with data of another database touches nothing', () => {
    expect(nextStep(view({ state: { systemIdentifier: '43' }, server: { is: 'stopped' } }))).toMatchObject({
      do: 'nothing',
    });
  });
});

describe('a recruiting', () => {
  const recruiting = change(SERVING, { type: 'suspect', epoch: 7, node: 1, successor: 2 });
  const state = { branch: { epoch: 7, fork: '1000' }, base: 4, voted: 7 };

  test('is answered after the pledge is durable, nobody is followed, and the lease is over', () => {
    const server = { follows: voterName(3, 7), replayed: 1_200n };
    expect(nextStep(view({ record: recruiting, server, state }))).toMatchObject({
      do: 'together',
      steps: [{ do: 'remember', state: { pledged: 8 } }, { do: 'cut' }],
    });
    const alone = { follows: '', replayed: 1_200n };
    expect(nextStep(view({ record: recruiting, server: alone, state }))).toMatchObject({
      do: 'remember',
      state: { pledged: 8 },
    });
    const pledged = { ...state, pledged: 8 };
    expect(nextStep(view({ record: recruiting, server, state: pledged }))).toEqual({ do: 'cut' });
    const cut = { follows: '', replayed: 1_200n };
    const waiting = view({ record: recruiting, server: cut, state: pledged, supportsDeposed: true });
    expect(nextStep(waiting)).toEqual({ do: 'demand', of: 1 });
    expect(nextStep(view({ record: recruiting, server: cut, state: pledged }))).toEqual({
      do: 'tell',
      request: { type: 'pledge', epoch: 8, node: 3, dataEpoch: 7, lsn: '1200' },
    });
  });

  test('is not answered by a server that has lost what it may have acknowledged', () => {
    const server = { is: 'absent' as const };
    expect(nextStep(view({ record: recruiting, server, state: { voted: 7, emptied: 7 } }))).toMatchObject({
      do: 'nothing',
    });
    expect(nextStep(view({ record: recruiting, server, state: { voted: 4, emptied: 7, pledged: 8 } }))).toMatchObject({
      request: { type: 'pledge', dataEpoch: 0, lsn: '0' },
    });
  });

  test('chooses the newest reign before the longest log, and nobody before enough have answered', () => {
    const one = change(recruiting, { type: 'pledge', epoch: 8, node: 2, dataEpoch: 4, lsn: '9999' });
    expect(one).toMatchObject({ phase: 'recruiting', primary: 0 });
    const two = change(one, { type: 'pledge', epoch: 8, node: 3, dataEpoch: 7, lsn: '1200' });
    expect(two).toMatchObject({ phase: 'promoting', primary: 3, epoch: 8 });
    const late = change(two, { type: 'pledge', epoch: 8, node: 1, dataEpoch: 7, lsn: '1300' });
    expect(late).toBe(two);
  });

  test('has the chosen one promoted when where it begins is durable, and whom its commits wait for is set', () => {
    const record = change(
      recruiting,
      { type: 'pledge', epoch: 8, node: 2, dataEpoch: 4, lsn: '9999' },
      { type: 'pledge', epoch: 8, node: 3, dataEpoch: 7, lsn: '1200' },
    );
    const pledged = { ...state, pledged: 8 };
    const server = { follows: '', replayed: 1_200n };
    const branched = { ...pledged, base: 7, branch: { epoch: 8, fork: '1200' }, voted: 8 };
    const synchronous = { do: 'synchronous', names: [voterName(1, 8), voterName(2, 8)], k: 1 };
    const remember = { do: 'remember', state: branched };
    expect(nextStep(view({ record, server, state: pledged }))).toMatchObject({
      do: 'together',
      steps: [remember, synchronous],
    });
    const ruled = { ...server, rule: `1 of ${synchronous.names.join(', ')}` };
    expect(nextStep(view({ record, server: ruled, state: pledged }))).toMatchObject(remember);
    expect(nextStep(view({ record, server, state: branched }))).toEqual(synchronous);
    expect(nextStep(view({ record, server: ruled, state: branched }))).toEqual({ do: 'promote', epoch: 8 });
  });

  test('of an older epoch changes nothing', () => {
    expect(change(recruiting, { type: 'down', epoch: 7, node: 1, lastRecord: '' })).toBe(recruiting);
    expect(change(recruiting, { type: 'pledge', epoch: 7, node: 2, dataEpoch: 7, lsn: '1' })).toBe(recruiting);
  });

  test('for a switchover waits for the wanted one, unless that is dead', () => {
    const begun = change(
      SERVING,
      { type: 'switchover', epoch: 7, target: 2 },
      { type: 'down', epoch: 7, node: 1, lastRecord: '' },
      { type: 'pledge', epoch: 8, node: 1, dataEpoch: 7, lsn: '1200' },
      { type: 'pledge', epoch: 8, node: 3, dataEpoch: 7, lsn: '1200' },
    );
    expect(begun).toMatchObject({ phase: 'recruiting', target: 2, released: true });
    const pledge: GroupRequest = { type: 'pledge', epoch: 8, node: 2, dataEpoch: 7, lsn: '1200' };
    expect(change(begun, pledge)).toMatchObject({ phase: 'promoting', primary: 2 });
    expect(change(begun, { type: 'suspect', epoch: 8, node: 2, successor: 3 })).toMatchObject({ primary: 3 });
  });

  test('is decided without the others by an operator, which is recorded, and leaves them out', () => {
    const one = change(recruiting, { type: 'pledge', epoch: 8, node: 2, dataEpoch: 7, lsn: '1100' });
    expect(change(one, { type: 'override', epoch: 8 })).toMatchObject({
      phase: 'promoting',
      primary: 2,
      k: 0,
      voters: [{ node: 2 }],
      overrides: [{ epoch: 8, node: 2, pledged: [2] }],
    });
    expect(changeGroup(recruiting, { type: 'override', epoch: 8 }, 0)).toBe('no server with data has answered');
    expect(changeGroup(SERVING, { type: 'override', epoch: 7 }, 0)).toMatch(/nobody has to be given up/);
  });
});

describe('a handover', () => {
  const switching = change(SERVING, { type: 'switchover', epoch: 7, target: 2 });
  const record = change(switching, { type: 'down', epoch: 7, node: 1, lastRecord: '1200' });
  const state = { branch: { epoch: 7, fork: '1000' }, base: 4, voted: 7 };
  const server = { follows: voterName(2, 7), replayed: 1_201n };
  const branched = { pledged: 8, base: 7, branch: { epoch: 8, fork: '1201' }, voted: 8 };
  const rule = `1 of ${voterName(1, 8)}, ${voterName(3, 8)}`;

  test('makes the wanted one primary at once when the end of the data is known', () => {
    expect(record).toMatchObject({ epoch: 8, phase: 'promoting', primary: 2, released: true, lastRecord: '1200' });
    expect(change(switching, { type: 'down', epoch: 7, node: 1, lastRecord: '' })).toMatchObject({
      phase: 'recruiting',
      target: 2,
    });
    // As a node with older software says it, and as a record that one has written.
    const silent = { type: 'down', epoch: 7, node: 1 } as GroupRequest;
    expect(change(switching, silent)).toMatchObject({ phase: 'recruiting', target: 2, lastRecord: '' });
    const { lastRecord: _none, ...older } = { ...record, primary: 2 };
    const chosen = view({ self: 2, record: older as GroupRecord, server: { follows: '', replayed: 1_201n }, state });
    expect(nextStep({ ...chosen, state: { ...chosen.state, pledged: 8 } })).toMatchObject({ do: 'together' });
    const toAnybody = change(SERVING, { type: 'switchover', epoch: 7, target: 0 });
    expect(change(toAnybody, { type: 'down', epoch: 7, node: 1, lastRecord: '1200' })).toMatchObject({
      phase: 'recruiting',
      lastRecord: '',
    });
  });

  test('is told by the primary as soon as it has written its last record, and by one that is gone without', () => {
    const stopping = { is: 'busy' as const, lastRecord: 1_200n };
    expect(nextStep(view({ self: 1, record: switching, server: stopping }))).toEqual({
      do: 'tell',
      request: { type: 'down', epoch: 7, node: 1, lastRecord: '1200' },
    });
    expect(nextStep(view({ self: 1, record: switching, server: { is: 'stopped' } }))).toMatchObject({
      request: { type: 'down', lastRecord: '' },
    });
    expect(nextStep(view({ self: 1, record: switching, server: { is: 'busy' } }))).toMatchObject({ do: 'nothing' });
  });

  test('has the rule of the next reign made before the primary has ended', () => {
    const next = view({ self: 2, record: switching, server, state });
    expect(nextStep(next)).toEqual({ do: 'synchronous', names: [voterName(1, 8), voterName(3, 8)], k: 1 });
    expect(nextStep({ ...next, server: { ...next.server, rule } })).toMatchObject({ do: 'nothing' });
    const asked = view({ self: 2, server, state, preparesFor: 7 });
    expect(nextStep(asked)).toEqual(nextStep(next));
    expect(nextStep({ ...asked, preparesFor: 6 })).toMatchObject({ do: 'nothing', why: 'following' });
  });

  test('has the new primary promoted when it has replayed the last record, without a cut', () => {
    const step = nextStep(view({ self: 2, record, server: { ...server, rule }, state }));
    expect(step).toMatchObject({ do: 'remember', state: branched });
    expect(nextStep(view({ self: 2, record, server, state }))).toMatchObject({
      do: 'together',
      steps: [{ do: 'remember' }, { do: 'synchronous' }],
    });
    const remembered = { ...state, ...branched };
    expect(nextStep(view({ self: 2, record, server: { ...server, rule }, state: remembered }))).toEqual({
      do: 'promote',
      epoch: 8,
    });
    const primary = { is: 'primary' as const, reigns: 8, timeline: 4, fork: 1_201n };
    expect(nextStep(view({ self: 2, record, server: primary, state: remembered }))).toMatchObject({
      do: 'together',
      steps: [{ do: 'tell', request: { type: 'promoted', parent: 7, fork: '1201' } }, { do: 'inaugurate' }],
    });
  });

  test('waits for the last record, then for a replay that is held up, and is given up without it', () => {
    const behind = { ...server, replayed: 1_200n };
    expect(nextStep(view({ self: 2, record, server: behind, state }))).toMatchObject({ do: 'nothing' });
    expect(nextStep(view({ self: 2, record, server: behind, state, phaseFor_ms: 101 }))).toEqual({ do: 'cut' });
    const alone = { ...behind, follows: '' };
    const down = { do: 'tell', request: { type: 'down', epoch: 8, node: 2, lastRecord: '' } };
    expect(nextStep(view({ self: 2, record, server: alone, state }))).toEqual(down);
    expect(change(record, down.request as GroupRequest)).toMatchObject({ epoch: 9, phase: 'recruiting', primary: 0 });
  });

  test('is given up by one whose data is not known to be of the last reign', () => {
    const wrong = [
      { state: { ...state, branch: { epoch: 4, fork: '500' } }, server },
      { state: { ...state, isCopy: true }, server },
      { state, server: { is: 'stopped' as const } },
    ];
    for (const changes of wrong) {
      expect(nextStep(view({ self: 2, record, ...changes }))).toMatchObject({ request: { type: 'down', node: 2 } });
    }
  });

  test('lets the other standby follow before the new primary writes, if it has the same', () => {
    const other = { follows: voterName(3, 7), replayed: 1_201n };
    expect(nextStep(view({ record, server: other, state }))).toMatchObject({ do: 'remember', state: branched });
    const remembered = { ...state, ...branched };
    expect(nextStep(view({ record, server: other, state: remembered }))).toEqual({ do: 'follow', as: 'n3.e8' });
    const following = { ...other, follows: 'n3.e8' };
    expect(nextStep(view({ record, server: following, state: remembered }))).toMatchObject({ do: 'nothing' });
    const behind = { ...other, replayed: 1_200n };
    expect(nextStep(view({ record, server: behind, state }))).toMatchObject({ do: 'nothing' });
    // Then it is told where the reign begins when that is known.
    expect(nextStep(view({ record, server: behind, state, phaseFor_ms: 101 }))).toMatchObject({
      steps: [{ do: 'remember', state: { pledged: 8, branch: { epoch: 7 } } }, { do: 'cut' }],
    });
  });

  test('leaves the primary that was alone until the group serves', () => {
    const stopped = { is: 'stopped' as const };
    expect(nextStep(view({ self: 1, record, server: stopped, othersSuffice: true }))).toMatchObject({ do: 'nothing' });
    const opening: GroupRecord = { ...record, phase: 'opening', chain: [{ epoch: 8, timeline: 4, fork: '1201' }] };
    const alone = view({ self: 1, record: opening, server: stopped, othersSuffice: true });
    expect(nextStep(alone)).toMatchObject({ do: 'nothing' });
    expect(nextStep({ ...alone, record: { ...opening, phase: 'serving', deposed: 0 } })).toMatchObject({
      do: 'remember',
      state: { pledged: 8 },
    });
  });
});

test('a reign that nobody follows from is no part of the history', () => {
  const record = change(
    SERVING,
    { type: 'down', epoch: 7, node: 1, lastRecord: '' },
    { type: 'pledge', epoch: 8, node: 2, dataEpoch: 4, lsn: '1000' },
    { type: 'pledge', epoch: 8, node: 3, dataEpoch: 4, lsn: '990' },
    { type: 'promoted', epoch: 8, node: 2, timeline: 3, fork: '1000', parent: 4, systemIdentifier: '42' },
  );
  expect(record).toMatchObject({ phase: 'opening', chain: [{ epoch: 4 }, { epoch: 8, timeline: 3 }] });
});
