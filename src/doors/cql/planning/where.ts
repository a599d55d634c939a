/**
 * WHERE: which partitions, which rows of them, and what is left to be looked at row by row. Planned once; `evaluate` gives the bound
 * values their places. The rules of what may be asked without an index or ALLOW FILTERING, and their texts, are Cassandra's.
 */
import { invalidRequest } from '../errors.ts';
import type { Marker, Relation, Term, TupleValue } from '../language/ast.ts';
import { printRelation, printTerm } from '../language/print-expression.ts';
import type { Operator, Predicate, Slice } from '../rows/commands.ts';
import { type Bound, rowSlice, slicesWithin, unionOfSlices } from '../rows/slices.ts';
import type { Column, Index, Table } from '../schema/model.ts';
import { packFields, splitCollection, splitFields } from '../types/composite.ts';
import { type DataType, freeze, isCollection, isMultiCell, listOf, Native, typeText } from '../types/data-type.ts';
import { Evaluable, type Evaluation, UNSET } from '../types/value.ts';
import { comparedValue, filteredValue, keyValue, listValue } from './column-values.ts';
import type { PrepareContext } from './prepare-context.ts';

export const FILTERING_NEEDED =
  'Cannot execute this query as it might involve data filtering and thus may have unpredictable performance. If you want to execute this query despite the performance unpredictability, use ALLOW FILTERING';

/** One relation with its values settled. */
interface Restriction {
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

/** What WHERE says at one execution. */
export interface WhereValues {
  /** Values of the partition key, one list for each partition; null: all, or those of `tokens`. */
  readonly partitions: readonly (readonly Buffer[])[] | null;
  readonly tokens: { readonly first: bigint; readonly last: bigint } | null;
  /** Null: whole partitions. */
  readonly slices: readonly Slice[] | null;
  readonly filter: readonly Predicate[];
}

export class Where {
  readonly table: Table;
  /** Null: rows are found by their keys, or by looking at all. */
  readonly index: Index | null = null;
  /** That the index answers; it is not filtered by again. */
  readonly indexed: Restriction | null = null;
  readonly isWholePartition: boolean;
  /** Every clustering column is given by `=` or IN. */
  readonly isSingleRows: boolean;
  /** Of the columns of the partition key that are markers by themselves, or empty. */
  readonly #partition: readonly (Restriction | undefined)[];
  readonly #tokens: readonly Restriction[];
  readonly #clustering: readonly Restriction[];
  readonly #filters: readonly Restriction[];

  constructor(table: Table, relations: readonly Relation[], context: PrepareContext, use: WhereUse) {
    this.table = table;
    const restrictions = relations.flatMap((relation) => {
      const text = printRelation(relation);
      return restrictionsOf(relation, table, context).map((restriction) => ({ ...restriction, text }));
    });
    for (const restriction of restrictions) checkOperator(restriction, use);
    this.#tokens = restrictions.filter(({ operator }) => operator === 'token');
    checkBounds(this.#tokens, ({ comparison }) => comparison);
    const rest = restrictions.filter(({ operator }) => operator !== 'token');
    const { partition, others } = this.#takePartition(rest, use);
    this.#partition = partition;
    const taken = this.#takeClustering(others, use);
    // Without a partition, an index on a clustering column finds more than slices of all partitions.
    const isIndexed = partition.length === 0 && use.kind === 'select' && findIndex(table, taken.clustering) !== null;
    const clustering = isIndexed ? [] : taken.clustering;
    const left = isIndexed ? [...taken.clustering, ...taken.left] : taken.left;
    this.#clustering = clustering;
    this.isWholePartition = clustering.length === 0;
    this.isSingleRows = table.clustering.every((column) => this.isNamed(column));
    const found = use.kind === 'select' ? findIndex(table, left) : null;
    if (found !== null) {
      this.index = found.index;
      this.indexed = found.restriction;
    }
    this.#filters = left.filter((restriction) => restriction !== found?.restriction);
    this.#check(use);
  }

  get hasPartition(): boolean {
    return this.#partition.length > 0;
  }

  get hasTokens(): boolean {
    return this.#tokens.length > 0;
  }

  /** There may be several rows of a partition. */
  get hasClusteringIn(): boolean {
    return this.#clustering.some(({ operator }) => operator === 'in');
  }

  /** There is more than one partition. */
  get hasPartitionIn(): boolean {
    return this.#partition.some((restriction) => restriction?.operator === 'in');
  }

  get hasFilters(): boolean {
    return this.#filters.length > 0;
  }

  /** By `=`, not by IN. */
  isGiven(column: Column): boolean {
    return this.#clustering.some(({ columns, operator }) => operator === '=' && columns.includes(column));
  }

  /** By `=` or IN. */
  isNamed(column: Column): boolean {
    return this.#clustering.some(
      ({ columns, operator }) => (operator === '=' || operator === 'in') && columns.includes(column),
    );
  }

