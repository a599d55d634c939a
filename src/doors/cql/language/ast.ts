/**
 * The syntax tree of a CQL statement: what the text says, without schema and without values.
 *
 * Identifiers are as Cassandra keeps them: lower case unless quoted. Constants keep their text, since only a column's type
 * tells what a text means. `at` is the offset of a name in the text; `positionOf` turns it into line and column.
 * Absent parts are `undefined` and present as properties, so that all nodes of a kind have one shape.
 */

/** A statement and its bind markers in the order of the text: the name of `:name`, undefined for `?`. */
export interface ParsedStatement {
  readonly statement: Statement;
  readonly markers: readonly (string | undefined)[];
}

export interface QualifiedName {
  readonly keyspace: string | undefined;
  readonly name: string;
  readonly at: number;
}

// Types

export type TypeSyntax =
  | NativeType
  | CollectionType
  | MapType
  | TupleType
  | VectorType
  | FrozenType
  | UserType
  | CustomType;

export const NATIVE_TYPE_NAMES = [
  'ascii',
  'bigint',
  'blob',
  'boolean',
  'counter',
  'date',
  'decimal',
  'double',
  'duration',
  'float',
  'inet',
  'int',
  'smallint',
  'text',
  'time',
  'timestamp',
  'timeuuid',
  'tinyint',
  'uuid',
  'varchar',
  'varint',
] as const;
export type NativeTypeName = (typeof NATIVE_TYPE_NAMES)[number];

export interface NativeType {
  readonly kind: 'native';
  readonly name: NativeTypeName;
}
export interface CollectionType {
  readonly kind: 'list' | 'set';
  readonly element: TypeSyntax;
}
export interface MapType {
  readonly kind: 'map';
  readonly key: TypeSyntax;
  readonly value: TypeSyntax;
}
export interface TupleType {
  readonly kind: 'tuple';
  readonly elements: readonly TypeSyntax[];
}
export interface VectorType {
  readonly kind: 'vector';
  readonly element: TypeSyntax;
  readonly dimensions: number;
}
export interface FrozenType {
  readonly kind: 'frozen';
  readonly type: TypeSyntax;
}
export interface UserType {
  readonly kind: 'user';
  readonly name: QualifiedName;
}
/** `'org.apache.cassandra.db.marshal.…'`: a type by the name of its class. */
export interface CustomType {
  readonly kind: 'custom';
  readonly class: string;
}

// Expressions. A term has no columns (values of INSERT, WHERE and so on); a selectable may have them (SELECT, GROUP BY).

export type Term =
  | Constant
  | Null
  | Marker
  | Sequence<Term>
  | MapLiteral<Term>
  | UserTypeLiteral
  | Call<Term>
  | Operation<Term>
  | Negation<Term>
  | TypeHint<Term>
  | Cast<Term>;

export type Selectable =
  | Constant
  | Null
  | Marker
  | Sequence<Selectable>
  | MapLiteral<Selectable>
  | Call<Selectable>
  | Operation<Selectable>
  | Negation<Selectable>
  | TypeHint<Selectable>
  | Cast<Selectable>
  | ColumnReference
  | FieldSelection
  | ElementSelection
  | SliceSelection
  | CellProperty
  | CountRows;

export type ConstantType = 'string' | 'integer' | 'float' | 'boolean' | 'duration' | 'uuid' | 'hex';

export interface Constant {
  readonly kind: 'constant';
  readonly type: ConstantType;
  /**
   * The text between the quotes of a string with its escapes undone; digits with their sign; `true` or `false`; `NaN`,
   * `Infinity` or `-Infinity`; a duration as written; a uuid in lower case; hex digits with their `0x`.
   */
  readonly text: string;
}
export interface Null {
  readonly kind: 'null';
}
export interface Marker {
  readonly kind: 'marker';
  /** Position among the statement's markers. */
  readonly index: number;
  readonly name: string | undefined;
}
/**
 * `[…]`, `{…}` without colons and `(…)`. `{}` is a set here, although it may mean an empty map; a tuple of one is also how
 * a term in parentheses looks: the type that is asked for decides both.
 */
