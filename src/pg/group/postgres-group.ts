/**
 * The group of PostgreSQL servers as this node takes part in it: its own server, if it has one; what the gateway sees of all of them; and,
 * on the node that leads the metadata group, the forming of the group and the replacement of a primary that is dead.
 *
 * Life: the constructor registers what other nodes may ask; `start` when the node belongs to a cluster; `handOver` before a stop in order;
 * `stop`.
 */
import { mkdir } from 'node:fs/promises';
import { connect as connectSocket } from 'node:net';
import { join as joinPath } from 'node:path';
import type { Duplex } from 'node:stream';
import type { Clock, Timer } from '../../base/clock.ts';
import { FolkmootError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Connection } from '../../base/network.ts';
import type { AccessControl } from '../../cluster/access/access-control.ts';
import { type Catalog, CatalogRefusal } from '../../cluster/catalog/catalog.ts';
import type { NodeId, Router } from '../../cluster/view.ts';
import type { LocalServer } from '../server/local-server.ts';
import { ConnectionStream, join } from './connection-stream.ts';
import { type GroupAnswer, type GroupCall, GroupCalls, type MemberReport } from './group-calls.ts';
import { GroupMember } from './group-member.ts';
import { type GroupPicture, pictureOf, type ServerPicture } from './group-picture.ts';
import {
  GROUP_KEY,
  GROUP_SECTION,
  type GroupRecord,
  lastRecordOf,
  pledgesNeeded,
  readGroup,
  VOTERS_MAX,
} from './group-record.ts';
import { changeGroup, type GroupRequest } from './group-rules.ts';
import { PrimaryLease } from './primary-lease.ts';
import { joinWhenPrimary, StandbySocket } from './standby-socket.ts';

/** What the group needs of the cluster beside calls. */
export interface GroupCluster extends Pick<Router, 'view' | 'call' | 'serve'> {
  readonly catalog: Catalog;
  readonly access: AccessControl;
  /** This node leads the metadata group. */
  readonly leadsMetadata: boolean;
  /** All initial members have joined. */
  readonly isComplete: boolean;
  openTunnel(node: NodeId, name: string): Connection;
  serveTunnel(name: string, handler: (from: NodeId) => ((connection: Connection) => void) | string): void;
}

export interface GroupOptions {
  readonly cluster: GroupCluster;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The generation of the support that a node gives, 0 for none (`Liveness`). */
  readonly supportFrom: (node: NodeId) => number;
  /** Of this node's. */
  readonly supportFor: (node: NodeId) => number;
}

export interface LocalOptions {
  readonly server: LocalServer;
  /** Of the node's own about PostgreSQL. */
  readonly folder: string;
  /** Short enough for a socket. */
  readonly socketFolder: string;
  readonly user: { readonly uid: number; readonly gid: number } | null;
}

/** Of the gateway of this node: see `GatewayControl` in doors/postgres/servers.ts. */
export interface Quiesce {
  quiesce(patience_ms: number): Promise<number>;
}

const TICK_MS = 25;
const REPORT_MS = 100;
/** The same request is not made again within this time: it may be under way. */
const REPEAT_MS = 250;
const QUIESCE_MS = 5_000;
const ASK_MS = 10_000;
const TUNNEL = 'postgres';
/** For standbys: leads on only to a server that is no standby itself. */
const STANDBY_TUNNEL = 'postgres-standby';

export class PostgresGroup {
  readonly #options: GroupOptions;
  readonly #log: Logger;
  readonly #calls: GroupCalls;
  readonly #lease: PrimaryLease;
  readonly #reports = new Map<NodeId, MemberReport>();
  readonly #asked = new Map<string, number>();
  readonly #listeners = new Set<() => void>();
  readonly #timers: Timer[] = [];
  #local: LocalOptions | null = null;
  #gateway: Quiesce | null = null;
  #member: GroupMember | null = null;
  #socket: StandbySocket | null = null;
  #picture: GroupPicture | null = null;
  #unwatch: () => void = () => undefined;

