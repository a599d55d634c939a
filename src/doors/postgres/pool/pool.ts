/**
 * Connections of one role in one database, for one port: to the primary, or to those who may be read. Sessions take one for a
 * transaction and give it back.
 *
 * Invariants:
 * 1. At most `pool_max` connections, and at most `serverConnections_max` of all pools to one server.
 * 2. Who waits is served in the order of coming; nobody is served while somebody waits longer.
 * 3. A connection is given out only while its server is the one that this pool is for (`Routes.isRight`).
 */
import type { NodeId } from '../../../cluster/view.ts';
import { Status } from '../protocol/codes.ts';
import { fieldOf } from '../protocol/messages.ts';
import type { SessionSettings } from '../session/settings.ts';
import type { PoolKind, PoolMode } from './kinds.ts';
import type { PoolHost } from './pool-host.ts';
import { type ConnectionOwner, ServerConnection } from './server-connection.ts';

/** A session that wants a connection. */
export interface Waiter {
  readonly settings: SessionSettings;
  /** It has it from now on. */
  given(connection: ServerConnection): void;
  /** It waits no more. `error`: an ErrorResponse of PostgreSQL, or null for the end of time or the lack of a server. */
  refused(error: Buffer | null): void;
  /** When it began to wait. */
  waitingSince_ms: number;
  /** Where it wants to read; 0 for the primary, whoever that is. */
  readonly node: NodeId;
}

/** How long a role of the cluster may be unknown to PostgreSQL, or a database to a standby. */
const APPEARS_MS = 1_000;
/** Between two attempts to open a connection after one has failed. */
const RETRY_MS = 20;
/** From the first byte to a connection that can serve; past it the way to the server is taken for broken. */
const OPENING_MS = 5_000;

export class Pool implements ConnectionOwner {
  readonly kind: PoolKind;
  readonly database: string;
  readonly user: string;
  /** As the role or the database is set (`ALTER ROLE ... SET folkmoot.pool_mode`); null until known. */
  mode: PoolMode | null = null;
  /** As the role or the database is set. */
  causalReads: boolean | null = null;
  /** What PostgreSQL reports to a new session with these settings. */
  welcomes = new WeakMap<SessionSettings, SessionSettings>();
  readonly #host: PoolHost;
  readonly #all = new Set<ServerConnection>();
  /** The one used last is last: a few warm ones do most of the work, and the others can be closed. */
  readonly #idle: ServerConnection[] = [];
  readonly #waiting: Waiter[] = [];
  #opening = 0;
  #isResting = false;
  #plans = 0;

  constructor(host: PoolHost, kind: PoolKind, database: string, user: string) {
    this.#host = host;
    this.kind = kind;
    this.database = database;
    this.user = user;
  }

  /** Sessions that are of this pool. */
  sessions = 0;

  /** Nobody would miss it. */
  get isUnused(): boolean {
    return this.sessions === 0 && this.#all.size === 0 && this.#waiting.length === 0;
  }

  get size(): number {
    return this.#all.size;
  }

  get idleCount(): number {
    return this.#idle.length;
  }

  get waitingCount(): number {
    return this.#waiting.length;
  }

  get connections(): Iterable<ServerConnection> {
    return this.#all;
  }

  longestWait_ms(now_ms: number): number {
    const [first] = this.#waiting;
    return first === undefined ? 0 : now_ms - first.waitingSince_ms;
  }

  /** Calls `given` now, or later, or `refused`. True when it was given now. */
  take(waiter: Waiter): boolean {
    if (this.#waiting.length === 0 && !this.#host.routes.isHeld(this.kind)) {
      const connection = this.#pick(waiter);
      if (connection !== null) {
        waiter.given(connection);
        return true;
      }
    }
    this.#host.statistics.waits += 1;
    waiter.waitingSince_ms = this.#host.now_ms;
    this.#waiting.push(waiter);
    this.serve();
    return false;
  }

  /** It waits no more, and is not told. */
  forget(waiter: Waiter): void {
    const at = this.#waiting.indexOf(waiter);
    if (at >= 0) this.#waiting.splice(at, 1);
  }

