import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { changeConf, decodeConfChange, encodeConfChange, isJoint, leaveJoint, membersOf } from './conf-change.ts';
import { type ConfChange, ConfChangeType, type ConfState } from './types.ts';

const { addVoter, addLearner, remove } = ConfChangeType;
type Change = ConfChange['changes'][number];

function conf(voters: number[], rest: Partial<ConfState> = {}): ConfState {
  return { voters, votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false, ...rest };
}

function change(transition: ConfChange['transition'], ...changes: [ConfChangeType, number][]): ConfChange {
  return { transition, changes: changes.map(([type, replica]) => ({ type, replica })) };
}

describe('a simple change', () => {
  test('adds, demotes, promotes and removes one voter', () => {
    expect(changeConf(conf([1]), change('auto', [addVoter, 2]))).toEqual(conf([1, 2]));
    expect(changeConf(conf([1, 2]), change('auto', [addLearner, 2]))).toEqual(conf([1], { learners: [2] }));
    expect(changeConf(conf([1], { learners: [2] }), change('auto', [addVoter, 2]))).toEqual(conf([1, 2]));
    expect(changeConf(conf([1, 2]), change('auto', [remove, 1]))).toEqual(conf([2]));
    expect(changeConf(conf([1]), change('auto', [remove, 9]))).toEqual(conf([1]));
    expect(changeConf(conf([1], { learners: [2] }), change('auto', [addLearner, 2]))).toEqual(
      conf([1], { learners: [2] }),
    );
  });

  test('may change any number of learners', () => {
    const next = changeConf(
      conf([1], { learners: [4] }),
      change('auto', [addLearner, 2], [addLearner, 3], [remove, 4]),
    );
    expect(next).toEqual(conf([1], { learners: [2, 3] }));
  });
});

describe('a joint change', () => {
  test('is chosen for two voters, and left by itself unless it is explicit', () => {
    const voters = { votersOutgoing: [1], autoLeave: true };
    expect(changeConf(conf([1]), change('auto', [addVoter, 2], [addVoter, 3]))).toEqual(conf([1, 2, 3], voters));
    expect(changeConf(conf([1]), change('jointImplicit', [addVoter, 2]))).toEqual(conf([1, 2], voters));
    const explicit = changeConf(conf([1]), change('jointExplicit', [addVoter, 2]));
    expect(explicit).toEqual(conf([1, 2], { votersOutgoing: [1] }));
  });

  test('keeps a demoted voter out of the learners until it is left', () => {
    const joint = changeConf(conf([1, 2, 3]), change('jointExplicit', [addLearner, 3], [remove, 2]));
    expect(joint).toEqual(conf([1], { votersOutgoing: [1, 2, 3], learnersNext: [3] }));
    expect(changeConf(joint as ConfState, leaveJoint)).toEqual(conf([1], { learners: [3] }));
    const taken = changeConf(conf([1, 2]), change('jointExplicit', [addLearner, 2], [addVoter, 2], [remove, 1]));
    expect(taken).toEqual(conf([2], { votersOutgoing: [1, 2] }));
    const dropped = changeConf(conf([1, 2]), change('jointExplicit', [addLearner, 2], [remove, 2]));
    expect(dropped).toEqual(conf([1], { votersOutgoing: [1, 2] }));
  });
});

describe('what makes no sense is refused', () => {
  const joint = conf([1], { votersOutgoing: [1, 2] });
  test.each<[string, ConfState, ConfChange]>([
    ['already in a joint configuration', joint, change('auto', [addVoter, 3])],
    ['not in a joint configuration', conf([1]), leaveJoint],
    ['leaveJoint takes no changes', joint, change('leaveJoint', [addVoter, 3])],
    ['no changes', conf([1]), change('auto')],
    ['not a replica id', conf([1]), change('auto', [addVoter, 0])],
    ['not a replica id', conf([1]), change('auto', [addVoter, 1.5])],
    ['no voters would remain', conf([1]), change('auto', [remove, 1])],
    ['no voters would remain', conf([1, 2]), change('jointExplicit', [addLearner, 1], [remove, 2])],
  ])('%s', (problem, before, refused) => {
    expect(changeConf(before, refused)).toBe(problem);
  });
});

