/**
 * A cluster in memory that does everything a network and a disk may do to it, from one seed: messages are lost, doubled
 * and reordered, nodes crash with writes under way and come back, members change. After every step it checks what Raft
 * promises (thesis figure 3.2), and that nothing contradicts a leader with a lease.
 */
import { assert } from '../base/assert.ts';
import { Prng } from '../base/prng.ts';
import { decodeConfChange, isJoint } from './conf-change.ts';
import type { RaftConfig } from './config.ts';
import { Raft } from './raft.ts';
import type { Ready } from './ready.ts';
import {
  type ConfChange,
  ConfChangeType,
  type ConfState,
  type Entry,
  EntryType,
  type HardState,
  type Message,
  MessageType,
  type ReplicaId,
  Role,
  type SnapshotMeta,
  type SupportOracle,
} from './types.ts';

export interface ClusterOptions {
  readonly seed: number;
  readonly support: boolean;
  readonly checkQuorum: boolean;
  readonly preVote: boolean;
  readonly confChanges: boolean;
}

/** What survives a crash. */
interface Durable {
  hardState: HardState;
  snapshot: SnapshotMeta;
  entries: Entry[];
  applied: number;
  confState: ConfState;
}

/** What one node has promised another: until when, and in which generation. Durable on the node that gives it. */
interface Promise_ {
  generation: number;
  expiry: number;
  /** The start of the supported node for which it was given. */
  epoch: number;
}

/** What may happen, and how often next to the rest on an ordinary day. */
const ordinary = {
  deliver: 380,
  ready: 180,
  write: 120,
  apply: 90,
  tick: 80,
  heartbeat: 50,
  propose: 50,
  read: 15,
  compact: 10,
  transfer: 2,
  members: 4,
  crash: 1,
  restart: 8,
  partition: 3,
  unreachable: 4,
  campaign: 1,
  forget: 1,
};
type Action = keyof typeof ordinary;
const actions = Object.keys(ordinary) as Action[];
const ordinaryTotal = Object.values(ordinary).reduce((sum, weight) => sum + weight, 0);

const nobody: ConfState = { voters: [], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };

class SimNode {
  readonly id: ReplicaId;
  readonly durable: Durable;
  raft: Raft | null = null;
  epoch = 0;
  /** Until when votes are withheld after a restart. */
  withheldUntil = 0;
  /** Support given is not prolonged before: a restart begins a new generation. */
  given = new Map<ReplicaId, Promise_>();
  /** Support received, as far as heard. */
  received = new Map<ReplicaId, { generation: number; expiry: number }>();
  writes: Ready[] = [];
  applies: (readonly Entry[])[] = [];
  /** The log as handed to the storage, durable or not. */
  log: Entry[] = [];
  logBase = 0;
  confState: ConfState = nobody;
  reads = new Map<number, number>();

  constructor(id: ReplicaId, snapshot: SnapshotMeta) {
    this.id = id;
    this.durable = {
      hardState: { term: 0, vote: 0, commit: 0 },
      snapshot,
      entries: [],
      applied: snapshot.index,
      confState: snapshot.confState,
    };
  }
}

export class SimCluster {
  readonly prng: Prng;
  readonly options: ClusterOptions;
  readonly nodes: SimNode[] = [];
  now = 0;
  calm = false;
  leases = 0;
  reads = 0;
  elections = 0;
  /** Committed entries by index; the first two places are the beginning that all share. */
  readonly committed: (Entry | null)[] = [null, null];
  /** The term of the leader that committed each. */
  readonly #committedIn: number[] = [1, 1];
  readonly #leaders = new Map<number, ReplicaId>();
  #network: Message[] = [];
  #blocked = new Set<string>();
  #context = 0;
  #payload = 0;
  /** Each seed lives in a world of its own: some things often, some hardly ever. */
  readonly #weights = { ...ordinary };
  readonly #weightTotal: number;
  readonly #promiseSteps: number;
  readonly #electionTicks: number;

  constructor(options: ClusterOptions) {
    this.options = options;
    this.prng = new Prng(options.seed);
    for (const action of actions) this.#weights[action] *= this.prng.pick([0.2, 1, 1, 4]);
    this.#weightTotal = actions.reduce((sum, action) => sum + this.#weights[action], 0);
    this.#promiseSteps = this.prng.pick([100, 400, 1500]);
    this.#electionTicks = this.prng.pick([3, 10]);
    const first: SnapshotMeta = { index: 1, term: 1, confState: { ...nobody, voters: [1, 2, 3] } };
    for (const id of [1, 2, 3]) this.#start(this.#add(id, first));
  }

