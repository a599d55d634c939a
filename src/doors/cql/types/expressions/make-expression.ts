/** The syntax tree of a term, or of a selection without aggregates, as an expression. */
import { invalidRequest } from '../../errors.ts';
import type {
  ArithmeticOperator,
  Call,
  Cast,
  MapLiteral,
  Selectable,
  Sequence,
  Term,
  TypeSyntax,
} from '../../language/ast.ts';
import { type DataType, Native, type NativeName } from '../data-type.ts';
import type { FunctionCandidate } from '../function.ts';
import { castFunctions } from '../functions/casts.ts';
import { OPERATION_NAMES, operationFunctions } from '../functions/operations.ts';
import type { Receiver } from '../value.ts';
import { CallExpression, type Callee, CastExpression, TypeHintExpression } from './calls.ts';
import { ArrayExpression, MapExpression, SetExpression } from './collections.ts';
import { ConstantExpression, MarkerExpression, NullExpression } from './constants.ts';
import type { Expression } from './expression.ts';
import { MapOrUserTypeExpression, TupleExpression, UserTypeExpression } from './tuples.ts';

/** What expressions of one statement can refer to. */
export interface ExpressionScope {
  /** Whether this is a selection: texts of errors and names of markers differ, and collections may have what they like in them. */
  readonly isSelection: boolean;
  resolveType(syntax: TypeSyntax): DataType;
  /** Functions of a name; the keyspace is undefined where the statement has none. Without aggregates. */
  functions(keyspace: string | undefined, name: string): readonly FunctionCandidate[];
  isAggregate(keyspace: string | undefined, name: string): boolean;
  /** A marker's value is for this. Several calls with one index are for the same marker. */
  settleMarker(index: number, receiver: Receiver): void;
  /** Makes what a selection has and a term has not: columns, fields, elements, writetime. */
  selectable?(node: SelectableOnly): Expression;
  /** Makes a call of an aggregate; undefined for any other. */
  aggregate?(node: Call<Term> | Call<Selectable>): Expression | undefined;
}

type Shared = Exclude<Term, { readonly kind: 'userType' }>['kind'];
export type SelectableOnly = Exclude<Selectable, { readonly kind: Shared }>;

export function makeExpression(node: Term | Selectable, scope: ExpressionScope): Expression {
  switch (node.kind) {
    case 'constant':
      return new ConstantExpression(node);
    case 'null':
      return new NullExpression();
    case 'marker':
      return new MarkerExpression(node.index, node.name, (index, receiver) => scope.settleMarker(index, receiver));
    case 'list':
    case 'set':
    case 'tuple':
      return sequence(node, scope);
    case 'map':
      return map(node, scope);
    case 'userType':
      return new UserTypeExpression(node.fields.map(([name, value]) => [name, makeExpression(value, scope)]));
    case 'call':
      return call(node, scope);
    case 'operation':
      return operation(node.operator, [makeExpression(node.left, scope), makeExpression(node.right, scope)], scope);
    case 'negation':
      return operation('-', [makeExpression(node.operand, scope)], scope);
    case 'typeHint': {
      const operand = makeExpression(node.operand, scope);
      return new TypeHintExpression(
        scope.resolveType(node.type),
        operand,
        `(${typeSyntaxText(node.type)})${operand.text}`,
      );
    }
    case 'cast':
      return cast(node, scope);
    default:
      if (scope.selectable === undefined) throw invalidRequest('Columns are not allowed here');
      return scope.selectable(node);
  }
}

function sequence(node: Sequence<Term> | Sequence<Selectable>, scope: ExpressionScope): Expression {
  const items = node.items.map((item) => makeExpression(item, scope));
  switch (node.kind) {
    case 'list':
      return new ArrayExpression(items, scope.isSelection);
    case 'set':
      return new SetExpression(items, scope.isSelection);
    case 'tuple':
      return new TupleExpression(items);
  }
}

function map(node: MapLiteral<Term> | MapLiteral<Selectable>, scope: ExpressionScope): Expression {
  const asMap = new MapExpression(
    node.entries.map(([key, value]) => [makeExpression(key, scope), makeExpression(value, scope)]),
    scope.isSelection,
  );
  const fields: (readonly [string, Expression])[] = [];
  for (const [key, value] of node.entries) {
    if (key.kind !== 'column') return asMap;
    fields.push([key.name, makeExpression(value, scope)]);
  }
  return fields.length === 0 ? asMap : new MapOrUserTypeExpression(asMap, new UserTypeExpression(fields));
}

function call(node: Call<Term> | Call<Selectable>, scope: ExpressionScope): Expression {
  const aggregate = scope.aggregate?.(node);
  if (aggregate !== undefined) return aggregate;
  const { keyspace, name } = node.function;
  const args = node.arguments.map((argument) => makeExpression(argument, scope));
  const written = keyspace === undefined ? name : `${keyspace}.${name}`;
  const callee: Callee = {
    name: written,
    candidates: scope.functions(keyspace, name),
    operator: undefined,
    isAggregate: scope.isAggregate(keyspace, name),
  };
  return new CallExpression(callee, args, `${written}(${listed(args)})`, scope.isSelection);
}

function operation(operator: ArithmeticOperator, args: readonly Expression[], scope: ExpressionScope): Expression {
  const [left, right] = args;
  const name = right === undefined ? '_negate' : OPERATION_NAMES[operator];
  const callee: Callee = {
    name: `system.${name}`,
    candidates: operationFunctions(name),
    operator,
    isAggregate: false,
  };
  const asOperation = right === undefined ? `-${left?.text}` : `${left?.text} ${operator} ${right.text}`;
  const text = scope.isSelection ? asOperation : `system."${name}"(${listed(args)})`;
  return new CallExpression(callee, args, text, scope.isSelection);
}

function cast(node: Cast<Term> | Cast<Selectable>, scope: ExpressionScope): Expression {
  const operand = makeExpression(node.operand, scope);
  const target: NativeName = node.type === 'varchar' ? 'text' : node.type;
  const candidates = castFunctions(target);
  if (candidates.length === 0) throw invalidRequest(`${operand.text} cannot be cast to ${node.type}`);
  const name = `cast_as_${target}`;
  const text = scope.isSelection ? `cast(${operand.text} as ${node.type})` : `system.${name}(${operand.text})`;
  const callee: Callee = { name: `system.${name}`, candidates, operator: undefined, isAggregate: false };
  return new CastExpression(operand, Native[target], new CallExpression(callee, [operand], text, scope.isSelection));
}

function listed(args: readonly Expression[]): string {
  return args.map(({ text }) => text).join(', ');
}

/** A type as it is written. */
function typeSyntaxText(syntax: TypeSyntax): string {
  switch (syntax.kind) {
    case 'native':
      return syntax.name;
    case 'list':
    case 'set':
      return `${syntax.kind}<${typeSyntaxText(syntax.element)}>`;
    case 'map':
      return `map<${typeSyntaxText(syntax.key)}, ${typeSyntaxText(syntax.value)}>`;
    case 'tuple':
      return `tuple<${syntax.elements.map(typeSyntaxText).join(', ')}>`;
    case 'vector':
      return `vector<${typeSyntaxText(syntax.element)}, ${syntax.dimensions}>`;
    case 'frozen':
      return `frozen<${typeSyntaxText(syntax.type)}>`;
    case 'user':
      return syntax.name.name;
    case 'custom':
      return `'${syntax.class}'`;
  }
}
