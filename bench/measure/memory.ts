/** (d) Memory and disk for a number of keys of 16 + 64 bytes: a fresh deployment, loaded, then left alone. */
import type { Deployment } from '../servers/deployment.ts';
import { fill } from './points.ts';
import { diskOf_bytes, memoryOf, settle } from './processes.ts';

const SETTLE_TIMEOUT_MS = 60_000;

export interface Footprint {
  readonly rss_bytes: number;
  readonly anonymous_bytes: number;
  readonly disk_bytes: number;
}

export interface FootprintResult {
  readonly keyCount: number;
  /** How long writing the keys took, pipelined, as a remark. */
  readonly fillSeconds: number;
  /** One entry a server. */
  readonly empty: readonly Footprint[];
  readonly loaded: readonly Footprint[];
  /** False: background work was still going on when time was up. */
  readonly settled: boolean;
}

/** Leaves the keys in place, for the points of load. `compact`: what an administrator may do to save disk. */
export async function measureFootprint(
  target: Deployment,
  keyCount: number,
  compact: () => Promise<void>,
): Promise<FootprintResult> {
  await settle(target.pids, SETTLE_TIMEOUT_MS);
  const empty = footprints(target);
  const { seconds } = await fill(target, keyCount);
  await compact();
  const settled = await settle(target.pids, SETTLE_TIMEOUT_MS);
  return { keyCount, fillSeconds: seconds, empty, loaded: footprints(target), settled };
}

function footprints(target: Deployment): Footprint[] {
  return target.pids.map((pid, index) => ({
    ...memoryOf(pid),
    disk_bytes: diskOf_bytes(target.folders[index] ?? ''),
  }));
}