  step(): void {
    this.now++;
    const { prng } = this;
    const node = prng.pick(this.nodes);
    switch (this.#pickAction()) {
      case 'deliver':
        this.#deliver();
        break;
      case 'ready':
        this.#takeReady(node);
        break;
      case 'write':
        this.#finishWrite(node);
        break;
      case 'apply':
        this.#apply(node);
        break;
      case 'tick':
        node.raft?.tick();
        break;
      case 'heartbeat':
        this.#heartbeat(node);
        break;
      case 'propose':
        this.#propose(node);
        break;
      case 'read':
        this.#read(node);
        break;
      case 'compact':
        this.#compact(node);
        break;
      case 'transfer':
        this.#transfer(node);
        break;
      case 'members':
        this.#changeMembers(node);
        break;
      case 'crash':
        this.#crash(node);
        break;
      case 'restart':
        this.#restart(node);
        break;
      case 'partition':
        this.#partition();
        break;
      case 'unreachable':
        node.raft?.reportUnreachable(prng.pick(this.nodes).id);
        break;
      case 'campaign':
        if (!this.calm) node.raft?.campaign();
        break;
      case 'forget':
        if (!this.calm) node.raft?.forgetLeader();
        break;
    }
    if (node.raft !== null && this.now >= node.withheldUntil) node.raft.votesWithheld = false;
    this.#check();
  }

  /** Ends all faults, runs on, and tells whether the group commits something new. */
  recovers(steps: number): boolean {
    this.calm = true;
    this.#blocked.clear();
    for (const node of this.nodes) if (node.raft === null) this.#restart(node);
    const before = this.committed.length;
    for (let i = 0; i < steps; i++) {
      this.step();
      if (this.committed.length >= before + 20) return true;
    }
    return false;
  }

  #pickAction(): Action {
    let dice = this.prng.fraction() * (this.calm ? ordinaryTotal : this.#weightTotal);
    for (const action of actions) {
      dice -= this.calm ? ordinary[action] : this.#weights[action];
      if (dice < 0) return action;
    }
    return 'deliver';
  }

