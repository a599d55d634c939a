/** How commands get at collections. All throw WRONGTYPE when the key holds something else. */
import { ValueType } from '../value.ts';
import type { CollectionHost } from './collection.ts';
import { RedisHash } from './hash.ts';
import { RedisList } from './list.ts';
import { RedisSet } from './set.ts';
import { RedisSortedSet } from './sorted-set.ts';

type Opener<T> = new (host: CollectionHost, slot: number, key: string, raw: Buffer | undefined) => T;

function find<T>(type: ValueType, opener: Opener<T>, host: CollectionHost, slot: number, key: string): T | undefined {
  const raw = host.keyspace.findType(slot, key, type);
  return raw === undefined ? undefined : new opener(host, slot, key, raw);
}

/** The hash at a key; undefined when the key is not there. */
export function findHash(host: CollectionHost, slot: number, key: string): RedisHash | undefined {
  return find(ValueType.hash, RedisHash, host, slot, key);
}

/** As `findHash`, a new one when the key is not there. */
export function openHash(host: CollectionHost, slot: number, key: string): RedisHash {
  return findHash(host, slot, key) ?? newHash(host, slot, key);
}

/** A hash that replaces whatever is at the key. */
export function newHash(host: CollectionHost, slot: number, key: string): RedisHash {
  return new RedisHash(host, slot, key, undefined);
}

export function findSet(host: CollectionHost, slot: number, key: string): RedisSet | undefined {
  return find(ValueType.set, RedisSet, host, slot, key);
}

export function openSet(host: CollectionHost, slot: number, key: string): RedisSet {
  return findSet(host, slot, key) ?? newSet(host, slot, key);
}

export function newSet(host: CollectionHost, slot: number, key: string): RedisSet {
  return new RedisSet(host, slot, key, undefined);
}

export function findSortedSet(host: CollectionHost, slot: number, key: string): RedisSortedSet | undefined {
  return find(ValueType.sortedSet, RedisSortedSet, host, slot, key);
}

export function openSortedSet(host: CollectionHost, slot: number, key: string): RedisSortedSet {
  return findSortedSet(host, slot, key) ?? newSortedSet(host, slot, key);
}

export function newSortedSet(host: CollectionHost, slot: number, key: string): RedisSortedSet {
  return new RedisSortedSet(host, slot, key, undefined);
}

export function findList(host: CollectionHost, slot: number, key: string): RedisList | undefined {
  return find(ValueType.list, RedisList, host, slot, key);
}

export function openList(host: CollectionHost, slot: number, key: string): RedisList {
  return findList(host, slot, key) ?? newList(host, slot, key);
}

export function newList(host: CollectionHost, slot: number, key: string): RedisList {
  return new RedisList(host, slot, key, undefined);
}
