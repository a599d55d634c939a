/**
 * The cluster as Redis clients want to see it, worked out once per version of the router's view: a thousand clients ask
 * at once after a leader has moved.
 *
 * Each node is a master of the slots whose tablets it leads. All nodes answer from the same view, so their answers are
 * equal. A node that leads nothing is still a master, without slots.
 */
import {
  type ClusterView,
  type NodeId,
  type NodeView,
  type Router,
  SLOT_COUNT,
  type TabletView,
} from '../../cluster/view.ts';

/** Adjacent slots that the same node leads. */
export interface LedRange {
  readonly first: number;
  readonly last: number;
  readonly leader: NodeId;
  /** Replicas that are alive, without the leader. */
  readonly replicas: readonly NodeId[];
}

export class Topology {
  readonly #router: Router;
  #version = -1;
  #clusterId = '';
  #tabletOfSlot: Int32Array = new Int32Array(SLOT_COUNT).fill(-1);
  #ranges: LedRange[] = [];
  #nodes = new Map<NodeId, NodeView>();
  /** Answers that are already bytes, by kind; emptied with each version. */
  #answers = new Map<string, Buffer>();

  constructor(router: Router) {
    this.#router = router;
  }

  view(): ClusterView {
    const view = this.#router.view();
    if (view.version !== this.#version || view.clusterId !== this.#clusterId) this.#rebuild(view);
    return view;
  }

  #rebuild(view: ClusterView): void {
    this.#version = view.version;
    this.#clusterId = view.clusterId;
    this.#answers = new Map();
    this.#nodes = new Map(view.nodes.map((node) => [node.id, node]));
    this.#tabletOfSlot.fill(-1);
    for (const [index, tablet] of view.tablets.entries()) {
      this.#tabletOfSlot.fill(index, tablet.slotFirst, tablet.slotLast + 1);
    }
    this.#ranges = mergeRanges(view, this.#nodes);
  }

  node(id: NodeId): NodeView | undefined {
    this.view();
    return this.#nodes.get(id);
  }

  /** host:port of a node's cluster port; undefined when it has none. */
  clusterAddress(id: NodeId): string | undefined {
    const node = this.node(id);
    return node === undefined || node.ports.redis === 0 ? undefined : `${node.host}:${node.ports.redis}`;
  }

  tabletOf(slot: number): TabletView | undefined {
    const view = this.view();
    return view.tablets[this.#tabletOfSlot[slot] as number];
  }

  /** Index of the slot's tablet in the view; -1 when there is none. */
  tabletIndexOf(slot: number): number {
    this.view();
    return this.#tabletOfSlot[slot] as number;
  }

  /** Ranges with a known leader, in order of slots. */
  ranges(): readonly LedRange[] {
    this.view();
    return this.#ranges;
  }

  rangesOf(id: NodeId): LedRange[] {
    return this.ranges().filter((range) => range.leader === id);
  }

  /** Slots that have a leader. */
  coveredSlots(): number {
    return this.ranges().reduce((sum, range) => sum + range.last - range.first + 1, 0);
  }

  /** True when some tablet is without a leader. */
  get hasHoles(): boolean {
    return this.coveredSlots() < SLOT_COUNT;
  }

  /** The answer of that kind, made by `make` once per version of the view. */
  cached(kind: string, make: () => Buffer): Buffer {
    this.view();
    let answer = this.#answers.get(kind);
    if (answer === undefined) {
      answer = make();
      this.#answers.set(kind, answer);
    }
    return answer;
  }

  /** The greatest term of the tablets: what stands for the cluster's epoch. */
  epoch(): number {
    return this.view().tablets.reduce((highest, tablet) => Math.max(highest, tablet.term), 0);
  }
}

/**
 * Adjacent tablets of one leader become one range. Ranges do not keep replicas of different tablets apart: a replica is
 * named when it has all of the range, since a client may send it reads for any slot of it.
 */
function mergeRanges(view: ClusterView, nodes: ReadonlyMap<NodeId, NodeView>): LedRange[] {
  const ranges: LedRange[] = [];
  for (const tablet of view.tablets) {
    if (tablet.leader === 0 || !nodes.has(tablet.leader)) continue;
    const replicas = tablet.replicas.filter((id) => id !== tablet.leader && nodes.get(id)?.alive === true);
    const previous = ranges.at(-1);
    if (previous !== undefined && previous.leader === tablet.leader && previous.last + 1 === tablet.slotFirst) {
      const common = previous.replicas.filter((id) => replicas.includes(id));
      if (common.length === previous.replicas.length || common.length === replicas.length) {
        ranges[ranges.length - 1] = {
          first: previous.first,
          last: tablet.slotLast,
          leader: previous.leader,
          replicas: common,
        };
        continue;
      }
    }
    ranges.push({ first: tablet.slotFirst, last: tablet.slotLast, leader: tablet.leader, replicas });
  }
  return ranges;
}
