/** What the host relies on: limits, the order of things in a Ready, reports, and asserts on wrong use. */
import { describe, expect, test } from 'vitest';
import { encodeConfChange } from './conf-change.ts';
import { Inflights } from './inflights.ts';
import { Progress, ProgressState } from './progress.ts';
import { ProposeError } from './proposals.ts';
import { Raft } from './raft.ts';
import { RaftLog } from './raft-log.ts';
import { bytes, drain, elect, makeEntry, makeReplica, message, noMembers, stepped } from './replica.test-support.ts';
import { ConfChangeType, type Message, MessageType, Role } from './types.ts';

const { append, appendResponse, heartbeat, heartbeatResponse, readIndex, readIndexResponse, snapshot, vote } =
  MessageType;

function appends(messages: readonly Message[], to: number): Message[] {
  return messages.filter((sent) => sent.type === append && sent.to === to);
}

describe('a lazy commit index', () => {
  const acknowledged = (index: number): Message => message(appendResponse, 2, 2, { index });
  const leader = (lazyCommit: boolean): Raft => {
    const raft = makeReplica({ lazyCommit });
    elect(raft, [2, 3]);
    raft.broadcastCommit();
    drain(raft);
    raft.propose(bytes('a'));
    drain(raft);
    raft.step(acknowledged(3));
    return raft;
  };

  test('travels with the next entries and not before', () => {
    const raft = leader(true);
    expect(drain(raft).messages).toEqual([]);
    expect([raft.commitIndex, raft.sentCommit]).toEqual([3, 2]);
    raft.propose(bytes('b'));
    expect(appends(drain(raft).messages, 3).map((sent) => sent.commit)).toEqual([3]);
    expect(raft.sentCommit).toBe(3);
  });

  test('is sent by itself when the host asks for it, once', () => {
    const raft = leader(true);
    drain(raft);
    raft.broadcastCommit();
    const told = drain(raft).messages;
    expect(told.map((sent) => [sent.to, sent.commit, sent.entries.length])).toEqual([
      [2, 3, 0],
      [3, 3, 0],
    ]);
    raft.broadcastCommit();
    expect(drain(raft).messages).toEqual([]);
  });

  test('is not owed to a follower that cannot be told', () => {
    const raft = leader(true);
    drain(raft);
    raft.reportUnreachable(2);
    raft.reportUnreachable(3);
    expect(raft.sentCommit).toBe(3);
  });

  test('is sent at once for a configuration change, because its leader may be gone when it is applied', () => {
    const raft = makeReplica({ lazyCommit: true });
    elect(raft, [2, 3]);
    raft.broadcastCommit();
    drain(raft);
    raft.proposeConfChange({ transition: 'auto', changes: [{ type: ConfChangeType.addLearner, replica: 4 }] });
    drain(raft);
    raft.step(acknowledged(3));
    expect(appends(raft.ready().messages, 3).map((sent) => sent.commit)).toEqual([3]);
  });

  test('is sent at once where it is not lazy', () => {
    expect(appends(drain(leader(false)).messages, 3).map((sent) => sent.commit)).toEqual([3]);
  });
});

