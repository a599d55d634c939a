/**
 * The Redis door of a node: the two ports, everything from socket bytes to `router.submit` and back.
 *
 * Life-cycle, called by the node: `start` opens the ports; `drain` stops taking connections and lets those there finish
 * what they asked for; `stop` closes everything. Each may be called once, in this order; `stop` also without `drain`.
 */
import { randomBytes } from 'node:crypto';
import { createServer as createPlainServer, type Server, type ServerOpts, type Socket } from 'node:net';
import type { Clock, Timer } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import { Prng } from '../../base/prng.ts';
import type { AccessControl } from '../../cluster/access/access-control.ts';
import type { Router } from '../../cluster/view.ts';
import { Acl } from './acl/acl.ts';
import { BackgroundCycle } from './background.ts';
import { ClientRegistry } from './client-registry.ts';
import { CommandTable } from './command-table.ts';
import { commandSpecs } from './commands/all.ts';
import { Configuration } from './configuration.ts';
import { ErrorText } from './errors.ts';
import { Forwarder } from './forward.ts';
import { Executor } from './operation.ts';
import { OutputAssembler } from './output.ts';
import { ReplyWriter } from './reply-writer.ts';
import { Connection, type ConnectionHost } from './session.ts';
import type { ClientSession, DoorServices, PortKind } from './session-view.ts';
import { DoorStatistics } from './statistics.ts';
import { Topology } from './topology.ts';
import { TurnBudget } from './turn-budget.ts';

export interface RedisDoorOptions {
  readonly router: Router;
  readonly access: AccessControl;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Makes the listening side; plain TCP when left out. */
  readonly createServer?: (options: ServerOpts, onSocket: (socket: Socket) => void) => Server;
  /** Address to listen on. */
  readonly host: string;
  /** Redis Cluster port; 0 takes any free one, undefined leaves it closed. */
  readonly clusterPort: number | undefined;
  /** Single-endpoint port; 0 takes any free one, undefined leaves it closed. */
  readonly singlePort: number | undefined;
  /** How long a command waits for a leader before it is answered with CLUSTERDOWN. Default 5,000 ms. */
  readonly deadline_ms?: number;
  /** Settings by their Redis names, as CONFIG SET takes them. */
  readonly configuration?: Readonly<Record<string, string>>;
  /** Draws of RANDOMKEY. */
  readonly seed?: number;
}

export const DEADLINE_MS_DEFAULT = 5_000;
const IDLE_CHECK_MS = 1_000;
const DRAIN_CHECK_MS = 20;

export class RedisDoor {
  readonly statistics = new DoorStatistics();
  readonly clients: ClientRegistry<ClientSession>;
  readonly #options: RedisDoorOptions;
  readonly #services: DoorServices;
  readonly #host: ConnectionHost;
  readonly #background: BackgroundCycle;
  readonly #connections = new Set<Connection>();
  readonly #toFlush: Connection[] = [];
  #flushScheduled = false;
  #cluster: Server | undefined;
  #single: Server | undefined;
  #idleTimer: Timer | undefined;
  #unwatch: () => void = () => undefined;

