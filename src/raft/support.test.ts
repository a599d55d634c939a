/** Leases and the promises that they rest on (support.ts). */
import { describe, expect, test } from 'vitest';
import { encodeConfChange } from './conf-change.ts';
import type { Raft } from './raft.ts';
import {
  drain,
  elect,
  FakeSupport,
  makeReplica,
  message,
  type ReplicaOptions,
  stepped,
} from './replica.test-support.ts';
import { ConfChangeType, type Message, MessageType, Role } from './types.ts';

const { append, appendResponse, fortify, fortifyResponse, heartbeat, preVote, timeoutNow, vote } = MessageType;

function make(options: ReplicaOptions = {}): { raft: Raft; support: FakeSupport } {
  const support = new FakeSupport();
  const raft = makeReplica({ support, checkQuorum: true, preVote: true, heartbeatTicks: 100, ...options });
  return { raft, support };
}

/** A leader with the lease of 2. */
function makeLeader(options: ReplicaOptions = {}): { raft: Raft; support: FakeSupport } {
  const made = make(options);
  made.support.received.set(2, 7);
  elect(made.raft);
  made.raft.step(message(fortifyResponse, 2, 2, { context: 7 }));
  return made;
}

/** A follower of 2 that stands by it in generation 5. */
function makeFollower(options: ReplicaOptions = {}): { raft: Raft; support: FakeSupport } {
  const made = make(options);
  made.support.given.set(2, 5);
  stepped(made.raft, message(append, 2, 2, { index: 1, logTerm: 1 }));
  return made;
}

function request(type: MessageType, from: number, term: number, fields: Partial<Message> = {}): Message {
  return message(type, from, term, { index: 99, logTerm: term - 1, ...fields });
}

function tick(raft: Raft, times: number): void {
  for (let i = 0; i < times; i++) raft.tick();
}

describe('a leader has a lease', () => {
  test('with the answer of a quorum, for as long as the generations are the same', () => {
    const { raft, support } = makeLeader();
    expect(raft.hasLease()).toBe(true);
    support.received.set(2, 0);
    expect(raft.hasLease()).toBe(false);
    // Another generation is another promise, which replica 2 has not made to this leader.
    support.received.set(2, 8);
    expect(raft.hasLease()).toBe(false);
    raft.step(message(fortifyResponse, 2, 2, { context: 8 }));
    expect(raft.hasLease()).toBe(true);
    // A late answer to the earlier question takes nothing back.
    raft.step(message(fortifyResponse, 2, 2, { context: 7 }));
    expect(raft.hasLease()).toBe(true);
  });

  test('not before an entry of its term is applied', () => {
    const { raft, support } = make();
    support.received.set(2, 7);
    raft.campaign();
    drain(raft);
    raft.step(message(MessageType.preVoteResponse, 2, 2));
    drain(raft);
    raft.step(message(MessageType.voteResponse, 2, 2));
    drain(raft);
    raft.step(message(fortifyResponse, 2, 2, { context: 7 }));
    expect(raft.hasLease()).toBe(false);
    raft.step(message(appendResponse, 2, 2, { index: 2 }));
    expect(raft.commitIndex).toBe(2);
    expect(raft.hasLease()).toBe(false);
    drain(raft);
    expect(raft.hasLease()).toBe(true);
  });

  test('never again in a term in which it has sent TimeoutNow', () => {
    const { raft } = makeLeader();
    raft.transferLeader(2);
    expect(raft.hasLease()).toBe(false);
    tick(raft, 10);
    expect(raft.status().transferee).toBe(0);
    expect(raft.hasLease()).toBe(false);
  });

  test('also while a transfer only waits for its target', () => {
    const { raft } = makeLeader();
    raft.transferLeader(3);
    expect(raft.hasLease()).toBe(true);
  });

  test('not while a configuration change is committed and not applied', () => {
    const { raft } = makeLeader();
    raft.proposeConfChange({ transition: 'auto', changes: [{ type: ConfChangeType.remove, replica: 3 }] });
    drain(raft);
    expect(raft.hasLease()).toBe(true);
    raft.step(message(appendResponse, 2, 2, { index: 3 }));
    expect(raft.commitIndex).toBe(3);
    expect(raft.hasLease()).toBe(false);
    drain(raft);
    expect(raft.hasLease()).toBe(true);
  });

  test('with both halves of a joint configuration', () => {
    const { raft, support } = makeLeader();
    const changes = [
      { type: ConfChangeType.addVoter, replica: 4 },
      { type: ConfChangeType.addVoter, replica: 5 },
    ];
    raft.proposeConfChange({ transition: 'jointExplicit', changes });
    drain(raft);
    raft.step(message(appendResponse, 2, 2, { index: 3 }));
    drain(raft);
    expect(raft.hasLease()).toBe(false);
    support.received.set(4, 1);
    raft.step(message(fortifyResponse, 4, 2, { context: 1 }));
    expect(raft.hasLease()).toBe(true);
  });

  test('alone with itself, and never without the oracle', () => {
    const { raft } = make({ voters: [1] });
    raft.campaign();
    drain(raft);
    expect(raft.hasLease()).toBe(true);
    const classic = makeReplica({ voters: [1] });
    classic.campaign();
    drain(classic);
    expect(classic.hasLease()).toBe(false);
    expect(classic.status().hasLease).toBe(false);
  });

  test('not when it follows', () => {
    expect(makeFollower().raft.hasLease()).toBe(false);
  });

  test('and answers reads at once with it', () => {
    const { raft, support } = makeLeader();
    raft.readIndex(11);
    expect(drain(raft).readStates).toEqual([{ index: 2, context: 11 }]);
    support.received.clear();
    raft.readIndex(12);
    const { readStates, messages } = drain(raft);
    expect(readStates).toEqual([]);
    expect(messages.map((sent) => [sent.type, sent.to])).toEqual([
      [heartbeat, 2],
      [heartbeat, 3],
    ]);
    // Their heartbeats being rare, a lost round is repeated after two ticks.
    tick(raft, 2);
    expect(drain(raft).messages.filter((sent) => sent.type === heartbeat).length).toBe(2);
  });
});

