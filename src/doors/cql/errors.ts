/**
 * Errors that clients get: code, text, and what some codes carry beside it (native protocol, section 9). Thrown where a statement
 * cannot go on; whatever is thrown and is none of these is a bug.
 */

export const ErrorCode = {
  serverError: 0x0000,
  protocolError: 0x000a,
  badCredentials: 0x0100,
  unavailable: 0x1000,
  overloaded: 0x1001,
  isBootstrapping: 0x1002,
  truncateError: 0x1003,
  writeTimeout: 0x1100,
  readTimeout: 0x1200,
  readFailure: 0x1300,
  functionFailure: 0x1400,
  writeFailure: 0x1500,
  casWriteUnknown: 0x1700,
  syntaxError: 0x2000,
  unauthorized: 0x2100,
  invalid: 0x2200,
  configError: 0x2300,
  alreadyExists: 0x2400,
  unprepared: 0x2500,
} as const;
export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode];

export type WriteType = 'SIMPLE' | 'BATCH' | 'UNLOGGED_BATCH' | 'COUNTER' | 'BATCH_LOG' | 'CAS';

/** What the frame of an error carries after its text. */
export interface ErrorDetail {
  /** alreadyExists; the table is empty for a keyspace. */
  readonly keyspace?: string;
  readonly table?: string;
  /** writeTimeout and casWriteUnknown. */
  readonly writeType?: WriteType;
  /** unprepared. */
  readonly statementId?: Buffer;
  /** functionFailure, beside the keyspace. */
  readonly functionName?: string;
  readonly argumentTypes?: readonly string[];
}

export class CqlError extends Error {
  override readonly name = 'CqlError';
  readonly code: ErrorCode;
  readonly detail: ErrorDetail;

  constructor(code: ErrorCode, text: string, detail: ErrorDetail = {}) {
    super(text);
    this.code = code;
    this.detail = detail;
  }
}

export function invalidRequest(text: string): CqlError {
  return new CqlError(ErrorCode.invalid, text);
}