  /** Only columns that every row of a partition has the same values of are looked at. */
  get isOfPartitions(): boolean {
    return (
      this.#clustering.length === 0 &&
      this.#filters.every(({ columns }) => columns.every(({ kind }) => kind === 'partition_key' || kind === 'static'))
    );
  }

  /** For each column of the partition key the value that it is compared to, where `=` does. */
  partitionValue(column: Column): Evaluable | undefined {
    const restriction = column.kind === 'partition_key' ? this.#partition[column.position] : undefined;
    return restriction?.operator === '=' ? restriction.values[0] : undefined;
  }

  evaluate(at: Evaluation): WhereValues {
    return {
      partitions: this.hasPartition ? this.#partitions(at) : null,
      tokens: this.#tokens.length === 0 ? null : this.#tokenBounds(at),
      slices: this.#clustering.length === 0 ? null : this.#slices(at),
      filter: this.#filters.map((restriction) => predicateOf(restriction, at)),
    };
  }

  /** Of an index lookup. */
  indexPredicate(at: Evaluation): Predicate | null {
    return this.indexed === null ? null : predicateOf(this.indexed, at);
  }

  /** The values of the clustering columns of each row, once; for those who name rows. */
  rowValues(at: Evaluation): Buffer[][] {
    let rows: Buffer[][] = [[]];
    for (const restriction of this.#clustering) {
      const { columns, isTuple } = restriction;
      const parts = isTuple
        ? uniqueTuples(tupleValues(restriction, at))
        : unique(valuesOf(restriction, columns[0] as Column, at)).map((value) => [value]);
      rows = rows.flatMap((row) => parts.map((part) => [...row, ...part]));
    }
    return rows;
  }

  #valuesOf(column: Column, at: Evaluation): Buffer[] {
    const restriction = this.#clustering.find(({ columns }) => columns.includes(column));
    if (restriction === undefined) return [];
    return valuesOf(restriction, column, at);
  }

