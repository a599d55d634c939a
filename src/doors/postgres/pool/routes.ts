/** Who is to be asked: the primary, or one of those who may be read. */
import type { NodeId } from '../../../cluster/view.ts';
import type { PostgresServers, PostgresView, ServerView } from '../servers.ts';
import type { PoolKind } from './kinds.ts';
import type { ServerConnection } from './server-connection.ts';

/** A standby that is behind the best one by more than this is not read while there is another. */
const LAG_BYTES_MAX = 16n * 1_024n * 1_024n;

export class Routes {
  readonly #servers: PostgresServers;
  readonly #self: () => NodeId;
  /** Transactions of this gateway that are running on each standby. */
  readonly #load = new Map<NodeId, number>();

  /** What standbys were found to have replayed, which may be newer than the view. */
  readonly #replayed = new Map<NodeId, bigint>();
  #replayedEpoch = 0;

  constructor(servers: PostgresServers, self: () => NodeId) {
    this.#servers = servers;
    this.#self = self;
  }

  get view(): PostgresView {
    return this.#servers.view();
  }

  get epoch(): number {
    return this.view.epoch;
  }

  get primary(): NodeId {
    return this.view.primary;
  }

  /** Where to open connections for new transactions: to the primary, or to the one that is about to be it; 0 for nobody. */
  get nextPrimary(): NodeId {
    const { availability, primary, upcoming } = this.view;
    return availability === 'serving' ? primary : upcoming;
  }

  /** Nobody will come: waiting is of no use. */
  get isHopeless(): boolean {
    return this.view.availability === 'off';
  }

  /** New transactions wait. */
  isHeld(kind: PoolKind): boolean {
    const { availability, primary } = this.view;
    if (kind === 'primary') return availability !== 'serving' || primary === 0;
    return availability === 'off' || this.choose(0n) === 0;
  }

  /** Whether a connection may begin a new transaction. */
  isRight(kind: PoolKind, { node, epoch }: ServerConnection): boolean {
    const view = this.view;
    if (kind === 'primary') return epoch === view.epoch && (view.primary === node || view.primary === 0);
    return this.#isReadable(node);
  }

  /** Whether a transaction that is open on it may go on. */
  mayFinish(kind: PoolKind, { node, epoch }: ServerConnection): boolean {
    // A primary of an earlier reign can commit nothing any more: its standbys have left it.
    if (kind === 'primary') return epoch === this.view.epoch;
    return this.view.servers.some((server) => server.node === node && server.isAlive && server.role !== 'down');
  }

  /**
   * Whom to read: a standby that has replayed up to `lsn`, as far as is known; the one with the least work of this gateway, near ones
   * first. 0 when none has.
   */
  standbyWith(lsn: bigint): NodeId {
    const standbys = this.view.servers.filter(isStandby);
    let best = 0n;
    for (const { replayedLsn } of standbys) if (replayedLsn > best) best = replayedLsn;
    let found = 0;
    let foundLoad = Number.POSITIVE_INFINITY;
    for (const server of standbys) {
      const { node } = server;
      const replayedLsn = this.#replayedBy(server);
      if (replayedLsn < lsn || best - replayedLsn > LAG_BYTES_MAX) continue;
      const load = (this.#load.get(node) ?? 0) - (node === this.#self() ? 0.5 : 0);
      if (load >= foundLoad) continue;
      found = node;
      foundLoad = load;
    }
    return found;
  }

  /** As `standbyWith`; the primary when there is none; 0 when there is neither. */
  choose(lsn: bigint): NodeId {
    const standby = this.standbyWith(lsn);
    if (standby !== 0) return standby;
    const { availability, primary } = this.view;
    return availability === 'serving' ? primary : 0;
  }

  noteReplayed(node: NodeId, lsn: bigint): void {
    // Positions of two reigns cannot be compared.
    if (this.#replayedEpoch !== this.epoch) this.#replayed.clear();
    this.#replayedEpoch = this.epoch;
    this.#replayed.set(node, lsn);
  }

  readBegins(node: NodeId): void {
    this.#load.set(node, (this.#load.get(node) ?? 0) + 1);
  }

  readEnds(node: NodeId): void {
    this.#load.set(node, Math.max(0, (this.#load.get(node) ?? 0) - 1));
  }

  #replayedBy({ node, replayedLsn }: ServerView): bigint {
    const found = this.#replayedEpoch === this.epoch ? (this.#replayed.get(node) ?? 0n) : 0n;
    return found > replayedLsn ? found : replayedLsn;
  }

  #isReadable(node: NodeId): boolean {
    return this.view.servers.some(
      (server) => server.node === node && server.isAlive && (server.role === 'standby' || server.role === 'primary'),
    );
  }
}

function isStandby({ role, isAlive }: ServerView): boolean {
  return role === 'standby' && isAlive;
}
