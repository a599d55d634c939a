/**
 * One node's part in the cluster: puts together transport, liveness, tablets and metadata, and is the Router that doors use.
 *
 * Life: `listen` binds the peer port; a node that has an identity enters its cluster at once, another one waits until it is
 * told to form one (`form`) or a formed one takes it in (`Entrance`). `drain` hands leadership over, `stop` ends.
 */
import { assert } from '../base/assert.ts';
import type { Timer } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { Connection } from '../base/network.ts';
import type { OrderedStore } from '../storage/ordered-store.ts';
import type { Wal } from '../storage/wal.ts';
import { Outcome, type TabletOperation, type Transaction } from '../tablet/operation.ts';
import { nodeOf, replicaId } from '../tablet/replica-id.ts';
import type { Tablet } from '../tablet/tablet.ts';
import type { TabletHost } from '../tablet/tablet-host.ts';
import { AccessControl } from './access/access-control.ts';
import type { InitialAccess } from './access/access-records.ts';
import { Administration, isSameNode } from './administration.ts';
import { type Catalog, ClusterCatalog } from './catalog/catalog.ts';
import type { Seed } from './cluster-messages.ts';
import type { ClusterOptions, OpenedStorage, Self } from './cluster-options.ts';
import { Director } from './director.ts';
import { Entrance, type Membership } from './entrance.ts';
import { FirstRecords } from './first-records.ts';
import type { Identity } from './identity.ts';
import { IdentityKeeper } from './identity-keeper.ts';
import { LeaderTable } from './leader-table.ts';
import { LeadershipNews } from './leadership-news.ts';
import { makeHost } from './make-host.ts';
import { MemberSearch } from './member-search.ts';
import { MembershipKeeper } from './membership-keeper.ts';
import { EMPTY_METADATA, FIRST_NODE, METADATA_FOUNDERS, METADATA_TABLET, type Metadata } from './metadata.ts';
import { MetadataGroup } from './metadata-group.ts';
import { PeerWatch } from './peer-watch.ts';
import { PlaceTable, rangesOf } from './places.ts';
import { Rebuild, type RebuildOptions, refuseAlone, refuseStrangers } from './rebuild.ts';
import { RemovalWatch } from './removal-watch.ts';
import { SlotRouter } from './slot-router.ts';
import { receiveSnapshot } from './snapshot-link.ts';
import { Steward } from './steward.ts';
import { TabletDuties } from './tablet-duties.ts';
import { Transport } from './transport.ts';
import { PeerCalls } from './transport-calls.ts';
import { Channel } from './transport-types.ts';
import type { ClusterView, NodeId, RoutedOperation, Router, Slot, TabletId } from './view.ts';
import { buildView } from './view-builder.ts';

export type { ClusterOptions, Self } from './cluster-options.ts';

const DIRECTOR_INTERVAL_MS = 50;
const STEWARD_INTERVAL_MS = 250;
const ANNOUNCE_INTERVAL_MS = 1_000;
/** A node that comes back is needed soon, and a refused or failed connection attempt costs little. */
const RECONNECT_MS_MAX = 250;
const LEADERS_CHANNEL = 3;
const NO_PORTS = { redis: 0, redisSingle: 0, cql: 0, postgres: 0, postgresRead: 0, admin: 0, peer: 0 };

/** Asked for each tunnel: who takes this end of it, or why nobody does. */
export type TunnelHandler = (from: NodeId) => ((connection: Connection) => void) | string;

