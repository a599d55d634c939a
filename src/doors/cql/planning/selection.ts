/**
 * The selection of a SELECT: what is read of each row, and what is made of it. Where only columns are asked for, the rows that the
 * tablets give are the result as they are; otherwise each is taken apart and its items are worked out.
 */
import { invalidRequest } from '../errors.ts';
import type { Call, Selectable, Selector, Term } from '../language/ast.ts';
import { printSelectable } from '../language/print-expression.ts';
import { Projection, type Wanted } from '../rows/projection.ts';
import type { Column, Table } from '../schema/model.ts';
import type { ColumnSpec } from '../session/engine.ts';
import { type Assignability, assignabilityOf } from '../types/assignment.ts';
import { compareValues } from '../types/compare.ts';
import { type Cell, packCollection, splitCollection, splitFields } from '../types/composite.ts';
import { type DataType, isCollection, isMultiCell, listOf, Native, typeText } from '../types/data-type.ts';
import { Expression } from '../types/expressions/expression.ts';
import { makeExpression, type SelectableOnly } from '../types/expressions/make-expression.ts';
import { jsonName, jsonText } from '../types/text.ts';
import { Evaluable, type Evaluation, type Receiver, UNSET } from '../types/value.ts';
import { type Accumulator, type Aggregate, isAggregateName, makeAggregate } from './aggregates.ts';
import { columnOf } from './column-of.ts';
import type { PrepareContext } from './prepare-context.ts';

/** One row of an execution: its cells, by their place in the projection. */
export interface RowEvaluation extends Evaluation {
  cells: readonly Cell[];
  /** Of a group: the results of its aggregates. */
  aggregates: readonly Cell[];
}

interface Output {
  readonly spec: ColumnSpec;
  /** Of each row; of the first row of a group where there are aggregates. */
  readonly value: Evaluable;
}

interface AggregateCall {
  readonly aggregate: Aggregate;
  /** Null for COUNT(*). */
  readonly argument: Evaluable | null;
}

export class Selection {
  readonly projection: Projection;
  readonly columns: readonly ColumnSpec[];
  /** The rows of the tablets are those of the result. */
  readonly isPlain: boolean;
  readonly isAggregate: boolean;
  readonly #outputs: readonly Output[];
  readonly #aggregates: readonly AggregateCall[];
  readonly #isJson: boolean;

  constructor(
    table: Table,
    selectors: readonly Selector[],
    isJson: boolean,
    extra: readonly Column[],
    context: PrepareContext,
  ) {
    const wanted = new WantedItems();
    const all =
      selectors.length === 0
        ? table.columns.map(
            (column): Selector => ({ selectable: { kind: 'column', name: column.name }, alias: undefined }),
          )
        : selectors;
    const maker = new OutputMaker(table, wanted, context);
    this.#outputs = all.map((selector) => maker.output(selector));
    this.#aggregates = maker.aggregates;
    this.isAggregate = this.#aggregates.length > 0;
    const isPlain = !isJson && this.#outputs.every(({ value }, i) => value instanceof ItemValue && value.place === i);
    for (const column of extra) wanted.place({ column, what: 'value' });
    this.projection = new Projection(wanted.items);
    this.isPlain = isPlain && wanted.items.length === this.#outputs.length;
    this.#isJson = isJson;
    const jsonColumn: ColumnSpec = { keyspace: table.keyspace, table: table.name, name: '[json]', type: Native.text };
    this.columns = isJson ? [jsonColumn] : this.#outputs.map(({ spec }) => spec);
  }

  /** Where a column that was asked for besides stands among the items. */
  placeOf(column: Column): number {
    return this.projection.wanted.findIndex((item) => item.column === column && item.what === 'value');
  }

  values(at: RowEvaluation): Cell[] {
    return this.#shown(this.#outputs.map(({ value }) => cellOf(value.evaluate(at))));
  }

  /** Of a group of rows; `at` is the execution. */
  group(at: RowEvaluation): Group {
    return new Group(this.#aggregates, (cells, aggregates) => this.values({ ...at, cells, aggregates }));
  }

  #shown(values: Cell[]): Cell[] {
    if (!this.#isJson) return values;
    const fields = values.map((value, i) => {
      const { spec } = this.#outputs[i] as Output;
      return `${JSON.stringify(jsonName(spec.name))}: ${jsonText(spec.type, value)}`;
    });
    return [Buffer.from(`{${fields.join(', ')}}`, 'utf8')];
  }
}

export class Group {
  readonly #calls: readonly AggregateCall[];
  readonly #accumulators: readonly Accumulator[];
  readonly #values: (first: readonly Cell[], aggregates: readonly Cell[]) => Cell[];
  #first: readonly Cell[] | null = null;

