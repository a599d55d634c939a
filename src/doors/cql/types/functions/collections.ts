/** Functions on one collection: its keys, values and number, and sums and the like of its elements. */
import { assert } from '../../../../base/assert.ts';
import { compareValues } from '../compare.ts';
import { type Cell, packCollection, splitCollection } from '../composite.ts';
import { type DataType, freeze, isCollection, listOf, Native, setOf } from '../data-type.ts';
import type { FunctionFamily, FunctionParameter } from '../function.ts';
import { isNumeric } from '../number-arithmetic.ts';
import { averageOf, sumOf } from '../number-folds.ts';
import { fourBytes, makeFunction } from './native.ts';

function parameter(text: string, required: string, accepts: (type: DataType) => boolean): FunctionParameter {
  return {
    text,
    infer: (argument) => argument.naturalType(),
    refusal: (type) => (accepts(type) ? undefined : `a ${required} argument`),
  };
}

const MAP = parameter('map', 'map', ({ kind }) => kind === 'map');
const COLLECTION = parameter('collection', 'collection', isCollection);
const ELEMENTS = parameter('numeric_set_or_list', 'set or list', (type) => elementOf(type) !== undefined);
const NUMERIC_ELEMENTS = parameter('numeric_set_or_list', 'numeric set/list', (type) => {
  const element = elementOf(type);
  return element?.kind === 'native' && isNumeric(element.name);
});

function elementOf(type: DataType): DataType | undefined {
  return type.kind === 'list' || type.kind === 'set' ? type.element : undefined;
}

export function collectionFunctions(): FunctionFamily[] {
  return [
    family('map_keys', MAP, (type) => {
      assert(type.kind === 'map', 'map_keys() has refused what is no map');
      return [setOf(freeze(type.key), true), (value) => everySecond(value, 0)];
    }),
    family('map_values', MAP, (type) => {
      assert(type.kind === 'map', 'map_values() has refused what is no map');
      return [listOf(freeze(type.value), true), (value) => everySecond(value, 1)];
    }),
    family('collection_count', COLLECTION, () => [Native.int, (value) => fourBytes(value.readInt32BE(0))]),
    family('collection_min', ELEMENTS, (type) => extreme(type, -1)),
    family('collection_max', ELEMENTS, (type) => extreme(type, 1)),
    family('collection_sum', NUMERIC_ELEMENTS, (type) => folded(type, sumOf)),
    family('collection_avg', NUMERIC_ELEMENTS, (type) => folded(type, averageOf)),
  ];
}

type Made = readonly [returnType: DataType, run: (value: Buffer) => Cell];

function family(name: string, accepted: FunctionParameter, make: (type: DataType) => Made): FunctionFamily {
  return {
    keyspace: 'system',
    name,
    parameters: [accepted],
    make([type = Native.blob]) {
      const [returnType, run] = make(type);
      return makeFunction(name, [type], returnType, ([value = null]) => (value === null ? null : run(value)));
    },
  };
}

function everySecond(map: Buffer, first: 0 | 1): Buffer {
  const parts = splitCollection(map, 2).filter((_part, i) => i % 2 === first);
  return packCollection(parts.length, parts);
}

/** Null of an empty collection. */
function extreme(type: DataType, sign: 1 | -1): Made {
  const element = elementOf(type) ?? Native.blob;
  return [
    element,
    (value) =>
      splitCollection(value).reduce<Cell>(
        (best, part) => (best === null || sign * compareValues(element, part, best) > 0 ? part : best),
        null,
      ),
  ];
}

function folded(type: DataType, fold: typeof sumOf): Made {
  const element = elementOf(type);
  assert(element?.kind === 'native' && isNumeric(element.name), 'only numbers are summed');
  const { name } = element;
  return [element, (value) => fold(name, splitCollection(value))];
}
