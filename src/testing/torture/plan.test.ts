import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Disruption, FAULT_KINDS, FAULTS, type FaultKind, mayOverlap, planDisruptions } from './plan.ts';

const options = { seed: 7, nodes: 5, duration_ms: 120_000, kinds: FAULT_KINDS };

const anyPlan = fc
  .record({
    seed: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
    nodes: fc.integer({ min: 1, max: 9 }),
    duration_ms: fc.integer({ min: 0, max: 600_000 }),
    kinds: fc.subarray(FAULT_KINDS),
  })
  .map((drawn) => ({ ...drawn, plan: planDisruptions(drawn) }));

function endOf({ begin_ms, duration_ms }: Disruption): number {
  return begin_ms + duration_ms;
}

describe('a plan', () => {
  test('is the same for the same seed, and another one for another seed', () => {
    expect(planDisruptions(options)).toEqual(planDisruptions(options));
    expect(planDisruptions({ ...options, seed: 8 })).not.toEqual(planDisruptions(options));
  });

  test('begins each kind once before any twice', () => {
    const kinds = planDisruptions({ ...options, duration_ms: 600_000 }).map(({ kind }) => kind);
    expect(new Set(kinds.slice(0, FAULT_KINDS.length))).toEqual(new Set(FAULT_KINDS));
  });

  test('has something for the shortest run, too', () => {
    for (let seed = 1; seed <= 50; seed++) {
      expect(planDisruptions({ ...options, nodes: 3, seed, duration_ms: 2_000 }).length).toBeGreaterThan(0);
    }
  });

  test('is over before the run is, in order, and concerns nodes that exist', () => {
    fc.assert(
      fc.property(anyPlan, ({ plan, nodes, duration_ms, kinds }) => {
        for (const [index, disruption] of plan.entries()) {
          expect(disruption.begin_ms).toBeGreaterThanOrEqual(plan[index - 1]?.begin_ms ?? 0);
          expect(endOf(disruption)).toBeLessThanOrEqual(duration_ms);
          expect([...disruption.order].sort()).toEqual(Array.from({ length: nodes }, (_, node) => node));
          expect(kinds).toContain(disruption.kind);
          expect(FAULTS[disruption.kind].nodes_min).toBeLessThanOrEqual(nodes);
        }
      }),
    );
  });

  test('never damages disks of a majority: what damages one is alone', () => {
    fc.assert(
      fc.property(anyPlan, ({ plan }) => {
        for (const [index, one] of plan.entries()) {
          const beside = plan.filter(
            (other, at) => at !== index && other.begin_ms < endOf(one) && one.begin_ms < endOf(other),
          );
          for (const other of beside) {
            expect(mayOverlap(one.kind, other.kind)).toBe(true);
            expect([FAULTS[one.kind].concern, FAULTS[other.kind].concern]).not.toContain('disk');
          }
        }
      }),
    );
  });

  test('lets overlap only what can be undone in any order', () => {
    const pairs = FAULT_KINDS.flatMap((a) => FAULT_KINDS.map((b): [FaultKind, FaultKind] => [a, b]));
    const overlapping = pairs.filter(([a, b]) => mayOverlap(a, b));
    expect(overlapping.length).toBeGreaterThan(0);
    for (const [a, b] of overlapping) expect(FAULTS[a].concern).not.toBe(FAULTS[b].concern);
  });
});
