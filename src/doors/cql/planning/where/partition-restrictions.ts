/** Which partitions: those of a whole key, given column by column, or those of a range of tokens. */
import { invalidRequest } from '../../errors.ts';
import type { Column, Table } from '../../schema/model.ts';
import type { Evaluable, Evaluation } from '../../types/value.ts';
import { comparedValue } from '../column-values.ts';
import { refuseTwice } from './conflicts.ts';
import type { Restriction, WhereUse } from './restriction.ts';
import { crossed, unique, valuesOf } from './restriction-values.ts';

export interface TokenRange {
  readonly first: bigint;
  readonly last: bigint;
}

export class PartitionRestrictions {
  readonly #table: Table;
  /** For each column of the partition key, or empty. */
  readonly #given: readonly (Restriction | undefined)[];

  constructor(table: Table, given: readonly (Restriction | undefined)[]) {
    this.#table = table;
    this.#given = given;
  }

  /** Partitions are named by their keys. */
  get areGiven(): boolean {
    return this.#given.length > 0;
  }

  /** There is more than one partition. */
  get hasIn(): boolean {
    return this.#given.some((restriction) => restriction?.operator === 'in');
  }

  /** What the column is compared to, where `=` does. */
  valueOf(column: Column): Evaluable | undefined {
    const restriction = column.kind === 'partition_key' ? this.#given[column.position] : undefined;
    return restriction?.operator === '=' ? restriction.values[0] : undefined;
  }

  /** The keys, each a list of the values of its columns. */
  keys(at: Evaluation): Buffer[][] {
    let keys: Buffer[][] = [[]];
    for (const column of this.#table.partitionKey) {
      keys = crossed(keys, unique(valuesOf(this.#given[column.position] as Restriction, column, at)));
    }
    return keys;
  }
}

/** Takes what names partitions; what is left may name rows. */
export function takePartition(
  table: Table,
  restrictions: readonly Restriction[],
  use: WhereUse,
): { readonly partition: PartitionRestrictions; readonly left: readonly Restriction[] } {
  const ofKey = restrictions.filter(({ columns: [first] }) => first?.kind === 'partition_key');
  const others = restrictions.filter(({ columns: [first] }) => first?.kind !== 'partition_key');
  const partition = table.partitionKey.map((column) =>
    ofKey.find(({ columns: [first], operator }) => first === column && (operator === '=' || operator === 'in')),
  );
  const missing = table.partitionKey.filter((_column, i) => partition[i] === undefined);
  if (missing.length === 0) {
    for (const column of table.partitionKey) {
      const own = ofKey.filter(({ columns: [first] }) => first === column);
      if (own.length > 1) refuseTwice(own);
    }
    return { partition: new PartitionRestrictions(table, partition), left: others };
  }
  if (use.kind !== 'select') {
    if (ofKey.some(({ operator }) => operator !== '=' && operator !== 'in')) {
      throw invalidRequest(
        `Only EQ and IN relation are supported on the partition key (unless you use the token() function) for ${use.kind.toUpperCase()} statements`,
      );
    }
    throw invalidRequest(`Some partition key parts are missing: ${missing.map(({ name }) => name).join(', ')}`);
  }
  // Part of a key finds no partition: rows are looked at one by one.
  return { partition: new PartitionRestrictions(table, []), left: [...ofKey, ...others] };
}

/** The tokens that lie within all bounds. */
export function tokenRange(tokens: readonly Restriction[], at: Evaluation): TokenRange {
  let first = -(2n ** 63n);
  let last = 2n ** 63n - 1n;
  for (const { comparison, values } of tokens) {
    const token = comparedValue('partition key token', values[0] as Evaluable, at).readBigInt64BE(0);
    if (comparison === '=' || comparison === '>=') first = max(first, token);
    if (comparison === '>') first = max(first, token + 1n);
    // A token that ends all of them stands for the end, as drivers that walk the ring have it.
    if (comparison === '=' || comparison === '<=') last = min(last, token);
    if (comparison === '<') last = min(last, token - 1n);
  }
  return { first, last };
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