  constructor(
    calls: readonly AggregateCall[],
    values: (first: readonly Cell[], aggregates: readonly Cell[]) => Cell[],
  ) {
    this.#calls = calls;
    this.#accumulators = calls.map(({ aggregate }) => aggregate.begin());
    this.#values = values;
  }

  add(at: RowEvaluation): void {
    this.#first ??= at.cells.map(copied);
    for (const [i, accumulator] of this.#accumulators.entries()) {
      const argument = this.#calls[i]?.argument ?? null;
      accumulator.add(argument === null ? null : cellOf(argument.evaluate(at)));
    }
  }

  result(): Cell[] {
    return this.#values(
      this.#first ?? [],
      this.#accumulators.map((accumulator) => accumulator.result()),
    );
  }
}

function copied(cell: Cell): Cell {
  return cell === null ? null : Buffer.from(cell);
}

function cellOf(value: Cell | typeof UNSET): Cell {
  return value === UNSET ? null : value;
}

/** What is read of each row, each thing once. */
class WantedItems {
  readonly items: Wanted[] = [];

  place(wanted: Wanted): number {
    const known = this.items.findIndex(({ column, what }) => column === wanted.column && what === wanted.what);
    if (known >= 0) return known;
    this.items.push(wanted);
    return this.items.length - 1;
  }
}

/** An item of the projection. */
class ItemValue extends Evaluable {
  override readonly isConstant = false;
  override readonly type: DataType;
  readonly place: number;

  constructor(type: DataType, place: number) {
    super();
    this.type = type;
    this.place = place;
  }

  override evaluate(at: Evaluation): Cell {
    return (at as RowEvaluation).cells[this.place] ?? null;
  }
}

/** The result of an aggregate over a group. */
class AggregateValue extends Evaluable {
  override readonly isConstant = false;
  override readonly type: DataType;
  readonly #place: number;

  constructor(type: DataType, place: number) {
    super();
    this.type = type;
    this.#place = place;
  }

  override evaluate(at: Evaluation): Cell {
    return (at as RowEvaluation).aggregates[this.#place] ?? null;
  }
}

/** A part of a value: a field, an element, a slice. */
class PartValue extends Evaluable {
  override readonly isConstant = false;
  override readonly type: DataType;
  readonly #of: Evaluable;
  readonly #take: (whole: Buffer, at: Evaluation) => Cell;

  constructor(type: DataType, of: Evaluable, take: (whole: Buffer, at: Evaluation) => Cell) {
    super();
    this.type = type;
    this.#of = of;
    this.#take = take;
  }

  override evaluate(at: Evaluation): Cell {
    const whole = this.#of.evaluate(at);
    return whole === null || whole === UNSET ? null : this.#take(whole, at);
  }
}

/** Something whose type is known, as an expression. */
class KnownExpression extends Expression {
  override readonly text: string;
  readonly #value: Evaluable;

  constructor(text: string, value: Evaluable) {
    super();
    this.text = text;
    this.#value = value;
  }

  override test(type: DataType): Assignability {
    return assignabilityOf(this.#value.type, type);
  }

  override naturalType(): DataType {
    return this.#value.type;
  }

  override knownType(): DataType {
    return this.#value.type;
  }

  override prepare({ type, name }: Receiver): Evaluable {
    if (assignabilityOf(this.#value.type, type) === 'none') {
      throw invalidRequest(
        `Type error: cannot assign ${this.text} (type ${typeText(this.#value.type)}) to ${name} (type ${typeText(type)})`,
      );
    }
    return this.#value;
  }
}

class OutputMaker {
  readonly aggregates: AggregateCall[] = [];
  #isInAggregate = false;
  readonly #table: Table;
  readonly #wanted: WantedItems;
  readonly #context: PrepareContext;

  constructor(table: Table, wanted: WantedItems, context: PrepareContext) {
    this.#table = table;
    this.#wanted = wanted;
    this.#context = context;
  }

  output({ selectable, alias }: Selector): Output {
    const expression = this.#expression(selectable);
    const name = alias ?? columnName(selectable, expression);
    const receiver = { keyspace: this.#table.keyspace, table: this.#table.name, name };
    const value = expression.prepareFree(receiver);
    return { spec: { ...receiver, type: value.type }, value };
  }

  #aggregate(node: Call<Term> | Call<Selectable>): Expression | undefined {
    const { keyspace, name } = node.function;
    if (!isAggregateName(name) || (keyspace !== undefined && keyspace !== 'system')) return undefined;
    const [argument, second] = node.arguments;
    if (argument === undefined || second !== undefined)
      throw invalidRequest(`Invalid number of arguments for function system.${name}(any)`);
    if (name === 'count' && argument.kind === 'constant') return this.#countOfRows();
    this.#enterAggregate();
    const expression = this.#expression(argument);
    this.#isInAggregate = false;
    const value = this.#free(expression);
    return this.#aggregateCall(makeAggregate(name, value.type), value, `${name}(${expression.text})`);
  }

  #countOfRows(): Expression {
    this.#enterAggregate();
    this.#isInAggregate = false;
    return this.#aggregateCall(makeAggregate('count', undefined), null, 'count(*)');
  }

  #enterAggregate(): void {
    if (this.#isInAggregate)
      throw invalidRequest('aggregate functions cannot be used as arguments of aggregate functions');
    this.#isInAggregate = true;
  }

  #aggregateCall(aggregate: Aggregate, argument: Evaluable | null, text: string): Expression {
    const place = this.aggregates.push({ aggregate, argument }) - 1;
    return new KnownExpression(text, new AggregateValue(aggregate.type, place));
  }

