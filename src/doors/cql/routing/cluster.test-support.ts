/**
 * Several nodes' routers over tablets in memory. The test moves leaders, loses replies and stops nodes. Time passes when somebody waits
 * for it.
 */
import type { Timer } from '../../../base/clock.ts';
import { silentLogger } from '../../../base/log.ts';
import {
  type ClusterView,
  type NodeId,
  type NodeView,
  type RoutedOperation,
  type Router,
  SLOT_COUNT,
  type TabletView,
} from '../../../cluster/view.ts';
import { Outcome, type TabletOperation } from '../../../tablet/operation.ts';
import type { RowCommand } from '../rows/commands.ts';
import { StillClock, TestTablet } from '../rows/test-tablet.test-support.ts';
import type { SchemaRig } from '../schema/schema.test-support.ts';
import { RowBackground } from './background.ts';
import { PagedRead, type PagePosition } from './paged-read.ts';
import { RowOperation } from './row-operation.ts';
import { RowServices } from './row-services.ts';
import type { SchemaSource } from './tables.ts';

class PassingClock extends StillClock {
  override after(delay_ms: number, callback: () => void): Timer {
    const timer = setImmediate(() => {
      this.now_ms += delay_ms;
      callback();
    });
    return { cancel: () => clearImmediate(timer) };
  }
}

type Handler = (from: NodeId, request: Buffer, respond: (reply: Uint8Array) => void) => void;

export class TestNode implements Router {
  readonly id: NodeId;
  readonly services: RowServices;
  readonly background: RowBackground;
  isStopped = false;
  readonly #cluster: TestCluster;
  #handler: Handler | undefined;

  constructor(cluster: TestCluster, id: NodeId, schema: SchemaSource) {
    this.#cluster = cluster;
    this.id = id;
    this.services = new RowServices({ router: this, clock: cluster.clock, deadline_ms: 2_000, schema });
    this.background = new RowBackground(this.services, cluster.rig.catalog, silentLogger);
    this.services.serve();
  }

  view(): ClusterView {
    return this.#cluster.view(this.id);
  }

  submit(operation: RoutedOperation): void {
    if (this.isStopped) return;
    const tablet = this.#cluster.tabletOf(operation.slot);
    if (tablet.leader === this.id) this.#cluster.run(this, tablet, operation);
    else if (tablet.leader === 0) operation.complete(Outcome.notLeader);
    else operation.elsewhere(tablet.leader);
  }

  submitToTablet(id: number, operation: TabletOperation): void {
    const tablet = this.#cluster.tablets.find((each) => each.id === id);
    if (this.isStopped || tablet === undefined) return;
    if (tablet.leader === this.id) this.#cluster.run(this, tablet, operation);
    else operation.complete(Outcome.notLeader);
  }

  ledTablets(): readonly number[] {
    return this.#cluster.tablets.filter(({ leader }) => leader === this.id).map(({ id }) => id);
  }

  call(
    node: NodeId,
    _service: number,
    request: Uint8Array,
    onReply: (reply: Buffer | null, sent: boolean) => void,
  ): void {
    const other = this.#cluster.node(node);
    if (other.isStopped) {
      setImmediate(() => this.#alive(() => onReply(null, false)));
      return;
    }
    const isLost = this.#cluster.isLost();
    const copy = Buffer.from(request);
    let isAnswered = false;
    const answer = (reply: Buffer | null): void => {
      if (isAnswered) return;
      isAnswered = true;
      this.#cluster.broken.delete(hear);
      setImmediate(() => this.#alive(() => onReply(reply, true)));
    };
    // A node that stops breaks its connections: whoever waits for its reply hears of that.
    const hear = (stopped: NodeId): void => {
      if (stopped === node) answer(null);
    };
    this.#cluster.broken.add(hear);
    setImmediate(() => {
      if (!other.isStopped) other.#handler?.(this.id, copy, (reply) => answer(isLost ? null : Buffer.from(reply)));
    });
  }

  #alive(then: () => void): void {
    if (!this.isStopped) then();
  }

  serve(_service: number, handler: Handler): void {
    this.#handler = handler;
  }

  readLocal(): boolean {
    return false;
  }

  /** Resolves when the command has ended. */
  execute(command: RowCommand, slot: number): Promise<RowOperation> {
    return new Promise((resolve) => {
      new RowOperation(this.services, command, slot, { rowsDone: resolve }).submit();
    });
  }

  read(
    reads: ConstructorParameters<typeof PagedRead>[1],
    from: PagePosition | null,
    limit: number,
  ): Promise<PagedRead> {
    return new Promise((resolve) => {
      new PagedRead(this.services, reads, from, limit, { pageDone: resolve }).start();
    });
  }
}

export class TestCluster {
  readonly clock = new PassingClock();
  readonly rig: SchemaRig;
  readonly nodes: TestNode[];
  readonly broken = new Set<(stopped: NodeId) => void>();
  readonly stores: TestTablet[];
  tablets: TabletView[];
  /** Called for each write before it completes: what it ends with instead of `done`. */
  outcomeOf: () => Outcome = () => Outcome.done;
  /** Called for each call between nodes: whether its reply is lost. */
  isLost: () => boolean = () => false;
  #version = 1;
  #term = 1;