export interface Sequence<Expression> {
  readonly kind: 'list' | 'set' | 'tuple';
  readonly items: readonly Expression[];
}
/** In a selectable also a user-type literal: its keys are column references then, and the type decides. */
export interface MapLiteral<Expression> {
  readonly kind: 'map';
  readonly entries: readonly (readonly [key: Expression, value: Expression])[];
}
export interface UserTypeLiteral {
  readonly kind: 'userType';
  readonly fields: readonly (readonly [name: string, value: Term])[];
}
export interface Call<Expression> {
  readonly kind: 'call';
  readonly function: QualifiedName;
  readonly arguments: readonly Expression[];
}
export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%';
export interface Operation<Expression> {
  readonly kind: 'operation';
  readonly operator: ArithmeticOperator;
  readonly left: Expression;
  readonly right: Expression;
}
export interface Negation<Expression> {
  readonly kind: 'negation';
  readonly operand: Expression;
}
/** `(type) operand` */
export interface TypeHint<Expression> {
  readonly kind: 'typeHint';
  readonly type: TypeSyntax;
  readonly operand: Expression;
}
/** `CAST (operand AS type)` */
export interface Cast<Expression> {
  readonly kind: 'cast';
  readonly operand: Expression;
  readonly type: NativeTypeName;
}
export interface ColumnReference {
  readonly kind: 'column';
  readonly name: string;
}
export interface FieldSelection {
  readonly kind: 'field';
  readonly operand: Selectable;
  readonly field: string;
}
export interface ElementSelection {
  readonly kind: 'element';
  readonly operand: Selectable;
  readonly key: Term;
}
/** `operand[from..to]`, both ends included and each of them optional, but not both. */
export interface SliceSelection {
  readonly kind: 'slice';
  readonly operand: Selectable;
  readonly from: Term | undefined;
  readonly to: Term | undefined;
}
/** `WRITETIME(column)`: the operand is a column, or fields, elements and slices of one. */
export interface CellProperty {
  readonly kind: 'writetime' | 'maxwritetime' | 'ttl';
  readonly operand: Selectable;
}
/** `COUNT(*)`; `COUNT(1)` is a call. */
export interface CountRows {
  readonly kind: 'countRows';
}

// WHERE and IF

export type ComparisonOperator = '=' | '<' | '<=' | '>' | '>=' | '!=';
export type RelationOperator = ComparisonOperator | 'CONTAINS' | 'CONTAINS KEY' | 'LIKE';

export type Relation =
  | ColumnRelation
  | ElementRelation
  | InRelation
  | BetweenRelation
  | NotNullRelation
  | TokenRelation
  | TupleRelation
  | TupleInRelation
  | CustomIndexRelation;

export interface ColumnRelation {
  readonly kind: 'column';
  readonly column: string;
  readonly operator: RelationOperator;
  readonly value: Term;
}
/** `column[key] = value` */
export interface ElementRelation {
  readonly kind: 'element';
  readonly column: string;
  readonly key: Term;
  readonly operator: ComparisonOperator;
  readonly value: Term;
}
/** `column IN (…)`, or `column IN ?` with one marker for the whole list. */
export interface InRelation {
  readonly kind: 'in';
  readonly column: string;
  readonly values: readonly Term[] | Marker;
}
export interface BetweenRelation {
  readonly kind: 'between';
  readonly column: string;
  readonly low: Term;
  readonly high: Term;
}
export interface NotNullRelation {
  readonly kind: 'notNull';
  readonly column: string;
}
/** `TOKEN(columns) operator value` */
export interface TokenRelation {
  readonly kind: 'token';
  readonly columns: readonly string[];
  readonly operator: ComparisonOperator;
  readonly value: Term;
}
export type TupleValue = Sequence<Term> | Marker;
/** `(a, b) > (1, 2)` or `(a, b) > ?` */
export interface TupleRelation {
  readonly kind: 'tuple';
  readonly columns: readonly string[];
  readonly operator: ComparisonOperator;
  readonly value: TupleValue;
}
/** `(a, b) IN ((1, 2), ?)` or `(a, b) IN ?` */
export interface TupleInRelation {
  readonly kind: 'tupleIn';
  readonly columns: readonly string[];
  readonly values: readonly TupleValue[] | Marker;
}
/** `expr(index, value)` */
export interface CustomIndexRelation {
  readonly kind: 'customIndex';
  readonly index: string;
  readonly value: Term;
}

