/**
 * The decisions of a group (`nextStep`, `changeGroup`, `PrimaryLease`) with simulated servers, on a simulated clock: nodes are killed,
 * paused and cut off, servers are killed, everything takes time, and one seed makes one run.
 *
 * A server's log is a list of entries, an LSN the number of entries before it. What is modelled as PostgreSQL does it: a standby
 * reports what it has flushed as soon as it is connected, whatever that is; a commit is acknowledged when k of the listed
 * names have reported it; a promotion takes the next timeline number that the server knows of; a server that crashed shows
 * what it had not acknowledged.
 *
 * Oracles: no acknowledged entry is missing from a primary that opens, nothing that a client has seen is, never two primaries serve at
 * once, and when the faults end, the group serves.
 */
import { Prng } from '../../base/prng.ts';
import { currentReign, type GroupRecord, pledgesNeeded, voterName } from './group-record.ts';
import { changeGroup, type GroupRequest } from './group-rules.ts';
import { copied, nextStep, ruleOf, type ServerView, type Step } from './member.ts';
import { type MemberState, NEW_MEMBER } from './member-state.ts';
import { PrimaryLease } from './primary-lease.ts';

/** Rules to break, to see that the oracles notice. */
export type Sabotage =
  | 'too-few-pledges'
  | 'no-epoch-in-names'
  | 'no-wait-for-lease'
  | 'restart-in-place'
  | 'diverged-follows'
  | 'opens-alone'
  | 'connects-before-verified';

export interface ModelResult {
  readonly violations: readonly string[];
  readonly acknowledged: number;
  readonly epochs: number;
  readonly outcome: string;
}

interface Entry {
  readonly id: number;
  readonly epoch: number;
}

const PROMISE_MS = 600;
const USED = 0.9;
const HEARTBEAT_MS = 100;
const STUCK_MS = 2_000;

interface Replica {
  readonly name: string;
  flushed: number;
}

class SimServer {
  is: 'absent' | 'stopped' | 'standby' | 'primary' = 'absent';
  log: Entry[] = [];
  timeline = 1;
  replayed = 0;
  /** What clients can see: the rest waits for standbys. */
  visible = 0;
  follows = '';
  reigns = 0;
  fork = 0;
  rule: { names: readonly string[]; k: number } = { names: [], k: 0 };
  firstRecord = -1;
  /** By connection of a standby: its name and what it has reported. */
  readonly replicas = new Set<Replica>();
  readonly waiting: Entry[] = [];
}

class SimNode {
  readonly id: number;
  isUp = true;
  isPaused = false;
  /** The version of the record that it has applied. */
  version = 0;
  state: MemberState = NEW_MEMBER;
  server = new SimServer();
  /** Ends of steps that are under way are void when this has changed. */
  life = 0;
  busyUntil_ms = 0;
  stage = '';
  stageSince_ms = 0;
  upstream: SimNode | null = null;
  replica: Replica | null = null;
  readonly supportUntil_ms = new Map<number, number>();
  readonly generation = new Map<number, number>();
  readonly counted = new Map<number, { generation: number; until_ms: number }>();
  lease: PrimaryLease;

  constructor(id: number, lease: PrimaryLease) {
    this.id = id;
    this.lease = lease;
  }
}

export class GroupModel {
  readonly #prng: Prng;
  readonly #sabotage: readonly Sabotage[];
  readonly #nodes: SimNode[] = [];
  readonly #records: GroupRecord[] = [];
  /** By millisecond. */
  readonly #events = new Map<number, (() => void)[]>();
  readonly #cuts = new Set<string>();
  readonly #offline = new Set<SimNode>();
  readonly #acknowledged = new Set<number>();
  readonly #seen = new Set<number>();
  readonly #violations: string[] = [];
  #now_ms = 0;
  #order = 0;
  #ids = 0;
  #faults = true;

