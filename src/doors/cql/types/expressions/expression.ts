/**
 * Expressions between syntax and evaluation: what they may be assigned to is asked before their types are settled, since which function
 * is called depends on what its arguments can be. `make-expression.ts` makes them of the syntax tree.
 */
import { invalidRequest } from '../../errors.ts';
import type { Assignability } from '../assignment.ts';
import type { DataType } from '../data-type.ts';
import type { Argument } from '../function.ts';
import type { Evaluable, Receiver } from '../value.ts';

export abstract class Expression implements Argument {
  abstract readonly text: string;
  readonly isMarker: boolean = false;
  readonly arrayLength: number | undefined = undefined;

  abstract test(type: DataType): Assignability;
  abstract naturalType(): DataType | undefined;
  /** Settles the types. Throws InvalidRequest when the value cannot be one of the receiver's type. */
  abstract prepare(receiver: Receiver): Evaluable;

  /** The type it has whatever is asked for; undefined for constants, which can be of several. */
  abstract knownType(): DataType | undefined;

  /** For a selection, where nothing says which type is wanted. */
  prepareFree(receiver: Omit<Receiver, 'type'>): Evaluable {
    const type = this.knownType();
    if (type === undefined) {
      throw invalidRequest(
        `Cannot infer type for term ${this.text} in selection clause (try using a cast to force a type)`,
      );
    }
    return this.prepare({ ...receiver, type });
  }
}

/** The type that all of these values can be taken for. */
export function commonType(
  types: Iterable<DataType | undefined>,
  takes: (to: DataType, from: DataType) => boolean,
): DataType | undefined {
  const known = [...types].filter((type) => type !== undefined);
  return known.find((type) => known.every((other) => takes(type, other)));
}