/** What a condition looks at: `column`, `column[key]` or `column.field`. */
export interface ConditionSubject {
  readonly column: string;
  readonly key: Term | undefined;
  readonly field: string | undefined;
}
export type Condition = ComparisonCondition | InCondition;
export interface ComparisonCondition {
  readonly kind: 'comparison';
  readonly subject: ConditionSubject;
  readonly operator: RelationOperator;
  readonly value: Term;
}
export interface InCondition {
  readonly kind: 'in';
  readonly subject: ConditionSubject;
  readonly values: readonly Term[] | Marker;
}
/** `IF EXISTS` and `IF NOT EXISTS` are words, `IF a = 1 AND …` is a list; undefined without IF. */
export type Conditions = 'exists' | 'notExists' | readonly Condition[] | undefined;

// Statements on data

/** An integer constant or a marker. */
export type IntegerTerm = Constant | Marker;

export interface Select {
  readonly kind: 'select';
  readonly isJson: boolean;
  readonly isDistinct: boolean;
  /** Empty for `*`. */
  readonly selectors: readonly Selector[];
  readonly table: QualifiedName;
  readonly where: readonly Relation[];
  readonly groupBy: readonly Selectable[];
  readonly orderBy: readonly Ordering[];
  readonly perPartitionLimit: IntegerTerm | undefined;
  readonly limit: IntegerTerm | undefined;
  readonly allowFiltering: boolean;
}
export interface Selector {
  readonly selectable: Selectable;
  readonly alias: string | undefined;
}
export interface Ordering {
  readonly column: string;
  /** `ORDER BY column ANN OF vector` */
  readonly annOf: Term | undefined;
  readonly isDescending: boolean;
}

/** `USING TIMESTAMP … AND TTL …` */
export interface Using {
  readonly timestamp: IntegerTerm | undefined;
  readonly ttl: IntegerTerm | undefined;
}

export type Modification = Insert | InsertJson | Update | Delete;

export interface Insert {
  readonly kind: 'insert';
  readonly table: QualifiedName;
  readonly columns: readonly string[];
  readonly values: readonly Term[];
  readonly conditions: Conditions;
  readonly using: Using;
}
export interface InsertJson {
  readonly kind: 'insertJson';
  readonly table: QualifiedName;
  /** A string constant or a marker. */
  readonly json: Constant | Marker;
  /** What becomes of columns that the JSON does not name: `DEFAULT NULL` (also when nothing is said) or `DEFAULT UNSET`. */
  readonly isDefaultUnset: boolean;
  readonly conditions: Conditions;
  readonly using: Using;
}
export interface Update {
  readonly kind: 'update';
  readonly table: QualifiedName;
  readonly using: Using;
  readonly assignments: readonly Assignment[];
  readonly where: readonly Relation[];
  readonly conditions: Conditions;
}
export type Assignment = ColumnAssignment | ElementAssignment | FieldAssignment;
/** `c = v` (set), `c = c + v` and `c += v` (add), `c = c - v` and `c -= v` (subtract), `c = v + c` (prepend). */
export interface ColumnAssignment {
  readonly kind: 'set' | 'add' | 'subtract' | 'prepend';
  readonly column: string;
  readonly value: Term;
}
/** `c[key] = v` */
export interface ElementAssignment {
  readonly kind: 'setElement';
  readonly column: string;
  readonly key: Term;
  readonly value: Term;
}
/** `c.field = v` */
export interface FieldAssignment {
  readonly kind: 'setField';
  readonly column: string;
  readonly field: string;
  readonly value: Term;
}
export interface Delete {
  readonly kind: 'delete';
  /** Empty when whole rows are deleted. */
  readonly deletions: readonly Deletion[];
  readonly table: QualifiedName;
  readonly using: Using;
  readonly where: readonly Relation[];
  readonly conditions: Conditions;
}
export type Deletion = ColumnDeletion | ElementDeletion | FieldDeletion;
export interface ColumnDeletion {
  readonly kind: 'column';
  readonly column: string;
}
export interface ElementDeletion {
  readonly kind: 'element';
  readonly column: string;
  readonly key: Term;
}
export interface FieldDeletion {
  readonly kind: 'field';
  readonly column: string;
  readonly field: string;
}
export interface Batch {
  readonly kind: 'batch';
  readonly type: 'logged' | 'unlogged' | 'counter';
  readonly using: Using;
  readonly statements: readonly Modification[];
}
export interface Truncate {
  readonly kind: 'truncate';
  readonly table: QualifiedName;
}
export interface Use {
  readonly kind: 'use';
  readonly keyspace: string;
}

