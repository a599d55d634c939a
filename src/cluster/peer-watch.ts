/** What this node knows of the others' being there: their promises, since when, and whether a connection has just broken. */
import type { Clock } from '../base/clock.ts';
import type { LeaderTable } from './leader-table.ts';
import type { Liveness } from './liveness.ts';
import type { NodeId } from './view.ts';

/** Longer than a promise and an election: if the node is dead, there is another leader by then. */
const SUSPICION_MS = 2_000;

export class PeerWatch {
  readonly #clock: Clock;
  readonly #liveness: Liveness;
  readonly #leaders: LeaderTable;
  readonly #self: () => NodeId;
  readonly #aliveSince_ms = new Map<NodeId, number>();
  /** When connections were lost, by node; those that are open are not in it. */
  readonly #lostAt_ms = new Map<NodeId, number>();

  constructor(options: { clock: Clock; liveness: Liveness; leaders: LeaderTable; self: () => NodeId }) {
    this.#clock = options.clock;
    this.#liveness = options.liveness;
    this.#leaders = options.leaders;
    this.#self = options.self;
  }

  isAlive(node: NodeId): boolean {
    return node === this.#self() || this.#liveness.supportFor(node) !== 0;
  }

  /**
   * Whether clients are to be sent to a node. One whose connection has just broken is suspected to be dead although its promise
   * still runs: a request waits a moment for its successor, which is better than an error. A broken connection to a node
   * that goes on giving signs of life is this node's own trouble, not its clients'.
   */
  isReachable(node: NodeId): boolean {
    if (!this.isAlive(node)) return false;
    const lostAt_ms = this.#lostAt_ms.get(node);
    return lostAt_ms === undefined || this.#clock.monotonic_ms() - lostAt_ms > SUSPICION_MS;
  }

  /** 0 for a node that must not be given anything to lead: not alive, or about to leave. */
  aliveFor_ms(node: NodeId): number {
    if (!this.isAlive(node) || this.#leaders.isDraining(node)) return 0;
    const since_ms = this.#aliveSince_ms.get(node);
    return since_ms === undefined ? 0 : this.#clock.monotonic_ms() - since_ms;
  }

  livenessChanged(node: NodeId, supported: boolean): void {
    if (supported) {
      if (!this.#aliveSince_ms.has(node)) this.#aliveSince_ms.set(node, this.#clock.monotonic_ms());
    } else {
      this.#aliveSince_ms.delete(node);
      this.#leaders.setDraining(node, false);
    }
  }

  connected(node: NodeId): void {
    this.#lostAt_ms.delete(node);
  }

  disconnected(node: NodeId): void {
    this.#lostAt_ms.set(node, this.#clock.monotonic_ms());
  }
}
