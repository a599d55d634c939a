/**
 * The Cassandra door of a node: one port, everything from socket bytes to statements and back.
 *
 * Life-cycle, called by the node: `start` opens the port; `drain` takes no more connections and lets those there finish what they asked
 * for; `stop` closes everything.
 */
import { createServer as createPlainServer, type Server, type ServerOpts, type Socket } from 'node:net';
import type { Clock, Timer } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { AccessControl } from '../../cluster/access/access-control.ts';
import type { Router } from '../../cluster/view.ts';
import { CqlError, ErrorCode } from './errors.ts';
import { ByteWriter } from './protocol/byte-writer.ts';
import { VERSION_MAX, writeFrame } from './protocol/frames.ts';
import { Opcode } from './protocol/messages.ts';
import type { SchemaRegistry } from './schema/schema-registry.ts';
import type { ClientView, PreparedView } from './schema/system/context.ts';
import { Connection } from './session/connection.ts';
import type { ConnectionHost, DoorStatistics } from './session/connection-host.ts';
import type { StatementEngine } from './session/engine.ts';
import { NodeEvents } from './session/node-events.ts';
import { writeError } from './session/responses.ts';
import { PreparedStatements } from './session/statements.ts';

export interface CqlDoorOptions {
  readonly router: Router;
  readonly access: AccessControl;
  readonly schema: SchemaRegistry;
  readonly engine: StatementEngine;
  /** What goes on without clients, as long as the door is open. */
  readonly background: { start(): void; stop(): void };
  /** Whether this node has learned what schema and users were when it was asked; false when nobody could say. */
  readonly catchUp: () => Promise<boolean>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  readonly clients_max: number;
  /** Makes the listening side; plain TCP when left out. */
  readonly createServer?: (options: ServerOpts, onSocket: (socket: Socket) => void) => Server;
}

const SUPPORTED = {
  CQL_VERSION: ['3.4.6'],
  COMPRESSION: ['lz4', 'snappy'],
  PROTOCOL_VERSIONS: ['3/v3', '4/v4', '5/v5'],
};
const DRAIN_CHECK_MS = 20;
/** A connection that nobody uses takes a place; drivers start up within milliseconds, log-ins may be slowed down. */
const START_UP_PATIENCE_MS = 30_000;
const START_UP_CHECK_MS = 1_000;
const CATCH_UP_RETRY_MS = 20;

export class CqlDoor {
  readonly statistics: DoorStatistics = {
    connectionsReceived: 0,
    connectionsRejected: 0,
    requests: 0,
    prepared: 0,
    errors: 0,
    unknownOutcomes: 0,
    bytesIn: 0,
    bytesOut: 0,
  };
  readonly #options: CqlDoorOptions;
  readonly #host: ConnectionHost<Connection>;
  readonly #connections = new Set<Connection>();
  readonly #events: NodeEvents;
  readonly #toFlush: Connection[] = [];
  #flushScheduled = false;
  #server: Server | undefined;
  #unwatch: (() => void)[] = [];
  #startUps: Timer | undefined;
  #stopped = false;
  #isCurrent = false;
  #becomeCurrent: () => void = () => undefined;
  readonly #current = new Promise<void>((resolve) => {
    this.#becomeCurrent = resolve;
  });

  constructor(options: CqlDoorOptions) {
    this.#options = options;
    const { clock, access, engine, router } = options;
    this.#host = {
      clock,
      access,
      engine,
      statements: new PreparedStatements(engine),
      statistics: this.statistics,
      supported: SUPPORTED,
      isCurrent: () => this.#isCurrent,
      flushLater: (connection) => this.#flushLater(connection),
      closed: (connection) => this.#connections.delete(connection),
    };
    this.#events = new NodeEvents(router, () => this.#connections);
  }

  /** The port that is open; 0 when closed. */
  get port(): number {
    const address = this.#server?.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** For tables of the system. */
  prepared(): Iterable<PreparedView> {
    return this.#host.statements.prepared();
  }

  /** For tables of the system. */
  *clients(): Iterable<ClientView> {
    for (const { view } of this.#connections) yield view;
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** Rejects with Node's error (EADDRINUSE ...). */
  async start(): Promise<void> {
    const { host, port, schema, clock } = this.#options;
    this.#server = await this.#listen(host, port);
    this.#unwatch = [
      schema.watch((change) => {
        for (const connection of this.#connections) {
          if (connection.isRegistered('SCHEMA_CHANGE')) connection.sendSchemaChange(change);
        }
      }),
      schema.follow(),
    ];
    this.#events.start(clock);
    this.#startUps = clock.every(START_UP_CHECK_MS, () => {
      for (const connection of this.#connections) connection.closeUnlessStarted(START_UP_PATIENCE_MS);
    });
    this.#options.background.start();
    void this.#catchUp();
  }

  /** Until then a node that was away knows an old schema, or none, and connections are refused. Ends with the door, too. */
  whenCurrent(): Promise<void> {
    return this.#current;
  }

  async #catchUp(): Promise<void> {
    const { catchUp, clock } = this.#options;
    while (!this.#stopped && !(await catchUp())) {
      await new Promise<void>((resolve) => {
        clock.after(CATCH_UP_RETRY_MS, resolve);
      });
    }
    this.#isCurrent = true;
    this.#becomeCurrent();
  }

  async drain(patience_ms: number): Promise<void> {
    const { clock } = this.#options;
    this.#server?.close();
    for (const connection of this.#connections) connection.closeAfterReplies();
    const end_ms = clock.monotonic_ms() + patience_ms;
    while (this.#connections.size > 0 && clock.monotonic_ms() < end_ms) {
      await new Promise<void>((resolve) => {
        clock.after(DRAIN_CHECK_MS, resolve);
      });
    }
  }

  async stop(): Promise<void> {
    this.#options.background.stop();
    this.#events.stop();
    this.#startUps?.cancel();
    this.#stopped = true;
    for (const end of this.#unwatch.splice(0)) end();
    for (const connection of this.#connections) connection.destroy();
    const server = this.#server;
    await new Promise<void>((resolve) => {
      if (server?.listening !== true) resolve();
      else server.close(() => resolve());
    });
  }

  #listen(host: string, port: number): Promise<Server> {
    const { createServer = createPlainServer, logger } = this.#options;
    return new Promise((resolve, reject) => {
      const server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
      server.once('error', reject);
      server.listen({ host, port, backlog: 1_024 }, () => {
        server.off('error', reject);
        server.on('error', (error) => logger.error({ error: error.message }, 'cql port failed'));
        resolve(server);
      });
    });
  }

  #accept(socket: Socket): void {
    this.statistics.connectionsReceived += 1;
    if (this.#connections.size >= this.#options.clients_max) {
      this.statistics.connectionsRejected += 1;
      socket.on('error', () => undefined);
      socket.end(tooManyClients(), () => socket.destroy());
      return;
    }
    this.#connections.add(new Connection(this.#host, socket));
  }

  #flushLater(connection: Connection): void {
    this.#toFlush.push(connection);
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    this.#options.clock.endOfTurn(this.#flushAll);
  }

  readonly #flushAll = (): void => {
    this.#flushScheduled = false;
    for (const connection of this.#toFlush.splice(0)) connection.flush();
  };
}

function tooManyClients(): Buffer {
  const writer = new ByteWriter();
  const error = new CqlError(ErrorCode.overloaded, 'The limit of connections to this node is reached');
  const options = { version: VERSION_MAX, stream: 0, opcode: Opcode.error, flags: 0, compression: null };
  writeFrame(writer, options, (body) => writeError(body, error, VERSION_MAX));
  return writer.take();
}
