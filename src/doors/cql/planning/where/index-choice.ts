/** Which index answers one of the restrictions. */
import type { Index, Table } from '../../schema/model.ts';
import type { Restriction } from './restriction.ts';

export function findIndex(
  table: Table,
  restrictions: readonly Restriction[],
): { index: Index; restriction: Restriction } | null {
  for (const restriction of restrictions) {
    const [column] = restriction.columns;
    if (column === undefined || restriction.isTuple) continue;
    const index = table.indexes.find(
      (candidate) => candidate.isReady && candidate.column === column.name && serves(candidate, restriction),
    );
    if (index !== undefined) return { index, restriction };
  }
  return null;
}

function serves({ kind }: Index, { operator, key }: Restriction): boolean {
  if (key !== null) return kind === 'entries' && operator === '=';
  switch (kind) {
    case 'simple':
    case 'full':
      return operator === '=';
    case 'values':
      return operator === 'contains';
    case 'keys':
      return operator === 'containsKey';
    case 'entries':
      return false;
  }
}
