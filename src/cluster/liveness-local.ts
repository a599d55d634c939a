/** Liveness whose engine runs in the caller's thread: for the simulator and for tests. */
import type { Clock } from '../base/clock.ts';
import type { DatagramNetwork, LivenessOptions } from './liveness.ts';
import { LivenessEngine } from './liveness-engine.ts';
import { LivenessMain } from './liveness-main.ts';

export class LocalLiveness extends LivenessMain {
  constructor(clock: Clock, datagrams: DatagramNetwork, options: Partial<LivenessOptions> = {}) {
    super(clock, options, async (memory, start, allOptions, onChange) => {
      const engine = new LivenessEngine({ clock, datagrams, memory, start, options: allOptions, onChange });
      const { port } = await engine.start();
      return {
        port,
        engine: {
          setPeers: (peers) => engine.setPeers(peers),
          block: (nodes, deafTo) => engine.block(nodes, deafTo),
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
