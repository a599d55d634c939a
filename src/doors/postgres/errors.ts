/**
 * Errors that the gateway itself tells clients, in PostgreSQL's words where PostgreSQL has words for them. What is `FATAL` ends the
 * connection, as there.
 */

export interface Failure {
  readonly severity: 'ERROR' | 'FATAL';
  /** SQLSTATE. */
  readonly code: string;
  readonly message: string;
  readonly detail: string;
  readonly hint: string;
}

function failure(severity: 'ERROR' | 'FATAL', code: string, message: string, detail = '', hint = ''): Failure {
  return { severity, code, message, detail, hint };
}

export function protocolViolation(message: string): Failure {
  return failure('FATAL', '08P01', message);
}

export function unsupportedProtocol(major: number, minor: number): Failure {
  const text = `unsupported frontend protocol ${major}.${minor}: server supports 3.0 to 3.2`;
  return failure('FATAL', '0A000', text);
}

export function noUserName(): Failure {
  return failure('FATAL', '28000', 'no PostgreSQL user name specified in startup packet');
}

export function tlsRequired(): Failure {
  return failure('FATAL', '28000', 'connections without TLS are not taken here', '', 'Connect with sslmode=require.');
}

export function replicationRefused(): Failure {
  return failure(
    'FATAL',
    '0A000',
    'replication connections do not pass the gateway',
    '',
    'The cluster makes its own standbys; pg_dump makes a copy.',
  );
}

export function passwordFailed(user: string): Failure {
  return failure('FATAL', '28P01', `password authentication failed for user "${user}"`);
}

export function throttled(): Failure {
  return failure('FATAL', '28000', 'too many failed log-ins from this address', '', 'Try again in some seconds.');
}

export function tooManyClients(): Failure {
  return failure('FATAL', '53300', 'sorry, too many clients already');
}

export function startupTimeout(): Failure {
  return failure('FATAL', '08006', 'canceling authentication due to timeout');
}

/** Nothing of the statement was done. `reason`: why there is no server, in a line; '' when all are busy. */
export function noServer(reason: string): Failure {
  return failure('ERROR', '57P03', 'the database system is not accepting connections', reason, 'Try again.');
}

/** Nothing of the statement was done. */
export function queueTimeout(waited_ms: number): Failure {
  const detail = `Every connection of this role and database to PostgreSQL was busy for ${waited_ms} ms; nothing was done.`;
  return failure('ERROR', '53300', 'remaining connection slots are in use', detail, 'Raise the size of the pool.');
}

/** It did not commit. */
export function connectionEnded(why: string): Failure {
  const detail = `${why} A transaction that was open has been rolled back.`;
  return failure('FATAL', '57P01', 'terminating connection due to administrator command', detail, 'Connect again.');
}

/** It may have committed or not. */
export function outcomeUnknown(why: string): Failure {
  const detail = `${why} Whether the last transaction has been committed is not known.`;
  return failure('FATAL', '08007', 'transaction resolution unknown', detail, 'Connect again and look.');
}

export function cancelled(): Failure {
  return failure('ERROR', '57014', 'canceling statement due to user request');
}

export function tooManyNotifications(): Failure {
  return failure('FATAL', '53400', 'too many notifications wait for the end of a transaction');
}

export function idleInTransaction(): Failure {
  return failure('FATAL', '25P03', 'terminating connection due to idle-in-transaction timeout');
}

export function shuttingDown(): Failure {
  return failure('FATAL', '57P01', 'terminating connection due to administrator command');
}

export function tooManyStatements(limit: number): Failure {
  return failure('FATAL', '53400', `more than ${limit} prepared statements in one session`);
}

export function settingRefused(name: string): Failure {
  const hint = 'It is managed by the cluster, which keeps acknowledged transactions by it.';
  return failure('FATAL', '55P02', `parameter "${name}" cannot be changed`, '', hint);
}
