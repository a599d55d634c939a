/** The families that are compared. A new family is one module and one line here. */
import type { Family } from './family.test-support.ts';
import { genericFamily } from './generic.test-support.ts';
import { hashFamily } from './hash.test-support.ts';
import { listFamily } from './list.test-support.ts';
import { setFamily } from './set.test-support.ts';
import { sortedSetFamily } from './sorted-set.test-support.ts';

export const families: readonly Family[] = [hashFamily, setFamily, sortedSetFamily, listFamily, genericFamily];
