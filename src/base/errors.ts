/**
 * The one table of errors that leave the product: what they mean, whether a client may try again, and their words in
 * every protocol. A bug is never one of these, it is an assertion (`assert.ts`); what a client did wrong inside a
 * protocol (a wrong arity, a wrong type) is that door's own reply.
 */

export interface ErrorKind {
  /** One sentence for people, without the particulars. */
  readonly text: string;
  /** True: it certainly had no effect and may work when it is tried again, unchanged. */
  readonly retriable: boolean;
  /** First word of a Redis error reply. */
  readonly resp: string;
  /** Error code of the CQL protocol. */
  readonly cql: number;
  readonly sqlstate: string;
  readonly http: number;
}

const CQL = {
  serverError: 0x0000,
  protocolError: 0x000a,
  unavailable: 0x1000,
  overloaded: 0x1001,
  isBootstrapping: 0x1002,
  writeTimeout: 0x1100,
  invalid: 0x2200,
  configError: 0x2300,
} as const;

function kind(
  text: string,
  retriable: boolean,
  resp: string,
  cql: keyof typeof CQL,
  sqlstate: string,
  http: number,
): ErrorKind {
  return { text, retriable, resp, cql: CQL[cql], sqlstate, http };
}

/** SQLSTATE classes: 08 connection, 53 resources, 54 limits, 55 wrong state, 57 intervention, 58 system, F0 configuration, 42 syntax. */
export const ERRORS = {
  // Answers to requests.
  OUTCOME_UNKNOWN: kind('The write may or may not have happened.', false, 'ERR', 'writeTimeout', '08007', 504),
  UNAVAILABLE: kind('No leader could be reached in time.', true, 'CLUSTERDOWN', 'unavailable', '57P03', 503),
  OVERLOADED: kind('Too many writes are in flight.', true, 'TRYAGAIN', 'overloaded', '53000', 503),
  TOO_MANY_CLIENTS: kind('The limit of connections is reached.', true, 'ERR', 'overloaded', '53300', 503),
  TOO_LARGE: kind('The request is larger than a limit allows.', false, 'ERR', 'invalid', '54000', 413),
  CROSS_SLOT: kind('The keys belong to different slots.', false, 'CROSSSLOT', 'invalid', '0A000', 400),
  DRAINING: kind('The node is about to stop.', true, 'LOADING', 'isBootstrapping', '57P01', 503),
  NOT_FORMED: kind('The cluster is not formed yet.', true, 'CLUSTERDOWN', 'isBootstrapping', '57P03', 503),
  NOT_READY: kind('The node does not serve.', true, 'LOADING', 'isBootstrapping', '57P03', 503),
  ALREADY_FORMED: kind('The cluster is already formed.', false, 'ERR', 'invalid', '55000', 409),
  BAD_REQUEST: kind('The request is not valid.', false, 'ERR', 'invalid', '42601', 400),
  FORBIDDEN: kind('The request is not allowed.', false, 'NOPERM', 'invalid', '42501', 403),
  NOT_FOUND: kind('There is no such thing.', false, 'ERR', 'invalid', '42704', 404),
  METHOD_NOT_ALLOWED: kind('The path does not take this method.', false, 'ERR', 'protocolError', '42601', 405),
  CONFLICT: kind('The cluster is in no state to do this now.', true, 'TRYAGAIN', 'invalid', '55000', 409),
  INTERNAL: kind('Something went wrong inside.', false, 'ERR', 'serverError', 'XX000', 500),

  // Operating errors: they end a start or a command, and the operator reads cause and cure.
  OPTION_INVALID: kind('An option has a value that it cannot have.', false, 'ERR', 'configError', 'F0000', 400),
  OPTION_UNKNOWN: kind('There is no such option.', false, 'ERR', 'configError', 'F0000', 400),
  CONFIG_FILE: kind('The configuration file cannot be used.', false, 'ERR', 'configError', 'F0000', 400),
  PORT_TAKEN: kind('Another process listens on the port.', true, 'ERR', 'serverError', '58000', 500),
  PORT_REFUSED: kind(
    'The system does not let this user listen on the port.',
    false,
    'ERR',
    'serverError',
    '58000',
    500,
  ),
  ADDRESS_UNAVAILABLE: kind('This machine does not have the address.', false, 'ERR', 'serverError', '58000', 500),
  FOLDER_UNUSABLE: kind('The data folder cannot be read and written.', false, 'ERR', 'serverError', '58030', 500),
  FOLDER_IN_USE: kind('Another process uses the data folder.', true, 'ERR', 'serverError', '55006', 500),
  FOLDER_OF_OTHER_NODE: kind('The data folder belongs to another node.', false, 'ERR', 'serverError', '55000', 500),
  FOLDER_OF_OTHER_CLUSTER: kind(
    'The data folder belongs to another cluster.',
    false,
    'ERR',
    'serverError',
    '55000',
    500,
  ),
  FOLDER_TOO_NEW: kind('The data folder was written by a newer version.', false, 'ERR', 'serverError', '55000', 500),
  FOLDER_NODE_COUNT: kind('The data folder holds another number of nodes.', false, 'ERR', 'serverError', '55000', 500),
  DISK_FULL: kind('The disk is full.', true, 'ERR', 'serverError', '53100', 507),
  DISK_FAILED: kind('The disk reported an error.', false, 'ERR', 'serverError', '58030', 500),
  UNRECOVERABLE: kind(
    'Too much is damaged: no majority of the replicas is left.',
    false,
    'ERR',
    'serverError',
    'XX001',
    500,
  ),
  NODE_REMOVED: kind('The node was removed from the cluster.', false, 'ERR', 'serverError', '55000', 409),
  TLS_UNUSABLE: kind('The certificates cannot be used.', false, 'ERR', 'configError', 'F0000', 500),
  DATA_DAMAGED: kind('Data on the disk is damaged.', false, 'ERR', 'serverError', 'XX001', 500),
  WRONG_CLUSTER: kind('The other node belongs to another cluster.', false, 'ERR', 'serverError', '08004', 409),
  WRONG_VERSION: kind(
    'The other node speaks another version of the protocol.',
    false,
    'ERR',
    'protocolError',
    '08P01',
    409,
  ),
  NODE_UNREACHABLE: kind('The node does not answer.', true, 'ERR', 'unavailable', '08006', 502),
  NODE_ENDED: kind('A node process ended by itself.', false, 'ERR', 'serverError', '57P02', 500),
  TIMED_OUT: kind('It did not happen in time.', true, 'ERR', 'serverError', '57014', 504),
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERRORS;

/** An expected error, told in two sentences: what happened, and what to do about it. */
export class FolkmootError extends Error {
  override readonly name = 'FolkmootError';
  readonly code: ErrorCode;
  /** What to do about it; one sentence. */
  readonly cure: string;

  /** `text` says what happened, with the particulars (which port, which folder); `cure` what to do. */
  constructor(code: ErrorCode, text: string, cure: string, options?: { cause?: unknown }) {
    super(text, options);
    this.code = code;
    this.cure = cure;
  }

  get kind(): ErrorKind {
    return ERRORS[this.code];
  }
}

/** The two sentences for any error; one that is not ours has no cure to offer. */
export function describeError(error: unknown): { code: ErrorCode; text: string; cure: string } {
  if (error instanceof FolkmootError) return { code: error.code, text: error.message, cure: error.cure };
  const text = error instanceof Error ? error.message : String(error);
  return { code: 'INTERNAL', text, cure: 'Run again with --log-level=debug and report what it prints.' };
}

/** LMDB gives the system's number; these are the same on every Unix. */
const ERRNO_BY_NUMBER: Readonly<Record<number, string>> = { 5: 'EIO', 28: 'ENOSPC' };

/** The system's error code (EADDRINUSE, ENOSPC ...), or an empty string. */
export function errnoOf(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error)) return '';
  if (typeof error.code === 'number') return ERRNO_BY_NUMBER[error.code] ?? '';
  return typeof error.code === 'string' ? error.code : '';
}

