/** The bodies of responses: errors with what they carry, results, events. */
import { type CqlError, ErrorCode } from '../errors.ts';
import type { ByteWriter } from '../protocol/byte-writer.ts';
import { Consistency } from '../protocol/messages.ts';
import type { SchemaChange } from '../schema/schema-change.ts';
import type { ColumnSpec, Statement } from './engine.ts';

const ResultKind = { void: 1, rows: 2, setKeyspace: 3, prepared: 4, schemaChange: 5 } as const;
const RowsFlag = { globalTable: 1, morePages: 2, noMetadata: 4, metadataChanged: 8 } as const;

export function writeError(writer: ByteWriter, error: CqlError, version: number): void {
  const { detail } = error;
  const code = error.code === ErrorCode.casWriteUnknown && version < 5 ? ErrorCode.writeTimeout : error.code;
  writer.int(code);
  writer.string(error.message.length > 8_192 ? `${error.message.slice(0, 8_192)}...` : error.message);
  switch (code) {
    case ErrorCode.unavailable:
      writer.short(Consistency.QUORUM);
      writer.int(2);
      writer.int(1);
      return;
    case ErrorCode.writeTimeout:
      writer.short(Consistency.QUORUM);
      writer.int(1);
      writer.int(2);
      writer.string(detail.writeType ?? 'SIMPLE');
      return;
    case ErrorCode.casWriteUnknown:
      writer.short(Consistency.SERIAL);
      writer.int(1);
      writer.int(2);
      return;
    case ErrorCode.readTimeout:
      writer.short(Consistency.QUORUM);
      writer.int(1);
      writer.int(2);
      writer.byte(0);
      return;
    case ErrorCode.functionFailure:
      writer.string(detail.keyspace ?? 'system');
      writer.string(detail.functionName ?? '');
      writer.stringList(detail.argumentTypes ?? []);
      return;
    case ErrorCode.alreadyExists:
      writer.string(detail.keyspace ?? '');
      writer.string(detail.table ?? '');
      return;
    case ErrorCode.unprepared:
      writer.shortBytes(detail.statementId ?? Buffer.alloc(0));
      return;
    default:
  }
}

export function writeVoid(writer: ByteWriter): void {
  writer.int(ResultKind.void);
}

export function writeSetKeyspace(writer: ByteWriter, keyspace: string): void {
  writer.int(ResultKind.setKeyspace);
  writer.string(keyspace);
}

/** The same in a result and in an event. */
export function writeSchemaChange(writer: ByteWriter, { change, target, keyspace, name }: SchemaChange): void {
  writer.string(change);
  writer.string(target);
  writer.string(keyspace);
  if (target !== 'KEYSPACE') writer.string(name);
}

export function writeSchemaResult(writer: ByteWriter, change: SchemaChange): void {
  writer.int(ResultKind.schemaChange);
  writeSchemaChange(writer, change);
}

export interface RowsOptions {
  readonly version: number;
  readonly skipMetadata: boolean;
  readonly pagingState: Buffer | null;
  /** Version 5: the client knows other columns than these. */
  readonly changedMetadataId: Buffer | null;
}

export function writeRows(
  writer: ByteWriter,
  columns: readonly ColumnSpec[],
  rowCount: number,
  rows: Buffer,
  { version, skipMetadata, pagingState, changedMetadataId }: RowsOptions,
): void {
  writer.int(ResultKind.rows);
  const isSkipped = skipMetadata && changedMetadataId === null;
  const isGlobal = !isSkipped && isOneTable(columns);
  writer.int(
    (isGlobal ? RowsFlag.globalTable : 0) |
      (pagingState === null ? 0 : RowsFlag.morePages) |
      (isSkipped ? RowsFlag.noMetadata : 0) |
      (changedMetadataId === null ? 0 : RowsFlag.metadataChanged),
  );
  writer.int(columns.length);
  if (pagingState !== null) writer.bytes(pagingState);
  if (changedMetadataId !== null) writer.shortBytes(changedMetadataId);
  if (!isSkipped) writeColumns(writer, columns, isGlobal, version);
  writer.int(rowCount);
  writer.raw(rows);
}

export function writePrepared(writer: ByteWriter, statement: Statement, metadataId: Buffer, version: number): void {
  writer.int(ResultKind.prepared);
  writer.shortBytes(statement.id);
  if (version >= 5) writer.shortBytes(metadataId);
  const { variables, partitionKey, result } = statement;
  const isGlobal = variables.length > 0 && isOneTable(variables);
  writer.int(isGlobal ? RowsFlag.globalTable : 0);
  writer.int(variables.length);
  if (version >= 4) {
    writer.int(partitionKey.length);
    for (const index of partitionKey) writer.short(index);
  }
  writeColumns(writer, variables, isGlobal, version);
  if (result === null) {
    writer.int(RowsFlag.noMetadata);
    writer.int(0);
    return;
  }
  const isGlobalResult = isOneTable(result);
  writer.int(isGlobalResult ? RowsFlag.globalTable : 0);
  writer.int(result.length);
  writeColumns(writer, result, isGlobalResult, version);
}

function isOneTable(columns: readonly ColumnSpec[]): boolean {
  const [first] = columns;
  return (
    first !== undefined && columns.every(({ keyspace, table }) => keyspace === first.keyspace && table === first.table)
  );
}

function writeColumns(writer: ByteWriter, columns: readonly ColumnSpec[], isGlobal: boolean, version: number): void {
  const [first] = columns;
  if (isGlobal && first !== undefined) {
    writer.string(first.keyspace);
    writer.string(first.table);
  }
  for (const { keyspace, table, name, type } of columns) {
    if (!isGlobal) {
      writer.string(keyspace);
      writer.string(table);
    }
    writer.string(name);
    writer.type(type, version);
  }
}
