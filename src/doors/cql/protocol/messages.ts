/** The requests of the native protocol, versions 3 to 5, read from the body of a frame. */
import type { Value } from '../types/value.ts';
import { ByteReader, ProtocolError } from './byte-reader.ts';

export const Opcode = {
  error: 0x00,
  startup: 0x01,
  ready: 0x02,
  authenticate: 0x03,
  options: 0x05,
  supported: 0x06,
  query: 0x07,
  result: 0x08,
  prepare: 0x09,
  execute: 0x0a,
  register: 0x0b,
  event: 0x0c,
  batch: 0x0d,
  authChallenge: 0x0e,
  authResponse: 0x0f,
  authSuccess: 0x10,
} as const;

export const Consistency = {
  ANY: 0,
  ONE: 1,
  TWO: 2,
  THREE: 3,
  QUORUM: 4,
  ALL: 5,
  LOCAL_QUORUM: 6,
  EACH_QUORUM: 7,
  SERIAL: 8,
  LOCAL_SERIAL: 9,
  LOCAL_ONE: 10,
} as const;

/** How a statement is to be executed. */
export interface QueryOptions {
  readonly consistency: number;
  readonly values: readonly Value[];
  /** Of `values`, where the client names them. */
  readonly names: readonly string[] | null;
  readonly skipMetadata: boolean;
  /** Rows of a page; 0: all. */
  readonly pageSize: number;
  readonly pagingState: Buffer | null;
  readonly serialConsistency: number;
  /** Version 5: instead of the connection's. */
  readonly keyspace: string | null;
  /** Version 5: what the client says that the time is. */
  readonly nowInSeconds: number | null;
}

export type BatchEntry =
  | { readonly kind: 'text'; readonly text: string; readonly values: readonly Value[] }
  | { readonly kind: 'prepared'; readonly id: Buffer; readonly values: readonly Value[] };

export interface BatchRequest {
  readonly type: 'logged' | 'unlogged' | 'counter';
  readonly entries: readonly BatchEntry[];
  readonly consistency: number;
  readonly serialConsistency: number;
  readonly keyspace: string | null;
  readonly nowInSeconds: number | null;
}

const QueryFlag = {
  values: 0x01,
  skipMetadata: 0x02,
  pageSize: 0x04,
  pagingState: 0x08,
  serialConsistency: 0x10,
  timestamp: 0x20,
  names: 0x40,
  keyspace: 0x80,
  nowInSeconds: 0x100,
} as const;

/** Flags are a byte before version 5, an int from then on. */
function readFlags(reader: ByteReader, version: number): number {
  return version >= 5 ? reader.int() : reader.byte();
}

export function readQuery(body: Buffer, version: number): { text: string; options: QueryOptions } {
  const reader = new ByteReader(body);
  const text = reader.longString();
  return { text, options: readOptions(reader, version) };
}

export function readPrepare(body: Buffer, version: number): { text: string; keyspace: string | null } {
  const reader = new ByteReader(body);
  const text = reader.longString();
  const flags = version >= 5 ? reader.int() : 0;
  return { text, keyspace: (flags & 1) === 0 ? null : reader.string() };
}

export function readExecute(
  body: Buffer,
  version: number,
): { id: Buffer; metadataId: Buffer | null; options: QueryOptions } {
  const reader = new ByteReader(body);
  const id = reader.shortBytes();
  const metadataId = version >= 5 ? reader.shortBytes() : null;
  return { id, metadataId, options: readOptions(reader, version) };
}

function readOptions(reader: ByteReader, version: number): QueryOptions {
  const consistency = reader.short();
  const flags = readFlags(reader, version);
  const values: Value[] = [];
  let names: string[] | null = null;
  if ((flags & QueryFlag.values) !== 0) {
    const count = reader.short();
    if ((flags & QueryFlag.names) !== 0) names = [];
    for (let i = 0; i < count; i += 1) {
      names?.push(reader.string());
      values.push(reader.value());
    }
  }
  const pageSize = (flags & QueryFlag.pageSize) === 0 ? 0 : Math.max(0, reader.int());
  const pagingState = (flags & QueryFlag.pagingState) === 0 ? null : reader.bytes();
  const serialConsistency = (flags & QueryFlag.serialConsistency) === 0 ? Consistency.SERIAL : reader.short();
  // Clients' clocks decide nothing here; only USING TIMESTAMP does.
  if ((flags & QueryFlag.timestamp) !== 0) reader.long();
  const keyspace = version >= 5 && (flags & QueryFlag.keyspace) !== 0 ? reader.string() : null;
  const nowInSeconds = version >= 5 && (flags & QueryFlag.nowInSeconds) !== 0 ? reader.int() : null;
  return {
    consistency,
    values,
    names,
    skipMetadata: (flags & QueryFlag.skipMetadata) !== 0,
    pageSize,
    pagingState,
    serialConsistency,
    keyspace,
    nowInSeconds,
  };
}

const BATCH_TYPES = ['logged', 'unlogged', 'counter'] as const;

export function readBatch(body: Buffer, version: number): BatchRequest {
  const reader = new ByteReader(body);
  const type = BATCH_TYPES[reader.byte()];
  if (type === undefined) throw new ProtocolError('Invalid batch type');
  const entries: BatchEntry[] = [];
  for (let left = reader.short(); left > 0; left -= 1) {
    const kind = reader.byte();
    if (kind > 1) throw new ProtocolError(`Invalid query kind in BATCH messages. Must be 0 or 1 but got ${kind}`);
    const query = kind === 0 ? reader.longString() : reader.shortBytes();
    const values = Array.from({ length: reader.short() }, () => reader.value());
    entries.push(
      typeof query === 'string' ? { kind: 'text', text: query, values } : { kind: 'prepared', id: query, values },
    );
  }
  const consistency = reader.short();
  const flags = readFlags(reader, version);
  const serialConsistency = (flags & QueryFlag.serialConsistency) === 0 ? Consistency.SERIAL : reader.short();
  if ((flags & QueryFlag.timestamp) !== 0) reader.long();
  const keyspace = version >= 5 && (flags & QueryFlag.keyspace) !== 0 ? reader.string() : null;
  const nowInSeconds = version >= 5 && (flags & QueryFlag.nowInSeconds) !== 0 ? reader.int() : null;
  return { type, entries, consistency, serialConsistency, keyspace, nowInSeconds };
}
