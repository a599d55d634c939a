/** What 'd' entries of hashes, sets and sorted sets have in common: which member they are about, and their order. */
import { HASH_BYTES, hashBytes, hashOfSuffix, isStandIn, Order, OrderEnd } from './element-keys.ts';
import type { ElementSpace } from './element-space.ts';

const EMPTY = Buffer.alloc(0);

/** Data of `fixed` bytes, then the member when it does not fit into the key. */
export function memberTail(member: string, part: string, fixed: number): Buffer {
  if (!isStandIn(part)) return fixed === 0 ? EMPTY : Buffer.allocUnsafe(fixed);
  const data = Buffer.allocUnsafe(fixed + member.length);
  data.latin1Write(member, fixed);
  return data;
}

/** The member of an entry whose key part is `part` and whose data has `fixed` bytes before the member. */
export function memberOf(part: string, data: Buffer, fixed: number): string {
  return isStandIn(part) ? data.latin1Slice(fixed) : part;
}

/** Visits the 'd' entries from a hash on, in its order. */
export function visitMembers(
  space: ElementSpace,
  hash: number,
  visit: (suffix: string, data: Buffer) => boolean,
): void {
  space.scan(Order.member + hashBytes(hash), OrderEnd.member, false, (key, data) => visit(key.slice(1), data));
}

/** The key part of a 'd' entry: member or stand-in. */
export function partOf(suffix: string): string {
  return suffix.slice(HASH_BYTES);
}

/**
 * A step of HSCAN, SSCAN or ZSCAN over a large collection: at least `count` entries from a hash on, and all that have the
 * hash of the last, since a cursor cannot tell them apart. Returns the hash to go on at; 0 at the end.
 */
export function scanMembers(
  space: ElementSpace,
  hash: number,
  count: number,
  visit: (suffix: string, data: Buffer) => void,
): number {
  let seen = 0;
  let last = -1;
  let next = 0;
  visitMembers(space, hash, (suffix, data) => {
    const its = hashOfSuffix(suffix);
    if (seen >= count && its !== last) {
      next = its;
      return false;
    }
    seen += 1;
    last = its;
    visit(suffix, data);
    return true;
  });
  return next;
}

export function byBytes(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
