/** What a connection asks of the part that understands statements (planning/), and how results come back. */
import type { CqlError } from '../errors.ts';
import type { BatchRequest, QueryOptions } from '../protocol/messages.ts';
import type { SchemaChange } from '../schema/schema-change.ts';
import type { DataType } from '../types/data-type.ts';

/** A column of a result, or a bind variable. */
export interface ColumnSpec {
  readonly keyspace: string;
  readonly table: string;
  readonly name: string;
  readonly type: DataType;
}

/** A statement that can be executed again and again; kept by its id. */
export interface Statement {
  /** MD5 of keyspace and text: the same on every node and after every restart. */
  readonly id: Buffer;
  readonly text: string;
  readonly variables: readonly ColumnSpec[];
  /** Which variables are the columns of the partition key; empty when not all of them are bound. */
  readonly partitionKey: readonly number[];
  /** Null for statements without rows, and for those whose columns are known only with the values. */
  readonly result: readonly ColumnSpec[] | null;
}

/** Who asks. */
export interface Requester {
  /** Set by USE. */
  readonly keyspace: string | null;
  /** Empty while nobody has to say who they are. */
  readonly user: string;
  readonly version: number;
  /** Of STARTUP: DRIVER_NAME. */
  readonly driver: string;
  /** The client's address. */
  readonly remote: string;
  /** The address that the client has connected to. */
  readonly local: string;
}

/** Is told one thing, once. */
export interface ResultSink {
  done(): void;
  /** `rows`: of each row its values as [bytes], one row after the other. */
  rows(columns: readonly ColumnSpec[], rowCount: number, rows: Buffer, pagingState: Buffer | null): void;
  keyspace(name: string): void;
  schemaChange(change: SchemaChange): void;
  error(error: CqlError): void;
  /** To be told with the result. May be called before it. */
  warn(text: string): void;
}

export interface StatementEngine {
  /** Throws CqlError. */
  prepare(text: string, keyspace: string | null): Statement;
  /** Calls the sink, now or later. Never throws. */
  execute(statement: Statement, options: QueryOptions, requester: Requester, sink: ResultSink): void;
  executeBatch(statements: readonly Statement[], batch: BatchRequest, requester: Requester, sink: ResultSink): void;
  /** Goes up whenever statements have to be prepared anew because what they mean may have changed. */
  readonly version: number;
}
