/**
 * Runs every promise reaction that is due, now. Between two simulated events the process under test must come to rest exactly
 * as between two turns of a real event loop; an `await` of a fixed number of promises would not be that, and a round through
 * `setImmediate` is (3.8 us, measured). V8's own checkpoint costs 16 ns when there is nothing to do.
 *
 * It does nothing while microtasks are running already, so the simulator's loop starts from `setImmediate`, never after an
 * `await`; `requireMicrotaskCheckpoint` makes sure of it.
 */
import { setFlagsFromString } from 'node:v8';

setFlagsFromString('--allow-natives-syntax');

export const runMicrotasks = new Function('%PerformMicrotaskCheckpoint()') as () => void;

/** Throws when promise reactions cannot be run from here. */
export function requireMicrotaskCheckpoint(): void {
  let ran = false;
  void Promise.resolve().then(() => {
    ran = true;
  });
  runMicrotasks();
  if (!ran) throw new Error('the simulator has to be started from a task of its own, not after an await');
}
