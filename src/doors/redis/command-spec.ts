/** The commands of this door as data (command-shape.ts), and short forms for where their keys are. */
import type { CommandShape, KeyFlag, KeySpec } from './command-shape.ts';
import type { ClientSession } from './session-view.ts';

export type { CommandFlag, CommandGroup } from './command-shape.ts';

export type CommandSpec = CommandShape<ClientSession>;

/** One key at `index`. */
export function oneKey(index: number, ...flags: readonly KeyFlag[]): KeySpec {
  return { flags, index, kind: 'range', last: 0, step: 1, first: 0 };
}

/** Keys from `index` to the end, every `step` arguments. */
export function allKeys(index: number, step: number, ...flags: readonly KeyFlag[]): KeySpec {
  return { flags, index, kind: 'range', last: -1, step, first: 0 };
}

/** Keys from `index` on, `last` more of them. */
export function keyRange(index: number, last: number, ...flags: readonly KeyFlag[]): KeySpec {
  return { flags, index, kind: 'range', last, step: 1, first: 0 };
}

/** A number of keys at `index`, then that many keys, `step` arguments apart. */
export function countedKeys(index: number, step: number, ...flags: readonly KeyFlag[]): KeySpec {
  return { flags, index, kind: 'count', last: 0, step, first: 1 };
}
