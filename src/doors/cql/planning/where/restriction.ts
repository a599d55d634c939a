/** One relation of WHERE with its values settled; BETWEEN makes two. */
import type { Operator } from '../../rows/commands.ts';
import type { Column } from '../../schema/model.ts';
import type { Evaluable } from '../../types/value.ts';

export interface Restriction {
  readonly columns: readonly Column[];
  readonly operator: Operator | 'token';
  /** Of `token`: the comparison. */
  readonly comparison: '=' | '<' | '<=' | '>' | '>=' | '!=';
  /** Tuples are evaluated to a value for each column. */
  readonly values: readonly Evaluable[];
  /** One value that holds all of those of IN: a list. */
  readonly isList: boolean;
  /** Values are tuples of all columns. */
  readonly isTuple: boolean;
  readonly key: Evaluable | null;
  /** As it was written. */
  readonly text: string;
}

export interface WhereUse {
  /** SELECT may filter and use indexes; UPDATE and DELETE name their rows. */
  readonly kind: 'select' | 'update' | 'delete';
  readonly allowFiltering: boolean;
}

/** What errors and drivers call a tuple of columns. */
export function tupleName(columns: readonly Column[]): string {
  return columns.map(({ name }) => name).join(',');
}
