/**
 * The PostgreSQL door of a node: the gateway between clients and the PostgreSQL servers of the cluster. Two ports: one to the primary,
 * one to those who may be read.
 *
 * Life-cycle, called by the node: `start` opens the ports; `drain` takes no more clients and lets those there finish their transactions;
 * `stop` closes everything.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import type { Clock, Timer } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { AccessControl } from '../../cluster/access/access-control.ts';
import { type NodeId, type Router, Service } from '../../cluster/view.ts';
import { tooManyClients } from './errors.ts';
import { DEFAULT_LIMITS, type GatewayLimits, MANAGED_SETTINGS } from './limits.ts';
import { CausalReads } from './pool/causal-reads.ts';
import type { PoolKind } from './pool/kinds.ts';
import { Pool } from './pool/pool.ts';
import { type PoolRow, poolRow } from './pool/pool-rows.ts';
import { Routes } from './pool/routes.ts';
import type { ServerConnection } from './pool/server-connection.ts';
import { errorResponse } from './protocol/messages.ts';
import type { GatewayControl, PostgresServers } from './servers.ts';
import type { ClientSession } from './session/client-session.ts';
import { Listeners } from './session/listeners.ts';
import { Login } from './session/login.ts';
import type { LoginHost, SocketUpgrade } from './session/login-host.ts';
import { PreparedStatements } from './session/prepared-statements.ts';
import { type GatewayStatistics, newStatistics } from './statistics.ts';

export interface PostgresDoorOptions {
  readonly servers: PostgresServers;
  readonly router: Router;
  readonly access: AccessControl;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly host: string;
  /** To the primary; 0 takes any free one. */
  readonly port: number;
  /** To standbys; 0 takes any free one. */
  readonly readPort: number;
  readonly clients_max: number;
  /** Null without certificates. */
  readonly secure: SocketUpgrade | null;
  /** Clients without TLS are refused. */
  readonly tlsRequired: boolean;
  readonly limits?: Partial<GatewayLimits>;
  /** Settings that ALTER SYSTEM must not touch. */
  readonly managedSettings?: ReadonlySet<string>;
}

const SWEEP_MS = 100;
const CANCEL_MS = 3_000;
const DRAIN_CHECK_MS = 20;
/** For superusers, when all other places are taken. */
const RESERVED_CLIENTS = 3;
/** The first byte of what gateways ask each other. */
const Ask = { cancel: 1, leave: 2 } as const;
/** Bits of a process id that tell the node, and those that tell the session on it. */
const NODE_BITS = 11;
const SESSION_BITS = 20;

export class PostgresDoor implements LoginHost, GatewayControl {
  readonly statistics: GatewayStatistics = newStatistics();
  readonly servers: PostgresServers;
  readonly routes: Routes;
  readonly limits: GatewayLimits;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly access: AccessControl;
  readonly secure: SocketUpgrade | null;
  readonly tlsRequired: boolean;
  readonly managed: ReadonlySet<string>;
  readonly prepared: PreparedStatements;
  readonly causalReads: CausalReads;
  readonly listeners: Listeners;
  now_ms: number;
  isDraining = false;
  readonly #options: PostgresDoorOptions;
  readonly #pools = new Map<string, Pool>();
  readonly #logins = new Set<{ destroy(): void }>();
  readonly #sessions = new Map<number, ClientSession>();
  /** Connections of all pools to each server. */
  readonly #connections = new Map<NodeId, number>();
  readonly #quiescing = new Set<() => void>();
  #sessionCount = randomBytes(4).readUInt32LE(0);
  #ports: { readonly kind: PoolKind; readonly server: Server }[] = [];
  #sweeping: Timer | undefined;
  #unwatch: () => void = () => undefined;

  constructor(options: PostgresDoorOptions) {
    this.#options = options;
    const { router, servers, clock } = options;
    this.servers = servers;
    this.routes = new Routes(servers, () => router.view().self);
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.logger = options.logger;
    this.clock = clock;
    this.access = options.access;
    this.secure = options.secure;
    this.tlsRequired = options.tlsRequired;
    this.managed = options.managedSettings ?? MANAGED_SETTINGS;
    this.prepared = new PreparedStatements(this.managed);
    this.causalReads = new CausalReads(this, clock);
    this.listeners = new Listeners(this);
    this.now_ms = clock.monotonic_ms();
    router.serve(Service.postgresGateway, (_from, request, respond) => {
      // A cancel request that came to another node.
      if (request[0] === Ask.cancel && request.length > 5)
        this.#cancelHere(request.readInt32BE(1), request.subarray(5));
      if (request[0] === Ask.leave) this.#leaveHere(request.toString('utf8', 1));
      respond(Buffer.alloc(0));
    });
  }