describe('proposals', () => {
  test('are refused where there is no leader, and say why', () => {
    const raft = makeReplica();
    expect(raft.propose(bytes('a'))).toBe(ProposeError.notLeader);
    const change = { transition: 'auto', changes: [{ type: ConfChangeType.addVoter, replica: 4 }] } as const;
    expect(raft.proposeConfChange(change)).toBe(ProposeError.notLeader);
    elect(raft);
    expect(raft.proposeConfChange({ transition: 'leaveJoint', changes: [] })).toBe(ProposeError.confChangeInvalid);
    expect(raft.proposeConfChange(change)).toBe(3);
    expect(raft.hasPendingConfChange).toBe(true);
    expect(raft.proposeConfChange(change)).toBe(ProposeError.confChangePending);
    raft.transferLeader(2);
    expect(raft.transferee).toBe(2);
    expect(raft.propose(bytes('a'))).toBe(ProposeError.transferring);
  });

  test('stop at maxUncommittedBytes, but one always fits', () => {
    const raft = makeReplica({ maxUncommittedBytes: 10 });
    elect(raft);
    expect(raft.propose(new Uint8Array(50))).toBe(3);
    expect(raft.propose(bytes('a'))).toBe(ProposeError.tooMuchUncommitted);
    drain(raft);
    raft.step(message(appendResponse, 2, 2, { index: 3 }));
    drain(raft);
    expect(raft.propose(new Uint8Array(10))).toBe(4);
    expect(raft.propose(bytes('a'))).toBe(ProposeError.tooMuchUncommitted);
  });

  test('of one turn travel in one message and one write', () => {
    const raft = makeReplica();
    elect(raft);
    for (const text of ['a', 'b', 'c']) raft.propose(bytes(text));
    const ready = raft.ready();
    expect(ready.entries.map((entry) => entry.index)).toEqual([3, 4, 5]);
    expect(appends(ready.messages, 2).map((sent) => sent.entries.length)).toEqual([3]);
    expect(raft.stableIndex).toBe(2);
    raft.appended(ready.ticket);
    expect(raft.stableIndex).toBe(5);
  });

  test('are cut into messages of at most maxMessageBytes', () => {
    const raft = makeReplica({ maxMessageBytes: 60 });
    elect(raft);
    for (let i = 0; i < 5; i++) raft.propose(new Uint8Array(10));
    raft.propose(new Uint8Array(500));
    expect(appends(drain(raft).messages, 2).map((sent) => sent.entries.length)).toEqual([2, 2, 1, 1]);
  });

  test('stop travelling at maxInflightBytes', () => {
    const raft = makeReplica({ maxMessageBytes: 50, maxInflightBytes: 50 });
    elect(raft);
    for (let i = 0; i < 5; i++) raft.propose(new Uint8Array(20));
    expect(appends(drain(raft).messages, 2).length).toBe(2);
    expect(raft.status().progress[1]).toMatchObject({ paused: true, inflightMessages: 2, inflightBytes: 72 });
    raft.step(message(appendResponse, 2, 2, { index: 3 }));
    expect(appends(drain(raft).messages, 2).length).toBe(1);
  });

  test('two followers at the same point share the entries they are sent', () => {
    const raft = makeReplica();
    elect(raft, [2, 3]);
    raft.propose(bytes('a'));
    const { messages } = raft.ready();
    expect(appends(messages, 2)[0]?.entries).toBe(appends(messages, 3)[0]?.entries);
  });
});

describe('a Ready', () => {
  test('gives out committed entries in pages', () => {
    const raft = makeReplica({ terms: [1, 1, 1], maxCommittedBytesPerReady: 40 });
    stepped(raft, message(append, 2, 2, { index: 4, logTerm: 1 }));
    raft.step(message(heartbeat, 2, 2, { commit: 4 }));
    const first = raft.ready();
    expect(first.committedEntries.map((entry) => entry.index)).toEqual([2, 3]);
    expect(raft.hasReady()).toBe(true);
    expect(raft.ready().committedEntries.map((entry) => entry.index)).toEqual([4]);
    raft.appliedTo(3);
    raft.appliedTo(4);
    expect(() => raft.appliedTo(3)).toThrow('not taken back');
    expect(() => raft.appliedTo(5)).toThrow('handed out');
  });

  test('with only a commit index need not be synced, and its ticket vouches for nothing', () => {
    const raft = makeReplica();
    raft.step(message(append, 2, 2, { index: 1, logTerm: 1, entries: [makeEntry(2, 2)] }));
    const first = raft.ready();
    expect(first.messagesAfterAppend.map((sent) => sent.type)).toEqual([appendResponse]);
    raft.step(message(append, 2, 2, { index: 2, logTerm: 2, commit: 2 }));
    const second = raft.ready();
    expect([second.mustSync, second.hardState?.commit]).toEqual([false, 2]);
    // Its acknowledgement waits with the write before it.
    expect([...second.messages, ...second.messagesAfterAppend]).toEqual([]);
    raft.appended(second.ticket);
    expect(raft.stableIndex).toBe(1);
    expect(raft.hasReady()).toBe(false);
    raft.appended(first.ticket);
    expect(raft.stableIndex).toBe(2);
    expect(raft.ready().messages.map((sent) => sent.type)).toEqual([appendResponse]);
    // Given back twice.
    raft.appended(first.ticket);
    expect(raft.stableIndex).toBe(2);
  });

  test('is empty when nothing has changed', () => {
    const raft = makeReplica();
    const ready = raft.ready();
    expect(ready).toMatchObject({ softState: null, hardState: null, snapshot: null, mustSync: false, entries: [] });
    expect([ready.messages, ready.messagesAfterAppend, ready.committedEntries, ready.readStates]).toEqual([
      [],
      [],
      [],
      [],
    ]);
  });

  test('of a later write answers for the earlier ones', () => {
    const raft = makeReplica();
    elect(raft);
    raft.propose(bytes('a'));
    raft.ready();
    raft.propose(bytes('b'));
    raft.appended(raft.ready().ticket);
    expect(raft.stableIndex).toBe(4);
  });
});

