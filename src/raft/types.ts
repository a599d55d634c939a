/**
 * The vocabulary of the consensus core. Terms and rules: Ongaro, "Consensus: Bridging Theory and Practice" (2014),
 * cited below as "thesis".
 */

/** Names one replica of one group for ever; ids are never reused. Positive integer below 2^53; 0 means nobody. */
export type ReplicaId = number;
/** Positive integer below 2^53; 0 before the first election. */
export type Term = number;
/** Position in the log, from 1; 0 is before the first entry. */
export type LogIndex = number;

export const EntryType = { normal: 0, confChange: 1 } as const;
export type EntryType = (typeof EntryType)[keyof typeof EntryType];

export interface Entry {
  readonly term: Term;
  readonly index: LogIndex;
  readonly type: EntryType;
  /** Empty in the entry that a new leader appends (thesis 6.4). */
  readonly data: Uint8Array;
}

/** What must be on disk before anything that rests on it is said to others (thesis figure 3.1). */
export interface HardState {
  readonly term: Term;
  readonly vote: ReplicaId;
  /** A hint: a lost commit index is learned again from the leader, so it is never worth a sync of its own. */
  readonly commit: LogIndex;
}

/** The members of a group. During joint consensus `votersOutgoing` is not empty (thesis 4.3). */
export interface ConfState {
  readonly voters: readonly ReplicaId[];
  readonly votersOutgoing: readonly ReplicaId[];
  readonly learners: readonly ReplicaId[];
  /** Outgoing voters that become learners when the joint configuration is left. */
  readonly learnersNext: readonly ReplicaId[];
  /** Leave the joint configuration without being asked as soon as it is committed. */
  readonly autoLeave: boolean;
}

/** Where the log begins: everything up to and including `index` is in the state machine. */
export interface SnapshotMeta {
  readonly index: LogIndex;
  readonly term: Term;
  readonly confState: ConfState;
}

export const MessageType = {
  append: 1,
  appendResponse: 2,
  vote: 3,
  voteResponse: 4,
  preVote: 5,
  preVoteResponse: 6,
  heartbeat: 7,
  heartbeatResponse: 8,
  snapshot: 9,
  timeoutNow: 10,
  readIndex: 11,
  readIndexResponse: 12,
  /** Leader asks a follower to stand by it (the leader lease); the answer names the support generation. */
  fortify: 13,
  fortifyResponse: 14,
} as const;
export type MessageType = (typeof MessageType)[keyof typeof MessageType];

/** One flat shape for all messages, so that the engine sees one hidden class. Unused fields are 0, false, [] or null. */
export interface Message {
  type: MessageType;
  to: ReplicaId;
  from: ReplicaId;
  term: Term;
  /** append: term of the entry before the first one sent. vote, preVote: last log term of the candidate. appendResponse with reject: term hint. voteResponse, preVoteResponse with reject: term of the entry at `commit`. */
  logTerm: Term;
  /** append: index of the entry before the first. vote: last log index. appendResponse: last matching (or the rejected) index. readIndexResponse: the read index. */
  index: LogIndex;
  /** append, heartbeat, snapshot: the leader's commit index. voteResponse, preVoteResponse with reject: the voter's. */
  commit: LogIndex;
  /** fortify: the leader has stepped down. */
  reject: boolean;
  /** appendResponse with reject: where the leader may look next. */
  rejectHint: LogIndex;
  /** heartbeat(Response), readIndex(Response): read counter. fortifyResponse: support generation. vote: 1 when the campaign is a leadership transfer. */
  context: number;
  entries: readonly Entry[];
  snapshot: SnapshotMeta | null;
}

export interface SoftState {
  readonly leader: ReplicaId;
  readonly role: Role;
}

export const Role = { follower: 0, preCandidate: 1, candidate: 2, leader: 3 } as const;
export type Role = (typeof Role)[keyof typeof Role];

/** A read may be served from the state machine once it has applied `index`. */
export interface ReadState {
  readonly index: LogIndex;
  readonly context: number;
}

export const ConfChangeType = { addVoter: 0, addLearner: 1, remove: 2 } as const;
export type ConfChangeType = (typeof ConfChangeType)[keyof typeof ConfChangeType];

export interface ConfChange {
  /** auto: simple when one voter changes, else joint with auto-leave. */
  readonly transition: 'auto' | 'jointImplicit' | 'jointExplicit' | 'leaveJoint';
  readonly changes: readonly { readonly type: ConfChangeType; readonly replica: ReplicaId }[];
}

/**
 * What one node promises another, kept for node pairs and not for groups (see docs/internals/liveness.md). While node B supports
 * node A, no replica on B votes against a leader on A. A generation is one unbroken stretch of support; a broken one
 * never comes back, it is followed by a higher one.
 */
export interface SupportOracle {
  /** The generation of the support that this node gives to the node of `replica` now, 0 for none. */
  supportFor(replica: ReplicaId): number;
  /** The generation of the support that the node of `replica` gives to this node now, 0 for none or expired. */
  supportFrom(replica: ReplicaId): number;
}