  constructor(
    rig: SchemaRig,
    nodeCount: number,
    tabletCount: number,
    schemaOf: (node: NodeId) => SchemaSource = () => rig.registry,
  ) {
    this.rig = rig;
    const size = SLOT_COUNT / tabletCount;
    this.stores = Array.from({ length: tabletCount }, (_, i) => new TestTablet(i * size, this.clock));
    this.tablets = this.stores.map(({ slotFirst }, i) => ({
      id: i + 1,
      slotFirst,
      slotLast: slotFirst + size - 1,
      leader: (i % nodeCount) + 1,
      term: 1,
      replicas: Array.from({ length: nodeCount }, (_each, node) => node + 1),
      rebuilding: [],
    }));
    this.nodes = Array.from({ length: nodeCount }, (_, i) => new TestNode(this, i + 1, schemaOf(i + 1)));
  }

  node(id: NodeId): TestNode {
    const node = this.nodes[id - 1];
    if (node === undefined) throw new Error(`no node ${id}`);
    return node;
  }

  view(self: NodeId): ClusterView {
    const nodes: NodeView[] = [];
    return { version: this.#version, clusterId: 'test', self, nodes, tablets: this.tablets };
  }

  tabletOf(slot: number): TabletView {
    const tablet = this.tablets.find(({ slotFirst, slotLast }) => slotFirst <= slot && slot <= slotLast);
    if (tablet === undefined) throw new Error(`no tablet for slot ${slot}`);
    return tablet;
  }

  storeOf(slot: number): TestTablet {
    return this.stores[this.tabletOf(slot).id - 1] as TestTablet;
  }

  setLeader(tablet: number, leader: NodeId): void {
    this.#term += 1;
    this.#version += 1;
    this.tablets = this.tablets.map((each) => (each.id === tablet ? { ...each, leader, term: this.#term } : each));
    (this.stores[tablet - 1] as TestTablet).beginTerm(this.#term);
  }

  /** As kill -9: nothing of what it was doing goes on. Another node leads its tablets. */
  stop(id: NodeId): void {
    this.node(id).isStopped = true;
    for (const hear of [...this.broken]) hear(id);
    const other = this.nodes.find(({ isStopped }) => !isStopped);
    for (const tablet of this.tablets) if (tablet.leader === id) this.setLeader(tablet.id, other?.id ?? 0);
  }

  run(node: TestNode, tablet: TabletView, operation: TabletOperation): void {
    const store = this.stores[tablet.id - 1] as TestTablet;
    const outcome = this.outcomeOf();
    if (outcome !== Outcome.done && outcome !== Outcome.unknown) {
      setImmediate(() => operation.complete(outcome));
      return;
    }
    store.run((transaction) => operation.execute(transaction));
    if (!store.wrote) operation.complete(Outcome.done);
    else {
      setImmediate(() => {
        if (!node.isStopped) operation.complete(outcome);
      });
    }
  }

  /** Lets the background of all nodes work until nothing changes any more, or as often as is said. */
  async settle(rounds = 20): Promise<void> {
    for (let round = 0; round < rounds; round += 1) {
      for (const node of this.nodes) if (!node.isStopped) node.background.cycle();
      for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