export class Cluster implements Router {
  readonly #options: ClusterOptions;
  readonly #log: Logger;
  readonly #transport: Transport;
  readonly #calls: PeerCalls;
  readonly #metadata: MetadataGroup;
  readonly #leaders: LeaderTable;
  readonly #slots: SlotRouter;
  readonly #places = new PlaceTable();
  readonly #catalog: ClusterCatalog;
  /** Users of all doors. */
  readonly access: AccessControl;
  readonly #director: Director;
  readonly #administration: Administration;
  readonly #duties: TabletDuties;
  readonly #keeper: MembershipKeeper;
  readonly #rebuild: Rebuild;
  readonly #firstRecords: FirstRecords;
  readonly #entrance: Entrance;
  readonly #watch: PeerWatch;
  readonly #news: LeadershipNews;
  readonly #identity: IdentityKeeper;
  readonly #removal: RemovalWatch;
  readonly #search: MemberSearch;
  #self: Self = { token: '', redisId: '', name: '', host: '', zone: '', ports: NO_PORTS };
  #host: TabletHost | null = null;
  #storage: OpenedStorage | null = null;
  #timers: Timer[] = [];
  #view: ClusterView | null = null;
  #viewVersion = 1;
  readonly #tunnels = new Map<string, TunnelHandler>();
  #onEntered: (() => void)[] = [];
  #stopped = false;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.#log = options.logger;
    const { network, clock, logger, prng } = options;
    this.#identity = new IdentityKeeper(options);
    this.#transport = new Transport(
      { network, clock, logger, prng: prng.fork() },
      {
        onFrame: (from, channel, payload) => this.#frame(from, channel, payload),
        onPeerUp: (node) => this.#peerUp(node),
        onPeerDown: (node) => this.#peerDown(node),
        onRefused: (peer, reason, verdict) => {
          this.#log.debug({ peer, reason }, 'a peer refused this node');
          this.#removal.refused(peer, verdict);
        },
        onUnknownMember: () => this.#search.step(),
        onGuest: (request, respond) => this.#administration.guest(request, respond),
        onTunnel: (from, header) => this.#acceptTunnel(from, header),
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
    const self = (): NodeId => this.#identity.current.node;
    const host = (): TabletHost | null => this.#host;
    const leaders = this.#leaders;
    this.#watch = new PeerWatch({ clock, liveness: options.liveness, leaders, self });
    this.#news = new LeadershipNews({ clock, leaders, self, host, send: (bytes) => this.#toEverybody(bytes) });
    this.#slots = new SlotRouter({
      clock,
      self,
      leaders,
      reachable: (node) => this.#watch.isReachable(node),
      patience_ms: options.requestTimeout_ms,
    });
    this.#catalog = new ClusterCatalog({
      clock,
      metadata: this.#metadata,
      host,
      self,
      leader: () => leaders.get(METADATA_TABLET)?.node ?? 0,
      liveOthers: () => [...this.metadata.nodes.keys()].filter((node) => node !== self() && this.isAlive(node)),
      isAlive: (node) => this.isAlive(node),
      calls: this.#calls,
      patience_ms: options.requestTimeout_ms,
    });
    this.access = new AccessControl({ catalog: this.#catalog, clock, logger });
    this.#director = new Director(this.#metadata, logger);
    this.#keeper = new MembershipKeeper(logger, options.failed);
    this.#administration = new Administration({
      clock,
      metadata: this.#metadata,
      identity: () => this.#identity.current,
      host,
      leaderOf: (tablet) => leaders.get(tablet)?.node ?? 0,
      isAlive: (node) => this.isAlive(node),
      isDamaged: () => this.#rebuild.isDamaged,
      heardDamaged: (node) => this.#rebuild.heardDamaged(node),
      calls: this.#calls,
      seeds: () => this.#seeds(),
      logger,
    });
    this.#duties = new TabletDuties({
      clock,
      host,
      metadata: () => this.metadata,
      steward: new Steward({ logger, aliveFor_ms: (node) => this.#watch.aliveFor_ms(node) }),
      watch: this.#watch,
      news: this.#news,
      administration: this.#administration,
    });
    const ask: RebuildOptions['ask'] = (seed, request) => this.#administration.ask(this.#transport, seed, request);
    this.#removal = new RemovalWatch({ identity: this.#identity, ask, removed: options.removed });
    this.#search = new MemberSearch({
      clusterId: () => this.#identity.current.clusterId,
      addresses: () => [
        ...this.#search.known.filter(({ node }) => node !== this.#identity.current.node),
        ...this.#others(),
      ],
      ask: (seed) => ask(seed, { type: 'hello' }),
      found: (members) => {
        const known = this.#seeds().filter(({ node }) => members.every((member) => member.node !== node));
        this.#connect([...members, ...known]);
      },
    });
    this.#rebuild = new Rebuild({
      ...options,
      identity: () => this.#identity.current,
      host,
      metadata: () => this.metadata,
      administration: this.#administration,
      others: () => this.#others(),
      lostNamed: () => this.#syncReplicas(),
      discardDamaged: () => this.#storage?.discardDamaged() ?? Promise.resolve(),
      ask,
    });
    this.#firstRecords = new FirstRecords(options, this.#metadata);
    this.#entrance = new Entrance({
      ...options,
      identity: () => this.#identity.current,
      self: () => this.#self,
      ask,
      becomeMember: (membership) => this.#becomeMember(membership),
    });
    options.liveness.onChange = (node, change) => this.#livenessChanged(node, change);
  }

  /** Binds the peer port, opens storage, and enters the cluster if this node already belongs to one. */
  async listen(self: Self): Promise<void> {
    // Bound before anything is written: a port that is taken must leave no trace.
    const { port } = await this.#transport.start(self.host, self.ports.peer);
    this.#self = { ...self, ports: { ...self.ports, peer: port } };
    await this.#identity.beginLife(self.token);
    this.#self = { ...this.#self, token: this.#identity.current.token };
    this.#storage = await this.#options.openStorage(this.#others().length > 0);
    if (this.#identity.current.node !== 0) await this.#enter();
    else this.#entrance.lookForCluster();
  }

  get identity(): Identity {
    return this.#identity.current;
  }

  get metadata(): Metadata {
    return this.#metadata?.state ?? EMPTY_METADATA;
  }

  get leadsMetadata(): boolean {
    return this.#metadata.leading;
  }

  /** Whether all initial members have joined. */
  get isComplete(): boolean {
    return this.metadata.tablets.size > 0;
  }

  get host(): TabletHost | null {
    return this.#host;
  }

  get catalog(): Catalog {
    return this.#catalog;
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
    const record = nodes.get(this.#identity.current.node);
    if (tablets.size === 0 || record === undefined || !isSameNode(record, this.#self)) return false;
    for (const id of tablets.keys()) {
      const leader = this.#leaders.get(id)?.node ?? 0;
      if (leader === 0 || !this.isAlive(leader)) return false;
      if (leader === this.#identity.current.node && !this.#host?.get(id)?.serving) return false;
    }
    return true;
  }

  /** Forms a new cluster with this node as its first. Rejects when this node or one of its seeds belongs to one already. */
  form(access?: InitialAccess): Promise<void> {
    return this.#entrance.form(access);
  }

  /** Whether all other initial members answer and belong to no cluster yet. */
  seedsAreReadyToForm(): Promise<boolean> {
    return this.#entrance.seedsAreReadyToForm();
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
    return this.#watch.isAlive(node);
  }

  /** Hands every tablet that this node leads to another node. Resolves when that is done or `timeout_ms` is over. */
  drain(timeout_ms: number): Promise<void> {
    return this.#duties.drain(timeout_ms);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#entrance.stop();
    this.#rebuild.stop();
    for (const timer of this.#timers) timer.cancel();
    this.#timers = [];
    this.#slots.drain();
    await this.#keeper.idle();
    if (this.#host !== null) await this.#host.stop();
    await this.#identity.settled();
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
      identity: this.#identity.current,
      metadata: this.metadata,
      leaders: this.#leaders,
      isAlive: (node) => this.isAlive(node),
      isConnected: (node) => node === this.#identity.current.node || this.#transport.connected(node),
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

  /** A stream of bytes in both directions to whoever serves tunnels of this name on a node. */
  openTunnel(node: NodeId, name: string): Connection {
    return this.#transport.openTunnel(node, Buffer.from(name));
  }

  /** Registers who takes the tunnels of a name. */
  serveTunnel(name: string, handler: TunnelHandler): void {
    assert(!this.#tunnels.has(name), 'the tunnels of a name have one handler');
    this.#tunnels.set(name, handler);
  }

  readLocal(slot: Slot, read: (transaction: Transaction) => void): boolean {
    return this.#slots.place(slot)?.replica?.readLocal(read) ?? false;
  }

  // Entering.

  async #becomeMember(membership: Membership): Promise<void> {
    assert(this.#identity.current.node === 0, 'a node joins one cluster, once');
    await this.#identity.change(membership);
    await this.#enter();
  }

  async #enter(): Promise<void> {
    const { clock, liveness } = this.#options;
    const self = this.#self;
    const { clusterId, node, epoch, seeds, begun } = this.#identity.current;
    const storage = this.#storage;
    assert(storage !== null, 'storage is open before the node enters its cluster');
    const host = makeHost({
      options: this.#options,
      identity: this.#identity.current,
      storage,
      transport: this.#transport,
      rangesOf: (tablet, content) => rangesOf(this.metadata, tablet, content),
      leadershipChanged: (tablet) => this.#leadershipChanged(tablet),
      applied: (tablet) => {
        if (tablet.id !== METADATA_TABLET) return;
        this.#metadata.refresh();
        this.#catalog.refresh();
      },
      handOver: (tablet) => this.#duties.handOver(tablet),
      lost: () => this.#viewChanged(),
    });
    this.#host = host;
    // What the log held is in the replicas now.
    this.#storage = { ...storage, recovery: { groups: new Map(), damage: [], tornTail: false } };
    refuseStrangers(host, node);
    if (this.#others().length === 0) refuseAlone(host, storage.store);
    // Peers dial a newcomer as soon as the metadata names it: it must know them before it does anything slow.
    this.#metadata.refresh();
    this.#search.learn(seeds);
    // Also finds damage in a replica that could not be read above, because a snapshot was replacing its state.
    await host.settleDamage();
    // Without the metadata nobody knows which keys are whose, so the node is rebuilt as a whole.
    const isDamaged = begun && host.get(METADATA_TABLET) === undefined;
    if (isDamaged) {
      host.loseAll('the metadata of this node is lost');
      await host.settleDamage();
    }
    if (this.metadata.nodes.size === 0) this.#connect(seeds);
    this.#transport.setIdentity({ clusterId, nodeId: node, epoch });
    const live = liveness.start({ node, epoch, clusterId, host: self.host, port: self.ports.peer });
    if (isDamaged) {
      await this.#rebuild.restoreMetadata();
      if (this.#stopped) return;
    } else if (host.get(METADATA_TABLET) === undefined) {
      const founders = node === FIRST_NODE ? METADATA_FOUNDERS : null;
      await host.create([{ id: METADATA_TABLET, replica: replicaId(node, 1), founders }]);
    }
    if (!begun) await this.#identity.change({ begun: true });
    // Without liveness a leader would find no support and step down again.
    await live;
    host.start();
    this.#metadata.refresh();
    this.#catalog.refresh();
    this.#timers.push(
      clock.every(DIRECTOR_INTERVAL_MS, () => this.#direct()),
      clock.every(STEWARD_INTERVAL_MS, () => this.#doDuties()),
      clock.every(ANNOUNCE_INTERVAL_MS, () => this.#news.announce()),
    );
    if (node === FIRST_NODE && epoch === 1) host.get(METADATA_TABLET)?.raft.campaign();
    this.#log.info({ member: node, epoch, clusterId }, 'member of the cluster');
    for (const entered of this.#onEntered.splice(0)) entered();
  }

  /** Nodes that a newcomer answers to until it knows the metadata. */
  #seeds(): Seed[] {
    return [...this.metadata.nodes.values()].map(({ id, host, ports }) => ({ node: id, host, port: ports.peer }));
  }

  /** Where other members may be: those of the last life, and those that this node was told of. */
  #others(): { host: string; port: number }[] {
    const known = this.#identity.others;
    const told = this.#entrance.otherSeeds();
    return [
      ...known,
      ...told.filter(({ host, port }) => !known.some((seed) => seed.host === host && seed.port === port)),
    ];
  }

  #connect(seeds: readonly Seed[]): void {
    const self = this.#identity.current.node;
    const peers = seeds.filter((seed) => seed.node !== self);
    this.#transport.setPeers(peers);
    this.#options.liveness.setPeers(peers);
  }

  // Following the metadata.

  #metadataChanged(state: Metadata): void {
    if (state.nodes.size > 0) this.#connect(this.#seeds());
    const voters = this.#host?.get(METADATA_TABLET)?.confState.voters ?? [];
    this.#identity.rememberMembers(this.#seeds(), voters.map(nodeOf));
    if (state.cluster !== null) this.#identity.forgetFirstAccess();
    this.#removal.metadataChanged(state);
    this.#syncReplicas();
    this.#slots.setPlaces(this.#places.of(this.metadata, this.#host));
    this.#viewChanged();
  }

  #syncReplicas(): void {
    const host = this.#host;
    if (host === null) return;
    this.#keeper.sync(
      host,
      this.#identity.current.node,
      () => this.metadata,
      () => {
        this.#slots.setPlaces(this.#places.of(this.metadata, this.#host));
        this.#viewChanged();
      },
    );
  }

  // Leadership and liveness.

  #leadershipChanged(tablet: Tablet): void {
    this.#news.changed(tablet);
    if (!tablet.serving) return;
    this.#slots.leaderChanged(tablet.id);
    if (tablet.id === METADATA_TABLET) this.#direct();
  }

  #toEverybody(bytes: Buffer): void {
    for (const node of this.metadata.nodes.keys()) {
      if (node !== this.#identity.current.node) this.#transport.send(node, LEADERS_CHANNEL, bytes);
    }
  }

  #livenessChanged(node: NodeId, change: { supported: boolean; epoch: number }): void {
    this.#watch.livenessChanged(node, change.supported);
    this.#log.info({ peer: node, alive: change.supported, epoch: change.epoch }, 'liveness of a node changed');
    this.#host?.supportChanged();
    this.#viewChanged();
  }

  #frame(from: NodeId, channel: number, payload: Buffer): void {
    if (channel === Channel.raft) this.#host?.receive(from, payload);
    else if (channel === Channel.calls) this.#calls.frame(from, payload);
    else if (channel === LEADERS_CHANNEL) this.#heardLeaders(from, payload);
    else this.#log.warn({ from, channel }, 'a frame on an unknown channel was dropped');
  }

  #acceptTunnel(from: NodeId, header: Buffer): ((connection: Connection) => void) | string {
    const name = header.toString('utf8');
    const handler = this.#tunnels.get(name);
    return handler === undefined ? `nobody takes tunnels of the name ${name}` : handler(from);
  }

  #heardLeaders(from: NodeId, announcement: Buffer): void {
    const led = this.#leaders.receive(from, announcement);
    if (led !== null) this.#host?.heardLed(from, led);
  }

  #peerUp(node: NodeId): void {
    this.#calls.peerUp(node);
    this.#watch.connected(node);
    this.#transport.send(node, LEADERS_CHANNEL, this.#news.announcement());
    this.#viewChanged();
  }

  #peerDown(node: NodeId): void {
    this.#watch.disconnected(node);
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
    if (this.#identity.current.node === FIRST_NODE && this.metadata.cluster === null) {
      const { clusterId, firstAccess } = this.#identity.current;
      this.#firstRecords.write(clusterId, this.#self, firstAccess);
    } else this.#director.step(group, (node) => this.isAlive(node));
  }

  #doDuties(): void {
    const record = this.metadata.nodes.get(this.#identity.current.node);
    if (record !== undefined && !this.#news.draining) this.#administration.move(record, this.#self);
    this.#duties.step();
    this.#rebuild.step();
  }
}