describe('a restart', () => {
  test('continues with the durable state and does not apply twice', () => {
    const raft = makeReplica({
      terms: [1, 1, 2],
      hardState: { term: 3, vote: 2, commit: 3 },
      applied: 2,
      snapshot: { index: 1, term: 1, confState: { ...noMembers, voters: [1, 2, 3] } },
    });
    expect(drain(raft).committed.map((entry) => entry.index)).toEqual([3]);
    expect(raft.status()).toMatchObject({
      term: 3,
      vote: 2,
      commitIndex: 3,
      lastIndex: 4,
      firstIndex: 2,
      progress: [],
    });
  });

  test('takes what was applied for committed', () => {
    const raft = makeReplica({ terms: [1, 1], applied: 3 });
    expect(raft.commitIndex).toBe(3);
    expect(raft.ready().hardState?.commit).toBe(3);
  });

  test('begins a new group in the term of its beginning', () => {
    const snapshotMeta = { index: 5, term: 4, confState: { ...noMembers, voters: [1] } };
    const hardState = { term: 0, vote: 0, commit: 0 };
    const raft = makeReplica({ hardState, snapshot: snapshotMeta, applied: 5 });
    expect([raft.term, raft.lastIndex, raft.firstIndex]).toEqual([4, 5, 6]);
    raft.campaign();
    drain(raft);
    expect([raft.term, raft.isLeader, raft.commitIndex]).toEqual([5, true, 6]);
  });

  test.each<[string, Parameters<typeof makeReplica>[0]]>([
    ['id', { id: 0 }],
    ['electionTicks', { electionTicks: 0 }],
    ['heartbeatTicks', { heartbeatTicks: 1.5 }],
    ['below electionTicks', { heartbeatTicks: 10 }],
    ['priorityTicks', { priorityTicks: -1 }],
    ['maxMessageBytes', { maxMessageBytes: 0 }],
    ['maxInflightMessages', { maxInflightMessages: 0 }],
    ['maxInflightBytes', { maxInflightBytes: 1 }],
    ['maxCommittedBytesPerReady', { maxCommittedBytesPerReady: 0 }],
    ['maxUncommittedBytes', { maxUncommittedBytes: 0 }],
    ['commit lies inside', { hardState: { term: 1, vote: 0, commit: 9 } }],
    ['term is', { hardState: { term: -1, vote: 0, commit: 1 } }],
    ['does not begin after', { applied: 0 }],
    ['applied lies inside', { applied: 2 }],
    ['without gaps', { entries: [makeEntry(3, 1)], hardState: { term: 1, vote: 0, commit: 1 } }],
    ['never go back', { entries: [makeEntry(2, 0)] }],
    ['before its term', { entries: [makeEntry(2, 3)], hardState: { term: 2, vote: 0, commit: 1 } }],
  ])('with a wrong config asserts: %s', (text, options) => {
    // The options as they are, after what `makeReplica` fills in.
    expect(() => makeReplica(options)).toThrow(text);
  });
});

describe('priority', () => {
  test('makes a replica wait longer before it campaigns', () => {
    const raft = makeReplica({ priorityTicks: 5 });
    raft.priority = 2;
    expect(raft.priority).toBe(2);
    for (let i = 0; i < 19; i++) raft.tick();
    expect(raft.role).toBe(Role.follower);
    raft.tick();
    expect(raft.role).toBe(Role.candidate);
    expect(() => {
      raft.priority = -1;
    }).toThrow('priority');
  });
});

