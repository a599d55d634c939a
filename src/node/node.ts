/**
 * The composition root: the only place that makes the real clock, disk, network and random numbers, and puts cluster, doors
 * and admin port on top of them. One node is one process; embedding it in another program is fine, two in one process too.
 */

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { AdminServer } from '../admin/admin-server.ts';
import type { AdminSource, FirstAccess } from '../admin/admin-source.ts';
import type { ClusterStatus, HealthReport } from '../admin/cluster-status.ts';
import { PrometheusMetrics } from '../admin/prometheus.ts';
import { FolkmootError, folderError, listenError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { AddressError } from '../base/network.ts';
import { Prng } from '../base/prng.ts';
import { Cluster } from '../cluster/cluster.ts';
import type { OpenedStorage } from '../cluster/cluster-options.ts';
import type { Liveness } from '../cluster/liveness.ts';
import type { NodeId, NodePorts, TabletId } from '../cluster/view.ts';
import type { CqlDoor } from '../doors/cql/door.ts';
import { makeCqlDoor } from '../doors/cql/make-door.ts';
import { RedisDoor } from '../doors/redis/door.ts';
import { Wal } from '../storage/wal.ts';
import { clusterStatus } from './cluster-status-of.ts';
import { decideAccess } from './first-access.ts';
import { type FolderLock, lockFolder } from './folder-lock.ts';
import type { NodeApi, NodeOptions } from './node-api.ts';
import { registerNodeMetrics } from './node-metrics.ts';
import { openStore } from './open-store.ts';
import { RealClock } from './real-clock.ts';
import { RealDisk } from './real-disk.ts';
import { RealNetwork } from './real-network.ts';
import { CertificateFiles } from './tls/certificate-files.ts';
import { doorServerFactory } from './tls/door-server.ts';
import { TlsNetwork } from './tls/peer-network.ts';
import { WatchedDisk } from './watched-disk.ts';
import { WorkerLiveness } from './worker-liveness.ts';

/** How often `start` looks whether everything serves, and a forming node whether its seeds are there. */
const POLL_MS = 10;
const SEED_POLL_MS = 50;
/** Between handing leadership over and closing connections. */
const GRACE_MS = 150;

export class Node implements NodeApi, AdminSource {
  readonly #options: NodeOptions;
  readonly #log: Logger;
  readonly #clock = new RealClock();
  readonly #startedAt_ms: number;
  readonly #certificates: CertificateFiles | null;
  readonly #metrics: PrometheusMetrics;
  readonly #liveness: Liveness;
  readonly #cluster: Cluster;
  readonly #door: RedisDoor;
  readonly #cql: CqlDoor;
  readonly #admin: AdminServer;
  #lock: FolderLock | null = null;
  #listening: Promise<void> | null = null;
  #stopped = false;
  #draining = false;
  #ready = false;
  #failure: Error | null = null;
  #removal: Error | null = null;
  #tellRemoved: () => void = () => undefined;
  readonly #removed = new Promise<void>((resolve) => {
    this.#tellRemoved = resolve;
  });

  constructor(options: NodeOptions) {
    this.#options = options;
    this.#log = options.logger;
    // The process may be older than this object; what an earlier life promised ran out counted from its end.
    this.#startedAt_ms = this.#clock.monotonic_ms();
    const seed = randomBytes(4).readUInt32LE(0);
    const clock = this.#clock;
    const logger = options.logger;
    this.#metrics = new PrometheusMetrics({ node: nameOf(options) });
    this.#certificates = options.tlsFolder === undefined ? null : new CertificateFiles(options.tlsFolder, logger);
    const certificates = this.#certificates;
    this.#liveness = new WorkerLiveness(clock, {
      heartbeat_interval_ms: options.heartbeatInterval_ms,
      promise_ms: options.supportDuration_ms,
      sealKey: certificates?.current.peersKey.toString('hex') ?? '',
    });
    this.#liveness.onFailed = (error) => this.#fail(error);
    const prng = new Prng(seed);
    this.#cluster = new Cluster({
      disk: new RealDisk(),
      network: certificates === null ? new RealNetwork() : new TlsNetwork(certificates),
      clock,
      prng: prng.fork(),
      logger,
      liveness: this.#liveness,
      openStorage: (canRebuild) => this.#openStorage(prng.fork(), canRebuild),
      folder: options.dataFolder,
      bornAt_ms: this.#startedAt_ms,
      join: options.join.map((member) => parseMember(member, options.ports.peer)),
      replicationFactor: options.replicationFactor,
      tablets: options.tablets,
      supportDuration_ms: options.supportDuration_ms,
      tick_ms: options.tick_ms,
      electionTicks: options.electionTicks,
      flushInterval_ms: options.flushInterval_ms,
      requestTimeout_ms: options.requestTimeout_ms,
      inFlightBytesMax: options.inflight_bytes_max,
      readCacheBytes: options.readCache_bytes,
      failed: (error) => this.#fail(error),
      removed: (error) => this.#noteRemoved(error),
    });
    this.#door = new RedisDoor({
      router: this.#cluster,
      access: this.#cluster.access,
      clock,
      logger,
      createServer: doorServerFactory(
        certificates,
        !options.plainClients,
        Buffer.from('-ERR this port takes TLS only\r\n'),
      ),
      host: options.host,
      clusterPort: options.ports.redis,
      singlePort: options.ports.redisSingle,
      deadline_ms: options.requestTimeout_ms,
      configuration: {
        'proto-max-bulk-len': String(options.bulkLength_bytes_max),
        maxclients: String(options.clients_max),
      },
      seed: prng.uint32(),
    });
    this.#cql = makeCqlDoor({
      router: this.#cluster,
      catalog: this.#cluster.catalog,
      access: this.#cluster.access,
      clock,
      logger,
      createServer: doorServerFactory(certificates, !options.plainClients),
      host: options.host,
      port: options.ports.cql,
      clients_max: options.clients_max,
      deadline_ms: options.requestTimeout_ms,
    });
    this.#admin = new AdminServer({
      host: options.host,
      port: options.ports.admin,
      faultInjection: options.faultInjection,
      createServer: doorServerFactory(certificates, !options.plainClients),
      source: this,
      logger,
    });
    registerNodeMetrics(this.#metrics, this.#cluster, { redis: this.#door, cql: this.#cql }, this.#liveness);
  }

  async start(): Promise<void> {
    await this.whenListening();
    if (this.#options.join.length === 0) await this.#formAlone();
    else if (this.#options.autoInit) await this.#formWhenAllAreThere();
    await this.#cluster.whenEntered();
    while (!this.#cluster.serving) {
      if (this.#failure !== null) throw this.#failure;
      if (this.#removal !== null) throw this.#removal;
      if (this.#stopped)
        throw new FolkmootError('DRAINING', 'the node was stopped before it served', 'Start it again.');
      await this.#sleep(POLL_MS);
    }
    await this.#cql.whenCurrent();
    this.#ready = true;
  }

  whenListening(): Promise<void> {
    this.#listening ??= this.#listen();
    return this.#listening;
  }

  async init(access: FirstAccess = this.#options.access): Promise<void> {
    await this.whenListening();
    await this.#form(access);
  }

  async drain(): Promise<void> {
    this.#draining = true;
    await this.#cluster.drain(this.#options.drainTimeout_ms);
    // Clients that know the cluster are told where the leaders are now, instead of finding a closed connection.
    await this.#sleep(GRACE_MS);
    await Promise.all([
      this.#door.drain(this.#options.drainTimeout_ms),
      this.#cql.drain(this.#options.drainTimeout_ms),
    ]);
    // A peer that had not heard yet may have handed something back meanwhile.
    await this.#cluster.drain(this.#options.drainTimeout_ms);
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    await this.#door.stop();
    await this.#cql.stop();
    await this.#cluster.stop();
    await this.#admin.stop();
    this.#certificates?.stop();
    await this.#lock?.release();
  }

  whenRemoved(): Promise<void> {
    return this.#removed;
  }

  status(): ClusterStatus {
    return clusterStatus(this.#cluster, (this.#clock.monotonic_ms() - this.#startedAt_ms) / 1_000);
  }

  ready(): boolean {
    return this.#ready && !this.#draining && this.#cluster.serving;
  }

  healthy(): HealthReport {
    const reasons: string[] = [];
    if (this.#failure !== null) reasons.push(this.#failure.message);
    const space = this.#cluster.storage?.wal.spaceError;
    if (space) reasons.push(`no room for the write-ahead log: ${space.message}`);
    return { ok: reasons.length === 0, reasons };
  }

  metricsText(): Promise<string> {
    return this.#metrics.text();
  }

  transfer(tablet: TabletId, node: NodeId): Promise<void> {
    return this.#cluster.administration.transfer(tablet, node);
  }

  addReplica(tablet: TabletId, node: NodeId): Promise<void> {
    return this.#cluster.administration.request({ type: 'addReplica', tablet, node });
  }

  removeReplica(tablet: TabletId, node: NodeId): Promise<void> {
    return this.#cluster.administration.request({ type: 'removeReplica', tablet, node });
  }

  removeNode(node: NodeId): Promise<void> {
    return this.#cluster.administration.request({ type: 'removeNode', node });
  }

  shiftClock(by_ms: number): void {
    this.#clock.shiftWall(by_ms);
  }

  block(nodes: readonly NodeId[], deafTo: readonly NodeId[]): void {
    this.#cluster.block(nodes, deafTo);
  }

  async #listen(): Promise<void> {
    const { host, ports, dataFolder, zone } = this.#options;
    this.#lock = await lockFolder(dataFolder);
    try {
      await this.#door.start().catch((error: unknown) => {
        const port = portInError(error) ?? ports.redis;
        throw listenError(error, host, port, port === ports.redis ? 'redis-port' : 'redis-single-port');
      });
      await this.#cql.start().catch((error: unknown) => {
        throw listenError(error, host, ports.cql, 'cql-port');
      });
      await this.#admin.start();
      this.#certificates?.watch(this.#clock);
      await this.#cluster.listen({
        token: randomBytes(16).toString('hex'),
        redisId: randomBytes(20).toString('hex'),
        name: nameOf(this.#options),
        host,
        zone,
        ports: {
          redis: this.#door.clusterPort,
          redisSingle: this.#door.singlePort,
          cql: this.#cql.port,
          admin: this.#admin.port,
          peer: ports.peer,
        },
      });
    } catch (error) {
      const failure = startError(error, dataFolder, ports);
      await this.stop().catch((second: unknown) => this.#log.warn({ error: second }, 'stopping after a failed start'));
      throw failure;
    }
  }

  async #openStorage(prng: Prng, canRebuild: boolean): Promise<OpenedStorage> {
    const { dataFolder, walSegment_bytes } = this.#options;
    const { wal, recovery } = await Wal.open({
      disk: new WatchedDisk(new RealDisk(), this.#liveness),
      folder: join(dataFolder, 'wal'),
      logger: this.#log,
      prng,
      segmentBytes: walSegment_bytes,
    });
    try {
      const store = await openStore(join(dataFolder, 'store'), canRebuild, this.#log);
      return { wal, recovery, ...store };
    } catch (error) {
      await wal.close();
      throw error;
    }
  }

  async #formAlone(): Promise<void> {
    if (this.#cluster.identity.node === 0) await this.#form(this.#options.access);
  }

  async #form(access: FirstAccess): Promise<void> {
    const { host, join: members, ports } = this.#options;
    const hosts = [host, ...members.map((member) => parseMember(member, ports.peer).host)];
    await this.#cluster.form(await decideAccess(access, hosts));
  }

  /** The first of the initial members forms the cluster once all of them answer; the others wait to be taken in. */
  async #formWhenAllAreThere(): Promise<void> {
    const { host, join: members, ports } = this.#options;
    const first = parseMember(members[0] ?? host, ports.peer);
    if (first.host !== host || first.port !== ports.peer) return;
    while (this.#cluster.identity.node === 0 && !this.#stopped) {
      if (await this.#cluster.seedsAreReadyToForm()) {
        await this.#form(this.#options.access);
        return;
      }
      await this.#sleep(SEED_POLL_MS);
    }
  }

  #noteRemoved(error: Error): void {
    if (this.#removal !== null) return;
    this.#removal = error;
    this.#log.warn({}, `${error.message}; it stops`);
    this.#tellRemoved();
  }

  #fail(error: Error): void {
    if (this.#failure !== null || this.#stopped) return;
    this.#failure = error;
    this.#log.error({ error }, 'the node has to end');
    // Whoever runs the process decides how it ends; that it ends is not open to discussion (crash over corruption).
    setImmediate(() => {
      throw error;
    });
  }

  #sleep(delay_ms: number): Promise<void> {
    return new Promise((resolve) => this.#clock.after(delay_ms, resolve));
  }
}

function nameOf(options: NodeOptions): string {
  return options.name ?? options.host;
}

/** `host` or `host:port`. IPv6 addresses are written in brackets. */
function parseMember(member: string, port: number): { host: string; port: number } {
  const match = /^(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(member);
  const host = match?.[1];
  if (host === undefined) {
    throw new FolkmootError('OPTION_INVALID', `${member} is not host or host:port`, 'Correct --join.');
  }
  return { host: host.replace(/^\[|\]$/g, ''), port: match?.[2] === undefined ? port : Number(match[2]) };
}

function portInError(error: unknown): number | undefined {
  return error instanceof Error && 'port' in error && typeof error.port === 'number' ? error.port : undefined;
}

/** The error in words for an operator, with its cure. */
function startError(error: unknown, folder: string, ports: NodePorts): unknown {
  if (error instanceof FolkmootError) return error;
  if (error instanceof AddressError) return listenError(error, error.host, error.port || ports.peer, 'peer-port');
  return folderError(error, folder);
}
