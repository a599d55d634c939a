/** Results of row commands as bytes. Version log: 1, first. */
import { CodecError, CommandReader, CommandWriter } from './byte-codec.ts';
import type { Position, RowPage, WriteResult } from './commands.ts';

const VERSION = 1;
const writer = new CommandWriter();

export function encodePage(page: RowPage): Buffer {
  writer.begin();
  writer.u8(VERSION);
  putPage(page);
  return writer.take();
}

export function decodePage(bytes: Buffer): RowPage {
  const reader = open(bytes);
  const page = takePage(reader);
  reader.end();
  return page;
}

export function encodeWriteResult({ applied, current }: WriteResult): Buffer {
  writer.begin();
  writer.u8(VERSION);
  writer.u8((applied ? 1 : 0) | (current === null ? 0 : 2));
  if (current !== null) putPage(current);
  return writer.take();
}

export function decodeWriteResult(bytes: Buffer): WriteResult {
  const reader = open(bytes);
  const flags = reader.u8();
  const current = (flags & 2) !== 0 ? takePage(reader) : null;
  reader.end();
  return { applied: (flags & 1) !== 0, current };
}

/** For a client's paging state. */
export function encodePosition(position: Position): Buffer {
  writer.begin();
  putPosition(position);
  return writer.take();
}

export function decodePosition(bytes: Buffer): Position {
  const reader = new CommandReader(bytes);
  const position = takePosition(reader);
  reader.end();
  return position;
}

function open(bytes: Buffer): CommandReader {
  const reader = new CommandReader(bytes);
  if (reader.u8() !== VERSION) throw new CodecError('a result of another version');
  return reader;
}

function putPage({ rowCount, bytes, last, more }: RowPage): void {
  writer.u8((more ? 1 : 0) | (last === null ? 0 : 2));
  writer.u32(rowCount);
  if (last !== null) putPosition(last);
  writer.cell(bytes);
}

function takePage(reader: CommandReader): RowPage {
  const flags = reader.u8();
  const rowCount = reader.u32();
  const last = (flags & 2) !== 0 ? takePosition(reader) : null;
  return { rowCount, bytes: reader.buffer(), last, more: (flags & 1) !== 0 };
}

function putPosition({ row, partitionRows }: Position): void {
  writer.key(row);
  writer.i32(partitionRows);
}

function takePosition(reader: CommandReader): Position {
  return { row: reader.key(), partitionRows: reader.i32() };
}
