/** The families that are compared. A new family is one module and one line here. */
import { bitmapFamily } from './bitmap.test-support.ts';
import type { Family } from './family.test-support.ts';
import { genericFamily } from './generic.test-support.ts';
import { geoFamily } from './geo.test-support.ts';
import { hashFamily } from './hash.test-support.ts';
import { hyperloglogFamily } from './hyperloglog.test-support.ts';
import { listFamily } from './list.test-support.ts';
import { setFamily } from './set.test-support.ts';
import { sortedSetFamily } from './sorted-set.test-support.ts';
import { stringFamily } from './string.test-support.ts';

export const families: readonly Family[] = [
  stringFamily,
  hashFamily,
  setFamily,
  sortedSetFamily,
  listFamily,
  genericFamily,
  bitmapFamily,
  hyperloglogFamily,
  geoFamily,
];