describe('a leader asks for promises', () => {
  test('when it is elected, and every tick where the answer is not for the present generation', () => {
    const { raft, support } = make({ learners: [4] });
    support.received.set(2, 7);
    support.received.set(4, 9);
    raft.campaign();
    drain(raft);
    raft.step(message(MessageType.preVoteResponse, 2, 2));
    drain(raft);
    raft.step(message(MessageType.voteResponse, 2, 2));
    const asked = (): number[] =>
      drain(raft)
        .messages.filter((sent) => sent.type === fortify)
        .map((sent) => sent.to);
    expect(asked()).toEqual([2, 4]);
    raft.step(message(fortifyResponse, 2, 2, { context: 7 }));
    raft.tick();
    expect(asked()).toEqual([4]);
    raft.step(message(fortifyResponse, 4, 2, { context: 9 }));
    raft.tick();
    expect(asked()).toEqual([]);
    support.received.set(2, 8);
    support.received.set(3, 1);
    raft.tick();
    expect(asked()).toEqual([2, 3]);
    // Answers of strangers mean nothing.
    raft.step(message(fortifyResponse, 9, 2, { context: 1 }));
  });

  test('and steps down when no quorum has supported it for an election timeout', () => {
    const { raft, support } = makeLeader();
    tick(raft, 30);
    expect(raft.role).toBe(Role.leader);
    support.received.clear();
    tick(raft, 9);
    support.received.set(3, 1);
    raft.tick();
    expect(raft.role).toBe(Role.leader);
    support.received.clear();
    drain(raft);
    tick(raft, 10);
    expect(raft.role).toBe(Role.follower);
    // It tells the others that they are free.
    const told = drain(raft).messages.filter((sent) => sent.type === fortify && sent.reject);
    expect(told.map((sent) => [sent.to, sent.term])).toEqual([
      [2, 2],
      [3, 2],
    ]);
  });

  test('and says again that it has stepped down, until it knows its successor', () => {
    const { raft } = makeLeader();
    stepped(raft, message(appendResponse, 3, 5));
    expect(raft.role).toBe(Role.follower);
    raft.priority = 100;
    tick(raft, 9);
    expect(drain(raft).messages).toEqual([]);
    raft.tick();
    expect(drain(raft).messages.filter((sent) => sent.type === fortify && sent.reject && sent.term >= 5).length).toBe(
      2,
    );
    stepped(raft, message(append, 2, 9, { index: 1, logTerm: 1 }));
    tick(raft, 9);
    expect(drain(raft).messages.filter((sent) => sent.type === fortify)).toEqual([]);
  });

  test('without checkQuorum it leads on', () => {
    const { raft, support } = makeLeader({ checkQuorum: false });
    support.received.clear();
    tick(raft, 30);
    expect(raft.role).toBe(Role.leader);
  });
});

