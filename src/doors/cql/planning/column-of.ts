import { invalidRequest } from '../errors.ts';
import type { Column, Table } from '../schema/model.ts';

export function columnOf(table: Table, name: string): Column {
  const column = table.byName.get(name);
  if (column === undefined)
    throw invalidRequest(`Undefined column name ${name} in table ${table.keyspace}.${table.name}`);
  return column;
}
