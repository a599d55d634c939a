/** Bytes that are no value in RDB's format. RESTORE answers it with Redis's error; the detail is for people. */
export class RdbError extends Error {
  override readonly name = 'RdbError';
}
