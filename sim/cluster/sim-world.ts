/** Everything that a seed makes: machines, network, clients, oracles, and what they have to know of each other. */
import { type LogFields, type Logger, silentLogger } from '../../src/base/log.ts';
import type { Prng } from '../../src/base/prng.ts';
import { slotsOf } from '../../src/cluster/placement.ts';
import { CatalogLoad } from '../load/catalog-load.ts';
import { Client } from '../load/client.ts';
import { decodeVersion, versionKey } from '../load/slot-operation.ts';
import { DurableLog } from '../oracles/durable-log.ts';
import { checkVote } from '../oracles/promise-oracle.ts';
import { RaftOracle } from '../oracles/raft-oracle.ts';
import { RegisterHistory } from '../oracles/register-history.ts';
import { SlotHistory } from '../oracles/slot-history.ts';
import { Violation } from '../oracles/violation.ts';
import type { Swarm } from '../swarm.ts';
import { Links } from '../world/links.ts';
import { EventKind, Scheduler } from '../world/scheduler.ts';
import { SimDatagrams } from '../world/sim-datagrams.ts';
import { SimNetwork } from '../world/sim-network.ts';
import { Machine } from './machine.ts';
import { type NodeProcess, PEER_PORT, WAL_FOLDER } from './node-process.ts';

const STATE_CHECK_MS = 40;
const RESTART_MS = 300;

export class SimWorld {
  readonly scheduler = new Scheduler();
  readonly swarm: Swarm;
  readonly prng: Prng;
  readonly links: Links;
  readonly network: SimNetwork;
  readonly datagrams: SimDatagrams;
  readonly machines: Machine[] = [];
  readonly clients: Client[] = [];
  readonly catalog: CatalogLoad;
  readonly raft: RaftOracle;
  readonly slots: number[] = [];
  readonly registers = new RegisterHistory();
  /** Clients begin no further operations. */
  loadIsOver = false;
  /** Given by a trace. */
  onLog: ((machine: number, text: string, fields: LogFields) => void) | null = null;
  readonly #logs = new Map<number, DurableLog>();
  readonly #histories = new Map<number, SlotHistory>();
  readonly #slotOfKey = new Map<string, number>();
  #attempts = 0;
  #checked = 0;
  #failure: Error | null = null;

  constructor(swarm: Swarm, prng: Prng) {
    this.swarm = swarm;
    this.prng = prng;
    this.links = new Links({ latency_ms: swarm.latency_ms, jitter_ms: swarm.jitter_ms });
    const { window_bytes, piece_bytes } = swarm;
    this.network = new SimNetwork(this.scheduler, this.links, { window_bytes, piece_bytes }, prng.fork());
    this.datagrams = new SimDatagrams(this.scheduler, this.links, prng.fork());
    this.raft = new RaftOracle(
      (node) => this.#logs.get(this.machineOfNode(node)),
      (_tablet, key, value) => this.#committed(key, value),
    );
    for (let number = 0; number < swarm.tablets; number += 1) {
      const { slotFirst, slotLast } = slotsOf(number, swarm.tablets);
      for (let i = 0; i < swarm.slotsPerTablet; i += 1) this.#addSlot(slotFirst + prng.below(slotLast - slotFirst + 1));
    }
    for (let i = 0; i < swarm.nodes; i += 1) this.addMachine();
    for (let i = 0; i < swarm.clients; i += 1) this.clients.push(new Client(this, prng.fork()));
    this.catalog = new CatalogLoad(this, prng.fork());
  }

  start(): void {
    for (const machine of this.machines) {
      this.scheduler.plan(machine.prng.fraction() * 20, EventKind.process, null, () => machine.start());
    }
    for (const client of this.clients) client.start();
    this.catalog.start();
    this.#checkSomeState();
  }

  addMachine(): Machine {
    const number = this.machines.length + 1;
    const machine = new Machine(this, number);
    if (number <= this.swarm.nodes) machine.nodeId = number;
    this.machines.push(machine);
    const log = new DurableLog(WAL_FOLDER);
    machine.disk.observer = log;
    log.onVote = (tablet, term, candidate) => checkVote(this.machines, machine, { tablet, term, candidate });
    this.#logs.set(number, log);
    return machine;
  }

  seedAddresses(): { host: string; port: number }[] {
    return this.machines.slice(0, this.swarm.nodes).map(({ host }) => ({ host, port: PEER_PORT }));
  }

