/**
 * Error replies, in Redis's own words where it has them: clients compare prefixes, test suites whole texts.
 */

/** Ends a command with an error reply. Thrown before the command's first write, since there is no rollback. */
export class ReplyError extends Error {
  override readonly name = 'ReplyError';
}

// No stack: it would cost more than the command that fails, and nobody reads it.
export function replyError(text: string): ReplyError {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  const error = new ReplyError(text);
  Error.stackTraceLimit = limit;
  return error;
}

export const ErrorText = {
  wrongType: 'WRONGTYPE Operation against a key holding the wrong kind of value',
  syntax: 'ERR syntax error',
  outOfRange: 'ERR value is out of range',
  notPositive: 'ERR value is out of range, must be positive',
  numkeysPositive: 'ERR numkeys should be greater than 0',
  numkeysTooMany: "ERR Number of keys can't be greater than number of args",
  limitNegative: "ERR LIMIT can't be negative",
  scoreNan: 'ERR resulting score is not a number (NaN)',
  scoreRange: 'ERR min or max is not a float',
  memberRange: 'ERR min or max not valid string range item',
  countPositive: 'ERR count should be greater than 0',
  hashNotInteger: 'ERR hash value is not an integer',
  hashNotFloat: 'ERR hash value is not a float',
  valueNan: 'ERR value is NaN or Infinity',
  tooLargeToCopy: 'ERR the collection is too large to be written by one command; nothing was executed',
  notInteger: 'ERR value is not an integer or out of range',
  notFloat: 'ERR value is not a valid float',
  overflow: 'ERR increment or decrement would overflow',
  decrementOverflow: 'ERR decrement would overflow',
  nanOrInfinity: 'ERR increment would produce NaN or Infinity',
  noSuchKey: 'ERR no such key',
  sameObject: 'ERR source and destination objects are the same',
  indexRange: 'ERR index out of range',
  crossSlot: "CROSSSLOT Keys in request don't hash to the same slot",
  execAbort: 'EXECABORT Transaction discarded because of previous errors.',
  nestedMulti: 'ERR MULTI calls can not be nested',
  execWithoutMulti: 'ERR EXEC without MULTI',
  discardWithoutMulti: 'ERR DISCARD without MULTI',
  watchInMulti: 'ERR WATCH inside MULTI is not allowed',
  notInMulti: 'ERR Command not allowed inside a transaction',
  stringTooLong: 'ERR string exceeds maximum allowed size (proto-max-bulk-len)',
  offsetRange: 'ERR offset is out of range',
  invalidCursor: 'ERR invalid cursor',
  unknownOutcome:
    'TIMEOUT the outcome is unknown: the write may or may not have been applied, now or later; read before you try again',
  overloaded: 'TRYAGAIN the tablet has too many writes in flight; nothing was executed',
  selectInCluster: 'ERR SELECT is not allowed in cluster mode',
  maxClients: 'ERR max number of clients reached',
  moveInCluster: 'ERR MOVE is not allowed in cluster mode',
  swapInCluster: 'ERR SWAPDB is not allowed in cluster mode',
  copyDatabase: 'ERR DB index is out of range',
} as const;

export function unavailableText(slot: number, deadline_ms: number): string {
  return `CLUSTERDOWN no leader for slot ${slot} within ${deadline_ms} ms; nothing was executed`;
}

export function arityText(name: string): string {
  return `ERR wrong number of arguments for '${name.toLowerCase()}' command`;
}

export function invalidExpireText(name: string): string {
  return `ERR invalid expire time in '${name.toLowerCase()}' command`;
}

export function unknownSubcommandText(sub: string, command: string): string {
  return `ERR unknown subcommand '${printable(sub, 128)}'. Try ${command} HELP.`;
}

export function keyTooLongText(limit: number): string {
  return `ERR key is too long: the limit is ${limit} bytes`;
}

/** As Redis prints the start of an unknown command and its arguments. */
export function unknownCommandText(name: string, args: readonly string[]): string {
  let rest = '';
  for (const text of args) {
    if (rest.length >= 128) break;
    rest += `'${printable(text, 128 - rest.length)}' `;
  }
  return `ERR unknown command '${printable(name, 128)}', with args beginning with: ${rest}`;
}

/** An error line must not contain a line end: whatever the client sent, it is one line. */
export function oneLine(text: string): string {
  return /[\r\n]/.test(text) ? text.replaceAll(/[\r\n]/g, ' ') : text;
}

/** As C prints a text of a limited length: up to its first zero byte. */
function printable(text: string, length: number): string {
  const end = text.indexOf('\0');
  return text.slice(0, end < 0 ? length : Math.min(end, length));
}
