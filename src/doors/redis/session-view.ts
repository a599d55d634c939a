/** What commands see of the connection they came by, and of the door. Types only, so that commands depend on no class. */
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { Prng } from '../../base/prng.ts';
import type { Router } from '../../cluster/view.ts';
import type { Acl } from './acl/acl.ts';
import type { AclLogEntry } from './acl/acl-log.ts';
import type { ClientRegistry } from './client-registry.ts';
import type { CommandTable } from './command-table.ts';
import type { Configuration } from './configuration.ts';
import type { Executor } from './operation.ts';
import type { DoorStatistics } from './statistics.ts';
import type { Topology } from './topology.ts';

/** Which of the two ports a connection came by. */
export type PortKind = 'cluster' | 'single';

export interface DoorServices {
  readonly router: Router;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly prng: Prng;
  readonly configuration: Configuration;
  readonly clients: ClientRegistry<ClientSession>;
  readonly statistics: DoorStatistics;
  readonly acl: Acl<ClientSession>;
  readonly table: CommandTable<ClientSession>;
  readonly topology: Topology;
  readonly executor: Executor;
  /** How long a request waits for a leader, and for the network, before it is answered with an error. */
  readonly deadline_ms: number;
  /** Random hexadecimal digits, fit for secrets. */
  randomHex(digits: number): string;
  readonly startedWall_ms: number;
  /** The ports that are open; 0 for one that is not. */
  ports(): { readonly cluster: number; readonly single: number };
}

export type ReplyMode = 'on' | 'off' | 'skip';

export interface ClientSession {
  readonly id: number;
  readonly kind: PortKind;
  readonly door: DoorServices;
  readonly remote: string;
  /** The same without the port. */
  readonly remoteHost: string;
  readonly local: string;
  /** Wall clock at the start, milliseconds. */
  readonly created_ms: number;
  name: string;
  libraryName: string;
  libraryVersion: string;
  resp3: boolean;
  /** READONLY was asked: reads may be served by a replica. */
  readOnly: boolean;
  /** Whether it has said who it is, or need not. */
  readonly authenticated: boolean;
  readonly user: string;
  noEvict: boolean;
  noTouch: boolean;
  replyMode: ReplyMode;
  lastCommand: string;
  lastActive_ms: number;
  readonly commandCount: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Commands queued since MULTI; -1 outside of a transaction. */
  readonly queuedCount: number;
  readonly watchedCount: number;
  readonly inFlightCount: number;
  readonly inputBytes: number;
  readonly outputBytes: number;
  /** Closes once the replies that are due have been sent. */
  closeAfterReplies(): void;
  /** Closes at once. */
  destroy(): void;
  /** Back to the state of a new connection (RESET). */
  resetState(): void;
  /** CLIENT REPLY SKIP: this command and the next are silent. */
  skipNext(): void;
  /** It is this user from now on. */
  becomeUser(name: string): void;
  /** For ACL LOG. */
  noteDenial(reason: AclLogEntry['reason'], object: string, user?: string): void;
  /** Takes no more requests until `release`; each is released once. */
  hold(): void;
  release(): void;
  /** Goes on after CLIENT UNPAUSE. */
  resume(): void;
}