describe('reads', () => {
  test('are refused when nobody can be asked or too many wait', () => {
    const raft = makeReplica();
    expect(raft.readIndex(1)).toBe(false);
    elect(raft);
    for (let i = 0; i < 65_536; i++) expect(raft.readIndex(i)).toBe(true);
    expect(raft.readIndex(1)).toBe(false);
    drain(raft);
    raft.step(message(heartbeatResponse, 2, 2, { context: 1 }));
    expect(drain(raft).readStates.length).toBe(65_536);
  });

  test('in a joint configuration need both halves', () => {
    const raft = makeReplica();
    elect(raft);
    const changes = [4, 5].map((replica) => ({ type: ConfChangeType.addVoter, replica }));
    raft.proposeConfChange({ transition: 'jointExplicit', changes });
    drain(raft);
    raft.step(message(appendResponse, 2, 2, { index: 3 }));
    drain(raft);
    raft.readIndex(1);
    drain(raft);
    raft.step(message(heartbeatResponse, 2, 2, { context: 1 }));
    expect(drain(raft).readStates).toEqual([]);
    raft.step(message(heartbeatResponse, 4, 2, { context: 1 }));
    expect(drain(raft).readStates).toEqual([{ index: 3, context: 1 }]);
  });

  test('of a group of one wait for the first commit of the term and no longer', () => {
    const raft = makeReplica({ voters: [1], learners: [2] });
    raft.campaign();
    raft.appended(raft.ready().ticket);
    expect(raft.isLeader).toBe(true);
    raft.readIndex(1);
    raft.step(message(readIndex, 2, 0, { context: 9 }));
    const { readStates, messages } = drain(raft);
    expect(readStates).toEqual([{ index: 2, context: 1 }]);
    const answer = messages.find((sent) => sent.type === readIndexResponse);
    expect([answer?.to, answer?.index, answer?.context]).toEqual([2, 2, 9]);
  });

  test('are dropped with the term, and answers to old rounds mean nothing', () => {
    const raft = makeReplica();
    elect(raft);
    raft.readIndex(1);
    drain(raft);
    stepped(raft, message(append, 3, 5, { index: 2, logTerm: 2 }));
    stepped(raft, message(heartbeatResponse, 2, 2, { context: 1 }));
    expect(raft.hasReady()).toBe(false);
    // A candidate takes no answers.
    raft.campaign();
    drain(raft);
    raft.step(message(readIndexResponse, 3, 6, { index: 2, context: 1 }));
    expect(drain(raft).readStates).toEqual([]);
  });
});

describe('snapshots', () => {
  const confState = { ...noMembers, voters: [1, 2, 3] };
  const meta = (index: number, term: number) => ({ index, term, confState });

  test('are wanted when they bring something', () => {
    const raft = makeReplica({ terms: [1, 1] });
    const of = (index: number, fields: Partial<Message> = {}): Message =>
      message(snapshot, 2, 2, { snapshot: meta(index, 1), ...fields });
    expect(raft.wantsSnapshot(of(9))).toBe(true);
    expect(raft.wantsSnapshot(of(1))).toBe(false);
    expect(raft.wantsSnapshot(of(9, { snapshot: null }))).toBe(false);
    expect(raft.wantsSnapshot(of(9, { term: 0 }))).toBe(false);
    const strangers = { index: 9, term: 1, confState: { ...noMembers, voters: [7] } };
    expect(raft.wantsSnapshot(of(9, { snapshot: strangers }))).toBe(false);
    elect(raft);
    expect(raft.wantsSnapshot(of(9))).toBe(false);
  });

  test('replace a log that does not reach as far', () => {
    const raft = makeReplica({ terms: [1, 1] });
    raft.step(message(snapshot, 2, 3, { snapshot: meta(9, 2) }));
    const ready = raft.ready();
    expect(ready.snapshot).toEqual(meta(9, 2));
    expect(ready.hardState).toEqual({ term: 3, vote: 0, commit: 9 });
    expect(ready.messagesAfterAppend.map((sent) => [sent.type, sent.index])).toEqual([[appendResponse, 9]]);
    expect([raft.appliedIndex, raft.firstIndex, raft.lastIndex]).toEqual([9, 10, 9]);
    // Not durable yet: a crash would take it back, so this replica does not campaign on it.
    expect(raft.campaign()).toBe(false);
    raft.appended(ready.ticket);
    expect(raft.campaign()).toBe(true);
  });

  test('leave a log that agrees with them, and goes on further', () => {
    const raft = makeReplica({ terms: [1, 1, 1, 1] });
    raft.step(message(snapshot, 2, 2, { snapshot: meta(3, 1) }));
    const ready = raft.ready();
    expect([ready.snapshot, ready.hardState?.commit]).toEqual([null, 3]);
    expect(ready.messagesAfterAppend[0]?.index).toBe(3);
    expect([raft.appliedIndex, raft.firstIndex, raft.lastIndex]).toEqual([3, 2, 5]);
  });

  test('that are old are answered with what is committed', () => {
    const raft = makeReplica({ terms: [1, 1], applied: 3 });
    const [response] = stepped(raft, message(snapshot, 2, 2, { snapshot: meta(2, 1) }));
    expect([response?.type, response?.index]).toEqual([appendResponse, 3]);
    expect(stepped(raft, message(snapshot, 2, 2))).toEqual([]);
  });

  test('are not sent to a replica that has not been heard', () => {
    const raft = makeReplica();
    elect(raft);
    raft.compact(2);
    expect(raft.transferLeader(3)).toBe(true);
    expect(drain(raft).messages).toEqual([]);
    const [sent] = stepped(raft, message(heartbeatResponse, 3, 2));
    expect([sent?.type, sent?.snapshot]).toEqual([snapshot, meta(2, 2)]);
  });
});

