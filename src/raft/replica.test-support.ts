/** One replica on a table: tests step messages into it by hand and look at what comes out. */

import { decodeConfChange } from './conf-change.ts';
import type { RaftConfig } from './config.ts';
import { newMessage } from './messages.ts';
import { Raft } from './raft.ts';
import {
  type ConfState,
  type Entry,
  EntryType,
  type Message,
  MessageType,
  type ReadState,
  type ReplicaId,
  type SupportOracle,
} from './types.ts';

export const noMembers: ConfState = {
  voters: [],
  votersOutgoing: [],
  learners: [],
  learnersNext: [],
  autoLeave: false,
};

export interface ReplicaOptions extends Partial<RaftConfig> {
  readonly voters?: readonly ReplicaId[];
  readonly learners?: readonly ReplicaId[];
  /** Terms of the entries from index 2 on; index 1 is the shared beginning, of term 1. */
  readonly terms?: readonly number[];
  readonly term?: number;
}

/** Replica 1 of three, in term 1, with election timeout 10 (all draws 0) and heartbeats every tick, unless told. */
export function makeReplica(options: ReplicaOptions = {}): Raft {
  const { voters = [1, 2, 3], learners = [], terms = [], term = 1, ...config } = options;
  const entries = terms.map((entryTerm, i) => makeEntry(i + 2, entryTerm));
  return new Raft({
    id: 1,
    electionTicks: 10,
    heartbeatTicks: 1,
    checkQuorum: false,
    preVote: false,
    support: null,
    random: () => 0,
    maxMessageBytes: 1000,
    maxInflightMessages: 16,
    maxInflightBytes: 10_000,
    maxCommittedBytesPerReady: 10_000,
    maxUncommittedBytes: 10_000,
    hardState: { term: Math.max(term, ...terms), vote: 0, commit: 1 },
    snapshot: { index: 1, term: 1, confState: { ...noMembers, voters, learners } },
    entries,
    applied: 1,
    ...config,
  });
}

export function makeEntry(index: number, term: number, text = ''): Entry {
  return { term, index, type: EntryType.normal, data: bytes(text) };
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export interface Drained {
  messages: Message[];
  committed: Entry[];
  readStates: ReadState[];
}

/** Does all that the replica's Readys ask for, with a storage that answers at once. */
export function drain(raft: Raft): Drained {
  const drained: Drained = { messages: [], committed: [], readStates: [] };
  while (raft.hasReady()) {
    const ready = raft.ready();
    drained.messages.push(...ready.messages);
    drained.committed.push(...ready.committedEntries);
    drained.readStates.push(...ready.readStates);
    for (const entry of ready.committedEntries) {
      if (entry.type === EntryType.confChange) raft.applyConfChange(decodeConfChange(entry.data));
      raft.appliedTo(entry.index);
    }
    if (!ready.mustSync) continue;
    drained.messages.push(...ready.messagesAfterAppend);
    raft.appended(ready.ticket);
  }
  return drained;
}

export function message(type: MessageType, from: ReplicaId, term: number, fields: Partial<Message> = {}): Message {
  return { ...newMessage(type, from, 1, term), ...fields };
}

/** Steps a message and returns what the replica sends for it. */
export function stepped(raft: Raft, incoming: Message): Message[] {
  raft.step(incoming);
  return drain(raft).messages;
}

/** Makes a replica win an election with the votes of `voters`, and commit its empty entry with them. */
export function elect(raft: Raft, voters: readonly ReplicaId[] = [2]): void {
  raft.campaign();
  drain(raft);
  for (const from of voters) raft.step(message(MessageType.preVoteResponse, from, raft.term + 1));
  drain(raft);
  for (const from of voters) raft.step(message(MessageType.voteResponse, from, raft.term));
  drain(raft);
  for (const from of voters) {
    raft.step(message(MessageType.appendResponse, from, raft.term, { index: raft.lastIndex }));
  }
  drain(raft);
}

/** Support that a test turns on and off: generations by replica. */
export class FakeSupport implements SupportOracle {
  readonly given = new Map<ReplicaId, number>();
  readonly received = new Map<ReplicaId, number>();

  supportFor(replica: ReplicaId): number {
    return this.given.get(replica) ?? 0;
  }

  supportFrom(replica: ReplicaId): number {
    return this.received.get(replica) ?? 0;
  }
}