describe('a follower that stands by its leader', () => {
  test('answers with the generation, and only when there is one', () => {
    const { raft, support } = makeFollower();
    expect(stepped(raft, message(fortify, 2, 2)).map((sent) => [sent.type, sent.context])).toEqual([
      [fortifyResponse, 5],
    ]);
    support.given.clear();
    expect(stepped(raft, message(fortify, 2, 2))).toEqual([]);
  });

  test('does not campaign until the support is gone, and then after its timeout', () => {
    const { raft, support } = makeFollower();
    tick(raft, 100);
    expect(raft.role).toBe(Role.follower);
    expect(raft.campaign()).toBe(false);
    support.given.clear();
    tick(raft, 9);
    expect(raft.role).toBe(Role.follower);
    raft.tick();
    expect(raft.role).toBe(Role.preCandidate);
  });

  test('does not stand by it in another generation that it has not promised', () => {
    const { raft, support } = makeFollower();
    support.given.set(2, 6);
    tick(raft, 10);
    expect(raft.role).toBe(Role.preCandidate);
  });

  test('ignores those who campaign against it', () => {
    const { raft, support } = makeFollower();
    expect(stepped(raft, request(preVote, 3, 3))).toEqual([]);
    expect(stepped(raft, request(vote, 3, 3))).toEqual([]);
    expect(raft.term).toBe(2);
    support.given.clear();
    expect(stepped(raft, request(vote, 3, 3))[0]?.reject).toBe(false);
  });

  test('keeps its promise when something else raises its term', () => {
    const { raft, support } = makeFollower();
    // For example the refusal of a pre-vote by somebody in a later term.
    stepped(raft, message(MessageType.preVoteResponse, 3, 8, { reject: true }));
    expect([raft.term, raft.leader]).toEqual([8, 0]);
    expect(stepped(raft, request(vote, 3, 8))).toEqual([]);
    expect(stepped(raft, request(vote, 3, 9))).toEqual([]);
    tick(raft, 100);
    expect(raft.role).toBe(Role.follower);
    support.given.clear();
    expect(stepped(raft, request(vote, 3, 9))[0]?.reject).toBe(false);
  });

  test('votes in a transfer, and may be its target', () => {
    const { raft } = makeFollower();
    expect(stepped(raft, request(vote, 3, 3, { context: 1 }))[0]?.reject).toBe(false);
    const { raft: target } = makeFollower();
    expect(stepped(target, message(timeoutNow, 2, 2)).map((sent) => sent.type)).toEqual([vote, vote]);
    expect(target.role).toBe(Role.candidate);
  });

  test('believes its leader when that one campaigns', () => {
    const { raft } = makeFollower();
    expect(stepped(raft, request(preVote, 2, 3))[0]?.reject).toBe(false);
    expect(raft.leader).toBe(0);
    // And is free for others then.
    expect(stepped(raft, request(vote, 3, 3))[0]?.reject).toBe(false);
  });

  test('believes its leader when that one says it has stepped down', () => {
    const { raft } = makeFollower();
    stepped(raft, message(fortify, 2, 2, { reject: true }));
    expect(raft.leader).toBe(0);
    tick(raft, 10);
    expect(raft.role).toBe(Role.preCandidate);
  });

  test('does not believe the same of an earlier term, or of somebody else', () => {
    const { raft } = makeFollower();
    stepped(raft, message(append, 2, 4, { index: 1, logTerm: 1 }));
    stepped(raft, message(fortify, 2, 3, { reject: true }));
    stepped(raft, message(fortify, 3, 4, { reject: true }));
    expect(raft.leader).toBe(2);
    tick(raft, 100);
    expect(raft.role).toBe(Role.follower);
  });

  test('does not take the grant of a pre-vote for a sign that its leader has stepped down', () => {
    const { raft } = makeFollower();
    stepped(raft, message(MessageType.preVoteResponse, 2, 3));
    tick(raft, 100);
    expect(raft.role).toBe(Role.follower);
  });

  test('stands by the next leader instead when it hears it', () => {
    const { raft, support } = makeFollower();
    stepped(raft, message(append, 3, 3, { index: 1, logTerm: 1 }));
    tick(raft, 10);
    expect(raft.role).toBe(Role.preCandidate);
    support.given.set(3, 1);
    stepped(raft, message(append, 3, 3, { index: 1, logTerm: 1 }));
    tick(raft, 100);
    expect(raft.role).toBe(Role.follower);
  });

  test('asks it when there are signs that it leads no more, and believes its answer', () => {
    const { raft } = makeFollower();
    expect(raft.promisedTo).toBe(2);
    raft.questionLeader();
    expect(drain(raft).messages).toMatchObject([{ type: fortifyResponse, to: 2, term: 2, context: 5 }]);
    stepped(raft, message(fortify, 2, 3, { reject: true }));
    expect([raft.promisedTo, raft.leader, raft.term]).toEqual([0, 0, 3]);
    raft.questionLeader();
    expect(drain(raft).messages).toEqual([]);
  });

  test('is told by one that leads no more, in whatever term that is by now', () => {
    const { raft } = makeLeader();
    stepped(raft, message(append, 3, 4, { index: 1, logTerm: 1 }));
    for (const term of [2, 4, 5]) {
      const answers = stepped(raft, message(fortifyResponse, 2, term, { context: 5 }));
      expect(answers).toMatchObject([{ type: fortify, reject: true, to: 2, term: Math.max(4, term) }]);
    }
  });

  test('hears nothing new from one that leads', () => {
    const { raft: leader } = makeLeader();
    expect(stepped(leader, message(fortifyResponse, 2, 2, { context: 5 }))).toEqual([]);
    expect(leader.role).toBe(Role.leader);
  });

  test('does not forget it', () => {
    const { raft, support } = makeFollower();
    expect(raft.forgetLeader()).toBe(false);
    support.given.clear();
    expect(raft.forgetLeader()).toBe(true);
  });
});

