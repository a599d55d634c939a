/**
 * A client beside the doors: it submits operations to a node as a door would, follows `elsewhere`, waits as long as it has patience,
 * and tells the history what it was told. A write whose outcome it does not know it never repeats.
 */
import type { Prng } from '../../src/base/prng.ts';
import type { RoutedOperation } from '../../src/cluster/view.ts';
import { Outcome, type Transaction } from '../../src/tablet/operation.ts';
import type { Machine } from '../cluster/machine.ts';
import type { NodeProcess } from '../cluster/node-process.ts';
import type { SimWorld } from '../cluster/sim-world.ts';
import type { Attempt, AttemptHistory } from '../oracles/slot-history.ts';
import { EventKind, type SimEvent } from '../world/scheduler.ts';
import {
  decodeVersion,
  drawOperation,
  encodeVersion,
  isOnRegister,
  isRead,
  runOperation,
  type SlotOperation,
  versionKey,
} from './slot-operation.ts';

const HOPS_MAX = 6;
const RETRY_MS = 20;

export class Client {
  /** Operations ended since the world began to count. */
  done = 0;
  waiting: ClientAttempt | null = null;
  readonly #world: SimWorld;
  readonly #prng: Prng;
  #home: number;

  constructor(world: SimWorld, prng: Prng) {
    this.#world = world;
    this.#prng = prng;
    this.#home = 1 + prng.below(world.swarm.nodes);
  }

  start(): void {
    this.#next();
  }

  #next(): void {
    const { scheduler, swarm } = this.#world;
    scheduler.plan(this.#prng.fraction() * 2 * swarm.think_ms, EventKind.client, null, () => {
      if (this.#world.loadIsOver) return;
      const { slots } = this.#world;
      const slot = this.#prng.pick(slots);
      this.run(slot, drawOperation(this.#prng, this.#world.uniqueText(), swarm), swarm.clientTimeout_ms, () =>
        this.#next(),
      );
    });
  }

  /** Tries until it is told `done` or `unknown`, or its patience is over; `ended(true)` when it was done. */
  run(slot: number, operation: SlotOperation, patience_ms: number, ended: (done: boolean) => void): void {
    const { scheduler } = this.#world;
    const deadline_ms = scheduler.now_ms + patience_ms;
    if (this.#prng.chance(0.1)) this.#home = 1 + this.#prng.below(this.#world.machines.length);
    const attempt = (node: number, hops: number): void => {
      const left_ms = deadline_ms - scheduler.now_ms;
      if (left_ms <= 0 || hops > HOPS_MAX) {
        if (left_ms > 0 && patience_ms > 5_000) {
          scheduler.plan(RETRY_MS, EventKind.client, null, () => attempt(this.#anyNode(), 0));
          return;
        }
        this.#end(false, ended);
        return;
      }
      this.waiting = new ClientAttempt(this.#world, slot, operation, node, left_ms, (outcome, elsewhere) => {
        this.waiting = null;
        if (outcome === Outcome.done || outcome === Outcome.unknown) this.#end(outcome === Outcome.done, ended);
        else if (elsewhere !== 0) attempt(elsewhere, hops + 1);
        else scheduler.plan(RETRY_MS, EventKind.client, null, () => attempt(this.#anyNode(), hops + 1));
      });
    };
    attempt(this.#home, 0);
  }

  #anyNode(): number {
    return 1 + this.#prng.below(this.#world.machines.length);
  }

  #end(done: boolean, ended: (done: boolean) => void): void {
    this.done += 1;
    ended(done);
  }
}

/** One submission to one node. */
export class ClientAttempt implements RoutedOperation {
  readonly slot: number;
  readonly staleRead = false;
  readonly #world: SimWorld;
  readonly #history: AttemptHistory;
  readonly #record: Attempt;
  readonly #ended: (outcome: Outcome, elsewhere: number) => void;
  readonly #timeout: SimEvent;
  #process: NodeProcess | null = null;
  /** The client has been told, or has given up. */
  #over = false;
  /** The node has ended the operation. */
  #completed = false;

  constructor(
    world: SimWorld,
    slot: number,
    operation: SlotOperation,
    machine: number,
    patience_ms: number,
    ended: (outcome: Outcome, elsewhere: number) => void,
  ) {
    this.#world = world;
    this.slot = slot;
    this.#ended = ended;
    const { scheduler } = world;
    this.#record = {
      id: world.nextAttempt(),
      slot,
      operation,
      node: machine,
      called: scheduler.stamp(),
      calledAt_ms: scheduler.now_ms,
      returned: Number.POSITIVE_INFINITY,
      outcome: null,
      executed: false,
      before: { number: 0, attempt: 0 },
      result: '',
    };
    this.#history = isOnRegister(operation) ? world.registers : world.history(slot);
    this.#history.add(this.#record);
    this.#timeout = scheduler.plan(patience_ms, EventKind.client, null, () => this.#end(Outcome.unknown, 0));
    const target: Machine | undefined = world.machines[machine - 1];
    scheduler.plan(world.network.delay_ms(), EventKind.client, null, () => {
      if (this.#over) return;
      const process = target?.process ?? null;
      if (process === null || process.cluster.host === null) {
        this.#end(Outcome.unavailable, 0);
        return;
      }
      this.#process = process;
      process.attempts.add(this);
      scheduler.enter(EventKind.client, process.main, () => process.cluster.submit(this));
    });
  }

  execute(transaction: Transaction): void {
    const record = this.#record;
    if (isOnRegister(record.operation)) {
      record.executed = true;
      record.result = runOperation(transaction, this.slot, record.operation);
      return;
    }
    const key = versionKey(this.slot);
    const before = decodeVersion(transaction.get(key));
    const { number, attempt } = before;
    record.before = { number, attempt };
    record.executed = true;
    record.result = runOperation(transaction, this.slot, record.operation);
    if (!isRead(record.operation)) transaction.put(key, encodeVersion({ number: number + 1, attempt: record.id }));
  }

  complete(outcome: Outcome): void {
    if (this.#completed) this.#world.fail('completed-twice', `attempt ${this.#record.id} was completed twice`);
    this.#completed = true;
    const process = this.#process;
    if (process !== null) {
      process.attempts.delete(this);
      this.#world.observe(process);
    }
    this.#end(outcome, 0);
  }

  elsewhere(node: number): void {
    this.#completed = true;
    this.#process?.attempts.delete(this);
    this.#end(Outcome.notLeader, this.#world.machineOfNode(node));
  }

  /** The process is gone, and with it the connection. */
  connectionLost(): void {
    this.#end(Outcome.unknown, 0);
  }

  #end(outcome: Outcome, elsewhere: number): void {
    const record = this.#record;
    if (this.#over) {
      // Too late for the client. What is certain stays certain, and is checked like any other answer.
      if (record.outcome === Outcome.unknown && outcome !== Outcome.unknown) {
        this.#history.late(record, outcome, this.#world.scheduler.stamp());
      }
      return;
    }
    this.#over = true;
    this.#timeout.cancel();
    const { scheduler } = this.#world;
    this.#history.returned(record, outcome, scheduler.stamp());
    scheduler.plan(this.#world.network.delay_ms(), EventKind.client, null, () => this.#ended(outcome, elsewhere));
  }
}
