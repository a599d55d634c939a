/**
 * One node's part in the cluster: puts together transport, liveness, tablets and metadata, and is the Router that doors use.
 *
 * Life: `listen` binds the peer port; a node that has an identity enters its cluster at once, another one waits until it is
 * told to form one (`form`) or a formed one takes it in (`Formation`). `drain` hands leadership over, `stop` ends.
 */
import { assert } from '../base/assert.ts';
import type { Clock, Timer } from '../base/clock.ts';
import type { Disk } from '../base/disk.ts';
import { FolkmootError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { Network } from '../base/network.ts';
import type { Prng } from '../base/prng.ts';
import type { OrderedStore } from '../storage/ordered-store.ts';
import type { Wal } from '../storage/wal.ts';
import type { RecoveredGroup } from '../storage/wal-types.ts';
import { Outcome, type TabletOperation, type Transaction } from '../tablet/operation.ts';
import { nodeOf, replicaId } from '../tablet/replica-id.ts';
import type { Tablet } from '../tablet/tablet.ts';
import { TabletHost } from '../tablet/tablet-host.ts';
import { Administration, isSameNode } from './administration.ts';
import type { JoinRequest, Seed } from './cluster-messages.ts';
import { Director } from './director.ts';
import { beginLife, type Identity, saveIdentity } from './identity.ts';
import { encodeAnnouncement, LeaderTable } from './leader-table.ts';
import type { Liveness } from './liveness.ts';
import { MembershipKeeper } from './membership-keeper.ts';
import {
  EMPTY_METADATA,
  FIRST_NODE,
  METADATA_FOUNDERS,
  METADATA_RANGE,
  METADATA_TABLET,
  type Metadata,
  putCluster,
  putNode,
  slotRanges,
} from './metadata.ts';
import { MetadataGroup } from './metadata-group.ts';
import { defaultTabletCount } from './placement.ts';
import { lagOf } from './replica-progress.ts';
import { type Place, SlotRouter } from './slot-router.ts';
import { openSnapshot, receiveSnapshot } from './snapshot-link.ts';
import { Steward } from './steward.ts';
import { Transport } from './transport.ts';
import { PeerCalls } from './transport-calls.ts';
import { Channel } from './transport-types.ts';
import {
  type ClusterView,
  type NodeId,
  type RoutedOperation,
  type Router,
  SLOT_COUNT,
  type Slot,
  type TabletId,
} from './view.ts';
import { buildView } from './view-builder.ts';

export interface ClusterOptions {
  readonly disk: Disk;
  readonly network: Network;
  readonly clock: Clock;
  readonly prng: Prng;
  readonly logger: Logger;
  readonly liveness: Liveness;
  readonly openStorage: () => Promise<{
    wal: Wal;
    recovered: ReadonlyMap<number, RecoveredGroup>;
    store: OrderedStore;
  }>;
  readonly folder: string;
  /** Monotonic time at which this process began: what an earlier life promised runs out a support duration later. */
  readonly bornAt_ms: number;
  /** Host and peer port of the initial members, this node included; empty for a cluster of one. */
  readonly join: readonly { host: string; port: number }[];
  readonly replicationFactor: number;
  /** 0 chooses. */
  readonly tablets: number;
  readonly supportDuration_ms: number;
  readonly tick_ms: number;
  readonly electionTicks: number;
  readonly flushInterval_ms: number;
  readonly requestTimeout_ms: number;
  readonly inFlightBytesMax: number;
  readonly readCacheBytes: number;
  /** The node must end: its disk or one of its invariants failed. */
  readonly failed: (error: Error) => void;
}

/** What a node tells others about itself. The peer port may be 0 until it is bound. */
export type Self = Omit<JoinRequest, 'type'>;

const DIRECTOR_INTERVAL_MS = 50;
const STEWARD_INTERVAL_MS = 250;
const ANNOUNCE_INTERVAL_MS = 1_000;
/** Raft's own heartbeats only carry what was lost on the way; liveness has a stream of its own. */
const RAFT_HEARTBEAT_TICKS = 10;
/** A node that comes back is needed soon, and a refused or failed connection attempt costs little. */
const RECONNECT_MS_MAX = 250;
/** About 20 ms of the main thread for one flush. */
const FLUSH_CHANGES_MAX = 32_000;
/** For one tablet: past it writes are refused with TRYAGAIN until the store has caught up. */
const OVERLAY_BYTES_MAX = 256 * 1024 * 1024;
/** Clocks of two machines are taken to run at the same rate within this (docs/GUARANTEES.md). */
const CLOCK_DRIFT = 0.1;
/** Longer than a promise and an election: if the node is dead, there is another leader by then. */
const SUSPICION_MS = 2_000;
const LEADERS_CHANNEL = 3;
const NO_PORTS = { redis: 0, redisSingle: 0, admin: 0, peer: 0 };

export class Cluster implements Router {
  readonly #options: ClusterOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #transport: Transport;
  readonly #calls: PeerCalls;
  readonly #metadata: MetadataGroup;
  readonly #leaders: LeaderTable;
  readonly #slots: SlotRouter;
  readonly #director: Director;
  readonly #steward: Steward;
  readonly #administration: Administration;
  readonly #keeper: MembershipKeeper;
  readonly #aliveSince_ms = new Map<NodeId, number>();
  #identity: Identity = { clusterId: '', node: 0, epoch: 0, seeds: [] };
  #self: Self = { token: '', redisId: '', name: '', host: '', zone: '', ports: NO_PORTS };
  #host: TabletHost | null = null;
  #storage: { wal: Wal; store: OrderedStore } | null = null;
  #timers: Timer[] = [];
  #joinTimer: Timer | null = null;
  /** When connections were lost, by node; those that are open are not in it. */
  readonly #lostAt_ms = new Map<NodeId, number>();
  #view: ClusterView | null = null;
  #viewVersion = 1;
  #draining = false;
  #announceScheduled = false;
  #forming: Promise<void> | null = null;
  #onEntered: (() => void)[] = [];

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#log = options.logger;
    const { network, clock, logger, prng } = options;
    this.#transport = new Transport(
      { network, clock, logger, prng: prng.fork() },
      {
        onFrame: (from, channel, payload) => this.#frame(from, channel, payload),
        onPeerUp: (node) => this.#peerUp(node),
        onPeerDown: (node) => this.#peerDown(node),
        onRefused: (peer, reason) => this.#log.debug({ peer, reason }, 'a peer refused this node'),
        onGuest: (request, respond) => this.#administration.guest(request, respond),
        onBulk: (from, header) => receiveSnapshot(this.#host?.receiveSnapshot(from, header) ?? null),
      },
      { reconnect_ms_max: RECONNECT_MS_MAX },
    );
    this.#calls = new PeerCalls(this.#transport, logger);
    this.#metadata = new MetadataGroup(
      () => this.#host,
      (state) => this.#metadataChanged(state),
    );
    this.#leaders = new LeaderTable((tablet) => {
      this.#viewChanged();
      this.#slots.leaderChanged(tablet);
    });
    this.#slots = new SlotRouter({
      clock,
      self: () => this.#identity.node,
      leaders: this.#leaders,
      reachable: (node) => this.#isReachable(node),
      patience_ms: options.requestTimeout_ms,
    });
    this.#director = new Director(this.#metadata, logger);
    this.#steward = new Steward({ logger, aliveFor_ms: (node) => this.#aliveFor_ms(node) });
    this.#keeper = new MembershipKeeper(logger, options.failed);
    this.#administration = new Administration({
      clock,
      metadata: this.#metadata,
      identity: () => this.#identity,
      host: () => this.#host,
      leaderOf: (tablet) => this.#leaders.get(tablet)?.node ?? 0,
      calls: this.#calls,
      seeds: () => this.#seeds(),
      logger,
    });
    options.liveness.onChange = (node, change) => this.#livenessChanged(node, change);
  }

  /** Binds the peer port, opens storage, and enters the cluster if this node already belongs to one. */
  async listen(self: Self): Promise<void> {
    const { disk, folder } = this.#options;
    // Bound before anything is written: a port that is taken must leave no trace.
    const { port } = await this.#transport.start(self.host, self.ports.peer);
    this.#self = { ...self, ports: { ...self.ports, peer: port } };
    this.#identity = await beginLife(disk, folder);
    const { wal, recovered, store } = await this.#options.openStorage();
    this.#storage = { wal, store };
    this.#recovered = recovered;
    if (this.#identity.node !== 0) await this.#enter();
    else this.#lookForCluster();
  }

  #recovered: ReadonlyMap<number, RecoveredGroup> = new Map();

  get identity(): Identity {
    return this.#identity;
  }

  get metadata(): Metadata {
    return this.#metadata?.state ?? EMPTY_METADATA;
  }

  get host(): TabletHost | null {
    return this.#host;
  }

  get administration(): Administration {
    return this.#administration;
  }

  get leaders(): LeaderTable {
    return this.#leaders;
  }

  get slots(): SlotRouter {
    return this.#slots;
  }

  get storage(): { wal: Wal; store: OrderedStore } | null {
    return this.#storage;
  }

  /** Whether this node's record is right and every slot has a leader that this node knows to be alive. */
  get serving(): boolean {
    const { tablets, nodes } = this.metadata;
    const record = nodes.get(this.#identity.node);
    if (tablets.size === 0 || record === undefined || !isSameNode(record, this.#self)) return false;
    for (const id of tablets.keys()) {
      const leader = this.#leaders.get(id)?.node ?? 0;
      if (leader === 0 || !this.isAlive(leader)) return false;
      if (leader === this.#identity.node && !this.#host?.get(id)?.serving) return false;
    }
    return true;
  }

  /** Forms a new cluster with this node as its first. Rejects when this node or one of its seeds belongs to one already. */
  form(): Promise<void> {
    this.#forming ??= this.#form().finally(() => {
      this.#forming = null;
    });
    return this.#forming;
  }

  /** Whether all other initial members answer and belong to no cluster yet. */
  async seedsAreReadyToForm(): Promise<boolean> {
    const answers = await Promise.all(this.#otherSeeds().map((seed) => this.#ask(seed, { type: 'hello' })));
    return answers.every((answer) => answer?.again === true);
  }

  /** Resolves when this node belongs to a cluster. */
  whenEntered(): Promise<void> {
    if (this.#host !== null) return Promise.resolve();
    return new Promise((resolve) => this.#onEntered.push(resolve));
  }

  /** The newest life of a node that this one has heard of. */
  epochOf(node: NodeId): number {
    return this.#options.liveness.epochOf(node);
  }

  isAlive(node: NodeId): boolean {
    return node === this.#identity.node || this.#options.liveness.supportFor(node) !== 0;
  }

  /**
   * Whether clients are to be sent to a node. One whose connection has just broken is suspected to be dead although its promise
   * still runs: a request waits a moment for its successor, which is better than an error. A broken connection to a node
   * that goes on giving signs of life is this node's own trouble, not its clients'.
   */
  #isReachable(node: NodeId): boolean {
    if (!this.isAlive(node)) return false;
    const lostAt_ms = this.#lostAt_ms.get(node);
    return lostAt_ms === undefined || this.#clock.monotonic_ms() - lostAt_ms > SUSPICION_MS;
  }

  /** Hands every tablet that this node leads to another node. Resolves when that is done or `timeout_ms` is over. */
  async drain(timeout_ms: number): Promise<void> {
    this.#draining = true;
    this.#announce();
    const deadline_ms = this.#clock.monotonic_ms() + timeout_ms;
    for (;;) {
      let leading = 0;
      for (const tablet of this.#host?.all() ?? []) {
        // Nobody else can lead it: the only voter is here, or all others are gone or leaving too.
        if (!tablet.raft.isLeader || !this.#hasHeir(tablet)) continue;
        leading += 1;
        this.#steward.handOver(tablet, this.metadata.tablets.get(tablet.id)?.replicas ?? []);
        this.#host?.markDirty(tablet);
      }
      if (leading === 0 || this.#clock.monotonic_ms() >= deadline_ms) return;
      await new Promise<void>((resolve) => this.#clock.after(5, resolve));
    }
  }

  #hasHeir(tablet: Tablet): boolean {
    return tablet.confState.voters.some((voter) => voter !== tablet.replica && this.#aliveFor_ms(nodeOf(voter)) > 0);
  }

  async stop(): Promise<void> {
    this.#joinTimer?.cancel();
    for (const timer of this.#timers) timer.cancel();
    this.#timers = [];
    this.#slots.drain();
    await this.#keeper.idle();
    if (this.#host !== null) await this.#host.stop();
    await this.#options.liveness.stop();
    await this.#transport.stop();
    if (this.#storage !== null) {
      await this.#storage.wal.close();
      await this.#storage.store.close();
    }
  }

  /** Fault injection: exchanges nothing with `nodes` from now on, and hears nothing of `deafTo`; empty lists heal. */
  block(nodes: readonly NodeId[], deafTo: readonly NodeId[] = []): void {
    this.#transport.block(nodes, deafTo);
    this.#options.liveness.block(nodes, deafTo);
  }

  // Router.

  view(): ClusterView {
    this.#view ??= buildView({
      version: this.#viewVersion,
      identity: this.#identity,
      metadata: this.metadata,
      leaders: this.#leaders,
      isAlive: (node) => this.isAlive(node),
      isConnected: (node) => node === this.#identity.node || this.#transport.connected(node),
    });
    return this.#view;
  }

  submit(operation: RoutedOperation): void {
    this.#slots.submit(operation);
  }

  submitToTablet(tablet: TabletId, operation: TabletOperation): void {
    const replica = this.#host?.get(tablet);
    if (replica === undefined) operation.complete(Outcome.notLeader);
    else replica.submit(operation);
  }

  ledTablets(): readonly TabletId[] {
    const led: TabletId[] = [];
    for (const tablet of this.#host?.all() ?? []) {
      if (tablet.id !== METADATA_TABLET && tablet.serving) led.push(tablet.id);
    }
    return led;
  }

  call(
    node: NodeId,
    service: number,
    request: Uint8Array,
    onReply: (reply: Buffer | null, sent: boolean) => void,
  ): void {
    this.#calls.call(node, service, request, onReply);
  }

  serve(service: number, handler: (from: NodeId, request: Buffer, respond: (reply: Uint8Array) => void) => void): void {
    this.#calls.serve(service, handler);
  }

  readLocal(slot: Slot, read: (transaction: Transaction) => void): boolean {
    return this.#slots.place(slot)?.replica?.readLocal(read) ?? false;
  }

  // Forming and entering.

  async #form(): Promise<void> {
    if (this.#identity.node !== 0)
      throw alreadyFormed(`this node already belongs to cluster ${this.#identity.clusterId}`);
    const answers = await Promise.all(this.#otherSeeds().map((seed) => this.#ask(seed, { type: 'hello' })));
    const formed = answers.find((answer) => answer !== null && answer.clusterId !== '');
    if (formed) throw alreadyFormed(`a member named by --join already belongs to cluster ${formed.clusterId}`);
    const clusterId = randomHex(this.#options.prng, 32);
    await this.#becomeMember({ clusterId, node: FIRST_NODE, seeds: [] });
  }

  /** Asks the seeds again and again until one of them takes this node in, or this node forms a cluster itself. */
  #lookForCluster(): void {
    if (this.#identity.node !== 0) return;
    const again = (): void => {
      this.#joinTimer = this.#clock.after(100 + this.#options.prng.below(50), () => this.#lookForCluster());
    };
    const request = { type: 'join', ...this.#self } as const;
    const ask = async (): Promise<void> => {
      for (const seed of this.#otherSeeds()) {
        const answer = await this.#ask(seed, request);
        if (answer === null || answer.again || this.#identity.node !== 0 || this.#forming !== null) continue;
        if (answer.error !== '') {
          this.#log.warn({ seed, error: answer.error }, 'the cluster does not take this node in');
          continue;
        }
        await this.#becomeMember({ clusterId: answer.clusterId, node: answer.node, seeds: answer.seeds });
        return;
      }
    };
    ask().then(
      () => {
        if (this.#identity.node === 0) again();
      },
      (error: unknown) => this.#options.failed(error instanceof Error ? error : new Error(String(error))),
    );
  }

  async #becomeMember(identity: { clusterId: string; node: NodeId; seeds: readonly Seed[] }): Promise<void> {
    assert(this.#identity.node === 0, 'a node joins one cluster, once');
    this.#identity = { ...identity, epoch: this.#identity.epoch };
    await saveIdentity(this.#options.disk, this.#options.folder, this.#identity);
    await this.#enter();
  }

  async #enter(): Promise<void> {
    const { clock, prng, logger, liveness, supportDuration_ms } = this.#options;
    const self = this.#self;
    const { clusterId, node, epoch, seeds } = this.#identity;
    const storage = this.#storage;
    assert(storage !== null, 'storage is open before the node enters its cluster');
    // A first life has promised nothing. A later one waits until what the one before may have promised is over.
    const promise_ms = supportDuration_ms * (1 + CLOCK_DRIFT);
    const silentUntil_ms = epoch === 1 ? 0 : this.#options.bornAt_ms + promise_ms;
    const host = new TabletHost({
      node,
      clock,
      prng: prng.fork(),
      logger,
      wal: storage.wal,
      recovered: this.#recovered,
      store: storage.store,
      peers: {
        sendRaft: (to, frame) => this.#transport.send(to, Channel.raft, frame),
        openSnapshot: (to, header) => openSnapshot(this.#transport, to, header),
      },
      support: liveness,
      rangesOf: (tablet) => this.#rangesOf(tablet),
      silentUntil_ms,
      promise_ms,
      tick_ms: this.#options.tick_ms,
      electionTicks: this.#options.electionTicks,
      heartbeatTicks: RAFT_HEARTBEAT_TICKS,
      flushInterval_ms: this.#options.flushInterval_ms,
      flushChangesMax: FLUSH_CHANGES_MAX,
      readCacheBytes: this.#options.readCacheBytes,
      retainedLogBytes: 128 * 1024 * 1024,
      limits: {
        batchBytesMax: 1024 * 1024,
        inFlightBytesMax: this.#options.inFlightBytesMax,
        overlayBytesMax: OVERLAY_BYTES_MAX,
        requestTimeout_ms: this.#options.requestTimeout_ms,
      },
      events: {
        leadershipChanged: (tablet) => this.#leadershipChanged(tablet),
        applied: (tablet) => {
          if (tablet.id === METADATA_TABLET) this.#metadata.refresh();
        },
        failed: this.#options.failed,
      },
    });
    this.#host = host;
    this.#recovered = new Map();
    // Peers dial a newcomer as soon as the metadata names it: it must know them before it does anything slow.
    this.#metadata.refresh();
    if (this.metadata.nodes.size === 0) this.#connect(seeds);
    this.#transport.setIdentity({ clusterId, nodeId: node, epoch });
    const live = liveness.start({ node, epoch, clusterId, host: self.host, port: self.ports.peer });
    if (host.get(METADATA_TABLET) === undefined) {
      const founders = node === FIRST_NODE ? METADATA_FOUNDERS : null;
      await host.create([{ id: METADATA_TABLET, replica: replicaId(node, 1), founders }]);
    }
    // Without liveness a leader would find no support and step down again.
    await live;
    host.start();
    this.#metadata.refresh();
    this.#timers.push(
      clock.every(DIRECTOR_INTERVAL_MS, () => this.#direct()),
      clock.every(STEWARD_INTERVAL_MS, () => this.#stewardStep()),
      clock.every(ANNOUNCE_INTERVAL_MS, () => this.#announce()),
    );
    if (node === FIRST_NODE && epoch === 1) host.get(METADATA_TABLET)?.raft.campaign();
    this.#log.info({ member: node, epoch, clusterId }, 'member of the cluster');
    for (const entered of this.#onEntered.splice(0)) entered();
  }

  #otherSeeds(): { host: string; port: number }[] {
    const self = this.#self;
    return this.#options.join.filter((seed) => seed.host !== self.host || seed.port !== self.ports.peer);
  }

  async #ask(seed: { host: string; port: number }, request: Parameters<Administration['ask']>[2]) {
    return this.#administration.ask(this.#transport, seed, request);
  }

  /** Nodes that a newcomer answers to until it knows the metadata. */
  #seeds(): Seed[] {
    return [...this.metadata.nodes.values()].map(({ id, host, ports }) => ({ node: id, host, port: ports.peer }));
  }

  #connect(seeds: readonly Seed[]): void {
    const self = this.#identity.node;
    const peers = seeds.filter((seed) => seed.node !== self);
    this.#transport.setPeers(peers);
    this.#options.liveness.setPeers(peers);
  }

  // Following the metadata.

  #metadataChanged(state: Metadata): void {
    if (state.nodes.size > 0) this.#connect(this.#seeds());
    this.#syncReplicas();
    this.#placeSlots();
    this.#viewChanged();
  }

  #syncReplicas(): void {
    const host = this.#host;
    if (host === null) return;
    this.#keeper.sync(
      host,
      this.#identity.node,
      () => this.metadata,
      () => {
        this.#placeSlots();
        this.#viewChanged();
      },
    );
  }

  #placeSlots(): void {
    const places = new Array<Place | undefined>(SLOT_COUNT).fill(undefined);
    for (const record of this.metadata.tablets.values()) {
      const place = { tablet: record.id, replica: this.#host?.get(record.id) };
      places.fill(place, record.slotFirst, record.slotLast + 1);
    }
    this.#slots.setPlaces(places);
  }

  #rangesOf(tablet: TabletId) {
    if (tablet === METADATA_TABLET) return [METADATA_RANGE];
    const record = this.metadata.tablets.get(tablet);
    assert(record !== undefined, 'a tablet is in the metadata before a node has a replica of it');
    return slotRanges(record.slotFirst, record.slotLast);
  }

  // Leadership and liveness.

  #leadershipChanged(tablet: Tablet): void {
    const { raft } = tablet;
    if (tablet.serving) {
      this.#leaders.heard(tablet.id, this.#identity.node, raft.term);
      this.#slots.leaderChanged(tablet.id);
      this.#announceSoon();
      if (tablet.id === METADATA_TABLET) this.#direct();
    } else if (raft.leader !== 0 && raft.leader !== tablet.replica) {
      this.#leaders.heard(tablet.id, nodeOf(raft.leader), raft.term);
    } else if (raft.leader === 0 && this.#leaders.get(tablet.id)?.node === this.#identity.node) {
      this.#leaders.lost(tablet.id);
    }
  }

  #announceSoon(): void {
    if (this.#announceScheduled) return;
    this.#announceScheduled = true;
    this.#clock.endOfTurn(() => {
      this.#announceScheduled = false;
      this.#announce();
    });
  }

  /** Tells every node which tablets this one leads, and whether it is about to leave. */
  #announce(): void {
    const bytes = this.#announcement();
    for (const node of this.metadata.nodes.keys()) {
      if (node !== this.#identity.node) this.#transport.send(node, LEADERS_CHANNEL, bytes);
    }
  }

  #announcement(): Buffer {
    const items: Parameters<typeof encodeAnnouncement>[1][number][] = [];
    for (const tablet of this.#host?.all() ?? []) {
      if (!tablet.serving) continue;
      const lag = lagOf(tablet.raft);
      items.push({ tablet: tablet.id, term: tablet.raft.term, ...lag });
      this.#leaders.heard(tablet.id, this.#identity.node, tablet.raft.term, lag.lag, lag.behind);
    }
    return encodeAnnouncement(this.#draining, items);
  }

  #livenessChanged(node: NodeId, change: { supported: boolean; epoch: number }): void {
    if (change.supported) {
      if (!this.#aliveSince_ms.has(node)) this.#aliveSince_ms.set(node, this.#clock.monotonic_ms());
    } else {
      this.#aliveSince_ms.delete(node);
      this.#leaders.setDraining(node, false);
    }
    this.#log.info({ peer: node, alive: change.supported, epoch: change.epoch }, 'liveness of a node changed');
    this.#host?.supportChanged();
    this.#viewChanged();
  }

  #aliveFor_ms(node: NodeId): number {
    // A node that is about to leave must not be given anything to lead.
    if (!this.isAlive(node) || this.#leaders.isDraining(node)) return 0;
    const since_ms = this.#aliveSince_ms.get(node);
    return since_ms === undefined ? 0 : this.#clock.monotonic_ms() - since_ms;
  }

  #frame(from: NodeId, channel: number, payload: Buffer): void {
    if (channel === Channel.raft) this.#host?.receive(from, payload);
    else if (channel === Channel.calls) this.#calls.frame(from, payload);
    else if (channel === LEADERS_CHANNEL) this.#leaders.receive(from, payload);
    else this.#log.warn({ from, channel }, 'a frame on an unknown channel was dropped');
  }

  #peerUp(node: NodeId): void {
    this.#calls.peerUp(node);
    this.#lostAt_ms.delete(node);
    this.#transport.send(node, LEADERS_CHANNEL, this.#announcement());
    this.#viewChanged();
  }

  #peerDown(node: NodeId): void {
    this.#lostAt_ms.set(node, this.#clock.monotonic_ms());
    this.#host?.peerDown(node);
    this.#calls.peerDown(node);
    this.#viewChanged();
  }

  #viewChanged(): void {
    this.#viewVersion += 1;
    this.#view = null;
  }

  // Work that repeats.

  #direct(): void {
    const group = this.#host?.get(METADATA_TABLET);
    if (group === undefined || !group.serving) return;
    if (this.#identity.node === FIRST_NODE && this.metadata.cluster === null) this.#writeFirstRecords();
    else this.#director.step(group, (node) => this.isAlive(node));
  }

  #writingFirstRecords = false;

  #writeFirstRecords(): void {
    if (this.#writingFirstRecords) return;
    this.#writingFirstRecords = true;
    const { join, replicationFactor, tablets } = this.#options;
    const initialNodes = Math.max(1, join.length);
    this.#metadata
      .write((transaction, state) => {
        if (state.cluster !== null) return;
        putCluster(transaction, {
          clusterId: this.#identity.clusterId,
          initialNodes,
          initialMembers: join,
          replicationFactor: Math.min(replicationFactor, initialNodes),
          tabletCount: tablets > 0 ? tablets : defaultTabletCount(initialNodes),
          nextNode: initialNodes + 1,
          nextTablet: METADATA_TABLET + 1,
        });
        putNode(transaction, { id: FIRST_NODE, ...this.#self });
      })
      .catch((error: unknown) => this.#log.warn({ error: String(error) }, 'the first records could not be written'))
      .finally(() => {
        this.#writingFirstRecords = false;
      });
  }

  #stewardStep(): void {
    const host = this.#host;
    if (host === null || this.#draining) return;
    const record = this.metadata.nodes.get(this.#identity.node);
    if (record !== undefined) this.#administration.move(record, this.#self);
    let transferred = false;
    for (const tablet of host.all()) {
      const record = this.metadata.tablets.get(tablet.id);
      if (record === undefined || !tablet.serving) continue;
      if (this.#steward.manageMembers(tablet, record)) {
        this.#administration.confirm(tablet.id, record);
        if (!transferred) transferred = this.#steward.returnLeadership(tablet, record);
      }
      host.markDirty(tablet);
    }
  }
}

function alreadyFormed(text: string): FolkmootError {
  return new FolkmootError('ALREADY_FORMED', text, 'A cluster is formed once; this node joins it by itself.');
}

function randomHex(prng: Prng, digits: number): string {
  let text = '';
  while (text.length < digits) text += prng.uint32().toString(16).padStart(8, '0');
  return text.slice(0, digits);
}
