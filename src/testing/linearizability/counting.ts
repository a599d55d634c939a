/**
 * Checks by counting, for histories that are too large to search: millions of operations take seconds. What they report is
 * wrong for certain; they overlook what only an order of all operations would show. All expect that a value is written at
 * most once to a key.
 *
 * "At the end" means read when every operation that was acknowledged had returned, by a read that must be fresh.
 */
import type { Operation } from './history.ts';
import type { Value } from './models/values.ts';

/** An acknowledged write of a register that the value at the end cannot have come after. */
export interface LostWrite {
  readonly key: string;
  /** The write that is missing: the one called last. */
  readonly write: Operation;
  readonly found: Value | null;
}

/**
 * Acknowledged `set`, `delete` and successful `cas` of registers that are missing at the end. The value at the end must be
 * that of a write that no acknowledged write follows in time; there is one entry for each key for which it is not.
 */
export function lostWrites(
  operations: Iterable<Operation>,
  atEnd: ReadonlyMap<string, Value | null>,
): readonly LostWrite[] {
  const newest = new Map<string, Operation>();
  /** For each key that was read, the latest return of an operation that may have written what was found. */
  const explained = new Map<string, number>();
  for (const operation of operations) {
    const written = writtenValue(operation);
    if (written === undefined) continue;
    const { key } = operation;
    if (atEnd.get(key) === written) explained.set(key, Math.max(explained.get(key) ?? -1, returnOf(operation)));
    if (operation.outcome !== 'ok') continue;
    const last = newest.get(key);
    if (last === undefined || operation.call > last.call) newest.set(key, operation);
  }
  const lost: LostWrite[] = [];
  for (const [key, found] of atEnd) {
    const write = newest.get(key);
    const by = explained.get(key) ?? Number.NEGATIVE_INFINITY;
    if (write !== undefined && by < write.call) lost.push({ key, write, found });
  }
  return lost;
}

/** What the operation left behind; undefined when it wrote nothing. */
function writtenValue({ input, output, outcome }: Operation): Value | null | undefined {
  if (outcome === 'failed') return undefined;
  const [what, first, second] = input as readonly [string, Value | null, Value];
  if (what === 'set') return first;
  if (what === 'delete') return null;
  return what === 'cas' && output !== false ? second : undefined;
}

function returnOf(operation: Operation): number {
  return operation.outcome === 'unknown' ? Number.POSITIVE_INFINITY : operation.return;
}

/** What became of elements that were added to one list or set. */
export interface ElementCount {
  /** Acknowledged and not there. */
  readonly lost: readonly Value[];
  /** There more than once. */
  readonly repeated: readonly Value[];
  /** There, though nobody added them, or only operations that failed did. */
  readonly phantom: readonly Value[];
  readonly acknowledged: number;
  /** Of unknown outcome; both are right, there or not. */
  readonly unknown: number;
}

/** Compares `append`, `prepend` and `add` operations on one key with what is there at the end. Nothing may be removed. */
export function countElements(operations: Iterable<Operation>, atEnd: Iterable<Value>): ElementCount {
  const found = new Map<Value, number>();
  for (const value of atEnd) found.set(value, (found.get(value) ?? 0) + 1);
  const known = new Set<Value>();
  const lost: Value[] = [];
  let acknowledged = 0;
  let unknown = 0;
  for (const { input, outcome } of operations) {
    const [what, value] = input as readonly [string, Value];
    if ((what !== 'append' && what !== 'prepend' && what !== 'add') || outcome === 'failed') continue;
    known.add(value);
    if (outcome === 'unknown') unknown++;
    else acknowledged++;
    if (outcome === 'ok' && !found.has(value)) lost.push(value);
  }
  const values = [...found.keys()];
  const repeated = values.filter((value) => (found.get(value) ?? 0) > 1);
  return { lost, repeated, phantom: values.filter((value) => !known.has(value)), acknowledged, unknown };
}

/** What became of the increments of one counter. */
export interface IncrementCount {
  /** By how much the counter is too low: acknowledged increments are missing. 0 when it is not. */
  readonly lost: number;
  /** By how much it is too high: increments were done more than once, or though they failed. 0 when it is not. */
  readonly repeated: number;
  /** The sum of the acknowledged increments. */
  readonly acknowledged: number;
  /** The sum of those of unknown outcome. */
  readonly unknown: number;
}

/** Compares increments of one counter by positive amounts with its value at the end. */
export function countIncrements(operations: Iterable<Operation>, atEnd: number): IncrementCount {
  let acknowledged = 0;
  let unknown = 0;
  for (const { input, outcome } of operations) {
    const [what, delta] = input as readonly [string, number];
    if (what !== 'increment' || outcome === 'failed') continue;
    if (outcome === 'ok') acknowledged += delta;
    else unknown += delta;
  }
  const lost = Math.max(0, acknowledged - atEnd);
  return { lost, repeated: Math.max(0, atEnd - acknowledged - unknown), acknowledged, unknown };
}

/** A read that went back in time. */
export interface StaleRead {
  readonly read: Operation;
  /** An operation on the same key that had returned before the read was called, and knew a later version. */
  readonly known: Operation;
  readonly version: number;
  readonly knownVersion: number;
}

/**
 * Reads that show an earlier version than was read, or acknowledged, before they were called. `versionOf` says which
 * version an acknowledged operation showed or made, as a number that grows with every write of the key (the value of a
 * counter, the sequence number of a key with one writer), or undefined.
 */
export function staleReads(
  operations: readonly Operation[],
  versionOf: (operation: Operation) => number | undefined,
  isRead: (operation: Operation) => boolean,
): readonly StaleRead[] {
  const versioned: { readonly operation: Operation; readonly version: number }[] = [];
  for (const operation of operations) {
    const version = operation.outcome === 'ok' ? versionOf(operation) : undefined;
    if (version !== undefined) versioned.push({ operation, version });
  }
  const returns = [...versioned].sort((a, b) => a.operation.return - b.operation.return);
  const newest = new Map<string, { readonly operation: Operation; readonly version: number }>();
  const stale: StaleRead[] = [];
  let returned = 0;
  for (const { operation: read, version } of versioned.sort((a, b) => a.operation.call - b.operation.call)) {
    for (
      let next = returns[returned];
      next !== undefined && next.operation.return < read.call;
      next = returns[++returned]
    ) {
      const { key } = next.operation;
      if (next.version > (newest.get(key)?.version ?? Number.NEGATIVE_INFINITY)) newest.set(key, next);
    }
    const known = newest.get(read.key);
    if (known === undefined || known.version <= version || !isRead(read)) continue;
    stale.push({ read, known: known.operation, version, knownVersion: known.version });
  }
  return stale;
}
