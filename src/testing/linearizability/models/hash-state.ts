/**
 * The operations and states of a hash: fields with values, empty at first.
 *
 *   ['set', field, value]         output: whether the field was new
 *   ['get', field]                output: the value, or null when there is none
 *   ['delete', field]             output: whether it was there
 *   ['increment', field, delta]   output: the value after it; no value counts as 0. Impossible on a text.
 *   ['all']                       output: an object of all fields
 *
 * Numbers and texts are different values, so a client that increments must turn what it reads into numbers.
 */
import type { Value } from './values.ts';

export type HashInput =
  | readonly ['set', string, Value]
  | readonly ['get', string]
  | readonly ['delete', string]
  | readonly ['increment', string, number]
  | readonly ['all'];
export type HashOutput = Value | boolean | null | Readonly<Record<string, Value>>;

/** Fields and values are numbered as they are met; all states of one `init` share the numbers. */
interface Universe {
  readonly fields: Map<string, number>;
  readonly names: string[];
  readonly values: Map<Value, number>;
  /** For each output of `all` that was looked at, the key of the state that it shows. */
  readonly shown: Map<object, string>;
}

/** For each field by its number, the value; null where there is none. `key` holds the numbers of the values. */
export interface HashState {
  readonly universe: Universe;
  readonly values: readonly (Value | null)[];
  readonly size: number;
  readonly key: string;
}

export function emptyHash(): HashState {
  return {
    universe: { fields: new Map(), names: [], values: new Map(), shown: new Map() },
    values: [],
    size: 0,
    key: '',
  };
}

/** The value of a field; null when there is none. */
export function valueIn(state: HashState, field: string): Value | null {
  return state.values[numberOf(state.universe, field)] ?? null;
}

/** The state with another value in a field, or with none. */
export function replace(state: HashState, field: string, value: Value | null): HashState {
  const { universe } = state;
  const number = numberOf(universe, field);
  const old = state.values[number] ?? null;
  if (old === value) return state;
  const values = state.values.slice();
  while (values.length <= number) values.push(null);
  values[number] = value;
  while (values.at(-1) === null) values.pop();
  const size = state.size + (value === null ? 0 : 1) - (old === null ? 0 : 1);
  return { universe, values, size, key: keyOf(universe, values) };
}

/** Two characters a field. 0 stands for no value. */
function keyOf(universe: Universe, values: readonly (Value | null)[]): string {
  let key = '';
  for (const value of values) {
    let number = 0;
    if (value !== null) {
      number = universe.values.get(value) ?? universe.values.size + 1;
      universe.values.set(value, number);
    }
    key += String.fromCharCode(number & 0xffff, number >>> 16);
  }
  return key;
}

/** True when the output of `all` shows this state. */
export function isExactly({ universe, key }: HashState, output: HashOutput): boolean {
  return typeof output === 'object' && output !== null && shownBy(universe, output) === key;
}

/** Outputs are asked about again and again, so each is taken apart once. */
function shownBy(universe: Universe, output: Readonly<Record<string, Value>>): string {
  let key = universe.shown.get(output);
  if (key === undefined) {
    const values: (Value | null)[] = [];
    for (const [field, value] of Object.entries(output)) {
      const number = numberOf(universe, field);
      while (values.length <= number) values.push(null);
      values[number] = value;
    }
    key = keyOf(universe, values);
    universe.shown.set(output, key);
  }
  return key;
}

/** The fields that have a value. */
export function fieldsOf({ universe, values }: HashState): [string, Value][] {
  return values.flatMap((value, number) => (value === null ? [] : [[universe.names[number] ?? '', value]]));
}

function numberOf({ fields, names }: Universe, field: string): number {
  let number = fields.get(field);
  if (number === undefined) {
    number = names.push(field) - 1;
    fields.set(field, number);
  }
  return number;
}
