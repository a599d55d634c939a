import { defineConfig } from 'vitest/config';

/** They put something in the place of a module, which has to be theirs alone then. */
const ALONE = ['src/storage/lmdb-store.test.ts'];

export default defineConfig({
  test: {
    // Also on a machine with two cores, for which vitest would use one process. Tests of real servers mostly wait; those of whole clusters do
    // not, and run two at a time (package.json).
    maxWorkers: 3,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts'],
          exclude: ALONE,
          environment: 'node',
          testTimeout: 30_000,
          // Loading the same modules for every file took a third of the processor time of all unit tests.
          isolate: false,
        },
      },
      { test: { name: 'unit-alone', include: ALONE, environment: 'node', testTimeout: 30_000 } },
      { test: { name: 'sim', include: ['sim/**/*.test.ts'], environment: 'node', testTimeout: 120_000 } },
      {
        test: {
          name: 'end-to-end',
          include: ['test/**/*.test.ts'],
          environment: 'node',
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
    ],
    coverage: { provider: 'v8', include: ['src/**/*.ts'], exclude: ['src/**/*.test.ts', 'src/**/*.test-support.ts'] },
  },
});