  #partitions(at: Evaluation): Buffer[][] {
    let keys: Buffer[][] = [[]];
    for (const column of this.table.partitionKey) {
      keys = crossed(keys, unique(valuesOf(this.#partition[column.position] as Restriction, column, at)));
    }
    return keys;
  }

  #tokenBounds(at: Evaluation): { first: bigint; last: bigint } {
    let first = -(2n ** 63n);
    let last = 2n ** 63n - 1n;
    for (const { comparison, values } of this.#tokens) {
      const token = comparedValue('partition key token', values[0] as Evaluable, at).readBigInt64BE(0);
      if (comparison === '=' || comparison === '>=') first = max(first, token);
      if (comparison === '>') first = max(first, token + 1n);
      // A token that ends all of them stands for the end, as drivers that walk the ring have it.
      if (comparison === '=' || comparison === '<=') last = min(last, token);
      if (comparison === '<') last = min(last, token - 1n);
    }
    return { first, last };
  }

  #slices(at: Evaluation): Slice[] {
    const tuples = this.#clustering.find(({ isTuple }) => isTuple);
    if (tuples?.operator === 'in') return this.#tupleSlices(tuples, at);
    const { table } = this;
    let prefixes: Buffer[][] = [[]];
    for (const column of table.clustering) {
      const restriction = this.#clustering.find(
        ({ columns, operator }) => columns.includes(column) && (operator === '=' || operator === 'in'),
      );
      if (restriction === undefined) break;
      prefixes = crossed(prefixes, valuesOf(restriction, column, at));
    }
    const ranges = this.#clustering.filter(({ operator }) => operator !== '=' && operator !== 'in');
    const slices = prefixes.flatMap((prefix) => {
      if (prefix.length === table.clustering.length) return [rowSlice(table, prefix)];
      return slicesWithin(table, prefix, boundOf(ranges, ['>', '>='], at), boundOf(ranges, ['<', '<='], at));
    });
    return unionOfSlices(slices);
  }

  #tupleSlices(restriction: Restriction, at: Evaluation): Slice[] {
    const { table } = this;
    const prefixes = table.clustering
      .slice(0, restriction.columns[0]?.position ?? 0)
      .map((column) => this.#valuesOf(column, at)[0] as Buffer);
    const slices = tupleValues(restriction, at).map((tuple) => {
      const values = [...prefixes, ...tuple];
      return values.length === table.clustering.length
        ? [rowSlice(table, values)]
        : slicesWithin(table, values, null, null);
    });
    return unionOfSlices(slices.flat());
  }

  #takePartition(restrictions: readonly Restriction[], use: WhereUse) {
    const { table } = this;
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
      return { partition, others };
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
    return { partition: [], others: [...ofKey, ...others] };
  }

  /** Restrictions that name slices of partitions; what is left is for indexes and filters. */
  #takeClustering(restrictions: readonly Restriction[], use: WhereUse) {
    const { table } = this;
    const isClustering = ({ columns, key, operator }: Restriction): boolean =>
      columns[0]?.kind === 'clustering' &&
      key === null &&
      operator !== 'contains' &&
      operator !== 'containsKey' &&
      operator !== 'like' &&
      operator !== 'notNull' &&
      operator !== '!=';
    const candidates = restrictions.filter(isClustering);
    const left = restrictions.filter((restriction) => !isClustering(restriction));
    const taken: Restriction[] = [];
    let next = 0;
    let isOver = false;
    for (const column of table.clustering) {
      if (column.position < next) continue;
      const own = candidates.filter(({ columns: [first] }) => first === column);
      if (own.length === 0 || isOver) {
        isOver = true;
        continue;
      }
      const exact = own.find(({ operator }) => operator === '=' || operator === 'in');
      if (exact !== undefined) {
        if (own.length > 1) refuseTwice(own);
        taken.push(exact);
        next = column.position + exact.columns.length;
      } else {
        checkBounds(own, ({ operator }) => operator);
        taken.push(...own);
        isOver = true;
      }
    }
    const gap = candidates.find((candidate) => !taken.includes(candidate));
    refuseWithin(taken, gap);
    if (
      gap !== undefined &&
      (use.kind !== 'select' || !use.allowFiltering) &&
      findIndex(table, [...left, ...candidates]) === null
    ) {
      this.#refuseGap(gap, taken, use);
    }
    // Without a partition, or with an index, slices of each partition are still what is read.
    return { clustering: taken, left: [...left, ...candidates.filter((candidate) => !taken.includes(candidate))] };
  }

  #refuseGap(gap: Restriction, taken: readonly Restriction[], use: WhereUse): never {
    const column = gap.columns[0] as Column;
    const before = this.table.clustering[column.position - 1];
    const range = taken.find(({ operator }) => operator !== '=' && operator !== 'in');
    if (range !== undefined) {
      throw invalidRequest(
        `Clustering column "${column.name}" cannot be restricted (preceding column "${range.columns[0]?.name}" is restricted by a non-EQ relation)`,
      );
    }
    if (use.kind === 'delete' || use.kind === 'update') {
      throw invalidRequest(
        `PRIMARY KEY column "${column.name}" cannot be restricted as preceding column "${before?.name}" is not restricted`,
      );
    }
    throw invalidRequest(
      `PRIMARY KEY column "${column.name}" cannot be restricted as preceding column "${before?.name}" is not restricted`,
    );
  }

  #check(use: WhereUse): void {
    const { table } = this;
    if (use.kind !== 'select') {
      const [other] = this.#filters;
      if (other !== undefined) {
        throw invalidRequest(
          `Non PRIMARY KEY columns found in where clause: ${other.columns.map(({ name }) => name).join(', ')} `,
        );
      }
      return;
    }
    const [contains] = this.#filters.filter(({ operator }) => operator === 'like');
    if (contains !== undefined && !use.allowFiltering) {
      throw invalidRequest(
        `LIKE restriction is only supported on properly indexed columns. ${contains.columns[0]?.name} LIKE ? is not valid.`,
      );
    }
    if (use.allowFiltering || table.isSystem) return;
    const isScan = !this.hasPartition && this.index === null;
    if (this.#filters.length > 0 || (isScan && this.#clustering.length > 0)) throw invalidRequest(FILTERING_NEEDED);
  }
}

/** The first of them says how they exclude each other. */
function refuseTwice(restrictions: readonly Restriction[]): never {
  const [first] = restrictions;
  const name = first?.columns[0]?.name;
  if (first?.operator === '=' || first?.operator === 'in') {
    const what = first.operator === '=' ? 'an Equal' : 'a IN';
    throw invalidRequest(`${name} cannot be restricted by more than one relation if it includes ${what}`);
  }
  throw invalidRequest(`Column "${name}" cannot be restricted by both an equality and an inequality relation`);
}

