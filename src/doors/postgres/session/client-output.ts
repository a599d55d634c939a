/**
 * What a client is told: PostgreSQL's words as they come, and the gateway's own, in one order, with one write for each burst.
 *
 * Two things are told at their own time. What PostgreSQL reports of itself (ParameterStatus) may be different on the next connection; the
 * client hears the difference when it has that. Notifications come between its transactions, as from PostgreSQL.
 */
import type { Writable } from 'node:stream';
import { Burst } from '../protocol/burst.ts';
import { parameterStatus } from '../protocol/messages.ts';
import type { GatewayStatistics } from '../statistics.ts';
import { SessionSettings } from './settings.ts';

/** Read-only sessions are told once what they are; the server of each transaction may be another one. */
const FIXED_FOR_READS = new Set(['in_hot_standby', 'default_transaction_read_only']);

export class ClientOutput {
  /** What PostgreSQL has reported to the client so far. */
  reported = SessionSettings.none;
  readonly #socket: Writable;
  readonly #statistics: GatewayStatistics;
  /** It is a session of the port for reading. */
  readonly #reads: boolean;
  readonly #burst = new Burst();
  #isHeld = false;
  /** Notifications that came within a transaction. */
  readonly #notifications: Buffer[] = [];

  constructor(socket: Writable, statistics: GatewayStatistics, reads: boolean) {
    this.#socket = socket;
    this.#statistics = statistics;
    this.#reads = reads;
  }

  /** A piece of what PostgreSQL says. The chunk must not change until the next flush. */
  pass(chunk: Buffer, from: number, to: number): void {
    this.#statistics.bytesOut += to - from;
    this.#burst.add(chunk, from, to);
  }

  /** A ParameterStatus of PostgreSQL. */
  passReported(chunk: Buffer, from: number, to: number, name: string): void {
    if (!this.#isFixed(name)) this.#burst.add(chunk, from, to);
  }

  /** The gateway's own words. */
  add(bytes: Buffer): void {
    this.#burst.addWhole(bytes);
  }

  /** Writes what was added. False when the client does not take more for now. */
  flush(): boolean {
    return this.#isHeld || this.#burst.flush(this.#socket);
  }

  /** What was added and what comes is kept back until `release`. */
  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
  }

  /** What was added and has not been flushed is not told. */
  drop(): void {
    this.#burst.clear();
  }

  /** Adds what this server reports otherwise than the last one. */
  addReported(reported: SessionSettings): void {
    for (const [name, value] of reported.values) {
      if (this.reported.get(name) === value || this.#isFixed(name)) continue;
      this.#burst.addWhole(parameterStatus(name, value));
    }
    this.reported = reported;
  }

  /** Keeps a NotificationResponse for `addNotifications`; how many are kept. */
  keepNotification(bytes: Buffer): number {
    return this.#notifications.push(bytes);
  }

  addNotifications(): void {
    if (this.#notifications.length === 0) return;
    for (const bytes of this.#notifications.splice(0)) this.#burst.addWhole(bytes);
  }

  #isFixed(name: string): boolean {
    return this.#reads && FIXED_FOR_READS.has(name);
  }
}