  constructor(options: GroupOptions) {
    this.#options = options;
    this.#log = options.logger;
    const { cluster } = options;
    this.#calls = new GroupCalls(cluster, (from, call) => this.#answer(from, call));
    this.#lease = new PrimaryLease({
      supportFrom: options.supportFrom,
      ask: (node, epoch, answer) =>
        this.#calls.ask(node, { type: 'stands', epoch }, (reply) => answer(reply?.yes === true)),
    });
    cluster.catalog.serve(GROUP_SECTION, (request, records) => {
      const before = (records.get(GROUP_KEY) as GroupRecord | undefined) ?? null;
      const after = changeGroup(before, request as GroupRequest, records.now_ms);
      if (typeof after === 'string') throw new CatalogRefusal(after);
      if (after !== before) records.put(GROUP_KEY, after);
      return null;
    });
    cluster.serveTunnel(TUNNEL, () => {
      const server = this.#local?.server;
      if (server === undefined) return 'no PostgreSQL runs on this node';
      return (connection) => join(new ConnectionStream(connection), connectSocket(server.socketPath));
    });
    cluster.serveTunnel(STANDBY_TUNNEL, () => {
      const server = this.#local?.server;
      if (server === undefined) return 'no PostgreSQL runs on this node';
      return (connection) => joinWhenPrimary(new ConnectionStream(connection), server);
    });
  }

  /** The gateway of this node, which holds its clients back when the primary changes. */
  set gateway(gateway: Quiesce) {
    this.#gateway = gateway;
  }

  get #self(): NodeId {
    return this.#options.cluster.view().self;
  }

  get record(): GroupRecord | null {
    return readGroup(this.#options.cluster.catalog.section(GROUP_SECTION).records);
  }

  /** The node belongs to a cluster. `local`: null where the door is closed; the node then only helps to decide. */
  async start(local: LocalOptions | null): Promise<void> {
    const { cluster, clock } = this.#options;
    this.#local = local;
    if (local !== null) await this.#startLocal(local);
    this.#unwatch = cluster.catalog.watch(GROUP_SECTION, () => this.#changed());
    this.#timers.push(
      clock.every(TICK_MS, () => this.#tick()),
      clock.every(REPORT_MS, () => this.#sendReports()),
    );
    this.#changed();
  }

  async stop(): Promise<void> {
    this.#unwatch();
    for (const timer of this.#timers) timer.cancel();
    await this.#member?.stop();
    await this.#socket?.stop();
  }

  // What the gateway and people see.

  /** Cheap: it is asked before every transaction. */
  view(): GroupPicture {
    const picture = this.#picture ?? this.#repaint();
    // A lease ends without a word.
    if (picture.primary === 0 || picture.primary !== this.#self || this.#mayServe()) return picture;
    return this.#repaint();
  }

  watch(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  connect(node: NodeId): Duplex {
    const local = this.#local;
    if (node === this.#self && local !== null) return connectSocket(local.server.socketPath);
    return this.#openTunnel(node, TUNNEL);
  }

  #openTunnel(node: NodeId, name: string): Duplex {
    return new ConnectionStream(this.#options.cluster.openTunnel(node, name));
  }

  // What operators ask for.

  /** Resolves when another node is primary. */
  async switchover(target: NodeId, patience_ms: number): Promise<NodeId> {
    const record = this.record;
    if (record === null) throw new FolkmootError('NOT_READY', 'there is no group of PostgreSQL servers', 'See status.');
    const standbys = this.view().servers.filter(({ role, isAlive }) => role === 'standby' && isAlive);
    const wanted = standbys.filter(({ node }) => target === 0 || node === target);
    const successor = wanted.reduce<ServerPicture | null>(
      (best, next) => (best === null || next.replayedLsn > best.replayedLsn ? next : best),
      null,
    );
    if (successor === null) {
      const who = target === 0 ? 'no server follows the primary' : `node ${target} does not follow the primary`;
      throw new FolkmootError('CONFLICT', `${who} at the moment`, 'See folkmoot pg status.');
    }
    // What is done now need not be done while everybody waits.
    void this.#ask(successor.node, { type: 'prepare', epoch: record.epoch });
    await this.#ask(record.primary, { type: 'checkpoint' }, patience_ms / 4);
    await this.#change({ type: 'switchover', epoch: record.epoch, target: successor.node });
    const after = await this.#until(patience_ms, ({ epoch, phase }) => epoch > record.epoch && phase === 'serving');
    if (after === null)
      throw new FolkmootError('TIMED_OUT', 'the switchover is not complete', 'See folkmoot pg status.');
    return after.primary;
  }

  /**
   * Resolves with the names that take effect only after a restart. The primary takes the setting before it is in the record: one that
   * PostgreSQL refuses would keep servers from starting.
   */
  async set(name: string, value: string | null): Promise<readonly string[]> {
    const { primary } = this.view();
    const answer = primary === 0 ? null : await this.#ask(primary, { type: 'try', name, value });
    if (answer?.problem !== undefined) {
      throw new FolkmootError('BAD_REQUEST', answer.problem, 'Check the name and the value.');
    }
    if (answer?.afterRestart === undefined) {
      throw new FolkmootError('UNAVAILABLE', 'the primary does not answer; nothing was changed', 'Try again.');
    }
    await this.#change({ type: 'set', name, value });
    return answer.afterRestart;
  }

  /** Resolves when the node has begun to replace its data. */
  async reinit(node: NodeId): Promise<void> {
    const { record } = this;
    if (record === null || !record.voters.some((voter) => voter.node === node)) {
      throw new FolkmootError('NOT_FOUND', `node ${node} is no server of the group`, 'See folkmoot pg status.');
    }
    const answer = await this.#ask(node, { type: 'reinit' });
    if (answer?.yes === true) return;
    throw new FolkmootError('CONFLICT', answer?.problem ?? `node ${node} does not answer`, 'See folkmoot pg status.');
  }

  async override(epoch: number): Promise<void> {
    await this.#change({ type: 'override', epoch });
  }

  /** Before a stop in order: if this node's server is primary, another one becomes it. */
  async handOver(patience_ms: number): Promise<void> {
    const record = this.record;
    const isPrimary = record !== null && record.primary === this.#self && record.phase === 'serving';
    if (!isPrimary || record.voters.length < 2) return;
    const { clock } = this.#options;
    const others = this.#othersOf(record);
    const handedOver = this.switchover(0, patience_ms).catch((error: unknown) =>
      this.#log.warn({ error }, 'the PostgreSQL primary was not handed over'),
    );
    // The others may stop, too: what is left of them then cannot make another primary.
    let timer: Timer | undefined;
    const nobodyIsLeft = new Promise<void>((resolve) => {
      timer = clock.every(TICK_MS, () => {
        if (others.filter((node) => this.#isAlive(node)).length < record.k) resolve();
      });
    });
    await Promise.race([handedOver, nobodyIsLeft]);
    timer?.cancel();
  }

  // The server of this node.

  async #startLocal(local: LocalOptions): Promise<void> {
    const { clock, cluster } = this.#options;
    await mkdir(local.folder, { recursive: true });
    const connectToPrimary = (): Duplex => this.connect(this.record?.primary ?? 0);
    const socket = new StandbySocket({
      folder: local.socketFolder,
      user: local.user,
      connect: (node) => this.#openTunnel(node, STANDBY_TUNNEL),
      clock,
      logger: this.#log,
    });
    await socket.start();
    this.#socket = socket;
    this.#member = await GroupMember.open({
      clock,
      logger: this.#log,
      server: local.server,
      stateFile: joinPath(local.folder, 'member.json'),
      socketFolder: local.socketFolder,
      connectToPrimary,
      self: () => this.#self,
      record: () => this.record,
      supports: (node) => this.#options.supportFor(node) !== 0,
      othersSuffice: (record) =>
        this.#othersOf(record).filter((node) => this.#isAlive(node)).length >= pledgesNeeded(record),
      holdsLease: (record) => this.#holdsLease(record),
      tell: (request) => this.#tell(request),
      demand: (node, epoch) => this.#demand(node, epoch),
      roles: () => ({ version: cluster.access.version, roles: cluster.access.roles }),
      quiesce: (record) => this.#quiesceAll(record),
      hasFollowed: () => {
        socket.dropWaiting();
        this.#leadStandby(this.record);
      },
    });
  }

  #holdsLease(record: GroupRecord): boolean {
    return this.#lease.holds(record.epoch, this.#othersOf(record), record.k);
  }

  #othersOf({ voters }: GroupRecord): NodeId[] {
    return voters.map(({ node }) => node).filter((node) => node !== this.#self);
  }

  /** Asks for a change of the record. Whether it was made is seen in the record; if not, it is asked for again. */
  #tell(request: GroupRequest): void {
    const now_ms = this.#options.clock.monotonic_ms();
    const key = JSON.stringify(request);
    if (now_ms - (this.#asked.get(key) ?? Number.NEGATIVE_INFINITY) < REPEAT_MS) return;
    for (const [old, at_ms] of this.#asked) if (now_ms - at_ms > REPEAT_MS) this.#asked.delete(old);
    this.#asked.set(key, now_ms);
    this.#log.debug({ request }, 'a change of the PostgreSQL group is asked for');
    this.#options.cluster.catalog
      .change(GROUP_SECTION, request)
      .catch((error: unknown) => this.#log.debug({ error, request }, 'the PostgreSQL group was not changed'));
  }

  #demand(node: NodeId, epoch: number): void {
    const key = `demand ${node} ${epoch}`;
    const now_ms = this.#options.clock.monotonic_ms();
    if (now_ms - (this.#asked.get(key) ?? Number.NEGATIVE_INFINITY) < REPEAT_MS) return;
    this.#asked.set(key, now_ms);
    this.#calls.ask(node, { type: 'demand', epoch }, (answer) => {
      if (answer?.yes === true) this.#tell({ type: 'released', epoch, node });
    });
  }

  async #answer(from: NodeId, call: GroupCall): Promise<GroupAnswer> {
    switch (call.type) {
      case 'report':
        this.#reports.set(from, call.report);
        return {};
      case 'stands':
        return { yes: this.#member !== null && this.#member.pledged <= call.epoch };
      case 'demand':
        if (this.#member === null) return {};
        await this.#member.yield(call.epoch);
        return { yes: this.#member.reigns === 0 };
      case 'checkpoint':
        await this.#member?.checkpoint();
        return {};
      case 'prepare':
        this.#member?.prepare(call.epoch);
        return {};
      case 'try':
        return (await this.#member?.trySetting(call.name, call.value)) ?? {};
      case 'reinit': {
        const problem = this.#member?.reinit() ?? 'no PostgreSQL runs on the node';
        return problem === '' ? { yes: true } : { problem };
      }
      case 'quiesce':
        return { running: await this.#quiesce(call.epoch, call.patience_ms) };
    }
  }

  async #quiesce(epoch: number, patience_ms: number): Promise<number> {
    // This node has to know before its gateway can hold anybody back.
    await this.#until(patience_ms, (record) => record.epoch > epoch || record.phase === 'switching');
    this.#repaint();
    return (await this.#gateway?.quiesce(patience_ms)) ?? 0;
  }

  /** Resolves when no gateway has a transaction on the primary any more, or when that was waited for long enough. */
  async #quiesceAll({ epoch }: GroupRecord): Promise<void> {
    const others = this.#gatewayNodes().filter((node) => node !== this.#self && this.#isAlive(node));
    const counts = await Promise.all([
      this.#quiesce(epoch, QUIESCE_MS),
      ...others.map(
        (node) =>
          new Promise<number>((resolve) => {
            const timer = this.#options.clock.after(QUIESCE_MS + 500, () => resolve(0));
            this.#calls.ask(node, { type: 'quiesce', epoch, patience_ms: QUIESCE_MS }, (answer) => {
              timer.cancel();
              resolve(answer?.running ?? 0);
            });
          }),
      ),
    ]);
    const running = counts.reduce((sum, count) => sum + count, 0);
    if (running > 0) this.#log.warn({ running }, 'transactions did not end in time and are ended by the switchover');
  }

  /** Null when there is no answer in time. */
  #ask(node: NodeId, call: GroupCall, patience_ms = ASK_MS): Promise<GroupAnswer | null> {
    return new Promise((resolve) => {
      const timer = this.#options.clock.after(patience_ms, () => resolve(null));
      const end = (answer: GroupAnswer | null): void => {
        timer.cancel();
        resolve(answer);
      };
      if (node !== this.#self) this.#calls.ask(node, call, end);
      else {
        this.#answer(node, call).then(end, (error: unknown) => {
          this.#log.warn({ error, call }, 'a request to the PostgreSQL group failed');
          end(null);
        });
      }
    });
  }

  // What repeats.

  #tick(): void {
    const record = this.record;
    if (this.#options.cluster.leadsMetadata) this.#direct(record);
    this.#repaint();
  }

  /** On the leader of the metadata group: what no server of the group can do for itself. */
  #direct(record: GroupRecord | null): void {
    if (record === null) {
      this.#form();
      return;
    }
    const dead = record.phase === 'recruiting' ? record.target : record.primary;
    if (dead === 0 || this.#isAlive(dead)) return;
    const successor = record.voters.find(({ node }) => node !== dead && this.#isAlive(node))?.node ?? 0;
    this.#tell({ type: 'suspect', epoch: record.epoch, node: dead, successor });
  }

  #form(): void {
    const { cluster } = this.#options;
    if (!cluster.isComplete) return;
    const { nodes } = cluster.view();
    const able = nodes.filter(({ ports, leaving }) => (ports.postgres ?? 0) !== 0 && !leaving);
    const voters = able.slice(0, VOTERS_MAX).map(({ id, name }) => ({ node: id, name }));
    if (voters.length > 0 && voters.every(({ node }) => this.#isAlive(node))) this.#tell({ type: 'form', voters });
  }

  #sendReports(): void {
    const member = this.#member;
    if (member === null) return;
    const report = member.report();
    this.#reports.set(this.#self, report);
    for (const { id, alive, connected } of this.#options.cluster.view().nodes) {
      if (id !== this.#self && alive && connected) this.#calls.ask(id, { type: 'report', report }, () => undefined);
    }
  }

  #changed(): void {
    const record = this.record;
    this.#leadStandby(record);
    this.#member?.wake();
    this.#repaint();
  }

  #leadStandby(record: GroupRecord | null): void {
    const socket = this.#socket;
    if (record === null || socket === null) return;
    const { epoch, primary, chain } = record;
    const isOpen = chain.at(-1)?.epoch === epoch;
    const isAhead = lastRecordOf(record) !== null;
    // One that follows before the new primary can be connected to waits there.
    const isReady = isOpen || (isAhead && this.#member?.follows(epoch) === true);
    if (isReady && primary !== this.#self) socket.lead(primary);
    else if (isAhead) socket.letEnd();
    else socket.lead(0);
  }

  #repaint(): GroupPicture {
    const before = this.#picture;
    const after = this.#paint();
    if (before !== null && before.text === after.text) return before;
    this.#picture = after;
    if (before?.essence !== after.essence) for (const listener of this.#listeners) listener();
    return after;
  }

  #mayServe(): boolean {
    const record = this.record;
    if (record === null || record.primary !== this.#self) return true;
    return this.#member?.reigns === record.epoch && this.#holdsLease(record);
  }

  #paint(): GroupPicture {
    const { cluster } = this.#options;
    const { nodes } = cluster.view();
    const record = this.record;
    return pictureOf({
      record,
      isOff: this.#local === null,
      isAlive: (node) => this.#isAlive(node),
      nameOf: (node) => nodes.find(({ id }) => id === node)?.name ?? `node ${node}`,
      report: (node) => (node === this.#self ? this.#member?.report() : this.#reports.get(node)) ?? null,
      mayServe: this.#mayServe(),
    });
  }

  #isAlive(node: NodeId): boolean {
    return node === this.#self || this.#options.supportFor(node) !== 0;
  }

  #gatewayNodes(): NodeId[] {
    return this.#options.cluster
      .view()
      .nodes.filter(({ ports }) => (ports.postgres ?? 0) !== 0)
      .map(({ id }) => id);
  }

  async #change(request: GroupRequest): Promise<void> {
    try {
      await this.#options.cluster.catalog.change(GROUP_SECTION, request);
    } catch (error) {
      if (!(error instanceof CatalogRefusal)) throw error;
      throw new FolkmootError('CONFLICT', error.message, 'See folkmoot pg status.', { cause: error });
    }
  }

  /** The record as soon as it is so; null when it does not become so in time. */
  #until(patience_ms: number, is: (record: GroupRecord) => boolean): Promise<GroupRecord | null> {
    const { clock, cluster } = this.#options;
    return new Promise((resolve) => {
      const look = (): void => {
        const record = this.record;
        if (record !== null && is(record)) end(record);
      };
      const timer = clock.after(patience_ms, () => end(null));
      const unwatch = cluster.catalog.watch(GROUP_SECTION, look);
      const end = (record: GroupRecord | null): void => {
        timer.cancel();
        unwatch();
        resolve(record);
      };
      look();
    });
  }
}
