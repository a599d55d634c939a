/** What a pool looks like to an operator. */
import type { ClientSession } from '../session/client-session.ts';
import type { Pool } from './pool.ts';

export interface PoolRow {
  readonly database: string;
  readonly user: string;
  readonly port: 'primary' | 'read';
  readonly mode: 'transaction' | 'session';
  /** Clients that are connected. */
  readonly clients: number;
  /** Those of them that have a connection now. */
  readonly clientsActive: number;
  readonly clientsWaiting: number;
  /** Those that keep a connection: session pooling, or something that cannot be pooled. */
  readonly clientsPinned: number;
  /** Connections to PostgreSQL. */
  readonly servers: number;
  readonly serversIdle: number;
  /** How long the one that waits longest has waited. */
  readonly wait_ms: number;
}

export function poolRow(pool: Pool, sessions: Iterable<ClientSession>, now_ms: number): PoolRow {
  let clientsActive = 0;
  let clientsPinned = 0;
  for (const session of sessions) {
    if (session.pool !== pool) continue;
    if (session.isActive) clientsActive += 1;
    if (session.keepsConnection) clientsPinned += 1;
  }
  return {
    database: pool.database,
    user: pool.user,
    port: pool.kind,
    mode: pool.mode ?? 'transaction',
    clients: pool.sessions,
    clientsActive,
    clientsWaiting: pool.waitingCount,
    clientsPinned,
    servers: pool.size,
    serversIdle: pool.idleCount,
    wait_ms: pool.longestWait_ms(now_ms),
  };
}