  constructor(seed: number, sabotage: readonly Sabotage[] = [], nodes = 3) {
    this.#prng = new Prng(seed);
    this.#sabotage = sabotage;
    for (let id = 1; id <= nodes; id++) {
      const lease = (): PrimaryLease =>
        new PrimaryLease({
          supportFrom: (other) => this.#supportFrom(node, other),
          ask: (other, epoch, answer) => this.#ask(node, other, epoch, answer),
        });
      const node: SimNode = new SimNode(id, lease());
      this.#nodes.push(node);
    }
    const voters = this.#nodes.map(({ id }) => ({ node: id, name: `node-${id}` }));
    this.#records.push(changeGroup(null, { type: 'form', voters }, 0) as GroupRecord);
  }

  run(duration_ms: number): ModelResult {
    for (const node of this.#nodes) {
      this.#repeat(node, 10, 30, () => this.#step(node));
      this.#repeat(node, HEARTBEAT_MS, HEARTBEAT_MS + 1, () => this.#heartbeat(node));
      this.#repeat(node, 20, 30, () => this.#suspect(node));
      this.#repeat(node, 5, 40, () => this.#deliverRecord(node));
      this.#repeat(node, 5, 25, () => this.#replicate(node));
      this.#repeat(node, 10, 80, () => this.#client(node));
    }
    this.#fault();
    this.#runUntil(duration_ms);
    this.#heal();
    // Enough for a few failed attempts, clones and leases.
    const end_ms = duration_ms + 60_000;
    while (this.#now_ms < end_ms && this.#violations.length === 0 && !this.#serves())
      this.#runUntil(this.#now_ms + 500);
    if (this.#violations.length === 0 && !this.#serves())
      this.#violations.push(`healed, and it does not serve: ${this.#picture()}`);
    const record = this.#record;
    return {
      violations: this.#violations,
      acknowledged: this.#acknowledged.size,
      epochs: record.epoch,
      outcome: `${record.epoch} ${record.phase} ${record.primary} ${this.#acknowledged.size} ${this.#order}`,
    };
  }

  #breaks(rule: Sabotage): boolean {
    return this.#sabotage.includes(rule);
  }

  #serves(): boolean {
    const { phase, primary } = this.#record;
    const node = this.#nodes[primary - 1];
    return (
      phase === 'serving' && node !== undefined && this.#isOpen(node) && node.server.replicas.size >= this.#record.k
    );
  }

