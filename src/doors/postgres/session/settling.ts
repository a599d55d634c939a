/**
 * What the statements of a session do beside their transactions, and what that takes at the end of a transaction, before its connection
 * can serve another session:
 *
 *   transaction ended -> LISTEN handed over -> client told -> DISCARD ALL -> cancel request arrived -> settings read -> settled
 *
 * Each of these only where there is something to do; mostly there is not, and all of it happens within one call.
 */
import type { Pool } from '../pool/pool.ts';
import type { ServerConnection } from '../pool/server-connection.ts';
import type { Effects } from '../sql/statement-effects.ts';
import type { Cancellation } from './cancellation.ts';
import type { ClientOutput } from './client-output.ts';
import type { ListeningSession } from './listeners.ts';
import type { SessionHost } from './session-host.ts';
import { SessionSettings, settingsQuery } from './settings.ts';

export interface SettlingSession extends ListeningSession {
  readonly pool: Pool;
  readonly isClosed: boolean;
  /** It keeps its connection between transactions. */
  readonly keepsConnection: boolean;
  /** Takes no more messages until it is settled. */
  beginSettling(): void;
  /** The client is told that its transaction has ended. */
  tellEnd(): void;
  /** It is as a new session of its client. */
  discarded(): void;
  /** Nothing is left to be done. */
  settled(connection: ServerConnection): void;
  connectionLost(connection: ServerConnection, lastWords: boolean): void;
}

export class Settling {
  /** What the session has set. */
  settings: SessionSettings;
  readonly #session: SettlingSession;
  readonly #host: SessionHost;
  readonly #output: ClientOutput;
  readonly #cancellation: Cancellation;
  readonly #settingsAtStart: SessionSettings;
  #settingsChanged = false;
  /** Names of settings of its own making that it has set. */
  readonly #custom = new Set<string>();
  /** The transaction has a LISTEN in it. */
  #listens = false;
  readonly #unlistens: string[] = [];
  #discards = false;

  constructor(
    session: SettlingSession,
    host: SessionHost,
    output: ClientOutput,
    cancellation: Cancellation,
    settings: SessionSettings,
  ) {
    this.#session = session;
    this.#host = host;
    this.#output = output;
    this.#cancellation = cancellation;
    this.#settingsAtStart = settings;
    this.settings = settings;
  }

  /** The session may have other settings than are known. */
  get settingsChanged(): boolean {
    return this.#settingsChanged;
  }

  /** DISCARD ALL has been sent. */
  get discards(): boolean {
    return this.#discards;
  }

  /** Called for each statement that does something beside its transaction, before it is sent. */
  note(effects: Effects): void {
    if (effects.settings) this.#settingsChanged = true;
    for (const name of effects.custom) this.#custom.add(name);
    if (effects.discardAll) this.#discards = true;
    if (this.#session.keepsConnection) return;
    if (effects.listen.length > 0) this.#listens = true;
    this.#unlistens.push(...effects.unlisten);
  }

  /** PostgreSQL has reported a setting that is another one now. */
  noteReported(): void {
    this.#settingsChanged = true;
  }

  /** A statement has failed. */
  noteError(connection: ServerConnection | null): void {
    if (!this.#discards) return;
    // Whether it was done before the error is not known: what the session has then is asked.
    this.#discards = false;
    this.#settingsChanged = true;
    if (connection !== null) connection.isSpoiled = true;
  }

  transactionEnded(connection: ServerConnection): void {
    for (const channel of this.#unlistens.splice(0)) this.#host.listeners.unlisten(this.#session, channel);
    if (this.#listens && !this.#session.keepsConnection) this.#handOverChannels(connection);
    else this.#ended(connection);
  }

  /** What the session listens to now is heard for it; until then the client is not told that the transaction has ended. */
  #handOverChannels(connection: ServerConnection): void {
    const session = this.#session;
    this.#listens = false;
    session.beginSettling();
    this.#output.hold();
    connection.work('SELECT pg_catalog.pg_listening_channels()', (error, rows) => {
      const channels = rows.map(([channel]) => channel ?? '');
      if (error !== null) this.#failed(connection);
      else if (channels.length === 0) this.#handedOver(connection);
      else {
        connection.work('UNLISTEN *', (failed) => {
          if (failed !== null) this.#failed(connection);
          else if (session.isClosed) session.settled(connection);
          else this.#host.listeners.listen(session, channels, () => this.#handedOver(connection));
        });
      }
    });
  }

  #handedOver(connection: ServerConnection): void {
    this.#output.release();
    if (this.#session.isClosed) this.#session.settled(connection);
    else this.#ended(connection);
  }

  #ended(connection: ServerConnection): void {
    const session = this.#session;
    session.tellEnd();
    if (this.#discards) this.#discard(connection);
    if (this.#cancellation.isUnderWay) {
      // The request may arrive after the end of what it was to cancel; nobody else's statement must be there then.
      session.beginSettling();
      this.#cancellation.whenArrived(() => this.#settle(connection));
    } else this.#settle(connection);
  }

  #discard(connection: ServerConnection): void {
    makeNew(connection);
    this.#discards = false;
    this.settings = this.#settingsAtStart;
    this.#settingsChanged = false;
    this.#custom.clear();
    this.#host.listeners.unlisten(this.#session, '*');
    this.#session.discarded();
  }

  /** To read them afterwards, instead of following the statements, makes rollbacks, SET LOCAL and functions right by themselves. */
  #settle(connection: ServerConnection): void {
    const session = this.#session;
    if (!this.#settingsChanged || session.isClosed) {
      session.settled(connection);
      return;
    }
    this.#settingsChanged = false;
    session.beginSettling();
    connection.work(settingsQuery(this.#custom), (error, rows) => {
      if (error !== null) {
        this.#failed(connection);
        return;
      }
      const values = rows.filter(([, value]) => value !== null) as [string, string][];
      this.settings = SessionSettings.of(values);
      connection.settings = this.settings;
      session.settled(connection);
    });
  }

  /** The client has gone: the connection is made as new, or closed. `isCut`: what was sent on it does not end with a message. */
  release(connection: ServerConnection, isCut: boolean): void {
    const session = this.#session;
    connection.leave();
    if (connection.isClosed) return;
    if (!connection.isQuiet || isCut) {
      if (connection.isBusy) this.#host.cancelOn(connection, () => undefined);
      connection.destroy();
      return;
    }
    if (!session.keepsConnection && !this.#settingsChanged) {
      session.pool.giveBack(connection);
      return;
    }
    connection.work('DISCARD ALL', (error) => {
      if (error !== null) {
        connection.destroy();
        return;
      }
      makeNew(connection);
      session.pool.giveBack(connection);
    });
  }

  #failed(connection: ServerConnection): void {
    this.#session.connectionLost(connection, false);
    connection.destroy();
  }
}

/** After a DISCARD ALL. */
function makeNew(connection: ServerConnection): void {
  connection.prepared.clear();
  connection.unnamed = null;
  connection.settings = SessionSettings.none;
}
