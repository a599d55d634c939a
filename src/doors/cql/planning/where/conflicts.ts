/** Restrictions that exclude each other, in Cassandra's words. */
import { invalidRequest } from '../../errors.ts';
import type { Restriction } from './restriction.ts';

/** The first of them says how they exclude each other. */
export function refuseTwice(restrictions: readonly Restriction[]): never {
  const [first] = restrictions;
  refuse(first?.columns[0]?.name, first?.operator);
}

/** A column that is restricted by a tuple already. */
export function refuseWithin(taken: readonly Restriction[], other: Restriction | undefined): void {
  const [column] = other?.columns ?? [];
  if (column === undefined) return;
  const tuple = taken.find(({ columns }) => columns.length > 1 && columns.includes(column));
  if (tuple !== undefined) refuse(column.name, tuple.operator);
}

function refuse(column: string | undefined, operator: Restriction['operator'] | undefined): never {
  if (operator === '=' || operator === 'in') {
    const what = operator === '=' ? 'an Equal' : 'a IN';
    throw invalidRequest(`${column} cannot be restricted by more than one relation if it includes ${what}`);
  }
  throw invalidRequest(`Column "${column}" cannot be restricted by both an equality and an inequality relation`);
}

/** A range has one start and one end. */
export function checkBounds(ranges: readonly Restriction[], operatorOf: (restriction: Restriction) => string): void {
  for (const [bound, pattern] of [
    ['start', /^(>=?|=)$/],
    ['end', /^(<=?|=)$/],
  ] as const) {
    const [, second] = ranges.filter((restriction) => pattern.test(operatorOf(restriction)));
    if (second === undefined) continue;
    const names = second.columns.map(({ name }) => name).join(', ');
    throw invalidRequest(`More than one restriction was found for the ${bound} bound on ${names}`);
  }
}
