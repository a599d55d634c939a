/**
 * What happens to a connection that this node accepted until it is known what it is: a member's link, a bulk stream or a
 * guest. `judgeHello` holds the rules; everything else is their execution.
 */
import type { Timer } from '../base/clock.ts';
import type { Connection } from '../base/network.ts';
import { BulkReceiver } from './transport-bulk.ts';
import { serveGuest } from './transport-guest.ts';
import { commonVersion, encodeAnswer, HandshakeReader, type Hello, HelloKind, Verdict } from './transport-handshake.ts';
import type { PeerLink } from './transport-peer.ts';
import { AcceptedTunnel } from './transport-tunnel.ts';
import type { BulkHandler, NodeIdentity, StreamOwner } from './transport-types.ts';
import type { NodeId } from './view.ts';

const HELLO_TIMEOUT_MS = 5000;
/** How long a refusal may take to be read before the connection is closed for good. */
const REFUSAL_LINGER_MS = 1000;

/** What the acceptor needs of the transport. */
export interface AcceptorOwner extends StreamOwner {
  readonly identity: NodeIdentity | null;
  isBlocked(node: NodeId): boolean;
  /** Somebody says that it is a member of this cluster, and this node does not know of it. */
  strangerIsMember(): void;
  isDeafTo(node: NodeId): boolean;
  link(node: NodeId): PeerLink | undefined;
  acceptBulk(from: NodeId, header: Buffer): BulkHandler | string | null;
  acceptTunnel(from: NodeId, header: Buffer): ((connection: Connection) => void) | string | null;
  bulkOpened(stream: BulkReceiver | AcceptedTunnel): void;
  bulkClosed(stream: BulkReceiver | AcceptedTunnel): void;
}

export interface Judgement {
  readonly verdict: Verdict;
  readonly reason: string;
}

const ACCEPTED: Judgement = { verdict: Verdict.accepted, reason: '' };

/** The rules that need only the two identities. Epochs are judged by the link, which remembers them. */
export function judgeHello(hello: Hello, identity: NodeIdentity | null, takesGuests: boolean): Judgement {
  if (commonVersion(hello.versionMin, hello.versionMax) === 0) {
    const reason = `no common protocol version: offered ${hello.versionMin} to ${hello.versionMax}`;
    return { verdict: Verdict.version, reason };
  }
  if (hello.kind === HelloKind.guest)
    return takesGuests ? ACCEPTED : { verdict: Verdict.notReady, reason: 'this node takes no guests' };
  if (identity === null) return { verdict: Verdict.notReady, reason: 'this node belongs to no cluster yet' };
  if (hello.clusterId !== identity.clusterId) {
    const reason = `wrong cluster: this node belongs to ${identity.clusterId}, the caller to ${hello.clusterId}`;
    return { verdict: Verdict.wrongCluster, reason };
  }
  if (hello.to !== identity.nodeId)
    return { verdict: Verdict.wrongNode, reason: `this is node ${identity.nodeId}, not node ${hello.to}` };
  if (hello.from === identity.nodeId) {
    const reason = `the caller says that it is node ${identity.nodeId}, which is this node: two processes use one identity`;
    return { verdict: Verdict.identityTaken, reason };
  }
  return ACCEPTED;
}

export class Acceptor {
  readonly #owner: AcceptorOwner;
  /** Connections that are no member's: before the hello, being refused, and guests. */
  readonly #strangers = new Set<Connection>();

  constructor(owner: AcceptorOwner) {
    this.#owner = owner;
  }

  get strangers(): number {
    return this.#strangers.size;
  }

  accept(connection: Connection): void {
    const { options, world } = this.#owner;
    if (this.#strangers.size >= options.strangers_max) {
      connection.destroy();
      return;
    }
    this.#strangers.add(connection);
    const reader = HandshakeReader.forHello();
    const timer = world.clock.after(HELLO_TIMEOUT_MS, () => connection.destroy());
    connection.onClose = () => {
      timer.cancel();
      this.#strangers.delete(connection);
    };
    connection.onData = (chunk) => {
      const state = reader.push(chunk);
      if (state === 'partial') return;
      const hello = state === 'whole' ? reader.hello() : null;
      // Nobody says more before the answer: a hello with something behind it is not one of ours.
      if (hello === null || reader.rest.length > 0) {
        this.#drop(connection, timer, 'the other side does not speak the peer protocol');
        return;
      }
      this.#greet(connection, timer, hello);
    };
  }