  #expression(node: Selectable | Term): Expression {
    const { keyspace } = this.#table;
    const scope = this.#context.scope(keyspace, true, (own) => this.#selectable(own));
    return makeExpression(node, { ...scope, aggregate: (call) => this.#aggregate(call) });
  }

  #selectable(node: SelectableOnly): Expression {
    switch (node.kind) {
      case 'column':
        return this.#column(node.name);
      case 'field':
        return this.#field(this.#expression(node.operand), node.field);
      case 'element':
        return this.#element(this.#expression(node.operand), node);
      case 'slice':
        return this.#slice(this.#expression(node.operand), node);
      case 'writetime':
      case 'maxwritetime':
      case 'ttl':
        return this.#property(node);
      case 'countRows':
        return this.#countOfRows();
    }
  }

  #column(name: string): Expression {
    const column = columnOf(this.#table, name);
    const place = this.#wanted.place({ column, what: 'value' });
    return new KnownExpression(name, new ItemValue(column.type, place));
  }

  #free(expression: Expression): Evaluable {
    return expression.prepareFree({ keyspace: this.#table.keyspace, table: this.#table.name, name: expression.text });
  }

  #field(operand: Expression, field: string): Expression {
    const of = this.#free(operand);
    const { type } = of;
    if (type.kind !== 'udt')
      throw invalidRequest(`Invalid field selection: ${operand.text} of type ${typeText(type)} is not a user type`);
    const place = type.fields.findIndex(({ name }) => name === field);
    const found = type.fields[place];
    if (found === undefined) throw invalidRequest(`${operand.text} of type ${typeText(type)} has no field ${field}`);
    const value = new PartValue(found.type, of, (whole) => splitFields(whole, type.fields.length)[place] ?? null);
    return new KnownExpression(`${operand.text}.${field}`, value);
  }

  #element(operand: Expression, node: Extract<SelectableOnly, { kind: 'element' }>): Expression {
    const of = this.#free(operand);
    const { type } = of;
    if (type.kind === 'list')
      throw invalidRequest(`Element selection is only allowed on sets and maps, but ${operand.text} is a list`);
    if (!isCollection(type)) {
      throw invalidRequest(
        `Invalid element selection: ${operand.text} is of type ${typeText(type)} is not a collection`,
      );
    }
    const keyType = type.kind === 'map' ? type.key : type.element;
    const key = this.#context.valueFor(node.key, this.#table, `key(${operand.text})`, keyType);
    const value = new PartValue(type.kind === 'map' ? type.value : type.element, of, (whole, at) => {
      const wanted = key.evaluate(at);
      if (wanted === null || wanted === UNSET) return null;
      return elementOf(type, whole, wanted);
    });
    return new KnownExpression(`${operand.text}[${textOf(node.key)}]`, value);
  }

