/**
 * A replica's id carries its node and how many times that node has been given a replica of the tablet, so that an id is
 * never used twice (a replica that was removed has forgotten its vote) and the node is found without a table.
 */
import { assert } from '../base/assert.ts';
import type { ReplicaId } from '../raft/types.ts';

const GENERATIONS = 65_536;

/** `generation` counts from 1. */
export function replicaId(node: number, generation: number): ReplicaId {
  assert(node > 0 && node < 2 ** 32, 'node ids are positive 32-bit integers');
  assert(generation > 0 && generation < GENERATIONS, 'a node hosts one tablet at most 65,535 times');
  return node * GENERATIONS + generation;
}

/** The node that hosts `replica`; 0 for nobody. */
export function nodeOf(replica: ReplicaId): number {
  return Math.floor(replica / GENERATIONS);
}

export function generationOf(replica: ReplicaId): number {
  return replica % GENERATIONS;
}