/** A column that is restricted by a tuple already. */
function refuseWithin(taken: readonly Restriction[], other: Restriction | undefined): void {
  const [column] = other?.columns ?? [];
  if (column === undefined) return;
  const tuple = taken.find(({ columns }) => columns.length > 1 && columns.includes(column));
  if (tuple === undefined) return;
  if (tuple.operator === '=' || tuple.operator === 'in') {
    const what = tuple.operator === '=' ? 'an Equal' : 'a IN';
    throw invalidRequest(`${column.name} cannot be restricted by more than one relation if it includes ${what}`);
  }
  throw invalidRequest(`Column "${column.name}" cannot be restricted by both an equality and an inequality relation`);
}

/** A range has one start and one end. */
function checkBounds(ranges: readonly Restriction[], operatorOf: (restriction: Restriction) => string): void {
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

function findIndex(
  table: Table,
  restrictions: readonly Restriction[],
): { index: Index; restriction: Restriction } | null {
  for (const restriction of restrictions) {
    const [column] = restriction.columns;
    if (column === undefined || restriction.isTuple) continue;
    const index = table.indexes.find(
      (candidate) =>
        candidate.isReady && candidate.column === column.name && serves(candidate, restriction, column.type),
    );
    if (index !== undefined) return { index, restriction };
  }
  return null;
}

function serves({ kind }: Index, { operator, key }: Restriction, type: DataType): boolean {
  if (key !== null) return kind === 'entries' && operator === '=';
  switch (kind) {
    case 'simple':
      return operator === '=';
    case 'full':
      return operator === '=';
    case 'values':
      return operator === 'contains';
    case 'keys':
      return operator === 'containsKey';
    case 'entries':
      return false;
    default:
      return isCollection(type) && false;
  }
}

// --- relations

const OPERATORS = {
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

function restrictionsOf(relation: Relation, table: Table, context: PrepareContext): Omit<Restriction, 'text'>[] {
  const column = (name: string): Column => columnOf(table, name);
  const simple = { comparison: '=' as const, isList: false, isTuple: false, key: null };
  switch (relation.kind) {
    case 'column': {
      const own = column(relation.column);
      const operator = OPERATORS[relation.operator];
      const value = context.valueFor(relation.value, table, nameFor(own, operator), typeFor(own, operator));
      return [{ ...simple, columns: [own], operator, values: [value] }];
    }
    case 'element': {
      const own = column(relation.column);
      if (own.type.kind === 'list')
        throw invalidRequest('Indexes on list entries (l[index] = value) are not currently supported.');
      if (own.type.kind !== 'map') throw invalidRequest(`Column ${own.name} cannot be used as a map`);
      if (relation.operator !== '=') throw invalidRequest('Only EQ relations are supported on map entries');
      const key = context.valueFor(relation.key, table, `key(${own.name})`, own.type.key);
      const value = context.valueFor(relation.value, table, `value(${own.name})`, own.type.value);
      return [{ ...simple, columns: [own], operator: relation.operator, values: [value], key }];
    }
    case 'in': {
      const own = column(relation.column);
      return [{ ...simple, columns: [own], operator: 'in', ...inValues(relation.values, own, table, context) }];
    }
    case 'between': {
      const own = column(relation.column);
      const bound = (term: Term, operator: '>=' | '<='): Omit<Restriction, 'text'> => ({
        ...simple,
        columns: [own],
        operator,
        values: [context.valueFor(term, table, own.name, own.type)],
      });
      return [bound(relation.low, '>='), bound(relation.high, '<=')];
    }
    case 'notNull':
      throw invalidRequest(`Unsupported restriction: ${relation.column} IS NOT NULL`);
    case 'token': {
      const names = table.partitionKey.map(({ name }) => name);
      if (relation.columns.length !== names.length || relation.columns.some((name, i) => names[i] !== name)) {
        const named = relation.columns.map(column);
        if (named.length !== names.length || named.some(({ kind }) => kind !== 'partition_key')) {
          throw invalidRequest('The token() function must be applied to all partition key components or none of them');
        }
        throw invalidRequest(`The token function arguments must be in the partition key order: ${names.join(', ')}`);
      }
      const value = context.valueFor(relation.value, table, 'partition key token', Native.bigint);
      return [
        { ...simple, columns: table.partitionKey, operator: 'token', comparison: relation.operator, values: [value] },
      ];
    }
    case 'tuple': {
      const columns = tupleColumns(relation, table);
      const value = tupleValue(relation.value, columns, table, context);
      return [{ ...simple, columns, operator: relation.operator, values: [value], isTuple: true }];
    }
    case 'tupleIn': {
      const columns = tupleColumns(relation, table);
      if ('kind' in relation.values) {
        const type = listOf(tupleType(columns), true);
        const value = context.valueFor(relation.values, table, `in(${tupleName(columns)})`, type);
        return [{ ...simple, columns, operator: 'in', values: [value], isList: true, isTuple: true }];
      }
      const values = relation.values.map((item) => tupleValue(item, columns, table, context));
      return [{ ...simple, columns, operator: 'in', values, isTuple: true }];
    }
    case 'customIndex':
      throw invalidRequest(
        `Invalid index expression, index ${relation.index} not found for ${table.keyspace}.${table.name}`,
      );
  }
}

export function columnOf(table: Table, name: string): Column {
  const column = table.byName.get(name);
  if (column === undefined)
    throw invalidRequest(`Undefined column name ${name} in table ${table.keyspace}.${table.name}`);
  return column;
}

function nameFor(column: Column, operator: Operator): string {
  if (operator === 'contains') return `value(${column.name})`;
  return operator === 'containsKey' ? `key(${column.name})` : column.name;
}

function typeFor({ name, type }: Column, operator: Operator): DataType {
  if (operator === 'contains') {
    if (type.kind === 'list' || type.kind === 'set') return type.element;
    if (type.kind === 'map') return type.value;
    throw invalidRequest(`Cannot use CONTAINS on non-collection column ${name}`);
  }
  if (operator === 'containsKey') {
    if (type.kind === 'map') return type.key;
    throw invalidRequest(`Cannot use CONTAINS KEY on non-map column ${name}`);
  }
  if (isMultiCell(type)) {
    if (type.kind === 'udt')
      throw invalidRequest(`Non-frozen UDT column '${name}' (${typeText(type)}) cannot be restricted by any relation`);
    throw invalidRequest(
      `Collection column '${name}' (${typeText(type)}) cannot be restricted by a '${operator}' relation`,
    );
  }
  return type;
}

function inValues(
  values: readonly Term[] | Marker,
  column: Column,
  table: Table,
  context: PrepareContext,
): Pick<Restriction, 'values' | 'isList'> {
  if (isMultiCell(column.type))
    throw invalidRequest(
      `Collection column '${column.name}' (${typeText(column.type)}) cannot be restricted by a 'IN' relation`,
    );
  if ('kind' in values) {
    return { values: [context.valueFor(values, table, `in(${column.name})`, listOf(column.type, true))], isList: true };
  }
  return { values: values.map((term) => context.valueFor(term, table, column.name, column.type)), isList: false };
}

function tupleColumns(relation: Extract<Relation, { kind: 'tuple' | 'tupleIn' }>, table: Table): Column[] {
  const names = relation.columns;
  return names.map((name, i) => {
    const column = columnOf(table, name);
    if (column.kind !== 'clustering')
      throw invalidRequest(
        `Multi-column relations can only be applied to clustering columns but was applied to: ${name}`,
      );
    if (names.indexOf(name) < i)
      throw invalidRequest(`Column "${name}" appeared twice in a relation: ${printRelation(relation)}`);
    const before = i === 0 ? undefined : columnOf(table, names[i - 1] as string);
    if (before !== undefined && column.position !== before.position + 1) {
      throw invalidRequest(
        `Clustering columns must appear in the PRIMARY KEY order in multi-column relations: ${printRelation(relation)}`,
      );
    }
    return column;
  });
}

function tupleType(columns: readonly Column[]): DataType {
  return { kind: 'tuple', elements: columns.map(({ type }) => freeze(type)) };
}

function tupleName(columns: readonly Column[]): string {
  return columns.map(({ name }) => name).join(',');
}

function tupleValue(value: TupleValue, columns: readonly Column[], table: Table, context: PrepareContext): Evaluable {
  if (value.kind === 'marker') return context.valueFor(value, table, `(${tupleName(columns)})`, tupleType(columns));
  if (value.items.length !== columns.length) {
    throw invalidRequest(
      `Expected ${columns.length} elements in value tuple, but got ${value.items.length}: ${printTerm(value)}`,
    );
  }
  const parts = value.items.map((item, i) => {
    const { name, type } = columns[i] as Column;
    return context.valueFor(item, table, name, type);
  });
  return new TupleOfValues(tupleType(columns), parts);
}

/** Each part is the value of a column by itself, so that drivers see its name and type. */
class TupleOfValues extends Evaluable {
  override readonly type: DataType;
  override readonly isConstant = false;
  readonly #parts: readonly Evaluable[];

  constructor(type: DataType, parts: readonly Evaluable[]) {
    super();
    this.type = type;
    this.#parts = parts;
  }

  override evaluate(at: Evaluation): Buffer {
    return packFields(
      this.#parts.map((part, i) => {
        const cell = part.evaluate(at);
        if (cell === UNSET) throw invalidRequest(`Invalid unset value for tuple field number ${i}`);
        return cell;
      }),
    );
  }
}