  stop(): void {
    for (const connection of [...this.#strangers]) connection.destroy();
    this.#strangers.clear();
  }

  #greet(connection: Connection, timer: Timer, hello: Hello): void {
    const owner = this.#owner;
    const isMember = hello.kind !== HelloKind.guest;
    if (isMember && owner.isBlocked(hello.from)) {
      this.#forget(connection, timer);
      connection.destroy();
      return;
    }
    // It waits for an answer until it, or the timer, gives up.
    if (isMember && owner.isDeafTo(hello.from)) return;
    const judgement = judgeHello(hello, owner.identity, owner.guestHandler() !== null);
    if (judgement.verdict !== Verdict.accepted) {
      this.#refuse(connection, timer, hello, judgement);
      return;
    }
    if (hello.kind === HelloKind.guest) {
      timer.cancel();
      this.#answer(connection, hello, ACCEPTED);
      serveGuest(connection, owner, () => this.#strangers.delete(connection));
      return;
    }
    const link = owner.link(hello.from);
    if (link === undefined) {
      owner.strangerIsMember();
      const reason = `node ${hello.from} is not a member that this node knows of`;
      this.#refuse(connection, timer, hello, { verdict: Verdict.unknownNode, reason });
      return;
    }
    const objection = link.judge(hello);
    if (objection !== null) {
      this.#refuse(connection, timer, hello, objection);
      return;
    }
    if (hello.kind === HelloKind.bulk) this.#startBulk(connection, timer, hello, link);
    else if (hello.kind === HelloKind.tunnel) this.#startTunnel(connection, timer, hello, link);
    else {
      this.#forget(connection, timer);
      this.#answer(connection, hello, ACCEPTED);
      link.adopt(connection);
    }
  }

  #startBulk(connection: Connection, timer: Timer, hello: Hello, link: PeerLink): void {
    const owner = this.#owner;
    // Judging may have ended the link of an older incarnation.
    link.dial();
    const handler = owner.acceptBulk(hello.from, Buffer.from(hello.extra));
    if (handler === null || typeof handler === 'string') {
      this.#refuse(connection, timer, hello, { verdict: Verdict.declined, reason: handler ?? 'declined' });
      return;
    }
    this.#forget(connection, timer);
    this.#answer(connection, hello, ACCEPTED);
    const receiver = new BulkReceiver(hello.from, connection, handler, owner, () => owner.bulkClosed(receiver));
    owner.bulkOpened(receiver);
  }

  #startTunnel(connection: Connection, timer: Timer, hello: Hello, link: PeerLink): void {
    const owner = this.#owner;
    link.dial();
    const take = owner.acceptTunnel(hello.from, Buffer.from(hello.extra));
    if (take === null || typeof take === 'string') {
      this.#refuse(connection, timer, hello, { verdict: Verdict.declined, reason: take ?? 'declined' });
      return;
    }
    this.#forget(connection, timer);
    this.#answer(connection, hello, ACCEPTED);
    const tunnel = new AcceptedTunnel(hello.from, connection, () => owner.bulkClosed(tunnel));
    owner.bulkOpened(tunnel);
    take(tunnel);
  }

  #refuse(connection: Connection, timer: Timer, hello: Hello, judgement: Judgement): void {
    const { logger } = this.#owner.world;
    // A peer that is a moment ahead in what it knows of the members is an ordinary sight while nodes join.
    const passing = judgement.verdict === Verdict.unknownNode || judgement.verdict === Verdict.notReady;
    const log = passing ? logger.debug : logger.warn;
    log.call(
      logger,
      { peer: hello.from, remote: connection.remote, problem: judgement.reason },
      'peer: connection refused',
    );
    timer.cancel();
    const linger = this.#owner.world.clock.after(REFUSAL_LINGER_MS, () => connection.destroy());
    connection.onData = () => undefined;
    connection.onClose = () => {
      linger.cancel();
      this.#strangers.delete(connection);
    };
    this.#answer(connection, hello, judgement);
    connection.end();
  }

  #answer(connection: Connection, hello: Hello, judgement: Judgement): void {
    const identity = this.#owner.identity;
    connection.write(
      encodeAnswer({
        verdict: judgement.verdict,
        version: commonVersion(hello.versionMin, hello.versionMax),
        node: identity?.nodeId ?? 0,
        epoch: identity?.epoch ?? 0,
        reason: judgement.reason,
      }),
    );
  }

  #drop(connection: Connection, timer: Timer, problem: string): void {
    this.#owner.world.logger.warn({ remote: connection.remote, problem }, 'peer: connection dropped');
    this.#forget(connection, timer);
    connection.destroy();
  }

  #forget(connection: Connection, timer: Timer): void {
    timer.cancel();
    this.#strangers.delete(connection);
    connection.onData = () => undefined;
    connection.onClose = () => undefined;
  }
}
