/** What nodes do with their servers: the steps that `nextStep` decides, each of which takes its time, and fencing. */
import { currentReign, type GroupRecord, pledgesNeeded, voterName } from '../group-record.ts';
import { copied, nextStep, ruleOf, type ServerView, type Step } from '../member.ts';
import type { BrokenRules } from './broken-rules.test-support.ts';
import type { ModelClock } from './model-clock.test-support.ts';
import type { SimLiveness } from './sim-liveness.test-support.ts';
import type { SimMetadata } from './sim-metadata.test-support.ts';
import type { SimNetwork } from './sim-network.test-support.ts';
import type { SimNode } from './sim-node.test-support.ts';
import type { SimReplication } from './sim-replication.test-support.ts';

export interface SimMembersOptions {
  readonly clock: ModelClock;
  readonly network: SimNetwork;
  readonly liveness: SimLiveness;
  readonly metadata: SimMetadata;
  readonly replication: SimReplication;
  readonly rules: BrokenRules;
  readonly nodes: readonly SimNode[];
}

export class SimMembers {
  readonly #options: SimMembersOptions;

  constructor(options: SimMembersOptions) {
    this.#options = options;
  }

  /** Whether clients are served there at this moment. */
  isOpen(node: SimNode): boolean {
    const { metadata, liveness } = this.#options;
    const record = metadata.recordOf(node);
    const { server } = node;
    return (
      node.isUp &&
      !node.isPaused &&
      server.is === 'primary' &&
      record.primary === node.id &&
      server.reigns === record.epoch &&
      (record.phase === 'serving' || record.phase === 'switching') &&
      liveness.holdsLease(node, record)
    );
  }

  stopServer(node: SimNode): void {
    node.life++;
    node.server.stop();
    this.#options.replication.disconnect(node);
  }

  step(node: SimNode): void {
    const { clock, metadata, liveness, nodes, rules } = this.#options;
    const record = metadata.recordOf(node);
    this.#fenceWhatIsWrong(node, record);
    if (clock.now_ms < node.busyUntil_ms) return;
    const stage = `${record.epoch} ${record.phase}`;
    if (stage !== node.stage) {
      node.stage = stage;
      node.stageSince_ms = clock.now_ms;
    }
    const step = nextStep({
      self: node.id,
      record,
      state: node.state,
      server: this.#viewOf(node, record),
      supportsDeposed: !rules.has('no-wait-for-lease') && liveness.supports(node, record.deposed),
      phaseFor_ms: clock.now_ms - node.stageSince_ms,
      othersSuffice: nodes.filter((other) => other !== node && other.isUp).length >= pledgesNeeded(record),
      holdsLease: liveness.holdsLease(node, record),
      preparesFor: 0,
    });
    this.#carryOut(node, step, record);
  }