function checkOperator({ columns, operator, comparison, isTuple, text }: Restriction, use: WhereUse): void {
  const [column] = columns;
  if (operator === '!=' || comparison === '!=') throw invalidRequest(`Unsupported "!=" relation: ${text}`);
  if (operator === 'token' && use.kind !== 'select') {
    throw invalidRequest('The token function cannot be used in WHERE clauses for UPDATE and DELETE statements');
  }
  if (use.kind === 'update' && operator !== '=' && operator !== 'in' && column?.kind === 'clustering') {
    throw invalidRequest(`Slice restrictions are not supported on the clustering columns in UPDATE statements`);
  }
  if (isTuple || column === undefined) return;
  if (column.type.kind === 'native' && column.type.name === 'duration' && operator !== '=' && operator !== 'in') {
    throw invalidRequest('Slice restrictions are not supported on duration columns');
  }
}

// --- values

/** Values that a column may have, by `=` or IN. */
function valuesOf(restriction: Restriction, column: Column, at: Evaluation): Buffer[] {
  const { operator, values, isList, isTuple, columns } = restriction;
  if (isTuple) return tupleValues(restriction, at).map((tuple) => tuple[columns.indexOf(column)] as Buffer);
  if (operator === '=') return [keyValue(column, values[0] as Evaluable, at)];
  if (isList) return splitCollection(listValue(column.name, values[0] as Evaluable, at));
  return values.map((value) => keyValue(column, value, at));
}