/** Why listening failed. `option` is the option that sets the port, without dashes. */
export function listenError(error: unknown, host: string, port: number, option: string): FolkmootError {
  const at = `${host}:${port}`;
  switch (errnoOf(error)) {
    case 'EADDRINUSE':
      return new FolkmootError(
        'PORT_TAKEN',
        `port ${port} on ${host} is taken by another process`,
        `Stop that process, or choose another port with --${option}.`,
        { cause: error },
      );
    case 'EACCES':
    case 'EPERM':
      return new FolkmootError(
        'PORT_REFUSED',
        `this user may not listen on port ${port} of ${host}`,
        `Choose a port above 1023 with --${option}.`,
        { cause: error },
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new FolkmootError(
        'ADDRESS_UNAVAILABLE',
        `this machine does not have the address ${host}`,
        addressCure(host),
        {
          cause: error,
        },
      );
    default:
      return new FolkmootError(
        'PORT_REFUSED',
        `cannot listen on ${at}: ${error instanceof Error ? error.message : String(error)}`,
        `Check the address, and the port that --${option} sets.`,
        { cause: error },
      );
  }
}

/** macOS and BSD have one loopback address until told otherwise. */
function addressCure(host: string): string {
  if (host.startsWith('127.')) return `Add it: sudo ifconfig lo0 alias ${host} up`;
  return 'Set --listen to an address of this machine.';
}

/** Why a folder or file cannot be used. Errors that are not the system's pass unchanged. */
export function folderError(error: unknown, path: string): unknown {
  switch (errnoOf(error)) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new FolkmootError(
        'FOLDER_UNUSABLE',
        `${path} is not writable`,
        'Set --data to a folder that this user owns.',
        {
          cause: error,
        },
      );
    case 'ENOTDIR':
    case 'EEXIST':
      return new FolkmootError('FOLDER_UNUSABLE', `${path} is not a folder`, 'Set --data to a folder.', {
        cause: error,
      });
    case 'ENOSPC':
    case 'EDQUOT':
    case 'WAL_DISK_FULL':
      return new FolkmootError('DISK_FULL', `the disk that holds ${path} is full`, 'Free some space and start again.', {
        cause: error,
      });
    case 'EIO':
      return new FolkmootError(
        'DISK_FAILED',
        `the disk that holds ${path} reported an error`,
        'Check the disk; a new node on a good disk gets its data from its peers.',
        { cause: error },
      );
    case 'WAL_WRITE_FAILED':
    case 'STORE_WRITE_FAILED':
      // The log and the store say what they were doing; what the disk said is their cause.
      return folderError((error as Error).cause, path);
    default:
      return error;
  }
}
