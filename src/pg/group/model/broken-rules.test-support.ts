/** Rules that are broken on purpose, to see that the oracles notice. Without any, everything here is as it has to be. */
import { currentReign, type GroupRecord, voterName } from '../group-record.ts';
import { changeGroup, type GroupRequest } from '../group-rules.ts';
import type { ModelClock } from './model-clock.test-support.ts';
import type { SimNetwork } from './sim-network.test-support.ts';
import type { SimNode } from './sim-node.test-support.ts';

export type Sabotage =
  | 'too-few-pledges'
  | 'no-epoch-in-names'
  | 'no-wait-for-lease'
  | 'restart-in-place'
  | 'diverged-follows'
  | 'opens-alone'
  | 'connects-before-verified'
  | 'takes-over-without-the-last-record';

export class BrokenRules {
  readonly #broken: readonly Sabotage[];
  readonly #clock: ModelClock;
  readonly #network: SimNetwork;
  readonly #nodes: readonly SimNode[];

  constructor(broken: readonly Sabotage[], clock: ModelClock, network: SimNetwork, nodes: readonly SimNode[]) {
    this.#broken = broken;
    this.#clock = clock;
    this.#network = network;
    this.#nodes = nodes;
  }

  has(rule: Sabotage): boolean {
    return this.#broken.includes(rule);
  }

  changeGroup(before: GroupRecord, request: GroupRequest): GroupRecord | string {
    const { now_ms } = this.#clock;
    if (this.has('takes-over-without-the-last-record') && request.type === 'down' && request.lastRecord !== '') {
      return changeGroup(before, { ...request, lastRecord: '0' }, now_ms) as GroupRecord | string;
    }
    if (this.has('too-few-pledges') && before.voters.length - before.k > 1) {
      const after = changeGroup({ ...before, k: before.k + 1 }, request, now_ms) as GroupRecord | string;
      return typeof after === 'string' ? after : { ...after, k: before.k };
    }
    return changeGroup(before, request, now_ms) as GroupRecord | string;
  }

  /** What counts of the name of a standby. */
  named(name: string): string {
    return this.has('no-epoch-in-names') ? name.replace(/\..*/, '') : name;
  }

  /** Called when a member has written its state down. Takes its data for a beginning of the primary's, whatever it is. */
  remembered(node: SimNode, record: GroupRecord): void {
    const reign = currentReign(record);
    if (!this.has('diverged-follows') || node.state.rebuild === null || reign === null || node.server.is === 'absent')
      return;
    const { epoch, fork } = reign;
    node.state = { ...node.state, rebuild: null, branch: { epoch, fork }, voted: epoch };
  }

  /** Called when a server has started that follows nobody. Is connected for a moment as what it was when it last counted. */
  startedAlone(node: SimNode, record: GroupRecord): void {
    const primary = this.#nodes[record.primary - 1];
    const { branch } = node.state;
    if (!this.has('connects-before-verified') || primary === undefined || primary === node || branch === null) return;
    const { server } = primary;
    // One that is verified for this reign may count.
    if (!this.#network.reaches(node, primary) || server.is !== 'primary' || server.reigns === branch.epoch) return;
    // It may be far ahead on its own history, by a large transaction that never ended.
    const flushed = node.server.log.length + 1_000;
    const replica = { name: this.named(voterName(node.id, branch.epoch)), flushed };
    server.replicas.add(replica);
    server.acknowledge();
    this.#clock.after(2_000, () => server.replicas.delete(replica));
  }
}
