/** Faults of disks. */
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Prng } from '../../../base/prng.ts';
import type { Fault } from '../fault.ts';
import { untilInPlace } from '../last-reads.ts';

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

/** Bytes of one file that are changed, each at a place of its own. */
const CHANGES = 3;

/**
 * Changes what one node has on disk while it is down. Nothing else may be damaged until it has been rebuilt, so the disruption is
 * over only then: the others are the majority whose disks are whole.
 */
export const corrupt: Fault = async ({ cluster, reach, disruption, node, say }) => {
  const victim = node(0);
  if (!victim.running) return async () => undefined;
  await untilInPlace(cluster);
  reach.setUp([victim], false);
  await cluster.kill(victim);
  const files = await filesOf(victim.dataFolder);
  const prng = new Prng(disruption.draw);
  const path = files.length === 0 ? undefined : prng.pick(files);
  if (path !== undefined) say(`${victim.name} killed, ${await change(path, prng)}`);
  return async () => {
    await cluster.start(victim, { ready: false });
    reach.setUp([victim], true);
    await untilInPlace(cluster);
    say(`${victim.name} is whole again`);
  };
};

/** Its log and its store. */
async function filesOf(dataFolder: string): Promise<string[]> {
  const files: string[] = [];
  for (const folder of ['wal', 'store']) {
    const path = join(dataFolder, folder);
    for (const name of await readdir(path))
      if (/\.(log|mdb)$/.test(name) && !/lock/.test(name)) files.push(join(path, name));
  }
  return files.sort();
}

async function change(path: string, prng: Prng): Promise<string> {
  const file = await open(path, 'r+');
  try {
    const { size } = await file.stat();
    const places: number[] = [];
    for (let n = 0; n < CHANGES && size > 0; n++) {
      const at = prng.below(size);
      const byte = Buffer.alloc(1);
      await file.read(byte, 0, 1, at);
      byte[0] = (byte[0] ?? 0) ^ (1 << prng.below(8));
      await file.write(byte, 0, 1, at);
      places.push(at);
    }
    return `bits of ${path} flipped at ${places.join(', ')}`;
  } finally {
    await file.close();
  }
}
