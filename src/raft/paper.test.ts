/** The rules of the Raft paper and of Ongaro's thesis, section by section, on one replica at a time. */
import { describe, expect, test } from 'vitest';
import { Prng } from '../base/prng.ts';
import { bytes, drain, elect, makeEntry, makeReplica, message, stepped } from './replica.test-support.ts';
import { type Message, MessageType, Role } from './types.ts';

const { append, appendResponse, heartbeat, timeoutNow, vote, voteResponse } = MessageType;

function only(messages: readonly Message[], type: MessageType): Message[] {
  return messages.filter((sent) => sent.type === type);
}

describe('terms (3.3)', () => {
  const cases = [
    ['follower', Role.follower],
    ['candidate', Role.candidate],
    ['leader', Role.leader],
  ] as const;
  test.each(cases)('a %s takes up a later term and follows', (_, role) => {
    const raft = makeReplica();
    if (role === Role.candidate) raft.campaign();
    if (role === Role.leader) elect(raft);
    expect(raft.role).toBe(role);
    stepped(raft, message(append, 2, 9, { logTerm: 1, index: 1 }));
    expect(raft.term).toBe(9);
    expect(raft.role).toBe(Role.follower);
    expect(raft.leader).toBe(2);
  });

  test('messages of an earlier term are rejected', () => {
    const raft = makeReplica({ term: 5 });
    expect(stepped(raft, message(append, 2, 4, { logTerm: 1, index: 1, entries: [makeEntry(2, 4)] }))).toEqual([]);
    expect(raft.lastIndex).toBe(1);
    expect(stepped(raft, message(vote, 2, 4, { logTerm: 9, index: 9 }))).toEqual([]);
    expect(raft.term).toBe(5);
  });
});

describe('elections (3.4)', () => {
  test('replicas start as followers', () => {
    const raft = makeReplica();
    expect(raft.role).toBe(Role.follower);
    expect(raft.leader).toBe(0);
    expect(raft.hasReady()).toBe(false);
  });

  test('a leader sends heartbeats in every heartbeat interval, to all others', () => {
    const raft = makeReplica({ heartbeatTicks: 2 });
    elect(raft);
    raft.tick();
    expect(only(drain(raft).messages, heartbeat)).toEqual([]);
    raft.tick();
    expect(only(drain(raft).messages, heartbeat).map((sent) => sent.to)).toEqual([2, 3]);
  });

  test.each([0, 1])('after an election timeout a follower or candidate begins an election (%i before)', (before) => {
    const raft = makeReplica();
    for (let i = 0; i < 10 * before; i++) raft.tick();
    drain(raft);
    for (let i = 0; i < 9; i++) raft.tick();
    expect(raft.term).toBe(1 + before);
    raft.tick();
    expect(raft.role).toBe(Role.candidate);
    expect(raft.term).toBe(2 + before);
    const requests = only(drain(raft).messages, vote);
    expect(requests.map((sent) => [sent.to, sent.term, sent.index, sent.logTerm])).toEqual([
      [2, 2 + before, 1, 1],
      [3, 2 + before, 1, 1],
    ]);
  });

  test.each<[number, number[], number[], Role]>([
    [1, [], [], Role.leader],
    [3, [2, 3], [], Role.leader],
    [3, [2], [], Role.leader],
    [5, [2, 3, 4, 5], [], Role.leader],
    [5, [2, 3], [], Role.leader],
    [3, [], [2, 3], Role.follower],
    [5, [], [2, 3, 4, 5], Role.follower],
    [5, [2], [3, 4, 5], Role.follower],
    [3, [], [], Role.candidate],
    [5, [2], [], Role.candidate],
    [5, [], [2, 3], Role.candidate],
  ])('of %i voters, yes from %j and no from %j', (size, yes, no, role) => {
    const raft = makeReplica({ voters: Array.from({ length: size }, (_, i) => i + 1) });
    raft.campaign();
    drain(raft);
    for (const from of yes) raft.step(message(voteResponse, from, 2));
    for (const from of no) raft.step(message(voteResponse, from, 2, { reject: true }));
    expect(raft.role).toBe(role);
    expect(raft.term).toBe(2);
  });

  test.each<[number, number, boolean]>([
    [0, 2, true],
    [0, 3, true],
    [2, 2, true],
    [3, 3, true],
    [2, 3, false],
    [3, 2, false],
  ])('having voted for %i, a request of %i: %s', (voted, from, granted) => {
    const raft = makeReplica({ hardState: { term: 2, vote: voted, commit: 1 } });
    const [response] = stepped(raft, message(vote, from, 2, { index: 1, logTerm: 1 }));
    expect(response?.type).toBe(voteResponse);
    expect(response?.reject).toBe(!granted);
  });

  test('a candidate that hears a leader of its own term follows it', () => {
    const raft = makeReplica();
    raft.campaign();
    drain(raft);
    stepped(raft, message(append, 2, 2, { index: 1, logTerm: 1 }));
    expect(raft.role).toBe(Role.follower);
    expect(raft.leader).toBe(2);
    expect(raft.term).toBe(2);
  });

  test('election timeouts are spread over [T, 2T)', () => {
    const prng = new Prng(1);
    const raft = makeReplica({ random: (bound) => prng.below(bound) });
    const seen = new Set<number>();
    for (let i = 0; i < 500; i++) {
      stepped(raft, message(append, 2, raft.term + 1, { index: 1, logTerm: 1 }));
      let ticks = 0;
      for (; raft.role === Role.follower; ticks++) raft.tick();
      seen.add(ticks);
      drain(raft);
    }
    expect([...seen].sort((a, b) => a - b)).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
  });

  test('a granted vote restarts the timeout, a refused one does not', () => {
    const raft = makeReplica({ terms: [1] });
    for (let i = 0; i < 9; i++) raft.tick();
    stepped(raft, message(vote, 2, 1, { index: 1, logTerm: 1 }));
    raft.tick();
    expect(raft.role).toBe(Role.candidate);
    const other = makeReplica();
    for (let i = 0; i < 9; i++) other.tick();
    stepped(other, message(vote, 2, 1, { index: 1, logTerm: 1 }));
    for (let i = 0; i < 9; i++) other.tick();
    expect(other.role).toBe(Role.follower);
  });
});

