/**
 * DROP of what this door does not make: functions and aggregates, triggers, materialized views. None of them exists, which tools that clear a
 * schema may well ask to be sure of.
 */
import { invalidRequest } from '../errors.ts';
import type { DropFunction, DropTrigger, DropView, QualifiedName } from '../language/ast.ts';
import { printType } from '../language/print-expression.ts';
import { keyspaceNameOf } from './ddl-keyspaces.ts';
import type { DdlContext, DdlReply } from './schema-change.ts';

export function dropAbsent(statement: DropFunction | DropTrigger | DropView, context: DdlContext): DdlReply {
  const what = absent(statement, (name) => `${keyspaceNameOf(name, context)}.${name.name}`);
  if (statement.ifExists) return null;
  throw invalidRequest(`${what} doesn't exist`);
}

function absent(statement: DropFunction | DropTrigger | DropView, full: (name: QualifiedName) => string): string {
  switch (statement.kind) {
    case 'dropView':
      return `Materialized view '${full(statement.view)}'`;
    case 'dropTrigger':
      return `Trigger '${statement.trigger}' on '${full(statement.table)}'`;
    case 'dropFunction':
    case 'dropAggregate': {
      const types =
        statement.argumentTypes === undefined ? '' : `(${statement.argumentTypes.map(printType).join(', ')})`;
      const what = statement.kind === 'dropFunction' ? 'Function' : 'Aggregate';
      return `${what} '${full(statement.function)}${types}'`;
    }
  }
}
