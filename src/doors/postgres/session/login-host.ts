/** What log-ins need of the gateway. */
import type { Socket } from 'node:net';
import type { AccessControl } from '../../../cluster/access/access-control.ts';
import type { PoolKind } from '../pool/kinds.ts';
import type { Pool } from '../pool/pool.ts';
import type { ClientSession } from './client-session.ts';
import type { SessionHost } from './session-host.ts';

/** Makes a socket on which a client begins TLS a secured one, and hands that on when the handshake is over. */
export type SocketUpgrade = (socket: Socket, onSecure: (socket: Socket) => void) => void;

export interface LoginHost extends SessionHost {
  readonly access: AccessControl;
  /** Null without certificates. */
  readonly secure: SocketUpgrade | null;
  readonly tlsRequired: boolean;
  poolOf(kind: PoolKind, database: string, user: string): Pool;
  /** Tells this session from all others of the cluster. */
  nextProcessId(): number;
  /** No more clients are taken; a few more superusers are. */
  isFull(isSuperuser: boolean): boolean;
  /** A cancel request has come. */
  cancel(processId: number, key: Buffer): void;
  begun(session: ClientSession): void;
  loginEnded(login: { destroy(): void }): void;
}