describe('messages from elsewhere', () => {
  test('to others, from nobody and from strangers do nothing', () => {
    const raft = makeReplica();
    elect(raft);
    expect(stepped(raft, message(append, 2, 9, { to: 3 }))).toEqual([]);
    expect(stepped(raft, message(append, 1, 9))).toEqual([]);
    expect(stepped(raft, message(append, 0, 9))).toEqual([]);
    for (const type of [appendResponse, heartbeatResponse, MessageType.fortifyResponse]) {
      expect(stepped(raft, message(type, 9, 2, { index: 2 }))).toEqual([]);
    }
    expect(stepped(raft, message(vote, 2, 0))).toEqual([]);
    expect(raft.term).toBe(2);
  });

  test('with entries out of order, or acknowledging what does not exist, are dropped', () => {
    const raft = makeReplica();
    const wrong = [[makeEntry(3, 2)], [makeEntry(2, 0)], [makeEntry(2, 3)], [makeEntry(2, 2), makeEntry(4, 2)]];
    for (const entries of wrong) {
      expect(stepped(raft, message(append, 2, 2, { index: 1, logTerm: 1, entries }))).toEqual([]);
    }
    expect(raft.lastIndex).toBe(1);
    elect(raft);
    stepped(raft, message(appendResponse, 2, raft.term, { index: 99 }));
    expect(raft.status().progress[1]?.match).toBe(2);
  });

  test('that only a second leader of the term could send end the process', () => {
    const raft = makeReplica();
    elect(raft);
    expect(() => raft.step(message(append, 2, 2))).toThrow('at most one leader');
    const follower = makeReplica();
    stepped(follower, message(heartbeat, 2, 2));
    expect(() => follower.step(message(heartbeat, 3, 2))).toThrow('at most one leader');
    expect(() => follower.step(message(99 as MessageType, 3, 2))).toThrow('known message types');
  });

  test('that replace what is committed, or commit what is lost, end the process', () => {
    const raft = makeReplica({ terms: [1, 1], hardState: { term: 1, vote: 0, commit: 3 } });
    const entries = [makeEntry(4, 2)];
    stepped(raft, message(append, 2, 2, { index: 3, logTerm: 1, entries, commit: 4 }));
    expect(() => raft.step(message(heartbeat, 2, 2, { commit: 9 }))).toThrow('has the log been lost');
  });
});