  constructor(options: RedisDoorOptions) {
    const { router, clock, logger } = options;
    this.#options = options;
    const configuration = new Configuration(options.configuration);
    const table = new CommandTable<ClientSession>(commandSpecs);
    const topology = new Topology(router);
    const deadline_ms = options.deadline_ms ?? DEADLINE_MS_DEFAULT;
    const { statistics } = this;
    const forwarder = new Forwarder(router, table, statistics);
    const prng = new Prng(options.seed ?? Math.floor(clock.wall_ms()));
    const turn = new TurnBudget(clock);
    const executor = new Executor({
      router,
      clock,
      deadline_ms,
      topology,
      statistics,
      forwarder,
      turn,
      limits: configuration,
      prng: prng.fork(),
      table,
    });
    forwarder.serve(executor);
    this.clients = new ClientRegistry<ClientSession>(clock);
    const { clients } = this;
    this.#services = {
      router,
      clock,
      logger,
      prng,
      configuration,
      clients,
      statistics,
      acl: new Acl<ClientSession>(options.access, table, clock),
      table,
      topology,
      executor,
      deadline_ms,
      randomHex: (digits) =>
        randomBytes(Math.ceil(digits / 2))
          .toString('hex')
          .slice(0, digits),
      startedWall_ms: clock.wall_ms(),
      ports: () => ({ cluster: this.clusterPort, single: this.singlePort }),
    };
    this.#host = {
      door: this.#services,
      output: new OutputAssembler(),
      writer: new ReplyWriter(),
      turn,
      flushLater: (connection) => this.#flushLater(connection),
      closed: (connection) => this.#closed(connection),
    };
    this.#background = new BackgroundCycle(this.#services);
  }

  /** The port that is open, also when any free one was asked for; 0 when closed. */
  get clusterPort(): number {
    return portOf(this.#cluster);
  }

  get singlePort(): number {
    return portOf(this.#single);
  }

  /** Opens the ports. Rejects with Node's error (EADDRINUSE ...) when one cannot be opened; then none is. */
  async start(): Promise<void> {
    const { host, clusterPort, singlePort } = this.#options;
    try {
      if (clusterPort !== undefined) this.#cluster = await this.#listen('cluster', host, clusterPort);
      if (singlePort !== undefined) this.#single = await this.#listen('single', host, singlePort);
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#unwatch = this.#options.access.watch(() => {
      for (const connection of this.#connections) connection.accessChanged();
    });
    this.#background.start();
    this.#idleTimer = this.#services.clock.every(IDLE_CHECK_MS, () => this.#closeIdle());
  }

  /** Takes no new connections, answers what was asked, then closes; gives up after `patience_ms`. */
  async drain(patience_ms = 5_000): Promise<void> {
    const { clock } = this.#services;
    this.#cluster?.close();
    this.#single?.close();
    this.#background.stop();
    for (const connection of this.#connections) connection.closeAfterReplies();
    const end_ms = clock.monotonic_ms() + patience_ms;
    while (this.#connections.size > 0 && clock.monotonic_ms() < end_ms) {
      await new Promise<void>((resolve) => {
        clock.after(DRAIN_CHECK_MS, resolve);
      });
    }
  }

  /** Closes everything at once. */
  async stop(): Promise<void> {
    this.#background.stop();
    this.#idleTimer?.cancel();
    this.#unwatch();
    for (const connection of this.#connections) connection.destroy();
    const servers = [this.#cluster, this.#single];
    await Promise.all(
      servers.map(
        (server) =>
          new Promise<void>((resolve) => {
            if (server?.listening !== true) resolve();
            else server.close(() => resolve());
          }),
      ),
    );
  }

  #listen(kind: PortKind, host: string, port: number): Promise<Server> {
    return new Promise((resolve, reject) => {
      // Half open: who sends commands and then closes its side still gets the replies.
      const { createServer = createPlainServer } = this.#options;
      const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => this.#accept(kind, socket));
      server.once('error', reject);
      server.listen({ host, port, backlog: 1_024 }, () => {
        server.off('error', reject);
        server.on('error', (error) => this.#options.logger.error({ error: error.message }, 'redis port failed'));
        resolve(server);
      });
    });
  }

  #accept(kind: PortKind, socket: Socket): void {
    this.statistics.connectionsReceived += 1;
    if (this.#connections.size >= this.#services.configuration.clients_max) {
      this.statistics.connectionsRejected += 1;
      socket.on('error', () => undefined);
      socket.end(`-${ErrorText.maxClients}\r\n`, () => socket.destroy());
      return;
    }
    const connection = new Connection(this.#host, socket, kind, this.#services.clock.wall_ms());
    this.#connections.add(connection);
    this.clients.add(connection);
  }

  #closed(connection: Connection): void {
    this.#connections.delete(connection);
    this.clients.remove(connection);
  }

  #flushLater(connection: Connection): void {
    this.#toFlush.push(connection);
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    this.#services.clock.endOfTurn(this.#flushAll);
  }

  // One function for all turns: a closure for each is what hot paths avoid.
  readonly #flushAll = (): void => {
    this.#flushScheduled = false;
    const list = this.#toFlush.splice(0);
    for (const connection of list) connection.flush();
  };

  #closeIdle(): void {
    const limit_ms = this.#services.configuration.idleTimeout_ms;
    if (limit_ms === 0) return;
    const now_ms = this.#services.clock.wall_ms();
    for (const connection of this.#connections) {
      if (connection.inFlightCount === 0 && now_ms - connection.lastActive_ms > limit_ms) connection.destroy();
    }
  }
}

function portOf(server: Server | undefined): number {
  const address = server?.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
