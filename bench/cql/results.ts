/** What a measurement of the Cassandra door has found: every round of every point, in a file that later calls add to. */
import type { Machine } from '../measure/machine.ts';
import type { CqlPoint, CqlResult } from './load.ts';

export type CqlSide = 'folkmoot' | 'cassandra';

export interface CqlResults {
  readonly machine: Machine;
  readonly nodes: number;
  readonly clients: number;
  readonly seconds: number;
  readonly rounds: Readonly<Record<CqlSide, Partial<Record<CqlPoint, CqlResult[]>>>>;
}