  /** A session has done with it; nothing is owed, no transaction is open. */
  giveBack(connection: ServerConnection): void {
    if (connection.isClosed) return;
    if (connection.isSpoiled || !this.#host.routes.isRight(this.kind, connection)) {
      connection.close();
      return;
    }
    if (connection.plans !== this.#plans) {
      this.#forgetPlans(connection);
      return;
    }
    connection.idleSince_ms = this.#host.now_ms;
    this.#idle.push(connection);
    if (this.#waiting.length > 0) this.serve();
  }

  /** Gives connections to who waits, and opens some when there are too few. */
  serve(): void {
    const { routes } = this.#host;
    for (let i = 0; i < this.#waiting.length && !routes.isHeld(this.kind); ) {
      const waiter = this.#waiting[i] as Waiter;
      const connection = this.#pick(waiter);
      if (connection !== null) {
        this.#waiting.splice(i, 1);
        waiter.given(connection);
        // Whoever was given one may have given it back already, and others have been served with it.
        i = 0;
      } else if (waiter.node === 0) break;
      else i += 1;
    }
    this.#grow();
  }

  /** Called ten times a second: ends waits that took too long, closes what is not used, tries again what failed. */
  sweep(): void {
    const { now_ms, limits, routes } = this.#host;
    while (this.#waiting.length > 0) {
      const first = this.#waiting[0] as Waiter;
      if (now_ms - first.waitingSince_ms < limits.wait_ms && !routes.isHopeless) break;
      this.#waiting.shift();
      this.#host.statistics.waitTimeouts += 1;
      first.refused(null);
    }
    for (let i = 0; i < this.#idle.length; ) {
      const connection = this.#idle[i] as ServerConnection;
      const isRight = routes.isRight(this.kind, connection);
      if (isRight && now_ms - connection.idleSince_ms < limits.serverIdle_ms) i += 1;
      else {
        this.#idle.splice(i, 1);
        connection.close();
      }
    }
    for (const connection of [...this.#all]) {
      if (connection.isOpening && now_ms - connection.openedAt_ms > OPENING_MS) connection.destroy();
    }
    this.serve();
  }

  /** Roles have moved: what leads to a server that is not the right one any more is ended. */
  routesChanged(): void {
    const { routes } = this.#host;
    this.welcomes = new WeakMap();
    for (const connection of [...this.#all]) {
      if (routes.isRight(this.kind, connection)) continue;
      // Whoever has it goes on to the end of the transaction where its server is still there and only its role has changed.
      if (connection.served !== null && routes.mayFinish(this.kind, connection)) continue;
      this.#remove(connection);
      connection.destroy();
    }
    this.serve();
  }

  /** Closes the connection that was used least recently, to make room for another pool. */
  closeOneIdle(node: NodeId): boolean {
    const at = this.#idle.findIndex((connection) => connection.node === node);
    const [connection] = at < 0 ? [] : this.#idle.splice(at, 1);
    if (connection === undefined) return false;
    this.#remove(connection);
    connection.close();
    return true;
  }

  closeAllIdle(): void {
    for (const connection of this.#idle.splice(0)) connection.close();
  }

  end(): void {
    for (const waiter of this.#waiting.splice(0)) waiter.refused(null);
    for (const connection of [...this.#all]) connection.destroy();
  }

  // --- called by connections

  opened(connection: ServerConnection): void {
    this.#host.statistics.serversOpened += 1;
    connection.plans = this.#plans;
    connection.work(OWN_SETTINGS, (error, rows) => {
      this.#opening -= 1;
      if (error !== null) {
        connection.destroy();
        return;
      }
      const [mode, causal, isStandby] = rows[0] ?? [];
      // A node that is cut off from the others may not have heard that its primary is one no more. As long as the connection lives the
      // server stays what it is: a primary becomes a standby by a restart only.
      if (this.kind === 'primary' && isStandby !== 'f') {
        connection.destroy();
        this.#rest();
        return;
      }
      this.mode = mode === 'session' ? 'session' : 'transaction';
      this.causalReads = causal !== 'off' && causal !== 'false';
      this.giveBack(connection);
      this.#grow();
    });
  }

  failed(connection: ServerConnection, error: Buffer | Error): void {
    this.#opening -= 1;
    this.#remove(connection);
    this.#host.statistics.serversFailed += 1;
    this.#rest();
    if (error instanceof Error) {
      this.#host.logger.debug({ error: error.message, node: connection.node }, 'no connection to PostgreSQL');
      return;
    }
    // It starts, or has no room: that passes. Everything else would be the same the next time.
    if (isPassing(error) || this.#isNotThereYet(error)) return;
    for (const waiter of this.#waiting.splice(0)) waiter.refused(error);
  }

  /** A role or a database that has just been made is not everywhere at once. */
  #isNotThereYet(error: Buffer): boolean {
    const code = codeOf(error);
    if (this.longestWait_ms(this.#host.now_ms) > APPEARS_MS) return false;
    return (code === '28000' && this.#host.isRole(this.user)) || (code === '3D000' && this.kind === 'read');
  }

  closed(connection: ServerConnection): void {
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
    this.#remove(connection);
    if (this.#waiting.length > 0) this.serve();
  }

  plansChanged(): void {
    this.#plans += 1;
  }

  // --- inside

  /** Before the next attempt. */
  #rest(): void {
    if (this.#isResting) return;
    this.#isResting = true;
    this.#host.clock.after(RETRY_MS, () => {
      this.#isResting = false;
      this.serve();
    });
  }

  #remove(connection: ServerConnection): void {
    if (this.#all.delete(connection)) this.#host.connectionGone(connection.node);
  }

  /** Every statement that was prepared there is prepared again when it is wanted. */
  #forgetPlans(connection: ServerConnection): void {
    connection.plans = this.#plans;
    connection.prepared.clear();
    connection.unnamed = null;
    connection.work('DEALLOCATE ALL', (error) => {
      if (error !== null || connection.status !== Status.idle) connection.destroy();
      else this.giveBack(connection);
    });
  }

  #pick(waiter: Waiter): ServerConnection | null {
    const idle = this.#idle;
    const { routes } = this.#host;
    let found = -1;
    for (let i = idle.length - 1; i >= 0; i -= 1) {
      const connection = idle[i] as ServerConnection;
      if (waiter.node !== 0 && connection.node !== waiter.node) continue;
      if (!routes.isRight(this.kind, connection)) continue;
      if (connection.plans !== this.#plans) continue;
      if (found < 0) found = i;
      // One that is as the session wants it saves a round trip.
      if (connection.settings !== waiter.settings) continue;
      found = i;
      break;
    }
    if (found < 0) {
      this.#refreshPlans();
      return null;
    }
    const connection = idle[found] as ServerConnection;
    if (found === idle.length - 1) idle.pop();
    else idle.splice(found, 1);
    return connection;
  }

  /** Whether one more to that node fits; one that leads elsewhere and is not used makes room. */
  #hasRoom(node: NodeId): boolean {
    if (this.#all.size < this.#host.limits.pool_max) return true;
    const other = this.#idle.find((connection) => connection.node !== node);
    return other !== undefined && this.closeOneIdle(other.node);
  }

  #refreshPlans(): void {
    for (const connection of this.#idle.splice(0)) {
      if (connection.plans === this.#plans) this.#idle.push(connection);
      else this.#forgetPlans(connection);
    }
  }

  #grow(): void {
    const { routes } = this.#host;
    if (this.#waiting.length === 0 || this.#isResting) return;
    const isHeld = routes.isHeld(this.kind);
    if (isHeld && this.kind !== 'primary') return;
    // While transactions are held, those that are there wait for the primary as their sessions do.
    const ready = isHeld ? this.#idle.length : 0;
    while (this.#opening + ready < this.#waiting.length) {
      const waiter = this.#waiting[this.#opening] as Waiter;
      const node = waiter.node === 0 ? routes.nextPrimary : waiter.node;
      if (node === 0 || !this.#hasRoom(node) || !this.#host.makeRoom(node)) return;
      this.#opening += 1;
      this.#host.connectionMade(node);
      const place = { node, epoch: routes.epoch, user: this.user, database: this.database };
      const stream = this.#host.servers.connect(node);
      this.#all.add(new ServerConnection(this, place, stream, this.#host.now_ms));
    }
  }
}

const OWN_SETTINGS =
  "SELECT pg_catalog.current_setting('folkmoot.pool_mode', true), pg_catalog.current_setting('folkmoot.causal_reads', true), pg_catalog.pg_is_in_recovery()";

/** cannot_connect_now, too_many_connections, admin_shutdown */
const PASSING = new Set(['57P03', '53300', '57P01']);

function isPassing(error: Buffer): boolean {
  return PASSING.has(codeOf(error) ?? '');
}

function codeOf(error: Buffer): string | undefined {
  return fieldOf(error, 0, error.length, 'C');
}