  #add(id: ReplicaId, snapshot: SnapshotMeta): SimNode {
    const node = new SimNode(id, snapshot);
    this.nodes.push(node);
    return node;
  }

  #start(node: SimNode): void {
    const { durable, prng } = { durable: node.durable, prng: this.prng };
    const { support } = this.options;
    // A snapshot that was installed just before the crash may be ahead of the log, or at odds with it.
    const position = durable.applied - durable.snapshot.index;
    const term = position === 0 ? durable.snapshot.term : (durable.entries[position - 1]?.term ?? -1);
    const appliedTerm = this.committed[durable.applied]?.term ?? durable.snapshot.term;
    if (term !== appliedTerm) {
      durable.snapshot = { index: durable.applied, term: appliedTerm, confState: durable.confState };
      durable.entries = [];
    }
    const lastIndex = durable.snapshot.index + durable.entries.length;
    const config: RaftConfig = {
      id: node.id,
      electionTicks: this.#electionTicks,
      heartbeatTicks: support ? 60 : 2,
      checkQuorum: this.options.checkQuorum,
      preVote: this.options.preVote,
      support: support ? this.#oracle(node) : null,
      random: (bound) => prng.below(bound),
      maxMessageBytes: 100,
      maxInflightMessages: 4,
      maxInflightBytes: 300,
      maxCommittedBytesPerReady: 200,
      maxUncommittedBytes: 200,
      hardState: { ...durable.hardState, commit: Math.min(durable.hardState.commit, lastIndex) },
      snapshot: { ...durable.snapshot, confState: durable.confState },
      entries: durable.entries.slice(),
      applied: durable.applied,
    };
    node.raft = new Raft(config);
    node.epoch++;
    node.confState = durable.confState;
    node.log = durable.entries.slice();
    node.logBase = durable.snapshot.index;
    node.writes = [];
    node.applies = [];
    node.reads.clear();
    node.received.clear();
    if (support) {
      node.withheldUntil = 0;
      for (const promise of node.given.values()) node.withheldUntil = Math.max(node.withheldUntil, promise.expiry);
      node.raft.votesWithheld = this.now < node.withheldUntil;
    }
  }

  #oracle(node: SimNode): SupportOracle {
    return {
      supportFor: (id) => {
        const promise = node.given.get(id);
        return promise !== undefined && this.now < promise.expiry ? promise.generation : 0;
      },
      supportFrom: (id) => {
        const heard = node.received.get(id);
        return heard !== undefined && this.now < heard.expiry ? heard.generation : 0;
      },
    };
  }

  /** `node` asks another for support; the answer may be lost, and may be older than the next question. */
  #heartbeat(node: SimNode): void {
    const other = this.prng.pick(this.nodes);
    if (node.raft === null || other.raft === null || node === other || this.#isBlocked(node.id, other.id)) return;
    let promise = other.given.get(node.id);
    if (promise === undefined || this.now >= promise.expiry || promise.epoch !== node.epoch) {
      // After its own restart a node lets the old promises run out first, for it no longer knows what rests on them.
      if (this.now < other.withheldUntil) return;
      promise = { generation: (promise?.generation ?? 0) + 1, expiry: 0, epoch: node.epoch };
      other.given.set(node.id, promise);
    } else if (this.now < other.withheldUntil) return;
    promise.expiry = this.now + (this.calm ? 400 : this.#promiseSteps);
    if (this.#isBlocked(other.id, node.id) || (!this.calm && this.prng.chance(0.1))) return;
    node.received.set(other.id, { generation: promise.generation, expiry: promise.expiry });
  }

  #takeReady(node: SimNode): void {
    const { raft } = node;
    if (raft === null || !raft.hasReady()) return;
    const ready = raft.ready();
    for (const message of ready.messages) this.#send(message);
    if (ready.snapshot !== null) {
      node.log = [];
      node.logBase = ready.snapshot.index;
    }
    const first = ready.entries[0];
    if (first !== undefined) {
      assert(first.index > node.logBase, 'test: entries lie above the base');
      node.log.length = first.index - node.logBase - 1;
      node.log.push(...ready.entries);
    }
    if (ready.mustSync || ready.hardState !== null) node.writes.push(ready);
    assert(ready.mustSync || ready.messagesAfterAppend.length === 0, 'test: waiting messages come with a write');
    if (ready.committedEntries.length > 0) node.applies.push(ready.committedEntries);
    for (const { index, context } of ready.readStates) {
      const atLeast = node.reads.get(context);
      if (atLeast === undefined) continue;
      assert(index >= atLeast, 'test: a read sees everything that was committed before it began');
      node.reads.delete(context);
      this.reads++;
    }
  }

  #finishWrite(node: SimNode): void {
    const ready = node.writes.shift();
    if (ready === undefined || node.raft === null) return;
    persist(node.durable, ready);
    if (!ready.mustSync) return;
    for (const message of ready.messagesAfterAppend) this.#send(message);
    node.raft.appended(ready.ticket);
  }

  #apply(node: SimNode): void {
    const entries = node.applies.shift();
    const { raft } = node;
    if (entries === undefined || raft === null) return;
    for (const entry of entries) {
      if (entry.type === EntryType.confChange) node.confState = raft.applyConfChange(decodeConfChange(entry.data));
    }
    const last = entries[entries.length - 1] as Entry;
    raft.appliedTo(last.index);
    if (this.prng.chance(0.3) && last.index <= raft.stableIndex) {
      node.durable.applied = last.index;
      node.durable.confState = node.confState;
    }
  }

  #send(message: Message): void {
    if (!this.calm && this.prng.chance(0.05)) {
      if (message.type === MessageType.snapshot) this.#node(message.from)?.raft?.reportSnapshot(message.to, false);
      return;
    }
    this.#network.push(message);
    if (!this.calm && this.prng.chance(0.05)) this.#network.push(message);
  }

  #deliver(): void {
    if (this.#network.length === 0) return;
    // Mostly in order, now and then not.
    const at = this.prng.chance(0.7) ? 0 : this.prng.below(this.#network.length);
    const [message] = this.#network.splice(at, 1);
    if (message === undefined) return;
    const node = this.#node(message.to);
    if (node === undefined || node.raft === null || this.#isBlocked(message.from, message.to)) {
      if (message.type === MessageType.snapshot) this.#node(message.from)?.raft?.reportSnapshot(message.to, false);
      return;
    }
    if (message.type === MessageType.snapshot) this.#deliverSnapshot(node, node.raft, message);
    else node.raft.step(message);
  }

  #deliverSnapshot(node: SimNode, raft: Raft, message: Message): void {
    if (raft.wantsSnapshot(message) && message.snapshot !== null) {
      while (node.applies.length > 0) this.#apply(node);
      node.durable.applied = message.snapshot.index;
      node.durable.confState = message.snapshot.confState;
      node.confState = message.snapshot.confState;
      raft.step(message);
      assert(raft.appliedIndex >= message.snapshot.index, 'test: a wanted snapshot is taken');
      // Only so that the copy of the log follows; the write stays under way.
      this.#takeReady(node);
    } else {
      raft.step(message);
    }
    this.#node(message.from)?.raft?.reportSnapshot(message.to, true);
  }

  #propose(node: SimNode): void {
    if (node.raft === null || node.raft.role !== Role.leader) return;
    node.raft.propose(new TextEncoder().encode(String(++this.#payload)));
  }

  #read(node: SimNode): void {
    if (node.raft === null) return;
    const context = ++this.#context;
    if (node.raft.readIndex(context)) node.reads.set(context, this.committed.length - 1);
  }

  #compact(node: SimNode): void {
    const { raft, durable } = node;
    if (raft === null) return;
    raft.compact(raft.appliedIndex - this.prng.below(Math.min(10, raft.appliedIndex + 1)));
    // What a write under way replaces is not what was applied: the durable log is cut in order with its writes.
    if (node.writes.length > 0) return;
    const drop = Math.max(0, durable.applied - durable.snapshot.index - this.prng.below(10));
    const last = durable.entries[drop - 1];
    if (last === undefined) return;
    durable.snapshot = { index: last.index, term: last.term, confState: durable.confState };
    durable.entries.splice(0, drop);
  }

  #transfer(node: SimNode): void {
    if (this.calm) return;
    node.raft?.transferLeader(this.prng.pick(this.nodes).id);
  }

  #changeMembers(node: SimNode): void {
    const { raft, prng } = { raft: node.raft, prng: this.prng };
    if (!this.options.confChanges || this.calm || raft === null || !raft.isLeader) return;
    if (isJoint(raft.confState)) {
      raft.proposeConfChange({ transition: 'leaveJoint', changes: [] });
      return;
    }
    const changes: { type: ConfChangeType; replica: ReplicaId }[] = [];
    const count = 1 + prng.below(3);
    for (let i = 0; i < count; i++) {
      const isNew = this.nodes.length < 7 && prng.chance(0.4);
      const replica = isNew ? this.#addEmpty() : prng.pick(this.nodes).id;
      changes.push({ type: prng.chance(0.6) ? ConfChangeType.addVoter : ConfChangeType.addLearner, replica });
    }
    const change: ConfChange = { transition: prng.pick(['auto', 'jointImplicit', 'jointExplicit']), changes };
    raft.proposeConfChange(change);
  }

  #addEmpty(): ReplicaId {
    const node = this.#add(this.nodes.length + 1, { index: 0, term: 0, confState: nobody });
    this.#start(node);
    return node.id;
  }

  #crash(node: SimNode): void {
    if (this.calm || node.raft === null) return;
    // A part of what was under way may have reached the disk although nobody was told.
    const survived = this.prng.below(node.writes.length + 1);
    for (const ready of node.writes.slice(0, survived)) persist(node.durable, ready);
    node.raft = null;
    node.writes = [];
    node.applies = [];
  }

  #restart(node: SimNode): void {
    if (node.raft === null) this.#start(node);
  }

  #partition(): void {
    if (this.calm) return;
    this.#blocked.clear();
    if (this.prng.chance(0.7)) return;
    const cut = this.prng.pick(this.nodes).id;
    const oneWay = this.prng.chance(0.3);
    for (const node of this.nodes) {
      if (node.id === cut) continue;
      this.#blocked.add(`${cut}>${node.id}`);
      if (!oneWay) this.#blocked.add(`${node.id}>${cut}`);
    }
  }

  #isBlocked(from: ReplicaId, to: ReplicaId): boolean {
    return this.#blocked.has(`${from}>${to}`);
  }

  #node(id: ReplicaId): SimNode | undefined {
    return this.nodes[id - 1];
  }

  #check(): void {
    for (const node of this.nodes) {
      if (node.raft === null) continue;
      this.#checkElectionSafety(node, node.raft);
      this.#checkCommitted(node, node.raft);
    }
    for (const node of this.nodes) if (node.raft?.hasLease() === true) this.#checkLease(node, node.raft);
    if (this.now % 50 === 0) this.#checkLogMatching();
  }

  #checkElectionSafety(node: SimNode, raft: Raft): void {
    if (!raft.isLeader) return;
    const known = this.#leaders.get(raft.term);
    if (known === undefined) {
      this.#leaders.set(raft.term, node.id);
      this.elections++;
      this.#checkLeaderCompleteness(node, raft.term);
    } else {
      assert(known === node.id, 'test: election safety, at most one leader in a term');
    }
  }

  /** Of every entry committed in an earlier term; a leader of an old term may still come to be, and to nothing. */
  #checkLeaderCompleteness(node: SimNode, term: number): void {
    for (let index = this.committed.length - 1; index > node.logBase; index--) {
      if ((this.#committedIn[index] ?? 0) >= term) continue;
      const own = node.log[index - node.logBase - 1];
      assert(
        own?.term === this.committed[index]?.term,
        'test: leader completeness, a leader has every committed entry',
      );
      return;
    }
  }

  #checkCommitted(node: SimNode, raft: Raft): void {
    for (let index = this.committed.length; index <= raft.commitIndex; index++) {
      assert(raft.isLeader, 'test: the leader commits first');
      const entry = node.log[index - node.logBase - 1];
      assert(entry !== undefined, 'test: a committed entry is in the log');
      assert(this.#isDurable(raft.confState, index, entry.term), 'test: what is committed is durable on a quorum');
      this.committed.push(entry);
      this.#committedIn.push(raft.term);
    }
    // Above `stableIndex` the copy of the log may wait for a Ready.
    const index = Math.min(raft.commitIndex, raft.stableIndex);
    if (index <= node.logBase) return;
    const own = node.log[index - node.logBase - 1];
    const expected = this.committed[index];
    assert(own?.term === expected?.term && own?.data === expected?.data, 'test: what is committed never changes');
  }

  #isDurable(conf: ConfState, index: number, term: number): boolean {
    const has = (id: ReplicaId): boolean => {
      const durable = this.#node(id)?.durable;
      if (durable === undefined) return false;
      if (durable.snapshot.index >= index || durable.applied >= index) return true;
      return durable.entries[index - durable.snapshot.index - 1]?.term === term;
    };
    const majority = (ids: readonly ReplicaId[]): boolean =>
      ids.length === 0 || ids.filter(has).length * 2 > ids.length;
    return majority(conf.voters) && majority(conf.votersOutgoing);
  }

  #checkLease(node: SimNode, raft: Raft): void {
    this.leases++;
    assert(raft.commitIndex >= this.committed.length - 1, 'test: nobody has committed past a leader with a lease');
    for (const other of this.nodes) {
      const rival = other !== node && other.raft?.isLeader === true && other.raft.term > raft.term;
      assert(!rival, 'test: no later leader is elected while a lease holds');
    }
  }

  /** Two logs that hold the same term at an index are equal up to there. */
  #checkLogMatching(): void {
    for (const left of this.nodes) {
      for (const right of this.nodes) {
        if (left.id >= right.id) continue;
        const last = Math.min(left.logBase + left.log.length, right.logBase + right.log.length);
        let matching = false;
        for (let index = last; index > Math.max(left.logBase, right.logBase); index--) {
          const a = left.log[index - left.logBase - 1] as Entry;
          const b = right.log[index - right.logBase - 1] as Entry;
          if (a.term === b.term) matching = true;
          if (matching) assert(a.term === b.term && a.data === b.data, 'test: log matching');
        }
      }
    }
  }
}

/** One atomic write: see the head of raft.ts for its order. */
function persist(durable: Durable, ready: Ready): void {
  if (ready.snapshot !== null) {
    durable.snapshot = ready.snapshot;
    durable.entries = [];
  }
  const first = ready.entries[0];
  if (first !== undefined) {
    const position = first.index - durable.snapshot.index - 1;
    assert(position >= 0 && position <= durable.entries.length, 'test: the durable log has no gaps');
    durable.entries.length = position;
    durable.entries.push(...ready.entries);
  }
  if (ready.hardState !== null) durable.hardState = ready.hardState;
}
