/**
 * What simulated clients do, as data and one function over a transaction. The same function runs on the tablet under test and, in
 * the order that the history shows, on a plain map: the two must give the same results.
 *
 * Every slot has a version: an entry that each write reads and raises, naming itself. So every operation of a slot sees which
 * write came before it, and a history can be checked exactly, without a search. Every slot also has one register that has
 * nothing to do with the version, for writes that read nothing; its history goes through the linearizability checker.
 */
import type { Prng } from '../../src/base/prng.ts';
import type { ByteKey } from '../../src/storage/ordered-store.ts';
import type { Transaction } from '../../src/tablet/operation.ts';

export type SlotTransaction = Pick<Transaction, 'get' | 'put' | 'delete' | 'deleteRange' | 'scan' | 'count' | 'keyAt'>;

export type RegisterKind = 'registerSet' | 'registerGet' | 'registerSwap' | 'registerDelete';

export interface SlotOperation {
  readonly kind:
    | 'get'
    | 'set'
    | 'compareAndSet'
    | 'delete'
    | 'add'
    | 'append'
    | 'move'
    | 'scan'
    | 'deleteRange'
    | 'readAll'
    | RegisterKind;
  readonly key: number;
  readonly other: number;
  readonly value: string;
  readonly reverse: boolean;
}

const READS: readonly SlotOperation['kind'][] = ['get', 'get', 'scan', 'readAll'];
const WRITES: readonly SlotOperation['kind'][] = [
  'set',
  'set',
  'compareAndSet',
  'delete',
  'add',
  'add',
  'append',
  'append',
  'move',
  'deleteRange',
];
const REGISTER_KINDS: readonly RegisterKind[] = ['registerSet', 'registerGet', 'registerSwap', 'registerDelete'];
const REGISTER_SHARE = 0.2;
const LIST_LENGTH_MAX = 60;

export function isRead(operation: SlotOperation): boolean {
  return READS.includes(operation.kind) || operation.kind === 'registerGet';
}

export function isOnRegister(operation: SlotOperation): boolean {
  return REGISTER_KINDS.includes(operation.kind as RegisterKind);
}

export function drawOperation(
  prng: Prng,
  unique: string,
  shape: { readonly readShare: number; readonly keysPerSlot: number; readonly valueBytes: number },
): SlotOperation {
  const kinds: readonly SlotOperation['kind'][] = prng.chance(REGISTER_SHARE)
    ? REGISTER_KINDS
    : prng.chance(shape.readShare)
      ? READS
      : WRITES;
  const kind = prng.pick(kinds);
  const padding = shape.valueBytes > 0 ? '.'.repeat(prng.below(shape.valueBytes)) : '';
  return {
    kind,
    key: prng.below(shape.keysPerSlot),
    other: prng.below(shape.keysPerSlot),
    value: REGISTER_KINDS.includes(kind as RegisterKind) && prng.chance(0.5) ? `v${prng.below(3)}` : unique + padding,
    reverse: prng.chance(0.5),
  };
}

/** Keys of a slot begin with a space, which is one of those that come and go for every other slot, and the slot. */
export function slotPrefix(slot: number): ByteKey {
  const space = slot % 2 === 0 ? '\0\0\0\0' : `\0\0${String.fromCharCode(1 + (slot % 3))}\x07`;
  return `${space}${String.fromCharCode(slot >> 8, slot & 255)}`;
}

export function versionKey(slot: number): ByteKey {
  return `${slotPrefix(slot)}!`;
}

/** What a slot's version entry says: how many writes there were, and which was the last. */
export interface SlotVersion {
  readonly number: number;
  /** The attempt that wrote it, 0 before the first. */
  readonly attempt: number;
}

export function decodeVersion(bytes: Uint8Array | undefined): SlotVersion {
  if (bytes === undefined) return { number: 0, attempt: 0 };
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return { number: buffer.readDoubleLE(0), attempt: buffer.readDoubleLE(8) };
}

export function encodeVersion(version: SlotVersion): Buffer {
  const buffer = Buffer.alloc(16);
  buffer.writeDoubleLE(version.number, 0);
  buffer.writeDoubleLE(version.attempt, 8);
  return buffer;
}

/** Runs the operation proper, without the version, and gives its result as text. */
export function runOperation(transaction: SlotTransaction, slot: number, operation: SlotOperation): string {
  const prefix = slotPrefix(slot);
  const key = `${prefix}k${operation.key}`;
  const other = `${prefix}k${operation.other}`;
  const text = (at: ByteKey): string => transaction.get(at)?.toString('latin1') ?? '-';
  const put = (at: ByteKey, value: string): void => transaction.put(at, Buffer.from(value, 'latin1'));
  switch (operation.kind) {
    case 'get':
      return text(key);
    case 'set':
      put(key, operation.value);
      return 'ok';
    case 'compareAndSet': {
      const old = text(key);
      if (old.length % 2 === 0) return old;
      put(key, operation.value);
      return `${old} swapped`;
    }
    case 'delete': {
      const old = text(key);
      transaction.delete(key);
      return old;
    }
    case 'add': {
      const next = String(numberIn(text(key)) + 1);
      put(key, next);
      return next;
    }
    case 'append': {
      const old = text(key);
      const next = old.length > LIST_LENGTH_MAX * 8 ? operation.value : `${old},${operation.value}`;
      put(key, next);
      return next;
    }
    case 'move': {
      const from = text(key);
      if (key === other) return from;
      transaction.delete(key);
      put(other, from);
      return from;
    }
    case 'deleteRange':
      transaction.deleteRange(key < other ? key : other, `${key < other ? other : key}~`);
      return 'ok';
    case 'scan': {
      const [lo, hi] = key < other ? [key, `${other}~`] : [other, `${key}~`];
      const first = listed(transaction, lo, hi, operation.reverse, 3);
      return `${transaction.count(lo, hi)}: ${first}; ${transaction.keyAt(lo, hi, 1)?.slice(6)}`;
    }
    case 'registerGet':
      return text(`${prefix}r`);
    case 'registerSet':
      put(`${prefix}r`, operation.value);
      return 'ok';
    case 'registerSwap': {
      const isAsExpected = text(`${prefix}r`) === expectedOf(operation);
      if (isAsExpected) put(`${prefix}r`, operation.value);
      return String(isAsExpected);
    }
    case 'registerDelete': {
      const had = text(`${prefix}r`) !== '-';
      if (had) transaction.delete(`${prefix}r`);
      return String(had);
    }
    case 'readAll':
      return listed(transaction, `${prefix}k`, `${prefix}l`, operation.reverse, Number.POSITIVE_INFINITY);
  }
}

/** Swaps expect the few values that sets write often; '-' is none. */
export function expectedOf(operation: SlotOperation): string {
  return operation.reverse ? '-' : `v${operation.other}`;
}

function listed(transaction: SlotTransaction, lo: ByteKey, hi: ByteKey, reverse: boolean, limit: number): string {
  const seen: string[] = [];
  transaction.scan(lo, hi, reverse, (key, value) => {
    seen.push(`${key.slice(6)}=${value.toString('latin1')}`);
    return seen.length < limit;
  });
  return seen.join(' ');
}

function numberIn(text: string): number {
  const number = Number.parseInt(text, 10);
  return Number.isNaN(number) ? 0 : number;
}
