/**
 * One PostgreSQL server of this node, as the group sees it. The real one is `PostgresServer` (postgres-server.ts); the group's
 * own tests have simulated ones.
 *
 * Operations are carried out one after the other in the order of the calls, but for `stop`, `fence` and `remove`: they interrupt what
 * is going on, whose promise is then rejected. What fails for reasons outside is a `FolkmootError`.
 */
import type { Duplex } from 'node:stream';

/** How far a server is in the write-ahead log. */
export interface Position {
  /** Of what has been replayed; a primary's own. */
  readonly timeline: number;
  /** Durable here and on that timeline. Of a primary, what it has flushed. */
  readonly received: bigint;
  /** Visible here; never more than `received`. */
  readonly replayed: bigint;
}

/**
 * - absent: there is no complete data folder.
 * - stopped: there is one, and no process of it is alive.
 * - failed: it ended by itself, or did not start. No process of it is alive any more; `failure` says why.
 */
export type ServerState = 'absent' | 'stopped' | 'starting' | 'standby' | 'primary' | 'stopping' | 'failed';

/** Whom a standby follows. */
export interface Follow {
  /** What it calls itself at the primary; PostgreSQL counts synchronous standbys by it. */
  readonly applicationName: string;
  /** A folder with a socket `.s.PGSQL.5432` that leads to the primary. */
  readonly socketFolder: string;
}

/** A standby that is connected to this primary. */
export interface Replica {
  readonly applicationName: string;
  /** 'streaming' when it is caught up or nearly so. */
  readonly state: string;
  readonly flushed: bigint;
  readonly replayed: bigint;
}

/** A timeline of a server's past, and where the next one in the list forked off it. */
export interface Ancestor {
  readonly timeline: number;
  readonly end: bigint;
}

export type Row = readonly (string | null)[];

export interface LocalServer {
  readonly state: ServerState;
  /** Why the state is 'failed', with the last words of PostgreSQL's log; empty otherwise. */
  readonly failure: string;
  /** Of the server when it runs: `<folder>/.s.PGSQL.5432`. */
  readonly socketPath: string;
  /** Calls `listener` after each change of `state`; gives back how to end that. */
  watch(listener: () => void): () => void;

  /** Whether there is a data folder that is complete: not one that a clone or a rewind has left half done. */
  exists(): Promise<boolean>;
  /** Of the data folder, running or not. Null when there is none. */
  systemIdentifier(): Promise<string | null>;
  /** Makes an empty database. Nothing is started. */
  initialize(): Promise<void>;
  /**
   * Replaces what is there by a copy of the server that `connect` leads to. `onProgress` hears how much has arrived. What was there stays
   * until the copy is complete, when the disk has room for both.
   */
  clone(connect: () => Duplex, label: string, onProgress?: (bytes: number, total: number) => void): Promise<void>;
  /**
   * Makes this stopped server one that can follow the primary behind the socket in `sourceSocketFolder`, from which it has diverged. False
   * when it cannot be done: there is no pg_rewind, or it failed. Then clone.
   */
  rewind(sourceSocketFolder: string): Promise<boolean>;

  /**
   * Starts as standby. Resolves when it takes connections, which is when it has replayed what it had, or, before it is consistent, when it
   * streams. With null it follows nobody: that tells the position of a server of unknown past without letting anybody write or see.
   */
  startStandby(follow: Follow | null): Promise<void>;
  /** Starts as primary: only a new database or the one primary of a planned restart. */
  startPrimary(): Promise<void>;
  /**
   * Follows another primary, without a restart. Null cuts: resolves when nothing is received any more and everything that was
   * received has been replayed.
   */
  follow(follow: Follow | null): Promise<void>;
  /** Throws NOT_READY before the server takes connections. */
  position(): Promise<Position>;
  /** Resolves when it takes writes, with the new timeline. */
  promote(): Promise<Position>;
  /** Where that timeline forked off its parent. Throws NOT_FOUND when this server does not know it. */
  forkOf(timeline: number): Promise<bigint>;
  /** The timelines before that one, oldest first, each with where it was left. Empty for the first timeline. */
  ancestorsOf(timeline: number): Promise<readonly Ancestor[]>;

  /**
   * `ANY k (names)`. Resolves when no commit can be acknowledged by an older rule any more. k = 0: nobody is waited for, for a group of
   * one. May be called in any state; it is kept over restarts.
   */
  setSynchronous(names: readonly string[], k: number): Promise<void>;
  /**
   * Replaces the users' settings. Gives back the names that have an effect only after a restart. Throws BAD_REQUEST when one is
   * managed, unknown or has a wrong value; nothing has changed then.
   */
  setSettings(settings: Readonly<Record<string, string>>): Promise<readonly string[]>;
  /**
   * Runs a statement as superuser; the rows of the last one when there are several. One at a time. `synchronous_commit` is on,
   * so on a primary a change waits for the standbys. Throws `PostgresError` for what PostgreSQL refuses.
   */
  query(sql: string, database?: string): Promise<readonly Row[]>;
  /** The standbys that are connected to this primary. */
  replication(): Promise<readonly Replica[]>;

  /**
   * Ends a primary in order, as `stop('fast')`, which waits for its end. Resolves as soon as it has written its last record, with the
   * place where that begins: it acknowledges nothing any more, but may still be sending to standbys. Null when it has ended otherwise.
   */
  handOver(): Promise<bigint | null>;
  /** Resolves when every process of the server is gone. 'fast' ends sessions and lets standbys receive everything first. */
  stop(mode: 'fast' | 'immediate'): Promise<void>;
  /** Ends the server as fast as possible: resolves when every process of it is confirmed gone. Also one of an earlier life. */
  fence(): Promise<void>;
  /** Fences and deletes the data folder. */
  remove(): Promise<void>;
}