  machineOfNode(node: number): number {
    if (node <= this.swarm.nodes) return node;
    return this.machines.find((machine) => machine.nodeId === node)?.number ?? 0;
  }

  /** After every event of a process. */
  observe(process: NodeProcess): void {
    const { host } = process.cluster;
    if (host === null) return;
    const { machine } = process;
    if (machine.nodeId === 0) machine.nodeId = process.cluster.identity.node;
    this.raft.observe(machine.nodeId, host.all());
    if (process.isNew) {
      // What a restart found, before anything has repaired it.
      process.isNew = false;
      this.checkState(machine);
    }
  }

  /** A process says that it must end: by a fault of its disk it may, by anything else never. */
  processFailed(process: NodeProcess, error: Error): void {
    const { machine } = process;
    if (!process.alive) return;
    this.#log(machine.number, 'the process fails', { error: String(error) });
    // What looks hopeless to a damaged node need not be: some of the others may have been down. Nothing was removed.
    const gaveUp = machine.damaged && (error as { code?: unknown }).code === 'UNRECOVERABLE';
    if (!machine.disk.failed && !gaveUp) {
      this.#failure ??=
        error instanceof Violation ? error : new Violation('process-failed', describe(machine.number, error));
      return;
    }
    this.scheduler.plan(0, EventKind.process, null, () => {
      if (machine.process !== process) return;
      machine.disk.failed = false;
      machine.crash(false);
      this.restartLater(machine, RESTART_MS);
    });
  }

  restartLater(machine: Machine, delay_ms: number): void {
    this.scheduler.plan(delay_ms, EventKind.process, null, () => {
      if (!machine.keptDown) machine.start();
    });
  }

  fail(rule: string, text: string): void {
    this.#failure ??= new Violation(rule, text);
  }

  /** Runs until `until_ms` or until `stop` says so. */
  run(until_ms: number, stop: () => boolean = () => false): void {
    while (this.scheduler.step(until_ms)) {
      if (this.#failure !== null) throw this.#failure;
      if (stop()) return;
    }
    if (this.#failure !== null) throw this.#failure;
  }

  history(slot: number): SlotHistory {
    return this.#histories.get(slot) as SlotHistory;
  }

  histories(): IterableIterator<SlotHistory> {
    return this.#histories.values();
  }

  nextAttempt(): number {
    this.#attempts += 1;
    return this.#attempts;
  }

  uniqueText(): string {
    return `u${this.#attempts + 1}`;
  }

  loggerFor(machine: number): Logger {
    if (this.onLog === null) return silentLogger;
    const write = (fields: LogFields, text: string): void => this.#log(machine, text, fields);
    const logger: Logger = { debug: write, info: write, warn: write, error: write, child: () => logger };
    return logger;
  }

  #log(machine: number, text: string, fields: LogFields): void {
    this.onLog?.(machine, text, fields);
  }

  #addSlot(slot: number): void {
    if (this.#histories.has(slot)) return;
    this.slots.push(slot);
    this.#histories.set(slot, new SlotHistory(slot));
    this.#slotOfKey.set(versionKey(slot), slot);
  }

  #committed(key: string, value: Buffer): void {
    const slot = this.#slotOfKey.get(key);
    if (slot !== undefined) this.history(slot).committed(decodeVersion(value));
  }

  /** The last look at everything, when the cluster has come to rest. */
  checkAll(): void {
    for (const machine of this.machines) {
      this.checkState(machine);
      for (const tablet of machine.process?.cluster.host?.all() ?? []) this.raft.checkLog(machine.nodeId, tablet);
    }
    for (const history of this.histories()) history.check();
    this.registers.check();
    this.catalog.check();
  }

  /** One node after the other. */
  #checkSomeState(): void {
    this.scheduler.plan(STATE_CHECK_MS, EventKind.oracle, null, () => {
      const machine = this.machines[this.#checked % this.machines.length] as Machine;
      this.#checked += 1;
      this.checkState(machine);
      this.#checkSomeState();
    });
  }

  /** Compares all that a node has applied with what was committed. */
  checkState(machine: Machine): void {
    const cluster = machine.process?.cluster;
    // That a value has rotted is for the node to find out.
    if (machine.store.isRotten) return;
    for (const tablet of cluster?.host?.all() ?? []) {
      const ranges = tablet.ranges(tablet.overlay);
      if (ranges !== null) this.raft.checkState(machine.nodeId, tablet, ranges);
    }
  }
}

function describe(machine: number, error: Error): string {
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : '';
  return `machine ${machine}: ${error.stack ?? error.message}${cause}`;
}