describe('log replication (3.5)', () => {
  test('a leader appends a proposal and sends it on', () => {
    const raft = makeReplica();
    elect(raft);
    expect(raft.propose(bytes('a'))).toBe(3);
    expect(raft.commitIndex).toBe(2);
    const [sent, ...others] = only(drain(raft).messages, append);
    // The third replica has not answered yet: it is probed, once.
    expect(others).toEqual([]);
    expect([sent?.to, sent?.index, sent?.logTerm, sent?.commit]).toEqual([2, 2, 2, 2]);
    expect(sent?.entries).toEqual([{ ...makeEntry(3, 2), data: bytes('a') }]);
  });

  test('an entry is committed when a majority has it, and applied in order', () => {
    const raft = makeReplica();
    elect(raft);
    raft.propose(bytes('a'));
    raft.propose(bytes('b'));
    expect(drain(raft).committed).toEqual([]);
    raft.step(message(appendResponse, 2, 2, { index: 4 }));
    expect(raft.commitIndex).toBe(4);
    const { committed, messages } = drain(raft);
    expect(committed.map((entry) => entry.index)).toEqual([3, 4]);
    expect(only(messages, append).map((sent) => [sent.to, sent.commit])).toEqual([[2, 4]]);
  });

  test.each<[number, number[], boolean]>([
    [1, [], true],
    [3, [], false],
    [3, [2], true],
    [5, [2], false],
    [5, [2, 3], true],
    [5, [2, 3, 4, 5], true],
  ])('of %i voters, acknowledged by %j', (size, by, committed) => {
    const voters = Array.from({ length: size }, (_, i) => i + 1);
    const raft = makeReplica({ voters });
    elect(raft, voters.slice(1));
    raft.propose(bytes('a'));
    drain(raft);
    for (const from of by) raft.step(message(appendResponse, from, 2, { index: 3 }));
    expect(raft.commitIndex === 3).toBe(committed);
  });

  test('entries of earlier terms are committed together with one of the own term', () => {
    const raft = makeReplica({ terms: [1, 2], term: 3 });
    elect(raft);
    expect(raft.commitIndex).toBe(4);
    expect(raft.appliedIndex).toBe(4);
  });

  test('a follower applies what the leader says is committed', () => {
    const raft = makeReplica();
    const entries = [makeEntry(2, 2, 'a'), makeEntry(3, 2, 'b')];
    raft.step(message(append, 2, 2, { index: 1, logTerm: 1, commit: 2, entries }));
    expect(drain(raft).committed.map((entry) => entry.index)).toEqual([2]);
    raft.step(message(heartbeat, 2, 2, { commit: 3 }));
    expect(drain(raft).committed.map((entry) => entry.index)).toEqual([3]);
  });

  test('the commit index of an append counts only up to its own last entry', () => {
    const raft = makeReplica({ terms: [1, 1, 1] });
    stepped(raft, message(append, 2, 2, { index: 2, logTerm: 1, commit: 4 }));
    expect(raft.commitIndex).toBe(2);
  });

  test.each<[number, number, boolean, number, number]>([
    [2, 1, false, 0, 0],
    [3, 2, false, 0, 0],
    // The entry is of another term: look where the term is no later than the leader's.
    [3, 1, true, 2, 1],
    // Beyond the end.
    [9, 3, true, 3, 2],
    // Committed here: nothing to check.
    [0, 0, false, 0, 0],
  ])('an append after %i of term %i: rejected %s', (index, logTerm, reject, hint, hintTerm) => {
    const raft = makeReplica({ terms: [1, 2], term: 3 });
    const [response] = stepped(raft, message(append, 2, 3, { index, logTerm }));
    expect(response?.type).toBe(appendResponse);
    expect(response?.reject).toBe(reject);
    if (reject) expect([response?.rejectHint, response?.logTerm]).toEqual([hint, hintTerm]);
  });

  test.each<[number, number, number[], number[]]>([
    [3, 2, [3], [1, 2, 3]],
    [2, 1, [3, 4], [1, 3, 4]],
    [1, 1, [1], [1, 2]],
    [1, 1, [3], [3]],
  ])('an append after %i of term %i with terms %j makes the log %j', (index, logTerm, terms, log) => {
    const raft = makeReplica({ terms: [1, 2], term: 3 });
    const entries = terms.map((term, i) => makeEntry(index + 1 + i, term));
    raft.step(message(append, 2, 4, { index, logTerm, entries }));
    const written = raft.ready().entries;
    const kept = log.length - written.length;
    const same = terms.every((term, i) => [1, 2][index - 1 + i] === term);
    expect(written.map((entry) => entry.term)).toEqual(same ? [] : log.slice(kept));
    expect(raft.lastIndex).toBe(same ? 3 : log.length + 1);
  });

  test('a leader finds where the logs agree and brings the follower to its own', () => {
    const leader = makeReplica({ terms: [1, 4, 4, 5, 5, 6, 6, 6], term: 7 });
    elect(leader, [3]);
    leader.step(message(appendResponse, 2, 8, { reject: true, index: 9, rejectHint: 9, logTerm: 3 }));
    const [probe] = only(drain(leader).messages, append);
    expect([probe?.index, probe?.logTerm, probe?.entries.length]).toEqual([2, 1, 8]);
  });
});