  #fenceWhatIsWrong(node: SimNode, record: GroupRecord): void {
    const { clock, liveness } = this.#options;
    const { server } = node;
    const isMine = record.primary === node.id && record.phase !== 'recruiting' && server.reigns === record.epoch;
    const isOpen = record.phase === 'serving' || record.phase === 'switching';
    if (server.is !== 'primary' || (isMine && (!isOpen || liveness.holdsLease(node, record)))) return;
    this.stopServer(node);
    node.busyUntil_ms = clock.now_ms + 20;
  }

  #viewOf({ server }: SimNode, record: GroupRecord): ServerView {
    const { rules } = this.#options;
    const first = server.firstRecord;
    const names = new Set(record.voters.map((voter) => rules.named(voterName(voter.node, record.epoch))));
    const flushedBy = rules.has('opens-alone') ? record.k : server.flushedBy(names, first);
    return {
      is: server.is,
      follows: server.follows,
      replayed: BigInt(server.replayed),
      lastRecord: server.lastRecord?.epoch === record.epoch ? BigInt(server.lastRecord.lsn) : null,
      reigns: server.reigns,
      timeline: server.timeline,
      fork: BigInt(server.fork),
      systemIdentifier: 'model',
      rule: ruleOf(server.rule.names, server.rule.k),
      flushedBy: first === -1 ? -1 : flushedBy,
      failures: 0,
    };
  }

  #carryOut(node: SimNode, step: Step, record: GroupRecord): void {
    const { clock, metadata, replication } = this.#options;
    const { server } = node;
    if (step.do === 'nothing') return;
    if (step.do === 'tell') {
      metadata.tell(node, step.request);
      node.busyUntil_ms = clock.now_ms + clock.between(5, 60);
      return;
    }
    if (step.do === 'demand') {
      this.#demand(node, step.of, record.epoch);
      node.busyUntil_ms = clock.now_ms + 50;
      return;
    }
    if (step.do === 'together') {
      let until_ms = 0;
      for (const part of step.steps) {
        this.#carryOut(node, part, record);
        until_ms = Math.max(until_ms, node.busyUntil_ms);
      }
      node.busyUntil_ms = until_ms;
      return;
    }
    if (step.do === 'fence') this.stopServer(node);
    const isSlow = step.do === 'rebuild' || clock.chance(0.03);
    const duration_ms = isSlow ? clock.between(50, 1_500) : clock.between(2, 60);
    node.busyUntil_ms = clock.now_ms + duration_ms;
    const { life } = node;
    if (step.do === 'cut') replication.disconnect(node);
    if (step.do === 'promote' || step.do === 'found-start') server.reigns = step.epoch;
    if (step.do === 'rebuild' && step.by === 'rewind') server.is = 'absent';
    clock.after(duration_ms, () => {
      if (node.life === life && node.isUp) this.#finish(node, step, record);
    });
  }

  #finish(node: SimNode, step: Step, record: GroupRecord): void {
    const { replication, rules } = this.#options;
    const { server } = node;
    switch (step.do) {
      case 'remember':
        node.state = step.state;
        rules.remembered(node, record);
        return;
      case 'found':
        server.empty('stopped');
        return;
      case 'discard':
        server.empty('absent');
        return;
      case 'found-start':
        server.is = 'primary';
        server.fork = 0;
        return;
      case 'synchronous':
        server.rule = { names: step.names, k: step.k };
        return;
      case 'start':
        server.startAsStandby(step.as);
        if (step.as === '') rules.startedAlone(node, record);
        return;
      case 'follow':
        replication.disconnect(node);
        server.follows = step.as;
        return;
      case 'cut':
        server.cut();
        return;
      case 'promote':
        if (server.is === 'standby') server.promote(record.epoch);
        return;
      case 'inaugurate':
        if (server.is === 'primary') server.inaugurate(record.epoch);
        return;
      case 'rebuild':
        this.#copy(node, record);
        return;
      case 'hand-over':
        if (server.is === 'primary') {
          server.shutDown();
          replication.sendRest(node);
        }
        this.stopServer(node);
        return;
      case 'stop':
        this.stopServer(node);
        return;
      default:
        return;
    }
  }

  #copy(node: SimNode, record: GroupRecord): void {
    const { clock, network, metadata, nodes } = this.#options;
    const source = nodes[record.primary - 1];
    if (source === undefined || !network.reaches(node, source)) return;
    if (source.server.is !== 'primary' || source.server.reigns !== record.epoch) return;
    if (currentReign(record) === null || metadata.recordOf(node).epoch !== record.epoch) return;
    node.server.copyFrom(source.server);
    // The copy is written down after it is complete; in between the process may end.
    const { life } = node;
    clock.after(clock.between(1, 20), () => {
      if (node.life === life && node.isUp) node.state = copied(node.state, record);
    });
    node.busyUntil_ms = clock.now_ms + 25;
  }

  #demand(from: SimNode, of: number, epoch: number): void {
    const { clock, network, metadata, nodes } = this.#options;
    const to = nodes[of - 1] as SimNode;
    clock.after(clock.between(1, 20), () => {
      if (!network.reaches(from, to)) return;
      if (to.server.is === 'primary' && to.server.reigns < epoch) this.stopServer(to);
      if (to.server.is === 'primary') return;
      clock.after(clock.between(1, 20), () => {
        if (network.reaches(from, to)) metadata.tell(from, { type: 'released', epoch, node: of });
      });
    });
  }
}
