/**
 * Cancel requests of one session, on their way to its connection: one at a time.
 *
 * A request may arrive after the end of what it was to cancel, so the connection stays with the session until it has (`whenArrived`). And
 * a cancel may end a commit's wait for its standbys, which PostgreSQL tells with a warning; where the session has turned warnings off, a
 * cancelled commit that reports success is taken for one that did not wait (`takeUnseen`).
 */
import type { ServerConnection } from '../pool/server-connection.ts';
import type { SessionHost } from './session-host.ts';
import type { SessionSettings } from './settings.ts';

/** Values of client_min_messages that keep warnings back. */
const SILENT_LEVELS = new Set(['error', 'fatal', 'panic']);

export class Cancellation {
  readonly #host: SessionHost;
  #isUnderWay = false;
  #onArrival: (() => void) | null = null;
  /** PostgreSQL would not say what the cancel has done to a commit. */
  #isUnseen = false;

  constructor(host: SessionHost) {
    this.#host = host;
  }

  get isUnderWay(): boolean {
    return this.#isUnderWay;
  }

  /** `settings`: the session's, or null when they are not known now. */
  send(connection: ServerConnection, settings: SessionSettings | null): void {
    if (this.#isUnderWay) return;
    this.#host.statistics.cancels += 1;
    this.#isUnderWay = true;
    const level = settings?.get('client_min_messages') ?? '';
    this.#isUnseen = settings === null || SILENT_LEVELS.has(level.toLowerCase());
    this.#host.cancelOn(connection, () => {
      this.#isUnderWay = false;
      const arrived = this.#onArrival;
      this.#onArrival = null;
      arrived?.();
    });
  }

  /** Only while a request is under way. */
  whenArrived(arrived: () => void): void {
    this.#onArrival = arrived;
  }

  /** An error has been told, so it is no success that is doubted. */
  errorTold(): void {
    this.#isUnseen = false;
  }

  /** A request has ended with success. Whether what it says of a commit must not be believed. */
  takeUnseen(connection: ServerConnection): boolean {
    const wasUnseen = this.#isUnseen && connection.mayHaveCommitted;
    this.#isUnseen = false;
    return wasUnseen;
  }
}
