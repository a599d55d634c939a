/** Which values a type takes from another one, as Cassandra's assignments and calls of functions have it. */
import { type DataType, freeze, isMultiCell, type NativeName, sameType } from './data-type.ts';

/** `exact`: the same type; `weak`: values can be taken as they are, or can be made from a constant. */
export type Assignability = 'exact' | 'weak' | 'none';

/** Types whose values are values of the key, byte for byte. Blobs take everything. */
const TAKES: Readonly<Partial<Record<NativeName, readonly NativeName[]>>> = {
  bigint: ['timestamp'],
  date: ['int'],
  text: ['ascii'],
  time: ['bigint'],
  timestamp: ['bigint'],
  uuid: ['timeuuid'],
  varint: ['int', 'bigint'],
};

/** Whether every value of `from` is one of `to` too. */
export function isValueCompatible(to: DataType, from: DataType): boolean {
  if (to.kind === 'native') {
    if (to.name === 'blob') return true;
    return from.kind === 'native' && (to.name === from.name || (TAKES[to.name]?.includes(from.name) ?? false));
  }
  switch (to.kind) {
    case 'list':
    case 'set':
      return (
        from.kind === to.kind &&
        (to.frozen ? isValueCompatible(to.element, from.element) : !from.frozen && takesElements(to, from))
      );
    case 'map':
      return (
        from.kind === 'map' &&
        (to.frozen
          ? isValueCompatible(to.key, from.key) && isValueCompatible(to.value, from.value)
          : !from.frozen && sameType(to.key, from.key) && isValueCompatible(to.value, from.value))
      );
    case 'tuple':
      // A tuple takes shorter ones: what is missing is null.
      return (
        from.kind === 'tuple' &&
        from.elements.length <= to.elements.length &&
        from.elements.every((element, i) => isValueCompatible(to.elements[i] as DataType, element))
      );
    default:
      return sameType(to, from, true);
  }
}

/** Elements of a set are keys of cells, so only lists may change what they hold. */
function takesElements(
  to: Extract<DataType, { kind: 'list' | 'set' }>,
  from: Extract<DataType, { kind: 'list' | 'set' }>,
): boolean {
  return to.kind === 'list' ? isValueCompatible(to.element, from.element) : sameType(to.element, from.element);
}

/** How a value of type `from` suits a receiver of type `to`. Whether the receiver is frozen does not matter to a value. */
export function assignabilityOf(from: DataType, to: DataType): Assignability {
  const receiver = isMultiCell(from) || !isMultiCell(to) ? to : freeze(to);
  if (sameType(from, receiver)) return 'exact';
  return isValueCompatible(receiver, from) ? 'weak' : 'none';
}

/** The worst of several. */
export function worstOf(results: Iterable<Assignability>): Assignability {
  let worst: Assignability = 'exact';
  for (const result of results) {
    if (result === 'none') return 'none';
    if (result === 'weak') worst = 'weak';
  }
  return worst;
}
