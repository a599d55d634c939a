import { describe, expect, test } from 'vitest';
import { SimCluster } from './cluster.test-support.ts';

/** More runs on demand: RAFT_SEEDS=1000 RAFT_STEPS=50000. */
const seeds = Number(process.env['RAFT_SEEDS'] ?? 25);
const steps = Number(process.env['RAFT_STEPS'] ?? 20_000);
const firstSeed = Number(process.env['RAFT_FIRST_SEED'] ?? 1);

const variants = [
  { name: 'plain', support: false, checkQuorum: false, preVote: false, confChanges: false },
  { name: 'checkquorum and prevote', support: false, checkQuorum: true, preVote: true, confChanges: true },
  { name: 'prevote only', support: false, checkQuorum: false, preVote: true, confChanges: true },
  { name: 'support', support: true, checkQuorum: true, preVote: true, confChanges: true },
  { name: 'support without prevote', support: true, checkQuorum: true, preVote: false, confChanges: true },
];

describe('a cluster under faults keeps every promise', () => {
  for (const { name, ...variant } of variants) {
    test(name, { timeout: 600_000 }, () => {
      let leases = 0;
      let commits = 0;
      let reads = 0;
      for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
        const cluster = new SimCluster({ ...variant, seed });
        try {
          for (let step = 0; step < steps; step++) cluster.step();
          expect(cluster.recovers(60_000), 'the group works again when the faults end').toBe(true);
        } catch (error) {
          throw new Error(`seed ${seed}, step ${cluster.now}`, { cause: error });
        }
        leases += cluster.leases;
        commits += cluster.committed.length;
        reads += cluster.reads;
      }
      // A run in which nothing happens proves nothing.
      expect(commits).toBeGreaterThan(seeds * 50);
      expect(reads).toBeGreaterThan(seeds);
      if (variant.support) expect(leases).toBeGreaterThan(seeds * 10);
    });
  }
});
