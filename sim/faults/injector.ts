/** Carries out a schedule, and undoes all of it when the world is to heal. */
import { nodeOf } from '../../src/tablet/replica-id.ts';
import type { Machine } from '../cluster/machine.ts';
import type { NodeProcess } from '../cluster/node-process.ts';
import type { SimWorld } from '../cluster/sim-world.ts';
import { EventKind, type Lane } from '../world/scheduler.ts';
import { mayDamage, rotLog } from './damage.ts';
import type { Fault } from './fault.ts';

const MACHINES_MAX = 7;
const ADD_AFTER_MS = 400;
const ADD_ATTEMPTS = 10;
const DRAIN_TIMEOUT_MS = 2_000;
/** Shorter suspensions stay below what the watch of the clocks can see, and within the lease's margin for drift. */
const SUSPEND_MS_MIN = 120;

export class Injector {
  readonly #world: SimWorld;
  readonly #faults: readonly Fault[];
  /** What undoes a fault that still lasts. */
  readonly #undo = new Set<() => void>();
  readonly #hasSuspensions: boolean;
  #healed = false;

  constructor(world: SimWorld, faults: readonly Fault[]) {
    this.#world = world;
    this.#faults = faults;
    this.#hasSuspensions = faults.some(({ kind }) => kind === 'suspend');
  }

