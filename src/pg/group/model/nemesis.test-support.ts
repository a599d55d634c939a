/** Faults: nodes are killed, paused, cut off from each other and from the metadata group, servers are killed, and all of it is healed. */
import type { BrokenRules } from './broken-rules.test-support.ts';
import type { ModelClock } from './model-clock.test-support.ts';
import type { SimLiveness } from './sim-liveness.test-support.ts';
import type { SimMembers } from './sim-members.test-support.ts';
import type { SimMetadata } from './sim-metadata.test-support.ts';
import type { SimNetwork } from './sim-network.test-support.ts';
import type { SimNode } from './sim-node.test-support.ts';
import type { SimReplication } from './sim-replication.test-support.ts';

export interface NemesisOptions {
  readonly clock: ModelClock;
  readonly network: SimNetwork;
  readonly liveness: SimLiveness;
  readonly metadata: SimMetadata;
  readonly replication: SimReplication;
  readonly members: SimMembers;
  readonly rules: BrokenRules;
  readonly nodes: readonly SimNode[];
}

export class Nemesis {
  readonly #options: NemesisOptions;
  #isOver = false;

  constructor(options: NemesisOptions) {
    this.#options = options;
  }

  /** From now on one fault after the other, until `heal`. */
  begin(): void {
    const { clock } = this.#options;
    clock.after(clock.between(100, 2_500), () => {
      if (this.#isOver) return;
      this.#fault();
      this.begin();
    });
  }

  heal(): void {
    const { network, nodes } = this.#options;
    this.#isOver = true;
    network.heal();
    for (const node of nodes) {
      node.isPaused = false;
      this.#restart(node);
    }
  }

  #fault(): void {
    const { clock, network, metadata, nodes } = this.#options;
    const node = nodes[clock.between(0, nodes.length - 1)] as SimNode;
    const other = nodes[clock.between(0, nodes.length - 1)] as SimNode;
    const kind = clock.between(0, 7);
    if (kind === 0) this.#kill(node, clock.between(50, 4_000));
    else if (kind === 1) this.#killServer(node);
    else if (kind === 2) this.#pause(node, clock.between(50, 3_000));
    else if (kind === 3) network.cut(node, other, clock.between(50, 4_000));
    else if (kind === 4) this.#isolate(node, clock.between(50, 4_000));
    else if (kind === 5) network.takeOffline(node, clock.between(50, 3_000));
    else if (kind === 6) {
      const target = clock.chance(0.5) ? other.id : 0;
      metadata.tell(node, { type: 'switchover', epoch: metadata.record.epoch, target });
    } else if (clock.chance(0.2)) for (const each of nodes) this.#kill(each, clock.between(50, 1_000));
  }

  #kill(node: SimNode, for_ms: number): void {
    const { clock, members, replication, nodes } = this.#options;
    if (!node.isUp) return;
    members.stopServer(node);
    node.isUp = false;
    node.isPaused = false;
    node.busyUntil_ms = 0;
    node.counted.clear();
    node.supportUntil_ms.clear();
    for (const other of nodes) if (other.upstream === node) replication.disconnect(other);
    clock.after(for_ms, () => this.#restart(node));
  }

  #restart(node: SimNode): void {
    const { clock, liveness } = this.#options;
    if (node.isUp) return;
    node.isUp = true;
    liveness.restarted(node);
    if (clock.chance(0.3)) node.version = Math.max(0, node.version - clock.between(0, 3));
  }

  #killServer(node: SimNode): void {
    const { members, rules } = this.#options;
    if (!node.isUp) return;
    const { server } = node;
    const reigned = server.is === 'primary' ? server.reigns : 0;
    members.stopServer(node);
    if (rules.has('restart-in-place') && reigned !== 0) server.restartInPlace(reigned);
  }

  #pause(node: SimNode, for_ms: number): void {
    node.isPaused = true;
    this.#options.clock.after(for_ms, () => {
      node.isPaused = false;
    });
  }

  #isolate(node: SimNode, for_ms: number): void {
    const { network, nodes } = this.#options;
    for (const other of nodes) network.cut(node, other, for_ms);
    network.takeOffline(node, for_ms);
  }
}