  #picture(): string {
    const { epoch, phase, primary } = this.#record;
    const nodes = this.#nodes.map(({ id, server, state, version }) => {
      const { is, follows, log } = server;
      return `n${id}: ${is} ${follows} ${log.length} ${JSON.stringify(state)} ${version}`;
    });
    return [`${epoch} ${phase} ${primary} of ${this.#records.length}`, ...nodes].join('\n');
  }

  // ---- Time

  #after(delay_ms: number, run: () => void): void {
    const at_ms = this.#now_ms + Math.max(1, delay_ms);
    const events = this.#events.get(at_ms);
    if (events === undefined) this.#events.set(at_ms, [run]);
    else events.push(run);
    this.#order++;
  }

  #repeat(node: SimNode, min_ms: number, max_ms: number, run: () => void): void {
    this.#after(this.#between(min_ms, max_ms), () => {
      if (node.isUp && !node.isPaused) run();
      this.#repeat(node, min_ms, max_ms, run);
    });
  }

  #runUntil(end_ms: number): void {
    while (this.#now_ms < end_ms && this.#violations.length === 0) {
      this.#now_ms++;
      const events = this.#events.get(this.#now_ms);
      if (events === undefined) continue;
      this.#events.delete(this.#now_ms);
      for (const run of events) run();
      this.#checkPrimaries();
    }
  }

  #between(min: number, max: number): number {
    return min + this.#prng.below(max - min + 1);
  }

  #chance(probability: number): boolean {
    return this.#prng.chance(probability);
  }

  // ---- The record

  get #record(): GroupRecord {
    return this.#records.at(-1) as GroupRecord;
  }

  #recordOf(node: SimNode): GroupRecord {
    return this.#records[node.version] as GroupRecord;
  }

  #tell(node: SimNode, request: GroupRequest): void {
    if (this.#offline.has(node) || this.#chance(0.05)) return;
    this.#after(this.#between(1, 30), () => {
      const before = this.#record;
      const after = this.#change(before, request);
      if (typeof after === 'string' || after === before) return;
      this.#records.push(after);
      if (after.phase === 'serving' && before.phase === 'opening') this.#checkOpening(after);
    });
  }

  #change(before: GroupRecord, request: GroupRequest): GroupRecord | string {
    if (this.#breaks('too-few-pledges') && before.voters.length - before.k > 1) {
      const after = changeGroup({ ...before, k: before.k + 1 }, request, this.#now_ms) as GroupRecord | string;
      return typeof after === 'string' ? after : { ...after, k: before.k };
    }
    return changeGroup(before, request, this.#now_ms) as GroupRecord | string;
  }

  #deliverRecord(node: SimNode): void {
    if (!this.#offline.has(node) && node.version < this.#records.length - 1) node.version++;
  }

  /** As the leader of the metadata group, which is the first node that can be it. */
  #suspect(node: SimNode): void {
    const leader = this.#nodes.find((other) => other.isUp && !other.isPaused && !this.#offline.has(other));
    const { phase, primary, target, epoch } = this.#record;
    const dead = phase === 'recruiting' ? target : primary;
    if (leader !== node || dead === 0 || dead === node.id || this.#supports(node, dead)) return;
    this.#tell(node, { type: 'suspect', epoch, node: dead, successor: node.id });
  }

  // ---- Liveness and the lease

  #reaches(a: SimNode, b: SimNode): boolean {
    return a.isUp && b.isUp && !a.isPaused && !b.isPaused && !this.#cuts.has(pair(a, b));
  }

  #heartbeat(from: SimNode): void {
    const sentAt_ms = this.#now_ms;
    for (const to of this.#nodes) {
      if (to === from) continue;
      this.#after(this.#between(1, 20), () => {
        if (!this.#reaches(from, to)) return;
        if (!this.#supports(to, from.id)) to.generation.set(from.id, (to.generation.get(from.id) ?? 0) + 1);
        to.supportUntil_ms.set(from.id, this.#now_ms + PROMISE_MS);
        const generation = to.generation.get(from.id) ?? 0;
        this.#after(this.#between(1, 20), () => {
          if (this.#reaches(from, to)) from.counted.set(to.id, { generation, until_ms: sentAt_ms + PROMISE_MS * USED });
        });
      });
    }
  }

  #supports(node: SimNode, other: number): boolean {
    return (node.supportUntil_ms.get(other) ?? 0) > this.#now_ms;
  }

  #supportFrom(node: SimNode, other: number): number {
    const counted = node.counted.get(other);
    return counted !== undefined && counted.until_ms > this.#now_ms ? counted.generation : 0;
  }

  #ask(from: SimNode, other: number, epoch: number, answer: (stands: boolean) => void): void {
    const to = this.#nodes[other - 1] as SimNode;
    this.#after(this.#between(1, 20), () => {
      if (!this.#reaches(from, to)) return answer(false);
      const stands = to.state.pledged <= epoch;
      this.#after(this.#between(1, 20), () => answer(stands && this.#reaches(from, to)));
    });
  }

  #holdsLease(node: SimNode, record: GroupRecord): boolean {
    const others = record.voters.map((voter) => voter.node).filter((other) => other !== node.id);
    return node.lease.holds(record.epoch, others, record.k);
  }

  /** Whether clients are served there at this moment. */
  #isOpen(node: SimNode): boolean {
    const record = this.#recordOf(node);
    const { server } = node;
    return (
      node.isUp &&
      !node.isPaused &&
      server.is === 'primary' &&
      record.primary === node.id &&
      server.reigns === record.epoch &&
      (record.phase === 'serving' || record.phase === 'switching') &&
      this.#holdsLease(node, record)
    );
  }

  // ---- The steps of a node

  #step(node: SimNode): void {
    const record = this.#recordOf(node);
    this.#fenceWhatIsWrong(node, record);
    if (this.#now_ms < node.busyUntil_ms) return;
    const stage = `${record.epoch} ${record.phase}`;
    if (stage !== node.stage) {
      node.stage = stage;
      node.stageSince_ms = this.#now_ms;
    }
    const step = nextStep({
      self: node.id,
      record,
      state: node.state,
      server: this.#viewOf(node, record),
      supportsDeposed: !this.#breaks('no-wait-for-lease') && this.#supports(node, record.deposed),
      isStuck: this.#now_ms - node.stageSince_ms > STUCK_MS,
      othersSuffice: this.#nodes.filter((other) => other !== node && other.isUp).length >= pledgesNeeded(record),
      holdsLease: this.#holdsLease(node, record),
    });
    this.#carryOut(node, step, record);
  }

  #fenceWhatIsWrong(node: SimNode, record: GroupRecord): void {
    const { server } = node;
    const isMine = record.primary === node.id && record.phase !== 'recruiting' && server.reigns === record.epoch;
    const isOpen = record.phase === 'serving' || record.phase === 'switching';
    if (server.is !== 'primary' || (isMine && (!isOpen || this.#holdsLease(node, record)))) return;
    this.#stopServer(node);
    node.busyUntil_ms = this.#now_ms + 20;
  }

  #viewOf(node: SimNode, record: GroupRecord): ServerView {
    const { server } = node;
    const first = server.firstRecord;
    const names = new Set(record.voters.map((voter) => this.#named(voterName(voter.node, record.epoch))));
    const having = [...server.replicas].filter(({ name, flushed }) => names.has(name) && flushed >= first);
    const flushedBy = new Set(having.map(({ name }) => name)).size;
    return {
      is: server.is,
      follows: server.follows,
      replayed: BigInt(server.replayed),
      reigns: server.reigns,
      timeline: server.timeline,
      fork: BigInt(server.fork),
      systemIdentifier: 'model',
      rule: ruleOf(server.rule.names, server.rule.k),
      flushedBy: first === -1 ? -1 : this.#breaks('opens-alone') ? record.k : flushedBy,
      failures: 0,
    };
  }

  #carryOut(node: SimNode, step: Step, record: GroupRecord): void {
    const { server } = node;
    if (step.do === 'nothing') return;
    if (step.do === 'tell') {
      this.#tell(node, step.request);
      node.busyUntil_ms = this.#now_ms + this.#between(5, 60);
      return;
    }
    if (step.do === 'demand') {
      this.#demand(node, step.of, record.epoch);
      node.busyUntil_ms = this.#now_ms + 50;
      return;
    }
    if (step.do === 'fence') this.#stopServer(node);
    const isSlow = step.do === 'rebuild' || this.#chance(0.03);
    const duration_ms = isSlow ? this.#between(50, 1_500) : this.#between(2, 60);
    node.busyUntil_ms = this.#now_ms + duration_ms;
    const { life } = node;
    if (step.do === 'cut') this.#disconnect(node);
    if (step.do === 'promote' || step.do === 'found-start') server.reigns = step.epoch;
    if (step.do === 'rebuild' && step.by === 'rewind') server.is = 'absent';
    this.#after(duration_ms, () => {
      if (node.life === life && node.isUp) this.#finish(node, step, record);
    });
  }

  #finish(node: SimNode, step: Step, record: GroupRecord): void {
    const { server } = node;
    switch (step.do) {
      case 'remember':
        node.state = step.state;
        if (this.#breaks('diverged-follows')) this.#followAnyway(node, record);
        return;
      case 'found':
      case 'discard':
        server.log = [];
        server.timeline = 1;
        server.replayed = 0;
        server.is = step.do === 'found' ? 'stopped' : 'absent';
        return;
      case 'found-start':
        server.is = 'primary';
        server.fork = 0;
        return;
      case 'synchronous':
        server.rule = { names: step.names, k: step.k };
        return;
      case 'start':
        server.is = 'standby';
        server.replayed = server.log.length;
        server.follows = step.as;
        if (step.as === '' && this.#breaks('connects-before-verified')) this.#connectUnverified(node, record);
        return;
      case 'follow':
        this.#disconnect(node);
        server.follows = step.as;
        return;
      case 'cut':
        server.follows = '';
        server.replayed = server.log.length;
        return;
      case 'promote':
        if (server.is !== 'standby') return;
        server.is = 'primary';
        server.timeline++;
        server.fork = server.log.length;
        server.firstRecord = -1;
        server.visible = server.log.length;
        this.#append(server, { id: -record.epoch, epoch: record.epoch });
        return;
      case 'inaugurate':
        if (server.is !== 'primary') return;
        this.#append(server, { id: -record.epoch, epoch: record.epoch });
        server.firstRecord = server.log.length;
        return;
      case 'rebuild':
        this.#copy(node, record);
        return;
      case 'stop':
      case 'hand-over':
        this.#stopServer(node);
        return;
      default:
        return;
    }
  }

  /** Sabotage: takes its data for a beginning of the primary's, whatever it is. */
  #followAnyway(node: SimNode, record: GroupRecord): void {
    const reign = currentReign(record);
    if (node.state.rebuild === null || reign === null || node.server.is === 'absent') return;
    const { epoch, fork } = reign;
    node.state = { ...node.state, rebuild: null, branch: { epoch, fork }, voted: epoch };
  }

  /** Sabotage: is connected for a moment as what it was when it last counted. */
  #connectUnverified(node: SimNode, record: GroupRecord): void {
    const primary = this.#nodes[record.primary - 1];
    const { branch } = node.state;
    if (primary === undefined || primary === node || branch === null || !this.#reaches(node, primary)) return;
    const { server } = primary;
    // One that is verified for this reign may count.
    if (server.is !== 'primary' || server.reigns === branch.epoch) return;
    // It may be far ahead on its own history, by a large transaction that never ended.
    const flushed = node.server.log.length + 1_000;
    const replica = { name: this.#named(voterName(node.id, branch.epoch)), flushed };
    server.replicas.add(replica);
    this.#acknowledge(server);
    this.#after(2_000, () => server.replicas.delete(replica));
  }

  #copy(node: SimNode, record: GroupRecord): void {
    const source = this.#nodes[record.primary - 1];
    const { server } = node;
    if (source === undefined || !this.#reaches(node, source)) return;
    if (source.server.is !== 'primary' || source.server.reigns !== record.epoch) return;
    if (currentReign(record) === null || this.#recordOf(node).epoch !== record.epoch) return;
    server.log = [...source.server.log];
    server.timeline = source.server.timeline;
    server.replayed = server.log.length;
    server.is = 'stopped';
    // The copy is written down after it is complete; in between the process may end.
    const { life } = node;
    this.#after(this.#between(1, 20), () => {
      if (node.life === life && node.isUp) node.state = copied(node.state, record);
    });
    node.busyUntil_ms = this.#now_ms + 25;
  }

  #demand(from: SimNode, of: number, epoch: number): void {
    const to = this.#nodes[of - 1] as SimNode;
    this.#after(this.#between(1, 20), () => {
      if (!this.#reaches(from, to)) return;
      if (to.server.is === 'primary' && to.server.reigns < epoch) this.#stopServer(to);
      if (to.server.is !== 'primary') {
        this.#after(this.#between(1, 20), () => {
          if (this.#reaches(from, to)) this.#tell(from, { type: 'released', epoch, node: of });
        });
      }
    });
  }

  #stopServer(node: SimNode): void {
    const { server } = node;
    node.life++;
    if (server.is !== 'absent') server.is = 'stopped';
    server.follows = '';
    server.reigns = 0;
    server.firstRecord = -1;
    server.replicas.clear();
    server.waiting.length = 0;
    this.#disconnect(node);
  }

  // ---- Replication

  #named(name: string): string {
    if (!this.#breaks('no-epoch-in-names')) return name;
    return name.replace(/\..*/, '');
  }

  #disconnect(node: SimNode): void {
    const { upstream, replica } = node;
    node.upstream = null;
    node.replica = null;
    // What is under way still arrives.
    if (upstream !== null && replica !== null) {
      this.#after(this.#between(0, 40), () => upstream.server.replicas.delete(replica));
    }
  }

  /** Runs on the node of the standby. */
  #replicate(node: SimNode): void {
    const { server } = node;
    const primary = this.#nodes[this.#recordOf(node).primary - 1];
    const isWanted = server.is === 'standby' && server.follows !== '';
    if (node.upstream !== null && (!isWanted || node.upstream !== primary)) this.#disconnect(node);
    if (!isWanted || primary === undefined || primary === node || !this.#reaches(node, primary)) {
      this.#disconnect(node);
      return;
    }
    const source = primary.server;
    if (source.is !== 'primary') {
      this.#disconnect(node);
      return;
    }
    if (node.upstream === null) {
      node.upstream = primary;
      // As PostgreSQL does: what it has flushed, before anybody has compared histories.
      node.replica = { name: this.#named(server.follows), flushed: server.log.length };
      source.replicas.add(node.replica);
      this.#acknowledge(source);
    }
    if (!isBeginning(server.log, source.log)) return;
    const { life, replica } = node;
    const entries = source.log.slice(server.log.length, server.log.length + this.#between(1, 20));
    const from = server.log.length;
    this.#after(this.#between(1, 30), () => {
      if (node.life !== life || node.upstream !== primary || server.log.length !== from) return;
      if (server.is !== 'standby' || !isBeginning(server.log, source.log)) return;
      server.log.push(...entries);
      server.timeline = Math.max(server.timeline, source.timeline);
      server.replayed = this.#between(server.replayed, server.log.length);
      const flushed = server.log.length;
      this.#after(this.#between(1, 30), () => {
        if (replica === null || !source.replicas.has(replica)) return;
        replica.flushed = Math.max(replica.flushed, flushed);
        this.#acknowledge(source);
      });
    });
  }

  #append(server: SimServer, entry: Entry): void {
    server.log.push(entry);
  }

  #acknowledge(server: SimServer): void {
    const names = new Set(server.rule.names.map((name) => this.#named(name)));
    while (server.waiting.length > 0) {
      const entry = server.waiting[0] as Entry;
      const lsn = server.log.indexOf(entry) + 1;
      const having = [...server.replicas].filter(({ name, flushed }) => names.has(name) && flushed >= lsn);
      if (new Set(having.map(({ name }) => name)).size < server.rule.k) return;
      server.waiting.shift();
      server.visible = lsn;
      this.#acknowledged.add(entry.id);
    }
  }

  // ---- Clients

  /** Writes or reads through the node's gateway. */
  #client(node: SimNode): void {
    const record = this.#recordOf(node);
    const primary = this.#nodes[record.primary - 1];
    if (record.phase !== 'serving' || primary === undefined || !this.#reaches(node, primary)) return;
    this.#after(this.#between(1, 10), () => {
      if (!this.#reaches(node, primary) || !this.#isOpen(primary)) return;
      const { server } = primary;
      if (this.#chance(0.3))
        for (const entry of server.log.slice(Math.max(0, server.visible - 50), server.visible))
          this.#seen.add(entry.id);
      const entry = { id: ++this.#ids, epoch: server.reigns };
      this.#append(server, entry);
      server.waiting.push(entry);
      this.#acknowledge(server);
    });
  }

  // ---- Faults

  #fault(): void {
    this.#after(this.#between(100, 2_500), () => {
      if (!this.#faults) return;
      const node = this.#nodes[this.#between(0, this.#nodes.length - 1)] as SimNode;
      const other = this.#nodes[this.#between(0, this.#nodes.length - 1)] as SimNode;
      const kind = this.#between(0, 7);
      if (kind === 0) this.#kill(node, this.#between(50, 4_000));
      else if (kind === 1) this.#killServer(node);
      else if (kind === 2) this.#pause(node, this.#between(50, 3_000));
      else if (kind === 3) this.#cut(node, other, this.#between(50, 4_000));
      else if (kind === 4) this.#isolate(node, this.#between(50, 4_000));
      else if (kind === 5) this.#goOffline(node, this.#between(50, 3_000));
      else if (kind === 6)
        this.#tell(node, { type: 'switchover', epoch: this.#record.epoch, target: this.#chance(0.5) ? other.id : 0 });
      else if (this.#chance(0.2)) for (const each of this.#nodes) this.#kill(each, this.#between(50, 1_000));
      this.#fault();
    });
  }

  #kill(node: SimNode, for_ms: number): void {
    if (!node.isUp) return;
    this.#stopServer(node);
    node.isUp = false;
    node.isPaused = false;
    node.busyUntil_ms = 0;
    node.counted.clear();
    node.supportUntil_ms.clear();
    for (const other of this.#nodes) if (other.upstream === node) this.#disconnect(other);
    this.#after(for_ms, () => this.#restart(node));
  }

  #restart(node: SimNode): void {
    if (node.isUp) return;
    node.isUp = true;
    node.lease = new PrimaryLease({
      supportFrom: (other) => this.#supportFrom(node, other),
      ask: (other, epoch, answer) => this.#ask(node, other, epoch, answer),
    });
    // It promised support in its life before, and does not know to whom.
    for (const other of this.#nodes) {
      if (other === node) continue;
      node.generation.set(other.id, (node.generation.get(other.id) ?? 0) + 1);
      node.supportUntil_ms.set(other.id, this.#now_ms + PROMISE_MS);
    }
    if (this.#chance(0.3)) node.version = Math.max(0, node.version - this.#between(0, 3));
  }

  #killServer(node: SimNode): void {
    if (!node.isUp) return;
    const { server } = node;
    const reigned = server.is === 'primary' ? server.reigns : 0;
    this.#stopServer(node);
    if (!this.#breaks('restart-in-place') || reigned === 0) return;
    server.is = 'primary';
    server.reigns = reigned;
    server.firstRecord = server.log.length;
    server.visible = server.log.length;
  }

  #pause(node: SimNode, for_ms: number): void {
    node.isPaused = true;
    this.#after(for_ms, () => {
      node.isPaused = false;
    });
  }

  #cut(a: SimNode, b: SimNode, for_ms: number): void {
    if (a === b) return;
    this.#cuts.add(pair(a, b));
    this.#after(for_ms, () => this.#cuts.delete(pair(a, b)));
  }

  #isolate(node: SimNode, for_ms: number): void {
    for (const other of this.#nodes) this.#cut(node, other, for_ms);
    this.#goOffline(node, for_ms);
  }

  #goOffline(node: SimNode, for_ms: number): void {
    this.#offline.add(node);
    this.#after(for_ms, () => this.#offline.delete(node));
  }

  #heal(): void {
    this.#faults = false;
    this.#cuts.clear();
    this.#offline.clear();
    for (const node of this.#nodes) {
      node.isPaused = false;
      this.#restart(node);
    }
  }

  // ---- Oracles

  #checkOpening(record: GroupRecord): void {
    const ids = new Set((this.#nodes[record.primary - 1] as SimNode).server.log.map(({ id }) => id));
    const lost = [...this.#acknowledged].filter((id) => !ids.has(id));
    if (lost.length > 0)
      this.#violations.push(`epoch ${record.epoch} opens without ${lost.length} acknowledged entries`);
    const unseen = [...this.#seen].filter((id) => !ids.has(id));
    if (unseen.length > 0)
      this.#violations.push(`epoch ${record.epoch} opens without ${unseen.length} entries that were read`);
  }

  #checkPrimaries(): void {
    const open = this.#nodes.filter((node) => node.server.is === 'primary' && this.#isOpen(node));
    if (open.length > 1) this.#violations.push(`two primaries serve: ${open.map(({ id }) => id).join(' and ')}`);
  }
}

function pair(a: SimNode, b: SimNode): string {
  return a.id < b.id ? `${a.id}-${b.id}` : `${b.id}-${a.id}`;
}

function isBeginning(short: readonly Entry[], long: readonly Entry[]): boolean {
  if (short.length > long.length) return false;
  const last = short.length - 1;
  // Entries are the same objects everywhere, and each has one predecessor.
  return last < 0 || short[last] === long[last];
}
