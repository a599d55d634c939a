/** Wall clocks that jump. Nothing that is promised rests on them but when keys expire. */
import type { Fault } from '../fault.ts';

/** From below what the watch of the clocks notices to a day, both ways. */
const JUMPS_MS = [40, 300, 5_000, 3_600_000, 86_400_000];

export const clock: Fault = async ({ cluster, disruption, node, say }) => {
  const victim = node(0);
  const { draw } = disruption;
  const by_ms = (JUMPS_MS[draw % JUMPS_MS.length] ?? 0) * (draw % 2 === 0 ? 1 : -1);
  const jump = async (jump_ms: number): Promise<void> => {
    if (!victim.running || victim.paused) return;
    say(`clock of ${victim.name} jumps by ${jump_ms} ms`);
    // It may be about to end, or start only now: then it has no clock to be set.
    await cluster.shiftClock(victim, jump_ms).catch((error: unknown) => say(`not set: ${String(error)}`));
  };
  await jump(by_ms);
  return () => jump(-by_ms);
};
