/** What all sessions of a gateway share. */
import type { CausalReads } from '../pool/causal-reads.ts';
import type { PoolHost } from '../pool/pool-host.ts';
import type { ServerConnection } from '../pool/server-connection.ts';
import type { Listeners } from './listeners.ts';
import type { PreparedStatements } from './prepared-statements.ts';

export interface SessionHost extends PoolHost {
  readonly prepared: PreparedStatements;
  readonly managed: ReadonlySet<string>;
  readonly causalReads: CausalReads;
  readonly listeners: Listeners;
  /** No new transaction begins: the node stops. */
  readonly isDraining: boolean;
  /** Asks PostgreSQL to cancel what runs there. `done`: the request has arrived or failed; what it cancels can be nothing later. */
  cancelOn(connection: ServerConnection, done: () => void): void;
  /** Connections to this database that nobody uses are closed, on all nodes: it is dropped or renamed. */
  leaveDatabase(database: string): void;
  /** A transaction has ended; for those who wait until none is left. */
  transactionEnded(): void;
  closed(session: { readonly processId: number }): void;
}
