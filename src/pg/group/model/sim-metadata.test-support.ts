/** The metadata group: the group's record, which versions of it the nodes have applied, and who suspects whom. */
import type { GroupRecord } from '../group-record.ts';
import { changeGroup, type GroupRequest } from '../group-rules.ts';
import type { BrokenRules } from './broken-rules.test-support.ts';
import type { ModelClock } from './model-clock.test-support.ts';
import type { SimLiveness } from './sim-liveness.test-support.ts';
import type { SimNetwork } from './sim-network.test-support.ts';
import type { SimNode } from './sim-node.test-support.ts';

export interface SimMetadataOptions {
  readonly clock: ModelClock;
  readonly network: SimNetwork;
  readonly liveness: SimLiveness;
  readonly rules: BrokenRules;
  readonly nodes: readonly SimNode[];
  /** A reign serves from now on. */
  readonly opened: (record: GroupRecord) => void;
}

export class SimMetadata {
  readonly #options: SimMetadataOptions;
  readonly #records: GroupRecord[];

  constructor(options: SimMetadataOptions) {
    this.#options = options;
    const voters = options.nodes.map(({ id }) => ({ node: id, name: `node-${id}` }));
    this.#records = [changeGroup(null, { type: 'form', voters }, 0) as GroupRecord];
  }

  get record(): GroupRecord {
    return this.#records.at(-1) as GroupRecord;
  }

  get versions(): number {
    return this.#records.length;
  }

  /** As the node knows it. */
  recordOf(node: SimNode): GroupRecord {
    return this.#records[node.version] as GroupRecord;
  }

  /** The next version comes to the node. */
  deliver(node: SimNode): void {
    if (!this.#options.network.isOffline(node) && node.version < this.#records.length - 1) node.version++;
  }

  tell(node: SimNode, request: GroupRequest): void {
    const { clock, network, rules, opened } = this.#options;
    if (network.isOffline(node) || clock.chance(0.05)) return;
    clock.after(clock.between(1, 30), () => {
      const before = this.record;
      const after = rules.changeGroup(before, request);
      if (typeof after === 'string' || after === before) return;
      this.#records.push(after);
      if (after.phase === 'serving' && before.phase === 'opening') opened(after);
    });
  }

  /** As the leader of the metadata group, which is the first node that can be it. */
  suspect(node: SimNode): void {
    const { nodes, network, liveness } = this.#options;
    const leader = nodes.find((other) => other.isUp && !other.isPaused && !network.isOffline(other));
    const { phase, primary, target, epoch } = this.record;
    const dead = phase === 'recruiting' ? target : primary;
    if (leader !== node || dead === 0 || dead === node.id || liveness.supports(node, dead)) return;
    this.tell(node, { type: 'suspect', epoch, node: dead, successor: node.id });
  }
}
