/** Liveness whose engine runs on a lane of its own, as the worker thread does: it goes on while the main loop stands still. */
import type { Clock } from '../../src/base/clock.ts';
import type { DatagramNetwork, LivenessOptions } from '../../src/cluster/liveness.ts';
import { LivenessEngine } from '../../src/cluster/liveness-engine.ts';
import { LivenessMain } from '../../src/cluster/liveness-main.ts';
import { EventKind, type Lane, type Scheduler } from '../world/scheduler.ts';

/** What a message between two threads takes. */
const MESSAGE_MS = 0.05;

export interface SimLivenessWorld {
  readonly scheduler: Scheduler;
  readonly main: Lane;
  readonly worker: Lane;
  readonly mainClock: Clock;
  readonly workerClock: Clock;
  readonly datagrams: DatagramNetwork;
}

export class SimLiveness extends LivenessMain {
  constructor(world: SimLivenessWorld, options: Partial<LivenessOptions>) {
    const post = (lane: Lane, callback: () => void): void => {
      world.scheduler.plan(MESSAGE_MS, EventKind.message, lane, callback);
    };
    super(world.mainClock, options, async (memory, start, allOptions, onChange) => {
      const engine = new LivenessEngine({
        clock: world.workerClock,
        datagrams: world.datagrams,
        memory,
        start,
        options: allOptions,
        onChange: (node, change) => post(world.main, () => onChange(node, change)),
      });
      const { port } = await engine.start();
      await new Promise<void>((resolve) => post(world.main, resolve));
      return {
        port,
        engine: {
          setPeers: (peers) => post(world.worker, () => engine.setPeers(peers)),
          block: (nodes, deafTo) => post(world.worker, () => engine.block(nodes, deafTo)),
          stats: () => engine.stats(),
          stop: () => {
            engine.stop();
            return Promise.resolve();
          },
        },
      };
    });
  }
}
