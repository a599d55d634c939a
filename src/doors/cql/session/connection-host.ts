/** What all connections of a door share. */
import type { Clock } from '../../../base/clock.ts';
import type { AccessControl } from '../../../cluster/access/access-control.ts';
import type { StatementEngine } from './engine.ts';
import type { PreparedStatements } from './statements.ts';

export interface DoorStatistics {
  connectionsReceived: number;
  connectionsRejected: number;
  requests: number;
  prepared: number;
  errors: number;
  /** Time-outs. */
  unknownOutcomes: number;
  bytesIn: number;
  bytesOut: number;
}

export interface ConnectionHost<Connection> {
  readonly clock: Clock;
  readonly access: AccessControl;
  readonly engine: StatementEngine;
  readonly statements: PreparedStatements;
  readonly statistics: DoorStatistics;
  /** What OPTIONS is answered with. */
  readonly supported: Readonly<Record<string, readonly string[]>>;
  /** Whether this node knows schema and users; until then nothing is answered. */
  isCurrent(): boolean;
  /** Asks for `connection.flush()` at the end of this turn. */
  flushLater(connection: Connection): void;
  closed(connection: Connection): void;
}
