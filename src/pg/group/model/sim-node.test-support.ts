/** A node: its process, its server, and what it knows of the others. */
import { type MemberState, NEW_MEMBER } from '../member-state.ts';
import type { PrimaryLease } from '../primary-lease.ts';
import type { Replica, SimServer } from './sim-server.test-support.ts';

export class SimNode {
  readonly id: number;
  readonly server: SimServer;
  isUp = true;
  isPaused = false;
  /** The version of the record that it has applied. */
  version = 0;
  state: MemberState = NEW_MEMBER;
  /** Ends of steps that are under way are void when this has changed. */
  life = 0;
  busyUntil_ms = 0;
  stage = '';
  stageSince_ms = 0;
  /** Whom its server is connected to as a standby, and as what. */
  upstream: SimNode | null = null;
  replica: Replica | null = null;
  /** The support that it gives, by node. */
  readonly supportUntil_ms = new Map<number, number>();
  readonly generation = new Map<number, number>();
  /** The support that it was given, by node. */
  readonly counted = new Map<number, { readonly generation: number; readonly until_ms: number }>();
  lease: PrimaryLease;

  constructor(id: number, server: SimServer, lease: (node: SimNode) => PrimaryLease) {
    this.id = id;
    this.server = server;
    this.lease = lease(this);
  }
}
