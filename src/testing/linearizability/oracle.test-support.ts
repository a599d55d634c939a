/**
 * What the checker is compared with: the models again, in the plainest way, and the definition of linearizability tried out
 * on every order of the operations, without trying the same rest from the same state twice. Shares no code with the checker.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Operation } from './history.ts';

type Fields = Record<string, unknown>;
type Plain = { value: unknown; count: number; members: unknown[]; fields: Fields };

export const EMPTY: Plain = { value: null, count: 0, members: [], fields: {} };

type Semantics = (state: Plain, input: readonly unknown[]) => { state: Plain; output: unknown };

/** What each operation does and returns; `undefined` where a model has no output. */
export const SEMANTICS: Readonly<Record<string, Semantics>> = {
  register(state, [what, first, second]) {
    if (what === 'get') return { state, output: state.value };
    if (what === 'set') return { state: { ...state, value: first }, output: undefined };
    if (what === 'delete') return { state: { ...state, value: null }, output: state.value !== null };
    const replaced = state.value === first;
    return { state: replaced ? { ...state, value: second } : state, output: replaced };
  },
  counter(state, [what, delta]) {
    const count = what === 'increment' ? state.count + (delta as number) : state.count;
    return { state: { ...state, count }, output: count };
  },
  set(state, [what, member]) {
    const present = state.members.includes(member);
    if (what === 'contains') return { state, output: present };
    if (what === 'members') return { state, output: [...state.members].sort() };
    const others = state.members.filter((other) => other !== member);
    if (what === 'remove') return { state: { ...state, members: others }, output: present };
    return { state: { ...state, members: [...others, member].sort() }, output: !present };
  },
  list(state, [what, value]) {
    if (what === 'read') return { state, output: state.members };
    const members = what === 'append' ? [...state.members, value] : [value, ...state.members];
    return { state: { ...state, members }, output: members.length };
  },
  hash(state, [what, field, value]) {
    const name = String(field);
    const old = state.fields[name];
    const put = (next: unknown): Plain => ({ ...state, fields: { ...state.fields, [name]: next } });
    if (what === 'get') return { state, output: old ?? null };
    if (what === 'all') return { state, output: state.fields };
    if (what === 'set') return { state: put(value), output: old === undefined };
    if (what === 'increment') {
      if (typeof old === 'string') return { state, output: 'impossible' };
      const sum = ((old as number | undefined) ?? 0) + (value as number);
      return { state: put(sum), output: sum };
    }
    const { [name]: _, ...rest } = state.fields;
    return { state: { ...state, fields: rest }, output: old !== undefined };
  },
};

/** Runs operations one after the other; false when an output is not the one that it must be. */
export function explains(model: string, order: readonly Operation[]): boolean {
  const semantics = SEMANTICS[model] as Semantics;
  let state = EMPTY;
  for (const operation of order) {
    const { state: next, output } = semantics(state, operation.input as readonly unknown[]);
    if (!agrees(operation, output)) return false;
    state = next;
  }
  return true;
}

/** True when no operation of the order returned before one that stands in front of it was called. */
export function respectsTime(order: readonly Operation[]): boolean {
  return order.every((later, index) => order.slice(0, index).every((earlier) => !(later.return < earlier.call)));
}

/**
 * Is there an order that respects real time, includes every operation for which `mustHappen` is true, may include others,
 * and explains the outputs of all that it includes?
 */
export function hasOrder(
  model: string,
  operations: readonly Operation[],
  mustHappen: (operation: Operation) => boolean,
): boolean {
  const semantics = SEMANTICS[model] as Semantics;
  const numbers = new Map(operations.map((operation, number) => [operation, number]));
  const tried = new Set<string>();
  const extend = (state: Plain, rest: readonly Operation[]): boolean => {
    if (!rest.some(mustHappen)) return true;
    const key = JSON.stringify([state, rest.map((operation) => numbers.get(operation))]);
    if (tried.has(key)) return false;
    tried.add(key);
    return rest.some((operation) => {
      const others = rest.filter((other) => other !== operation);
      if (others.some((other) => mustHappen(other) && other.return < operation.call)) return false;
      const { state: next, output } = semantics(state, operation.input as readonly unknown[]);
      if (
        agrees(operation, output) &&
        extend(
          next,
          others.filter((other) => !(other.return < operation.call)),
        )
      )
        return true;
      return false;
    });
  };
  return extend(
    EMPTY,
    operations.filter(({ outcome }) => outcome !== 'failed'),
  );
}

function agrees(operation: Operation, output: unknown): boolean {
  if (operation.outcome !== 'ok' || operation.output === undefined || output === undefined) return true;
  const told = operation.output;
  return isDeepStrictEqual(Array.isArray(told) && isSetRead(operation) ? [...told].sort() : told, output);
}

function isSetRead(operation: Operation): boolean {
  return (operation.input as readonly unknown[])[0] === 'members';
}