// Statements on the schema

/** Of constants the raw text: `WITH a = 1` and `WITH a = '1'` say the same. */
export type Properties = ReadonlyMap<string, PropertyValue>;
export type PropertyValue = string | ReadonlyMap<string, string>;

export interface CreateKeyspace {
  readonly kind: 'createKeyspace';
  readonly ifNotExists: boolean;
  readonly keyspace: string;
  readonly properties: Properties;
}
export interface AlterKeyspace {
  readonly kind: 'alterKeyspace';
  readonly ifExists: boolean;
  readonly keyspace: string;
  readonly properties: Properties;
}
export interface DropKeyspace {
  readonly kind: 'dropKeyspace';
  readonly ifExists: boolean;
  readonly keyspace: string;
}

export interface ColumnDefinition {
  readonly name: string;
  readonly type: TypeSyntax;
  readonly isStatic: boolean;
  readonly mask: ColumnMask | undefined;
}
/** `MASKED WITH function(arguments)`; `MASKED WITH DEFAULT` is `system.mask_default()`. */
export interface ColumnMask {
  readonly function: QualifiedName;
  readonly arguments: readonly Term[];
}
export interface PrimaryKey {
  readonly partition: readonly string[];
  readonly clustering: readonly string[];
}
export interface ClusteringOrder {
  readonly column: string;
  readonly isDescending: boolean;
}
export interface CreateTable {
  readonly kind: 'createTable';
  readonly ifNotExists: boolean;
  readonly table: QualifiedName;
  readonly columns: readonly ColumnDefinition[];
  /** Every one that the text has, beside a column or by itself; whoever makes the table refuses all but one. */
  readonly primaryKeys: readonly PrimaryKey[];
  readonly clusteringOrder: readonly ClusteringOrder[];
  readonly isCompactStorage: boolean;
  readonly properties: Properties;
}
export interface AlterTable {
  readonly kind: 'alterTable';
  readonly ifExists: boolean;
  readonly table: QualifiedName;
  readonly action: TableAlteration;
}
export type TableAlteration =
  | { readonly kind: 'add'; readonly ifNotExists: boolean; readonly columns: readonly ColumnDefinition[] }
  | {
      readonly kind: 'drop';
      readonly ifExists: boolean;
      readonly columns: readonly string[];
      /** Microseconds, `USING TIMESTAMP`. */
      readonly timestamp: string | undefined;
    }
  | { readonly kind: 'rename'; readonly ifExists: boolean; readonly renames: readonly Rename[] }
  | { readonly kind: 'alterType'; readonly column: string; readonly type: TypeSyntax }
  | {
      readonly kind: 'mask';
      readonly ifExists: boolean;
      readonly column: string;
      /** Undefined for DROP MASKED. */
      readonly mask: ColumnMask | undefined;
    }
  | { readonly kind: 'dropCompactStorage' }
  | { readonly kind: 'with'; readonly properties: Properties };
export interface Rename {
  readonly from: string;
  readonly to: string;
}
export interface DropTable {
  readonly kind: 'dropTable';
  readonly ifExists: boolean;
  readonly table: QualifiedName;
}

export interface FieldDefinition {
  readonly name: string;
  readonly type: TypeSyntax;
}
export interface CreateType {
  readonly kind: 'createType';
  readonly ifNotExists: boolean;
  readonly type: QualifiedName;
  readonly fields: readonly FieldDefinition[];
}
export interface AlterType {
  readonly kind: 'alterType';
  readonly ifExists: boolean;
  readonly type: QualifiedName;
  readonly action: TypeAlteration;
}
export type TypeAlteration =
  | { readonly kind: 'add'; readonly ifNotExists: boolean; readonly field: FieldDefinition }
  | { readonly kind: 'rename'; readonly ifExists: boolean; readonly renames: readonly Rename[] }
  | { readonly kind: 'alter'; readonly field: FieldDefinition };
