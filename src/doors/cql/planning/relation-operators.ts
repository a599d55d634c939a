/** What the operators of a relation or a condition ask for, by how they are written. */
export const OPERATORS = {
  '=': '=',
  '!=': '!=',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
  CONTAINS: 'contains',
  'CONTAINS KEY': 'containsKey',
  LIKE: 'like',
} as const;
