/** Messages that the gateway itself makes. What is always the same is made once. */
import type { Failure } from '../errors.ts';
import { Client, Server, StartupCode, Status } from './codes.ts';

const HEADER_BYTES = 5;

export const SYNC = Buffer.from([Client.sync, 0, 0, 0, 4]);
export const READY_IDLE = readyForQuery(Status.idle);
export const AUTHENTICATION_OK = message(Server.authentication, int32(0));
export const AUTHENTICATION_SCRAM = message(Server.authentication, int32(10), Buffer.from('SCRAM-SHA-256\0\0'));
/** The one byte that answers SSLRequest and GSSENCRequest. */
export const ANSWER_TLS = Buffer.from('S');
export const ANSWER_PLAIN = Buffer.from('N');
/** Closes a statement that nobody has; its answer differs from that of a Parse in the first byte only. */
export const CLOSE_NOTHING = message(Client.close, text('S_folkmoot_nothing'));

export function message(type: number, ...parts: readonly Buffer[]): Buffer {
  let length = HEADER_BYTES;
  for (const part of parts) length += part.length;
  const bytes = Buffer.allocUnsafe(length);
  bytes[0] = type;
  bytes.writeUInt32BE(length - 1, 1);
  let position = HEADER_BYTES;
  for (const part of parts) position += part.copy(bytes, position);
  return bytes;
}

export function readyForQuery(status: number): Buffer {
  return Buffer.from([Server.readyForQuery, 0, 0, 0, 5, status]);
}

export function saslContinue(step: string): Buffer {
  return message(Server.authentication, int32(11), Buffer.from(step));
}

export function saslFinal(step: string): Buffer {
  return message(Server.authentication, int32(12), Buffer.from(step));
}

export function parameterStatus(name: string, value: string): Buffer {
  return message(Server.parameterStatus, text(name), text(value));
}

export function backendKeyData(processId: number, key: Buffer): Buffer {
  return message(Server.backendKeyData, int32(processId), key);
}

/** The newest minor version that is spoken here, and the options of the protocol that are not known. */
export function negotiateVersion(version: number, unknown: readonly string[]): Buffer {
  return message(Server.negotiateVersion, int32(version), int32(unknown.length), ...unknown.map(text));
}

/** ErrorResponse. */
export function errorResponse(failure: Failure): Buffer {
  const { severity, code, message: words, detail, hint } = failure;
  let fields = `S${severity}\0V${severity}\0C${code}\0M${words}\0`;
  if (detail !== '') fields += `D${detail}\0`;
  if (hint !== '') fields += `H${hint}\0`;
  return message(Server.error, Buffer.from(`${fields}\0`));
}

export function query(sql: string): Buffer {
  return message(Client.query, text(sql));
}

export function startup(parameters: Readonly<Record<string, string>>): Buffer {
  let fields = '';
  for (const [name, value] of Object.entries(parameters)) fields += `${name}\0${value}\0`;
  const body = Buffer.from(`${fields}\0`);
  return Buffer.concat([int32(body.length + 8), int32(StartupCode.protocol3 << 16), body]);
}

export function cancelRequest(processId: number, key: Buffer): Buffer {
  return Buffer.concat([int32(12 + key.length), int32(StartupCode.cancel), int32(processId), key]);
}

/** A field of ErrorResponse or NoticeResponse; undefined when it has none. `end`: of the message. */
export function fieldOf(bytes: Buffer, start: number, end: number, field: string): string | undefined {
  const wanted = field.charCodeAt(0);
  let position = start + HEADER_BYTES;
  while (position < end && bytes[position] !== 0) {
    const close = bytes.indexOf(0, position + 1);
    if (close < 0 || close >= end) return undefined;
    if (bytes[position] === wanted) return bytes.toString('utf8', position + 1, close);
    position = close + 1;
  }
  return undefined;
}

/** The text that begins there. Undefined when it does not end before `end`. */
export function textAt(bytes: Buffer, start: number, end: number): string | undefined {
  const close = bytes.indexOf(0, start);
  return close < 0 || close >= end ? undefined : bytes.toString('utf8', start, close);
}

/** Columns of a DataRow as text. */
export function rowOf(bytes: Buffer, start: number): (string | null)[] {
  const row: (string | null)[] = [];
  let position = start + HEADER_BYTES + 2;
  for (let left = bytes.readInt16BE(start + HEADER_BYTES); left > 0; left -= 1) {
    const length = bytes.readInt32BE(position);
    position += 4;
    row.push(length < 0 ? null : bytes.toString('utf8', position, position + length));
    position += Math.max(0, length);
  }
  return row;
}

function text(value: string): Buffer {
  return Buffer.from(`${value}\0`);
}

function int32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeInt32BE(value | 0, 0);
  return bytes;
}