export interface DropType {
  readonly kind: 'dropType';
  readonly ifExists: boolean;
  readonly type: QualifiedName;
}

export interface IndexTarget {
  /** What of the column is indexed: the value itself, or of a collection its values, keys, entries or all of it. */
  readonly kind: 'simple' | 'values' | 'keys' | 'entries' | 'full';
  readonly column: string;
}
export interface CreateIndex {
  readonly kind: 'createIndex';
  readonly ifNotExists: boolean;
  readonly isCustom: boolean;
  readonly name: string | undefined;
  readonly table: QualifiedName;
  readonly targets: readonly IndexTarget[];
  /** `USING '…'` */
  readonly class: string | undefined;
  readonly properties: Properties;
}
export interface DropIndex {
  readonly kind: 'dropIndex';
  readonly ifExists: boolean;
  readonly index: QualifiedName;
}

export interface CreateView {
  readonly kind: 'createView';
  readonly ifNotExists: boolean;
  readonly view: QualifiedName;
  readonly selectors: readonly Selector[];
  readonly table: QualifiedName;
  readonly where: readonly Relation[];
  readonly primaryKey: PrimaryKey;
  readonly clusteringOrder: readonly ClusteringOrder[];
  readonly properties: Properties;
}
export interface AlterView {
  readonly kind: 'alterView';
  readonly ifExists: boolean;
  readonly view: QualifiedName;
  readonly properties: Properties;
}
export interface DropView {
  readonly kind: 'dropView';
  readonly ifExists: boolean;
  readonly view: QualifiedName;
}

export interface FunctionArgument {
  readonly name: string;
  readonly type: TypeSyntax;
}
export interface CreateFunction {
  readonly kind: 'createFunction';
  readonly orReplace: boolean;
  readonly ifNotExists: boolean;
  readonly function: QualifiedName;
  readonly arguments: readonly FunctionArgument[];
  /** CALLED ON NULL INPUT rather than RETURNS NULL ON NULL INPUT. */
  readonly isCalledOnNull: boolean;
  readonly returnType: TypeSyntax;
  readonly language: string;
  readonly body: string;
}
export interface DropFunction {
  readonly kind: 'dropFunction' | 'dropAggregate';
  readonly ifExists: boolean;
  readonly function: QualifiedName;
  /** Undefined when the statement has no parentheses, so that the name must be the only one. */
  readonly argumentTypes: readonly TypeSyntax[] | undefined;
}
export interface CreateAggregate {
  readonly kind: 'createAggregate';
  readonly orReplace: boolean;
  readonly ifNotExists: boolean;
  readonly function: QualifiedName;
  readonly argumentTypes: readonly TypeSyntax[];
  readonly stateFunction: string;
  readonly stateType: TypeSyntax;
  readonly finalFunction: string | undefined;
  readonly initialCondition: Term | undefined;
}
export interface CreateTrigger {
  readonly kind: 'createTrigger';
  readonly ifNotExists: boolean;
  readonly trigger: string;
  readonly table: QualifiedName;
  readonly class: string;
}
export interface DropTrigger {
  readonly kind: 'dropTrigger';
  readonly ifExists: boolean;
  readonly trigger: string;
  readonly table: QualifiedName;
}

// Roles and permissions. CREATE, ALTER and DROP USER are the statements on roles that they stand for.