describe('the promised leader is removed', () => {
  const remove2 = { transition: 'auto', changes: [{ type: ConfChangeType.remove, replica: 2 }] } as const;

  function applyRemoval(raft: Raft, entryTerm: number, leaderTerm: number): void {
    const entry = { term: entryTerm, index: 2, type: 1, data: encodeConfChange(remove2) } as const;
    stepped(raft, message(append, 2, leaderTerm, { index: 1, logTerm: 1, commit: 2, entries: [entry] }));
  }

  test('and the promise ends with it', () => {
    const { raft } = makeFollower();
    applyRemoval(raft, 2, 2);
    expect(raft.confState.voters).toEqual([1, 3]);
    tick(raft, 10);
    expect(raft.role).toBe(Role.preCandidate);
  });

  test('unless the removal is an old one that is being replayed', () => {
    const { raft } = makeFollower();
    applyRemoval(raft, 1, 2);
    expect(raft.confState.voters).toEqual([1, 3]);
    tick(raft, 100);
    expect(raft.role).toBe(Role.follower);
  });
});

describe('a leader with support', () => {
  test('ignores campaigns while a quorum supports it, and then votes like anybody', () => {
    const { raft, support } = makeLeader();
    expect(stepped(raft, request(vote, 3, 3))).toEqual([]);
    expect(raft.role).toBe(Role.leader);
    support.received.clear();
    const answers = stepped(raft, request(vote, 3, 3));
    expect(answers.filter((sent) => sent.type === MessageType.voteResponse)[0]?.reject).toBe(false);
    expect(raft.role).toBe(Role.follower);
  });

  test('sends a heartbeat to a follower that lacks entries and does not get on', () => {
    const { raft } = makeLeader();
    raft.step(message(appendResponse, 3, 2, { index: 2 }));
    drain(raft);
    raft.propose(new Uint8Array(3));
    drain(raft);
    raft.step(message(appendResponse, 2, 2, { index: 3 }));
    drain(raft);
    tick(raft, 9);
    expect(drain(raft).messages).toEqual([]);
    raft.tick();
    const [sent, ...others] = drain(raft).messages;
    expect([sent?.type, sent?.to, others.length]).toEqual([heartbeat, 3, 0]);
    // The append was lost; the answer makes the leader try what comes next, and that finds the gap.
    const [probe] = stepped(raft, message(MessageType.heartbeatResponse, 3, 2));
    expect([probe?.type, probe?.index]).toEqual([append, 3]);
  });
});

describe('votes withheld after a restart', () => {
  test('nobody is given one and none is asked for, except in a transfer', () => {
    const { raft } = make();
    raft.votesWithheld = true;
    expect(raft.votesWithheld).toBe(true);
    tick(raft, 50);
    expect(raft.role).toBe(Role.follower);
    expect(raft.campaign()).toBe(false);
    expect(stepped(raft, request(vote, 3, 3))).toEqual([]);
    expect(stepped(raft, request(preVote, 3, 1))).toEqual([]);
    expect(stepped(raft, request(vote, 3, 3, { context: 1 }))[0]?.reject).toBe(false);
    raft.votesWithheld = false;
    expect(stepped(raft, request(vote, 2, 4))[0]?.reject).toBe(false);
  });

  test('also without the oracle', () => {
    const raft = makeReplica();
    raft.votesWithheld = true;
    expect(stepped(raft, request(vote, 3, 1))).toEqual([]);
  });
});
