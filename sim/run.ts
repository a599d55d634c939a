/**
 * One seed from beginning to end. Safety phase: load and faults. Liveness phase: everything heals, and the cluster must converge;
 * then, for some seeds, a minority is taken away for good, and the rest must do without it.
 */
import type { LogFields } from '../src/base/log.ts';
import { Prng } from '../src/base/prng.ts';
import { SimWorld } from './cluster/sim-world.ts';
import type { Fault } from './faults/fault.ts';
import { Injector } from './faults/injector.ts';
import { describeFault, drawSchedule } from './faults/schedule.ts';
import { Client } from './load/client.ts';
import type { SlotOperation } from './load/slot-operation.ts';
import { canDoWithout, describeReplicas, whyNotConverged } from './oracles/convergence.ts';
import { Violation } from './oracles/violation.ts';
import { drawSwarm, type Swarm } from './swarm.ts';
import { requireMicrotaskCheckpoint } from './world/microtasks.ts';
import { EventKind } from './world/scheduler.ts';

/** How long a cluster may take until it has converged, in simulated time. */
const CONVERGENCE_MS = 40_000;
const POLL_MS = 100;
const LAST_PATIENCE_MS = 20_000;

export interface RunOptions {
  readonly seed: number;
  /** Instead of the faults that the seed makes. */
  readonly schedule?: readonly Fault[];
  readonly trace?: (line: string) => void;
}

export interface RunResult {
  readonly seed: number;
  /** Null when all is well. */
  readonly failure: { readonly rule: string; readonly text: string } | null;
  readonly hash: string;
  readonly events: number;
  readonly simulated_ms: number;
  readonly operations: number;
  readonly acknowledged: number;
  readonly stateChecks: number;
  readonly swarm: Swarm;
  readonly schedule: readonly Fault[];
}

/** Runs a seed, in a task of its own. Rejects never: what goes wrong is in the result. */
export function runSeed(options: RunOptions): Promise<RunResult> {
  return new Promise((resolve) => {
    setImmediate(() => {
      requireMicrotaskCheckpoint();
      const rejections: unknown[] = [];
      const onRejection = (reason: unknown): void => {
        rejections.push(reason);
      };
      process.on('unhandledRejection', onRejection);
      const result = new Run(options).run();
      // Rejections that nobody handled are told after this task.
      setImmediate(() => {
        process.off('unhandledRejection', onRejection);
        const [reason] = rejections;
        if (rejections.length > 0 && result.failure === null) {
          const text = reason instanceof Error ? (reason.stack ?? reason.message) : String(reason);
          resolve({ ...result, failure: { rule: 'unhandled-rejection', text } });
        } else resolve(result);
      });
    });
  });
}

class Run {
  readonly #options: RunOptions;
  readonly #world: SimWorld;
  readonly #schedule: readonly Fault[];
  readonly #injector: Injector;
  readonly #prng: Prng;

  constructor(options: RunOptions) {
    this.#options = options;
    const prng = new Prng(options.seed);
    const swarm = drawSwarm(prng.fork());
    const drawn = drawSchedule(prng.fork(), swarm);
    this.#schedule = options.schedule ?? drawn;
    this.#prng = prng.fork();
    this.#world = new SimWorld(swarm, prng.fork());
    this.#injector = new Injector(this.#world, this.#schedule);
    const { trace } = options;
    if (trace !== undefined) this.#traceTo(trace);
  }

