/** Faults of disks. */
import type { Fault } from '../nemesis.ts';

/** The node may go on, refuse, or end; with space it must serve again. */
export const diskFull: Fault = async ({ cluster, disks, reach, node, say }) => {
  const victim = node(0);
  if (disks === undefined || !disks.has(victim.dataFolder)) return async () => undefined;
  say(`disk of ${victim.name} is full`);
  reach.setUp([victim], false);
  await disks.fill(victim.dataFolder);
  return async () => {
    await disks.free(victim.dataFolder);
    if (!victim.running) await cluster.start(victim, { ready: false });
    reach.setUp([victim], true);
    say(`${victim.name} has space again`);
  };
};
