/**
 * Stream connections as the layers below `node/` see them. The real network is `node/real-network.ts`; the simulated one
 * delays, cuts and partitions. Handlers are plain fields that the owner sets before it returns to the event loop; nothing is
 * reported before that.
 */
export interface Network {
  /**
   * Accepts connections on `host`:`port`; port 0 takes a free one. Rejects with `AddressError` when the address cannot be
   * used.
   */
  listen(host: string, port: number, onConnection: (connection: Connection) => void): Promise<Listener>;
  /** Starts to connect and returns at once; `onConnect` or `onClose` follows. */
  connect(host: string, port: number): Connection;
}

export interface Listener {
  readonly host: string;
  readonly port: number;
  /** Accepts no more. Connections that were accepted live on. Resolves when the address is free again. */
  close(): Promise<void>;
}

export interface Connection {
  /** The connection is established. Never called for accepted ones, which are established from the start. */
  onConnect: () => void;
  /** Bytes arrived. The buffer is the receiver's to keep; the network never writes into it again. */
  onData: (chunk: Buffer) => void;
  /** Everything written has left, after a `write` that returned false. */
  onDrain: () => void;
  /** The last call: null when either side ended in good order, else what broke. */
  onClose: (error: Error | null) => void;
  /**
   * Queues bytes in order. `bytes` belongs to the connection until `bytesQueued` is 0; that may be so when this returns
   * (the result is then true). False: some bytes still wait, `onDrain` follows. Ignored after the end.
   */
  write(bytes: Uint8Array): boolean;
  /** Bytes written that the operating system has not taken yet. */
  readonly bytesQueued: number;
  /** Stops `onData` (and with it the peer, once the buffers between are full) until `resume`. */
  pause(): void;
  resume(): void;
  /** Sends what is queued, then closes. */
  end(): void;
  /** Closes at once and forgets what is queued. `onClose` follows, with `error` when given. */
  destroy(error?: Error): void;
  /** "host:port" of the other side, for logs. */
  readonly remote: string;
}

/** An address cannot be listened on. `code` is the system's: EADDRINUSE, EADDRNOTAVAIL, EACCES ... */
export class AddressError extends Error {
  override readonly name = 'AddressError';
  readonly code: string;
  readonly host: string;
  readonly port: number;
  readonly protocol: 'TCP' | 'UDP';

  constructor(code: string, host: string, port: number, protocol: 'TCP' | 'UDP', cause?: unknown) {
    super(`${protocol} ${formatAddress(host, port)} ${reasonOf(code)}`, { cause });
    this.code = code;
    this.host = host;
    this.port = port;
    this.protocol = protocol;
  }
}

/** "host:port", with brackets around an IPv6 address. */
export function formatAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function reasonOf(code: string): string {
  if (code === 'EADDRINUSE') return 'is already in use by another process';
  if (code === 'EADDRNOTAVAIL') return 'is not an address of this machine';
  if (code === 'EACCES') return 'needs privileges that this process does not have';
  return `cannot be used (${code})`;
}