  #slice(operand: Expression, node: Extract<SelectableOnly, { kind: 'slice' }>): Expression {
    const of = this.#free(operand);
    const { type } = of;
    if (type.kind !== 'map' && type.kind !== 'set') {
      throw invalidRequest(`Invalid slice selection: ${operand.text} of type ${typeText(type)} is not a collection`);
    }
    const keyType = type.kind === 'map' ? type.key : type.element;
    const bound = (term: typeof node.from): Evaluable | null =>
      term === undefined ? null : this.#context.valueFor(term, this.#table, `key(${operand.text})`, keyType);
    const [from, to] = [bound(node.from), bound(node.to)];
    const width = type.kind === 'map' ? 2 : 1;
    const value = new PartValue(type, of, (whole, at) => {
      const [low, high] = [from?.evaluate(at) ?? null, to?.evaluate(at) ?? null];
      const parts = splitCollection(whole, width);
      const kept: Buffer[] = [];
      for (let i = 0; i < parts.length; i += width) {
        const key = parts[i] as Buffer;
        if (Buffer.isBuffer(low) && compareValues(keyType, key, low) < 0) continue;
        if (Buffer.isBuffer(high) && compareValues(keyType, key, high) > 0) continue;
        kept.push(...parts.slice(i, i + width));
      }
      return kept.length === 0 ? null : packCollection(kept.length / width, kept);
    });
    const shown = `${operand.text}[${node.from === undefined ? '' : textOf(node.from)}..${node.to === undefined ? '' : textOf(node.to)}]`;
    return new KnownExpression(shown, value);
  }

  #property({ kind, operand }: Extract<SelectableOnly, { kind: 'writetime' | 'maxwritetime' | 'ttl' }>): Expression {
    if (operand.kind !== 'column')
      throw invalidRequest(`${kind} of parts of a column is not supported; ask for the column as a whole`);
    const column = columnOf(this.#table, operand.name);
    const name = kind === 'maxwritetime' ? 'maxwritetime' : kind;
    if (column.kind === 'partition_key' || column.kind === 'clustering') {
      throw invalidRequest(`Cannot use selection function ${name} on PRIMARY KEY part ${column.name}`);
    }
    const what = kind === 'ttl' ? 'ttl' : 'writetime';
    const place = this.#wanted.place({ column, what });
    const single = kind === 'ttl' ? Native.int : Native.bigint;
    const text = `${name}(${column.name})`;
    if (!isMultiCell(column.type)) return new KnownExpression(text, new ItemValue(single, place));
    const list = new ItemValue(listOf(single, true), place);
    if (kind !== 'maxwritetime') return new KnownExpression(text, list);
    const value = new PartValue(single, list, (whole) =>
      splitCollection(whole).reduce<Cell>(
        (most, part) => (most === null || compareValues(single, part, most) > 0 ? part : most),
        null,
      ),
    );
    return new KnownExpression(text, value);
  }
}

function elementOf(type: DataType, whole: Buffer, key: Buffer): Cell {
  if (type.kind === 'map') {
    const parts = splitCollection(whole, 2);
    for (let i = 0; i < parts.length; i += 2)
      if (compareValues(type.key, parts[i] as Buffer, key) === 0) return parts[i + 1] as Buffer;
    return null;
  }
  if (type.kind !== 'set') return null;
  return splitCollection(whole).find((part) => compareValues(type.element, part, key) === 0) ?? null;
}

function textOf(term: { readonly kind: string; readonly text?: string; readonly type?: unknown }): string {
  if (term.kind === 'marker') return '?';
  return term.type === 'string' ? `'${term.text}'` : (term.text ?? '?');
}

/** What a column of the result is called that has no alias: functions have their keyspace, other things are as they were written. */
function columnName(node: Selectable | Term, expression: Expression): string {
  return nameOf(node) ?? expression.text;
}

/** Undefined where nothing in it has another name than it is written with. */
function nameOf(node: Selectable | Term): string | undefined {
  switch (node.kind) {
    case 'column':
      return node.name;
    case 'countRows':
      return 'count';
    case 'call': {
      const { keyspace, name } = node.function;
      if (name === 'count' && node.arguments[0]?.kind === 'constant') return 'count';
      const args = node.arguments.map((argument) => nameOf(argument) ?? printSelectable(argument as Selectable));
      return `${keyspace ?? 'system'}.${name}(${args.join(', ')})`;
    }
    case 'operation': {
      const [left, right] = [nameOf(node.left), nameOf(node.right)];
      if (left === undefined && right === undefined) return undefined;
      const shown = [
        left ?? printSelectable(node.left as Selectable),
        right ?? printSelectable(node.right as Selectable),
      ];
      return shown.join(` ${node.operator} `);
    }
    case 'negation': {
      const operand = nameOf(node.operand);
      return operand === undefined ? undefined : `-${operand}`;
    }
    case 'cast': {
      const operand = nameOf(node.operand);
      return operand === undefined ? undefined : `cast(${operand} as ${node.type})`;
    }
    case 'tuple': {
      const [only, second] = node.items;
      const name = only === undefined || second !== undefined ? undefined : nameOf(only);
      return name === undefined ? undefined : `(${name})`;
    }
    case 'field': {
      const operand = nameOf(node.operand);
      return operand === undefined ? undefined : `${operand}.${node.field}`;
    }
    default:
      return undefined;
  }
}
