/** What all pools of a gateway share. */
import type { Clock } from '../../../base/clock.ts';
import type { Logger } from '../../../base/log.ts';
import type { NodeId } from '../../../cluster/view.ts';
import type { GatewayLimits } from '../limits.ts';
import type { PostgresServers } from '../servers.ts';
import type { GatewayStatistics } from '../statistics.ts';
import type { Routes } from './routes.ts';

export interface PoolHost {
  readonly clock: Clock;
  readonly servers: PostgresServers;
  readonly routes: Routes;
  readonly limits: GatewayLimits;
  readonly statistics: GatewayStatistics;
  readonly logger: Logger;
  /** As of the last tick, a tenth of a second ago at most. */
  readonly now_ms: number;
  /** Whether one more connection to that server may be opened; closes an idle one of another pool where that helps. */
  makeRoom(node: NodeId): boolean;
  /** It is a role of the cluster, so PostgreSQL has it, or will have it in a moment. */
  isRole(name: string): boolean;
  connectionMade(node: NodeId): void;
  connectionGone(node: NodeId): void;
}