export interface RoleOptions {
  readonly password: string | undefined;
  readonly hashedPassword: string | undefined;
  readonly isSuperuser: boolean | undefined;
  readonly canLogin: boolean | undefined;
  readonly options: ReadonlyMap<string, string> | undefined;
  readonly datacenters: 'all' | readonly string[] | undefined;
  readonly cidrGroups: 'all' | readonly string[] | undefined;
}
export interface CreateRole {
  readonly kind: 'createRole';
  readonly ifNotExists: boolean;
  readonly role: string;
  readonly options: RoleOptions;
}
export interface AlterRole {
  readonly kind: 'alterRole';
  readonly ifExists: boolean;
  readonly role: string;
  readonly options: RoleOptions;
}
export interface DropRole {
  readonly kind: 'dropRole';
  readonly ifExists: boolean;
  readonly role: string;
}
export interface GrantRole {
  readonly kind: 'grantRole' | 'revokeRole';
  readonly role: string;
  readonly grantee: string;
}
export interface ListRoles {
  readonly kind: 'listRoles';
  readonly of: string | undefined;
  readonly isRecursive: boolean;
}
export interface ListUsers {
  readonly kind: 'listUsers';
}
export interface ChangeIdentity {
  readonly kind: 'addIdentity' | 'dropIdentity';
  /** IF NOT EXISTS of ADD, IF EXISTS of DROP. */
  readonly ifPossible: boolean;
  readonly identity: string;
  /** Undefined for DROP. */
  readonly role: string | undefined;
}

export const PERMISSIONS = [
  'CREATE',
  'ALTER',
  'DROP',
  'SELECT',
  'MODIFY',
  'AUTHORIZE',
  'DESCRIBE',
  'EXECUTE',
  'UNMASK',
  'SELECT_MASKED',
] as const;
export type Permission = (typeof PERMISSIONS)[number];

export type Resource =
  | { readonly kind: 'allKeyspaces' }
  | { readonly kind: 'keyspace'; readonly keyspace: string }
  | { readonly kind: 'allTables'; readonly keyspace: string }
  | { readonly kind: 'table'; readonly table: QualifiedName }
  | { readonly kind: 'allRoles' }
  | { readonly kind: 'role'; readonly role: string }
  | { readonly kind: 'allFunctions'; readonly keyspace: string | undefined }
  | {
      readonly kind: 'function';
      readonly function: QualifiedName;
      readonly argumentTypes: readonly TypeSyntax[];
    }
  | { readonly kind: 'allMBeans' }
  | { readonly kind: 'mbean' | 'mbeans'; readonly pattern: string };

export interface GrantPermissions {
  readonly kind: 'grantPermissions' | 'revokePermissions';
  /** Those named (ALL names every one) that the kind of resource has; never empty. */
  readonly permissions: readonly Permission[];
  readonly resource: Resource;
  readonly grantee: string;
}
export interface ListPermissions {
  readonly kind: 'listPermissions';
  readonly permissions: readonly Permission[];
  readonly resource: Resource | undefined;
  readonly of: string | undefined;
  readonly isRecursive: boolean;
}

// DESCRIBE

export interface Describe {
  readonly kind: 'describe';
  readonly target: DescribeTarget;
  readonly withInternals: boolean;
}
export type DescribeTarget =
  | { readonly kind: 'cluster' | 'keyspaces' | 'tables' | 'types' | 'functions' | 'aggregates' }
  | { readonly kind: 'schema'; readonly isFull: boolean }
  /** Without a name it is the keyspace in use; `isOnly` leaves out what the keyspace holds. */
  | { readonly kind: 'keyspace'; readonly keyspace: string | undefined; readonly isOnly: boolean }
  | { readonly kind: 'table' | 'index' | 'view' | 'type' | 'function' | 'aggregate'; readonly name: QualifiedName }
  /** A keyspace, or a table, view or index: whichever has that name. */
  | { readonly kind: 'any'; readonly name: QualifiedName };

export type Statement =
  | Select
  | Modification
  | Batch
  | Truncate
  | Use
  | CreateKeyspace
  | AlterKeyspace
  | DropKeyspace
  | CreateTable
  | AlterTable
  | DropTable
  | CreateType
  | AlterType
  | DropType
  | CreateIndex
  | DropIndex
  | CreateView
  | AlterView
  | DropView
  | CreateFunction
  | CreateAggregate
  | DropFunction
  | CreateTrigger
  | DropTrigger
  | CreateRole
  | AlterRole
  | DropRole
  | GrantRole
  | ListRoles
  | ListUsers
  | ChangeIdentity
  | GrantPermissions
  | ListPermissions
  | Describe;