  start(): void {
    for (const fault of this.#faults) {
      this.#world.scheduler.plan(fault.at_ms, EventKind.fault, null, () => {
        if (!this.#healed) this.#inject(fault);
      });
    }
  }

  /** Ends every fault that lasts, and starts what is down, but for the machines that stay down. */
  heal(keptDown: ReadonlySet<number>): void {
    this.#healed = true;
    for (const undo of [...this.#undo]) undo();
    for (const machine of this.#world.machines) {
      machine.disk.onChange = null;
      machine.store.onChange = null;
      if (keptDown.has(machine.number)) {
        machine.keptDown = true;
        machine.crash(true);
      } else {
        machine.start();
      }
    }
  }

  #inject(fault: Fault): void {
    const { machines, links, network, scheduler } = this.#world;
    const machine = machines[fault.machine - 1] as Machine;
    const { process } = machine;
    const all = machines.map(({ number }) => number);
    switch (fault.kind) {
      case 'crash':
        this.#crash(machine, false, fault.for_ms);
        return;
      case 'powerCut':
        this.#crash(machine, true, fault.for_ms);
        return;
      case 'powerCutAll':
        for (const each of machines) this.#crash(each, true, fault.for_ms * (each.number / machines.length));
        return;
      case 'crashAtChange':
        this.#crashAfterChanges(machine, [machine.disk, machine.store], 1 + (fault.amount % 40), fault);
        return;
      case 'crashWhileInstalling':
        // The steps of an install are steps of the store: each of the first ones is met often.
        this.#crashAfterChanges(machine, [machine.store], 1 + (fault.amount % 5), fault, isInstalling);
        return;
      case 'pause':
        if (process !== null) this.#freeze([process.main, process.worker], fault.for_ms);
        return;
      case 'stall':
        if (process !== null) this.#freeze([process.main], fault.for_ms);
        return;
      case 'suspend':
        if (process !== null) this.#suspend(machine, process, Math.max(SUSPEND_MS_MIN, fault.for_ms));
        return;
      case 'wallJump':
        // Forwards where machines are suspended: a jump back by the very length of a suspension would hide it, which is
        // a limit that docs/internals/liveness.md states.
        machine.clock.wallError_ms += (this.#hasSuspensions ? fault.amount : fault.amount - 500) * 40;
        return;
      case 'partitionHalf':
        this.#cut(
          pairs(all, (a, b) => side(a, fault.amount) !== side(b, fault.amount)),
          fault.for_ms,
        );
        return;
      case 'partitionOne':
        this.#cut(
          pairs(all, (a, b) => (a === fault.machine) !== (b === fault.machine)),
          fault.for_ms,
        );
        return;
      case 'partitionRing':
        this.#cut(
          pairs(all, (a, b) => !areNeighbours(a, b, all.length)),
          fault.for_ms,
        );
        return;
      case 'partitionBridge':
        // Two halves that only one machine reaches both of.
        this.#cut(
          pairs(all, (a, b) => a !== fault.machine && b !== fault.machine && a % 2 !== b % 2),
          fault.for_ms,
        );
        return;
      case 'partitionOneWay':
        this.#cut([[fault.machine, fault.other]], fault.for_ms);
        return;
      case 'clog':
        links.clog(fault.machine, fault.other);
        this.#later(fault.for_ms, () => links.unclog(fault.machine, fault.other));
        return;
      case 'breakConnection':
        network.breakConnections(fault.machine, fault.other);
        return;
      case 'lossy': {
        const share = fault.amount / 1_500;
        links.lossRate += share;
        links.duplicateRate += share;
        this.#later(fault.for_ms, () => {
          links.lossRate = Math.max(0, links.lossRate - share);
          links.duplicateRate = Math.max(0, links.duplicateRate - share);
        });
        return;
      }
      case 'slowNetwork': {
        const delay_ms = fault.amount / 2;
        links.extraDelay_ms += delay_ms;
        this.#later(fault.for_ms, () => {
          links.extraDelay_ms = Math.max(0, links.extraDelay_ms - delay_ms);
        });
        return;
      }
      case 'diskStall':
        machine.disk.stalledUntil_ms = scheduler.now_ms + fault.for_ms;
        this.#later(fault.for_ms, () => {
          machine.disk.stalledUntil_ms = 0;
        });
        return;
      case 'storeStall':
        machine.store.stalledUntil_ms = scheduler.now_ms + fault.for_ms;
        this.#later(fault.for_ms, () => {
          machine.store.stalledUntil_ms = 0;
        });
        return;
      case 'diskSlow':
        machine.disk.slowness = 1 + fault.amount / 20;
        this.#later(fault.for_ms, () => {
          machine.disk.slowness = 1;
        });
        return;
      case 'diskError':
        machine.disk.failWrites = 1;
        this.#later(fault.for_ms, () => {
          machine.disk.failWrites = 0;
        });
        return;
      case 'diskFull':
        machine.disk.capacity_bytes = 0;
        this.#later(fault.for_ms, () => {
          machine.disk.capacity_bytes = Number.POSITIVE_INFINITY;
        });
        return;
      case 'transfer':
      case 'moveReplica':
        this.#administer(fault);
        return;
      case 'drain':
        if (process !== null) this.#drain(machine, process, fault.for_ms);
        return;
      case 'addNode':
        if (machines.length < MACHINES_MAX && this.#world.swarm.nodes > 1) this.#world.addMachine().start();
        return;
      case 'logRot':
      case 'storeRot':
      case 'storeLost':
        if (mayDamage(this.#world)) this.#damage(machine, fault);
        return;
    }
  }

  #damage(machine: Machine, fault: Fault): void {
    const { kind, amount, for_ms } = fault;
    machine.damaged = true;
    if (kind === 'storeRot') {
      machine.store.rot(1 + (amount % 3));
      // Found when it is read, or else when the node starts: nothing stays hidden for long.
      this.#later(amount % 2 === 0 ? 0 : for_ms, () => {
        if (machine.store.isRotten) this.#crash(machine, true, for_ms);
      });
      return;
    }
    this.#crash(machine, amount % 2 === 0, for_ms);
    // The oracles go on counting what the platter held: that a minority of the disks loses it is what has to be borne.
    if (kind === 'storeLost') machine.store.lose();
    else if (rotLog(machine, machine.prng)) {
      machine.logIsRotten = true;
      machine.logWasRotten = true;
    }
  }

  #later(delay_ms: number, undo: () => void): void {
    const once = (): void => {
      if (this.#undo.delete(once)) undo();
    };
    this.#undo.add(once);
    this.#world.scheduler.plan(delay_ms, EventKind.fault, null, once);
  }

  #crash(machine: Machine, power: boolean, down_ms: number): void {
    if (!machine.up) return;
    machine.crash(power);
    this.#world.restartLater(machine, down_ms);
  }

  /** Ends the process at the n-th change of these from now on, or from when `armed` holds. */
  #crashAfterChanges(
    machine: Machine,
    parts: readonly { onChange: (() => void) | null }[],
    count: number,
    fault: Fault,
    armed: (process: NodeProcess) => boolean = () => true,
  ): void {
    let left = count;
    const { scheduler } = this.#world;
    const onChange = (): void => {
      const { process } = machine;
      if (process === null || !armed(process)) return;
      left -= 1;
      if (left !== 0) return;
      // In the middle of what was just begun.
      scheduler.plan((fault.amount % 7) * 0.05, EventKind.fault, null, () => {
        if (machine.process === process) this.#crash(machine, fault.amount % 2 === 0, fault.for_ms);
      });
    };
    for (const part of parts) part.onChange = onChange;
  }

  #freeze(lanes: readonly Lane[], for_ms: number): void {
    const { scheduler } = this.#world;
    for (const lane of lanes) lane.freeze();
    this.#later(for_ms, () => {
      for (const lane of lanes) lane.thaw(scheduler);
    });
  }

  #suspend(machine: Machine, process: NodeProcess, for_ms: number): void {
    if (process.suspended) return;
    const { scheduler } = this.#world;
    process.suspended = true;
    machine.clock.suspend();
    process.main.freeze();
    process.worker.freeze();
    this.#later(for_ms, () => {
      if (!process.suspended) return;
      process.suspended = false;
      machine.clock.resume();
      process.main.thaw(scheduler);
      process.worker.thaw(scheduler);
    });
  }

  #cut(directions: readonly (readonly [number, number])[], for_ms: number): void {
    const { links } = this.#world;
    for (const [from, to] of directions) links.block(from, to);
    this.#later(for_ms, () => {
      for (const [from, to] of directions) links.restore(from, to);
    });
  }

  /** An operator's request, through some node that is up. */
  #administer(fault: Fault): void {
    const process = this.#world.machines.find(({ up }) => up)?.process;
    if (process == null) return;
    // Giving up a replica while another one is damaged may leave no majority of whole ones.
    if (fault.kind === 'moveReplica' && this.#world.machines.some(({ damaged }) => damaged)) return;
    const { cluster } = process;
    const tablets = [...cluster.metadata.tablets.values()];
    const record = tablets[fault.amount % Math.max(1, tablets.length)];
    if (record === undefined) return;
    const { administration } = cluster;
    const nodes = [...cluster.metadata.nodes.keys()];
    const node = nodes[(fault.machine + fault.amount) % nodes.length] as number;
    // What an operator asks for may be refused.
    const ignore = (): undefined => undefined;
    this.#world.scheduler.enter(EventKind.fault, process.main, () => {
      if (fault.kind === 'transfer') {
        administration.request({ type: 'transfer', tablet: record.id, node }).then(ignore, ignore);
        return;
      }
      const from = nodeOf(record.replicas[fault.other % record.replicas.length] as number);
      const holders = record.replicas.map(nodeOf);
      const free = nodes.filter((candidate) => !holders.includes(candidate));
      const to = free[fault.amount % Math.max(1, free.length)];
      if (to !== undefined) {
        administration
          .request({ type: 'addReplica', tablet: record.id, node: to })
          .then(() => administration.request({ type: 'removeReplica', tablet: record.id, node: from }))
          .then(ignore, ignore);
      } else if (holders.length > 1) {
        // Everybody has one: a replica is made anew where it was.
        administration.request({ type: 'removeReplica', tablet: record.id, node: from }).then(ignore, ignore);
        this.#addLater(process, record.id, from, ADD_ATTEMPTS);
      }
    });
  }

  /** The node may be giving up its old replica still. */
  #addLater(process: NodeProcess, tablet: number, node: number, attempts: number): void {
    this.#world.scheduler.plan(ADD_AFTER_MS, EventKind.fault, process.main, () => {
      process.cluster.administration.request({ type: 'addReplica', tablet, node }).then(
        () => undefined,
        () => {
          if (attempts > 1) this.#addLater(process, tablet, node, attempts - 1);
        },
      );
    });
  }

  /** `folkmoot drain` and a clean end, then another start. */
  #drain(machine: Machine, process: NodeProcess, down_ms: number): void {
    if (process.draining) return;
    process.draining = true;
    this.#world.scheduler.enter(EventKind.fault, process.main, () => {
      process.cluster
        .drain(DRAIN_TIMEOUT_MS)
        .then(() => process.cluster.stop())
        .then(
          () => {
            if (machine.process !== process) return;
            machine.stopped();
            this.#world.restartLater(machine, down_ms);
          },
          (error: unknown) => this.#world.processFailed(process, error as Error),
        );
    });
  }
}

function isInstalling(process: NodeProcess): boolean {
  for (const tablet of process.cluster.host?.all() ?? []) if (tablet.installing) return true;
  return false;
}

function side(machine: number, mask: number): number {
  return (mask >> machine) & 1;
}

function areNeighbours(a: number, b: number, count: number): boolean {
  const distance = Math.abs(a - b);
  return distance <= 1 || distance === count - 1;
}

function pairs(all: readonly number[], isCut: (a: number, b: number) => boolean): [number, number][] {
  const list: [number, number][] = [];
  for (const a of all) for (const b of all) if (a !== b && isCut(a, b)) list.push([a, b]);
  return list;
}