  run(): RunResult {
    let failure: RunResult['failure'] = null;
    try {
      this.#run();
    } catch (error) {
      failure = describe(error);
      for (const line of describeReplicas(this.#world)) this.#options.trace?.(`replicas ${line}`);
    }
    const { scheduler, swarm, raft } = this.#world;
    let operations = 0;
    let acknowledged = 0;
    for (const history of this.#world.histories()) {
      operations += history.attempts.length;
      for (const { outcome } of history.attempts) if (outcome === 0) acknowledged += 1;
    }
    return {
      seed: this.#options.seed,
      failure,
      hash: scheduler.hash.digest(),
      events: scheduler.events,
      simulated_ms: scheduler.now_ms,
      operations,
      acknowledged,
      stateChecks: raft.stateChecks,
      swarm,
      schedule: this.#schedule,
    };
  }

  #run(): void {
    const world = this.#world;
    const { swarm } = world;
    world.start();
    this.#injector.start();
    world.run(swarm.faultsFrom_ms + swarm.safety_ms);
    this.#injector.heal(new Set());
    this.#converge('everything has healed');
    world.loadIsOver = true;
    this.#askEverySlot();
    this.#converge('the load is over');
    const down = this.#minority();
    if (down.size > 0) {
      this.#injector.heal(down);
      this.#converge(`machines ${[...down].join(', ')} are gone`);
      this.#askEverySlot();
    }
    world.checkAll();
  }

  #converge(after: string): void {
    const world = this.#world;
    const deadline_ms = world.scheduler.now_ms + CONVERGENCE_MS;
    // While clients write, replicas are never all alike: the load goes on for a second, then stops.
    world.run(world.scheduler.now_ms + 1_000);
    world.loadIsOver = true;
    for (;;) {
      const why = whyNotConverged(world);
      if (why === null) return;
      if (world.scheduler.now_ms > deadline_ms) {
        throw new Violation('no-convergence', `${CONVERGENCE_MS} ms after ${after}: ${why}`);
      }
      world.run(world.scheduler.now_ms + POLL_MS);
    }
  }

  /** A write and a read of every slot, which have to succeed. */
  #askEverySlot(): void {
    const world = this.#world;
    let left = 0;
    const failed: number[] = [];
    for (const slot of world.slots) {
      for (const kind of ['append', 'readAll'] as const) {
        const operation: SlotOperation = { kind, key: 0, other: 0, value: world.uniqueText(), reverse: false };
        const client = new Client(world, this.#prng.fork());
        left += 1;
        client.run(slot, operation, LAST_PATIENCE_MS, (done) => {
          left -= 1;
          if (!done) failed.push(slot);
        });
      }
    }
    world.run(world.scheduler.now_ms + LAST_PATIENCE_MS + 1_000, () => left === 0);
    if (left > 0 || failed.length > 0) {
      throw new Violation(
        'not-served',
        `${left} operations without an answer, others failed on slots ${failed.join(', ')}`,
      );
    }
  }

  /** Machines that the cluster must be able to do without; often none. */
  #minority(): Set<number> {
    const world = this.#world;
    const down = new Set<number>();
    if (this.#prng.chance(0.5)) return down;
    for (let i = 0; i < 2; i += 1) {
      const number = 1 + this.#prng.below(world.machines.length);
      down.add(number);
      if (!canDoWithout(world, down)) down.delete(number);
    }
    return down;
  }

  #traceTo(trace: (line: string) => void): void {
    const { scheduler } = this.#world;
    const names = new Map<number, string>(Object.entries(EventKind).map(([name, kind]) => [kind, name]));
    const stamp = (): string => scheduler.now_ms.toFixed(3).padStart(10);
    scheduler.onEvent = (event) => trace(`${stamp()} ${names.get(event.kind)} ${event.lane?.machine ?? '-'}`);
    this.#world.onLog = (machine: number, text: string, fields: LogFields) => {
      trace(`${stamp()} log ${machine} ${text} ${JSON.stringify(fields, replacer)}`);
    };
    for (const fault of this.#schedule) trace(`schedule ${describeFault(fault)}`);
  }
}

function replacer(_key: string, value: unknown): unknown {
  return value instanceof Error ? value.message : value;
}

function describe(error: unknown): { rule: string; text: string } {
  if (error instanceof Violation) return { rule: error.rule, text: error.message };
  if (error instanceof Error) return { rule: `exception: ${error.message}`, text: error.stack ?? error.message };
  return { rule: 'exception', text: String(error) };
}
