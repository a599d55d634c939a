/** Clients that write and read through the gateways of the nodes. */
import type { ModelClock } from './model-clock.test-support.ts';
import type { Oracles } from './oracles.test-support.ts';
import type { SimMembers } from './sim-members.test-support.ts';
import type { SimMetadata } from './sim-metadata.test-support.ts';
import type { SimNetwork } from './sim-network.test-support.ts';
import type { SimNode } from './sim-node.test-support.ts';

/** How much of the log a read sees, from its end. */
const SEEN_MAX = 50;

export interface SimClientsOptions {
  readonly clock: ModelClock;
  readonly network: SimNetwork;
  readonly metadata: SimMetadata;
  readonly members: SimMembers;
  readonly oracles: Oracles;
  readonly nodes: readonly SimNode[];
}

export class SimClients {
  readonly #options: SimClientsOptions;
  #ids = 0;

  constructor(options: SimClientsOptions) {
    this.#options = options;
  }

  /** A transaction through the node's gateway. */
  transact(node: SimNode): void {
    const { clock, network, metadata, members, oracles, nodes } = this.#options;
    const record = metadata.recordOf(node);
    const primary = nodes[record.primary - 1];
    if (record.phase !== 'serving' || primary === undefined || !network.reaches(node, primary)) return;
    clock.after(clock.between(1, 10), () => {
      if (!network.reaches(node, primary) || !members.isOpen(primary)) return;
      const { server } = primary;
      if (clock.chance(0.3)) oracles.noteSeen(server.log.slice(Math.max(0, server.visible - SEEN_MAX), server.visible));
      this.#ids++;
      server.commit(this.#ids);
    });
  }
}