  /** The port to the primary that is open; 0 when closed. */
  get port(): number {
    return this.#portOf('primary');
  }

  /** The port to standbys. */
  get readPort(): number {
    return this.#portOf('read');
  }

  get clients(): number {
    return this.#sessions.size;
  }

  /** As PgBouncer's SHOW POOLS: a row for each role, database and port. */
  poolRows(): PoolRow[] {
    return [...this.#pools.values()].map((pool) => poolRow(pool, this.#sessions.values(), this.now_ms));
  }

  /** Rejects with Node's error (EADDRINUSE ...). */
  async start(): Promise<void> {
    const { port, readPort, servers, clock } = this.#options;
    this.#ports.push({ kind: 'primary', server: await this.#listen(port, 'primary') });
    this.#ports.push({ kind: 'read', server: await this.#listen(readPort, 'read') });
    this.#unwatch = servers.watch(() => this.#routesChanged());
    this.#sweeping = clock.every(SWEEP_MS, () => this.#sweep());
  }

  async drain(patience_ms: number): Promise<void> {
    const { clock } = this.#options;
    this.isDraining = true;
    for (const { server } of this.#ports) server.close();
    const end_ms = clock.monotonic_ms() + patience_ms;
    while (clock.monotonic_ms() < end_ms) {
      for (const session of [...this.#sessions.values()]) session.endWhenIdle();
      if (this.#sessions.size === 0) return;
      await new Promise<void>((resolve) => {
        clock.after(DRAIN_CHECK_MS, resolve);
      });
    }
  }

  async stop(): Promise<void> {
    this.isDraining = true;
    this.#sweeping?.cancel();
    this.#unwatch();
    for (const login of [...this.#logins]) login.destroy();
    for (const session of [...this.#sessions.values()]) session.destroy();
    this.causalReads.end();
    this.listeners.end();
    for (const pool of this.#pools.values()) pool.end();
    await Promise.all(this.#ports.map(({ server }) => closed(server)));
  }

  // --- GatewayControl

  async quiesce(patience_ms: number): Promise<number> {
    const { clock } = this.#options;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        patience.cancel();
        this.#quiescing.delete(look);
        resolve();
      };
      const look = (): void => {
        if (this.#running === 0) done();
      };
      const patience = clock.after(patience_ms, done);
      this.#quiescing.add(look);
      look();
    });
    return this.#running;
  }

  /** Transactions on the primary. */
  get #running(): number {
    let count = 0;
    for (const session of this.#sessions.values()) {
      if (session.pool.kind === 'primary' && session.isInTransaction) count += 1;
    }
    return count;
  }

  transactionEnded(): void {
    if (this.#quiescing.size === 0) return;
    for (const look of [...this.#quiescing]) look();
  }

  // --- for log-ins and sessions

  poolOf(kind: PoolKind, database: string, user: string): Pool {
    const key = `${kind}\0${database}\0${user}`;
    let pool = this.#pools.get(key);
    if (pool === undefined) {
      pool = new Pool(this, kind, database, user);
      this.#pools.set(key, pool);
    }
    return pool;
  }

  nextProcessId(): number {
    const node = this.#options.router.view().self & ((1 << NODE_BITS) - 1);
    for (;;) {
      this.#sessionCount = (this.#sessionCount + 1) & ((1 << SESSION_BITS) - 1);
      const processId = (node << SESSION_BITS) | this.#sessionCount;
      if (processId !== 0 && !this.#sessions.has(processId)) return processId;
    }
  }

  isFull(isSuperuser: boolean): boolean {
    return this.#sessions.size >= this.#options.clients_max + (isSuperuser ? RESERVED_CLIENTS : 0);
  }

  begun(session: ClientSession): void {
    this.#sessions.set(session.processId, session);
  }

  closed(session: { readonly processId: number }): void {
    this.#sessions.delete(session.processId);
    this.transactionEnded();
  }

  loginEnded(login: { destroy(): void }): void {
    this.#logins.delete(login);
  }

  /** The session may be on another node: its process id says on which. */
  cancel(processId: number, key: Buffer): void {
    const { router } = this.#options;
    if (this.#cancelHere(processId, key)) return;
    const { nodes, self } = router.view();
    const request = Buffer.alloc(5 + key.length);
    request[0] = Ask.cancel;
    request.writeInt32BE(processId, 1);
    key.copy(request, 5);
    for (const { id, alive } of nodes) {
      const isThere = (id & ((1 << NODE_BITS) - 1)) === processId >>> SESSION_BITS;
      if (isThere && alive && id !== self) router.call(id, Service.postgresGateway, request, () => undefined);
    }
  }

  #cancelHere(processId: number, key: Buffer): boolean {
    const session = this.#sessions.get(processId);
    if (session === undefined || session.key.length !== key.length || !timingSafeEqual(session.key, key)) return false;
    session.cancel();
    return true;
  }

  leaveDatabase(database: string): void {
    const { router } = this.#options;
    this.#leaveHere(database);
    const { nodes, self } = router.view();
    const request = Buffer.concat([Buffer.from([Ask.leave]), Buffer.from(database)]);
    // PostgreSQL itself waits for some seconds until all have gone, so nobody waits for the answers.
    for (const { id, alive } of nodes) {
      if (alive && id !== self) router.call(id, Service.postgresGateway, request, () => undefined);
    }
  }

  #leaveHere(database: string): void {
    for (const pool of this.#pools.values()) if (pool.database === database) pool.closeAllIdle();
  }

  cancelOn(connection: ServerConnection, done: () => void): void {
    const stream = this.servers.connect(connection.node);
    // It ends with PostgreSQL's end of it; where that does not come, the statement's connection must not be kept for it.
    const patience = this.clock.after(CANCEL_MS, () => stream.destroy());
    stream.on('error', () => stream.destroy());
    stream.once('close', () => {
      patience.cancel();
      done();
    });
    stream.resume();
    stream.on('end', () => stream.destroy());
    stream.write(connection.cancelMessage());
  }

  // --- for pools

  makeRoom(node: NodeId): boolean {
    const { serverConnections_max } = this.limits;
    if ((this.#connections.get(node) ?? 0) < serverConnections_max) return true;
    for (const pool of this.#pools.values()) if (pool.waitingCount === 0 && pool.closeOneIdle(node)) return true;
    return false;
  }

  isRole(name: string): boolean {
    return this.access.roles.has(name);
  }

  connectionMade(node: NodeId): void {
    this.#connections.set(node, (this.#connections.get(node) ?? 0) + 1);
  }

  connectionGone(node: NodeId): void {
    this.#connections.set(node, (this.#connections.get(node) ?? 1) - 1);
  }

  // --- inside

  #portOf(kind: PoolKind): number {
    const address = this.#ports.find((port) => port.kind === kind)?.server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  #listen(port: number, kind: PoolKind): Promise<Server> {
    const { host, logger } = this.#options;
    return new Promise((resolve, reject) => {
      const server = createServer({ noDelay: true, pauseOnConnect: true }, (socket) => this.#accept(socket, kind));
      server.once('error', reject);
      server.listen({ host, port, backlog: 1_024 }, () => {
        server.off('error', reject);
        server.on('error', (error) => logger.error({ error: error.message }, 'postgres port failed'));
        resolve(server);
      });
    });
  }

  #accept(socket: Socket, kind: PoolKind): void {
    this.statistics.clientsReceived += 1;
    // Those who have not logged in are bounded, too; a few more may try, since superusers are told apart only then.
    const places = this.#options.clients_max + RESERVED_CLIENTS;
    if (this.isDraining || this.#sessions.size >= places || this.#logins.size >= places) {
      this.statistics.clientsRejected += 1;
      socket.on('error', () => undefined);
      socket.end(errorResponse(tooManyClients()), () => socket.destroy());
      return;
    }
    this.#logins.add(new Login(this, kind, socket));
  }

  #routesChanged(): void {
    for (const pool of this.#pools.values()) pool.routesChanged();
    for (const session of [...this.#sessions.values()]) session.sweep();
    this.causalReads.sweep();
    this.listeners.sweep();
    this.transactionEnded();
  }

  #sweep(): void {
    this.now_ms = this.#options.clock.monotonic_ms();
    for (const [key, pool] of this.#pools) {
      pool.sweep();
      if (pool.isUnused) this.#pools.delete(key);
    }
    for (const session of [...this.#sessions.values()]) session.sweep();
    this.causalReads.sweep();
    this.listeners.sweep();
  }
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    if (server.listening) server.close(() => resolve());
    else resolve();
  });
}