describe('safety (3.6)', () => {
  test.each<[number[], number, number, boolean]>([
    [[1], 1, 2, true],
    [[1], 2, 2, true],
    [[1], 1, 3, true],
    [[1], 2, 1, true],
    [[1, 1], 2, 1, true],
    [[2], 1, 2, false],
    [[2], 1, 3, false],
    [[2, 1], 1, 9, false],
    [[1, 1], 1, 2, false],
  ])(
    'with log terms %j, a candidate whose log ends in term %i at %i gets the vote: %s',
    (terms, term, index, granted) => {
      const sorted = [...terms].sort();
      const raft = makeReplica({ terms: sorted, term: 3 });
      const [response] = stepped(raft, message(vote, 2, 4, { logTerm: term, index }));
      expect(response?.reject).toBe(!granted);
    },
  );

  test('only entries of the own term are committed by counting (3.6.2)', () => {
    const raft = makeReplica({ terms: [1, 2], term: 3 });
    raft.campaign();
    drain(raft);
    raft.step(message(voteResponse, 2, 4));
    drain(raft);
    raft.step(message(appendResponse, 2, 4, { index: 3 }));
    expect(raft.commitIndex).toBe(1);
    raft.step(message(appendResponse, 2, 4, { index: 4 }));
    expect(raft.commitIndex).toBe(4);
  });

  test('a replica votes for one candidate in a term, also across a restart (3.8)', () => {
    const raft = makeReplica();
    raft.step(message(vote, 2, 2, { index: 1, logTerm: 1 }));
    const ready = raft.ready();
    // The vote is stored before it is given.
    expect(ready.messages).toEqual([]);
    expect(ready.hardState).toEqual({ term: 2, vote: 2, commit: 1 });
    expect(ready.mustSync).toBe(true);
    const again = makeReplica({ hardState: { term: 2, vote: 2, commit: 1 } });
    const [response] = stepped(again, message(vote, 3, 2, { index: 1, logTerm: 1 }));
    expect(response?.reject).toBe(true);
  });
});

describe('leadership transfer (3.10)', () => {
  test('TimeoutNow makes a voter campaign at once, and nobody else', () => {
    const raft = makeReplica({ preVote: true, checkQuorum: true });
    stepped(raft, message(append, 2, 2, { index: 1, logTerm: 1 }));
    const requests = only(stepped(raft, message(timeoutNow, 2, 2)), vote);
    expect(requests.map((sent) => [sent.to, sent.context])).toEqual([
      [2, 1],
      [3, 1],
    ]);
    // A second one finds a candidate and changes nothing.
    expect(stepped(raft, message(timeoutNow, 2, 3))).toEqual([]);
    expect(raft.term).toBe(3);
    const learner = makeReplica({ voters: [2, 3], learners: [1] });
    expect(stepped(learner, message(timeoutNow, 2, 1))).toEqual([]);
    expect(learner.role).toBe(Role.follower);
  });
});