describe('wrong use by the host', () => {
  test('asserts', () => {
    const raft = makeReplica({ terms: [1, 1] });
    expect(() => raft.compact(2)).toThrow('only applied');
    const change = { transition: 'auto', changes: [{ type: ConfChangeType.addVoter, replica: 4 }] } as const;
    expect(() => raft.applyConfChange(change)).toThrow('applied once');
    const data = encodeConfChange({ transition: 'leaveJoint', changes: [] });
    raft.step(
      message(append, 2, 2, { index: 3, logTerm: 1, commit: 4, entries: [{ term: 2, index: 4, type: 1, data }] }),
    );
    raft.ready();
    expect(() => raft.applyConfChange({ transition: 'leaveJoint', changes: [] })).toThrow('fits the configuration');
  });

  test('compaction keeps what is not durable', () => {
    const raft = makeReplica({ voters: [1, 2, 3] });
    elect(raft);
    raft.propose(bytes('a'));
    const ready = raft.ready();
    raft.step(message(appendResponse, 2, 2, { index: 3 }));
    raft.step(message(appendResponse, 3, 2, { index: 3 }));
    // A quorum without the leader has committed it.
    expect(raft.commitIndex).toBe(3);
    for (const entry of raft.ready().committedEntries) raft.appliedTo(entry.index);
    raft.compact(3);
    expect(raft.firstIndex).toBe(3);
    raft.appended(ready.ticket);
    raft.compact(3);
    raft.compact(1);
    expect(raft.firstIndex).toBe(4);
    raft.invariants();
    expect(raft.id).toBe(1);
  });
});

describe('progress', () => {
  test('never goes back on stale rejections', () => {
    const progress = new Progress(2, 10, 4, 1000);
    progress.maybeUpdate(5);
    expect(progress.maybeUpdate(5)).toBe(false);
    progress.becomeReplicate();
    progress.sentEntries(3, 30);
    expect(progress.maybeDecrease(4, 4)).toBe(false);
    expect(progress.maybeDecrease(7, 6)).toBe(true);
    expect(progress.next).toBe(6);
    progress.becomeProbe();
    expect(progress.maybeDecrease(9, 0)).toBe(false);
    progress.becomeSnapshot(20);
    expect(progress.maybeDecrease(20, 0)).toBe(false);
    expect(progress.isPaused).toBe(true);
    expect(() => progress.sentEntries(1, 1)).toThrow('no append is sent');
    expect(() => progress.becomeSnapshot(5)).toThrow('lacks');
    progress.becomeProbe();
    expect([progress.state, progress.next]).toEqual([ProgressState.probe, 21]);
  });

  test('a ring of messages on the way grows, wraps and empties', () => {
    const inflights = new Inflights(20, 1000);
    for (let i = 1; i <= 6; i++) inflights.add(i, 10);
    inflights.freeTo(4);
    for (let i = 7; i <= 22; i++) inflights.add(i, 10);
    expect([inflights.count, inflights.bytes, inflights.full]).toEqual([18, 180, false]);
    inflights.add(23, 10);
    inflights.add(24, 10);
    expect(inflights.full).toBe(true);
    expect(() => inflights.add(25, 10)).toThrow('in-flight limit');
    inflights.freeTo(23);
    expect([inflights.count, inflights.bytes]).toEqual([1, 10]);
    inflights.freeTo(99);
    expect(inflights.count).toBe(0);
    inflights.add(1, 1000);
    expect(inflights.full).toBe(true);
    inflights.reset();
    expect(inflights.full).toBe(false);
  });
});

describe('the log', () => {
  test('asserts on gaps, on terms that go back, and on reading what is gone', () => {
    const log = new RaftLog(5, 2, [], 5, 5);
    expect(() => log.append(makeEntry(7, 2))).toThrow('without gaps');
    expect(() => log.append(makeEntry(6, 1))).toThrow('never go back');
    expect(() => log.entryAt(5)).toThrow('in the log');
    log.append(makeEntry(6, 3));
    expect(log.entryAt(6).term).toBe(3);
    expect([log.termAt(4), log.termAt(5), log.termAt(6), log.termAt(7)]).toEqual([-1, 2, 3, -1]);
    expect(() => log.slice(4, 100)).toThrow('compacted');
    expect(() => log.restore(5, 2)).toThrow('takes back');
    expect(log.slice(7, 100)).toEqual([]);
    // Where the log is compacted nothing is known.
    expect(log.findConflictByTerm(6, 1)).toBe(4);
  });
});

test('a Raft takes a logger', () => {
  const lines: string[] = [];
  const log = (_: unknown, text: string): void => void lines.push(text);
  const logger = { debug: log, info: log, warn: log, error: log, child: () => logger };
  const raft = makeReplica({ voters: [1], logger });
  expect(raft).toBeInstanceOf(Raft);
  raft.campaign();
  drain(raft);
  expect(lines).toEqual(['raft: campaigning', 'raft: elected']);
});