describe('properties', () => {
  const ids = fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 4 });
  const changes: fc.Arbitrary<Change[]> = fc.array(
    fc.record({ type: fc.constantFrom(addVoter, addLearner, remove), replica: fc.integer({ min: 1, max: 7 }) }),
    { minLength: 1, maxLength: 5 },
  );

  /** What is left when a joint change is entered and left. */
  function throughJoint(before: ConfState, list: Change[]): ConfState | string {
    const joint = changeConf(before, { transition: 'jointExplicit', changes: list });
    return typeof joint === 'string' ? joint : changeConf(joint, leaveJoint);
  }

  test('a joint change comes to the same as its changes one by one', () => {
    fc.assert(
      fc.property(ids, changes, (voters, list) => {
        // A voter that is never touched keeps every step on the way from being without voters.
        let before = conf([...voters, 8].sort((a, b) => a - b));
        const joint = throughJoint(before, list);
        for (const single of list) {
          const next = changeConf(before, { transition: 'auto', changes: [single] });
          expect(typeof next).not.toBe('string');
          before = next as ConfState;
          expect(isJoint(before)).toBe(false);
        }
        expect(joint).toEqual(before);
      }),
    );
  });

  test('nobody is in two places, and lists are sorted', () => {
    fc.assert(
      fc.property(
        ids,
        changes,
        fc.constantFrom('auto', 'jointImplicit', 'jointExplicit'),
        (voters, list, transition) => {
          const next = changeConf(conf(voters.sort((a, b) => a - b)), { transition, changes: list });
          if (typeof next === 'string') return;
          const { learners, learnersNext, votersOutgoing } = next;
          for (const id of learners) expect([...next.voters, ...votersOutgoing, ...learnersNext]).not.toContain(id);
          for (const id of learnersNext) {
            expect(votersOutgoing).toContain(id);
            expect(next.voters).not.toContain(id);
          }
          for (const listed of [next.voters, votersOutgoing, learners, learnersNext]) {
            expect(listed).toEqual([...new Set(listed)].sort((a, b) => a - b));
          }
          expect(membersOf(next)).toEqual([...new Set(membersOf(next))].sort((a, b) => a - b));
        },
      ),
    );
  });

  test('what is encoded is read back', () => {
    const transitions = fc.constantFrom<ConfChange['transition']>(
      'auto',
      'jointImplicit',
      'jointExplicit',
      'leaveJoint',
    );
    const record = fc.record({
      type: fc.constantFrom(addVoter, addLearner, remove),
      replica: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    });
    fc.assert(
      fc.property(transitions, fc.array(record), (transition, list) => {
        const encoded = encodeConfChange({ transition, changes: list });
        // A view into a larger buffer, as the log gives it.
        const inside = new Uint8Array(encoded.length + 7).fill(9);
        inside.set(encoded, 5);
        expect(decodeConfChange(inside.subarray(5, 5 + encoded.length))).toEqual({ transition, changes: list });
      }),
    );
  });

  test('what is damaged is not read', () => {
    const encoded = encodeConfChange(change('auto', [addVoter, 2]));
    expect(() => decodeConfChange(encoded.subarray(0, 3))).toThrow('cut short');
    expect(() => decodeConfChange(encoded.subarray(0, 12))).toThrow('wrong length');
    const damage = (at: number): Uint8Array => encoded.map((byte, i) => (i === at ? 99 : byte));
    expect(() => decodeConfChange(damage(0))).toThrow('unknown version');
    expect(() => decodeConfChange(damage(1))).toThrow('unknown transition');
    expect(() => decodeConfChange(damage(4))).toThrow('unknown type');
  });
});
