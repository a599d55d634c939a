/** What is known while a statement is planned: the schema, the keyspace in use, and what its markers turn out to be. */
import { invalidRequest } from '../errors.ts';
import type { QualifiedName, Term } from '../language/ast.ts';
import type { Schema, Table } from '../schema/model.ts';
import { resolveType } from '../schema/type-syntax.ts';
import type { ColumnSpec } from '../session/engine.ts';
import type { DataType } from '../types/data-type.ts';
import type { Expression } from '../types/expressions/expression.ts';
import { type ExpressionScope, makeExpression, type SelectableOnly } from '../types/expressions/make-expression.ts';
import { findFunctions } from '../types/functions/all.ts';
import type { Evaluable, Receiver } from '../types/value.ts';
import { isAggregateName } from './aggregates.ts';

/** The protocol counts values, and tells the places of the partition key, in 16 bits. */
const MARKERS_MAX = 0xffff;

export class PrepareContext {
  readonly schema: Schema;
  readonly keyspace: string | null;
  readonly #names: readonly (string | undefined)[];
  readonly #variables: (ColumnSpec | undefined)[];
  /** Of the partition key of the table that the statement is about. */
  #tokenTypes: readonly DataType[] | undefined;

  /** Throws CqlError. */
  constructor(schema: Schema, keyspace: string | null, names: readonly (string | undefined)[]) {
    if (names.length > MARKERS_MAX) {
      throw invalidRequest(`Too many markers(?). ${names.length} markers exceed the allowed maximum of ${MARKERS_MAX}`);
    }
    this.schema = schema;
    this.keyspace = keyspace;
    this.#names = names;
    this.#variables = names.map(() => undefined);
  }

  /** What each marker is for, in the order of the text. */
  variables(): ColumnSpec[] {
    return this.#variables.map((variable, i) => {
      if (variable === undefined) throw invalidRequest(`Cannot infer the type of bind variable ${i}`);
      const name = this.#names[i];
      return name === undefined ? variable : { ...variable, name };
    });
  }

  table(name: QualifiedName): Table {
    const keyspace = name.keyspace ?? this.keyspace;
    if (keyspace === null) {
      throw invalidRequest('No keyspace has been specified. USE a keyspace, or explicitly specify keyspace.tablename');
    }
    const found = this.schema.keyspaces.get(keyspace);
    if (found === undefined) throw invalidRequest(`keyspace ${keyspace} does not exist`);
    const table = found.tables.get(name.name);
    if (table === undefined) throw invalidRequest(`table ${name.name} does not exist`);
    this.#tokenTypes = table.partitionKey.map(({ type }) => type);
    return table;
  }

  /** The value of a term for a receiver. */
  value(term: Term, receiver: Receiver): Evaluable {
    return makeExpression(term, this.scope(receiver.keyspace, false)).prepare(receiver);
  }

  /** The same, said to be for a column of a table. */
  valueFor(term: Term, table: Table, name: string, type: DataType): Evaluable {
    return this.value(term, { keyspace: table.keyspace, table: table.name, name, type });
  }

  /** What expressions can refer to; with `selectable` those of a selection. */
  scope(keyspace: string, isSelection: boolean, selectable?: (node: SelectableOnly) => Expression): ExpressionScope {
    const scope: ExpressionScope = {
      isSelection,
      resolveType: (syntax) =>
        resolveType(syntax, keyspace, (own, name) => this.schema.keyspaces.get(own)?.types.get(name)),
      functions: (own, name) => findFunctions(own, name, this.#tokenTypes),
      isAggregate: (own, name) => (own === undefined || own === 'system') && isAggregateName(name),
      settleMarker: (index, receiver) => this.settle(index, receiver),
    };
    return selectable === undefined ? scope : { ...scope, selectable };
  }

  settle(index: number, { keyspace, table, name, type }: Receiver): void {
    this.#variables[index] = { keyspace, table, name, type };
  }
}
