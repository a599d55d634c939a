/**
 * The decisions of a group (`nextStep`, `changeGroup`, `PrimaryLease`) with simulated servers, on a simulated clock: nodes are killed,
 * paused and cut off, servers are killed, everything takes time, and one seed makes one run.
 *
 *   ModelClock -> SimNetwork -> SimLiveness -> SimMetadata -> SimReplication -> SimMembers -> SimClients, Nemesis
 *
 * What is known to be wrong is found by `Oracles`; and when the faults end, the group has to serve.
 */
import { BrokenRules, type Sabotage } from './broken-rules.test-support.ts';
import { ModelClock } from './model-clock.test-support.ts';
import { Nemesis } from './nemesis.test-support.ts';
import { Oracles } from './oracles.test-support.ts';
import { SimClients } from './sim-clients.test-support.ts';
import { SimLiveness } from './sim-liveness.test-support.ts';
import { SimMembers } from './sim-members.test-support.ts';
import { SimMetadata } from './sim-metadata.test-support.ts';
import { SimNetwork } from './sim-network.test-support.ts';
import { SimNode } from './sim-node.test-support.ts';
import { SimReplication } from './sim-replication.test-support.ts';
import { SimServer } from './sim-server.test-support.ts';

const HEARTBEAT_MS = 100;
/** Enough for a few failed attempts, clones and leases. */
const HEALING_MS = 60_000;

export interface ModelResult {
  readonly violations: readonly string[];
  readonly acknowledged: number;
  readonly epochs: number;
  readonly outcome: string;
}

export class GroupModel {
  readonly #clock: ModelClock;
  readonly #nodes: SimNode[] = [];
  readonly #oracles = new Oracles();
  readonly #liveness: SimLiveness;
  readonly #metadata: SimMetadata;
  readonly #replication: SimReplication;
  readonly #members: SimMembers;
  readonly #clients: SimClients;
  readonly #nemesis: Nemesis;

  constructor(seed: number, sabotage: readonly Sabotage[] = [], size = 3) {
    const oracles = this.#oracles;
    const nodes = this.#nodes;
    const clock = new ModelClock(seed);
    const network = new SimNetwork(clock);
    const liveness = new SimLiveness(clock, network, nodes);
    const rules = new BrokenRules(sabotage, clock, network, nodes);
    const server = {
      named: (name: string) => rules.named(name),
      acknowledged: oracles.noteAcknowledged.bind(oracles),
    };
    for (let id = 1; id <= size; id++)
      nodes.push(new SimNode(id, new SimServer(server), (node) => liveness.newLease(node)));
    const parts = { clock, network, liveness, rules, nodes, oracles };
    const metadata = new SimMetadata({
      ...parts,
      opened: (record) => oracles.checkOpening(record, (nodes[record.primary - 1] as SimNode).server),
    });
    const replication = new SimReplication({ ...parts, metadata });
    const members = new SimMembers({ ...parts, metadata, replication });
    this.#clock = clock;
    this.#liveness = liveness;
    this.#metadata = metadata;
    this.#replication = replication;
    this.#members = members;
    this.#clients = new SimClients({ ...parts, metadata, members });
    this.#nemesis = new Nemesis({ ...parts, metadata, replication, members });
  }

  run(duration_ms: number): ModelResult {
    const { violations } = this.#oracles;
    for (const node of this.#nodes) this.#start(node);
    this.#nemesis.begin();
    this.#runUntil(duration_ms);
    this.#nemesis.heal();
    const end_ms = duration_ms + HEALING_MS;
    while (this.#clock.now_ms < end_ms && violations.length === 0 && !this.#serves())
      this.#runUntil(this.#clock.now_ms + 500);
    if (violations.length === 0 && !this.#serves())
      violations.push(`healed, and it does not serve: ${this.#picture()}`);
    const { epoch, phase, primary } = this.#metadata.record;
    const { acknowledged } = this.#oracles;
    const outcome = `${epoch} ${phase} ${primary} ${acknowledged} ${this.#clock.planned}`;
    return { violations, acknowledged, epochs: epoch, outcome };
  }

  #start(node: SimNode): void {
    this.#repeat(node, 10, 30, () => this.#members.step(node));
    this.#repeat(node, HEARTBEAT_MS, HEARTBEAT_MS + 1, () => this.#liveness.heartbeat(node));
    this.#repeat(node, 20, 30, () => this.#metadata.suspect(node));
    this.#repeat(node, 5, 40, () => this.#metadata.deliver(node));
    this.#repeat(node, 5, 25, () => this.#replication.replicate(node));
    this.#repeat(node, 10, 80, () => this.#clients.transact(node));
  }

  #repeat(node: SimNode, min_ms: number, max_ms: number, run: () => void): void {
    const clock = this.#clock;
    clock.after(clock.between(min_ms, max_ms), () => {
      if (node.isUp && !node.isPaused) run();
      this.#repeat(node, min_ms, max_ms, run);
    });
  }

  #runUntil(end_ms: number): void {
    const clock = this.#clock;
    const oracles = this.#oracles;
    while (clock.now_ms < end_ms && oracles.violations.length === 0) {
      if (clock.tick()) oracles.checkPrimaries(this.#nodes.filter((node) => this.#members.isOpen(node)));
    }
  }

  #serves(): boolean {
    const { phase, primary, k } = this.#metadata.record;
    const node = this.#nodes[primary - 1];
    return phase === 'serving' && node !== undefined && this.#members.isOpen(node) && node.server.replicas.size >= k;
  }

  #picture(): string {
    const { epoch, phase, primary } = this.#metadata.record;
    const nodes = this.#nodes.map(({ id, server, state, version }) => {
      const { is, follows, log } = server;
      return `n${id}: ${is} ${follows} ${log.length} ${JSON.stringify(state)} ${version}`;
    });
    return [`${epoch} ${phase} ${primary} of ${this.#metadata.versions}`, ...nodes].join('\n');
  }
}
