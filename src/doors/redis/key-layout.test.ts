import { expect, test } from 'vitest';
import { slotRanges as tabletRanges } from '../../cluster/spaces.ts';
import {
  countKey,
  elementPrefix,
  FIELD_MOMENTS,
  KEY_MOMENTS,
  metaKey,
  momentKey,
  slotRanges,
  trashKey,
} from './key-layout.ts';

const NOTHING = { firstKey: () => undefined };
const ID = '0123456789';

test.each([0, 77, 16_383])(
  'everything that belongs to slot %i lies within what its tablet owns and FLUSHALL removes',
  (slot) => {
    const keys = [
      metaKey(slot, 'key'),
      metaKey(slot, '\xff\xff'),
      `${elementPrefix(slot, ID)}d\xff\xff`,
      momentKey(KEY_MOMENTS, slot, 2 ** 53 - 1, '\xff'),
      momentKey(FIELD_MOMENTS, slot, 2 ** 53 - 1, '\xff'),
      trashKey(slot, '\xff'.repeat(10)),
      countKey(slot),
    ];
    for (const ranges of [tabletRanges(slot, slot, NOTHING), slotRanges(slot, slot)]) {
      for (const key of keys) expect(ranges.filter(({ lo, hi }) => lo <= key && key < hi)).toHaveLength(1);
    }
  },
);