function tupleValues({ values, isList, columns }: Restriction, at: Evaluation): Buffer[][] {
  const name = tupleName(columns);
  const tuples = isList
    ? splitCollection(listValue(name, values[0] as Evaluable, at))
    : values.map((value) => comparedValue(name, value, at));
  return tuples.map((tuple) =>
    splitFields(tuple, columns.length).map((field, i) => {
      if (field === null) throw invalidRequest(`Invalid null value in condition for column ${columns[i]?.name}`);
      return field;
    }),
  );
}

function boundOf(ranges: readonly Restriction[], operators: readonly Operator[], at: Evaluation): Bound | null {
  const found = ranges.find(({ operator }) => operators.includes(operator as Operator));
  if (found === undefined) return null;
  const values = found.isTuple
    ? (tupleValues(found, at)[0] as Buffer[])
    : [comparedValue(found.columns[0]?.name ?? '', found.values[0] as Evaluable, at)];
  return { values, isInclusive: found.operator === '>=' || found.operator === '<=' };
}

function predicateOf({ columns, operator, values, isList, key }: Restriction, at: Evaluation): Predicate {
  const column = columns[0] as Column;
  const cells = isList
    ? splitCollection(listValue(column.name, values[0] as Evaluable, at))
    : values.map((value) => filteredValue(column.name, value, at));
  return {
    column,
    operator: operator as Operator,
    values: cells,
    element: key === null ? null : filteredValue(column.name, key, at),
  };
}

/** Each row with each value behind it; with one value, as nearly always, in place. */
function crossed(rows: Buffer[][], values: readonly Buffer[]): Buffer[][] {
  const [only] = values;
  if (only === undefined || values.length > 1) return rows.flatMap((row) => values.map((value) => [...row, value]));
  for (const row of rows) row.push(only);
  return rows;
}

function unique(values: readonly Buffer[]): readonly Buffer[] {
  if (values.length < 2) return values;
  return [...new Map(values.map((value) => [value.toString('latin1'), value])).values()];
}

function uniqueTuples(tuples: readonly Buffer[][]): Buffer[][] {
  return [...new Map(tuples.map((tuple) => [packFields(tuple).toString('latin1'), tuple])).values()];
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
