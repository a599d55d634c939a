/** The connection ended before the reply came. `sent` is false when the command certainly did not leave. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
  readonly sent: boolean;
  constructor(sent: boolean, reason = 'the connection was lost', cause?: unknown) {
    super(reason, { cause });
    this.sent = sent;
  }
}
